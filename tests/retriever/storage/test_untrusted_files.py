"""Untrusted files: arrays are read strictly and never run, what is no regular file is refused before it is read."""

import io
import os
import pickle

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays

from retriever.storage.untrusted_files import check_file, read_array, short_reason, sync_folder

ROWS = np.arange(15, dtype=np.float32).reshape(5, 3)


class Evil:
    """An object that creates a folder when it is unpickled."""

    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return os.mkdir, (str(self.path),)


def npy(array, **options):
    buffer = io.BytesIO()
    np.save(buffer, array, **options)
    return buffer.getvalue()


@given(arrays(np.float32, array_shapes(min_dims=0, max_dims=3, min_side=0, max_side=4)), st.sampled_from("CF"))
def test_what_np_save_wrote_comes_back(array, order):
    found = read_array(npy(np.copy(array, order)))
    assert (found.shape, found.dtype, found.tobytes()) == (array.shape, np.float32, array.tobytes())
    assert found.flags.writeable


KINDS = "<f8 <f2 <i4 ? <c8 >f4 <U20 <M8[s]".split() + [[("a", "<f4"), ("b", "<i2")]]
NO_ARRAYS = [
    b"",
    b"1.0 2.0 3.0\n",
    b"PK\x03\x04 and so on",
    b"\x93NUMPY\x01\x00",
    npy(ROWS) + bytes(4),
    npy(ROWS)[:-4],
    npy(ROWS)[:8] + b"\x77" + npy(ROWS)[9:],  # another length of the header
    npy(ROWS)[:6] + b"\x02" + npy(ROWS)[7:],  # another version
    *(npy(ROWS.astype(kind)) for kind in KINDS),
]


@pytest.mark.parametrize("data", NO_ARRAYS, ids=range(len(NO_ARRAYS)))
def test_anything_but_a_whole_float32_array_is_refused(data):
    with pytest.raises(ValueError, match="its header|its numbers"):
        read_array(data)


HEADERS = [
    "{'descr': '|O', 'fortran_order': False, 'shape': (5, 3), }",
    "{'descr': __import__('os').mkdir('it-ran'), 'fortran_order': False, 'shape': (5, 3), }",
    "{'descr': ('<f4', (5, 3)), 'fortran_order': False, 'shape': (), }",
    "{'descr': '<f4', 'fortran_order': 7, 'shape': (5, 3), }",
    "{'descr': '<f4', 'fortran_order': False, 'shape': [5, 3], }",
    "{'descr': '<f4', 'fortran_order': False, 'shape': (-5, -3), }",
    "{'descr': '<f4', 'fortran_order': False, 'shape': (5.0, 3.0), }",
    "{'descr': '<f4', 'fortran_order': False, 'shape': (True, 15), }",
    "{'descr': '<f4', 'fortran_order': False, 'shape': (1000000000, 3), }",
    "{'descr': '<f4', 'fortran_order': False, 'shape': (4294967296, 4294967296), }",
    "{'descr': '<f4', 'fortran_order': False, 'shape': (9" + "9" * 5000 + ",), }",
    "{'descr': '<f4', 'fortran_order': False, 'shape': (" + "1, " * 3000 + "x), }",
    "{'fortran_order': False, 'shape': (5, 3), }",
    "{'descr': '<f4', 'fortran_order': False, 'shape': (5, 3), 'more': 1}",
    "(" * 4000 + ")" * 4000,
    "9" * 9000,
    "",
]


@pytest.mark.parametrize("header", HEADERS, ids=range(len(HEADERS)))
def test_a_forged_header_is_refused_and_not_evaluated(header, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    text = header.encode() + b"\n"
    with pytest.raises(ValueError, match="its header|its numbers"):
        read_array(b"\x93NUMPY\x01\x00" + len(text).to_bytes(2, "little") + text + ROWS.tobytes())
    assert not list(tmp_path.iterdir())


def test_nothing_is_unpickled(tmp_path):
    evil = np.empty((5, 3), dtype=object)
    evil[:] = Evil(tmp_path / "it-ran")
    for data in (npy(evil, allow_pickle=True), pickle.dumps(Evil(tmp_path / "it-ran"))):
        with pytest.raises(ValueError, match="its header"):
            read_array(data)
    assert not list(tmp_path.iterdir())


def test_only_regular_files_of_their_size_are_to_be_read(tmp_path):
    (tmp_path / "file").write_bytes(b"four")
    (tmp_path / "link").symlink_to("file")  # download tools store files in one folder and links to them in another
    for name in ("file", "link"):
        check_file(tmp_path / name)
        check_file(tmp_path / name, 4)
        with pytest.raises(ValueError, match="it has 4 bytes, not 5"):
            check_file(tmp_path / name, 5)
    (tmp_path / "folder").mkdir()
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "device").symlink_to("/dev/zero")
    (tmp_path / "circle").symlink_to("circle")
    for name in ("folder", "pipe", "device", "circle", "missing"):
        with pytest.raises(OSError, match=r"it is no file|\[Errno"):
            check_file(tmp_path / name)


def test_a_system_that_cannot_sync_a_folder_is_tolerated(tmp_path, monkeypatch):
    synced = []

    def refuse(handle):
        synced.append(handle)
        raise OSError(22, "Invalid argument")

    monkeypatch.setattr(os, "fsync", refuse)
    sync_folder(tmp_path)
    [handle] = synced
    with pytest.raises(OSError, match="Bad file descriptor"):  # it was closed
        os.fstat(handle)
    sync_folder(tmp_path / "missing")
    assert len(synced) == 1


def test_a_reason_is_short_whatever_it_quotes():
    assert short_reason(ValueError("x" * 100_000)) == "x" * 200
