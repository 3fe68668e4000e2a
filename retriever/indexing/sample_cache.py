"""The cache: indexed samples kept on disk between runs; losing it costs time and nothing else."""

import fcntl
import hashlib
import json
import os
import re
import shutil
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from platformdirs import user_cache_path

from retriever.datasets.python_docs.packages import package_versions
from retriever.datasets.samples import PYTHON_DOCS, SAMPLE_FOLDER, load_sample
from retriever.encoders.catalogue import model_card
from retriever.encoders.loading import packaged_fingerprint
from retriever.errors import RetrieverError, StorageError
from retriever.indexing.collection import IndexedCollection, IndexSettings
from retriever.indexing.pipeline import index_collection
from retriever.progress import Progress

LIBRARY_FOLDER = Path(__file__).resolve().parents[1]  # all of its source is part of the key
CACHE_FOLDER = "LAB_CACHE"  # environment variable: where the cache is kept
UNFINISHED_PREFIX = ".unfinished-"  # begins the name of what is being written or deleted
LOCK_SECONDS = 10.0  # seconds to wait for another process that is writing
KEY_DIGITS = 16  # of the key in a folder's name


def cache_folder() -> Path:
    """Return the folder of the cache: LAB_CACHE, or the user's cache folder."""
    given = os.environ.get(CACHE_FOLDER)
    return Path(given) if given else user_cache_path("dense-retrieval-lab")


def cached_sample(
    name: str, settings: IndexSettings | None = None, *, progress: Progress | None = None
) -> IndexedCollection:
    """Return a sample indexed, from the cache if it is there, else built and kept there.

    The key is the sample's files, the packages' versions, this package's code, the model's fingerprint and settings; a
    damaged or unwritable cache is passed over. Raises what load_sample and index_collection raise.
    """
    settings = settings or IndexSettings()
    folder = _entry_folder(name, settings)
    if folder is not None:
        try:
            return IndexedCollection.load(folder)
        except RetrieverError:
            pass  # not there, or damaged: built below
    start = time.perf_counter()
    collection = load_sample(name, progress=(lambda done: progress("reading", done)) if progress else None)
    indexed = index_collection(collection, settings, progress=progress, reading_seconds=time.perf_counter() - start)
    if folder is not None:
        with suppress(StorageError, OSError):  # a full or read-only disk: the app runs without a cache
            _store(indexed, folder)
    return indexed


def _store(indexed: IndexedCollection, folder: Path) -> None:
    """Write a sample beside its place and move it there in one step; delete what earlier code or settings left of it.

    Another process may be reading what is deleted: it finds a file missing, and builds the sample itself. Raises
    StorageError or OSError if the disk refuses.
    """
    root = folder.parent
    root.mkdir(parents=True, exist_ok=True)
    with _writer_lock(root):
        for left in root.glob(f"{UNFINISHED_PREFIX}*"):  # nobody else writes, so whoever began these was killed
            _delete(left)
        with tempfile.TemporaryDirectory(dir=root, prefix=UNFINISHED_PREFIX, ignore_cleanup_errors=True) as temporary:
            written = Path(temporary) / folder.name
            indexed.save(written)
            if os.path.lexists(folder):  # damaged, or made by another process meanwhile
                os.replace(folder, Path(temporary) / "before")
            os.replace(written, folder)
        earlier = re.compile(re.escape(folder.name[:-KEY_DIGITS]) + rf"[0-9a-f]{{{KEY_DIGITS}}}")
        for other in root.iterdir():
            if earlier.fullmatch(other.name) and other.name != folder.name:
                _delete(other)


@contextmanager
def _writer_lock(root: Path) -> Iterator[None]:
    """Hold the cache's lock, which ends with the process that holds it; StorageError if another does not let go.

    Where the file system knows no locks two processes may write at once: one's unfinished work is then lost, no more.
    """
    handle, end = os.open(root, os.O_RDONLY), time.monotonic() + LOCK_SECONDS
    try:
        while True:
            try:
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError as error:
                if time.monotonic() > end:
                    raise StorageError("Another process is writing the cache; this one goes on without it.") from error
                time.sleep(0.1)
            except OSError:
                break
        yield
    finally:
        os.close(handle)


def _delete(path: Path) -> None:
    """Delete a folder or file of the cache; what cannot be deleted does no harm."""
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path, ignore_errors=True)
    else:
        with suppress(OSError):
            path.unlink()


def _entry_folder(name: str, settings: IndexSettings) -> Path | None:
    """Return the folder of one cached sample; None for a model whose fingerprint only its download would tell."""
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
    """Return a hash of a folder's files of one pattern: a change of the samples, or of how they are read, is seen."""
    digest = hashlib.sha256()
    for path in sorted(folder.rglob(pattern)):
        if path.is_file():
            digest.update(str(path.relative_to(folder)).encode() + b"\0" + path.read_bytes())
    return digest.hexdigest()
