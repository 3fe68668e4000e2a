"""The sample cache: a hit does no work, a damaged or unwritable cache does no harm, other inputs have other keys."""

import errno
import os
import shutil
import signal
import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import numpy as np
import pytest
from filelock import FileLock

from retriever.datasets.python_docs.packages import package_versions
from retriever.datasets.samples import PYTHON_DOCS
from retriever.errors import Cancelled, CollectionError, ModelError
from retriever.indexing import sample_cache as cache
from retriever.indexing.collection import IndexSettings
from retriever.indexing.sample_cache import (
    LOCK_FILE,
    UNFINISHED_PREFIX,
    _entry_folder,
    _store,
    cache_folder,
    cached_sample,
)
from tests.support.paths import ROOT

STATIC = IndexSettings("wordllama-256", M=4, ef_construction=20)


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """An empty cache."""
    monkeypatch.setenv("LAB_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


@pytest.fixture
def builds(monkeypatch, wordllama):
    """The list of the collections that are indexed."""
    calls, real = [], cache.index_collection
    monkeypatch.setattr(
        cache, "index_collection", lambda *args, **options: (calls.append(1), real(*args, **options))[1]
    )
    return calls


def entries(folder):
    """Return the names of all that is in the cache, except its lock file."""
    return sorted(path.name for path in folder.glob("*") if path.name != LOCK_FILE)


def check_same(found, expected):
    assert found.retriever.texts == expected.retriever.texts
    np.testing.assert_array_equal(found.retriever.vectors, expected.retriever.vectors)
    assert found.settings == expected.settings
    assert list(found.queries) == list(expected.queries)


def test_the_folder_is_the_one_named_or_the_users(monkeypatch, tmp_path):
    monkeypatch.setenv("LAB_CACHE", str(tmp_path))
    assert cache_folder() == tmp_path
    for nothing in ("", None):
        monkeypatch.setenv("LAB_CACHE", nothing) if nothing is not None else monkeypatch.delenv("LAB_CACHE")
        assert cache_folder().name == "dense-retrieval-lab"


def test_the_second_time_nothing_is_read_or_indexed(folder, builds, monkeypatch):
    seen, real = [], cache.load_sample
    monkeypatch.setattr(cache, "load_sample", lambda name, *, progress: (progress(0.5), real(name))[1])
    first = cached_sample("documents", STATIC, progress=lambda *step: seen.append(step))
    assert seen[0] == ("reading", 0.5) and "embedding" in dict(seen)
    assert first.seconds["reading"] > 0
    assert builds == [1]
    monkeypatch.setattr(cache, "load_sample", lambda *args, **options: pytest.fail("the sample was read again"))
    check_same(cached_sample("documents", STATIC), first)
    assert builds == [1]
    assert len(entries(folder)) == 1


@pytest.mark.parametrize(
    ("name", "make"),
    [
        ("manifest.json", lambda path: None),
        ("manifest.json", lambda path: path.write_text("{")),
        ("manifest.json", lambda path: (path / "deeper").mkdir(parents=True)),
        ("", lambda path: path.write_text("in the way")),
        ("", lambda path: path.symlink_to("nowhere")),
    ],
    ids=["missing", "damaged", "a folder for a file", "a file for the entry", "a broken link for the entry"],
)
def test_a_damaged_entry_is_built_anew(folder, builds, name, make):
    first = cached_sample("documents", STATIC)
    path = folder / entries(folder)[0] / name
    shutil.rmtree(path) if path.is_dir() else path.unlink()
    make(path)
    for _ in range(2):  # the second time the entry is complete again
        check_same(cached_sample("documents", STATIC), first)
        assert builds == [1, 1]
    assert len(entries(folder)) == 1


def test_a_folder_that_cannot_be_written_is_tolerated(tmp_path, monkeypatch, builds):
    (tmp_path / "file").write_text("in the way")
    for where in (tmp_path / "file", tmp_path / "file" / "below"):
        monkeypatch.setenv("LAB_CACHE", str(where))
        builds.clear()
        assert len(cached_sample("documents", STATIC)) > 20
        assert builds == [1]
    assert (tmp_path / "file").read_text() == "in the way"


def test_other_settings_models_files_packages_and_code_have_other_keys(folder, monkeypatch, tmp_path):
    keys = {_entry_folder("documents", STATIC)}

    def same():
        assert _entry_folder("documents", STATIC) in keys

    def different(name="documents", settings=STATIC):
        key = _entry_folder(name, settings)
        assert key not in keys and key.parent == folder
        keys.add(key)

    def move(constant, path):
        shutil.copytree(path, tmp_path / constant, ignore=shutil.ignore_patterns("__pycache__"))
        monkeypatch.setattr(cache, constant, tmp_path / constant)
        same()  # the same files elsewhere
        return tmp_path / constant

    same()
    other = {"model_name": "all-MiniLM-L6-v2", "chunk_size": 100, "chunk_overlap": 10, "M": 5, "ef_construction": 21}
    for name, value in other.items():
        different(settings=replace(STATIC, **{name: value}))
    for name, packages in PYTHON_DOCS.items():
        different(name)
        for package in packages:
            changed = {**package_versions(packages), package: "99"}
            with monkeypatch.context() as patch:
                patch.setattr(cache, "package_versions", lambda asked, found=changed: {p: found[p] for p in asked})
                same()
                different(name)
    code = move("LIBRARY_FOLDER", ROOT / "retriever")
    for source in (code / "errors.py", code / "documents" / "readers" / "pdf" / "reader.py"):
        source.write_text(source.read_text() + "# otherwise")
        different()
    (move("SAMPLE_FOLDER", cache.SAMPLE_FOLDER) / "documents" / "tea.txt").write_text("less tea")
    different()
    monkeypatch.setattr(cache, "packaged_fingerprint", lambda card: "another")
    different()


def test_what_cannot_be_indexed_and_models_of_unknown_weights_leave_no_entry(folder, builds):
    def cancel(stage, fraction):
        if stage == "embedding":
            raise Cancelled("stop")

    with pytest.raises(Cancelled):
        cached_sample("documents", STATIC, progress=cancel)
    for name in ("other", "../documents", ""):
        with pytest.raises(CollectionError, match="choose one of"):
            cached_sample(name, STATIC)
    for model, message in (("no-such-model", "catalogue"), ("intfloat/e5-small-v2", "could not be fetched")):
        with pytest.raises(ModelError, match=message):
            cached_sample("documents", IndexSettings(model))
    assert _entry_folder("documents", IndexSettings("intfloat/e5-small-v2")) is None
    assert entries(folder) == []


# --- bounded size


@pytest.fixture
def made(folder, builds, monkeypatch):
    """A small sample, indexed once, for tests of where it is stored."""
    ready = cached_sample("documents", STATIC)
    shutil.rmtree(folder)
    monkeypatch.setattr(cache, "index_collection", lambda *args, **options: ready)
    return ready


def under_code(monkeypatch, version):
    """Pretend that the package's code is of this version."""
    monkeypatch.setattr(cache, "_hash_files", lambda path, pattern: version)


def test_what_earlier_code_left_is_deleted_and_nothing_else(folder, made, monkeypatch):
    other = [
        "documents-all-MiniLM-L6-v2-0123456789abcdef",  # another model
        "documents_too-wordllama-256-0123456789abcdef",  # another sample
        "documents-wordllama-256-0123456789abcdef.old",
        "documents-wordllama-256-mine",
        "notes.txt",
    ]
    for name in other:
        (folder / name).mkdir(parents=True)
        (folder / name / "manifest.json").write_text("{}")
    (folder / "documents-wordllama-256-0123456789abcdef").write_text("a file in the place of an entry")
    found = set()
    for version in ("one", "two", "three"):
        under_code(monkeypatch, version)
        cached_sample("documents", STATIC)
        (entry,) = set(entries(folder)) - set(other)
        found.add(entry)
        assert len(entries(folder)) == len(other) + 1
    assert len(found) == 3
    check_same(cached_sample("documents", STATIC), made)
    assert all((folder / name / "manifest.json").read_text() == "{}" for name in other)
    assert (folder / LOCK_FILE).is_file(), "a process that waits for the deleted file would not exclude the next"


def test_a_save_that_fails_leaves_what_was_there(folder, made, monkeypatch):
    under_code(monkeypatch, "one")
    cached_sample("documents", STATIC)
    before = entries(folder)
    under_code(monkeypatch, "two")

    def full(*args):
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr("retriever.storage.saved_folder.os.fsync", full)
        cached_sample("documents", STATIC)
    assert entries(folder) == before


def killed_in_save(made, target, calls):
    """Save in a forked process that is killed at its nth fsync; return whether it was killed."""
    pid = os.fork()
    if pid == 0:
        left, real = [calls], os.fsync

        def fsync(handle):
            left[0] -= 1
            os.kill(os.getpid(), signal.SIGKILL) if left[0] == 0 else real(handle)

        os.fsync = fsync
        try:
            _store(made, target)
        finally:
            os._exit(0)
    return os.WIFSIGNALED(os.waitpid(pid, 0)[1])


def test_processes_killed_while_they_write_leave_at_most_one_unfinished_folder(folder, made):
    target = _entry_folder("documents", STATIC)
    for calls in range(1, 11):
        was_killed = killed_in_save(made, target, calls)
        assert len(entries(folder)) <= 1 + (not was_killed)
        if not was_killed:
            break
    assert calls > 5, "it was killed at few points"
    killed_in_save(made, target, 2)
    assert any(name.startswith(UNFINISHED_PREFIX) for name in entries(folder)), "else this shows nothing"
    shutil.rmtree(target, ignore_errors=True)
    cached_sample("documents", STATIC)
    assert entries(folder) == [target.name]


# --- two processes and one cache


def held(folder):
    """Lock the cache as another writing process would, until the end of the with statement."""
    return FileLock(folder / LOCK_FILE).acquire()


def test_a_save_waits_for_another_writing_process(folder, made):
    with ThreadPoolExecutor(1) as pool:
        with held(folder):
            (folder / f"{UNFINISHED_PREFIX}of-the-other").mkdir()
            waiting = pool.submit(cached_sample, "documents", STATIC)
            with pytest.raises(TimeoutError):
                waiting.result(0.5)
            assert entries(folder) == [f"{UNFINISHED_PREFIX}of-the-other"], "what another is writing was touched"
        check_same(waiting.result(10), made)
    assert len(entries(folder)) == 1


def test_after_waiting_too_long_the_cache_is_not_used(folder, made, monkeypatch):
    monkeypatch.setattr(cache, "LOCK_SECONDS", 0.2)
    with held(folder):
        check_same(cached_sample("documents", STATIC), made)
    assert entries(folder) == []


@pytest.mark.parametrize("number", [errno.EOPNOTSUPP, errno.ENOLCK, errno.ENOSYS])
def test_on_a_disk_without_locks_the_sample_is_still_stored(folder, made, monkeypatch, number):
    def unsupported(*args):
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr("fcntl.flock", unsupported)
    cached_sample("documents", STATIC)
    assert len(entries(folder)) == 1


def test_processes_of_different_versions_may_share_a_cache(folder, made, monkeypatch):
    """Each deletes what the other reads; both still get the complete sample."""
    code = threading.local()
    monkeypatch.setattr(cache, "_hash_files", lambda path, pattern: code.version)

    def go_on(version):
        code.version = version
        for _ in range(15):
            check_same(cached_sample("documents", STATIC), made)

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(go_on, ["one", "two", "one", "two"]))
    assert len(entries(folder)) == 1
