"""The measurement protocol: recall against sets counted by hand, latency with a spy on every search."""

import itertools
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
from retriever.measurement import turns
from retriever.measurement.curve import default_efs, ef_curve, smallest_ef
from retriever.measurement.measurement import Measurement
from retriever.measurement.recall_and_latency import PARTS, count_distances, measure, measure_pair
from retriever.vectors import normalize
from tests.support.hnsw_by_hand import GraphByHand
from tests.support.small import pair_of
from tests.support.true_neighbors import true_neighbors


def neighbors(row):
    """Return Neighbors of one query from (id, score); None is an empty place."""
    cells = [(NO_ID, -np.inf) if cell is None else cell for cell in row]
    return Neighbors(np.array([[cell[0] for cell in cells]]), np.array([[cell[1] for cell in cells]], np.float32))


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

FOUR = [(1, 0.9), (2, 0.8), (3, 0.7), (4, 0.6)]


@pytest.mark.parametrize(
    ("true", "found", "recall"),
    [
        (FOUR, FOUR, 1.0),
        (FOUR, [(1, 0.9), (3, 0.7), (4, 0.6), (9, 0.5)], 0.75),
        (FOUR, [(4, 0.6), None, None, None], 0.25),
        (FOUR, [None] * 4, 0.0),
        ([(1, 0.9), (2, 0.5)], [(1, 0.9), (77, 0.5)], 1.0),  # a duplicate of 2
        ([(1, 0.9), (2, 0.5)], [(1, 0.9), (77, 0.5 - 5e-7)], 1.0),  # rounding
        ([(1, 0.9), (2, 0.5)], [(1, 0.9), (77, 0.5 - 1e-5)], 0.5),
        ([(1, 0.9), (2, 0.5), None, None], [(2, 0.5), None, None, None], 0.5),  # of those there are
        ([None, None], [None, None], 1.0),
        ([(1, 0.5), None], [(1, 0.9), (2, 0.8)], 1.0),  # never above one
    ],
)
def test_recall_counts_what_was_found(true, found, recall):
    assert knn_recall(neighbors(true), neighbors(found)).tolist() == [recall]


def test_recall_of_different_shapes_is_refused():
    with pytest.raises(VectorError, match=r"\(1, 2\).*\(1, 1\)"):
        knn_recall(neighbors([(1, 0.9), (2, 0.5)]), neighbors([(1, 0.9)]))


@given(st.integers(0, 30), st.integers(1, 35), st.integers(0, 2**32 - 1))
def test_recall_is_the_share_of_the_true_ids_where_no_scores_tie(n, k, seed):
    rng = np.random.default_rng(seed)
    order = rng.permutation(n).tolist()
    some = [row for row in order if rng.random() < 0.6]  # the nodes an approximate search visited, best first

    def top(ids):
        cells = [(row, 1 - order.index(row) / 100) for row in ids[:k]]
        return neighbors(cells + [None] * (k - len(cells)))

    shared = len(set(order[:k]) & set(some[:k])) / min(n, k) if n else 1.0
    assert float(knn_recall(top(order), top(some))[0]) == pytest.approx(shared)


# --- one measurement


def test_numbers_derived_from_known_seconds():
    seconds, recall = np.arange(1, 102) / 1000, np.array([1.0, 0.5] * 50 + [0.75])  # 1 to 101 ms
    step = Measurement(20, 1, recall, seconds, np.array([1.0, 2.0, 6.0]), neighbors([(0, 1.0)]))
    assert (step.p50, step.p95, step.qps) == pytest.approx((0.051, 0.096, 101 / 5.151))
    assert (step.mean_recall, step.mean_distances) == pytest.approx((0.75, 3))


@pytest.mark.parametrize("ef", [None, 15])
def test_queries_go_one_at_a_time_on_one_thread_after_a_warm_up(data, ef, monkeypatch):
    vectors, queries = data
    index = ExactIndex(vectors) if ef is None else HNSWIndex(vectors)
    truth = ExactIndex(vectors).search(queries, 5)
    turns._blas_controller.cache_clear()  # other tests may have loaded libraries since it was made
    before, calls, ticks, search = threadpool_info(), [], [], index.search_unit

    def spy(query, k, **options):
        blas = {pool["num_threads"] for pool in threadpool_info() if pool["user_api"] == "blas"}
        calls.append((query.copy(), k, options, blas, MACHINE_LOCK._timing, len(ticks)))
        return search(query, k, **options)

    monkeypatch.setattr(index, "search_unit", spy)
    monkeypatch.setattr(turns, "TURN_SECONDS", 60)
    monkeypatch.setattr(turns.time, "thread_time_ns", lambda: ticks.append(1) or 1000 * len(ticks))
    measured = measure(index, queries, truth, k=5, ef=ef)
    # of the clock: not in the warm-up, once after it, then right before and after each query
    reads = [0] * 5 + list(range(2, 51, 2))
    for (asked, *rest), expected, read in zip(calls, [*queries[:5], *queries], reads, strict=True):
        np.testing.assert_allclose(asked, expected[None, :] / np.linalg.norm(expected), rtol=1e-6)
        assert rest == [5, {} if ef is None else {"ef": ef}, {1}, True, read]  # k, options, BLAS threads, exclusive
    assert threadpool_info() == before
    assert len(ticks) == 51
    np.testing.assert_allclose(measured.seconds, 1e-6)
    assert measured.recall.shape == (25,)


@pytest.mark.parametrize("slow", [False, True])
def test_a_long_measurement_lets_others_in_between_its_turns_and_finds_the_same(data, starved, monkeypatch, slow):
    """slow: every query is longer than a turn."""
    vectors, queries = data
    truth, search = ExactIndex(vectors).search(queries, 5), starved.search_unit
    alone = measure(starved, queries, truth, k=5, ef=9)
    entered, stop, asked = [], threading.Event(), []

    def slowly(query, k, **options):
        asked.append((len(entered), query.tobytes()))
        time.sleep(0.004)
        return search(query, k, **options)

    def others():
        while not stop.is_set():
            with MACHINE_LOCK.exclusive():
                entered.append(len(asked))

    monkeypatch.setattr(starved, "search_unit", slowly)
    monkeypatch.setattr(turns, "TURN_SECONDS", 0.001 if slow else 0.02)
    with ThreadPoolExecutor(1) as pool:
        visit = pool.submit(others)
        beside = measure(starved, queries, truth, k=5, ef=9)
        stop.set()
        visit.result(10)
    np.testing.assert_array_equal(beside.neighbors.ids, alone.neighbors.ids)
    np.testing.assert_array_equal(beside.neighbors.scores, alone.neighbors.scores)
    np.testing.assert_array_equal(beside.recall, alone.recall)
    taken = [[query for _, query in turn] for _, turn in itertools.groupby(asked, key=lambda one: one[0])]
    assert len(taken) >= (20 if slow else 3), "the other thread was let in"
    assert max(map(len, taken)) <= (2 if slow else 10), "at most a turn's queries, and those of its warm-up"
    assert all(len(turn) > len(set(turn)) for turn in taken[:-1]), "each turn begins with a warm-up"


@pytest.mark.parametrize(("passed", "crowded"), [(1.0, False), (1.07, False), (1.2, True)])
def test_a_measurement_is_crowded_where_more_time_passed_than_was_computed(data, exact, monkeypatch, passed, crowded):
    vectors, queries = data
    truth, computed = exact.search(queries, 5), itertools.count(0, 1000)
    nanoseconds = iter((0, int(passed * 1000 * 2 * len(queries))))  # the clock is read twice a query
    monkeypatch.setattr(turns.time, "thread_time_ns", lambda: next(computed))
    monkeypatch.setattr(turns.time, "perf_counter_ns", lambda: next(nanoseconds))
    assert measure(exact, queries, truth, k=5).crowded is crowded


def test_both_searches_of_a_pair_take_turns_and_find_what_each_finds_alone(data, exact, starved, monkeypatch):
    vectors, queries = data
    truth, order = exact.search(queries, 5), []

    def spy_on(index, name):
        search = index.search_unit

        def spy(query, k, **options):
            order.append(name)
            return search(query, k, **options)

        monkeypatch.setattr(index, "search_unit", spy)

    spy_on(exact, "exact")
    spy_on(starved, "HNSW")
    pair = measure_pair(starved, exact, queries, truth, k=5, ef=9, exact_queries=8)
    assert [name for name, _ in itertools.groupby(order)] == ["HNSW", "exact"] * PARTS
    alone = measure(starved, queries, truth, k=5, ef=9)
    np.testing.assert_array_equal(pair.hnsw.neighbors.ids, alone.neighbors.ids)
    np.testing.assert_array_equal(pair.hnsw.recall, alone.recall)
    assert len(pair.hnsw.seconds) == 25 and len(pair.exact.seconds) == 8
    assert pair.exact.mean_recall == 1 and pair.exact.mean_distances == 400
    assert pair.exact.neighbors.ids[[0, -1]].tolist() == truth.ids[[0, -1]].tolist(), "spread over all queries"


def test_the_speed_up_is_that_of_the_medians_and_its_range_that_of_the_quarters():
    pair = pair_of([1] * 5, [1, 2, 3, 4, 5], [6, 7, 8, 9, 20])
    assert pair.speed_up == pytest.approx(8 / 3)
    assert pair.speed_up_range == pytest.approx((7 / 4, 9 / 2))


def test_recall_is_that_of_sets_counted_by_hand(data, exact, starved):
    vectors, queries = data
    truth, true = exact.search(queries, 10), true_neighbors(vectors, queries, 10)
    for index, ef in ((exact, None), (starved, 10)):
        measured = measure(index, queries, truth, k=10, ef=ef)
        assert (measured.ef, measured.k, measured.mean_distances) == (ef, 10, None if ef else 400)
        options = {"ef": ef} if ef else {}
        found = np.concatenate([index.search(query[None], 10, **options).ids for query in queries])
        np.testing.assert_array_equal(measured.neighbors.ids, found)
        shares = [np.isin(*rows).mean() for rows in zip(true, found, strict=True)]
        np.testing.assert_allclose(measured.recall, shares)
        assert measured.mean_recall < 0.9 if ef else measured.mean_recall == 1, "a starved graph is to miss some"


def test_what_does_not_suit_is_refused(data, exact, starved):
    vectors, queries = data
    truth = exact.search(queries, 5)
    for index, changed, error, message in (
        (starved, {}, ParameterError, "pass ef"),
        (exact, {"ef": 10}, ParameterError, "ef=None"),
        (exact, {"queries": queries[:0]}, ParameterError, "no queries"),
        (exact, {"k": 1.5}, ParameterError, "^k is"),
        (starved, {"ef": 0}, ParameterError, "^ef is"),
        (exact, {"queries": queries[:, :4]}, VectorError, "4 dimensions"),
        (exact, {"queries": queries[0]}, VectorError, "two axes"),
        (exact, {"k": 6}, VectorError, "search with one k"),
    ):
        with pytest.raises(error, match=message):
            measure(index, **{"queries": queries, "exact": truth, "k": 5} | changed)
    with MACHINE_LOCK.exclusive():  # each refusal released the lock
        pass
    measured = measure(starved, queries, truth, k=5, ef=9)
    with pytest.raises(VectorError):
        count_distances(measured, HNSWGraph.of(starved), queries[:, :4])


# --- distances, counted


def test_distances_of_hnsw_are_those_of_a_search_by_hand_and_the_rest_is_kept(data, exact, starved):
    vectors, queries = data
    by_hand, graph = GraphByHand(starved), HNSWGraph.of(starved)
    for ef in (1, 60, 400):
        measured = measure(starved, queries, exact.search(queries, 10), k=10, ef=ef)
        counted = count_distances(measured, graph, queries)
        expected = [by_hand.search((-vectors @ query).tolist(), max(ef, 10))[0][-1][-1] for query in queries]
        assert counted.distances.tolist() == expected
        assert counted.distances.dtype == np.float64
        assert measured.distances is None, "the measurement itself is not changed"
        for name in ("ef", "k", "recall", "seconds", "neighbors"):
            assert getattr(counted, name) is getattr(measured, name)


# --- the curve


def test_the_curve_goes_up_in_ef_and_ends_at_recall_one(data, exact):
    vectors, queries = data
    truth, seen = exact.search(queries, 10), []
    curve = ef_curve(HNSWIndex(vectors), queries, truth, k=10, efs=[400, 10, 20, 10], progress=seen.append)
    assert [step.ef for step in curve] == [10, 20, 400]
    assert curve[0].mean_recall <= curve[1].mean_recall <= curve[2].mean_recall == 1
    np.testing.assert_allclose(seen, [1 / 3, 2 / 3, 1])
    curve = ef_curve(HNSWIndex(vectors[:100]), queries[:3], exact.search(queries[:3], 1), k=1)
    assert [step.ef for step in curve] == [1, 2, 3, 4, 6, 8, 10, 15, 20, 30, 40]


def test_a_curve_becomes_a_table_with_a_row_an_ef_and_a_measurement_one_with_a_row_a_query(data, exact, starved):
    vectors, queries = data
    curve = ef_curve(starved, queries, exact.search(queries, 5), k=5, efs=[5, 20])
    frame = curve.to_frame()
    assert list(frame) == [
        *["ef", "k", "mean_recall", "p50_seconds", "p95_seconds", "queries_per_second", "mean_distances", "crowded"]
    ]
    assert frame["ef"].tolist() == [5, 20] and frame["k"].tolist() == [5, 5]
    for name, wanted in {"mean_recall": "mean_recall", "p50_seconds": "p50", "queries_per_second": "qps"}.items():
        assert frame[name].tolist() == [getattr(step, wanted) for step in curve]
    assert frame["mean_distances"].isna().all(), "they were not counted"

    counted = count_distances(curve[0], HNSWGraph.of(starved), queries)
    rows = counted.to_frame()
    assert list(rows) == ["query", "recall", "seconds", "distances"]
    assert rows["query"].tolist() == list(range(len(queries)))
    for name in ("recall", "seconds", "distances"):
        np.testing.assert_array_equal(rows[name], getattr(counted, name))
    assert curve[0].to_frame()["distances"].isna().all()


def test_what_progress_raises_ends_the_curve(data, exact, starved):
    seen = []

    def cancel(fraction):
        seen.append(fraction)
        raise Cancelled("stop")

    with pytest.raises(Cancelled):
        ef_curve(starved, data[1], exact.search(data[1], 5), k=5, progress=cancel)
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


def test_smallest_ef_that_reaches_a_target():
    def step(ef, recall):
        return Measurement(ef, 1, np.array([recall]), np.array([1.0]), None, neighbors([(0, 1.0)]))

    curve = [step(40, 0.99), step(10, 0.7), step(20, 0.9), step(30, 0.9)]
    assert [smallest_ef(curve, target) for target in (0.9, 0.5, 0.99, 1.0)] == [20, 10, 40, None]
    assert smallest_ef([step(None, 1.0)], 0.5) is None  # exact search has no ef
