"""BEIR archives: the collection and the split are chosen, several are named, and what is packed twice is bounded."""

import gzip
import zipfile

import pytest

from retriever.datasets.beir import read_beir
from retriever.datasets.beir_archive import TOP, archive_parts, unpack_beir
from retriever.errors import CollectionError, PartError, StorageError

MANY = 1_000_000


def collection(folder, answer, splits=("test",), packed=()):
    """Return the members of a collection in a folder of an archive, whose one document is the answer."""
    members = {
        "corpus.jsonl": f'{{"_id": "{answer}", "text": "Of {answer}."}}\n',
        "queries.jsonl": f'{{"_id": "q", "text": "what is {answer}?"}}\n',
        **{f"qrels/{split}.tsv": f"q\t{answer}\t{number + 1}\n" for number, split in enumerate(splits)},
    }
    return {
        f"{folder}{name}{'.gz' if name in packed else ''}": gzip.compress(text.encode()) if name in packed else text
        for name, text in members.items()
    }


@pytest.fixture
def archive(tmp_path):
    """A function that writes members into an archive, and returns its path."""

    def write(*members):
        with zipfile.ZipFile(tmp_path / "set.zip", "w", zipfile.ZIP_DEFLATED) as packed:
            for each in members:
                for name, data in each.items():
                    packed.writestr(name, data)
        return tmp_path / "set.zip"

    return write


@pytest.fixture
def read(tmp_path):
    """A function that unpacks a part of an archive and reads it: the grades, and what was unpacked."""

    def read(path, **chosen):
        folder = tmp_path / f"folder-{len(list(tmp_path.iterdir()))}"
        folder.mkdir()
        part = unpack_beir(path, folder, max_bytes=MANY, **chosen)
        return read_beir(folder).qrels["q"], part

    return read


@pytest.mark.parametrize("turned", [False, True])
def test_of_several_collections_one_is_chosen_and_without_a_choice_all_are_named(archive, read, turned):
    both = [collection("stack/rust/", "rust"), collection("stack/tides/", "tides", ("test", "dev"))]
    path = archive(*both[:: -1 if turned else 1])
    assert archive_parts(path) == {"stack/rust": ["test"], "stack/tides": ["test", "dev"]}
    with pytest.raises(PartError, match="set.zip: it holds 2 collections, .*choose one of: stack/(rust|tides), stack/"):
        read(path)
    grades, part = read(path, collection="stack/tides", split="dev")
    assert (grades, part.collection, part.split) == ({"tides": 2}, "stack/tides", "dev")
    assert sorted(part.collections) == ["stack/rust", "stack/tides"] and part.splits == ["test", "dev"]
    assert read(path, collection="rust")[0] == {"rust": 1}
    with pytest.raises(PartError, match="'bread' is not one of the 2 in it; choose one of"):
        read(path, collection="bread")
    with pytest.raises(PartError, match="no judgments of the split 'dev'; choose one of: test"):
        read(path, collection="rust", split="dev")


def test_a_collection_beside_a_nested_one_and_as_many_as_twelve_are_named(archive, read):
    path = archive(collection("", "rust"), collection("old/", "tides"))
    assert list(archive_parts(path)) == [TOP, "old"]
    assert read(path, collection=TOP)[0] == {"rust": 1}
    assert read(path, collection="old")[0] == {"tides": 1}
    names = [f"cqadupstack/forum{number:02}" for number in range(12)]
    with pytest.raises(PartError) as caught:
        read(archive(*(collection(f"{name}/", "a") for name in names)))
    assert all(name in str(caught.value) for name in names) and len(str(caught.value)) < 500


def test_the_usual_split_is_read_and_an_incomplete_collection_is_none(archive, read):
    beside = {name: text for name, text in collection("part/", "b").items() if "queries" not in name}
    path = archive(collection("c/", "a", ("train", "dev")), beside, {"__MACOSX/c/qrels/._test.tsv": b"x"})
    assert archive_parts(path) == {"c": ["dev", "train"]}
    grades, part = read(path)
    assert (grades, part.collection, part.split, part.splits) == ({"a": 2}, "", "dev", ["dev", "train"])
    assert read(path, split="train")[0] == {"a": 1}


def test_packed_members_are_unpacked(archive, read):
    packed = ("corpus.jsonl", "queries.jsonl", "qrels/dev.tsv")
    path = archive(collection("c/", "a", ("dev",), packed))
    assert archive_parts(path) == {"c": ["dev"]}
    assert read(path)[0] == {"a": 1}
    both = archive(collection("c/", "a", ("dev",), packed), collection("c/", "b", ("dev",)))
    assert read(both)[0] == {"b": 1}, "what is not packed comes first"


def test_a_bomb_in_a_packed_member_is_refused_and_so_is_damage(archive, tmp_path):
    folder, parts = tmp_path / "folder", collection("", "a", packed=("corpus.jsonl",))
    folder.mkdir()
    path = archive(parts | {"corpus.jsonl.gz": gzip.compress(bytes(50_000_000))})
    assert path.stat().st_size < 100_000
    with pytest.raises(StorageError, match="unpacks to more than 1 MB"):
        unpack_beir(path, folder, max_bytes=MANY)
    assert (folder / "corpus.jsonl").stat().st_size <= MANY
    whole = gzip.compress(b"{}" * 1000)
    for damaged in (whole[:-4], b"no gzip", whole[:12] + b"\xff" * 9 + whole[21:]):
        with pytest.raises(StorageError, match=r"set\.zip"):
            unpack_beir(archive(parts | {"corpus.jsonl.gz": damaged}), folder, max_bytes=MANY)


def test_parts_are_those_of_a_sound_archive_alone(archive, tmp_path):
    with pytest.raises(CollectionError, match="holds no corpus.jsonl and no queries.jsonl and no qrels/test.tsv"):
        archive_parts(archive({"README.md": b"x"}))
    with pytest.raises(StorageError, match="leads out of its folder"):
        archive_parts(archive(collection("c/", "a"), {"../x": b""}))
    (tmp_path / "bad.zip").write_bytes(b"PK\x03\x04 half")
    with pytest.raises(StorageError, match=r"bad\.zip"):
        archive_parts(tmp_path / "bad.zip")
