"""The measurement of an index behind a network: wall-clock seconds, and the round trip apart from the engine's work."""

from types import SimpleNamespace

import numpy as np
import pytest

from retriever.errors import ParameterError, StorageError
from retriever.fair_lock import MACHINE_LOCK
from retriever.indexes.exact import ExactIndex
from retriever.indexes.hnsw import HNSWIndex
from retriever.indexing.client_measurements import ClientMeasurements
from retriever.measurement.client_latency import client_curve, measure_client
from retriever.measurement.recall_and_latency import measure
from retriever.vectors import normalize
from tests.support.clock import Clock

RANDOM = np.random.default_rng(5)
VECTORS, QUERIES = (normalize(RANDOM.standard_normal((rows, 16)).astype(np.float32)) for rows in (400, 30))


class FarAway:
    """An index whose every search takes so many seconds on the wall, in which this process does nothing."""

    dimension = 16

    def __init__(self, vectors, seconds=0.0, clock=None):
        self._index = HNSWIndex(vectors, M=4, ef_construction=20)
        self.seconds, self.clock, self.searched, self.gone = seconds, clock, 0, False

    def __len__(self):
        return len(self._index)

    def search_unit(self, unit, k, *, ef):
        if self.gone:
            raise StorageError("It is away.")
        self.searched += 1
        if self.clock:
            self.clock.now += round(1e9 * self.seconds)
        return self._index.search_unit(unit, k, ef=ef)


@pytest.fixture
def exact():
    return ExactIndex(VECTORS)


@pytest.fixture
def wall(monkeypatch):
    """The clock on the wall, in nanoseconds."""
    clock = Clock(0)
    monkeypatch.setattr("retriever.measurement.client_latency.time", SimpleNamespace(perf_counter_ns=clock))
    return clock


def test_a_client_waits_for_the_round_trip_and_the_engine_and_recall_is_that_of_the_index(exact, wall):
    remote, lone, truth = FarAway(VECTORS, 0.003, wall), FarAway(VECTORS[:1], 0.001, wall), exact.search(QUERIES, 10)
    pair = measure_client(remote, lone, exact, QUERIES, truth, k=10, ef=10)
    alone = measure(remote._index, QUERIES, truth, k=10, ef=10)
    assert list(pair.hnsw.recall) == list(alone.recall) and 0 < pair.hnsw.mean_recall < 1
    assert (pair.hnsw.p50, pair.round_trip_p50) == (0.003, 0.001), "while the thread's own clock stands still"
    assert pair.engine_p50 == pytest.approx(0.002)
    assert (len(pair.hnsw.seconds), len(pair.exact.seconds), len(pair.round_trip)) == (30, 20, 20)
    assert 0 < pair.exact.p50 < 0.003 and pair.exact.mean_recall == 1 and pair.hnsw.distances is None
    assert pair.speed_up == pair.exact.p50 / pair.hnsw.p50


def test_an_engine_that_is_quicker_than_a_round_trip_varies_works_for_no_less_than_nothing(exact, wall):
    remote, lone, truth = FarAway(VECTORS, 0.001, wall), FarAway(VECTORS[:1], 0.002, wall), exact.search(QUERIES, 5)
    assert measure_client(remote, lone, exact, QUERIES, truth, k=5, ef=10).engine_p50 == 0


def test_nobody_waits_for_a_server_that_is_away(exact):
    remote, lone, truth = FarAway(VECTORS), FarAway(VECTORS[:1]), exact.search(QUERIES, 5)
    lone.gone = True
    with MACHINE_LOCK.shared(), pytest.raises(StorageError, match="away"):  # held by another's work in real life
        measure_client(remote, lone, exact, QUERIES, truth, k=5, ef=10)
    assert remote.searched == 1
    with pytest.raises(ParameterError, match="no queries"):
        measure_client(remote, remote, exact, QUERIES[:0], exact.search(QUERIES[:0], 5), k=5, ef=10)


def test_the_curve_has_the_efs_of_the_one_in_this_process_and_reports_each(exact):
    remote, lone, truth, told = FarAway(VECTORS), FarAway(VECTORS[:1]), exact.search(QUERIES, 10), []
    curve = client_curve(remote, lone, exact, QUERIES, truth, k=10, efs=[40, 10, 400], progress=told.append)
    assert [step.ef for step in curve] == [10, 40, 400] and told == [pytest.approx(part / 3) for part in (1, 2, 3)]
    assert curve[0].mean_recall < curve[-1].mean_recall == 1


def test_each_measurement_is_made_once_for_all_who_ask(exact):
    remote, lone = FarAway(VECTORS), FarAway(VECTORS[:1])
    shared = ClientMeasurements(remote, lone, exact, QUERIES)
    assert shared.known_curve(10) is None
    first, again = (shared.recent(10, 40) for _ in range(2))
    assert first.value is again.value and again.shared and not first.shared
    assert shared.recent(10, 41).value is not first.value
    assert shared.curve(10) is shared.curve(10) is shared.known_curve(10)
    remote.gone = True
    with pytest.raises(StorageError):
        shared.recent(5, 40)
    assert shared.recent(10, 41).shared
