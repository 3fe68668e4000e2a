"""Snapshots: a saved retriever is read back, a killed save does no harm, and damage is always detected."""

import io
import json
import os
import shutil
import signal
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from retriever.documents.passage import Passage
from retriever.errors import StorageError
from retriever.indexes.hnsw import HNSWIndex
from retriever.storage import snapshot as storage
from retriever.storage.passage_lines import read_passages
from retriever.storage.snapshot import MANIFEST, Snapshot, read_snapshot, write_snapshot
from retriever.vectors import normalize
from tests.support.paths import ROOT

SETTINGS = {"M": 4, "ef_construction": 20, "seed": 42}


def snapshot(n=40, dim=6, seed=0, **changed):
    rng = np.random.default_rng(seed)
    vectors = normalize(rng.normal(size=(n, dim)).astype(np.float32))
    made = Snapshot(
        passages=[Passage(*[f"text {row} of {seed}"] * 2, metadata={"row": row}) for row in range(n)],
        vectors=vectors,
        model_name="some-model",
        fingerprint="0123-float32",
        settings=SETTINGS,
        graph=HNSWIndex(vectors, **SETTINGS),
        arrays={"query_vectors": vectors[:3] * 2},
        extra={"name": "things", "queries": ["a", "b"]},
    )
    return replace(made, **changed)


def check_same(found, expected):
    assert found.passages == expected.passages
    np.testing.assert_array_equal(found.vectors, expected.vectors)
    assert found.vectors.dtype == np.float32
    assert found.arrays.keys() == expected.arrays.keys()
    for name in expected.arrays:
        np.testing.assert_array_equal(found.arrays[name], expected.arrays[name])
    for name in ("model_name", "fingerprint", "settings", "extra"):
        assert getattr(found, name) == getattr(expected, name)
    if expected.graph is not None:
        queries = expected.vectors[:5] + 0.1
        found_ids = found.graph.search(queries, 7, ef=9).ids
        np.testing.assert_array_equal(found_ids, expected.graph.search(queries, 7, ef=9).ids)


@pytest.fixture
def folder(tmp_path):
    """A saved retriever."""
    write_snapshot(tmp_path / "saved", snapshot())
    return tmp_path / "saved"


def change_manifest(folder, change):
    manifest = json.loads((folder / MANIFEST).read_text())
    change(manifest)
    (folder / MANIFEST).write_text(json.dumps(manifest))


def name_of(folder, part):
    return json.loads((folder / MANIFEST).read_text())["files"][part]["name"]


def write_file(folder, part, data):
    """Replace a file's content and its SHA-256 in the manifest: damage that no checksum reveals."""
    import hashlib

    (folder / name_of(folder, part)).write_bytes(data)
    digest = hashlib.sha256(data).hexdigest()
    change_manifest(folder, lambda manifest: manifest["files"][part].update(sha256=digest, bytes=len(data)))


def npy(array, **options):
    buffer = io.BytesIO()
    np.save(buffer, array, **options)
    return buffer.getvalue()


# --- what was saved comes back


def test_a_snapshot_comes_back_whole(folder):
    check_same(read_snapshot(folder), snapshot())


def test_text_and_metadata_of_every_kind_come_back(tmp_path):
    shown = ["", " ", "line\nfeed\r\n\u2028\u2029\x85", "日本語", "مرحبا", "😀🏳️‍🌈", 'quote " \\ \0 \x1f', "e\u0301"]
    metadata = [{"a": None, "ü": [1, 2.5, {"b": True}], "": "x" * 1000}] + [{}] * 7
    places = [("c#1", "c", "Ti\u0301tle", "c.txt", (3, 9)), ("d", "d", "", "", None)] + [("", "", "", "", None)] * 6
    passages = [
        Passage(text, f"Title {text}" if row % 2 else text, *place, given)
        for row, (text, place, given) in enumerate(zip(shown, places, metadata, strict=True))
    ]
    made = snapshot(8, passages=passages)
    write_snapshot(tmp_path, made)
    check_same(read_snapshot(tmp_path), made)


@pytest.mark.parametrize(
    ("text", "metadata", "passage"),
    [
        (
            "Tea Boil.",
            {"title": "Tea", "doc_id": "t", "source": "s"},
            Passage("Boil.", "Tea Boil.", "t", "t", "Tea", "s"),
        ),
        ("Teapots.", {"title": "Tea", "doc_id": "t"}, Passage("Teapots.", "Teapots.", "t", "t", "Tea")),
        (
            "Tea Boil.",
            {"title": "Tea", "doc_id": "t", "chunk_id": "t#1", "start": 0, "end": 9, "n": 1},
            Passage("Tea Boil.", "Tea Boil.", "t#1", "t", "Tea", "", (0, 9), {"n": 1}),
        ),
        (
            "Tea Boil.",  # a row with columns of these names
            {"title": "Tea", "doc_id": "t", "start": "x", "end": 3},
            Passage("Boil.", "Tea Boil.", "t", "t", "Tea", "", None, {"start": "x", "end": 3}),
        ),
        ("Boil.", {"doc_id": 7}, Passage("Boil.", "Boil.", metadata={"doc_id": 7})),
    ],
)
def test_a_passage_of_version_1_had_its_place_in_its_metadata(text, metadata, passage):
    [read] = read_passages(json.dumps({"text": text, "metadata": metadata}).encode() + b"\n", 1)
    shared = {key: value for key, value in metadata.items() if key == "source"}  # of the document too
    assert read == replace(passage, metadata={**shared, **passage.metadata})
    assert read.as_metadata() == metadata


def test_an_empty_retriever_and_one_without_graph_come_back(tmp_path):
    for number, made in enumerate((snapshot(0, arrays={}), snapshot(graph=None))):
        write_snapshot(tmp_path / str(number), made)
        check_same(read_snapshot(tmp_path / str(number)), made)
    assert read_snapshot(tmp_path / "1").graph is None


def test_the_graph_can_be_left_out_and_is_not_even_opened(folder):
    (folder / name_of(folder, "graph")).unlink()
    found = read_snapshot(folder, with_graph=False)
    assert found.graph is None
    check_same(found, snapshot(graph=None))


def test_column_major_vectors_come_back(tmp_path):
    made = snapshot()
    write_snapshot(tmp_path, replace(made, vectors=np.asfortranarray(made.vectors)))
    check_same(read_snapshot(tmp_path), made)


def test_the_manifest_names_the_versions_and_settings(folder):
    import hashlib

    manifest = json.loads((folder / MANIFEST).read_text())
    assert manifest["format"] == "dense-retrieval-lab"
    assert manifest["shape"] == [40, 6]
    assert manifest["model"] == "some-model"
    assert manifest["versions"]["numpy"] == np.__version__
    assert set(manifest["files"]) == {"passages", "vectors", "graph", "query_vectors"}
    for entry in manifest["files"].values():
        data = (folder / entry["name"]).read_bytes()
        assert entry["sha256"] == hashlib.sha256(data).hexdigest()
        assert entry["bytes"] == len(data)


# --- saving over an older save


def test_saving_again_replaces_all_and_leaves_no_stale_file(folder):
    (folder / "notes.txt").write_text("not ours")
    (folder / ".writing-left-by-a-killed-save").write_text("half")
    (folder / ".writing-folder").mkdir()
    (folder / ".writing-folder" / "graph").write_text("half")
    made = snapshot(10, seed=1)
    write_snapshot(folder, made)
    check_same(read_snapshot(folder), made)
    named = {entry["name"] for entry in json.loads((folder / MANIFEST).read_text())["files"].values()}
    assert {path.name for path in folder.iterdir()} == named | {MANIFEST, "notes.txt"}


def test_saving_the_same_again_changes_no_file(folder):
    before = {path.name: path.read_bytes() for path in folder.iterdir()}
    write_snapshot(folder, snapshot())
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == before


@pytest.mark.parametrize(
    "bad",
    [
        {"passages": [Passage("a", "a")] * 39 + [Passage("a", "a", metadata={"made": object()})]},
        {"passages": [Passage("a", "a")] * 39 + [Passage("a", "a", metadata={("a", "tuple"): 1})]},
        {"passages": [Passage("a", "a")] * 39 + [Passage("a", "lone \ud800 surrogate")]},
        {"extra": {"made": object()}},
        {"extra": {"surrogate": "\ud800"}},
        {"model_name": "\ud800"},
    ],
    ids=str,
)
def test_what_is_no_json_is_refused_and_the_old_save_stays_whole(folder, bad):
    with pytest.raises(StorageError, match="JSON"):
        write_snapshot(folder, snapshot(seed=1, **bad))
    check_same(read_snapshot(folder), snapshot())
    assert not list(folder.glob(".writing-*"))


def test_the_row_that_is_no_json_is_named(tmp_path):
    passages = [Passage("a", "a")] * 40
    passages[17] = Passage("a", "a", metadata={"made": object()})
    with pytest.raises(StorageError, match="row 17"):
        write_snapshot(tmp_path, snapshot(passages=passages))


def test_metadata_that_holds_itself_is_refused(tmp_path):
    ring = {}
    ring["self"] = ring
    deep = {}
    for _ in range(100_000):
        deep = {"deeper": deep}
    for metadata in (ring, deep):
        with pytest.raises(StorageError, match="row 0"):
            write_snapshot(tmp_path, snapshot(1, passages=[Passage("a", "a", metadata=metadata)]))
    while deep:  # taken apart level by level: freeing it at once would recurse as deep
        deep = deep["deeper"]


def test_a_disk_that_refuses_is_a_clear_error_and_the_old_save_stays_whole(folder, monkeypatch):
    def full(*args):
        raise OSError(28, "No space left on device")

    for name in ("fsync", "replace"):
        with monkeypatch.context() as patch:
            patch.setattr(storage.os, name, full)
            with pytest.raises(StorageError, match="No space left on device"):
                write_snapshot(folder, snapshot(seed=1))
        check_same(read_snapshot(folder), snapshot())
        assert not list(folder.glob(".writing-*"))


def test_a_file_in_the_place_of_the_folder_is_a_clear_error(tmp_path):
    (tmp_path / "file").write_text("x")
    for path in (tmp_path / "file", tmp_path / "file" / "below"):
        with pytest.raises(StorageError):
            write_snapshot(path, snapshot())
        with pytest.raises(StorageError):
            read_snapshot(path)
    assert (tmp_path / "file").read_text() == "x"


# --- a killed save

KILLED_SAVES = """
import os, shutil, signal, sys
from pathlib import Path
sys.path[:0] = [{root!r}]
from retriever.storage import snapshot as storage
from tests.retriever.storage.test_snapshot import snapshot
base, points = Path({base!r}), {points!r}
old, new = snapshot(), snapshot(30, seed=1)
storage.write_snapshot(base / "old", old)
for name, nth, after in points:
    folder = base / f"{{name}}-{{nth}}-{{after}}"
    shutil.copytree(base / "old", folder)
    pid = os.fork()
    if pid == 0:
        owner = Path if name == "unlink" else storage.os
        real, calls = getattr(owner, name), 0
        def counted(*args, **kwargs):
            global calls
            calls += 1
            if calls == nth and not after:
                os.kill(os.getpid(), signal.SIGKILL)
            real(*args, **kwargs)
            if calls == nth:
                os.kill(os.getpid(), signal.SIGKILL)
        setattr(owner, name, counted)
        storage.write_snapshot(folder, new)
        os._exit(0)
    print(folder.name, os.waitpid(pid, 0)[1])
"""
KILL_POINTS = [("fsync", nth, after) for nth in range(1, 6) for after in (False, True)]
KILL_POINTS += [("replace", nth, after) for nth in range(1, 6) for after in (False, True)]
KILL_POINTS += [("unlink", nth, False) for nth in range(1, 5)]


def test_a_save_killed_at_any_point_leaves_the_old_or_the_new_one_whole(tmp_path):
    """The five files (passages, vectors, query vectors, graph, manifest) are each synced, then replaced."""
    script = KILLED_SAVES.format(root=str(ROOT), base=str(tmp_path), points=KILL_POINTS)
    run = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=60, check=False)
    assert run.returncode == 0, run.stderr
    statuses = dict(line.split() for line in run.stdout.splitlines())
    assert len(statuses) == len(KILL_POINTS)
    assert set(statuses.values()) == {str(int(signal.SIGKILL))}, statuses  # every process was killed at its point
    for name, nth, after in KILL_POINTS:
        folder = tmp_path / f"{name}-{nth}-{after}"
        is_new = name == "unlink" or (name, nth, after) == ("replace", 5, True)
        check_same(read_snapshot(folder), snapshot(30, seed=1) if is_new else snapshot())
        write_snapshot(folder, snapshot(20, seed=2))  # and the next save works and cleans up
        check_same(read_snapshot(folder), snapshot(20, seed=2))
        assert len(list(folder.iterdir())) == 5


# --- damage


FILES = ["passages", "vectors", "query_vectors", "graph"]


def damage_truncate(path):
    path.write_bytes(path.read_bytes()[:-1])


def damage_empty(path):
    path.write_bytes(b"")


def damage_grow(path):
    path.write_bytes(path.read_bytes() + b"\n")


def damage_flip(path):
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(bytes(data))


def damage_remove(path):
    path.unlink()


def damage_folder(path):
    path.unlink()
    path.mkdir()


@pytest.mark.parametrize("part", FILES)
@pytest.mark.parametrize(
    "damage", [damage_truncate, damage_empty, damage_grow, damage_flip, damage_remove, damage_folder]
)
def test_every_damaged_file_is_named(folder, part, damage):
    name = name_of(folder, part)
    damage(folder / name)
    with pytest.raises(StorageError, match=name):
        read_snapshot(folder)


def test_swapped_files_are_noticed(folder, tmp_path):
    write_snapshot(tmp_path / "other", snapshot(seed=1))
    for part in FILES:
        shutil.copy(tmp_path / "other" / name_of(tmp_path / "other", part), folder / name_of(folder, part))
        with pytest.raises(StorageError, match="SHA-256"):
            read_snapshot(folder)
        shutil.rmtree(folder)
        write_snapshot(folder, snapshot())

    def swap(manifest):
        files = manifest["files"]
        files["vectors"], files["query_vectors"] = files["query_vectors"], files["vectors"]

    change_manifest(folder, swap)
    with pytest.raises(StorageError, match="damaged"):
        read_snapshot(folder)


@pytest.mark.parametrize(
    "data", [b"", b"{", b"null", b"[]", b"{}", b"\xff\xfe", b"[" * 100_000, b'{"format": "something-else"}']
)
def test_a_manifest_that_is_none_is_refused(folder, data):
    (folder / MANIFEST).write_bytes(data)
    with pytest.raises(StorageError):
        read_snapshot(folder)


def test_a_truncated_manifest_is_refused(folder):
    data = (folder / MANIFEST).read_bytes()
    for length in range(0, len(data) - 1, 25):
        (folder / MANIFEST).write_bytes(data[:length])
        with pytest.raises(StorageError):
            read_snapshot(folder)


@pytest.mark.parametrize("version", [3, 99, 0, None, "1", 1.5])
def test_another_format_version_is_refused_and_named(folder, version):
    change_manifest(folder, lambda manifest: manifest.update(format_version=version))
    with pytest.raises(StorageError, match=f"version {version!r}.*up to 2"):
        read_snapshot(folder)


def test_missing_and_foreign_folders_are_refused(tmp_path):
    (tmp_path / "foreign").mkdir()
    (tmp_path / "foreign" / "manifest.json").write_text('{"name": "a web app"}')
    (tmp_path / "empty").mkdir()
    for name, message in (("missing", "no manifest"), ("empty", "no manifest"), ("foreign", "not written by")):
        with pytest.raises(StorageError, match=message):
            read_snapshot(tmp_path / name)


@pytest.mark.parametrize(
    "name",
    [
        "../secret.npy",
        "/etc/passwd",
        "vectors.npy",
        "sub/vectors-0123456789abcdef.npy",
        "../saved/vectors-0123456789abcdef.npy",
        "vectors-0123456789abcdef.npy\0",
        "vectors-0123456789abcdef.npy\n",
        "manifest.json",
        "",
        ".",
        None,
        3,
        ["vectors-0123456789abcdef.npy"],
    ],
)
def test_names_that_save_never_gives_are_not_opened(folder, name, monkeypatch):
    def change(manifest):
        manifest["files"]["vectors"]["name"] = name

    change_manifest(folder, change)
    opened, real = [], Path.read_bytes
    monkeypatch.setattr(Path, "read_bytes", lambda path: (opened.append(path.name), real(path))[1])
    with pytest.raises(StorageError):
        read_snapshot(folder)
    assert all(name.startswith("passages-") for name in opened)


def places(value, path=()):
    """Yield the path of every value within a nested one."""
    yield path
    for key, inner in value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ():
        yield from places(inner, (*path, key))


JUNK = [None, -1, 0, 7, 10**30, 1.5, float("nan"), float("inf"), True, "x", "../x", [], [1], {}, {"a": 1}]


def test_junk_anywhere_in_a_manifest_is_a_storage_error_or_harmless(folder):
    manifest = json.loads((folder / MANIFEST).read_text())
    expected, refused = snapshot(), 0
    for path in places(manifest):
        for junk in [*JUNK, "absent"]:
            changed = json.loads(json.dumps(manifest))
            if not path:
                changed = junk
            else:
                inner = changed
                for key in path[:-1]:
                    inner = inner[key]
                if junk == "absent":
                    del inner[path[-1]]
                else:
                    inner[path[-1]] = junk
            (folder / MANIFEST).write_text(json.dumps(changed))
            try:
                found = read_snapshot(folder)
            except StorageError:
                refused += 1
            else:
                assert found.passages == expected.passages
                np.testing.assert_array_equal(found.vectors, expected.vectors)
    assert refused > 200


UNFIT = {
    "NaN": ("vectors", lambda made: npy(np.where(np.arange(6) == 3, np.nan, made.vectors).astype(np.float32))),
    "fewer": ("vectors", lambda made: npy(made.vectors[:-1])),
    "float64": ("vectors", lambda made: npy(made.vectors.astype(np.float64))),
    "one axis": ("vectors", lambda made: npy(made.vectors.ravel())),
    "no columns": ("vectors", lambda made: npy(made.vectors[:, :0])),
    "objects": ("vectors", lambda made: npy(np.array([[object()] * 6] * 40), allow_pickle=True)),
    "a pickle": ("vectors", lambda made: __import__("pickle").dumps([1, 2])),
    "no array": ("vectors", lambda made: b"\x93NUMPY\x01\x00"),
    "a zip": ("vectors", lambda made: b"PK\x03\x04 and so on"),
    "a short array": ("vectors", lambda made: npy(made.vectors)[:-40]),
    "a huge shape": ("vectors", lambda made: npy(made.vectors).replace(b"(40, 6)", b"(4*9,6)")),
    "no JSON": ("passages", lambda made: b"text\n" * 40),
    "no text": ("passages", lambda made: b'{"metadata": {}}\n' * 40),
    "a number": ("passages", lambda made: b'{"text": 3, "metadata": {}}\n' * 40),
    "a list": ("passages", lambda made: b'["text", {}]\n' * 40),
    "metadata a list": ("passages", lambda made: b'{"text": "a", "metadata": []}\n' * 40),
    "too few": ("passages", lambda made: b'{"text": "a", "metadata": {}}\n' * 39),
    "too many": ("passages", lambda made: b'{"text": "a", "metadata": {}}\n' * 41),
    "no UTF-8": ("passages", lambda made: b'{"text": "\xff", "metadata": {}}\n' * 40),
    "deep": ("passages", lambda made: b"[" * 100_000),
    "no graph": ("graph", lambda made: b"not a graph"),
    "an empty graph": ("graph", lambda made: b""),
}


@pytest.mark.parametrize("case", UNFIT)
def test_parts_that_do_not_fit_are_refused_whatever_their_checksum(folder, case):
    part, make = UNFIT[case]
    write_file(folder, part, make(snapshot()))
    with pytest.raises(StorageError, match=r"damaged|cannot be read"):
        read_snapshot(folder)


def test_a_forged_array_header_is_refused_or_harmless(folder):
    data, expected, refused = npy(snapshot().vectors), snapshot(), 0
    for place in range(128):
        for junk in (b"\0", b"(", b"9", b"'"):
            write_file(folder, "vectors", data[:place] + junk + data[place + 1 :])
            try:
                found = read_snapshot(folder)
            except StorageError:
                refused += 1
            else:
                np.testing.assert_array_equal(found.vectors, expected.vectors)
    assert refused > 200


def test_vectors_without_columns_are_refused_even_where_the_manifest_agrees(folder):
    write_file(folder, "vectors", npy(np.empty((40, 0), np.float32)))
    change_manifest(folder, lambda manifest: manifest.update(shape=[40, 0]))
    with pytest.raises(StorageError):
        read_snapshot(folder)


@pytest.mark.parametrize("other", [{"n": 39}, {"dim": 7}], ids=str)
def test_a_graph_over_other_vectors_is_refused_whatever_its_checksum(folder, tmp_path, other):
    snapshot(**other).graph.save(tmp_path / "graph")
    write_file(folder, "graph", (tmp_path / "graph").read_bytes())
    with pytest.raises(StorageError, match=r"graph"):
        read_snapshot(folder)


def test_no_pickle_is_ever_loaded(folder, tmp_path):
    class Evil:
        def __reduce__(self):
            return (os.mkdir, (str(tmp_path / "it ran"),))

    array = np.empty((40, 6), dtype=object)
    array[:] = Evil()
    write_file(folder, "vectors", npy(array, allow_pickle=True))
    with pytest.raises(StorageError):
        read_snapshot(folder)
    assert not (tmp_path / "it ran").exists()
