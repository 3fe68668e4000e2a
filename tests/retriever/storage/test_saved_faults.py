"""Damaged, forged and half-written folders: loading refuses them or gives a usable result, and never crashes.

LAB_FULL_TESTS=1 tries 2,000 damaged folders and prints a table; without it, some hundred.
"""

import json
import os
import shutil
import subprocess
import sys
from collections import Counter, defaultdict
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from retriever.errors import ModelError, StorageError
from retriever.indexing.collection import IndexedCollection
from retriever.retrievers.dense import DenseRetriever
from tests.support.paths import ROOT
from tests.support.saved_faults import (
    ARRAYS,
    FIT_LINES,
    HEADERS,
    KIND_SEQUENCE,
    KINDS,
    MANIFEST,
    MANIFESTS,
    UNFIT_LINES,
    content,
    forge,
    make_saves,
    npy,
    path_of,
    read_manifest,
    write_manifest,
)
from tests.support.saved_loads import app, of_collection

FULL = os.environ.get("LAB_FULL_TESTS") == "1"
CASES = 2_000 if FULL else 6 * len(KIND_SEQUENCE)
SEED = 1
MEGABYTES = 300  # that loading all folders one after another may take
ENDS = ("refused", "same", "another", "refused in use", "died")


def run(script, *arguments, seconds):
    """Run one of the tests' scripts in a separate process."""
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "OPENBLAS_NUM_THREADS": "1"}
    return subprocess.run(
        [sys.executable, ROOT / "tests" / "support" / script, *map(str, arguments)],
        cwd=arguments[0],
        env=environment,
        capture_output=True,
        text=True,
        timeout=seconds,
        check=False,
    )


@pytest.fixture(scope="module")
def saves(tmp_path_factory):
    """Saved folders, each by its name; tests must not change them."""
    base = tmp_path_factory.mktemp("saves")
    make_saves(base)
    return base


@pytest.fixture
def folder(saves, tmp_path):
    """A copy of a saved collection to damage, beside the others."""
    for name in ("static", "minilm", "twin", "plain"):
        shutil.copytree(saves / name, tmp_path / name)
    return tmp_path / "static"


# --- damage of every kind


def test_a_damaged_folder_is_refused_or_usable_and_nothing_worse(saves, capsys):
    """In a separate process, which may crash: then another one continues with the next folder."""
    case, table, failures = 0, defaultdict(Counter), []
    while case < CASES:
        ended = run("saved_loads.py", saves, SEED, case, CASES, seconds=1_800)
        reported = [json.loads(line) for line in ended.stdout.splitlines()]
        assert ended.returncode <= 0, ended.stderr  # below 0: ended by a signal; above 0: an error of the script itself
        for line in reported:
            if "kind" in line:
                case, kind, what = line["case"] + 1, line["kind"], line["what"]
            elif "ended" in line:
                table[kind].update(line["ended"].items())
                failures += [f"case {line['case']}, {kind}, {what}: {failure}" for failure in line["failures"]]
            elif line["megabytes"] > MEGABYTES:
                failures.append(f"{line['megabytes']:.0f} MB were taken")
        if ended.returncode:
            table[kind].update({("app", "died"): 1, ("library", "died"): 1})
            failures.append(f"case {case - 1}, {kind}, {what}: the process ended with {ended.returncode}")
    if FULL:
        with capsys.disabled():
            sys.stdout.write(written(table))
    assert not failures, "\n".join(failures)
    assert set(table) == set(KINDS)
    assert sum(table.total() for table in table.values()) == 2 * CASES


def written(table):
    """Return a table of how many folders of each kind of damage were tried, and how loading them ended."""
    columns = [(way, end) for way in ("app", "library") for end in ENDS]
    lines = [f"{'':31}{'tried':>7}  " + "".join(f"{f'{way}: {end}':>{len(way + end) + 4}}" for way, end in columns)]
    table = {**table, "all": sum(table.values(), Counter())}
    for kind, counts in table.items():
        counted = "".join(f"{counts[way, end]:{len(way + end) + 4}}" for way, end in columns)
        lines.append(f"{kind:31}{counts.total() // 2:7}  {counted}")
    return "\n" + "\n".join(lines) + "\n"


# --- forgeries, whose checksums match

HARMLESS = {
    "M of 256", "ef_construction of 100,000", "unknown keys", "extra as pairs", "no documents",
    "a name without end ", "queries without end", "no chunk size", "judged queries of nothing",
    "judged qrels partly of nothing", "judged documents of another collection", "judged queries of another collection",
    "judged ids with NUL", "a grade of -3",
}  # fmt: skip


@pytest.mark.parametrize("name", MANIFESTS)
def test_a_forged_manifest_is_refused_unless_it_is_harmless(folder, name):
    manifest = read_manifest(folder)
    MANIFESTS[name](manifest)
    write_manifest(folder, manifest)
    if name in HARMLESS:
        assert len(app(folder)) == 60
        return
    with pytest.raises((StorageError, ModelError)) as refused:
        app(folder)
    assert len(str(refused.value)) < 500
    assert "has no attribute" not in str(refused.value)  # a message of Python's own, which means nothing to a user


USABLE = {"huge numbers", "tiny numbers", "zeros", "one row over and over", "column-major"}


@pytest.mark.parametrize("part", ["vectors", "query_vectors"])
@pytest.mark.parametrize("name", ARRAYS)
def test_a_forged_array_is_refused_unless_its_numbers_are_finite_and_fit(folder, part, name):
    array = np.load(path_of(folder, part))
    forge(folder, part, ARRAYS[name](folder, array))
    if name in USABLE:
        loaded = app(folder)
        lengths = np.linalg.norm(np.concatenate([loaded.retriever.vectors, loaded.query_vectors]), axis=1)
        assert np.isclose(lengths, 1).sum() + (lengths == 0).sum() == len(lengths)
        assert np.isfinite(loaded.measurements.measure(3, 10).neighbors.scores).all()
        return
    with pytest.raises(StorageError):
        app(folder)
    assert not (folder.parent / "it-ran").exists()


@pytest.mark.parametrize("number", range(len(HEADERS)))
def test_no_forged_header_of_an_array_is_taken_or_even_parsed(folder, number):
    data = content(folder, "vectors")
    header = HEADERS[number].encode() + b"\n"
    forge(folder, "vectors", b"\x93NUMPY\x01\x00" + len(header).to_bytes(2, "little") + header + data[128:])
    fits = "True, 'shape': (60, 256)" in HEADERS[number]  # the header that was there
    if fits:
        assert of_collection(app(folder)) == of_collection(app(folder.parent / "static"))
        return
    with pytest.raises(StorageError):
        app(folder)


def with_line(folder, row):
    rows = content(folder, "passages").split(b"\n")
    forge(folder, "passages", b"\n".join([*rows[:3], row, *rows[4:]]))


@pytest.mark.parametrize("row", UNFIT_LINES, ids=range(len(UNFIT_LINES)))
def test_a_line_that_is_no_text_with_metadata_is_refused(folder, row):
    with_line(folder, row)
    for load in (app, DenseRetriever.load):
        with pytest.raises(StorageError) as refused:
            load(folder)
        assert len(str(refused.value)) < 500


@pytest.mark.parametrize("row", FIT_LINES, ids=range(len(FIT_LINES)))
def test_any_other_line_is_taken_as_it_is_and_can_be_saved_again(folder, row):
    with_line(folder, row)
    loaded = app(folder)
    assert {"text": loaded.retriever.texts[3], "metadata": loaded.retriever.metadata[3]}.items() <= json.loads(
        row
    ).items()
    loaded.save(folder.parent / "again")
    assert of_collection(app(folder.parent / "again")) == of_collection(loaded)


def test_a_file_belongs_to_one_part_so_that_none_is_read_twice(folder):
    manifest = read_manifest(folder)
    manifest["files"]["more"] = manifest["files"]["vectors"]
    write_manifest(folder, manifest)
    with pytest.raises(StorageError, match="file that save never writes"):
        app(folder)


@pytest.mark.parametrize("load", [app, IndexedCollection.load, DenseRetriever.load])
@pytest.mark.parametrize("part", ["vectors", "passages", "graph"])
def test_parts_of_another_model_and_of_another_collection_are_refused(folder, load, part):
    forge(folder, part, content(folder.parent / "minilm", part))
    if part == "graph" and load is app:  # which does not read it
        assert len(load(folder)) == 60
        return
    with pytest.raises(StorageError):
        load(folder)


def test_a_graph_of_another_collection_of_the_same_shape_is_refused(folder):
    forge(folder, "graph", content(folder.parent / "twin", "graph"))
    for load in (IndexedCollection.load, DenseRetriever.load):
        with pytest.raises(StorageError, match="other vectors"):
            load(folder)


@pytest.mark.parametrize("name", [MANIFEST, "vectors", "graph"])
def test_what_is_no_file_is_not_read(folder, name, monkeypatch):
    path = folder / name if name == MANIFEST else path_of(folder, name)
    path.unlink()
    monkeypatch.setattr(Path, "read_bytes", no_reading(path, Path.read_bytes))
    monkeypatch.setattr(Path, "read_text", no_reading(path, Path.read_text))
    for make in (lambda: os.mkfifo(path), lambda: path.symlink_to("/dev/zero"), lambda: path.symlink_to(path)):
        make()
        with pytest.raises(StorageError):
            DenseRetriever.load(folder)
        path.unlink()


def no_reading(watched, read):
    """Return a reader that fails the test if one path is read, which would never end."""
    return lambda path, **options: pytest.fail("it was read") if path == watched else read(path, **options)


def test_a_file_of_another_size_is_refused_before_it_is_read(folder, monkeypatch):
    path = path_of(folder, "vectors")
    os.truncate(path, 1 << 40)  # a sparse file, which takes no space on the disk
    monkeypatch.setattr(Path, "read_bytes", no_reading(path, Path.read_bytes))
    with pytest.raises(StorageError, match="bytes"):
        app(folder)


def test_links_to_files_are_followed(folder):
    """Download tools store files in one folder and links to them in another."""
    expected = of_collection(app(folder))
    for path in list(folder.iterdir()):
        path.rename(folder.parent / f"kept-{path.name}")
        path.symlink_to(folder.parent / f"kept-{path.name}")
    assert of_collection(app(folder)) == expected


def test_a_model_of_an_endless_name_is_refused_in_few_words(folder):
    manifest = read_manifest(folder)
    manifest["model"] = manifest["extra"]["settings"]["model_name"] = "x" * 501
    write_manifest(folder, manifest)
    with pytest.raises(StorageError):
        app(folder)


def test_too_many_queries_are_refused_both_ways(folder):
    loaded = app(folder)
    queries = [f"question {row}?" for row in range(1_001)]
    many = replace(loaded, queries=queries, query_vectors=np.resize(loaded.query_vectors, (1_001, 256)))
    with pytest.raises(StorageError, match=r"1,001 queries.*at most 1,000"):
        many.save(folder)
    assert of_collection(app(folder)) == of_collection(loaded)
    fewer = replace(many, queries=queries[:-1], query_vectors=many.query_vectors[:-1])
    fewer.save(folder)
    assert len(app(folder).queries) == 1_000
    manifest = read_manifest(folder)
    manifest["extra"]["queries"] = queries
    write_manifest(folder, manifest)
    forge(folder, "query_vectors", npy(many.query_vectors))
    with pytest.raises(StorageError, match="1,001 queries"):
        app(folder)


# --- a save that is killed


@pytest.mark.parametrize("what", ["other", "graph"])
def test_a_save_killed_at_any_step_leaves_the_old_collection_or_the_new_one_whole(tmp_path, what):
    """other: another collection is saved over it. graph: the same one with another graph, which has files in common."""
    ended = run("saved_kills.py", tmp_path, what, seconds=300)
    assert ended.returncode == 0, ended.stderr
    steps = json.loads((tmp_path / "steps").read_text())
    assert json.loads((tmp_path / "ended").read_text()) == [9] * len(steps)  # each was killed at its step
    assert len(steps) >= 30
    assert {step.split()[0] for step in steps} == {"open", "write", "sync", "rename", "mkdir", "rmdir", "remove"}
    old, new = (of_collection(IndexedCollection.load(tmp_path / name)) for name in ("old", "new"))
    third = replace(IndexedCollection.load(tmp_path / "old"), name="Third")
    replaced = steps.index(f"rename {MANIFEST}")
    for number, step in enumerate(steps):
        folder = tmp_path / f"{number}"
        for load in (app, IndexedCollection.load):
            found = of_collection(load(folder))
            assert found == (new if number > replaced else old), f"killed before step {number}, {step}"
        third.save(folder)  # and the next save works and cleans up
        assert IndexedCollection.load(folder).name == "Third"
        assert len(list(folder.iterdir())) == 5
    assert 20 <= replaced < len(steps) - 1


def test_names_are_on_the_disk_before_they_are_relied_upon(folder):
    """A power cut is worse than a kill: it can undo a rename whose folder was not synced."""
    ended = run("saved_kills.py", folder.parent, "other", seconds=300)
    assert ended.returncode == 0, ended.stderr
    steps = json.loads((folder.parent / "steps").read_text())
    replaced = steps.index(f"rename {MANIFEST}")
    synced = [number for number, step in enumerate(steps) if step == "sync folder whole"]
    renamed = [number for number, step in enumerate(steps) if step.startswith("rename")]
    removed = [number for number, step in enumerate(steps) if step.startswith("remove") and "-" in step]
    assert any(renamed[-2] < number < replaced for number in synced), "files, before a manifest tells of them"
    assert any(replaced < number < removed[0] for number in synced), "the manifest, before the old files go"
    assert f"sync folder {folder.parent.name}" in steps[replaced:], "the folder itself, which may be new"
    assert {steps[number - 1] for number in renamed} == {"sync"}, "content, before its name"


def test_a_system_that_cannot_sync_a_folder_can_save(folder, monkeypatch):
    real = os.fsync

    def refuse(handle):
        if os.path.isdir(f"/proc/self/fd/{handle}"):
            raise OSError(22, "Invalid argument")
        real(handle)

    loaded = app(folder)
    monkeypatch.setattr(os, "fsync", refuse)
    replace(loaded, name="Renamed").save(folder)
    assert app(folder).name == "Renamed"


def test_what_cannot_be_cleared_up_does_not_fail_a_save(folder, monkeypatch):
    """By then the new collection is saved."""

    def refuse(path):
        raise PermissionError(13, "Permission denied")

    loaded = app(folder)
    (folder / ".writing-folder").symlink_to(folder.parent)
    monkeypatch.setattr(Path, "iterdir", refuse)
    replace(loaded, name="Renamed").save(folder)
    monkeypatch.undo()
    assert app(folder).name == "Renamed"
    loaded.save(folder)
    assert not (folder / ".writing-folder").is_symlink()  # the link is deleted, not its target
    assert (folder.parent / "twin").is_dir()
