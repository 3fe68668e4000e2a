"""Checks of untrusted files before they are read, a strict reader of saved arrays, and syncing of folders."""

import math
import os
import re
import stat
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from retriever.vectors import Float32

ARRAY_HEADER = re.compile(  # what np.save writes before numbers; NumPy's own reader parses any Python literal
    rb"\x93NUMPY\x01\x00(?P<length>..)"
    rb"\{'descr': '(?P<kind><f2|<f4|<i8)', 'fortran_order': (?P<order>True|False), 'shape': "
    rb"\((?P<shape>(?:[0-9]{1,12}, ?)*[0-9]{0,12})\), \} *\n",
    re.DOTALL,
)
MAX_REASON_LENGTH = 200


def short_reason(error: Exception) -> str:
    """Return an error's message, cut to 200 characters: a forged file may make it quote a value of any length."""
    return str(error)[:MAX_REASON_LENGTH]


def sync_folder(folder: Path) -> None:
    """Write a folder's names to the disk, so that a power cut cannot undo a rename made before.

    Where the system cannot do this, a save is only as safe from power cuts as the file system makes it.
    """
    try:
        handle = os.open(folder, os.O_RDONLY)
    except OSError:
        return
    try:
        os.fsync(handle)
    except OSError:
        pass
    finally:
        os.close(handle)


def check_file(path: Path, size: int | None = None) -> None:
    """Raise OSError unless a path is a regular file, ValueError unless it has `size` bytes, where that is given.

    To be called before a file is read: reading a pipe or a device may never end.
    """
    found = path.stat()
    if not stat.S_ISREG(found.st_mode):
        raise OSError("it is no file")
    if size is not None and found.st_size != size:
        raise ValueError(f"it has {found.st_size} bytes, not {size!r}")


def read_array(data: bytes) -> Float32:
    """Return a copy of the array that np.save wrote. Raises ValueError for anything but a whole float32 array."""
    array: Float32 = read_array_of(data, "<f4")
    return array


def read_array_of(data: bytes, kind: str) -> NDArray[Any]:
    """Return a copy of the array that np.save wrote, of a kind of numbers: "<f2", "<f4" or "<i8".

    Raises ValueError for anything but a whole array of that kind.
    """
    header = ARRAY_HEADER.match(data)
    if header is None or int.from_bytes(header["length"], "little") != header.end() - 10:
        raise ValueError("its header is not that of an array")
    if header["kind"] != kind.encode():
        raise ValueError(f"its numbers are not of the kind {kind}")
    shape = [int(axis) for axis in re.findall(rb"[0-9]+", header["shape"])]
    if len(data) - header.end() != np.dtype(kind).itemsize * math.prod(shape):
        raise ValueError(f"its numbers do not fill the shape {shape}")
    numbers = np.frombuffer(data, kind, math.prod(shape), header.end()) if 0 not in shape else np.empty(0, kind)
    return numbers.reshape(shape, order="F" if header["order"] == b"True" else "C").copy(order="K")
