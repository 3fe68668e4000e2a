"""Temporary files: each process has a folder of its own, and whoever starts deletes those of the killed. No Gradio."""

import fcntl
import os
import shutil
import tempfile
from pathlib import Path

PREFIX = "dense-retrieval-lab-"

_OWN_FOLDERS: list["tempfile.TemporaryDirectory[str]"] = []  # deleted when the process ends


def make_process_folder() -> Path:
    """Make a folder for all temporary files and uploads of this process; delete those of processes that were killed.

    A folder is locked as long as its process lives: the system ends the lock with the process, however that ends.
    """
    for left in Path(tempfile.gettempdir()).glob(f"{PREFIX}*"):
        handle = _lock(left, fcntl.LOCK_EX | fcntl.LOCK_NB)
        if handle is not None:  # nobody's
            shutil.rmtree(left, ignore_errors=True)
            os.close(handle)
    while True:
        made = tempfile.TemporaryDirectory(prefix=PREFIX, ignore_cleanup_errors=True)
        _lock(Path(made.name), fcntl.LOCK_EX)  # never closed: held until the process ends
        if Path(made.name).is_dir():
            break
        made.cleanup()  # another process took it for a left-over before it was locked
    _OWN_FOLDERS.append(made)
    tempfile.tempdir = made.name
    os.environ.setdefault("GRADIO_TEMP_DIR", str(Path(made.name) / "uploads"))
    return Path(made.name)


def _lock(folder: Path, how: int) -> int | None:
    """Lock a folder and return what holds the lock; None if another process has it, or it is no folder of ours."""
    try:
        handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
    except OSError:
        return None
    try:
        fcntl.flock(handle, how)
    except OSError:
        os.close(handle)
        return None
    return handle
