"""The same vectors in this process and in Milvus: recall at each ef, and how long a client waits for a search.

Searches take turns query by query, by the wall clock, as a client waits. The round trip without a search is that of a
collection of as few vectors as are returned: the same question, an answer of the same size, and next to no search.
"""

import time
import uuid
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from retriever.indexes.base import Neighbors
from retriever.indexes.exact import ExactIndex
from retriever.indexes.hnsw import HNSWIndex
from retriever.indexes.milvus.index import MilvusIndex
from retriever.indexes.recall import knn_recall
from retriever.vectors import Float32, Float64

K, EFS = 10, (10, 20, 50, 100, 200, 400)
ROUNDS = 3  # of all queries at each ef; the first is a warm-up
Search = Callable[[Float32], object]


def measure_engine(uri: str, vectors: Float32, queries: Float32, here: HNSWIndex) -> dict[str, Any]:
    """Return recall and seconds at each ef over unit vectors (n, dim), in collections that are dropped afterwards.

    here: the graph over the same vectors in this process; Milvus builds its own with the same settings.
    """
    truth = ExactIndex(vectors).search(queries, K)
    name = f"scaling_{uuid.uuid4().hex}"
    index, few = (
        MilvusIndex(uri, made, dimension=here.dimension, M=here.M, ef_construction=here.ef_construction)
        for made in (name, f"{name}_few")
    )
    try:
        began = time.perf_counter()
        index.add(vectors)
        build_seconds = time.perf_counter() - began
        few.add(vectors[:K])
        return {
            "layout": str(index.layout()),
            "build_seconds": build_seconds,
            "exact_recall": float(knn_recall(truth, index.search(queries, K, ef=None)).mean()),
            "rows": [_row(ef, index, few, here, queries, truth) for ef in EFS],
        }
    finally:
        for made in (index, few):
            made.drop()
            made.close()


def _row(
    ef: int, index: MilvusIndex, few: MilvusIndex, here: HNSWIndex, queries: Float32, truth: Neighbors
) -> dict[str, float]:
    """Return recall at an ef, and seconds: here, the round trip's percentiles, the round trip without a search."""
    searches = [_at(engine, ef) for engine in (here, index, few)]
    ours, trip, empty = take_turns(searches, queries)
    here_recall, there_recall = (
        float(knn_recall(truth, engine.search(queries, K, ef=ef)).mean()) for engine in (here, index)
    )
    p50, p95, p99 = np.percentile(trip, [50, 95, 99]).tolist()
    return {
        "ef": ef,
        "recall_here": here_recall,
        "recall_there": there_recall,
        "here": float(np.median(ours)),
        "trip": p50,
        "trip_p95": p95,
        "trip_p99": p99,
        "empty": float(np.median(empty)),
    }


def _at(engine: HNSWIndex | MilvusIndex, ef: int) -> Search:
    return lambda query: engine.search_unit(query, K, ef=ef)


def take_turns(searches: Sequence[Search], queries: Float32) -> Float64:
    """Return the wall-clock seconds of each search for each query, (searches, queries times rounds), warmed up."""
    seconds = np.empty((ROUNDS, len(searches), len(queries)))
    for turn in range(ROUNDS):
        for row in range(len(queries)):
            for number, search in enumerate(searches):
                began = time.perf_counter()
                search(queries[row : row + 1])
                seconds[turn, number, row] = time.perf_counter() - began
    return np.concatenate(list(seconds[1:]), axis=1)
