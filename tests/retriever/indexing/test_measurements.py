"""What is measured of a collection: made once, and shared with another graph where the graph plays no part."""

import threading
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest

from retriever.errors import Cancelled
from retriever.graph.traversal import HNSWGraph
from retriever.indexes.exact import ExactIndex
from retriever.indexes.recall import knn_recall
from retriever.indexing import measurements as module
from tests.support.small import collection_of, sentences

pytestmark = pytest.mark.usefixtures("quiet_machine")


@pytest.fixture
def indexed(fake_encoder):
    return collection_of(fake_encoder, sentences(150), M=4, ef_construction=20)


@pytest.fixture
def measured(indexed):
    return indexed.measurements


@pytest.fixture
def counts(monkeypatch):
    """The list of (k, ef) for which distances are counted."""
    real, seen = module.count_distances, []

    def count(one, graph, queries):
        seen.append((one.k, one.ef))
        return real(one, graph, queries)

    monkeypatch.setattr(module, "count_distances", count)
    return seen


def walked(indexed, k, ef):
    """Return the distances of every pinned query, counted on the graph read again."""
    graph = HNSWGraph.of(indexed.retriever.hnsw)
    return [graph.walk(query, k, ef).distances for query in indexed.query_vectors]


def test_truth_is_exact_search_found_once_a_k(indexed, measured):
    truth = measured.truth(7)
    by_hand = ExactIndex(indexed.retriever.vectors).search(indexed.query_vectors, 7)
    np.testing.assert_array_equal(truth.ids, by_hand.ids)
    assert measured.truth(7) is truth
    assert measured.truth(3).ids.shape == (len(indexed.queries), 3)


def test_both_searches_are_measured_anew_and_the_curve_once_a_k(measured):
    pair, second = measured.measure(5, 10), measured.measure(5, 10).hnsw
    first = pair.hnsw
    assert first is not second and (first.ef, first.k) == (10, 5)
    np.testing.assert_array_equal(first.recall, second.recall)
    np.testing.assert_array_equal(first.recall, knn_recall(measured.truth(5), first.neighbors))
    assert pair.exact.mean_recall == 1 and pair.exact.ef is None
    seen = []
    assert measured.known_curve(5) is None
    curve = measured.curve(5, progress=seen.append)
    assert (seen[-1], curve[0].ef) == (1, 5)
    assert measured.curve(5, progress=lambda done: pytest.fail("measured twice")) is curve is measured.known_curve(5)
    assert measured.known_curve(4) is None


def test_a_recent_measurement_serves_all_who_ask_for_the_same_of_this_graph(indexed, measured):
    first, again = measured.recent(5, 10), measured.recent(5, 10)
    assert again.value is first.value and (first.shared, again.shared) == (False, True)
    assert measured.recent(5, 11).value is not first.value is not measured.recent(4, 10).value
    other = indexed.with_graph(3, 5).measurements.recent(5, 10)
    assert not other.shared and other.value.hnsw.ef == 10, "another graph has measurements of its own"


def test_an_older_measurement_serves_while_others_wait_for_the_machine(measured, monkeypatch):
    monkeypatch.setattr(module, "RECENT_SECONDS", 0.0)
    monkeypatch.setattr(module, "MACHINE_LOCK", SimpleNamespace(contended=True))
    first = measured.recent(5, 10)
    assert measured.recent(5, 10).value is first.value
    module.MACHINE_LOCK.contended = False
    assert measured.recent(5, 10).value is not first.value


def test_a_curve_is_measured_again_where_it_was_measured_in_a_crowd_that_has_gone(measured, monkeypatch):
    real, crowded = module.ef_curve, [True, False]

    def of_crowd(*args, **options):
        busy = crowded.pop(0)
        return [replace(step, crowded=busy) for step in real(*args, **options)]

    monkeypatch.setattr(module, "ef_curve", of_crowd)
    monkeypatch.setattr(module, "MACHINE_LOCK", SimpleNamespace(contended=True))
    first = measured.curve(5)
    assert measured.has_curve(5) and measured.curve(5) is first, "not at once: the crowd is still there"
    module.MACHINE_LOCK.contended = False
    assert not measured.has_curve(5)
    second = measured.curve(5)
    assert second is not first and measured.has_curve(5) and measured.curve(5) is second


@pytest.mark.parametrize(("what", "name"), [("curve", "ef_curve"), ("recent", "measure_pair"), ("truth", "")])
def test_concurrent_callers_get_one_measurement(measured, monkeypatch, what, name):
    holder = module if name else measured.retriever.exact
    name = name or "search"
    real, calls, together = getattr(holder, name), [], threading.Barrier(4)

    def slow(*args, **options):
        calls.append(1)
        time.sleep(0.05)
        return real(*args, **options)

    def ask(_):
        together.wait(10)
        return measured.recent(5, 9).value if what == "recent" else getattr(measured, what)(5)

    if what != "truth":
        measured.truth(5)
    monkeypatch.setattr(holder, name, slow)
    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(ask, range(4)))
    assert len(calls) == 1
    assert all(one is found[0] for one in found)


def test_a_cancelled_curve_is_measured_by_the_next_caller(measured):
    def cancel(fraction):
        raise Cancelled("stop")

    with pytest.raises(Cancelled):
        measured.curve(5, progress=cancel)
    assert measured.known_curve(5) is None
    assert measured.curve(5)


@pytest.mark.parametrize(("k", "ef"), [(5, 5), (5, 40), (3, 400), (200, 200)])
def test_counted_distances_are_those_of_the_walks(indexed, measured, k, ef):
    one = measured.measure(k, ef).hnsw
    counted = measured.counted(one)
    assert counted.distances.tolist() == walked(indexed, k, ef)
    assert (counted.seconds, counted.neighbors) == (one.seconds, one.neighbors)
    assert one.distances is None, "a measurement is not changed"


def test_distances_are_counted_once_a_k_and_ef(measured, counts):
    for _ in range(3):
        for k, ef in ((5, 10), (5, 20), (4, 10)):
            again = measured.measure(k, ef).hnsw
            assert measured.counted(again).seconds is again.seconds, "the times are the new ones"
    assert counts == [(5, 10), (5, 20), (4, 10)]


def test_the_distances_of_a_curve_are_counted_once_and_shared(indexed, measured, counts):
    plain, seen = measured.curve(5), []
    assert all(step.distances is None for step in plain) and counts == []
    curve = measured.counted_curve(5, progress=seen.append)
    assert seen == sorted(seen) and seen[-1] == 1
    again = measured.counted_curve(5, progress=lambda done: pytest.fail("counted twice"))
    assert again is curve is measured.curve(5)
    assert [step.seconds for step in curve] == [step.seconds for step in plain]
    assert all(step.distances.tolist() == walked(indexed, 5, step.ef) for step in curve[:3])
    assert measured.counted(measured.measure(5, curve[1].ef).hnsw).distances.tolist() == curve[1].distances.tolist()
    assert counts == [(5, step.ef) for step in curve]
    assert measured.measure(5, 10).exact.mean_distances == len(indexed)


def test_positions_are_those_of_the_principal_components(indexed, measured):
    vectors, positions = indexed.retriever.vectors, measured.positions
    left, values, _ = np.linalg.svd(vectors - vectors.mean(axis=0, dtype=np.float64), full_matrices=False)
    np.testing.assert_allclose(np.abs(positions), np.abs(left[:, :2] * values[:2]), atol=1e-4)
    np.testing.assert_allclose(measured.plane.project(vectors), positions)
    assert measured.positions is positions


def test_another_graph_shares_what_does_not_depend_on_it(indexed, measured, counts):
    curve, distances = measured.curve(5), measured.counted(measured.measure(5, 10).hnsw).distances.tolist()
    other = indexed.with_graph(2, 3)
    assert other.measurements.truth(5) is measured.truth(5)
    assert other.measurements.positions is measured.positions and other.measurements.plane is measured.plane
    assert other.measurements.known_curve(5) is None and measured.known_curve(5) is curve
    assert other.measurements.graph is not measured.graph is measured.graph
    assert other.measurements.graph.links[0].shape[1] == 4
    after = other.measurements.counted(other.measurements.measure(5, 10).hnsw).distances.tolist()
    assert after == walked(other, 5, 10) != distances
    assert counts == [(5, 10), (5, 10)]


def test_a_changed_copy_has_nothing_measured(indexed, measured):
    curve, positions = measured.curve(5), measured.positions
    other = replace(indexed, name="Renamed")
    assert (other.name, other.retriever) == ("Renamed", indexed.retriever)
    assert other.measurements.known_curve(5) is None and measured.known_curve(5) is curve
    assert other.measurements.truth(5) is not measured.truth(5)
    assert other.measurements.positions is not positions is measured.positions
    np.testing.assert_array_equal(other.measurements.positions, positions)
