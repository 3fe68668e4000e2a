"""Runs of a retriever: the documents it ranks for each query.

A document may be indexed as several chunks; it is ranked once, with the score of its best chunk. A query that is itself
a document, as in ArguAna and Quora, would find itself first; that document can be left out of its ranking.
"""

import unicodedata
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence

import numpy as np

from retriever.documents.document import Passage, ScoredPassage
from retriever.evaluation.trec import Run
from retriever.indexes.base import NO_ID, Neighbors
from retriever.parameters import MAX_K, check_count
from retriever.retrievers.dense import DenseRetriever
from retriever.vectors import Float32, check_vectors

NEIGHBORS_PER_BLOCK = 1_000_000  # neighbours in memory at once
_BestChunks = dict[str, tuple[int, float]]  # document id -> row and score of its best chunk


def run_queries(retriever: DenseRetriever, queries: Mapping[str, str], k: int, *, ef: int | None = None) -> Run:
    """Return the k best documents of each query (query id -> text), by exact search, or by HNSW if ef is given.

    A document that is the query itself, by id and text, is left out. Raises ParameterError for k or ef below 1.
    """
    vectors = retriever.encoder.encode_query(list(queries.values()))  # (n_queries, dim)
    left_out = {query_id: query_id for query_id in own_documents(retriever, queries)}
    return search_run(retriever, list(queries), vectors, k, ef=ef, left_out=left_out)


def search_run(
    retriever: DenseRetriever,
    query_ids: Sequence[str],
    vectors: Float32,
    k: int,
    *,
    ef: int | None = None,
    left_out: Mapping[str, str] | None = None,
) -> Run:
    """Return the k best documents of each embedded query, vectors (n_queries, dim).

    Exact search ranks as many chunks as are needed for k documents. HNSW ranks the chunks that its search keeps, which
    are max(ef, k), and may return fewer documents. left_out: query id -> a document that is not ranked for it; HNSW
    then keeps as many chunks more than k as that document has. Raises ParameterError for k or ef below 1, VectorError
    for vectors of the wrong shape or content.
    """
    best = _best_chunks(retriever, vectors, k, ef, [(left_out or {}).get(query_id) for query_id in query_ids])
    return {
        query_id: {doc_id: score for doc_id, (_, score) in documents.items()}
        for query_id, documents in zip(query_ids, best, strict=True)
    }


def search_documents(
    retriever: DenseRetriever, vector: Float32, k: int, *, ef: int | None = None, left_out: str | None = None
) -> list[ScoredPassage]:
    """Return the best chunk of each of the k best documents of one embedded query (1, dim); see search_run."""
    [best] = _best_chunks(retriever, vector, k, ef, [left_out])
    rows, scores = [row for row, _ in best.values()], [score for _, score in best.values()]
    return retriever.ranking(Neighbors(np.array([rows], np.int64), np.array([scores], np.float32)))


def document_ids(retriever: DenseRetriever) -> list[str]:
    """Return the id of each stored passage's document; without one the "doc_id" of its metadata, or its row number."""
    return [
        passage.doc_id or str(passage.metadata.get("doc_id", row)) for row, passage in enumerate(retriever.passages)
    ]


def own_documents(retriever: DenseRetriever, queries: Mapping[str, str]) -> set[str]:
    """Return the ids of the queries (query id -> text) that are documents themselves: one has the same id and text.

    Equal ids alone are no sign, as many collections number both from 1. The text may stand with or without the title;
    white space and capitals do not count.
    """
    passages: dict[str, list[Passage]] = {}
    for doc_id, passage in zip(document_ids(retriever), retriever.passages, strict=True):
        if doc_id in queries:
            passages.setdefault(doc_id, []).append(passage)
    return {doc_id for doc_id, parts in passages.items() if _is_text_of(queries[doc_id], parts)}


def _is_text_of(query: str, passages: Sequence[Passage]) -> bool:
    """Return whether a query is the text of a document, given by its passages, or its title and text."""
    text, reached = "", 0
    for passage in passages:  # chunks may overlap
        start, end = passage.span or (reached, reached)
        text, reached = text + passage.text[max(0, reached - start) :], max(reached, end)
    wanted = _letters(query)
    return wanted != "" and wanted in (_letters(text), _letters(passages[0].title + text))


def _letters(text: str) -> str:
    """Return a text without white space, in lower case, with one code for each accented letter."""
    return unicodedata.normalize("NFC", "".join(text.casefold().split()))


def _best_chunks(
    retriever: DenseRetriever, vectors: Float32, k: int, ef: int | None, left_out: Sequence[str | None]
) -> list[_BestChunks]:
    """Return the best chunks of each query (n_queries, dim), searched in blocks to bound the memory."""
    k = check_count("k", k, 1, MAX_K)
    wide = k if ef is None else max(check_count("ef", ef, 1, MAX_K), k)
    vectors = check_vectors(vectors, retriever.dimension, what="query vectors")
    doc_ids = document_ids(retriever)
    best: list[_BestChunks] = [{}] * len(vectors)
    for more, rows in _rows_by_chunks_left_out(doc_ids, left_out).items():
        depth = min(max(wide, k + more), MAX_K)
        size = max(1, NEIGHBORS_PER_BLOCK // depth)
        for block in (rows[start : start + size] for start in range(0, len(rows), size)):
            asked, skipped = vectors[block], [left_out[row] for row in block]
            if ef is None:
                found = _exact_documents(retriever, asked, doc_ids, k, depth, skipped)
            else:
                found = _first_documents(retriever.hnsw.search(asked, depth, ef=depth), doc_ids, k, skipped)
            for row, documents in zip(block, found, strict=True):
                best[row] = documents
    return best


def _rows_by_chunks_left_out(doc_ids: Sequence[str], left_out: Sequence[str | None]) -> dict[int, list[int]]:
    """Return the rows of the queries by how many chunks of the collection are left out of their rankings."""
    chunks = Counter(doc_ids) if any(left_out) else Counter()
    rows: dict[int, list[int]] = {}
    for row, doc_id in enumerate(left_out):
        rows.setdefault(chunks[doc_id] if doc_id else 0, []).append(row)
    return rows


def _exact_documents(
    retriever: DenseRetriever,
    vectors: Float32,
    doc_ids: Sequence[str],
    k: int,
    first_depth: int,
    left_out: Sequence[str | None],
) -> list[_BestChunks]:
    """Return the best chunks by exact search, with more chunks where the nearest are of fewer than k documents."""
    best = _first_documents(retriever.exact.search(vectors, first_depth), doc_ids, k, left_out)
    known = set(doc_ids)
    max_depth = min(len(doc_ids), MAX_K)
    for row, skipped in enumerate(left_out):
        depth, n_wanted = first_depth, min(k, len(known) - (skipped in known))
        while len(best[row]) < n_wanted and depth < max_depth:
            depth = min(4 * depth, max_depth)
            found = retriever.exact.search(vectors[row : row + 1], depth)
            [best[row]] = _first_documents(found, doc_ids, k, [skipped])
    return best


def _first_documents(
    found: Neighbors, doc_ids: Sequence[str], k: int, left_out: Iterable[str | None]
) -> list[_BestChunks]:
    """Return the first k different documents of each query, best first, with row and score of the best chunk."""
    ranked = []
    for rows, scores, skipped in zip(found.ids.tolist(), found.scores.tolist(), left_out, strict=True):
        documents: _BestChunks = {}
        for row, score in zip(rows, scores, strict=True):
            if row == NO_ID or len(documents) == k:
                break
            if doc_ids[row] != skipped:
                documents.setdefault(doc_ids[row], (row, score))
        ranked.append(documents)
    return ranked
