"""Confinement: what the process that reads strangers' files gives up before it reads any, and cannot take back.

Whatever a file does to its reader then stays there: it reaches no network, starts no program, touches no other
process, changes no file, sees no file but its own and the libraries, and takes no more memory than it was given.
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
HARMLESS = ("/dev/null", "/dev/urandom", "/usr/share/zoneinfo", "/etc/localtime")
CHANGING = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND
REFUSED_EVENTS = ("socket.", "subprocess.", "os.exec", "os.fork", "os.posix_spawn", "os.system", "os.kill", "pty.")


@dataclass(frozen=True)
class Restrictions:
    """Say what is left to a process.

    megabytes: of address space. cpu_seconds: of all its work. parent: the process it must not outlive. readable: the
    files and folders it may read beside Python's own; None leaves it all. writable: the one folder that it may write
    to, "" for none, and the bytes that a file there may have.
    """

    megabytes: int
    cpu_seconds: int
    parent: int
    readable: Sequence[str] | None = None
    writable: str = ""
    max_bytes: int = 0


def apply_restrictions(restrictions: Restrictions) -> list[str]:
    """Give up all else, for this process and for good; return the names of what this system cannot take away."""
    missing = []
    for name, step in _steps(restrictions).items():
        try:
            step()
        except (OSError, ValueError, AttributeError, ImportError):  # another kernel, a container, or not Linux
            missing.append(name)
    sys.addaudithook(
        partial(_audit, bool(restrictions.writable))
    )  # wherever Python runs, but only for what Python does
    return missing


def _steps(restrictions: Restrictions) -> dict[str, Callable[[], object]]:
    """Name the steps in their order: the filters come last, as they refuse what the others need."""
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


def _set_limit(kind: int, most: int) -> None:
    """Set a limit, or leave a lower one as it is; from processor time's own signal to the last one it is a second."""
    hard = resource.getrlimit(kind)[1]
    value = most if hard == resource.RLIM_INFINITY else min(most, hard)
    end = value + 1 if kind == resource.RLIMIT_CPU and hard != value else value
    resource.setrlimit(kind, (value, end))


def _prefer_for_oom_kill() -> None:
    """Ask the kernel to end this process before any other when the machine's memory is used up."""
    Path("/proc/self/oom_score_adj").write_text("1000")


def _refuse_files(restrictions: Restrictions) -> None:
    """Leave the files named, and the folders that modules and the shared libraries in use come from."""
    readable = ["/"]
    if restrictions.readable is not None:
        lines = Path("/proc/self/maps").read_text().splitlines()
        in_use = {os.path.dirname(line.split(maxsplit=5)[5]) for line in lines if "/" in line}
        readable = [*restrictions.readable, *filter(None, sys.path), *in_use, *LIBRARIES, *HARMLESS]
    refuse_files(readable, [restrictions.writable] if restrictions.writable else [])


def _audit(may_write: bool, event: str, arguments: tuple[Any, ...]) -> None:
    """Raise PermissionError for what Python code is about to do; the filters do the same to all other code."""
    if event.startswith(REFUSED_EVENTS):
        raise PermissionError(f"The process that reads files may not do this: {event}.")
    if event == "open" and not may_write and isinstance(arguments[2], int) and arguments[2] & CHANGING:
        raise PermissionError("The process that reads files may not write any.")
