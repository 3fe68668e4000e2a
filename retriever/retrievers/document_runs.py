"""Runs of a retriever: the documents it ranks for each query.

A document may be indexed as several chunks; it is ranked once, with the score of its best chunk.
"""

from collections.abc import Mapping, Sequence

import numpy as np

from retriever.documents.document import ScoredPassage
from retriever.evaluation.trec import Run
from retriever.indexes.base import NO_ID, Neighbors
from retriever.parameters import MAX_K, check_count
from retriever.retrievers.dense import DenseRetriever
from retriever.vectors import Float32, check_vectors

NEIGHBORS_PER_BLOCK = 1_000_000  # neighbours in memory at once
_BestChunks = dict[str, tuple[int, float]]  # document id -> row and score of its best chunk


def run_queries(retriever: DenseRetriever, queries: Mapping[str, str], k: int, *, ef: int | None = None) -> Run:
    """Return the k best documents of each query (query id -> text), by exact search, or by HNSW if ef is given.

    Raises ParameterError for k or ef below 1.
    """
    vectors = retriever.encoder.encode_query(list(queries.values()))  # (n_queries, dim)
    return search_run(retriever, list(queries), vectors, k, ef=ef)


def search_run(
    retriever: DenseRetriever, query_ids: Sequence[str], vectors: Float32, k: int, *, ef: int | None = None
) -> Run:
    """Return the k best documents of each embedded query, vectors (n_queries, dim).

    Exact search ranks as many chunks as are needed for k documents. HNSW ranks the chunks that its search keeps, which
    are max(ef, k), and may return fewer documents. Raises ParameterError for k or ef below 1, VectorError for vectors
    of the wrong shape or content.
    """
    best = _best_chunks(retriever, vectors, k, ef)
    return {
        query_id: {doc_id: score for doc_id, (_, score) in documents.items()}
        for query_id, documents in zip(query_ids, best, strict=True)
    }


def search_documents(
    retriever: DenseRetriever, vector: Float32, k: int, *, ef: int | None = None
) -> list[ScoredPassage]:
    """Return the best chunk of each of the k best documents of one embedded query (1, dim); see search_run."""
    [best] = _best_chunks(retriever, vector, k, ef)
    rows, scores = [row for row, _ in best.values()], [score for _, score in best.values()]
    return retriever.ranking(Neighbors(np.array([rows], np.int64), np.array([scores], np.float32)))


def document_ids(retriever: DenseRetriever) -> list[str]:
    """Return the id of each stored passage's document; without one the "doc_id" of its metadata, or its row number."""
    return [
        passage.doc_id or str(passage.metadata.get("doc_id", row)) for row, passage in enumerate(retriever.passages)
    ]


def _best_chunks(retriever: DenseRetriever, vectors: Float32, k: int, ef: int | None) -> list[_BestChunks]:
    """Return the best chunks of each query (n_queries, dim), searched in blocks to bound the memory."""
    k = check_count("k", k, 1, MAX_K)
    depth = k if ef is None else max(check_count("ef", ef, 1, MAX_K), k)
    vectors = check_vectors(vectors, retriever.dimension, what="query vectors")
    doc_ids = document_ids(retriever)
    block_size, best = max(1, NEIGHBORS_PER_BLOCK // depth), list[_BestChunks]()
    for start in range(0, len(vectors), block_size):
        block = vectors[start : start + block_size]
        if ef is None:
            best += _exact_documents(retriever, block, doc_ids, k)
        else:
            best += _first_documents(retriever.hnsw.search(block, depth, ef=depth), doc_ids, k)
    return best


def _exact_documents(retriever: DenseRetriever, vectors: Float32, doc_ids: Sequence[str], k: int) -> list[_BestChunks]:
    """Return the best chunks by exact search, with more chunks where the k nearest are of fewer than k documents."""
    best = _first_documents(retriever.exact.search(vectors, k), doc_ids, k)
    max_depth, n_wanted = min(len(doc_ids), MAX_K), min(k, len(set(doc_ids)))
    for row in range(len(best)):
        depth = k
        while len(best[row]) < n_wanted and depth < max_depth:
            depth = min(4 * depth, max_depth)
            [best[row]] = _first_documents(retriever.exact.search(vectors[row : row + 1], depth), doc_ids, k)
    return best


def _first_documents(found: Neighbors, doc_ids: Sequence[str], k: int) -> list[_BestChunks]:
    """Return the first k different documents of each query, best first, with row and score of the best chunk."""
    ranked = []
    for rows, scores in zip(found.ids.tolist(), found.scores.tolist(), strict=True):
        documents: _BestChunks = {}
        for row, score in zip(rows, scores, strict=True):
            if row == NO_ID or len(documents) == k:
                break
            documents.setdefault(doc_ids[row], (row, score))
        ranked.append(documents)
    return ranked
