"""Irreversible restrictions of the calling Linux process: prctl, seccomp and Landlock, called through ctypes.

Sources: the manual pages prctl(2), seccomp(2) and landlock(7); the kernel's tables of system call numbers.
"""

import ctypes
import errno
import os
import platform
import signal
import struct
from collections.abc import Iterable

PR_SET_PDEATHSIG, PR_SET_NO_NEW_PRIVS, PR_SET_SECCOMP = 1, 38, 22
SECCOMP_MODE_FILTER = 2

ARCHITECTURES = {"x86_64": 0xC000003E, "aarch64": 0xC00000B7}  # AUDIT_ARCH_...
REFUSED = {  # system call -> its number on x86-64 and on 64-bit ARM; -1 if it has none
    "socket": (41, 198),
    "connect": (42, 203),
    "bind": (49, 200),
    "socketpair": (53, 199),
    "io_uring_setup": (425, 425),  # a ring makes sockets without a system call that the filter sees
    "fork": (57, -1),
    "vfork": (58, -1),
    "clone": (56, 220),
    "clone3": (435, 435),
    "execve": (59, 221),
    "execveat": (322, 281),
    "kill": (62, 129),
    "tkill": (200, 130),
    "tgkill": (234, 131),
    "rt_sigqueueinfo": (129, 138),
    "rt_tgsigqueueinfo": (297, 240),
    "pidfd_open": (434, 434),
    "pidfd_send_signal": (424, 424),
    "pidfd_getfd": (438, 438),
    "prlimit64": (302, 261),  # also sets the limits of other processes
    "ptrace": (101, 117),
    "process_vm_readv": (310, 270),
    "process_vm_writev": (311, 271),
}
X32 = 0x40000000  # first number of the x32 system calls of x86-64

# The filter is a BPF program; an instruction: 16-bit code, two 8-bit jumps, 32-bit operand.
LOAD, IF_EQUAL, IF_AT_LEAST, RETURN = 0x20, 0x15, 0x35, 0x06
NUMBER_AT, ARCHITECTURE_AT = 0, 4  # offsets in struct seccomp_data
ALLOW, REFUSE, KILL = 0x7FFF0000, 0x00050000 | errno.EPERM, 0x80000000

LANDLOCK_CREATE_RULESET, LANDLOCK_ADD_RULE, LANDLOCK_RESTRICT_SELF = 444, 445, 446  # on both architectures
LANDLOCK_VERSION, LANDLOCK_PATH_BENEATH = 1, 1
EXECUTE, WRITE_FILE, READ_FILE, READ_DIR, TRUNCATE = 1 << 0, 1 << 1, 1 << 2, 1 << 3, 1 << 14
FILE_RIGHTS = EXECUTE | WRITE_FILE | READ_FILE | TRUNCATE  # the rights that apply to files; the rest are for folders
READ_RIGHTS = READ_FILE | READ_DIR
BIND_AND_CONNECT, SOCKETS_AND_SIGNALS = 3, 3  # since version 4 and since version 6
KNOWN_RIGHTS = {1: 13, 2: 14}  # Landlock's version -> number of its rights; 15 from version 3 on

_LIBC = ctypes.CDLL(None, use_errno=True)


def die_with_parent(parent: int) -> None:
    """Have the kernel kill this process when the thread that started it ends; exit if parent (a pid) ended already."""
    _prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:
        os._exit(1)


def forbid_privileges() -> None:
    """Prevent this process from gaining privileges, as seccomp and Landlock require."""
    _prctl(PR_SET_NO_NEW_PRIVS, 1)


def refuse_system_calls() -> None:
    """Refuse sockets, other programs and access to other processes: such system calls fail with EPERM from now on.

    Raises OSError if the kernel or the architecture has no such filter.
    """
    machine = platform.machine()
    if machine not in ARCHITECTURES:
        raise OSError(errno.ENOSYS, f"no table of system calls for {machine}")
    column = list(ARCHITECTURES).index(machine)
    numbers = [row[column] for row in REFUSED.values() if row[column] >= 0]
    program = [(LOAD, 0, 0, ARCHITECTURE_AT), (IF_EQUAL, 1, 0, ARCHITECTURES[machine]), (RETURN, 0, 0, KILL)]
    program += [(LOAD, 0, 0, NUMBER_AT), (IF_AT_LEAST, len(numbers) + 1, 0, X32)]
    program += [(IF_EQUAL, len(numbers) - place, 0, number) for place, number in enumerate(numbers)]  # to the last one
    program += [(RETURN, 0, 0, ALLOW), (RETURN, 0, 0, REFUSE)]
    code = ctypes.create_string_buffer(b"".join(struct.pack("=HBBI", *line) for line in program))
    filter_program = ctypes.create_string_buffer(struct.pack("@HP", len(program), ctypes.addressof(code)))
    _prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, ctypes.addressof(filter_program))


def refuse_files(readable: Iterable[str], writable: Iterable[str]) -> None:
    """Refuse every file from now on but those named and all in the folders named; open files stay open.

    Paths that do not exist are ignored. TCP, and signals to other processes, are refused as well by kernels that can.
    Raises OSError if the kernel has no Landlock.
    """
    version = _call(LANDLOCK_CREATE_RULESET, None, 0, LANDLOCK_VERSION)
    rights = (1 << KNOWN_RIGHTS.get(version, 15)) - 1
    handled = struct.pack("=QQQ", rights, BIND_AND_CONNECT, SOCKETS_AND_SIGNALS)
    size = 24 if version >= 6 else 16 if version >= 4 else 8
    rules = _call(LANDLOCK_CREATE_RULESET, handled, size, 0)
    try:
        for paths, granted in ((readable, READ_RIGHTS), (writable, rights & ~EXECUTE)):
            for path in paths:
                _grant(rules, path, granted)
        _call(LANDLOCK_RESTRICT_SELF, rules, 0)
    finally:
        os.close(rules)


def _grant(rules: int, path: str, granted: int) -> None:
    """Add a rule that grants rights on a path; ignore a path that cannot be opened."""
    try:
        opened = os.open(path, os.O_PATH | os.O_CLOEXEC)
    except (OSError, ValueError):  # it does not exist, or is not a valid path
        return
    try:
        allowed = granted if os.path.isdir(f"/proc/self/fd/{opened}") else granted & FILE_RIGHTS
        _call(LANDLOCK_ADD_RULE, rules, LANDLOCK_PATH_BENEATH, struct.pack("=Qi", allowed, opened), 0)
    finally:
        os.close(opened)


def _prctl(option: int, *values: int) -> None:
    """Call prctl. Raises OSError if it fails."""
    padded = [*values, 0, 0, 0][:4]
    if _LIBC.prctl(option, *map(ctypes.c_ulong, padded)) != 0:
        raise OSError(ctypes.get_errno(), f"prctl {option}")


def _call(number: int, *values: int | bytes | None) -> int:
    """Make a system call that libc has no function for, and return its result. Raises OSError if it fails."""
    arguments = [ctypes.c_long(value) if isinstance(value, int) else value for value in values]
    result = int(_LIBC.syscall(ctypes.c_long(number), *arguments))
    if result < 0:
        raise OSError(ctypes.get_errno(), f"system call {number}")
    return result
