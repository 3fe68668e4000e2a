"""Snapshots: a saved retriever is read back, a killed save does no harm, and damage is always detected."""

import hashlib
import io
import json
import os
import subprocess
import sys
from collections import Counter
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from retriever.documents.document import Passage
from retriever.errors import StorageError
from retriever.indexes.hnsw import HNSWIndex
from retriever.storage import saved_folder as storage
from retriever.storage.saved_folder import MANIFEST
from retriever.storage.snapshot import Snapshot, read_snapshot, write_snapshot
from retriever.vectors import normalize
from tests.support.paths import ROOT

SETTINGS = {"M": 4, "ef_construction": 20, "seed": 42}
FILES = ["passages", "vectors", "query_vectors", "graph"]


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


OLD = snapshot()
NEW = snapshot(seed=1, passages=OLD.passages)  # saves of both have a file in common


def check_same(found, expected):
    assert found.passages == expected.passages
    np.testing.assert_array_equal(found.vectors, expected.vectors)
    assert found.vectors.dtype == np.float32
    assert found.arrays.keys() == expected.arrays.keys()
    for name in expected.arrays:
        np.testing.assert_array_equal(found.arrays[name], expected.arrays[name])
    for name in ("model_name", "fingerprint", "settings", "extra"):
        assert getattr(found, name) == getattr(expected, name)
    assert (found.graph is None) == (expected.graph is None)
    if expected.graph is not None:
        queries = expected.vectors[:5] + 0.1
        found_ids = found.graph.search(queries, 7, ef=9).ids
        np.testing.assert_array_equal(found_ids, expected.graph.search(queries, 7, ef=9).ids)


@pytest.fixture
def folder(tmp_path):
    """A saved retriever."""
    write_snapshot(tmp_path / "saved", OLD)
    return tmp_path / "saved"


def read_manifest(folder):
    return json.loads((folder / MANIFEST).read_text())


def change_manifest(folder, *keys, value):
    """Set a value in the manifest, by the keys that lead to it."""
    manifest = inner = read_manifest(folder)
    for key in keys[:-1]:
        inner = inner[key]
    inner[keys[-1]] = value
    (folder / MANIFEST).write_text(json.dumps(manifest))


def path_of(folder, part):
    return folder / (MANIFEST if part == MANIFEST else read_manifest(folder)["files"][part]["name"])


def forge(folder, part, data):
    """Replace a file's content, and its SHA-256 and size in the manifest."""
    path_of(folder, part).write_bytes(data)
    change_manifest(folder, "files", part, "sha256", value=hashlib.sha256(data).hexdigest())
    change_manifest(folder, "files", part, "bytes", value=len(data))


def npy(array):
    buffer = io.BytesIO()
    np.save(buffer, array)
    return buffer.getvalue()


# --- what was saved comes back


@pytest.mark.parametrize(
    "made",
    [
        OLD,
        snapshot(0, arrays={}),
        snapshot(graph=None),
        replace(OLD, vectors=np.asfortranarray(OLD.vectors)),
    ],
    ids=["usual", "empty", "without a graph", "column-major"],
)
def test_a_snapshot_comes_back_whole(tmp_path, made):
    write_snapshot(tmp_path, made)
    check_same(read_snapshot(tmp_path), made)


def test_the_graph_can_be_left_out_and_is_not_even_opened(folder):
    path_of(folder, "graph").unlink()
    check_same(read_snapshot(folder, with_graph=False), replace(OLD, graph=None))


def test_links_to_files_are_followed(folder):
    """Download tools store files in one folder and links to them in another."""
    for path in list(folder.iterdir()):
        path.rename(folder.parent / f"kept-{path.name}")
        path.symlink_to(folder.parent / f"kept-{path.name}")
    check_same(read_snapshot(folder), OLD)


def test_the_manifest_names_the_versions_settings_and_files(folder):
    manifest = read_manifest(folder)
    assert manifest["format"] == "dense-retrieval-lab"
    assert (manifest["shape"], manifest["model"]) == ([40, 6], "some-model")
    assert manifest["versions"]["numpy"] == np.__version__
    assert set(manifest["files"]) == set(FILES)
    for entry in manifest["files"].values():
        data = (folder / entry["name"]).read_bytes()
        assert (entry["sha256"], entry["bytes"]) == (hashlib.sha256(data).hexdigest(), len(data))


# --- saving over an older save


def test_saving_again_replaces_all_and_leaves_no_stale_file(folder):
    (folder / "notes.txt").write_text("not ours")
    (folder / ".writing-left-by-a-killed-save").write_text("half")
    (folder / ".writing-folder").mkdir()
    (folder / ".writing-folder" / "graph").write_text("half")
    (folder.parent / "elsewhere").mkdir()
    (folder / ".writing-link").symlink_to(folder.parent / "elsewhere")
    made = snapshot(10, seed=1)
    write_snapshot(folder, made)
    check_same(read_snapshot(folder), made)
    named = {entry["name"] for entry in read_manifest(folder)["files"].values()}
    assert {path.name for path in folder.iterdir()} == named | {MANIFEST, "notes.txt"}
    assert (folder.parent / "elsewhere").is_dir(), "the link is deleted, not its target"
    before = {path.name: path.read_bytes() for path in folder.iterdir()}
    write_snapshot(folder, made)
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == before


@pytest.mark.parametrize("name", ["iterdir", "unlink"])
def test_what_cannot_be_cleared_up_does_not_fail_a_save(folder, monkeypatch, name):
    def refuse(path):
        raise PermissionError(13, "Permission denied")

    with monkeypatch.context() as patch:
        patch.setattr(Path, name, refuse)
        write_snapshot(folder, NEW)
    check_same(read_snapshot(folder), NEW)


@pytest.mark.parametrize(
    "bad",
    [
        {"passages": [Passage("a", "a")] * 39 + [Passage("a", "lone \ud800 surrogate")]},
        {"extra": {"made": object()}},
        {"extra": {"surrogate": "\ud800"}},
        {"model_name": "\ud800"},
    ],
    ids=["passage", "object", "surrogate", "name"],
)
def test_what_is_no_json_is_refused_and_the_old_save_stays_whole(folder, bad):
    with pytest.raises(StorageError, match="JSON"):
        write_snapshot(folder, replace(NEW, **bad))
    check_same(read_snapshot(folder), OLD)
    assert not list(folder.glob(".writing-*"))


@pytest.mark.parametrize("name", ["fsync", "replace"])
def test_a_disk_that_refuses_is_a_clear_error_and_the_old_save_stays_whole(folder, monkeypatch, name):
    def full(*args):
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(storage.os, name, full)
        with pytest.raises(StorageError, match="No space left on device"):
            write_snapshot(folder, NEW)
    check_same(read_snapshot(folder), OLD)
    assert not list(folder.glob(".writing-*"))


def test_a_file_in_the_place_of_the_folder_is_a_clear_error(tmp_path):
    (tmp_path / "file").write_text("x")
    for path in (tmp_path / "file", tmp_path / "file" / "below"):
        with pytest.raises(StorageError):
            write_snapshot(path, OLD)
        with pytest.raises(StorageError):
            read_snapshot(path)
    assert (tmp_path / "file").read_text() == "x"


def run(script, *arguments):
    """Run one of the tests' scripts in a separate process, which may crash or be killed."""
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "OPENBLAS_NUM_THREADS": "1"}
    command = [sys.executable, ROOT / "tests" / "support" / script, *map(str, arguments)]
    return subprocess.run(command, env=environment, capture_output=True, text=True, timeout=580, check=False)


def test_a_save_killed_at_any_step_leaves_the_old_one_or_the_new_one_whole(tmp_path):
    ended = run("saved_kills.py", tmp_path)
    assert ended.returncode == 0, ended.stderr
    steps = json.loads(ended.stdout)
    assert {step.split()[0] for step in steps} == {"open", "write", "sync", "rename", "mkdir", "rmdir", "remove"}
    replaced = steps.index(f"rename {MANIFEST}")
    assert 20 <= replaced < len(steps) - 4
    for number, step in enumerate(steps):
        folder = tmp_path / str(number)
        try:
            check_same(read_snapshot(folder), NEW if number > replaced else OLD)
        except (StorageError, AssertionError) as error:
            pytest.fail(f"killed before step {number}, {step}: {error}")
        write_snapshot(folder, snapshot(20, seed=2))  # and the next save works and cleans up
        assert len(list(folder.iterdir())) == 5
    # A power cut is worse than a kill: it can undo a rename whose folder was not synced.
    synced = [number for number, step in enumerate(steps) if step == f"sync {len(steps)}"]
    renamed = [number for number, step in enumerate(steps) if step.startswith("rename")]
    removed = [number for number, step in enumerate(steps) if step.startswith("remove") and "-" in step]
    assert any(renamed[-2] < number < replaced for number in synced), "files, before a manifest tells of them"
    assert any(replaced < number < removed[0] for number in synced), "the manifest, before the old files go"
    assert f"sync {tmp_path.name}" in steps[replaced:], "the folder itself, which may be new"
    assert {steps[number - 1] for number in renamed} == {"sync"}, "content, before its name"


# --- damage


@pytest.mark.parametrize("part", FILES)
def test_every_damaged_file_is_named(folder, part):
    path = path_of(folder, part)
    data = path.read_bytes()
    middle = len(data) // 2
    for changed in (b"", data[:-1], data + b"\n", data[:middle] + bytes([data[middle] ^ 1]) + data[middle + 1 :]):
        path.write_bytes(changed)
        with pytest.raises(StorageError, match=f"{path.name} of saved is damaged"):
            read_snapshot(folder)
    path.unlink()
    with pytest.raises(StorageError, match=f"{path.name} of saved is missing"):
        read_snapshot(folder)


def no_reading(watched, read):
    """Return a reader that fails the test if one path is read, which would never end."""
    return lambda path, **options: pytest.fail("it was read") if path == watched else read(path, **options)


@pytest.mark.parametrize("part", [MANIFEST, "vectors", "graph"])
def test_what_is_no_file_of_the_size_told_is_not_read(folder, part, monkeypatch):
    path = path_of(folder, part)
    path.unlink()
    monkeypatch.setattr(Path, "read_bytes", no_reading(path, Path.read_bytes))
    monkeypatch.setattr(Path, "read_text", no_reading(path, Path.read_text))
    for make in (lambda: os.mkfifo(path), lambda: path.symlink_to("/dev/zero"), lambda: path.symlink_to(path)):
        make()
        with pytest.raises(StorageError):
            read_snapshot(folder)
        path.unlink()
    if part != MANIFEST:
        path.touch()
        os.truncate(path, 1 << 40)  # a sparse file, which takes no space on the disk
        with pytest.raises(StorageError, match="bytes"):
            read_snapshot(folder)


NO_MANIFESTS = [b"", b"{", b"null", b"[]", b"{}", b'{"name": "a web app"}', b"{} {}", b"\xff\xfe", b'{"a": "\\ud800"}']


@pytest.mark.parametrize("data", [*NO_MANIFESTS, b"[" * 100_000], ids=range(10))
def test_a_manifest_that_is_none_is_refused(folder, data):
    (folder / MANIFEST).write_bytes(data)
    with pytest.raises(StorageError, match="cannot be read|not written by this program"):
        read_snapshot(folder)


def test_a_folder_without_a_manifest_is_refused(tmp_path):
    for path in (tmp_path, tmp_path / "missing"):
        with pytest.raises(StorageError, match=r"no manifest\.json"):
            read_snapshot(path)


@pytest.mark.parametrize("version", [3, 0, None, "1", 1.5])
def test_another_format_version_is_refused_and_named(folder, version):
    change_manifest(folder, "format_version", value=version)
    with pytest.raises(StorageError, match=f"version {version!r}.*up to 2"):
        read_snapshot(folder)


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
        "graph-0123456789abcdef.bin",  # of another part: else one file could be read many times
        "a" * 5000 + "-0123456789abcdef.npy",
        "",
        None,
        ["vectors-0123456789abcdef.npy"],
    ],
    ids=range(12),
)
def test_names_that_save_never_gives_are_not_opened(folder, name, monkeypatch):
    change_manifest(folder, "files", "vectors", "name", value=name)
    opened, real = [], Path.read_bytes
    monkeypatch.setattr(Path, "read_bytes", lambda path: (opened.append(path.name), real(path))[1])
    with pytest.raises(StorageError, match="a file that save never writes"):
        read_snapshot(folder)
    assert all(name.startswith("passages-") for name in opened)


FORGED_VALUES = [
    ("model", ["some-model"]),
    ("model", "x" * 501),
    ("fingerprint", [1]),
    ("fingerprint", "x" * 501),
    ("shape", ["40", "6"]),
    ("shape", [-40, -6]),
    ("settings", [4, 20, 42]),
    ("settings", {"M": 4, "ef_construction": 20}),
    ("settings", "M", 257),
    ("settings", "M", 10**30),
    ("settings", "M", "4" * 100_000),
    ("settings", "M", True),
    ("settings", "M", float("nan")),
    ("settings", "ef_construction", 0),
    ("settings", "seed", 2**32),
    ("files", None),
    ("files", {}),
    ("files", "vectors", None),
    ("files", "vectors", "bytes", -1),
    ("files", "vectors", "bytes", "1" * 100_000),
    ("files", "vectors", "sha256", [1]),
    ("files", "vectors", "sha256", "0" * 100_000),
    ("files", "more", {"name": "more-0123456789abcdef.npy", "sha256": "", "bytes": 0}),
    ("extra", 3),
]


@pytest.mark.parametrize("forged", FORGED_VALUES, ids=range(len(FORGED_VALUES)))
def test_a_forged_value_in_the_manifest_is_refused_in_few_words(folder, forged):
    *keys, value = forged
    change_manifest(folder, *keys, value=value)
    for with_graph in (True, False):
        with pytest.raises(StorageError) as refused:
            read_snapshot(folder, with_graph=with_graph)
        assert len(str(refused.value)) < 500


def test_unknown_keys_in_the_manifest_are_ignored(folder):
    change_manifest(folder, "py/object", value="os.system")
    check_same(read_snapshot(folder), OLD)


def graph_of(path, vectors, **changed):
    HNSWIndex(vectors, **SETTINGS | changed).save(path)
    return path.read_bytes()


MISFITS = {
    "NaN": ("vectors", lambda path: npy(np.where(np.arange(6) == 3, np.nan, OLD.vectors).astype(np.float32))),
    "no float32": ("vectors", lambda path: npy(OLD.vectors.astype(np.float64))),
    "a row less": ("vectors", lambda path: npy(OLD.vectors[:-1])),
    "one axis": ("vectors", lambda path: npy(OLD.vectors[:, 0])),
    "no columns": ("vectors", lambda path: npy(OLD.vectors[:, :0])),
    "no array": ("query_vectors", lambda path: b"\x93NUMPY\x01\x00"),
    "a passage less": ("passages", lambda path: b'{"text": "a", "metadata": {}}\n' * 39),
    "no passages": ("passages", lambda path: b"text\n" * 40),
    "nested too deep": ("passages", lambda path: b"[" * 100_000),
    "no graph": ("graph", lambda path: b"not a graph"),
    "a graph of fewer vectors": ("graph", lambda path: graph_of(path, snapshot(39).vectors)),
    "a graph of another dimension": ("graph", lambda path: graph_of(path, snapshot(dim=7).vectors)),
    "a graph of other settings": ("graph", lambda path: graph_of(path, OLD.vectors, ef_construction=21)),
    "a graph of other vectors": ("graph", lambda path: graph_of(path, NEW.vectors)),
}


@pytest.mark.parametrize("name", MISFITS)
def test_parts_that_do_not_fit_are_refused_whatever_their_checksum(folder, tmp_path, name):
    part, made = MISFITS[name]
    forge(folder, part, made(tmp_path / "graph"))
    if name in ("no columns", "one axis"):  # the manifest agrees
        change_manifest(folder, "shape", value=[40, 0] if name == "no columns" else [40])
    for with_graph in {True, part == "graph"}:
        with pytest.raises(StorageError, match=r"damaged|cannot be read|other vectors"):
            read_snapshot(folder, with_graph=with_graph)


@pytest.mark.exhaustive
def test_a_folder_damaged_anywhere_is_refused_or_usable_and_nothing_worse(tmp_path):
    """By accident, or by a forger who makes the checksums match; loaded as the app and as the library do."""
    ended = run("saved_loads.py", tmp_path, 0, 1_000)
    assert ended.returncode == 0, f"{ended.stdout.splitlines()[-1:]}: {ended.stderr}"
    found = [json.loads(line) for line in ended.stdout.splitlines()[1::2]]
    assert len(found) == 1_000
    for way in ("app", "library"):
        counts = Counter(outcome[way] for outcome in found)
        assert counts.keys() == {"refused", "usable"} and min(counts.values()) > 100, counts
