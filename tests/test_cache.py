"""The cache: a hit does no work, a damaged or unwritable one does no harm, and other inputs have other keys."""

import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from retriever import cache
from retriever.cache import cache_folder, cached_sample
from retriever.errors import Cancelled, CollectionError, ModelError
from retriever.indexed import IndexSettings
from retriever.python_packages import package_versions
from retriever.samples import PYTHON_DOCS

STATIC = IndexSettings("wordllama-256", M=4, ef_construction=20)


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """An empty cache."""
    monkeypatch.setenv("LAB_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


@pytest.fixture
def builds(monkeypatch, wordllama):
    """Note every time a collection is indexed."""
    calls, real = [], cache.index_collection
    monkeypatch.setattr(
        cache, "index_collection", lambda *args, **options: (calls.append(1), real(*args, **options))[1]
    )
    return calls


def entries(folder):
    return sorted(path.name for path in folder.iterdir()) if folder.is_dir() else []


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
    seen = []
    first = cached_sample("documents", STATIC, progress=lambda stage, fraction: seen.append(stage))
    assert "embedding" in seen
    assert builds == [1]
    monkeypatch.setattr(cache, "load_sample", lambda *args, **options: pytest.fail("the sample was read again"))
    check_same(cached_sample("documents", STATIC), first)
    assert builds == [1]
    assert len(entries(folder)) == 1


def test_reading_reports_progress_and_its_seconds(folder, builds, monkeypatch):
    seen, real = [], cache.load_sample

    def load_sample(name, *, progress=None):
        progress(0.5)
        return real(name)

    monkeypatch.setattr(cache, "load_sample", load_sample)
    made = cached_sample("documents", STATIC, progress=lambda *step: seen.append(step))
    assert seen[0] == ("reading", 0.5)
    assert made.seconds["reading"] > 0


def damage_vectors(entry):
    path = next(entry.glob("vectors-*.npy"))
    path.write_bytes(path.read_bytes()[:-4])


def damage_manifest(entry):
    (entry / "manifest.json").write_text("{")


def damage_graph(entry):
    next(entry.glob("graph-*.bin")).unlink()


@pytest.mark.parametrize("damage", [damage_vectors, damage_manifest, damage_graph])
def test_a_damaged_entry_is_built_anew(folder, builds, damage):
    first = cached_sample("documents", STATIC)
    damage(folder / entries(folder)[0])
    check_same(cached_sample("documents", STATIC), first)
    assert builds == [1, 1]
    check_same(cached_sample("documents", STATIC), first)  # and is whole again
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


def test_a_full_disk_leaves_no_half_entry(folder, builds, monkeypatch):
    def full(*args):
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr("retriever.storage.os.fsync", full)
        assert len(cached_sample("documents", STATIC)) > 20
    assert entries(folder) == []
    cached_sample("documents", STATIC)
    assert builds == [1, 1]


def test_cancelling_leaves_no_entry(folder, builds):
    def cancel(stage, fraction):
        if stage == "embedding":
            raise Cancelled("stop")

    with pytest.raises(Cancelled):
        cached_sample("documents", STATIC, progress=cancel)
    assert entries(folder) == []


def test_other_settings_models_files_packages_and_code_have_other_keys(folder, monkeypatch, tmp_path):
    keys = {cache._folder("documents", STATIC)}

    def different(name="documents", settings=STATIC):
        key = cache._folder(name, settings)
        assert key not in keys
        keys.add(key)

    assert cache._folder("documents", STATIC) in keys  # the same each time
    for change in (
        {"model_name": "all-MiniLM-L6-v2"},
        {"chunk_size": 100},
        {"chunk_overlap": 10},
        {"M": 5},
        {"ef_construction": 21},
    ):
        different(settings=replace(STATIC, **change))
    for name in PYTHON_DOCS:
        different(name)
        for package in PYTHON_DOCS[name]:
            versions = dict(package_versions(PYTHON_DOCS[name]), **{package: "99"})
            with monkeypatch.context() as patch:
                patch.setattr(
                    cache, "package_versions", lambda packages, found=versions: {p: found[p] for p in packages}
                )
                assert cache._folder("documents", STATIC) in keys
                different(name)
    shutil.copytree(Path(cache.__file__).parent, tmp_path / "code", ignore=shutil.ignore_patterns("__pycache__"))
    monkeypatch.setattr(cache, "__file__", str(tmp_path / "code" / "cache.py"))
    assert cache._folder("documents", STATIC) in keys  # the same code elsewhere
    (tmp_path / "code" / "cutter.py").write_text("# cuts otherwise")
    different()
    monkeypatch.setattr(cache, "fingerprint", lambda card: "another")
    different()
    shutil.copytree(cache.SAMPLE_FOLDER, tmp_path / "samples")
    monkeypatch.setattr(cache, "SAMPLE_FOLDER", tmp_path / "samples")
    assert cache._folder("documents", STATIC) in keys  # the same files elsewhere
    (tmp_path / "samples" / "documents" / "tea.txt").write_text("less tea")
    different()
    assert all(key.parent == folder for key in keys)


def test_models_of_the_hub_are_not_cached_as_their_weights_are_not_known_beforehand(folder):
    assert cache._folder("documents", IndexSettings("intfloat/e5-small-v2")) is None
    with pytest.raises(ModelError, match="could not be fetched"):
        cached_sample("documents", IndexSettings("intfloat/e5-small-v2"))
    assert entries(folder) == []


def test_unknown_names_are_refused(folder):
    for name in ("other", "../documents", ""):
        with pytest.raises(CollectionError, match="choose one of"):
            cached_sample(name, STATIC)
    with pytest.raises(ModelError, match="catalogue"):
        cached_sample("documents", IndexSettings("no-such-model"))
    assert entries(folder) == []
