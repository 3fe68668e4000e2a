"""Checks of hnswlib's graph files: valid files pass, and files with a forged number are refused."""

import numpy as np
import pytest

from retriever.errors import StorageError
from retriever.indexes.hnsw import HNSWIndex
from retriever.indexes.hnsw_file import read_checked_vectors
from retriever.vectors import normalize
from tests.support.forged_graphs import ELSEWHERE, HARMLESS, START, UNSOUND, GraphBytes, forged

N, DIM = 120, 12
SETTINGS = {"M": 3, "ef_construction": 20}


def rows(n=N, dim=DIM, seed=0):
    return normalize(np.random.default_rng(seed).normal(size=(n, dim)).astype(np.float32))


def saved(path, vectors, **settings):
    HNSWIndex(vectors, **(SETTINGS | settings)).save(path)
    return path.read_bytes()


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    """The file of a graph of several layers, as bytes."""
    found = saved(tmp_path_factory.mktemp("graph") / "graph", rows())
    assert GraphBytes(found).header["max_level"] >= 2
    return found


def check(data, **changed):
    return read_checked_vectors(data, **({"dimension": DIM, **SETTINGS} | changed))


def load(path, **changed):
    return HNSWIndex.load(path, **({"dimension": DIM, "seed": 42, **SETTINGS} | changed))


# --- valid graphs


@pytest.mark.parametrize("n", [0, 1, 7, 500])
@pytest.mark.parametrize("settings", [{"M": 2}, {"M": 16}, {"M": 5, "ef_construction": 1}], ids=str)
def test_every_graph_that_is_built_passes_with_its_vectors(tmp_path, n, settings):
    dim = 1 + n % 13
    vectors = rows(n, dim)
    found = check(saved(tmp_path / "graph", vectors, **settings), dimension=dim, **settings)
    np.testing.assert_allclose(found, vectors, atol=1e-6)
    assert len(load(tmp_path / "graph", dimension=dim, vectors=vectors, **settings)) == n


def test_graphs_that_grew_or_were_built_by_several_threads_pass(tmp_path, monkeypatch):
    monkeypatch.setattr("retriever.indexes.hnsw.ONE_THREAD_UP_TO", 100)
    index = HNSWIndex(rows(300), **SETTINGS)
    for seed in (1, 2):
        index.add(rows(80, seed=seed) * 3)
        index.save(tmp_path / "graph")
        expected = np.concatenate([rows(300), *(rows(80, seed=added) for added in range(1, seed + 1))])
        np.testing.assert_allclose(check((tmp_path / "graph").read_bytes()), expected, atol=1e-6)
        index = load(tmp_path / "graph", vectors=expected)
    assert len(index) == 460


def test_zero_rows_and_equal_rows_pass(tmp_path):
    vectors = np.concatenate([np.zeros((40, DIM)), np.repeat(rows(1), 200, axis=0)]).astype(np.float32)
    np.testing.assert_allclose(check(saved(tmp_path / "graph", vectors)), vectors, atol=1e-6)


# --- forged graphs


@pytest.mark.parametrize("name", UNSOUND)
def test_no_unsound_graph_is_handed_to_hnswlib(data, tmp_path, name, monkeypatch):
    damaged = forged(data, name)
    assert damaged != data
    with pytest.raises(ValueError, match=r"^(it|its|a link|the size of a list) "):
        check(damaged)
    monkeypatch.setattr(
        "retriever.indexes.hnsw.hnswlib.Index.load_index", lambda *args, **kw: pytest.fail("it was read")
    )
    (tmp_path / "graph").write_bytes(damaged)
    with pytest.raises(StorageError, match=r"graph cannot be read \(.*build it again"):
        load(tmp_path / "graph")


@pytest.mark.parametrize("name", HARMLESS)
def test_what_does_no_harm_is_searched_and_grows(data, tmp_path, name):
    (tmp_path / "graph").write_bytes(forged(data, name))
    index = load(tmp_path / "graph", vectors=rows())
    assert index.search(rows(5, seed=9), 10, ef=50).ids.max() < N
    index.add(rows(50, seed=3))
    assert index.search(rows(1, seed=3), 10, ef=50).ids.max() < N + 50


def test_a_graph_over_other_vectors_is_refused(data, tmp_path):
    cases = [(data, other) for other in (rows(seed=1), rows(N - 1), rows()[::-1])]
    for found, other in cases + [(forged(data, name), rows()) for name in ELSEWHERE]:
        (tmp_path / "graph").write_bytes(found)
        load(tmp_path / "graph")
        with pytest.raises(StorageError, match="other vectors"):
            load(tmp_path / "graph", vectors=other)


def test_every_length_but_the_whole_is_refused(data):
    for length in [*range(0, START + 8, 5), *range(START + 8, len(data), 97), len(data) - 1]:
        with pytest.raises(ValueError, match="it|its"):
            check(data[:length])
    for more in (b"\0", bytes(4), data):
        with pytest.raises(ValueError, match="it|its"):
            check(data + more)


@pytest.mark.parametrize("changed", [{"dimension": 11}, {"dimension": 24}, {"M": 4}, {"M": 2}, {"ef_construction": 21}])
def test_a_graph_of_other_settings_is_refused(data, changed):
    with pytest.raises(ValueError, match="its"):
        check(data, **changed)
