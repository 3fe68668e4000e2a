"""A saved collection as one file: packed, unpacked, and every archive that is something else refused."""

import io
import zipfile

import pytest

from retriever.archive import pack, unpack
from retriever.errors import StorageError

NAMES = [
    "manifest.json",
    "vectors-0123456789abcdef.npy",
    "passages-0123456789abcdef.jsonl",
    "graph-0123456789abcdef.bin",
]
MANY = 1_000_000


@pytest.fixture
def saved(tmp_path):
    folder = tmp_path / "saved"
    folder.mkdir()
    for number, name in enumerate(NAMES):
        (folder / name).write_bytes(bytes([number]) * 1000)
    return folder


@pytest.fixture
def empty(tmp_path):
    folder = tmp_path / "empty"
    folder.mkdir()
    return folder


def contents(folder):
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def zip_of(path, members):
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in members:
            archive.writestr(name, data)
    return path


def test_what_was_packed_is_unpacked(saved, empty, tmp_path):
    pack(saved, tmp_path / "collection.zip")
    unpack(tmp_path / "collection.zip", empty, max_bytes=MANY)
    assert contents(empty) == contents(saved)


@pytest.mark.parametrize(
    "name",
    [
        "../manifest.json",
        "/elsewhere/manifest.json",
        "sub/manifest.json",
        "sub/",
        "notes.txt",
        "vectors.npy",
        "vectors-0123456789abcdef.exe",
        "vectors-0123456789abcdef.npy\n",
        "..\\manifest.json",
        "C:manifest.json",
    ],
)
def test_names_that_save_never_gives_are_refused_and_nothing_is_written(empty, tmp_path, name):
    path = zip_of(tmp_path / "evil.zip", [("manifest.json", b"{}"), (name, b"x")])
    with pytest.raises(StorageError, match="not a saved collection"):
        unpack(path, empty, max_bytes=MANY)
    assert contents(empty) == {}
    assert {path.name for path in tmp_path.iterdir()} == {"empty", "evil.zip"}


def test_no_files_and_too_many_are_refused(empty, tmp_path):
    for members in ([], [(f"a-{number:016x}.npy", b"x") for number in range(21)]):
        with pytest.raises(StorageError, match="not a saved collection"):
            unpack(zip_of(tmp_path / "a.zip", members), empty, max_bytes=MANY)


@pytest.mark.parametrize("limit", [3999, 1000, 1, 0])
def test_what_unpacks_to_more_than_allowed_is_refused(saved, empty, tmp_path, limit):
    pack(saved, tmp_path / "a.zip")
    unpack(tmp_path / "a.zip", empty, max_bytes=4000)
    with pytest.raises(StorageError, match="unpacks to more"):
        unpack(tmp_path / "a.zip", empty, max_bytes=limit)


def test_a_bomb_is_not_written_out(empty, tmp_path):
    path = zip_of(tmp_path / "bomb.zip", [("vectors-0123456789abcdef.npy", bytes(50_000_000))])
    assert path.stat().st_size < 100_000
    with pytest.raises(StorageError, match="unpacks to more"):
        unpack(path, empty, max_bytes=MANY)
    assert sum(map(len, contents(empty).values())) <= MANY


def test_a_size_that_lies_is_no_way_round_the_limit(empty, tmp_path):
    path = zip_of(tmp_path / "lie.zip", [("vectors-0123456789abcdef.npy", bytes(5_000_000))])
    data = path.read_bytes()
    path.write_bytes(data.replace((5_000_000).to_bytes(4, "little"), (10).to_bytes(4, "little")))
    with pytest.raises(StorageError):
        unpack(path, empty, max_bytes=MANY)


def test_damage_anywhere_is_a_storage_error_or_harmless(saved, empty, tmp_path):
    pack(saved, tmp_path / "good.zip")
    data, expected = (tmp_path / "good.zip").read_bytes(), contents(saved)
    path = tmp_path / "damaged.zip"
    damaged = [data[:length] for length in range(0, len(data), 16)]
    damaged += [data[:place] + bytes([data[place] ^ 0xFF]) + data[place + 1 :] for place in range(0, len(data), 3)]
    for content in [b"", b"PK", b"no zip at all", *damaged]:
        path.write_bytes(content)
        try:
            unpack(path, empty, max_bytes=MANY)
        except StorageError:
            continue
        assert contents(empty).items() <= expected.items()


def test_a_missing_file_and_an_encrypted_one_are_clear_errors(empty, tmp_path):
    with pytest.raises(StorageError, match="gone.zip"):
        unpack(tmp_path / "gone.zip", empty, max_bytes=MANY)
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("manifest.json", b"{}")
    data = bytearray(buffer.getvalue())
    data[6] |= 1  # the mark of an encrypted member, in both its headers
    data[data.index(b"PK\x01\x02") + 8] |= 1
    (tmp_path / "secret.zip").write_bytes(bytes(data))
    with pytest.raises(StorageError, match="secret.zip"):
        unpack(tmp_path / "secret.zip", empty, max_bytes=MANY)


def test_packing_into_a_folder_that_is_not_there_is_a_clear_error(saved, tmp_path):
    with pytest.raises(StorageError, match=r"a\.zip failed"):
        pack(saved, tmp_path / "gone" / "a.zip")
