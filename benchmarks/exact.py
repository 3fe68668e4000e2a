"""Exact search, one query at a time on one thread, against faiss and the course chapter's two lines of NumPy."""

import numpy as np

from benchmarks.data import random_vectors
from benchmarks.protocol import Comparison, Target, interleaved, one_at_a_time
from benchmarks.report import Stage, main
from retriever.indexes.exact import ExactIndex
from retriever.vectors import Float32

K, DIMENSION = 10, 384
FAISS, CHAPTER = "faiss IndexFlatIP", "X @ q and argsort"


def run(full: bool) -> Stage:
    """Measure 1,000 to 100,000 vectors of 384 dimensions; every index returns the 10 nearest."""
    sizes = (1_000, 10_000, 100_000) if full else (1_000, 10_000, 50_000)
    comparisons = [_compare(n, rounds=15 if full else 5) for n in sizes]
    settings = {"k": K, "dimension": DIMENSION, "threads": 1, "queries_a_round": "200, at 50,000 vectors and more 50"}
    return Stage("Exact search, one query, one thread", comparisons, {"vectors": "random, unit length"}, settings)


def _compare(n: int, rounds: int) -> Comparison:
    import faiss
    from threadpoolctl import threadpool_limits

    data = random_vectors(n, DIMENSION)
    queries = data.queries[: 200 if n < 50_000 else 50]
    index, flat, rows = ExactIndex(data.documents), faiss.IndexFlatIP(DIMENSION), data.documents
    flat.add(rows)
    faiss.omp_set_num_threads(1)

    def ours(query: Float32) -> object:
        return index.search(query, K)

    def faiss_flat(query: Float32) -> object:
        return flat.search(query, K)

    def chapter(query: Float32) -> object:
        return np.argsort(rows @ query[0])[::-1][:K]

    cases = {"retriever": ours, FAISS: faiss_flat, CHAPTER: chapter}
    with threadpool_limits(1):
        values = interleaved({name: one_at_a_time(search, queries) for name, search in cases.items()}, rounds)
    targets = [Target(1.1, FAISS)] + ([Target(0.5, CHAPTER)] if n == 100_000 else [])
    return Comparison(f"{n:,} vectors", "µs", values, targets)


if __name__ == "__main__":
    main(run)
