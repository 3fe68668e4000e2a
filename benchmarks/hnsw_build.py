"""Building an HNSW graph, against hnswlib's add_items with as many threads."""

import hnswlib
import numpy as np

from benchmarks.data import text_vectors
from benchmarks.protocol import Comparison, Target, interleaved, wall
from benchmarks.report import Stage, main
from retriever.indexes.hnsw import ONE_THREAD_UP_TO, HNSWIndex
from retriever.vectors import Float32

HNSWLIB = "hnswlib"


def run(full: bool) -> Stage:
    """Build 10,000 vectors on one thread and, in full, 100,000 on all."""
    comparisons, data = [], {}
    for n, rounds in ((10_000, 7), (100_000, 3)) if full else ((10_000, 2),):
        vectors = text_vectors(n)
        data[f"{n:,}"] = vectors.what
        comparisons.append(_compare(vectors.documents, rounds))
    settings = {"M": 16, "ef_construction": 200, "one_thread_up_to": ONE_THREAD_UP_TO}
    return Stage("Building the graph", comparisons, data, settings)


def _compare(vectors: Float32, rounds: int) -> Comparison:
    threads = 1 if len(vectors) <= ONE_THREAD_UP_TO else -1

    def direct() -> object:
        index = hnswlib.Index("ip", vectors.shape[1])
        index.init_index(len(vectors), M=16, ef_construction=200, random_seed=42)
        index.add_items(vectors, np.arange(len(vectors)), num_threads=threads)
        return index

    cases = {"retriever": wall(lambda: HNSWIndex(vectors)), HNSWLIB: wall(direct)}
    case = f"{len(vectors):,} vectors, {'one thread' if threads == 1 else 'all cores'}"
    return Comparison(case, "s", interleaved(cases, rounds), [Target(1.05, HNSWLIB)])


if __name__ == "__main__":
    main(run)
