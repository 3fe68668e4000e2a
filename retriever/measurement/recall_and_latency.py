"""Measurement of recall and latency, by one protocol for exact and approximate search.

The protocol: fixed queries, checked beforehand, one at a time, one thread (hnswlib num_threads=1, BLAS limited by
threadpoolctl), after a warm-up, timed with thread_time_ns, in an exclusive section of the machine's lock. Where others
wait for the machine, that section is left every TURN_SECONDS, and the next turn begins with a warm-up of its queries.
Two times are compared only where both come from one measure_pair, in which both searches took turns: the machine is not
equally fast from one second to the next.

thread_time_ns counts the CPU time of the searching thread and does not advance while the thread waits: for Python's
interpreter lock, which a search releases and needs again while another thread draws a figure, or for another program.
On an idle machine it agrees with wall-clock time; with thirty visitors wall-clock time was up to eight times too long.
"""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import cache, cached_property
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
from threadpoolctl import ThreadpoolController

if TYPE_CHECKING:
    from pandas import DataFrame

from retriever.errors import ParameterError
from retriever.fair_lock import MACHINE_LOCK
from retriever.graph.traversal import HNSWGraph
from retriever.indexes.base import Neighbors
from retriever.indexes.exact import ExactIndex
from retriever.indexes.hnsw import MAX_EF, HNSWIndex
from retriever.indexes.recall import knn_recall
from retriever.measurement.results import Results
from retriever.parameters import MAX_K, check_count
from retriever.progress import progress_bar
from retriever.vectors import Float32, Float64, unit_queries

PROTOCOL = (
    "One query at a time, checked beforehand, one thread, after a warm-up, timed with thread_time_ns; recall by score "
    "against exact search over the same vectors (a neighbour counts if it is as near as the k-th exact one)."
)
TURN_SECONDS = 0.05  # seconds after which a measurement lets others go first; a longer query is a turn of its own
PARTS = 4  # turns of each search of a pair
EXACT_QUERIES = 20  # queries of a pair that exact search is timed with: it does the same work for each
WARM_UP = 5  # queries searched before the timed ones
CROWDED = 1.1  # seconds that pass for each of computing from which on the machine counts as busy with others' work
CURVE_STEPS = (1, 1.5, 2, 3, 4, 6, 8, 10, 15, 20, 30, 40)  # ef as multiples of k


@dataclass(frozen=True, eq=False)
class Measurement:
    """The recall, the latency and the results of one index at one k and one ef.

    ef: None for exact search. recall: (n_queries,) in [0, 1]. seconds: (n_queries,) CPU time of each query.
    distances: (n_queries,) distance computations, n for exact search; None for HNSW until count_distances adds them.
    neighbors: the results, (n_queries, k). crowded: whether the machine worked for others meanwhile: the clock does not
    count that, but searches share caches and memory with it, and take longer than alone.
    """

    ef: int | None
    k: int
    recall: Float64
    seconds: Float64
    distances: Float64 | None
    neighbors: Neighbors
    crowded: bool = False

    @cached_property
    def mean_recall(self) -> float:
        """The mean recall@k over the queries, in [0, 1]."""
        return float(self.recall.mean())

    @cached_property
    def p50(self) -> float:
        """The median seconds per query."""
        return float(np.percentile(self.seconds, 50))

    @cached_property
    def p95(self) -> float:
        """The 95th percentile of the seconds per query."""
        return float(np.percentile(self.seconds, 95))

    @cached_property
    def mean_distances(self) -> float | None:
        """The mean number of distance computations per query; None if they were not counted."""
        return None if self.distances is None else float(self.distances.mean())

    @cached_property
    def qps(self) -> float:
        """The queries per second of one thread, one query after another."""
        return float(len(self.seconds) / self.seconds.sum())

    def rows(self) -> list[dict[str, Any]]:
        """Return the summary as one row of a table."""
        summary = {
            "ef": self.ef,
            "k": self.k,
            "mean_recall": self.mean_recall,
            "p50_seconds": self.p50,
            "p95_seconds": self.p95,
            "queries_per_second": self.qps,
            "mean_distances": np.nan if self.mean_distances is None else self.mean_distances,
            "crowded": self.crowded,
        }
        return [summary]

    def to_frame(self) -> "DataFrame":
        """Return a data frame of pandas with a row for each query: its number from 0, recall, seconds and distances.

        distances is NaN where they were not counted.
        """
        from pandas import DataFrame

        distances = np.full(len(self.recall), np.nan) if self.distances is None else self.distances
        columns = {"recall": self.recall, "seconds": self.seconds, "distances": distances}
        return DataFrame({"query": np.arange(len(self.recall)), **columns})


@dataclass(frozen=True, eq=False)
class PairedMeasurement:
    """HNSW at one ef and exact search over the same vectors, in one measurement in which both took turns.

    exact: of some of the queries of hnsw, with their recall, which is 1.
    """

    hnsw: Measurement
    exact: Measurement

    @property
    def crowded(self) -> bool:
        """Whether the machine worked for others meanwhile."""
        return self.hnsw.crowded or self.exact.crowded

    @property
    def speed_up(self) -> float:
        """How many times as long as HNSW exact search takes, by the medians."""
        return self.exact.p50 / self.hnsw.p50

    @cached_property
    def speed_up_range(self) -> tuple[float, float]:
        """The spread of the speed-up: of the slower quarter of HNSW's queries to the quicker of exact, and reversed."""
        return ratio_range(self.exact.seconds, self.hnsw.seconds)


def measure(
    index: ExactIndex | HNSWIndex, queries: Float32, exact: Neighbors, *, k: int, ef: int | None = None
) -> Measurement:
    """Return recall@k against exact and seconds, searching the queries (n_queries, dim) one by one.

    exact: what exact search finds for the same queries at the same k. ef: for an HNSWIndex; None for an ExactIndex.
    Raises ParameterError if ef does not suit the index or there are no queries, VectorError for bad queries.
    """
    side = TimedSide(index, queries, exact, k=k, ef=ef)
    search_in_turns([side], parts=1)
    return side.measurement()


def ratio_range(seconds: Float64, others: Float64) -> tuple[float, float]:
    """Return the spread of a ratio of times: the quicker quarter of the first over the slower of others, and reversed.

    Where it contains 1, the two are about equal. Both must come from one measurement in which they took turns.
    """
    low, high = (np.percentile(seconds, share) for share in (25, 75))
    quick, slow = (np.percentile(others, share) for share in (25, 75))
    return float(low / slow), float(high / quick)


def measure_in_turns(
    indexes: Sequence[HNSWIndex], queries: Float32, truths: Sequence[Neighbors], *, k: int, ef: int
) -> list[Measurement]:
    """Return recall@k and seconds of each index at ef, measured together: the indexes take turns.

    truths: of each index what exact search finds for the queries (n_queries, dim) over the same vectors. In its turn an
    index answers many queries one after the other, so that it alone is in the processor's caches, as on a machine of
    its own. Errors as of measure.
    """
    sides = [TimedSide(index, queries, truth, k=k, ef=ef) for index, truth in zip(indexes, truths, strict=True)]
    search_in_turns(sides, parts=PARTS)
    return [side.measurement() for side in sides]


def measure_pair(
    hnsw: HNSWIndex,
    exact: ExactIndex,
    queries: Float32,
    truth: Neighbors,
    *,
    k: int,
    ef: int,
    exact_queries: int = EXACT_QUERIES,
) -> PairedMeasurement:
    """Return recall@k and seconds of HNSW at ef, and of exact search over the same vectors, which take turns.

    truth: the exact neighbours of the queries (n_queries, dim) at the same k. exact_queries: how many of these, spread
    evenly, exact search is timed with. Errors as of measure.
    """
    sides = [TimedSide(hnsw, queries, truth, k=k, ef=ef)]
    rows = np.unique(np.linspace(0, len(queries) - 1, min(len(queries), exact_queries)).astype(int))
    sides.append(TimedSide(exact, queries[rows], Neighbors(truth.ids[rows], truth.scores[rows]), k=k))
    search_in_turns(sides, parts=PARTS)
    return PairedMeasurement(*(side.measurement() for side in sides))


def count_distances(measured: Measurement, graph: HNSWGraph, queries: Float32) -> Measurement:
    """Return a measurement of HNSW with the number of distances each query (n_queries, dim) computed on its graph.

    Counting repeats hnswlib's search step by step, so the result depends neither on the machine nor on its load.
    Raises VectorError if the queries do not fit the graph.
    """
    ef = measured.ef or measured.k
    counts: list[int] = []
    with MACHINE_LOCK.shared():  # a walk is Python code: it would delay queries that are timed meanwhile
        for query in queries:
            counts.append(graph.walk(query, measured.k, ef, beams=False).distances)
            MACHINE_LOCK.pause()
    return replace(measured, distances=np.array(counts, dtype=np.float64))


def ef_curve(
    index: HNSWIndex,
    queries: Float32,
    exact: Neighbors,
    *,
    k: int,
    efs: Sequence[int] | None = None,
    beside: ExactIndex | None = None,
    progress: Callable[[float], None] | None = None,
    show_progress_bar: bool | None = None,
) -> Results[Measurement]:
    """Return a measurement of an HNSWIndex at each ef, lowest first; efs=None takes those of default_efs.

    beside: an exact index over the same vectors that takes turns with it, as in measure_pair: it drives the graph out
    of the processor's caches, so that times of a curve and of a pair can be compared.
    progress: called with the fraction done, in [0, 1], after each ef; an exception it raises ends the work.
    show_progress_bar: None shows one in a notebook or at a prompt, without progress.
    """
    steps = sorted(set(default_efs(k, len(index)) if efs is None else efs))
    curve: Results[Measurement] = Results()
    with progress_bar("Measuring", show_progress_bar, progress) as report:
        for done, ef in enumerate(steps, 1):
            if beside is None:
                curve.append(measure(index, queries, exact, k=k, ef=ef))
            else:
                curve.append(measure_pair(index, beside, queries, exact, k=k, ef=ef).hnsw)
            if report:
                report(done / len(steps))
    return curve


def default_efs(k: int, n_vectors: int) -> list[int]:
    """Return k and up to eleven multiples of it, to 40 k, without those above the first that is at least n_vectors."""
    efs = sorted({int(k * step) for step in CURVE_STEPS})
    covering = [ef for ef in efs if ef >= n_vectors]
    return [ef for ef in efs if not covering or ef <= covering[0]]


def smallest_ef(curve: Sequence[Measurement], target: float) -> int | None:
    """Return the smallest measured ef whose mean recall is at least target, in [0, 1]; None if there is none."""
    step = first_reaching(curve, target)
    return step.ef if step else None


def first_reaching(curve: Sequence[Measurement], target: float) -> Measurement | None:
    """Return the measurement at the smallest ef whose mean recall is at least target, in [0, 1], or None."""
    reached = [step for step in curve if step.ef is not None and step.mean_recall >= target]
    return min(reached, key=lambda step: step.ef or 0, default=None)


class GraphIndex(Protocol):
    """An HNSW index that can be measured, in this process or behind a network."""

    @property
    def dimension(self) -> int:
        """The dimension of the stored vectors."""
        ...

    def __len__(self) -> int:
        """Return the number of stored vectors."""
        ...

    def search_unit(self, unit: Float32, k: int, *, ef: int) -> Neighbors:
        """Return approximately the k nearest stored vectors of queries (n_queries, dim) checked by unit_queries."""
        ...


class TimedSide:
    """One index's part of a measurement: its queries, which are searched in turns, and what was found and timed."""

    def __init__(
        self,
        index: ExactIndex | GraphIndex,
        queries: Float32,
        truth: Neighbors,
        *,
        k: int,
        ef: int | None = None,
        clock: Callable[[], int] | None = None,
    ) -> None:
        """Check the queries and the settings; clock: returns nanoseconds, None for the thread's own clock.

        Raises ParameterError or VectorError as measure does.
        """
        self.search, self._clock = _timed_search(index, check_count("k", k, 1, MAX_K), ef), clock or time.thread_time_ns
        self._index, self._truth, self._k, self._ef = index, truth, k, ef
        unit = unit_queries(queries, index.dimension)
        if not len(unit):
            raise ParameterError("There are no queries to measure with; pass at least one.")
        self.queries = [unit[row : row + 1] for row in range(len(unit))]
        self._turns: list[_Turn] = []

    def take_turns(self, queries: Sequence[Float32]) -> None:
        """Search these queries next, in as many turns as that takes; the caller holds an exclusive section."""
        cold = True  # the other search, or others, have had the machine
        while queries:
            cold = MACHINE_LOCK.pause() or cold
            self._turns.append(_search_for_a_turn(self.search, queries, cold=cold, clock=self._clock))
            queries, cold = queries[len(self._turns[-1].found) :], False

    def measurement(self) -> Measurement:
        """Return the measurement of what was searched."""
        found = [one for turn in self._turns for one in turn.found]
        together = Neighbors(np.concatenate([one.ids for one in found]), np.concatenate([one.scores for one in found]))
        distances = np.full(len(found), float(len(self._index))) if self._ef is None else None
        crowded = sum(turn.passed for turn in self._turns) > CROWDED * sum(turn.computed for turn in self._turns)
        recall = knn_recall(self._truth, together)
        return Measurement(self._ef, self._k, recall, self.seconds, distances, together, crowded)

    @property
    def seconds(self) -> Float64:
        """The seconds of each query that was searched, (n_queries,)."""
        return np.array([nanoseconds for turn in self._turns for nanoseconds in turn.nanoseconds]) / 1e9


def search_in_turns(sides: Sequence[TimedSide], *, parts: int) -> None:
    """Search the queries of all sides, part by part, so that each part of one is followed by that of the next."""
    with MACHINE_LOCK.exclusive():
        for part in range(parts):
            for side in sides:
                begin, end = (len(side.queries) * number // parts for number in (part, part + 1))
                side.take_turns(side.queries[begin:end])


@dataclass(frozen=True, eq=False)
class _Turn:
    """The results of a turn's queries, the nanoseconds of each, and of all: those computed, and those that passed."""

    found: list[Neighbors]
    nanoseconds: list[int]
    computed: int
    passed: int


def _search_for_a_turn(
    search: Callable[[Float32], Neighbors],
    queries: Sequence[Float32],
    *,
    cold: bool,
    clock: Callable[[], int],
) -> _Turn:
    """Search the first queries, as many as a turn takes but at least one.

    cold: whether to search some of them before, without the clock, which returns nanoseconds.
    """
    ends, found, nanoseconds, end = time.monotonic() + TURN_SECONDS, list[Neighbors](), list[int](), 0
    with _blas_controller().limit(limits=1, user_api="blas"):
        for query in queries[: WARM_UP if cold else 0]:
            search(query)
            if time.monotonic() > ends - TURN_SECONDS / 2:  # slow queries need no warm-up, and have no time for it
                break
        began, first = time.perf_counter_ns(), clock()
        for query in queries:
            start = clock()
            neighbors = search(query)
            end = clock()
            found.append(neighbors)
            nanoseconds.append(end - start)
            if time.monotonic() > ends:
                break
        passed = time.perf_counter_ns() - began
    return _Turn(found, nanoseconds, end - first, passed)


def _timed_search(index: ExactIndex | GraphIndex, k: int, ef: int | None) -> Callable[[Float32], Neighbors]:
    """Return the function that is timed: it searches one query. Raises ParameterError if ef does not suit the index."""
    if isinstance(index, ExactIndex):
        if ef is not None:
            raise ParameterError(f"Exact search has no ef (got {ef}); pass ef=None.")
        return lambda query: index.search_unit(query, k)
    if ef is None:
        raise ParameterError("An HNSW index is measured at an ef; pass ef, a whole number of at least k.")
    width = check_count("ef", ef, 1, MAX_EF)
    return lambda query: index.search_unit(query, k, ef=width)


@cache
def _blas_controller() -> ThreadpoolController:
    """Return the controller of the loaded BLAS libraries; finding them takes milliseconds, so it is cached."""
    return ThreadpoolController()
