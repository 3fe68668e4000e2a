"""A script that saves a collection over another, killed before each step in turn; deterministic.

A step is whatever changes the disk: creating a file or a folder, each half of a write, a sync, a rename, a removal.
The process kills itself right before the step. Arguments: a folder to work in, and "other" or "graph": what is saved is
another collection, or the same one with another graph, which has files in common.
"""

import json
import os
import shutil
import signal
import stat
import sys
from pathlib import Path

from tests.support.saved_faults import STATIC, collection

MAKES = os.O_WRONLY | os.O_RDWR | os.O_CREAT
EVENTS = {"os.rename": "rename", "os.remove": "remove", "os.mkdir": "mkdir", "os.rmdir": "rmdir"}


class Halved:
    """A wrapper of a file whose writes reach the disk in two steps."""

    def __init__(self, file, steps):
        self.file, self.steps = file, steps

    def __enter__(self):
        return self

    def __exit__(self, *error):
        self.file.close()

    def __getattr__(self, name):
        return getattr(self.file, name)

    def write(self, data):
        for half in (data[: len(data) // 2], data[len(data) // 2 :]):
            self.steps.take("write")
            self.file.write(half)
            self.file.flush()


class Steps:
    """A recorder of the steps of a save, which kills the process right before step number `last`."""

    def __init__(self, last=None):
        self.last, self.seen = last, []
        self.fsync, self.fdopen = os.fsync, os.fdopen
        os.fsync, os.fdopen = self.watched_fsync, self.watched_fdopen
        sys.addaudithook(self.hook)

    def take(self, name):
        if len(self.seen) == self.last:
            os.kill(os.getpid(), signal.SIGKILL)
        self.seen.append(name)

    def hook(self, event, arguments):
        if event in EVENTS:
            self.take(f"{EVENTS[event]} {Path(os.fsdecode(arguments[-3 if event == 'os.rename' else 0])).name}")
        elif event == "open" and isinstance(arguments[2], int) and arguments[2] & MAKES:
            self.take("open")

    def watched_fsync(self, handle):
        name = Path(os.readlink(f"/proc/self/fd/{handle}")).name
        self.take(f"sync folder {name}" if stat.S_ISDIR(os.fstat(handle).st_mode) else "sync")
        self.fsync(handle)

    def watched_fdopen(self, handle, *arguments, **options):
        return Halved(self.fdopen(handle, *arguments, **options), self)


def run(work, function):
    """Run a function in a forked process; return the signal that ended it, or 0."""
    process = os.fork()
    if process == 0:
        function()
        os._exit(0)
    return os.waitpid(process, 0)[1]


def main(work, what):
    old = collection(STATIC, seed=1)
    new = collection(STATIC, seed=2) if what == "other" else old.with_graph(8, 40)
    old.save(work / "old")
    new.save(work / "new")

    def whole_save():
        shutil.copytree(work / "old", work / "whole")
        steps = Steps()
        new.save(work / "whole")
        (work / "steps").write_text(json.dumps(steps.seen))

    def killed_save(number):
        Steps(number)
        new.save(work / f"{number}")

    assert run(work, whole_save) == 0
    steps = json.loads((work / "steps").read_text())
    ended = []
    for number in range(len(steps)):
        shutil.copytree(work / "old", work / f"{number}")
        ended.append(run(work, lambda number=number: killed_save(number)))
    (work / "ended").write_text(json.dumps(ended))


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2])
