"""Runs: what a retriever ranks for many queries, as documents.

A document may have been indexed in several chunks: it counts once, with the score of its best chunk.
"""

from collections.abc import Mapping, Sequence

import numpy as np

from retriever.evaluation.trec import Run
from retriever.indexes.base import NO_ID, Neighbors
from retriever.parameters import LARGEST_K, check_count
from retriever.retrievers.dense import DenseRetriever, Hit
from retriever.vectors import Float32, check_vectors

NEIGHBORS_A_BLOCK = 1_000_000  # neighbours held at once
_BestChunks = dict[str, tuple[int, float]]  # document id -> row and score of its best chunk


def run_queries(retriever: DenseRetriever, queries: Mapping[str, str], k: int, *, ef: int | None = None) -> Run:
    """Return the k best documents of each query (query id -> text), exactly, or by HNSW where an ef is given.

    Raises ParameterError for k or ef below 1.
    """
    vectors = retriever.encoder.encode_query(list(queries.values()))  # (n_queries, dim)
    return search_run(retriever, list(queries), vectors, k, ef=ef)


def search_run(
    retriever: DenseRetriever, query_ids: Sequence[str], vectors: Float32, k: int, *, ef: int | None = None
) -> Run:
    """Return the k best documents of queries that are embedded already, vectors being (n_queries, dim).

    Exact search looks at as many chunks as it takes to see k documents. HNSW takes all that its search keeps, which is
    max(ef, k) chunks, and may see fewer documents. Raises ParameterError for k or ef below 1, VectorError for vectors
    of the wrong shape or content.
    """
    best = _best_chunks(retriever, vectors, k, ef)
    return {
        query_id: {doc_id: score for doc_id, (_, score) in documents.items()}
        for query_id, documents in zip(query_ids, best, strict=True)
    }


def search_documents(retriever: DenseRetriever, vector: Float32, k: int, *, ef: int | None = None) -> list[Hit]:
    """Return the best chunk of each of the k best documents of one query, vector being (1, dim); see search_run."""
    [best] = _best_chunks(retriever, vector, k, ef)
    rows, scores = [row for row, _ in best.values()], [score for _, score in best.values()]
    return retriever.hits(Neighbors(np.array([rows], np.int64), np.array([scores], np.float32)))


def doc_id_of(retriever: DenseRetriever, row: int) -> str:
    """Return the id of the document that a stored text belongs to: its metadata's "doc_id", else its row number."""
    return str(retriever.metadata[row].get("doc_id", row))


def _best_chunks(retriever: DenseRetriever, vectors: Float32, k: int, ef: int | None) -> list[_BestChunks]:
    """Search queries (n_queries, dim), some at a time, so that what is held at once is bounded."""
    k = check_count("k", k, 1, LARGEST_K)
    depth = k if ef is None else max(check_count("ef", ef, 1, LARGEST_K), k)
    vectors = check_vectors(vectors, retriever.dimension, what="query vectors")
    doc_ids = [doc_id_of(retriever, row) for row in range(len(retriever.exact))]
    step, best = max(1, NEIGHBORS_A_BLOCK // depth), list[_BestChunks]()
    for start in range(0, len(vectors), step):
        block = vectors[start : start + step]
        if ef is None:
            best += _exact_documents(retriever, block, doc_ids, k)
        else:
            best += _first_documents(retriever.hnsw.search(block, depth, ef=depth), doc_ids, k)
    return best


def _exact_documents(retriever: DenseRetriever, vectors: Float32, doc_ids: Sequence[str], k: int) -> list[_BestChunks]:
    """Search exactly; a query whose k nearest chunks are of fewer documents looks at ever more chunks."""
    best = _first_documents(retriever.exact.search(vectors, k), doc_ids, k)
    most, wanted = min(len(doc_ids), LARGEST_K), min(k, len(set(doc_ids)))
    for row in range(len(best)):
        depth = k
        while len(best[row]) < wanted and depth < most:
            depth = min(4 * depth, most)
            [best[row]] = _first_documents(retriever.exact.search(vectors[row : row + 1], depth), doc_ids, k)
    return best


def _first_documents(found: Neighbors, doc_ids: Sequence[str], k: int) -> list[_BestChunks]:
    """Return, a query, the first k different documents, best first, each with the row and score of its best chunk."""
    ranked = []
    for rows, scores in zip(found.ids.tolist(), found.scores.tolist(), strict=True):
        documents: _BestChunks = {}
        for row, score in zip(rows, scores, strict=True):
            if row == NO_ID or len(documents) == k:
                break
            documents.setdefault(doc_ids[row], (row, score))
        ranked.append(documents)
    return ranked
