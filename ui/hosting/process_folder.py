"""The process's own folder for temporary files; those of killed processes are deleted. Independent of Gradio."""

import fcntl
import os
import shutil
import tempfile
from pathlib import Path

PREFIX = "dense-retrieval-lab-"

_OWN_FOLDERS: list["tempfile.TemporaryDirectory[str]"] = []  # deleted when the process ends


def make_process_folder() -> Path:
    """Create a folder for all temporary files and uploads of this process; delete those of processes that were killed.

    A folder is locked while its process lives: the system releases the lock when the process ends, however it ends.
    The folder itself is locked, not a file in it: systemd-tmpfiles deletes old files, and spares a locked folder.
    """
    for other in Path(tempfile.gettempdir()).glob(f"{PREFIX}*"):
        handle = _lock(other, fcntl.LOCK_EX | fcntl.LOCK_NB)
        if handle is not None:  # its process has ended
            shutil.rmtree(other, ignore_errors=True)
            os.close(handle)
    while True:
        folder = tempfile.TemporaryDirectory(prefix=PREFIX, ignore_cleanup_errors=True)
        _lock(Path(folder.name), fcntl.LOCK_EX)  # never closed: held until the process ends
        if Path(folder.name).is_dir():
            break
        folder.cleanup()  # another process deleted it as a left-over before it was locked
    _OWN_FOLDERS.append(folder)
    tempfile.tempdir = folder.name
    os.environ.setdefault("GRADIO_TEMP_DIR", str(Path(folder.name) / "uploads"))
    return Path(folder.name)


def _lock(folder: Path, operation: int) -> int | None:
    """Lock a folder and return the locked descriptor; None if another process has the lock, or it cannot be opened."""
    try:
        handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
    except OSError:
        return None
    try:
        fcntl.flock(handle, operation)
    except OSError:
        os.close(handle)
        return None
    return handle
