"""Restrictions that a worker process applies to itself before it reads untrusted files, and cannot undo.

Whatever a file does to its reader, the worker reaches no network, starts no program, touches no other process, changes
no file, reads no files but those given and the libraries, and takes no more memory than it was given.
"""

import os
import resource
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from retriever.parameters import MEGABYTE
from sandbox.linux import die_with_parent, forbid_privileges, refuse_files, refuse_system_calls

LIBRARIES = ("/lib", "/lib64", "/usr/lib", "/usr/lib64", "/usr/local/lib", "/etc/ld.so.cache")
HARMLESS_FILES = ("/dev/null", "/dev/urandom", "/usr/share/zoneinfo", "/etc/localtime")
WRITE_FLAGS = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND
REFUSED_EVENTS = ("socket.", "subprocess.", "os.exec", "os.fork", "os.posix_spawn", "os.system", "os.kill", "pty.")


@dataclass(frozen=True)
class Restrictions:
    """The resources and rights that a process keeps.

    megabytes: of address space. cpu_seconds: of CPU time in all. parent: pid of the process it must not outlive.
    readable: files and folders it may read beside Python's own; None for all. writable: the only folder it may write
    to, "" for none. max_bytes: of a file that it writes.
    """

    megabytes: int
    cpu_seconds: int
    parent: int
    readable: Sequence[str] | None = None
    writable: str = ""
    max_bytes: int = 0


def apply_restrictions(restrictions: Restrictions) -> list[str]:
    """Restrict this process irreversibly, and return the names of the restrictions that the system does not support."""
    missing = []
    for name, step in _steps(restrictions).items():
        try:
            step()
        except (OSError, ValueError, AttributeError, ImportError):  # another kernel, a container, or not Linux
            missing.append(name)
    sys.addaudithook(partial(_audit, bool(restrictions.writable)))  # on every system, but only for Python's calls
    return missing


def _steps(restrictions: Restrictions) -> dict[str, Callable[[], object]]:
    """Return the steps by name, in order: the filters come last, as they refuse what other steps need."""
    limits = {
        "memory": (resource.RLIMIT_AS, restrictions.megabytes * MEGABYTE),
        "processor time": (resource.RLIMIT_CPU, restrictions.cpu_seconds),
        "written bytes": (resource.RLIMIT_FSIZE, restrictions.max_bytes),
        "core dumps": (resource.RLIMIT_CORE, 0),
        "processes": (resource.RLIMIT_NPROC, 0),
    }
    return {
        "parent": partial(die_with_parent, restrictions.parent),
        "first to go": _prefer_for_oom_kill,
        **{name: partial(_set_limit, *limit) for name, limit in limits.items()},
        "privileges": forbid_privileges,
        "files": partial(_refuse_files, restrictions),
        "system calls": refuse_system_calls,
    }


def _set_limit(kind: int, limit: int) -> None:
    """Set a resource limit, or keep a lower one; SIGKILL follows SIGXCPU, the signal of CPU time, after a second."""
    hard = resource.getrlimit(kind)[1]
    value = limit if hard == resource.RLIM_INFINITY else min(limit, hard)
    hard_value = value + 1 if kind == resource.RLIMIT_CPU and hard != value else value
    resource.setrlimit(kind, (value, hard_value))


def _prefer_for_oom_kill() -> None:
    """Ask the kernel to kill this process before any other when the machine runs out of memory."""
    Path("/proc/self/oom_score_adj").write_text("1000")


def _refuse_files(restrictions: Restrictions) -> None:
    """Refuse files as restrictions say; the folders of Python's modules and shared libraries stay readable."""
    readable = ["/"]
    if restrictions.readable is not None:
        lines = Path("/proc/self/maps").read_text().splitlines()
        in_use = {os.path.dirname(line.split(maxsplit=5)[5]) for line in lines if "/" in line}
        readable = [*restrictions.readable, *filter(None, sys.path), *in_use, *LIBRARIES, *HARMLESS_FILES]
    refuse_files(readable, [restrictions.writable] if restrictions.writable else [])


def _audit(may_write: bool, event: str, arguments: tuple[Any, ...]) -> None:
    """Raise PermissionError for a refused audit event of Python; the filters refuse the same to all other code."""
    if event.startswith(REFUSED_EVENTS):
        raise PermissionError(f"The process that reads files may not do this: {event}.")
    if event == "open" and not may_write and isinstance(arguments[2], int) and arguments[2] & WRITE_FLAGS:
        raise PermissionError("The process that reads files may not write any.")
