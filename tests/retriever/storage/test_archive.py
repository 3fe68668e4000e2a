"""Archives: saved collections are packed and unpacked, BEIR's are unpacked, and all others are refused."""

import io
import os
import resource
import stat
import struct
import zipfile

import pytest

from retriever.datasets.beir import read_beir
from retriever.datasets.beir_archive import MAX_ARCHIVE_MEMBERS, unpack_beir
from retriever.errors import CollectionError, StorageError
from retriever.storage.archive import pack_folder, unpack_saved

SAVED = {
    "manifest.json": bytes(1000),
    "vectors-0123456789abcdef.npy": b"v" * 1000,
    "passages-0123456789abcdef.jsonl": b"p" * 1000,
    "graph-0123456789abcdef.bin": b"g" * 1000,
}
BEIR = {
    "corpus.jsonl": b'{"_id": "d1", "title": "Lamps", "text": "A lamp is seen far out at sea."}\n',
    "queries.jsonl": b'{"_id": "q1", "text": "how far is a lamp seen?"}\n',
    "qrels/test.tsv": b"query-id\tcorpus-id\tscore\nq1\td1\t1\n",
}
MANY = 1_000_000
each_kind = pytest.mark.parametrize(("unpack", "files"), [(unpack_saved, SAVED), (unpack_beir, BEIR)])


@pytest.fixture
def empty(tmp_path):
    folder = tmp_path / "empty"
    folder.mkdir()
    return folder


def zip_of(path, files, *others, top="", method=zipfile.ZIP_DEFLATED):
    """Write files, name -> content, under a top folder into a zip, and others, given as (name, content), after them."""
    with zipfile.ZipFile(path, "w", method) as archive:
        for name, data in [*((top + name, data) for name, data in files.items()), *others]:
            archive.writestr(name, data)
    return path


def tree(folder):
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


# --- any archive


@each_kind
def test_as_many_bytes_as_allowed_are_written_and_no_more(empty, tmp_path, unpack, files):
    path, size = zip_of(tmp_path / "a.zip", files), sum(map(len, files.values()))
    unpack(path, empty, max_bytes=size)
    assert tree(empty) == files
    for limit in (size - 1, 0):
        with pytest.raises(StorageError, match="unpacks to more than"):
            unpack(path, empty, max_bytes=limit)


@each_kind
def test_a_bomb_is_refused_before_anything_is_written(empty, tmp_path, unpack, files):
    path = zip_of(tmp_path / "bomb.zip", files | {list(files)[2]: bytes(50_000_000)})
    assert path.stat().st_size < 100_000
    with pytest.raises(StorageError, match="unpacks to more than 1 MB"):
        unpack(path, empty, max_bytes=MANY)
    assert tree(empty) == {}


@each_kind
def test_a_bomb_that_declares_another_size_is_not_written_out(empty, tmp_path, unpack, files):
    path = zip_of(tmp_path / "lie.zip", files | {list(files)[0]: bytes(5_000_000)})
    data, true = path.read_bytes(), struct.pack("<I", 5_000_000)
    assert data.count(true) == 2  # in both headers of the member
    path.write_bytes(data.replace(true, struct.pack("<I", 10)))
    with pytest.raises(StorageError):
        unpack(path, empty, max_bytes=MANY)
    assert sum(map(len, tree(empty).values())) <= MANY


def test_the_unpacked_bytes_are_counted_whatever_the_archive_declares(empty, tmp_path, monkeypatch):
    path = zip_of(tmp_path / "a.zip", BEIR)
    monkeypatch.setattr(zipfile.ZipFile, "open", lambda archive, name: io.BytesIO(bytes(5_000_000)))
    with pytest.raises(StorageError, match="unpacks to more"):
        unpack_beir(path, empty, max_bytes=7_500_000)
    assert 0 < sum(map(len, tree(empty).values())) <= 7_500_000


@each_kind
@pytest.mark.parametrize("method", [zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_what_zipfile_unpacks_in_one_piece_is_refused(empty, tmp_path, unpack, files, method):
    with pytest.raises(StorageError, match="packed in an unusual way"):
        unpack(zip_of(tmp_path / "a.zip", files, method=method), empty, max_bytes=MANY)
    assert tree(empty) == {}


def damages(data):
    """Return damaged copies of an archive: one for each of the errors that zipfile raises."""
    start, directory = data.index(b"PK\x03\x04"), data.index(b"PK\x01\x02")
    content = start + 30 + data[start + 26]  # after the name of the first member
    encrypted, version, deflated = bytearray(data), bytearray(data), bytearray(data)
    encrypted[start + 6] |= 1
    encrypted[directory + 8] |= 1
    version[directory + 6] = 99
    deflated[content] = 0xFF
    return [b"", b"PK", b"no zip at all", data[: len(data) // 2], data[:-1], encrypted, version, deflated]


@each_kind
def test_damage_is_a_clear_error(empty, tmp_path, unpack, files):
    with pytest.raises(StorageError, match="gone.zip"):
        unpack(tmp_path / "gone.zip", empty, max_bytes=MANY)
    for damaged in damages(zip_of(tmp_path / "a.zip", files).read_bytes()):
        (tmp_path / "a.zip").write_bytes(damaged)
        with pytest.raises(StorageError, match="a.zip"):
            unpack(tmp_path / "a.zip", empty, max_bytes=MANY)


@pytest.mark.exhaustive
@each_kind
def test_damage_anywhere_is_a_clear_error_or_harmless(empty, tmp_path, unpack, files):
    path = zip_of(tmp_path / "a.zip", files, top="scifact/" if files is BEIR else "")
    data = path.read_bytes()
    damaged = [data[:length] for length in range(0, len(data), 16)]
    damaged += [data[:place] + bytes([data[place] ^ 0xFF]) + data[place + 1 :] for place in range(len(data))]
    for content in damaged:
        path.write_bytes(content)
        try:
            unpack(path, empty, max_bytes=MANY)
        except (StorageError, CollectionError):
            continue
        assert tree(empty) == files
    assert {path.name for path in tmp_path.iterdir()} == {"empty", "a.zip"}


# --- a saved collection


def test_what_was_packed_is_unpacked(empty, tmp_path):
    for name, data in SAVED.items():
        (empty / name).write_bytes(data)
    pack_folder(empty, tmp_path / "collection.zip")
    (tmp_path / "again").mkdir()
    unpack_saved(tmp_path / "collection.zip", tmp_path / "again", max_bytes=MANY)
    assert tree(tmp_path / "again") == SAVED
    with pytest.raises(StorageError, match=r"a\.zip failed"):
        pack_folder(empty, tmp_path / "gone" / "a.zip")


@pytest.fixture
def small_disk():
    """Let this process write no more than 100,000 bytes into a file, as on a disk that has no more room."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, before[1]))
    yield
    resource.setrlimit(resource.RLIMIT_FSIZE, before)


def test_a_disk_without_room_is_called_that_and_no_part_of_an_archive_stays(empty, tmp_path, small_disk):
    for number in range(3):
        (empty / f"{number}.bin").write_bytes(os.urandom(50_000))
    with pytest.raises(StorageError, match=r"b\.zip failed: the disk takes no file as large as this"):
        pack_folder(empty, tmp_path / "b.zip")
    assert not (tmp_path / "b.zip").exists()


@each_kind
def test_an_archive_is_not_called_damaged_where_the_disk_is_full(empty, tmp_path, small_disk, unpack, files):
    [large, *_] = files
    path = zip_of(tmp_path / "a.zip", {**files, large: bytes(200_000)})
    with pytest.raises(StorageError, match=r"a\.zip cannot be unpacked \(the disk takes .* try again later"):
        unpack(path, empty, max_bytes=MANY)


@pytest.mark.parametrize(
    "name",
    [
        "../manifest.json",
        "/elsewhere/manifest.json",
        "sub/manifest.json",
        "sub/",
        "notes.txt",
        "vectors-0123456789abcdef.exe",
        "vectors-0123456789abcdef.npy\n",
        "..\\manifest.json",
    ],
)
def test_names_that_save_never_gives_are_refused_and_nothing_is_written(empty, tmp_path, name):
    path = zip_of(tmp_path / "evil.zip", {"manifest.json": b"{}", name: b"x"})
    with pytest.raises(StorageError, match="not a saved collection"):
        unpack_saved(path, empty, max_bytes=MANY)
    assert tree(tmp_path).keys() == {"evil.zip"}


def test_no_files_and_too_many_are_refused(empty, tmp_path):
    for count in (0, 21):
        path = zip_of(tmp_path / "a.zip", {f"a-{number:016x}.npy": b"x" for number in range(count)})
        with pytest.raises(StorageError, match="not a saved collection"):
            unpack_saved(path, empty, max_bytes=MANY)


# --- a collection in BEIR layout


@pytest.mark.parametrize("top", ["", "scifact/", "a/b/Wörter und mehr/"])
def test_a_beir_archive_is_unpacked_wherever_its_folder_stands(empty, tmp_path, top):
    skipped = ["scifact/qrels/train.tsv", "README.md", "old-corpus.jsonl", "__MACOSX/corpus.jsonl"]
    skipped += [f"{top}old/{name}" for name in list(BEIR)[:2]]  # which is no collection: it has no judgments
    path = zip_of(tmp_path / "a.zip", BEIR, (f"{top}x/", b""), *((name, b"x") for name in skipped), top=top)
    unpack_beir(path, empty, max_bytes=sum(map(len, BEIR.values())))  # members that are skipped do not count
    assert tree(empty) == BEIR
    assert read_beir(empty).qrels == {"q1": {"d1": 1}}


@pytest.mark.parametrize(
    "name",
    [
        "../corpus.jsonl",
        "scifact/../../corpus.jsonl",
        "__MACOSX/../../x",
        "..",
        "/etc/corpus.jsonl",
        "..\\corpus.jsonl",
        "scifact\\corpus.jsonl",
        "C:corpus.jsonl",
        "scifact/notes:stream.txt",
    ],
)
@pytest.mark.parametrize("files", [BEIR, {}], ids=["more", "only"])
def test_a_name_that_leads_elsewhere_is_refused_and_nothing_is_written(empty, tmp_path, name, files):
    path = zip_of(tmp_path / "evil.zip", files, (name, b"x"), top="scifact/")
    with pytest.raises(StorageError, match="leads out of its folder; nothing was unpacked"):
        unpack_beir(path, empty, max_bytes=MANY)
    assert tree(tmp_path).keys() == {"evil.zip"}


@pytest.mark.parametrize("name", ["corpus.jsonl", "qrels", "elsewhere"])
def test_links_are_refused_and_nothing_is_written(empty, tmp_path, name):
    link = zipfile.ZipInfo(name)
    link.create_system = 3  # Unix, whose file modes mark links
    link.external_attr = (stat.S_IFLNK | 0o777) << 16
    path = zip_of(tmp_path / "a.zip", {part: data for part, data in BEIR.items() if part != name}, (link, b"/etc"))
    with pytest.raises(StorageError, match=r"holds a link \('" + name):
        unpack_beir(path, empty, max_bytes=MANY)
    assert tree(empty) == {}


@pytest.mark.parametrize(
    "missing", [["corpus.jsonl"], ["queries.jsonl"], ["qrels/test.tsv"], ["queries.jsonl", "qrels/test.tsv"], [*BEIR]]
)
@pytest.mark.parametrize("top", ["", "scifact/", "__MACOSX/"])
def test_missing_parts_are_named_and_present_ones_are_not(empty, tmp_path, missing, top):
    parts = {name: data for name, data in BEIR.items() if name not in missing}
    # without a corpus it is unknown which folder was meant, and what macOS adds is none
    missing = [*BEIR] if top == "__MACOSX/" or top and "corpus.jsonl" in missing else missing
    with pytest.raises(CollectionError) as caught:
        unpack_beir(zip_of(tmp_path / "a.zip", parts, ("README.md", b"x"), top=top), empty, max_bytes=MANY)
    found, _, advice = str(caught.value).partition(";")
    assert found == f"a.zip holds no {' and no '.join(missing)}"
    assert "Zip that folder" in advice
    assert tree(empty) == {}


def test_parts_in_different_folders_are_no_collection(empty, tmp_path):
    path = zip_of(tmp_path / "a.zip", {"a/corpus.jsonl": b"x", "b/queries.jsonl": b"x", "qrels/test.tsv": b"x"})
    with pytest.raises(CollectionError, match="holds no queries.jsonl and no qrels/test.tsv"):
        unpack_beir(path, empty, max_bytes=MANY)


def test_too_many_members_are_refused(empty, tmp_path):
    others = [(f"{number}.txt", b"") for number in range(MAX_ARCHIVE_MEMBERS - len(BEIR) + 1)]
    unpack_beir(zip_of(tmp_path / "a.zip", BEIR, *others[1:]), empty, max_bytes=MANY)
    with pytest.raises(StorageError, match=r"10,001 files; at most 10,000"):
        unpack_beir(zip_of(tmp_path / "a.zip", BEIR, *others), empty, max_bytes=MANY)
