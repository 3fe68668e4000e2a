"""The cache: indexed samples kept on disk between runs; losing it costs time and nothing else."""

import hashlib
import json
import os
import shutil
import time
from pathlib import Path

from platformdirs import user_cache_path

from retriever.errors import RetrieverError, StorageError
from retriever.indexed import IndexedCollection, IndexSettings, Progress
from retriever.indexing import index_collection
from retriever.models import fingerprint, model_card
from retriever.python_packages import package_versions
from retriever.samples import PYTHON_DOCS, SAMPLE_FOLDER, load_sample

CACHE_FOLDER = "LAB_CACHE"  # environment variable: where the cache is kept


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
    folder = _folder(name, settings)
    if folder is not None:
        try:
            return IndexedCollection.load(folder)
        except RetrieverError:
            pass  # not there, or damaged: built below
    start = time.perf_counter()
    collection = load_sample(name, progress=(lambda done: progress("reading", done)) if progress else None)
    indexed = index_collection(collection, settings, progress=progress, reading_seconds=time.perf_counter() - start)
    if folder is not None:
        try:
            indexed.save(folder)
        except StorageError:
            shutil.rmtree(folder, ignore_errors=True)  # a full or read-only disk: the app runs without a cache
    return indexed


def _folder(name: str, settings: IndexSettings) -> Path | None:
    """Return the folder of one cached sample; None for a model whose fingerprint only its download would tell."""
    card = model_card(settings.model_name)
    if not card.packaged:
        return None
    key = {
        "code": _digest(Path(__file__).parent, "*.py"),
        "packages": package_versions(PYTHON_DOCS.get(name, ())),
        "files": _digest(SAMPLE_FOLDER, "*"),
        "model": fingerprint(card),
        "settings": [settings.chunk_size, settings.chunk_overlap, settings.M, settings.ef_construction],
    }
    digest = hashlib.sha256(json.dumps(key, sort_keys=True).encode()).hexdigest()
    return cache_folder() / f"{name}-{settings.model_name}-{digest[:16]}"


def _digest(folder: Path, pattern: str) -> str:
    """Return a hash of a folder's files of one pattern: a change of the samples, or of how they are read, is seen."""
    digest = hashlib.sha256()
    for path in sorted(folder.rglob(pattern)):
        if path.is_file():
            digest.update(str(path.relative_to(folder)).encode() + b"\0" + path.read_bytes())
    return digest.hexdigest()
