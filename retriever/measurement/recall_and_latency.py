"""Measurement of recall and latency, by one protocol for exact and approximate search.

The protocol: fixed queries, checked beforehand, one at a time, one thread (hnswlib num_threads=1, BLAS limited by
threadpoolctl), after a warm-up, timed with thread_time_ns, in turns (turns.py) that nobody else's work overlaps. Two
times are compared only where both come from one measure_pair, in which both searches took turns: the machine is not
equally fast from one second to the next.
"""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from retriever.fair_lock import MACHINE_LOCK
from retriever.graph.traversal import HNSWGraph
from retriever.indexes.base import Neighbors
from retriever.indexes.exact import ExactIndex
from retriever.indexes.hnsw import HNSWIndex
from retriever.measurement.measurement import Measurement, PairedMeasurement
from retriever.measurement.turns import TimedSide, search_in_turns
from retriever.vectors import Float32

PROTOCOL = (
    "One query at a time, checked beforehand, one thread, after a warm-up, timed with thread_time_ns; recall by score "
    "against exact search over the same vectors (a neighbour counts if it is as near as the k-th exact one)."
)
PARTS = 4  # turns of each search of a pair
EXACT_QUERIES = 20  # queries of a pair that exact search is timed with: it does the same work for each


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
