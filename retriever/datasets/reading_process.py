"""Reading a sample in a process of its own, on another core: parsing all of the Python docs keeps one busy for seconds.

Threads would not do: parsing holds Python's global lock, and whatever else this process does would wait.
"""

import os
import pickle
import subprocess
import sys
from collections.abc import Callable
from contextlib import suppress

from retriever.datasets.collection import Collection
from retriever.datasets.samples import load_sample

CHECK_SECONDS = 0.1  # between two calls of progress, which may cancel
READER = """
import pickle, sys
from retriever.datasets.samples import load_sample
pickle.dump(load_sample(sys.argv[1]), sys.stdout.buffer, pickle.HIGHEST_PROTOCOL)
"""


_AHEAD: dict[str, "subprocess.Popen[bytes]"] = {}  # of samples that are wanted soon


def read_ahead(name: str) -> None:
    """Begin to read a sample, for load_sample_in_process to take later."""
    with suppress(OSError):  # read when it is wanted
        _AHEAD[name] = _started(name)


def load_sample_in_process(name: str, *, progress: Callable[[float], None] | None = None) -> Collection:
    """Return a sample as load_sample does, read by a process of its own; by this one if that fails.

    progress: called several times a second; an exception it raises ends the reading.
    """
    try:
        reader = _AHEAD.pop(name, None) or _started(name)
    except OSError:
        return load_sample(name, progress=progress)
    with reader:
        try:
            data = _output(reader, progress)
        except BaseException:
            reader.kill()
            raise
    if reader.returncode:  # for want of memory, or because a package is missing: this process says which
        return load_sample(name, progress=progress)
    collection: Collection = pickle.loads(data)  # what this package's own code has written a moment ago
    return collection


def _started(name: str) -> "subprocess.Popen[bytes]":
    """Return a process that reads a sample. Raises OSError if it cannot be started."""
    return subprocess.Popen(
        [sys.executable, "-c", READER, name],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        env=os.environ | {"PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
    )


def _output(process: "subprocess.Popen[bytes]", progress: Callable[[float], None] | None) -> bytes:
    """Wait for the end of a process and return what it wrote, with calls of progress meanwhile."""
    while True:
        try:
            return process.communicate(timeout=CHECK_SECONDS)[0]
        except subprocess.TimeoutExpired:
            if progress:
                progress(0.0)
