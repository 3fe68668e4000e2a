"""HNSW at equal recall, against faiss and usearch: each at the smallest ef that reaches it."""

from collections.abc import Callable
from typing import Any

import numpy as np

from benchmarks.data import Vectors, text_vectors
from benchmarks.protocol import Comparison, Target, interleaved, one_at_a_time
from benchmarks.report import Stage, main
from retriever.indexes.base import Neighbors
from retriever.indexes.exact import ExactIndex
from retriever.indexes.hnsw import HNSWIndex
from retriever.indexes.recall import knn_recall
from retriever.vectors import Float32, Int64

K, M, EF_CONSTRUCTION = 10, 16, 200
RECALLS = (0.90, 0.95, 0.99)
MAX_EF = 2_000
FAISS, USEARCH = "faiss IndexHNSWFlat", "usearch"
Search = Callable[[Float32, int], Int64]  # queries and ef -> ids


def run(full: bool) -> Stage:
    """Build three graphs over the same vectors with the same settings, and search each at three equal recalls."""
    n = 100_000 if full else 10_000
    data = text_vectors(n)
    truth = ExactIndex(data.documents).search(data.queries, K)
    searches = {"retriever": _retriever(data), FAISS: _faiss(data), USEARCH: _usearch(data)}
    comparisons = []
    for recall in RECALLS:
        efs = {name: smallest_ef(search, data, truth, recall) for name, search in searches.items()}
        cases = {name: one_at_a_time(at(search, efs[name]), data.queries) for name, search in searches.items()}
        values = interleaved(cases, 11 if full else 5)
        slower = max((FAISS, USEARCH), key=lambda peer: float(np.median(values[peer])))
        case = f"recall {recall:.2f}, ef {' / '.join(map(str, efs.values()))}"
        comparisons.append(Comparison(case, "µs", values, [Target(1.0, slower)]))
    settings = {"k": K, "M": M, "ef_construction": EF_CONSTRUCTION, "threads": 1}
    note = "The ef are those of retriever, faiss and usearch in this order; 200 queries, one at a time, one thread."
    return Stage("HNSW at equal recall", comparisons, {"vectors": data.what}, settings, [note])


def at(search: Search, ef: int) -> Callable[[Float32], Int64]:
    """Return a search whose ef is given."""
    return lambda queries: search(queries, ef)


def smallest_ef(search: Search, data: Vectors, truth: Neighbors, recall: float) -> int:
    """Return the smallest ef whose mean recall reaches the wanted one, by bisection; recall is counted by score."""
    low, high = K - 1, MAX_EF  # above low it may reach it
    while high - low > 1:
        middle = (low + high) // 2
        reached = _recall(search(data.queries, middle), data, truth)
        low, high = (low, middle) if reached >= recall else (middle, high)
    return high


def _recall(ids: Int64, data: Vectors, truth: Neighbors) -> float:
    rows = np.where(ids < 0, 0, ids)
    scores = np.einsum("qkd,qd->qk", data.documents[rows], data.queries)  # every index judged by the same arithmetic
    return float(knn_recall(truth, Neighbors(ids, np.where(ids < 0, -np.inf, scores).astype(np.float32))).mean())


def _retriever(data: Vectors) -> Search:
    index = HNSWIndex(data.documents, M=M, ef_construction=EF_CONSTRUCTION)
    return lambda queries, ef: index.search(queries, K, ef=ef).ids


def _faiss(data: Vectors) -> Search:
    import faiss

    index = faiss.IndexHNSWFlat(data.documents.shape[1], M, faiss.METRIC_INNER_PRODUCT)
    index.hnsw.efConstruction = EF_CONSTRUCTION
    index.add(data.documents)
    faiss.omp_set_num_threads(1)

    def search(queries: Float32, ef: int) -> Int64:
        index.hnsw.efSearch = ef
        ids: Int64 = index.search(queries, K)[1]
        return ids

    return search


def _usearch(data: Vectors) -> Search:
    from usearch.index import Index

    index: Any = Index(
        ndim=data.documents.shape[1], metric="ip", dtype="f32", connectivity=M, expansion_add=EF_CONSTRUCTION
    )
    index.add(np.arange(len(data.documents)), data.documents)

    def search(queries: Float32, ef: int) -> Int64:
        index.expansion_search = ef
        found = index.search(queries if len(queries) > 1 else queries[0], K, threads=1)
        return np.atleast_2d(found.keys).astype(np.int64)

    return search


if __name__ == "__main__":
    main(run)
