"""The folder of uploads: files are deleted once they are read, or when nobody reads them. Independent of Gradio."""

import os
import secrets
import tempfile
import time
from collections.abc import Iterable, Iterator
from pathlib import Path

from retriever.errors import StorageError
from retriever.parameters import MEGABYTE
from ui.settings import limits


def uploads_root() -> Path:
    """Return the folder where Gradio puts uploads and downloads: GRADIO_TEMP_DIR, or its own below the system's."""
    return Path(os.environ.get("GRADIO_TEMP_DIR") or Path(tempfile.gettempdir()) / "gradio")


def new_upload_folder() -> Path:
    """Create a folder whose name cannot be guessed: whoever knows the path of a file in it can fetch the file."""
    folder = uploads_root() / secrets.token_hex(16)
    folder.mkdir(parents=True)
    return folder


def check_disk_room(count: int) -> None:
    """Raise StorageError if so many bytes more are more than uploads and downloads may take on the disk."""
    if used_bytes() + count > limits().disk_megabytes * MEGABYTE:
        raise StorageError(
            "The lab's disk is full of files on their way to and from visitors; try again in ten minutes."
        )


def discard_uploads(paths: Iterable[str | Path]) -> None:
    """Delete uploaded files and the folders they came in; files elsewhere are left alone."""
    root = uploads_root().resolve()
    for path in map(Path, paths):
        if root in path.resolve().parents:
            path.unlink(missing_ok=True)
            for parent in path.parents:
                if parent.resolve() == root or not _remove_empty(parent):
                    break


def sweep_uploads(seconds: float) -> None:
    """Delete all that is older than so many seconds: files that nobody read, downloads, left-overs."""
    oldest = time.time() - seconds
    for path in _paths_below(uploads_root()):
        try:
            if path.lstat().st_mtime < oldest:
                _remove_empty(path) if path.is_dir() and not path.is_symlink() else path.unlink()
        except OSError:
            continue  # already deleted, or a folder that is not empty


def used_bytes() -> int:
    """Return how many bytes uploads and downloads take on the disk."""
    total = 0
    for path in _paths_below(uploads_root()):
        try:
            total += path.lstat().st_size
        except OSError:
            continue
    return total


def _paths_below(root: Path) -> Iterator[Path]:
    """Yield all files and folders below a folder, a folder's content before the folder.

    What another thread deletes meanwhile is passed over; Path.rglob would raise FileNotFoundError.
    """
    for folder, folders, files in os.walk(root, topdown=False):
        yield from (Path(folder, name) for name in (*files, *folders))


def _remove_empty(folder: Path) -> bool:
    """Remove a folder if it is empty; return whether it was removed."""
    try:
        folder.rmdir()
    except OSError:
        return False
    return True
