"""What storing vectors in fewer bytes does to recall: a byte a number, a byte for eight numbers, a bit a number.

All vectors are compared by their codes, so that what is lost is the codes' loss alone, without a graph's; once as the
codes rank them, and once with the best of them compared again by the vectors themselves, as Milvus refines.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from retriever.indexes.base import Neighbors
from retriever.indexes.exact import ExactIndex
from retriever.indexes.recall import knn_recall
from retriever.vectors import Float32, Int64

K, CANDIDATES = 10, 100
CodeSearch = Callable[[Float32, Float32, int], Int64]  # vectors, queries and k -> ids by the codes


@dataclass(frozen=True)
class CodeRow:
    """Recall@10 by codes of so many bytes, and where the 100 best by the codes are compared by the vectors."""

    codes: str
    code_bytes: float
    recall: float
    refined: float


def measure_codes(vectors: Float32, queries: Float32) -> list[CodeRow]:
    """Return a row for each kind of codes over unit vectors (n, dim), searched for queries (n_queries, dim)."""
    dimension = vectors.shape[1]
    exact = ExactIndex(vectors)
    truth = exact.search(queries, K)
    kinds: dict[str, tuple[float, CodeSearch]] = {
        "float32": (4 * dimension, _as_they_are),
        "SQ8, a byte a number": (dimension, _scalar),
        "PQ, a byte for 8 numbers": (dimension / 8, _product),
        "binary, a bit a number": (dimension / 8, _binary),
    }
    rows = []
    for name, (size, search) in kinds.items():
        found = search(vectors, queries, CANDIDATES)
        scores = np.einsum("qkd,qd->qk", vectors[found], queries)
        order = np.argsort(-scores, axis=1, kind="stable")[:, :K]
        first = Neighbors(found[:, :K], scores[:, :K])
        again = Neighbors(np.take_along_axis(found, order, 1), np.take_along_axis(scores, order, 1))
        rows.append(CodeRow(name, size, *(float(knn_recall(truth, one).mean()) for one in (first, again))))
    return rows


def _as_they_are(vectors: Float32, queries: Float32, k: int) -> Int64:
    return ExactIndex(vectors).search(queries, k).ids


def _scalar(vectors: Float32, queries: Float32, k: int) -> Int64:
    import faiss

    index = faiss.IndexScalarQuantizer(vectors.shape[1], faiss.ScalarQuantizer.QT_8bit, faiss.METRIC_INNER_PRODUCT)
    return _trained(index, vectors, queries, k)


def _product(vectors: Float32, queries: Float32, k: int) -> Int64:
    import faiss

    index = faiss.IndexPQ(vectors.shape[1], vectors.shape[1] // 8, 8, faiss.METRIC_INNER_PRODUCT)
    return _trained(index, vectors, queries, k)


def _trained(index: Any, vectors: Float32, queries: Float32, k: int) -> Int64:  # noqa: ANN401 - of faiss
    index.train(vectors)
    index.add(vectors)
    ids: Int64 = index.search(queries, k)[1]
    return ids


def _binary(vectors: Float32, queries: Float32, k: int) -> Int64:
    import faiss

    index = faiss.IndexBinaryFlat(vectors.shape[1])
    index.add(np.packbits(vectors > 0, axis=1))
    ids: Int64 = index.search(np.packbits(queries > 0, axis=1), k)[1]
    return ids
