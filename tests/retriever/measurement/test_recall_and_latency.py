"""The measurement protocol: recall against sets counted by hand, latency with a spy on every search."""

import threading
import time
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from threadpoolctl import threadpool_info

from retriever.errors import Cancelled, ParameterError, VectorError
from retriever.fair_lock import MACHINE_LOCK
from retriever.graph.traversal import HNSWGraph
from retriever.indexes.base import NO_ID, Neighbors
from retriever.indexes.exact import ExactIndex
from retriever.indexes.hnsw import HNSWIndex
from retriever.indexes.recall import knn_recall
from retriever.measurement import recall_and_latency as measurement_module
from retriever.measurement.recall_and_latency import (
    Measurement,
    break_even,
    count_distances,
    default_efs,
    ef_curve,
    measure,
    smallest_ef,
)
from retriever.vectors import normalize


def neighbors(rows):
    """Return Neighbors from rows of (id, score); None is an empty place."""
    ids = [[NO_ID if cell is None else cell[0] for cell in row] for row in rows]
    scores = [[-np.inf if cell is None else cell[1] for cell in row] for row in rows]
    return Neighbors(np.array(ids, np.int64), np.array(scores, np.float32))


@pytest.fixture(scope="module")
def data():
    rng = np.random.default_rng(5)
    return normalize(rng.normal(size=(400, 10)).astype(np.float32)), rng.normal(size=(25, 10)).astype(np.float32)


@pytest.fixture(scope="module")
def exact(data):
    return ExactIndex(data[0])


@pytest.fixture(scope="module")
def starved(data):
    return HNSWIndex(data[0], M=2, ef_construction=5)


# --- recall


def test_recall_counts_what_was_found():
    exact = neighbors([[(1, 0.9), (2, 0.8), (3, 0.7), (4, 0.6)]])
    for found, recall in (
        ([(1, 0.9), (2, 0.8), (3, 0.7), (4, 0.6)], 1.0),
        ([(1, 0.9), (3, 0.7), (4, 0.6), (9, 0.5)], 0.75),
        ([(7, 0.1), (8, 0.1), (9, 0.1), (6, 0.1)], 0.0),
        ([(4, 0.6), None, None, None], 0.25),
        ([None] * 4, 0.0),
    ):
        assert knn_recall(exact, neighbors([found])).tolist() == [recall]


def test_a_tie_at_the_border_is_no_miss_and_a_worse_score_is():
    exact = neighbors([[(1, 0.9), (2, 0.5)]])
    assert knn_recall(exact, neighbors([[(1, 0.9), (77, 0.5)]])).tolist() == [1.0]  # a duplicate of 2
    assert knn_recall(exact, neighbors([[(1, 0.9), (77, 0.5 - 5e-7)]])).tolist() == [1.0]  # rounding
    assert knn_recall(exact, neighbors([[(1, 0.9), (77, 0.5 - 1e-5)]])).tolist() == [0.5]


def test_recall_of_fewer_than_k_vectors_is_the_share_of_those_there_are():
    exact = neighbors([[(1, 0.9), (2, 0.5), None, None]])
    assert knn_recall(exact, neighbors([[(1, 0.9), (2, 0.5), None, None]])).tolist() == [1.0]
    assert knn_recall(exact, neighbors([[(2, 0.5), None, None, None]])).tolist() == [0.5]
    nothing = neighbors([[None, None]])
    assert knn_recall(nothing, nothing).tolist() == [1.0]


def test_recall_is_never_above_one_whatever_is_compared():
    assert knn_recall(neighbors([[(1, 0.5), None]]), neighbors([[(1, 0.9), (2, 0.8)]])).tolist() == [1.0]


def test_recall_of_different_shapes_is_refused():
    with pytest.raises(VectorError, match=r"\(1, 2\).*\(1, 1\)"):
        knn_recall(neighbors([[(1, 0.9), (2, 0.5)]]), neighbors([[(1, 0.9)]]))


@given(st.integers(0, 30), st.integers(1, 35), st.integers(0, 2**32 - 1), st.sampled_from([2, 1000]))
def test_recall_is_the_share_of_the_true_ids_where_no_scores_tie(n, k, seed, levels):
    rng = np.random.default_rng(seed)
    scores = rng.integers(0, levels, size=n) / levels if levels == 2 else rng.permutation(n) / 100
    order = sorted(range(n), key=lambda row: -scores[row])

    def top(ids):
        cells = [(row, scores[row]) for row in ids[:k]]
        return neighbors([cells + [None] * (k - len(cells))])

    true = top(order)
    some = [row for row in order if rng.random() < 0.6]  # the nodes an approximate search visited, best first
    recall = float(knn_recall(true, top(some))[0])
    assert 0 <= recall <= 1
    assert knn_recall(true, true).tolist() == [1.0]
    shared = len(set(order[:k]) & set(some[:k])) / min(n, k) if n else 1.0
    if levels == 1000:
        assert recall == pytest.approx(shared)
    else:
        assert recall >= shared - 1e-12  # ties can only add


# --- one measurement


def test_numbers_derived_from_known_seconds():
    seconds = np.arange(1, 102) / 1000  # 1 to 101 ms
    recall = np.array([1.0, 0.5] * 50 + [0.75])
    found = neighbors([[(0, 1.0)]] * 101)
    step = Measurement(20, 1, recall, seconds, None, found)
    assert step.p50 == pytest.approx(0.051)
    assert step.p95 == pytest.approx(0.096)
    assert step.qps == pytest.approx(101 / 5.151)
    assert step.mean_recall == pytest.approx(0.75)


class Spied:
    """A spy on the search of an index: it records the arguments, the BLAS threads and the lock of each call."""

    def __init__(self, index, pause=0.0):
        self.calls, self.lock, self.inside, self.most = [], threading.Lock(), 0, 0
        search = index.search_unit

        def spy(queries, k, **options):
            with self.lock:
                self.inside += 1
                self.most = max(self.most, self.inside)
            blas = [pool["num_threads"] for pool in threadpool_info() if pool["user_api"] == "blas"]
            self.calls.append((np.array(queries), k, options, blas, MACHINE_LOCK._timing))
            time.sleep(pause)
            found = search(queries, k, **options)
            with self.lock:
                self.inside -= 1
            return found

        index.search_unit = spy


@pytest.mark.parametrize("ef", [None, 15])
def test_queries_go_one_at_a_time_on_one_thread_after_a_warm_up(data, ef):
    vectors, queries = data
    index = ExactIndex(vectors) if ef is None else HNSWIndex(vectors)
    truth = ExactIndex(vectors).search(queries, 5)
    before = [pool["num_threads"] for pool in threadpool_info()]
    spied = Spied(index)
    measured = measure(index, queries, truth, k=5, ef=ef)
    calls = spied.calls
    assert len(calls) == 5 + 25  # the warm-up and the queries
    for number, (asked, k, options, blas, timing) in enumerate(calls):
        expected = queries[number] if number < 5 else queries[number - 5]
        np.testing.assert_allclose(asked, expected[None, :] / np.linalg.norm(expected), rtol=1e-6)
        assert k == 5
        assert options == ({} if ef is None else {"ef": ef})
        assert blas, "there is a BLAS to be limited"
        assert set(blas) == {1}
        assert timing, "the section is exclusive"
    assert [pool["num_threads"] for pool in threadpool_info()] == before
    assert measured.seconds.shape == measured.recall.shape == (25,)
    assert (measured.seconds > 0).all()


def test_seconds_are_those_of_the_search(data, exact, monkeypatch):
    vectors, queries = data
    clock = iter(range(0, 10**9, 1000))
    ticks = []

    def thread_time_ns():
        ticks.append(next(clock))
        return ticks[-1]

    truth = exact.search(queries, 5)
    monkeypatch.setattr(measurement_module.time, "thread_time_ns", thread_time_ns)
    measured = measure(exact, queries, truth, k=5)
    assert len(ticks) == 2 * len(queries)  # the clock is read right before and right after each query, no warm-up
    np.testing.assert_allclose(measured.seconds, 1e-6)


def test_exact_search_against_itself_has_recall_one_and_n_distances(data, exact):
    vectors, queries = data
    truth = exact.search(queries, 7)
    measured = measure(exact, queries, truth, k=7)
    assert (measured.recall == 1).all()
    assert (measured.distances == 400).all()
    assert measured.ef is None
    np.testing.assert_array_equal(measured.neighbors.ids, truth.ids)


def test_recall_of_hnsw_is_that_of_sets_counted_by_hand(data, exact, starved):
    vectors, queries = data
    truth = exact.search(queries, 10)
    measured = measure(starved, queries, truth, k=10, ef=10)
    by_hand = [
        len(set(truth.ids[row]) & set(starved.search(queries[row : row + 1], 10, ef=10).ids[0])) / 10
        for row in range(25)
    ]
    assert min(by_hand) < 0.9, "a starved graph is to miss some"
    np.testing.assert_allclose(measured.recall, by_hand)
    assert measured.distances is None
    assert measured.ef == 10


def test_what_does_not_suit_is_refused(data, exact, starved):
    vectors, queries = data
    truth = exact.search(queries, 5)
    with pytest.raises(ParameterError, match="pass ef"):
        measure(starved, queries, truth, k=5)
    with pytest.raises(ParameterError, match="ef=None"):
        measure(exact, queries, truth, k=5, ef=10)
    with pytest.raises(ParameterError, match="no queries"):
        measure(exact, queries[:0], exact.search(queries[:0], 5), k=5)
    for k in (0, 1.5, True):
        with pytest.raises(ParameterError, match="^k is"):
            measure(exact, queries, truth, k=k)
    for ef in (0, 2.5, True):
        with pytest.raises(ParameterError, match="^ef is"):
            measure(starved, queries, truth, k=5, ef=ef)
    with pytest.raises(VectorError):
        measure(exact, queries[:, :4], truth, k=5)
    with pytest.raises(VectorError):
        measure(exact, queries[0], truth, k=5)
    with pytest.raises(VectorError):
        measure(exact, queries, truth, k=6)
    with MACHINE_LOCK.exclusive():  # each refusal released the lock
        pass


def test_no_two_timed_sections_overlap(data):
    vectors, queries = data
    index, truth = ExactIndex(vectors), ExactIndex(vectors).search(queries[:5], 3)
    spied, stop, worked_beside = Spied(index, pause=0.002), threading.Event(), []

    def work():
        while not stop.is_set():
            with MACHINE_LOCK.shared():
                worked_beside.append(spied.inside)
                time.sleep(0.001)

    with ThreadPoolExecutor(4) as pool:
        working = pool.submit(work)
        try:
            for future in [pool.submit(measure, index, queries[:5], truth, k=3) for _ in range(6)]:
                future.result(30)
        finally:
            stop.set()
        working.result(10)
    assert len(spied.calls) == 6 * 10
    assert spied.most == 1
    assert set(worked_beside) == {0}


# --- distances, counted


@pytest.mark.parametrize("ef", [3, 10, 60, 400])
def test_distances_of_hnsw_are_those_of_a_walk_of_each_query_and_the_rest_is_kept(data, exact, starved, ef):
    vectors, queries = data
    measured = measure(starved, queries, exact.search(queries, 10), k=10, ef=ef)
    counted = count_distances(measured, HNSWGraph.of(starved), queries)
    graph = HNSWGraph.of(starved)
    assert counted.distances.dtype == np.float64
    assert counted.distances.tolist() == [graph.walk(query, 10, ef).distances for query in queries]
    assert counted.mean_distances == pytest.approx(sum(counted.distances) / 25)
    assert measured.distances is None, "the measurement itself is not changed"
    for name in ("ef", "k", "recall", "seconds", "neighbors"):
        assert getattr(counted, name) is getattr(measured, name)


def test_distances_are_the_same_on_every_run_and_on_a_graph_that_is_built_again(data, exact, starved):
    vectors, queries = data
    truth = exact.search(queries, 10)
    again = HNSWIndex(vectors, M=2, ef_construction=5)
    runs = [
        count_distances(measure(index, queries, truth, k=10, ef=20), HNSWGraph.of(index), queries).distances.tolist()
        for index in (starved, starved, again)
    ]
    assert runs[0] == runs[1] == runs[2]


def test_a_larger_ef_computes_more_distances_and_an_ef_below_k_those_of_k(data, exact, starved):
    vectors, queries = data
    graph, truth = HNSWGraph.of(starved), exact.search(queries, 10)

    def counted(ef):
        return count_distances(measure(starved, queries, truth, k=10, ef=ef), graph, queries)

    curve = [counted(ef) for ef in (10, 20, 60, 200)]
    for step, wider in zip(curve, curve[1:], strict=False):
        assert (step.distances <= wider.distances).all()
        assert step.mean_distances < wider.mean_distances
    assert counted(1).distances.tolist() == curve[0].distances.tolist()


def test_mean_distances_are_n_for_exact_search_and_nothing_where_none_were_counted(data, exact, starved):
    vectors, queries = data
    truth = exact.search(queries, 5)
    assert measure(exact, queries, truth, k=5).mean_distances == 400
    assert measure(starved, queries, truth, k=5, ef=9).mean_distances is None
    by_hand = Measurement(5, 1, np.ones(3), np.ones(3), np.array([1.0, 2.0, 6.0]), truth)
    assert by_hand.mean_distances == 3
    assert type(by_hand.mean_distances) is float


def test_counting_for_queries_of_another_dimension_is_refused(data, exact, starved):
    vectors, queries = data
    measured = measure(starved, queries, exact.search(queries, 5), k=5, ef=9)
    with pytest.raises(VectorError):
        count_distances(measured, HNSWGraph.of(starved), queries[:, :4])


# --- the curve


def test_the_curve_goes_up_in_ef_and_ends_at_recall_one(data, exact):
    vectors, queries = data
    truth, seen = exact.search(queries, 10), []
    index = HNSWIndex(vectors)
    curve = ef_curve(index, queries, truth, k=10, efs=[400, 10, 20, 10], progress=seen.append)
    assert [step.ef for step in curve] == [10, 20, 400]
    assert curve[-1].mean_recall == 1
    assert curve[0].mean_recall <= curve[1].mean_recall
    np.testing.assert_allclose(seen, [1 / 3, 2 / 3, 1])


def test_without_efs_the_curve_takes_the_default_ones(data, exact):
    vectors, queries = data
    curve = ef_curve(HNSWIndex(vectors[:100]), queries[:3], exact.search(queries[:3], 1), k=1)
    assert [step.ef for step in curve] == [1, 2, 3, 4, 6, 8, 10, 15, 20, 30, 40]


def test_what_progress_raises_ends_the_curve(data, exact, starved):
    vectors, queries = data
    seen = []

    def cancel(fraction):
        seen.append(fraction)
        raise Cancelled("stop")

    with pytest.raises(Cancelled):
        ef_curve(starved, queries, exact.search(queries, 5), k=5, progress=cancel)
    assert len(seen) == 1


@given(st.integers(1, 200), st.integers(0, 10**6))
def test_default_efs_start_at_k_and_end_with_the_first_that_covers_all(k, n):
    efs = default_efs(k, n)
    assert efs[0] == k
    assert efs == sorted(efs)
    assert efs[-1] <= 40 * k
    assert all(ef < n for ef in efs[:-1])  # none before the last covers all
    if n > 40 * k:
        assert efs[-1] == 40 * k


def test_smallest_ef_that_reaches_a_target(data):
    def step(ef, recall):
        return Measurement(ef, 1, np.array([recall]), np.array([1.0]), None, neighbors([[(0, 1.0)]]))

    curve = [step(40, 0.99), step(10, 0.7), step(20, 0.9), step(30, 0.9)]
    assert smallest_ef(curve, 0.9) == 20
    assert smallest_ef(curve, 0.5) == 10
    assert smallest_ef(curve, 0.99) == 40
    assert smallest_ef(curve, 1.0) is None
    assert smallest_ef([], 0.5) is None
    assert smallest_ef([step(None, 1.0)], 0.5) is None  # exact search has no ef


# --- break-even


def pretend(monkeypatch, cost):
    """Make every measurement of n vectors take cost(n) seconds; return the list of the sizes measured."""
    sizes = []

    def take(index, queries, exact, *, k, ef=None):
        sizes.append(len(index))
        seconds = np.full(len(queries), cost(len(index)))
        return Measurement(ef, k, np.ones(len(queries)), seconds, None, exact)

    monkeypatch.setattr("retriever.measurement.recall_and_latency.measure", take)
    return sizes


@pytest.mark.parametrize("n", [1, 100, 256, 300, 1000, 1024, 5000])
def test_break_even_is_where_exact_search_takes_as_long(monkeypatch, n):
    sizes = pretend(monkeypatch, lambda count: count * 1e-6)
    assert break_even(4, n * 1e-6, k=3) == pytest.approx(n, abs=1)
    assert sizes[-1] < max(2 * n, 257)  # no larger than needed


def test_break_even_ends_at_the_most(monkeypatch):
    pretend(monkeypatch, lambda count: 1e-6)
    assert break_even(4, 1.0, k=3, most=2048) == 2048


def test_break_even_of_instant_searches_is_nothing(monkeypatch):
    pretend(monkeypatch, lambda count: count * 1e-6)
    assert break_even(4, 0.0, k=3) == 0


def test_break_even_on_this_machine_is_between_its_ends():
    assert 0 < break_even(16, 50e-6, k=3, most=4096) <= 4096


def test_waiting_for_the_interpreter_does_not_count(data, exact):
    """A thread that draws a figure holds the interpreter lock for milliseconds; the search takes microseconds."""
    vectors, queries = data
    truth, stop = exact.search(queries, 5), threading.Event()

    def draw():
        while not stop.is_set():
            sum(range(1000))

    alone = min(measure(exact, queries, truth, k=5).p50 for _ in range(3))
    threads = [threading.Thread(target=draw, daemon=True) for _ in range(2)]
    for thread in threads:
        thread.start()
    try:
        for _ in range(20):  # where other programs keep the drawing threads from running, nothing waits for them
            start = time.perf_counter()
            beside = min(measure(exact, queries, truth, k=5).p50 for _ in range(3))
            on_the_wall = (time.perf_counter() - start) / 3 / len(queries)
            if on_the_wall > 5 * alone:
                break
    finally:
        stop.set()
        for thread in threads:
            thread.join()
    assert beside < 5 * alone < on_the_wall
