"""A disk cache of indexed samples; losing it costs time and nothing else."""

import hashlib
import json
import os
import re
import shutil
import tempfile
import threading
import time
from contextlib import AbstractContextManager, nullcontext, suppress
from dataclasses import replace
from pathlib import Path

from filelock import FileLock, Timeout
from platformdirs import user_cache_path

from retriever.datasets.collection import Collection, Origin
from retriever.datasets.python_docs.packages import package_versions
from retriever.datasets.reading_process import load_sample_in_process, read_ahead
from retriever.datasets.samples import PYTHON_DOCS, SAMPLE_FOLDER, load_sample
from retriever.encoders.catalogue import model_card
from retriever.encoders.loading import load_encoder, packaged_fingerprint
from retriever.errors import RetrieverError, StorageError
from retriever.indexing.collection import IndexedCollection, IndexSettings
from retriever.indexing.pipeline import index_collection
from retriever.progress import Progress, stage_progress

LIBRARY_FOLDER = Path(__file__).resolve().parents[1]  # its source is part of the key
CACHE_FOLDER = "LAB_CACHE"  # environment variable: the folder of the cache
UNFINISHED_PREFIX = ".unfinished-"  # of the names of folders that are being written or deleted
LOCK_FILE = ".lock"  # in the cache; it stays, as another process may be about to lock it
LOCK_SECONDS = 10.0  # to wait for another process that is writing
KEY_DIGITS = 16  # hexadecimal digits of the key in a folder's name


def cache_folder() -> Path:
    """Return the folder of the cache: LAB_CACHE if it is set, else one in the user's cache folder."""
    given = os.environ.get(CACHE_FOLDER)
    return Path(given) if given else user_cache_path("dense-retrieval-lab")


def cached_sample(
    name: str, settings: IndexSettings | None = None, *, progress: Progress | None = None
) -> IndexedCollection:
    """Return an indexed sample, from the cache if it is there, else indexed and stored there.

    The key is made of the sample's files, the packages' versions, this package's code, the model's fingerprint and
    settings; a damaged or unwritable cache is ignored. Raises what load_sample and index_collection raise.
    """
    settings = settings or IndexSettings()
    folder = _entry_folder(name, settings)
    if folder is not None:
        try:
            return replace(IndexedCollection.load(folder), origin=Origin("sample", name))
        except RetrieverError:
            pass  # missing or damaged: indexed below
    start = time.perf_counter()
    collection = _read(name, settings, progress)
    indexed = index_collection(collection, settings, progress=progress, reading_seconds=time.perf_counter() - start)
    if folder is not None:
        with suppress(StorageError, OSError):  # a full or read-only disk: go on without a cache
            _store(indexed, folder)
    return indexed


def begin_sample(name: str) -> None:
    """Let another process begin to read a sample that is not in the cache, for cached_sample to take."""
    folder = _entry_folder(name, IndexSettings())
    if name in PYTHON_DOCS and folder is not None and not folder.exists():
        read_ahead(name)


def _read(name: str, settings: IndexSettings, progress: Progress | None) -> Collection:
    """Return a sample; the Python docs are read by another process while this one loads the model."""
    report = stage_progress(progress, "reading")
    if name not in PYTHON_DOCS:
        return load_sample(name, progress=report)
    if model_card(settings.model_name).packaged:
        threading.Thread(target=_preload, args=(settings.model_name,), name="model", daemon=True).start()
    return load_sample_in_process(name, progress=report)


def _preload(model_name: str) -> None:
    """Load a model; if that fails, whoever needs it is told."""
    with suppress(Exception):
        load_encoder(model_name)


def _store(indexed: IndexedCollection, folder: Path) -> None:
    """Write a sample into a temporary folder, move it into place in one step, and delete its outdated entries.

    Another process may be reading what is deleted: it finds a file missing, and indexes the sample itself. Raises
    StorageError or OSError if writing fails.
    """
    root = folder.parent
    root.mkdir(parents=True, exist_ok=True)
    with _writer_lock(root):
        for unfinished in root.glob(f"{UNFINISHED_PREFIX}*"):  # under the lock: their writer was killed
            _delete(unfinished)
        with tempfile.TemporaryDirectory(dir=root, prefix=UNFINISHED_PREFIX, ignore_cleanup_errors=True) as temporary:
            written = Path(temporary) / folder.name
            indexed.save(written)
            if os.path.lexists(folder):  # damaged, or written by another process meanwhile
                os.replace(folder, Path(temporary) / "before")
            os.replace(written, folder)
        any_version = re.compile(re.escape(folder.name[:-KEY_DIGITS]) + rf"[0-9a-f]{{{KEY_DIGITS}}}")
        for other in root.iterdir():
            if any_version.fullmatch(other.name) and other.name != folder.name:
                _delete(other)


def _writer_lock(root: Path) -> AbstractContextManager[object]:
    """Lock the cache against other writing processes; the system releases the lock if this process ends.

    Where the file system has no locks, two processes may write at once; only unfinished work of one is lost then.
    Raises Timeout, an OSError, if another process holds the lock for more than LOCK_SECONDS.
    """
    try:
        return FileLock(root / LOCK_FILE, LOCK_SECONDS, fallback_to_soft=False).acquire()
    except Timeout:
        raise
    except OSError:
        return nullcontext()


def _delete(path: Path) -> None:
    """Delete a folder or file of the cache; one that cannot be deleted does no harm."""
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path, ignore_errors=True)
    else:
        with suppress(OSError):
            path.unlink()


def _entry_folder(name: str, settings: IndexSettings) -> Path | None:
    """Return the folder of a cached sample; None for a model whose fingerprint is unknown before its download."""
    card = model_card(settings.model_name)
    if not card.packaged:
        return None
    key = {
        "code": _hash_files(LIBRARY_FOLDER, "*.py"),
        "packages": package_versions(PYTHON_DOCS.get(name, ())),
        "files": _hash_files(SAMPLE_FOLDER, "*"),
        "model": packaged_fingerprint(card),
        "settings": [settings.chunk_size, settings.chunk_overlap, settings.M, settings.ef_construction],
    }
    digest = hashlib.sha256(json.dumps(key, sort_keys=True).encode()).hexdigest()
    return cache_folder() / f"{name}-{settings.model_name}-{digest[:KEY_DIGITS]}"


def _hash_files(folder: Path, pattern: str) -> str:
    """Return a hash of the names and contents of a folder's files that match a pattern."""
    digest = hashlib.sha256()
    for path in sorted(folder.rglob(pattern)):
        if path.is_file():
            digest.update(str(path.relative_to(folder)).encode() + b"\0" + path.read_bytes())
    return digest.hexdigest()
