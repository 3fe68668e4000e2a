"""A script that saves a snapshot over another, killed before each step in turn; deterministic. Argument: a folder.

A step is whatever changes the disk: creating a file or a folder, each half of a write, a sync, a rename, a removal.
Folder N holds what a save that was killed right before step N left; the steps' names are printed as JSON.
"""

import io
import json
import os
import shutil
import signal
import sys
from pathlib import Path

from retriever.storage.snapshot import write_snapshot
from tests.retriever.storage.test_snapshot import NEW, OLD

MAKES = os.O_WRONLY | os.O_RDWR | os.O_CREAT
NAMED = {"os.rename": 1, "os.remove": 0, "os.mkdir": 0, "os.rmdir": 0}  # event -> the argument that names the target
FSYNC = os.fsync


def save(folder, last):
    """Save into a folder and return the steps; this process is killed right before step number `last`."""
    steps = []

    def take(name):
        if len(steps) == last:
            os.kill(os.getpid(), signal.SIGKILL)
        steps.append(name)

    def hook(event, arguments):
        if event in NAMED:
            take(f"{event.removeprefix('os.')} {Path(arguments[NAMED[event]]).name}")
        elif event == "open" and isinstance(arguments[2], int) and arguments[2] & MAKES:
            take("open")

    def fsync(handle):
        path = Path(os.readlink(f"/proc/self/fd/{handle}"))
        take(f"sync {path.name}" if path.is_dir() else "sync")
        FSYNC(handle)

    class Halved(io.FileIO):
        def write(self, data):
            for half in (data[: len(data) // 2], data[len(data) // 2 :]):
                take("write")
                super().write(half)

    os.fsync, os.fdopen = fsync, Halved
    sys.addaudithook(hook)
    write_snapshot(folder, NEW)
    return steps


def main(work):
    write_snapshot(work / "old", OLD)
    for number in range(1_000):
        shutil.copytree(work / "old", work / str(number))
        process = os.fork()
        if process == 0:
            steps = save(work / str(number), number)
            os.write(sys.stdout.fileno(), json.dumps(steps).encode())  # reached where there is no such step any more
            os._exit(0)
        if os.waitpid(process, 0)[1] != signal.SIGKILL:
            break


if __name__ == "__main__":
    main(Path(sys.argv[1]))
