"""Turns of searches that are timed: each index searches its queries while others wait, and then lets them go first.

An exclusive section of the machine's lock is left every TURN_SECONDS where others wait for the machine, and the next
turn begins with a warm-up of its queries.

thread_time_ns counts the CPU time of the searching thread and does not advance while the thread waits: for Python's
interpreter lock, which a search releases and needs again while another thread draws a figure, or for another program.
On an idle machine it agrees with wall-clock time; with thirty visitors wall-clock time was up to eight times too long.
"""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Protocol

import numpy as np
from threadpoolctl import ThreadpoolController

from retriever.errors import ParameterError
from retriever.fair_lock import MACHINE_LOCK
from retriever.indexes.base import Neighbors
from retriever.indexes.exact import ExactIndex
from retriever.indexes.hnsw import MAX_EF
from retriever.indexes.recall import knn_recall
from retriever.measurement.measurement import Measurement
from retriever.parameters import MAX_K, check_count
from retriever.vectors import Float32, Float64, unit_queries

TURN_SECONDS = 0.05  # seconds after which a measurement lets others go first; a longer query is a turn of its own
WARM_UP = 5  # queries searched before the timed ones
CROWDED = 1.1  # seconds that pass for each of computing from which on the machine counts as busy with others' work


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
