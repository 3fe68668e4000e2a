"""The folder of uploads and downloads: each has a folder of its own, within the disk budget. Independent of Gradio.

Files are deleted once they are read, or when nobody reads them.
"""

import os
import secrets
import shutil
import tempfile
import time
from collections.abc import Collection, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from retriever.turns import OWNER, Owner
from ui.uploads.disk_budget import DISK_BUDGET, RoomRefused

ABANDONED_SECONDS = 90.0  # that a file is kept which no session that is there is to read
LONE_FILE_SECONDS = 30.0  # Gradio leaves an empty file, beside the folders, for each file that a handler is given
DELETING_SECONDS = 1.0  # of one sweep: the next one goes on, and whoever sweeps has other things to do
MAX_LOOKED_AT = 200  # files that are looked for before an upload is refused; the sweep looks for all


def uploads_root() -> Path:
    """Return the folder where Gradio puts uploads and downloads: GRADIO_TEMP_DIR, or its own below the system's."""
    return Path(os.path.abspath(os.environ.get("GRADIO_TEMP_DIR") or Path(tempfile.gettempdir()) / "gradio"))


def new_folder(count: int, owner: Owner, *, arriving: bool = False) -> Path:
    """Create a folder with room for so many bytes; whoever knows the path of a file in it can fetch the file.

    Its name cannot be guessed. arriving: whether it is for an upload, which is counted by itself until it ends. Raises
    RoomRefused, or OSError if the disk itself refuses.
    """
    name = secrets.token_hex(16)
    try:
        DISK_BUDGET.reserve(name, count, owner, arriving=arriving)
    except RoomRefused:
        if not _forget_missing(MAX_LOOKED_AT):
            raise
        DISK_BUDGET.reserve(name, count, owner, arriving=arriving)
    folder = uploads_root() / name
    try:
        folder.mkdir(parents=True)
    except BaseException:
        DISK_BUDGET.release(name)
        raise
    return folder


def keep_folder(folder: Path) -> None:
    """Count a folder by the files that it holds now, until they are read or too old."""
    files = {str(path): path.stat().st_size for path in folder.rglob("*") if path.is_file()}
    DISK_BUDGET.settle(folder.name, files)


def delete_folder(folder: Path) -> None:
    """Delete a folder with all its files, and give its room back; what cannot be deleted now, the sweep deletes."""
    shutil.rmtree(folder, ignore_errors=True)
    if folder.exists():
        DISK_BUDGET.give_up(folder.name)
    else:
        DISK_BUDGET.release(folder.name)


@contextmanager
def download_folder(count: int) -> Iterator[Path]:
    """Yield a folder for a visitor's download of at most so many bytes; nothing stays if the body raises.

    The file is deleted when it is ten minutes old. Raises RoomRefused if there is no room.
    """
    folder = new_folder(count, OWNER.get())
    try:
        yield folder
    except BaseException:
        delete_folder(folder)
        raise
    keep_folder(folder)


def discard_uploads(paths: Iterable[str | Path]) -> None:
    """Delete uploaded files and the folders they came in; files elsewhere are left alone."""
    root = uploads_root().resolve()
    for path in map(Path, paths):
        if root in path.resolve().parents:
            path.unlink(missing_ok=True)
            for parent in path.parents:
                if parent.resolve() == root or not _remove_empty(parent):
                    break
            _release_file(root, path)


def claim_uploads(paths: Iterable[str], session: str) -> None:
    """Record that a session is to read these files, so that they are kept as long as it is there."""
    root = uploads_root().resolve()
    for path in paths:
        folder = Path(path).resolve().relative_to(root).parts[0]
        DISK_BUDGET.claim(folder, session)


def sweep_uploads(seconds: float, sessions: Collection[str] | None = None) -> None:
    """Delete all that is older than so many seconds: files that nobody read, downloads, and what is not counted.

    sessions: those that are there; what none of them is to read goes after ABANDONED_SECONDS.
    """
    root = uploads_root()
    end = time.monotonic() + DELETING_SECONDS
    abandoned = [] if sessions is None else DISK_BUDGET.older_than(ABANDONED_SECONDS, sessions)
    for name in {*DISK_BUDGET.older_than(seconds), *abandoned}:
        delete_folder(root / name)
        if time.monotonic() > end:
            break
    _forget_missing()
    oldest, soon = time.time() - seconds, time.time() - LONE_FILE_SECONDS
    for entry in _entries(root):
        if entry.name in DISK_BUDGET:
            continue
        try:  # Gradio's own, or of a process that was killed
            is_folder = entry.is_dir(follow_symlinks=False)
            if entry.stat(follow_symlinks=False).st_mtime < (oldest if is_folder else max(oldest, soon)):
                shutil.rmtree(entry.path, ignore_errors=True) if is_folder else os.unlink(entry.path)
        except OSError:
            continue  # already deleted


def _entries(root: Path) -> list["os.DirEntry[str]"]:
    """Return what is in a folder, without what is below; nothing if there is no such folder."""
    try:
        with os.scandir(root) as found:
            return list(found)
    except OSError:
        return []


def _forget_missing(most: int | None = None) -> bool:
    """Stop counting files that somebody else has deleted; return whether there were any. most: files looked at."""
    missing = [(name, path) for name, path in DISK_BUDGET.whole_files(most) if not os.path.lexists(path)]
    for name, path in missing:
        DISK_BUDGET.release_file(name, path)
    return bool(missing)


def _release_file(root: Path, path: Path) -> None:
    """Stop counting a file below the root, which was deleted."""
    parents = [parent for parent in path.parents if parent.parent.resolve() == root]
    if parents:
        DISK_BUDGET.release_file(parents[0].name, str(path))


def _remove_empty(folder: Path) -> bool:
    """Remove a folder if it is empty; return whether it was removed."""
    try:
        folder.rmdir()
    except OSError:
        return False
    return True
