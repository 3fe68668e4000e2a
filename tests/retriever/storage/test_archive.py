"""Archives: saved collections are packed and unpacked, BEIR's are unpacked, and all others are refused."""

import io
import stat
import struct
import zipfile

import pytest

from retriever.datasets.beir import read_beir
from retriever.datasets.beir_archive import MAX_ARCHIVE_MEMBERS, unpack_beir
from retriever.errors import CollectionError, StorageError
from retriever.storage.archive import pack_folder, unpack_saved

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
    pack_folder(saved, tmp_path / "collection.zip")
    unpack_saved(tmp_path / "collection.zip", empty, max_bytes=MANY)
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
        unpack_saved(path, empty, max_bytes=MANY)
    assert contents(empty) == {}
    assert {path.name for path in tmp_path.iterdir()} == {"empty", "evil.zip"}


def test_no_files_and_too_many_are_refused(empty, tmp_path):
    for members in ([], [(f"a-{number:016x}.npy", b"x") for number in range(21)]):
        with pytest.raises(StorageError, match="not a saved collection"):
            unpack_saved(zip_of(tmp_path / "a.zip", members), empty, max_bytes=MANY)


@pytest.mark.parametrize("limit", [3999, 1000, 1, 0])
def test_what_unpacks_to_more_than_allowed_is_refused(saved, empty, tmp_path, limit):
    pack_folder(saved, tmp_path / "a.zip")
    unpack_saved(tmp_path / "a.zip", empty, max_bytes=4000)
    with pytest.raises(StorageError, match="unpacks to more"):
        unpack_saved(tmp_path / "a.zip", empty, max_bytes=limit)


def test_a_bomb_is_not_written_out(empty, tmp_path):
    path = zip_of(tmp_path / "bomb.zip", [("vectors-0123456789abcdef.npy", bytes(50_000_000))])
    assert path.stat().st_size < 100_000
    with pytest.raises(StorageError, match="unpacks to more"):
        unpack_saved(path, empty, max_bytes=MANY)
    assert sum(map(len, contents(empty).values())) <= MANY


def test_a_wrong_declared_size_does_not_evade_the_limit(empty, tmp_path):
    path = zip_of(tmp_path / "lie.zip", [("vectors-0123456789abcdef.npy", bytes(5_000_000))])
    data = path.read_bytes()
    path.write_bytes(data.replace((5_000_000).to_bytes(4, "little"), (10).to_bytes(4, "little")))
    with pytest.raises(StorageError):
        unpack_saved(path, empty, max_bytes=MANY)


def test_damage_anywhere_is_a_storage_error_or_harmless(saved, empty, tmp_path):
    pack_folder(saved, tmp_path / "good.zip")
    data, expected = (tmp_path / "good.zip").read_bytes(), contents(saved)
    path = tmp_path / "damaged.zip"
    damaged = [data[:length] for length in range(0, len(data), 16)]
    damaged += [data[:place] + bytes([data[place] ^ 0xFF]) + data[place + 1 :] for place in range(0, len(data), 3)]
    for content in [b"", b"PK", b"no zip at all", *damaged]:
        path.write_bytes(content)
        try:
            unpack_saved(path, empty, max_bytes=MANY)
        except StorageError:
            continue
        assert contents(empty).items() <= expected.items()


def test_a_missing_file_and_an_encrypted_one_are_clear_errors(empty, tmp_path):
    with pytest.raises(StorageError, match="gone.zip"):
        unpack_saved(tmp_path / "gone.zip", empty, max_bytes=MANY)
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("manifest.json", b"{}")
    data = bytearray(buffer.getvalue())
    data[6] |= 1  # the mark of an encrypted member, in both its headers
    data[data.index(b"PK\x01\x02") + 8] |= 1
    (tmp_path / "secret.zip").write_bytes(bytes(data))
    with pytest.raises(StorageError, match="secret.zip"):
        unpack_saved(tmp_path / "secret.zip", empty, max_bytes=MANY)


def test_packing_into_a_folder_that_is_not_there_is_a_clear_error(saved, tmp_path):
    with pytest.raises(StorageError, match=r"a\.zip failed"):
        pack_folder(saved, tmp_path / "gone" / "a.zip")


# --- a collection in BEIR layout

BEIR = {
    "corpus.jsonl": b'{"_id": "d1", "title": "Lamps", "text": "A lamp is seen far out at sea."}\n',
    "queries.jsonl": b'{"_id": "q1", "text": "how far is a lamp seen?"}\n',
    "qrels/test.tsv": b"query-id\tcorpus-id\tscore\nq1\td1\t1\n",
}


def beir_zip(path, *others, top="", parts=None):
    """Write BEIR's files under a top folder into a zip, and others, given as (name, data), after them."""
    parts = BEIR if parts is None else parts
    return zip_of(path, [*((top + name, data) for name, data in parts.items()), *others])


def tree(folder):
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def linked(name):
    """Return a member that claims to be a link."""
    member = zipfile.ZipInfo(name)
    member.create_system = 3  # Unix, whose file modes mark links
    member.external_attr = (stat.S_IFLNK | 0o777) << 16
    return member


@pytest.mark.parametrize("top", ["", "scifact/", "a/b/scifact/", "Wörter und mehr/"])
def test_a_beir_archive_is_unpacked_wherever_its_folder_stands(empty, tmp_path, top):
    unpack_beir(beir_zip(tmp_path / "a.zip", top=top), empty, max_bytes=MANY)
    assert tree(empty) == BEIR
    assert read_beir(empty).qrels == {"q1": {"d1": 1}}


def test_other_members_are_skipped(empty, tmp_path):
    others = [
        ("scifact/", b""),
        ("scifact/qrels/train.tsv", b"x"),
        ("scifact/qrels/dev.tsv", b"x"),
        ("scifact/README.md", b"x"),
        ("corpus.txt", b"x"),
        ("old-corpus.jsonl", b"x"),
        ("__MACOSX/scifact/._corpus.jsonl", b"x"),
    ]
    unpack_beir(beir_zip(tmp_path / "a.zip", *others, top="scifact/"), empty, max_bytes=MANY)
    assert tree(empty) == BEIR


def test_what_macos_adds_is_no_collection(empty, tmp_path):
    path = zip_of(
        tmp_path / "a.zip", [("__MACOSX/corpus.jsonl", b"x"), *((f"s/t/{name}", BEIR[name]) for name in BEIR)]
    )
    unpack_beir(path, empty, max_bytes=MANY)
    assert tree(empty) == BEIR
    with pytest.raises(CollectionError, match="holds no corpus.jsonl"):
        unpack_beir(beir_zip(tmp_path / "b.zip", top="__MACOSX/"), empty, max_bytes=MANY)


def test_of_several_folders_the_outermost_is_taken(empty, tmp_path):
    old = [(f"scifact/old/{name}", b"old") for name in BEIR]
    unpack_beir(
        zip_of(tmp_path / "a.zip", [*old, *((f"scifact/{name}", BEIR[name]) for name in BEIR)]), empty, max_bytes=MANY
    )
    assert tree(empty) == BEIR


@pytest.mark.parametrize(
    "name",
    [
        "../corpus.jsonl",
        "scifact/../../corpus.jsonl",
        "..",
        "/etc/corpus.jsonl",
        "/corpus.jsonl",
        "..\\corpus.jsonl",
        "scifact\\corpus.jsonl",
        "C:corpus.jsonl",
        "C:/corpus.jsonl",
        "scifact/notes:stream.txt",
    ],
)
def test_a_name_that_leads_elsewhere_is_refused_and_nothing_is_written(empty, tmp_path, name):
    for number, top in enumerate(("", "scifact/")):
        path = beir_zip(tmp_path / f"evil{number}.zip", (name, b"x"), top=top)
        with pytest.raises(StorageError, match="leads out of its folder; nothing was unpacked"):
            unpack_beir(path, empty, max_bytes=MANY)
    only = zip_of(tmp_path / "only.zip", [(name, b"x")])
    with pytest.raises(StorageError, match="leads out"):
        unpack_beir(only, empty, max_bytes=MANY)
    assert tree(empty) == {}
    assert {path.name for path in tmp_path.iterdir()} == {"empty", "evil0.zip", "evil1.zip", "only.zip"}


def test_a_malicious_name_among_macos_files_is_refused_too(empty, tmp_path):
    with pytest.raises(StorageError, match="leads out"):
        unpack_beir(beir_zip(tmp_path / "a.zip", ("__MACOSX/../../x", b"x")), empty, max_bytes=MANY)


def test_links_are_refused_and_nothing_is_written(empty, tmp_path):
    for number, name in enumerate(("corpus.jsonl", "qrels", "elsewhere")):
        parts = {part: data for part, data in BEIR.items() if part != name}
        path = beir_zip(tmp_path / f"{number}.zip", (linked(name), b"/etc/passwd"), parts=parts)
        with pytest.raises(StorageError, match=r"holds a link \('" + name):
            unpack_beir(path, empty, max_bytes=MANY)
    assert tree(empty) == {}


def test_as_many_bytes_as_allowed_are_written_and_no_more(empty, tmp_path):
    size = sum(map(len, BEIR.values()))
    path = beir_zip(tmp_path / "a.zip", ("README.md", bytes(100_000)))  # members that are skipped do not count
    unpack_beir(path, empty, max_bytes=size)
    assert tree(empty) == BEIR
    for limit in (size - 1, 1, 0):
        with pytest.raises(StorageError, match="unpacks to more than"):
            unpack_beir(path, empty, max_bytes=limit)


def test_a_bomb_that_declares_its_size_is_refused_before_anything_is_written(empty, tmp_path):
    path = beir_zip(tmp_path / "bomb.zip", parts={**BEIR, "qrels/test.tsv": bytes(50_000_000)})
    assert path.stat().st_size < 100_000
    with pytest.raises(StorageError, match="unpacks to more than 1 MB"):
        unpack_beir(path, empty, max_bytes=MANY)
    assert list(empty.iterdir()) == []


def test_a_bomb_that_declares_another_size_is_not_written_out(empty, tmp_path):
    path = beir_zip(tmp_path / "lie.zip", parts={**BEIR, "corpus.jsonl": bytes(5_000_000)})
    data, true = path.read_bytes(), struct.pack("<I", 5_000_000)
    assert data.count(true) == 2  # in both headers of the member
    path.write_bytes(data.replace(true, struct.pack("<I", 10)))
    with pytest.raises(StorageError):
        unpack_beir(path, empty, max_bytes=MANY)
    assert sum(map(len, tree(empty).values())) <= MANY


def test_the_unpacked_bytes_are_counted_whatever_the_archive_declares(empty, tmp_path, monkeypatch):
    path = beir_zip(tmp_path / "a.zip")
    monkeypatch.setattr(zipfile.ZipFile, "open", lambda archive, name: io.BytesIO(bytes(5_000_000)))
    with pytest.raises(StorageError, match="unpacks to more"):
        unpack_beir(path, empty, max_bytes=7_500_000)
    assert 0 < sum(map(len, tree(empty).values())) <= 7_500_000


@pytest.mark.parametrize(
    "missing",
    [["corpus.jsonl"], ["queries.jsonl"], ["qrels/test.tsv"], ["queries.jsonl", "qrels/test.tsv"], list(BEIR)],
)
def test_missing_parts_are_named_and_present_ones_are_not(empty, tmp_path, missing):
    parts = {name: data for name, data in BEIR.items() if name not in missing}
    for number, top in enumerate(("", "scifact/")):
        path = beir_zip(tmp_path / f"{number}.zip", ("README.md", b"x"), top=top, parts=parts)
        with pytest.raises(CollectionError) as caught:
            unpack_beir(path, empty, max_bytes=MANY)
        found, _, advice = str(caught.value).partition(";")
        if "corpus.jsonl" in missing and top:  # without a corpus it is unknown which folder was meant
            assert found == f"{number}.zip holds no corpus.jsonl and no queries.jsonl and no qrels/test.tsv"
        else:
            assert found == f"{number}.zip holds no {' and no '.join(missing)}"
        assert "Zip that folder" in advice
    assert tree(empty) == {}


def test_parts_in_different_folders_are_no_collection(empty, tmp_path):
    parts = {"a/corpus.jsonl": b"x", "b/queries.jsonl": b"x", "qrels/test.tsv": b"x"}
    with pytest.raises(CollectionError, match="holds no queries.jsonl and no qrels/test.tsv"):
        unpack_beir(beir_zip(tmp_path / "a.zip", parts=parts), empty, max_bytes=MANY)


def test_too_many_members_are_refused(empty, tmp_path):
    others = [(f"{number}.txt", b"") for number in range(MAX_ARCHIVE_MEMBERS - len(BEIR))]
    unpack_beir(beir_zip(tmp_path / "a.zip", *others), empty, max_bytes=MANY)
    with pytest.raises(StorageError, match=r"10,001 files; at most 10,000"):
        unpack_beir(beir_zip(tmp_path / "b.zip", *others, ("one more.txt", b"")), empty, max_bytes=MANY)


def test_damage_anywhere_in_a_beir_archive_is_a_clear_error_or_harmless(empty, tmp_path):
    data = beir_zip(tmp_path / "good.zip", top="scifact/").read_bytes()
    path = tmp_path / "damaged.zip"
    damaged = [data[:length] for length in range(0, len(data), 16)]
    damaged += [data[:place] + bytes([data[place] ^ 0xFF]) + data[place + 1 :] for place in range(len(data))]
    for content in [b"", b"PK", b"no zip at all", *damaged]:
        path.write_bytes(content)
        try:
            unpack_beir(path, empty, max_bytes=MANY)
        except (StorageError, CollectionError):
            continue
        assert tree(empty) == BEIR
    assert {path.name for path in tmp_path.iterdir()} == {"empty", "good.zip", "damaged.zip"}


def test_a_missing_archive_is_a_clear_error(empty, tmp_path):
    with pytest.raises(StorageError, match="gone.zip"):
        unpack_beir(tmp_path / "gone.zip", empty, max_bytes=MANY)
