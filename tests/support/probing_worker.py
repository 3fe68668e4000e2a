"""The worker of ReadingProcess with additional tasks that try what it must not be able to do; run by its path, too."""

import ctypes
import importlib.util
import os
import socket  # noqa: F401 - probes name its functions
import stat
import subprocess  # noqa: F401
import sys
import time
from pathlib import Path

SOURCE = Path(__file__).parents[2] / "sandbox" / "worker.py"
LIBC = ctypes.CDLL(None, use_errno=True)


def raw(name, *arguments):
    """Call libc, which Python's audit hooks do not see; return the result and errno."""
    ctypes.set_errno(0)
    result = getattr(LIBC, name)(*(os.fsencode(one) if isinstance(one, str) else one for one in arguments))
    return [result, ctypes.get_errno()]


def attempt(name, *arguments):
    """Call a Python function; return "done", or the name of the error that stops it."""
    module, _, function = name.rpartition(".")
    try:
        getattr(sys.modules[module], function)(*arguments)
    except BaseException as error:
        return type(error).__name__
    return "done"


def look(path):
    """Return the content of a file, or the name of the error."""
    try:
        return Path(path).read_text()
    except OSError as error:
        return type(error).__name__


def grow():
    kept = []
    while True:
        kept.append(bytearray(10_000_000))


def grow_and_complain():
    """Run out of memory and report damage, as parsers do."""
    from retriever.errors import DocumentError

    try:
        grow()
    except MemoryError:
        time.sleep(0.3)
        raise DocumentError("damaged") from None


def take(size):
    time.sleep(0.3)
    return len(bytearray(size))


def spin():
    while True:
        pass


def chatter(done):
    os.write(1, b"noise on the standard output\n")
    for stream in (sys.stdout, sys.stderr):
        stream.write("noise\n" * 10_000)
        stream.flush()
    return done


def answer_raw(line, times=1):
    """Write bytes instead of an answer to the pipe of answers: besides the standard streams, the only pipe."""
    (pipe,) = [fd for fd in map(int, os.listdir("/proc/self/fd")) if fd > 2 and is_pipe(fd)]
    for _ in range(times):
        os.write(pipe, line.encode())
    time.sleep(60)


def is_pipe(fd):
    try:
        return stat.S_ISFIFO(os.fstat(fd).st_mode)
    except OSError:  # of listdir itself
        return False


def fail():
    raise ZeroDivisionError


PROBES = {
    "pid": os.getpid,
    "raw": raw,
    "attempt": attempt,
    "look": look,
    "environment": lambda: dict(os.environ),
    "modules": lambda: sorted(sys.modules),
    "open files": lambda: sorted(int(fd) for fd in os.listdir("/proc/self/fd")),
    "grow": grow,
    "grow and complain": grow_and_complain,
    "take": take,
    "spin": spin,
    "sleep": time.sleep,
    "chatter": chatter,
    "answer raw": answer_raw,
    "crash": lambda: ctypes.string_at(8),
    "fail": fail,
    "leave": os._exit,
    "give": lambda what, times: what * times,
}

if __name__ == "__main__":
    spec = importlib.util.spec_from_file_location("worker", SOURCE)
    worker = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(worker)
    probes = {name: lambda arguments=(), probe=probe: probe(*arguments) for name, probe in PROBES.items()}
    worker.TASKS = {**worker.TASKS, **probes}
    worker.main()
