"""Sweeps: each result is that of a separate index, samples are nested, and growth_exponent fits power laws."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from retriever.errors import Cancelled, ParameterError, RetrieverError, VectorError
from retriever.graph.traversal import HNSWGraph
from retriever.indexes.base import NO_ID
from retriever.indexes.exact import ExactIndex
from retriever.indexes.hnsw import HNSWIndex
from retriever.indexes.recall import knn_recall
from retriever.measurement import sweeps
from retriever.measurement.sweeps import growth_exponent, sample_vectors, sweep_graph_settings, sweep_sizes
from retriever.vectors import normalize

PAIRS = [(6, 5), (6, 60), (3, 5), (3, 60), (12, 5), (12, 60)]
STARVED = {"M": 4, "ef_construction": 20}


def random_vectors(n, dim=12, seed=0):
    return normalize(np.random.default_rng(seed).normal(size=(n, dim)).astype(np.float32))


@pytest.fixture(scope="module")
def vectors():
    return random_vectors(600)


@pytest.fixture(scope="module")
def queries():
    return random_vectors(25, seed=1)


@pytest.fixture(scope="module")
def results(vectors, queries):
    return sweep_graph_settings(vectors, queries, [6, 3, 12], [5, 60], k=8, ef=15)


def check_hnsw(measured, index, queries, k, ef):
    """Check a measurement against searches and walks of a separately built index."""
    found, graph = index.search(queries, k, ef=ef), HNSWGraph.of(index)
    assert (measured.k, measured.ef) == (k, ef)
    np.testing.assert_array_equal(measured.neighbors.ids, found.ids)
    np.testing.assert_array_equal(measured.neighbors.scores, found.scores)
    assert measured.distances.tolist() == [graph.walk(query, k, ef).distances for query in queries]
    assert measured.seconds.shape == (len(queries),)
    assert (measured.seconds > 0).all()
    return found


# --- M and ef_construction


def test_each_pair_has_a_result_in_order(results):
    assert [(result.M, result.ef_construction) for result in results] == PAIRS


@pytest.mark.parametrize("number", range(len(PAIRS)), ids=[str(pair) for pair in PAIRS])
def test_each_result_is_that_of_a_graph_built_by_itself(vectors, queries, results, number):
    M, ef_construction = PAIRS[number]
    index = HNSWIndex(vectors, M=M, ef_construction=ef_construction)
    found = check_hnsw(results[number].measurement, index, queries, 8, 15)
    truth = ExactIndex(vectors).search(queries, 8)
    np.testing.assert_array_equal(results[number].measurement.recall, knn_recall(truth, found))
    assert results[number].link_bytes == index.link_bytes
    assert results[number].build_seconds > 0


def test_more_ef_construction_costs_no_memory_and_more_links_do(results):
    memory = {(result.M, result.ef_construction): result.link_bytes for result in results}
    for M in (3, 6, 12):
        assert memory[M, 5] == memory[M, 60]
    assert memory[3, 5] < memory[6, 5] < memory[12, 5]
    ground = 600 * 2 * 6 * 4  # bytes of 6 links more, twice as many on the ground layer, 4 bytes each
    assert memory[12, 5] - memory[6, 5] == pytest.approx(ground, rel=0.05)  # nearly all: fewer nodes are above it


def test_better_graphs_find_more(results):
    recall = {(result.M, result.ef_construction): result.measurement.mean_recall for result in results}
    assert recall[3, 5] < recall[12, 60]
    assert recall[3, 5] < 0.9, "a starved graph is to miss some"


def test_build_seconds_are_those_of_the_build(monkeypatch, vectors, queries):
    clock, built = iter(range(0, 10_000, 7)), []
    real = sweeps.HNSWIndex

    def build(*args, **options):
        built.append(next(clock))  # the build itself reads the clock once
        return real(*args, **options)

    monkeypatch.setattr("retriever.measurement.sweeps.HNSWIndex", build)
    monkeypatch.setattr(sweeps.time, "perf_counter", lambda: next(clock))
    found = sweep_graph_settings(vectors[:60], queries, [2, 3], [5], k=3, ef=3)
    assert [result.build_seconds for result in found] == [14, 14]
    assert built == [7, 28]


def test_progress_of_the_settings_sweep_rises_to_one_through_each_graph(vectors, queries):
    seen = []
    sweep_graph_settings(vectors, queries, [4, 8], [5, 10], k=3, ef=5, progress=seen.append)
    each = [250 / 600, 500 / 600, 1]  # a graph reports after each 250 vectors
    np.testing.assert_allclose(seen, [(done + part) / 4 for done in range(4) for part in each])
    assert seen[-1] == 1


@pytest.mark.parametrize("report", [1, 3, 5])
def test_what_progress_raises_ends_the_settings_sweep(monkeypatch, vectors, queries, report):
    built, seen = [], []
    real = sweeps.HNSWIndex
    monkeypatch.setattr(
        "retriever.measurement.sweeps.HNSWIndex", lambda *args, **options: built.append(1) or real(*args, **options)
    )

    def cancel(fraction):
        seen.append(fraction)
        if len(seen) == report:
            raise Cancelled("stop")

    with pytest.raises(Cancelled):
        sweep_graph_settings(vectors, queries, [4, 8], [5, 10], k=3, ef=5, progress=cancel)
    assert len(seen) == report
    assert len(built) == math.ceil(report / 3)


def test_no_pair_gives_no_result(vectors, queries):
    assert (
        sweep_graph_settings(vectors, queries, [], [5], k=3, ef=5)
        == sweep_graph_settings(vectors, queries, [4], [], k=3, ef=5)
        == []
    )


# --- the size


@pytest.mark.parametrize(
    ("n", "sizes"),
    [
        (1600, [100, 200, 400, 800, 1600]),
        (800, [50, 100, 200, 400, 800]),
        (799, [99, 199, 399, 799]),
        (101, [50, 101]),
        (50, [50]),
        (49, [49]),
        (3, [3]),
        (1, [1]),
    ],
)
def test_sizes_double_up_to_all_and_none_is_tiny(queries, n, sizes):
    found = sweep_sizes(random_vectors(n), queries[:5], k=3, ef=6, **STARVED)
    assert [result.n for result in found] == sizes
    for result in found:
        assert result.exact.mean_distances == result.n
        assert result.exact.mean_recall == 1
        assert result.exact.ef is None


def test_each_size_is_searched_as_by_indexes_built_by_themselves(queries):
    vectors = random_vectors(850)
    found = sweep_sizes(vectors, queries, k=60, ef=70, **STARVED)
    assert [result.n for result in found] == [53, 106, 212, 425, 850]
    for result in found:
        part = sample_vectors(vectors, result.n)
        truth = ExactIndex(part).search(queries, 60)
        np.testing.assert_array_equal(result.exact.neighbors.ids, truth.ids)
        approximate = check_hnsw(result.hnsw, HNSWIndex(part, **STARVED), queries, 60, 70)
        np.testing.assert_array_equal(result.hnsw.recall, knn_recall(truth, approximate))
    assert (found[0].exact.neighbors.ids == NO_ID).sum() == 25 * 7  # 53 vectors, k=60
    assert found[-1].hnsw.mean_recall < 1, "a starved graph is to miss some"


def test_samples_are_nested_and_always_the_same(vectors):
    all_of_them = sample_vectors(vectors, 600)
    kept = vectors.copy()
    for most in (0, 1, 37, 300, 599, 600, 10_000):
        part = sample_vectors(vectors, most)
        assert part.flags.c_contiguous
        assert part.shape == (min(most, 600), 12)
        np.testing.assert_array_equal(part, all_of_them[:most])
    np.testing.assert_array_equal(vectors, kept)
    assert not np.shares_memory(all_of_them, vectors)
    rows = sample_vectors(np.arange(600, dtype=np.float32)[:, None], 600)[:, 0]
    assert sorted(rows.tolist()) == list(range(600))
    assert abs(np.corrcoef(rows, np.arange(600))[0, 1]) < 0.2  # the order of the collection is not kept
    np.testing.assert_array_equal(all_of_them, vectors[rows.astype(int)])


def test_exact_search_grows_with_the_collection_and_hnsw_more_slowly(queries):
    found = sweep_sizes(random_vectors(1600), queries, k=5, ef=10, **STARVED)
    sizes = [result.n for result in found]
    assert growth_exponent(sizes, [result.exact.mean_distances for result in found]) == pytest.approx(1)
    assert growth_exponent(sizes, [result.hnsw.mean_distances for result in found]) < 0.5


def test_progress_of_the_size_sweep_rises_to_one_in_proportion_to_the_vectors(queries):
    seen = []
    sweep_sizes(random_vectors(1200), queries, k=3, ef=5, progress=seen.append, **STARVED)
    linked = [75, 225, 475, 525, 775, 1025, 1125, 1375, 1625, 1875, 2125, 2325]  # of 75 + 150 + 300 + 600 + 1200
    np.testing.assert_allclose(seen, np.array(linked) / 2325)
    assert seen[-1] == pytest.approx(1)
    assert max(seen) <= 1


@pytest.mark.parametrize("report", [1, 3, 7])
def test_what_progress_raises_ends_the_size_sweep(queries, report):
    seen = []

    def cancel(fraction):
        seen.append(fraction)
        if len(seen) == report:
            raise Cancelled("stop")

    with pytest.raises(Cancelled):
        sweep_sizes(random_vectors(1200), queries, k=3, ef=5, progress=cancel, **STARVED)
    assert len(seen) == report


# --- growth


@given(
    st.floats(-2, 2),
    st.floats(1e-6, 1e6),
    st.lists(st.integers(1, 10**6), min_size=2, max_size=8, unique=True),
)
def test_growth_of_a_power_law_is_its_exponent(exponent, factor, sizes):
    values = [factor * size**exponent for size in sizes]
    assert growth_exponent(sizes, values) == pytest.approx(exponent, abs=1e-6)


def test_growth_of_what_is_no_power_law_is_the_slope_of_the_nearest_line():
    assert growth_exponent([1, 2, 4], [1, 2, 8]) == pytest.approx(1.5)  # through (0, 0), (1, 1), (2, 3): slope 3/2
    assert growth_exponent([10, 100], [5, 5]) == pytest.approx(0)
    assert growth_exponent([100, 10], [200, 20]) == pytest.approx(1)
    assert growth_exponent([2, 4, 8, 16], [1, 2, 3, 4]) == pytest.approx(
        growth_exponent([2, 4, 8, 16], [10, 20, 30, 40])
    )
    assert isinstance(growth_exponent([1, 2], [1, 2]), float)


@pytest.mark.parametrize("sizes", [[], [5], [5, 5, 5]])
def test_growth_of_fewer_than_two_sizes_is_refused(sizes):
    with pytest.raises(ValueError, match="two sizes"):
        growth_exponent(sizes, sizes)


# --- small collections and bad input


@pytest.mark.parametrize("n", [1, 2, 5])
def test_a_few_vectors_are_all_found(queries, n):
    few = random_vectors(n)
    (result,) = sweep_graph_settings(few, queries, [2], [3], k=10, ef=1)
    assert result.measurement.mean_recall == 1
    assert result.measurement.mean_distances >= n + 1  # each once, the start twice; more where there is a layer above
    (size,) = sweep_sizes(few, queries, k=10, ef=1, **STARVED)
    assert (size.n, size.hnsw.mean_recall, size.exact.mean_distances) == (n, 1, n)
    assert size.hnsw.mean_distances >= n + 1


@pytest.mark.parametrize("sweep", ["settings", "sizes"])
@pytest.mark.parametrize("progress", [None, lambda fraction: None], ids=["silent", "progress"])
def test_no_vectors_are_no_crash(queries, sweep, progress):
    nothing = np.empty((0, 12), np.float32)
    try:
        if sweep == "settings":
            found = [
                result.measurement
                for result in sweep_graph_settings(nothing, queries, [4], [5], k=3, ef=5, progress=progress)
            ]
        else:
            found = [result.hnsw for result in sweep_sizes(nothing, queries, k=3, ef=5, progress=progress, **STARVED)]
    except RetrieverError:
        return  # a clear error is accepted as well
    assert all((measured.neighbors.ids == NO_ID).all() for measured in found)


@pytest.mark.parametrize(
    ("changed", "error"),
    [
        ({"k": 0}, ParameterError),
        ({"k": 1.5}, ParameterError),
        ({"ef": 0}, ParameterError),
        ({"ef": None}, ParameterError),
        ({"M": 1}, ParameterError),
        ({"ef_construction": 0}, ParameterError),
        ({"queries": np.empty((0, 12), np.float32)}, ParameterError),
        ({"queries": np.ones((3, 11), np.float32)}, VectorError),
        ({"queries": np.full((3, 12), np.nan, np.float32)}, VectorError),
        ({"vectors": np.full((60, 12), np.nan, np.float32)}, VectorError),
        ({"vectors": np.ones(12, np.float32)}, VectorError),
    ],
    ids=["k=0", "k=1.5", "ef=0", "ef=None", "M=1", "ef_construction=0", "no queries", "11", "nan", "vectors nan", "1d"],
)
def test_what_does_not_suit_is_refused(vectors, queries, changed, error):
    given_ = {"vectors": vectors[:60], "queries": queries, "k": 3, "ef": 5, "M": 4, "ef_construction": 5} | changed
    stored, asked, M, ef_construction = (given_.pop(name) for name in ("vectors", "queries", "M", "ef_construction"))
    with pytest.raises(error):
        sweep_graph_settings(stored, asked, [M], [ef_construction], **given_)
    with pytest.raises(error):
        sweep_sizes(stored, asked, M=M, ef_construction=ef_construction, **given_)
