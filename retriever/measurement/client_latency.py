"""Measurement of an HNSW index behind a network, as its client sees it, beside exact search in this process.

The protocol is that of recall_and_latency but for the clock. A thread that waits for a server computes nothing, so its
own clock stands still: these queries are timed by the clock on the wall, from the call to the answer. The same search
in a collection of one vector, on the same server, takes what every search takes: the client's work, the network, the
server's reading and writing of messages. That is called the round trip; what a search takes longer, the engine's work.
"""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from retriever.indexes.base import Neighbors
from retriever.indexes.exact import ExactIndex
from retriever.measurement.curve import default_efs
from retriever.measurement.measurement import Measurement, PairedMeasurement
from retriever.measurement.recall_and_latency import EXACT_QUERIES, PARTS
from retriever.measurement.results import Results
from retriever.measurement.turns import GraphIndex, TimedSide, search_in_turns
from retriever.vectors import Float32, Float64

CLIENT_PROTOCOL = (
    "One query at a time, checked beforehand, one connection, after a warm-up, timed by the client with "
    "perf_counter_ns from call to answer; exact search in this process takes turns with it, timed with thread_time_ns; "
    "the round trip is the same search, in turns too, in a collection of one vector on the same server, and the "
    "engine's work the difference of both medians; recall by score against exact search over the same vectors (a "
    "neighbour counts if it is as near as the k-th exact one)."
)


@dataclass(frozen=True, eq=False)
class ClientMeasurement(PairedMeasurement):
    """An HNSW index behind a network at one ef, as its client sees it, and exact search in this process.

    hnsw: its seconds are those on the wall. round_trip: (n,) seconds on the wall of some of the queries, searched in a
    collection of one vector on the same server.
    """

    round_trip: Float64

    @cached_property
    def round_trip_p50(self) -> float:
        """The median seconds of a round trip."""
        return float(np.median(self.round_trip))

    @cached_property
    def engine_p50(self) -> float:
        """The seconds of a query that the engine works: the median beyond that of the round trip, at least 0."""
        return max(0.0, self.hnsw.p50 - self.round_trip_p50)


def measure_client(
    remote: GraphIndex, lone: GraphIndex, exact: ExactIndex, queries: Float32, truth: Neighbors, *, k: int, ef: int
) -> ClientMeasurement:
    """Return recall@k and seconds of an index behind a network at ef, of exact search, and of the round trip, in turns.

    lone: an index of one vector of the same dimension on the same server. truth: the exact neighbours of the queries
    (n_queries, dim) at the same k. Raises ParameterError and VectorError as measure does, and what remote raises.
    """
    first = queries[:1]
    for index in (remote, lone):  # a server that is away is noticed before others have to wait for this measurement
        index.search_unit(first, k, ef=ef)
    rows = np.unique(np.linspace(0, len(queries) - 1, min(len(queries), EXACT_QUERIES)).astype(int))
    some, their_truth = queries[rows], Neighbors(truth.ids[rows], truth.scores[rows])
    on_the_wall = time.perf_counter_ns
    sides = [
        TimedSide(remote, queries, truth, k=k, ef=ef, clock=on_the_wall),
        TimedSide(exact, some, their_truth, k=k),
        TimedSide(lone, some, their_truth, k=k, ef=ef, clock=on_the_wall),
    ]
    search_in_turns(sides, parts=PARTS)
    return ClientMeasurement(sides[0].measurement(), sides[1].measurement(), sides[2].seconds)


def client_curve(
    remote: GraphIndex,
    lone: GraphIndex,
    exact: ExactIndex,
    queries: Float32,
    truth: Neighbors,
    *,
    k: int,
    efs: Sequence[int] | None = None,
    progress: Callable[[float], None] | None = None,
) -> Results[Measurement]:
    """Return a measurement of an index behind a network at each ef, lowest first; efs=None takes those of default_efs.

    progress: called with the fraction done, in [0, 1], after each ef; an exception it raises ends the work. Errors as
    of measure_client.
    """
    steps = sorted(set(default_efs(k, len(exact)) if efs is None else efs))
    curve: Results[Measurement] = Results()
    for done, ef in enumerate(steps, 1):
        curve.append(measure_client(remote, lone, exact, queries, truth, k=k, ef=ef).hnsw)
        if progress:
            progress(done / len(steps))
    return curve
