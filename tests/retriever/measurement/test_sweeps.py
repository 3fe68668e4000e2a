"""Sweeps: each result is that of a separate index, samples are nested, and growth_exponent fits power laws."""

import itertools
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from retriever.errors import Cancelled, ParameterError, VectorError
from retriever.graph.traversal import HNSWGraph
from retriever.indexes.base import NO_ID
from retriever.indexes.exact import ExactIndex
from retriever.indexes.hnsw import HNSWIndex
from retriever.indexes.recall import knn_recall
from retriever.measurement import sweeps
from retriever.measurement.sweeps import growth_exponent, sample_vectors, sweep_graph_settings, sweep_sizes
from retriever.vectors import normalize

STARVED = {"M": 4, "ef_construction": 20}


def random_vectors(n, dim=12, seed=0):
    return normalize(np.random.default_rng(seed).normal(size=(n, dim)).astype(np.float32))


@pytest.fixture(scope="module")
def vectors():
    return random_vectors(600)


@pytest.fixture(scope="module")
def queries():
    return random_vectors(25, seed=1)


def check_hnsw(measured, vectors, queries, k, ef, **settings):
    """Check a measurement against searches and walks of a separately built index, and return that."""
    index, truth = HNSWIndex(vectors, **settings), ExactIndex(vectors).search(queries, k)
    found, graph = index.search(queries, k, ef=ef), HNSWGraph.of(index)
    assert (measured.k, measured.ef) == (k, ef)
    np.testing.assert_array_equal(measured.neighbors.ids, found.ids)
    np.testing.assert_array_equal(measured.neighbors.scores, found.scores)
    np.testing.assert_array_equal(measured.recall, knn_recall(truth, found))
    assert measured.distances.tolist() == [graph.walk(query, k, ef).distances for query in queries]
    assert (measured.seconds > 0).all()
    return index


# --- M and ef_construction


def test_each_result_is_that_of_a_graph_built_by_itself_in_order(vectors, queries):
    results = sweep_graph_settings(vectors, queries, [6, 3, 12], [5, 60], k=8, ef=15)
    pairs = [(result.M, result.ef_construction) for result in results]
    assert pairs == [(6, 5), (6, 60), (3, 5), (3, 60), (12, 5), (12, 60)]
    for (M, ef_construction), result in zip(pairs, results, strict=True):
        index = check_hnsw(result.measurement, vectors, queries, 8, 15, M=M, ef_construction=ef_construction)
        assert result.link_bytes == index.link_bytes
        assert result.build_seconds > 0
    (six, six_too, *_), (twelve, best) = results, results[4:]
    assert six.link_bytes == six_too.link_bytes, "more ef_construction costs no memory"
    ground = 600 * 2 * 6 * 4  # bytes of 6 links more, twice as many on the ground layer, 4 bytes each
    assert twelve.link_bytes - six.link_bytes == pytest.approx(ground, rel=0.05)  # nearly all: few nodes are above it
    assert results[2].measurement.mean_recall < 0.9 < best.measurement.mean_recall, "better graphs are to find more"


def test_build_seconds_are_those_of_the_build(monkeypatch, vectors, queries):
    clock, built, real = iter(range(0, 10_000, 7)), [], sweeps.HNSWIndex

    def build(*args, **options):
        built.append(next(clock))  # the build itself reads the clock once
        return real(*args, **options)

    monkeypatch.setattr("retriever.measurement.sweeps.HNSWIndex", build)
    monkeypatch.setattr(sweeps.time, "perf_counter", lambda: next(clock))
    found = sweep_graph_settings(vectors[:60], queries, [2, 3], [5], k=3, ef=3)
    assert [result.build_seconds for result in found] == [14, 14]
    assert built == [7, 28]


def test_no_pair_gives_no_result(vectors, queries):
    for pair in (([], [5]), ([4], [])):
        assert sweep_graph_settings(vectors, queries, *pair, k=3, ef=5) == []


# --- the size


@pytest.mark.parametrize(
    ("n", "sizes"),
    [(1600, [100, 200, 400, 800, 1600]), (799, [99, 199, 399, 799]), (101, [50, 101]), (49, [49]), (1, [1])],
)
def test_sizes_double_up_to_all_and_none_is_tiny(queries, n, sizes):
    found = sweep_sizes(random_vectors(n), queries[:5], k=3, ef=6, **STARVED)
    assert [result.n for result in found] == sizes
    for result in found:
        assert (result.exact.mean_distances, result.exact.mean_recall, result.exact.ef) == (result.n, 1, None)


def test_each_size_is_searched_as_by_indexes_built_by_themselves(queries):
    vectors = random_vectors(850)
    found = sweep_sizes(vectors, queries, k=60, ef=70, **STARVED)
    assert [result.n for result in found] == [53, 106, 212, 425, 850]
    for result in found:
        part = sample_vectors(vectors, result.n)
        np.testing.assert_array_equal(result.exact.neighbors.ids, ExactIndex(part).search(queries, 60).ids)
        check_hnsw(result.hnsw, part, queries, 60, 70, **STARVED)
    assert (found[0].exact.neighbors.ids == NO_ID).sum() == 25 * 7  # 53 vectors, k=60
    assert found[-1].hnsw.mean_recall < 1, "a starved graph is to miss some"
    sizes = [result.n for result in found]
    assert growth_exponent(sizes, [result.hnsw.mean_distances for result in found]) < 0.7, "exact search has 1"


def test_samples_are_nested_and_always_the_same():
    vectors = np.arange(600, dtype=np.float32)[:, None]
    parts = [sample_vectors(vectors, most) for most in (0, 1, 75, 300, 600, 10_000)]
    assert [len(part) for part in parts] == [0, 1, 75, 300, 600, 600]
    for part, larger in itertools.pairwise(parts):
        assert part.flags.c_contiguous and set(part[:, 0]) <= set(larger[:, 0])
        assert (np.diff(part[:, 0]) > 0).all(), "in the order of the collection"
    np.testing.assert_array_equal(sample_vectors(vectors, 75), parts[2])
    assert abs(parts[3].mean() - 300) < 40, "drawn from everywhere"
    np.testing.assert_array_equal(parts[-1], vectors)


def test_of_all_vectors_the_sweep_measures_the_graph_that_the_collection_has(vectors, queries, monkeypatch):
    whole = HNSWIndex(vectors, M=3, ef_construction=5)
    found = HNSWIndex(vectors, **STARVED).search(queries, 8, ef=9)
    seen = []
    *_, last = sweep_sizes(vectors, queries, k=8, ef=9, progress=seen.append, **STARVED)
    np.testing.assert_array_equal(last.hnsw.neighbors.ids, found.ids)
    monkeypatch.setattr(sweeps, "HNSWIndex", lambda part, **_: HNSWIndex(part, **STARVED) if len(part) < 600 else 1 / 0)
    seen.clear()
    *_, half, last = sweep_sizes(vectors, queries, k=8, ef=9, whole=whole, progress=seen.append, **STARVED)
    np.testing.assert_array_equal(last.hnsw.neighbors.ids, whole.search(queries, 8, ef=9).ids)
    assert (half.n, last.n, last.exact.mean_recall) == (300, 600, 1)
    np.testing.assert_array_equal(last.exact.neighbors.ids, ExactIndex(vectors).search(queries, 8).ids)
    assert last.pair.speed_up == last.exact.p50 / last.hnsw.p50


# --- tables


def test_a_sweep_becomes_a_table_of_settings_or_of_sizes_and_searches(vectors, queries):
    results = sweep_graph_settings(vectors[:90], queries, [2, 4], [5, 9], k=3, ef=5)
    frame = results.to_frame()
    assert list(zip(frame["M"], frame["ef_construction"], strict=True)) == [(2, 5), (2, 9), (4, 5), (4, 9)]
    for name in ("build_seconds", "link_bytes"):
        assert frame[name].tolist() == [getattr(result, name) for result in results]
    assert frame["mean_distances"].tolist() == [result.measurement.mean_distances for result in results]

    sizes = sweep_sizes(vectors[:240], queries, k=3, ef=5, **STARVED)
    frame = sizes.to_frame()
    assert frame["n"].tolist() == [60, 60, 120, 120, 240, 240] and frame["search"].tolist() == ["hnsw", "exact"] * 3
    assert frame["ef"].tolist()[::2] == [5] * 3 and frame["ef"][1::2].isna().all()
    assert frame["mean_recall"].tolist()[::2] == [size.hnsw.mean_recall for size in sizes]
    assert frame["mean_distances"].tolist()[1::2] == [60, 120, 240]
    assert len(sweep_graph_settings(vectors, queries, [], [5], k=3, ef=5).to_frame()) == 0


# --- progress


def sweep(name, vectors, queries, **options):
    if name == "settings":
        return sweep_graph_settings(vectors, queries, [4, 8], [5, 10], k=3, ef=5, **options)
    return sweep_sizes(vectors, queries, k=3, ef=5, **STARVED, **options)


@pytest.mark.parametrize(
    ("name", "n", "expected"),
    [  # a graph reports after each 250 vectors
        ("settings", 600, [(done + part) / 4 for done in range(4) for part in (250 / 600, 500 / 600, 1)]),
        ("sizes", 1200, np.array([75, 225, 475, 525, 775, 1025, 1125, 1375, 1625, 1875, 2125, 2325]) / 2325),
    ],
)
def test_progress_rises_to_one_and_what_it_raises_ends_the_sweep(queries, name, n, expected):
    seen = []
    sweep(name, random_vectors(n), queries, progress=seen.append)
    np.testing.assert_allclose(seen, expected)
    for last in (1, 5):
        seen.clear()

        def cancel(fraction, last=last):
            seen.append(fraction)
            if len(seen) == last:
                raise Cancelled("stop")

        with pytest.raises(Cancelled):
            sweep(name, random_vectors(n), queries, progress=cancel)
        np.testing.assert_allclose(seen, expected[:last])


# --- growth


@given(st.floats(-2, 2), st.floats(1e-6, 1e6), st.lists(st.integers(1, 10**6), min_size=2, max_size=8, unique=True))
def test_growth_of_a_power_law_is_its_exponent(exponent, factor, sizes):
    found = growth_exponent(sizes, [factor * size**exponent for size in sizes])
    assert isinstance(found, float)
    assert found == pytest.approx(exponent, abs=1e-6)


def test_growth_of_what_is_no_power_law_is_the_slope_of_the_nearest_line():
    assert growth_exponent([1, 2, 4], [1, 2, 8]) == pytest.approx(1.5)  # through (0, 0), (1, 1), (2, 3): slope 3/2
    for sizes in ([], [5], [5, 5, 5]):
        with pytest.raises(ValueError, match="two sizes"):
            growth_exponent(sizes, sizes)


# --- small collections and bad input


@pytest.mark.parametrize("n", [0, 1, 5])
def test_a_few_vectors_are_all_found(queries, n):
    few = random_vectors(n)
    (result,) = sweep_graph_settings(few, queries, [2], [3], k=10, ef=1)
    (size,) = sweep_sizes(few, queries, k=10, ef=1, progress=math.sqrt, **STARVED)
    assert size.exact.mean_distances == n
    for measured in (result.measurement, size.hnsw, size.exact):
        assert measured.mean_recall == 1
        assert (measured.neighbors.ids != NO_ID).sum() == 25 * n
    assert min(size.hnsw.mean_distances, result.measurement.mean_distances) >= n + bool(n)  # the start twice


@pytest.mark.parametrize(
    ("changed", "error"),
    [
        ({"k": 0}, ParameterError),
        ({"ef": None}, ParameterError),
        ({"M": 1}, ParameterError),
        ({"ef_construction": 0}, ParameterError),
        ({"queries": np.empty((0, 12), np.float32)}, ParameterError),
        ({"queries": np.ones((3, 11), np.float32)}, VectorError),
        ({"vectors": np.full((60, 12), np.nan, np.float32)}, VectorError),
        ({"vectors": np.ones(12, np.float32)}, VectorError),
    ],
    ids=["k", "ef", "M", "ef_construction", "no queries", "dimension", "NaN", "one axis"],
)
def test_what_does_not_suit_is_refused(vectors, queries, changed, error):
    given_ = {"vectors": vectors[:60], "queries": queries, "k": 3, "ef": 5, "M": 4, "ef_construction": 5} | changed
    stored, asked, M, ef_construction = (given_.pop(name) for name in ("vectors", "queries", "M", "ef_construction"))
    with pytest.raises(error):
        sweep_graph_settings(stored, asked, [M], [ef_construction], **given_)
    with pytest.raises(error):
        sweep_sizes(stored, asked, M=M, ef_construction=ef_construction, **given_)
