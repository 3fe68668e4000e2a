"""The local cache of the Hugging Face Hub, which other programs use too: whether all of a model is there."""

import hashlib
import json
from fnmatch import fnmatch
from pathlib import Path

# What is fetched from the Hub: settings, vocabularies and weights that are data; no code, and no pickled weights.
HUB_FILES = ["*.json", "*.safetensors", "*.txt", "*.model", "*.metadata"]
MODULES = "modules.json"  # names the parts of a model of sentence-transformers; fetched last, so that it closes a fetch
SHA256_DIGITS, GIT_DIGITS = 64, 40  # of the name of a cached file: its SHA-256, or the hash that git gives it
READ_BYTES = 2**20


def cached_model(hub_id: str, revision: str) -> Path | None:
    """Return the folder of a model of which the cache has all files, named by its commit; None if one is missing.

    revision: commit, branch or tag, "" for the newest that was fetched. Without its weights' neighbours a model would
    load, and be another: pooling and prompts have files of their own. So one of which another program has fetched a few
    files is none.
    """
    from huggingface_hub import snapshot_download

    try:  # raises if the listing of the repository is in the cache, and a file of it is not
        found = snapshot_download(hub_id, revision=revision or None, allow_patterns=HUB_FILES, local_files_only=True)
    except (OSError, ValueError):
        return None
    folder = Path(found)
    return folder if _has_listing(hub_id, folder.name) or _has_all_modules(folder) else None


def is_wanted(file: str) -> bool:
    """Return whether a file of a repository, by its path, is one of those that are fetched."""
    return any(fnmatch(file, pattern) for pattern in HUB_FILES)


def hash_differs(path: Path, expected: str) -> bool:
    """Return whether a file's hash is not the expected one: its SHA-256, or the hash that git gives it."""
    digest = hashlib.sha256() if len(expected) == SHA256_DIGITS else hashlib.sha1(usedforsecurity=False)
    if len(expected) == GIT_DIGITS:
        digest.update(f"blob {path.stat().st_size}\0".encode())
    with path.open("rb") as file:
        while block := file.read(READ_BYTES):
            digest.update(block)
    return digest.hexdigest() != expected


def delete_cached(path: Path) -> None:
    """Delete a file of the cache: its name in the model's folder, and its content."""
    content = path.resolve()
    path.unlink(missing_ok=True)
    content.unlink(missing_ok=True)


def delete_damaged(folder: Path) -> bool:
    """Delete a cached model's files whose content is not what their name says; return whether there were any."""
    damaged = [path for path in folder.rglob("*") if path.is_file() and _is_damaged(path)]
    for path in damaged:
        delete_cached(path)
    return bool(damaged)


def _is_damaged(path: Path) -> bool:
    """Return whether a cached file's content has another hash than its name; False where names are no hashes."""
    expected = path.readlink().name if path.is_symlink() else ""
    return len(expected) in (SHA256_DIGITS, GIT_DIGITS) and hash_differs(path, expected)


def _has_listing(hub_id: str, commit: str) -> bool:
    """Return whether the cache holds the listing of a commit's files, so that it is known which there are."""
    from huggingface_hub import get_cached_repo_tree
    from huggingface_hub.errors import CachedRepoTreeNotFoundError

    try:
        return bool(get_cached_repo_tree(hub_id, revision=commit))
    except CachedRepoTreeNotFoundError:
        return False


def _has_all_modules(folder: Path) -> bool:
    """Return whether a folder without a listing holds a model of sentence-transformers with all of its modules."""
    try:
        modules = json.loads((folder / MODULES).read_text(encoding="utf-8"))
        parts = [folder / module["path"] for module in modules if not module["type"].endswith(".Normalize")]
    except (OSError, ValueError, TypeError, KeyError):
        return False
    return any(folder.rglob("*.safetensors")) and all(any(part.glob("*.json")) for part in parts)
