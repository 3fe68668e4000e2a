"""HNSW search, one query at a time, against hnswlib called directly on the same index: what the checks cost."""

from benchmarks.data import text_vectors
from benchmarks.protocol import Comparison, Target, interleaved, one_at_a_time
from benchmarks.report import Stage, main
from retriever.indexes.hnsw import HNSWIndex
from retriever.vectors import Float32

K = 10
HNSWLIB = "hnswlib"


def run(full: bool) -> Stage:
    """Measure 200 queries at ef=50, and at the ends of the slider for comparison."""
    comparisons, data = [], {}
    for n in (10_000, 100_000) if full else (10_000,):
        vectors = text_vectors(n)
        data[f"{n:,}"] = vectors.what
        index = HNSWIndex(vectors.documents)
        for ef in (10, 50, 200):
            comparisons.append(_compare(index, vectors.queries, ef, rounds=25 if full else 9))
    return Stage("HNSW search, checks and lock included", comparisons, data, {"k": K, "M": 16, "ef_construction": 200})


def _compare(index: HNSWIndex, queries: Float32, ef: int, rounds: int) -> Comparison:
    raw = index._index  # the very same graph
    raw.set_ef(ef)

    def ours(query: Float32) -> object:
        return index.search(query, K, ef=ef)

    def hnswlib(query: Float32) -> object:
        return raw.knn_query(query, K, num_threads=1)

    cases = {"retriever": one_at_a_time(ours, queries), HNSWLIB: one_at_a_time(hnswlib, queries)}
    targets = [Target(1.1, HNSWLIB)] if ef == 50 else []
    return Comparison(f"{len(index):,} vectors, ef={ef}", "µs", interleaved(cases, rounds), targets)


if __name__ == "__main__":
    main(run)
