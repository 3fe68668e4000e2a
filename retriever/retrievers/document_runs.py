"""Runs of a retriever: the documents it ranks for each query.

A document may be indexed as several chunks; it is ranked once, with the score of its best chunk. A query that is itself
a document, as in ArguAna and Quora, would find itself first; that document can be left out of its ranking.

`rank_documents` and `best_passages` take any retriever and query texts, `search_run` and `search_documents` a dense
retriever and queries that are embedded already, which may be searched by HNSW too.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence

from retriever.documents.document import Passage, ScoredPassage
from retriever.errors import ParameterError
from retriever.evaluation.trec import Run
from retriever.indexes.base import NO_ID, Neighbors
from retriever.parameters import MAX_K, check_count
from retriever.progress import progress_bar
from retriever.retrievers.base import Retriever
from retriever.retrievers.dense import DenseRetriever
from retriever.retrievers.milvus import MilvusRetriever
from retriever.unicode import normalize
from retriever.vectors import Float32, check_vectors

QUERIES_PER_REPORT = 128  # queries embedded and searched between two progress reports
NEIGHBORS_PER_BLOCK = 1_000_000  # neighbours in memory at once
_BestChunks = dict[str, tuple[int, float]]  # document id -> row and score of its best chunk
_Search = Callable[[Sequence[int], int], Neighbors]  # of queries, given by their rows, at a depth


def run_queries(
    retriever: Retriever,
    queries: Mapping[str, str],
    k: int,
    *,
    ef: int | None = None,
    show_progress_bar: bool | None = None,
) -> Run:
    """Return the k best documents of each query (query id -> text).

    ef: for a DenseRetriever or a MilvusRetriever, to search by HNSW instead of exactly. A document that is the query
    itself, by id and text, is left out. show_progress_bar: None shows one in a notebook or at a prompt. Raises
    ParameterError for k or ef below 1, or an ef for a retriever of another kind.
    """
    left_out = {query_id: query_id for query_id in own_documents(retriever, queries)}
    query_ids = list(queries)
    run: dict[str, Mapping[str, float]] = {}
    with progress_bar("Searching", show_progress_bar) as report:
        for start in range(0, max(len(query_ids), 1), QUERIES_PER_REPORT):
            part = {query_id: queries[query_id] for query_id in query_ids[start : start + QUERIES_PER_REPORT]}
            run |= _run_part(retriever, part, k, ef, left_out)
            if report:
                report(len(run) / max(len(queries), 1))
    return run


def _run_part(
    retriever: Retriever, queries: Mapping[str, str], k: int, ef: int | None, left_out: Mapping[str, str]
) -> Run:
    """Return the k best documents of each query, as run_queries does."""
    if ef is None:
        return rank_documents(retriever, queries, k, left_out=left_out)
    if isinstance(retriever, MilvusRetriever):
        search, skipped = _milvus_search(retriever, list(queries.values())), [left_out.get(one) for one in queries]
        return _as_run(list(queries), _best_chunks(document_ids(retriever), search, k, ef, skipped))
    if not isinstance(retriever, DenseRetriever):
        raise ParameterError(f"ef is {ef!r}, but a {type(retriever).__name__} has no HNSW graph; leave ef out.")
    vectors = retriever.encoder.encode_query(list(queries.values()))  # (n_queries, dim)
    return search_run(retriever, list(queries), vectors, k, ef=ef, left_out=left_out)


def rank_documents(
    retriever: Retriever, queries: Mapping[str, str], k: int, *, left_out: Mapping[str, str] | None = None
) -> Run:
    """Return the k best documents of each query (query id -> text), by the scores of the retriever's rank.

    As many chunks are ranked as are needed for k documents; there are fewer only where no more are found. left_out:
    query id -> a document that is not ranked for it. Raises ParameterError for a k below 1.
    """
    skipped = [(left_out or {}).get(query_id) for query_id in queries]
    search = _text_search(retriever, list(queries.values()))
    return _as_run(list(queries), _best_chunks(document_ids(retriever), search, k, None, skipped))


def best_passages(retriever: Retriever, query: str, k: int, *, left_out: str | None = None) -> list[ScoredPassage]:
    """Return the best chunk of each of the k best documents of a query's text; see rank_documents."""
    [best] = _best_chunks(document_ids(retriever), _text_search(retriever, [query]), k, None, [left_out])
    return _scored_passages(retriever, best)


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
    skipped = [(left_out or {}).get(query_id) for query_id in query_ids]
    search = _vector_search(retriever, vectors, ef)
    return _as_run(query_ids, _best_chunks(document_ids(retriever), search, k, ef, skipped))


def search_documents(
    retriever: DenseRetriever, vector: Float32, k: int, *, ef: int | None = None, left_out: str | None = None
) -> list[ScoredPassage]:
    """Return the best chunk of each of the k best documents of one embedded query (1, dim); see search_run."""
    [best] = _best_chunks(document_ids(retriever), _vector_search(retriever, vector, ef), k, ef, [left_out])
    return _scored_passages(retriever, best)


def document_ids(retriever: Retriever) -> list[str]:
    """Return the id of each stored passage's document; without one the "doc_id" of its metadata, or its row number."""
    return _ids_of(retriever.passages)


def own_documents(retriever: Retriever, queries: Mapping[str, str]) -> set[str]:
    """Return the ids of the queries (query id -> text) that are documents themselves: one has the same id and text.

    Equal ids alone are no sign, as many collections number both from 1. The text may stand with or without the title;
    white space and capitals do not count.
    """
    held = retriever.passages  # read once: another thread may add some
    passages: dict[str, list[Passage]] = {}
    for doc_id, passage in zip(_ids_of(held), held, strict=True):
        if doc_id in queries:
            passages.setdefault(doc_id, []).append(passage)
    return {doc_id for doc_id, parts in passages.items() if _is_text_of(queries[doc_id], parts)}


def _ids_of(passages: Sequence[Passage]) -> list[str]:
    return [passage.doc_id or str(passage.metadata.get("doc_id", row)) for row, passage in enumerate(passages)]


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
    return normalize("NFC", "".join(text.casefold().split()))


def _text_search(retriever: Retriever, texts: Sequence[str]) -> _Search:
    """Return the search of queries by their texts; a DenseRetriever embeds them once, however deep it searches."""
    if isinstance(retriever, DenseRetriever):
        return _vector_search(retriever, retriever.encoder.encode_query(list(texts)), None)
    return lambda rows, depth: retriever.rank([texts[row] for row in rows], depth)


def _milvus_search(retriever: MilvusRetriever, texts: Sequence[str]) -> _Search:
    """Return the search of queries by their texts through the graphs of a Milvus server."""
    return lambda rows, depth: retriever.rank([texts[row] for row in rows], depth, ef=depth)


def _vector_search(retriever: DenseRetriever, vectors: Float32, ef: int | None) -> _Search:
    """Return the search of embedded queries (n_queries, dim), exact or by HNSW."""
    vectors = check_vectors(vectors, retriever.dimension, what="query vectors")
    if ef is None:
        return lambda rows, depth: retriever.exact.search(vectors[rows], depth)
    return lambda rows, depth: retriever.hnsw.search(vectors[rows], depth, ef=depth)


def _as_run(query_ids: Sequence[str], best: Iterable[_BestChunks]) -> Run:
    return {
        query_id: {doc_id: score for doc_id, (_, score) in documents.items()}
        for query_id, documents in zip(query_ids, best, strict=True)
    }


def _scored_passages(retriever: Retriever, best: _BestChunks) -> list[ScoredPassage]:
    return [ScoredPassage(retriever.passages[row], score) for row, score in best.values()]


def _best_chunks(
    doc_ids: Sequence[str], search: _Search, k: int, ef: int | None, left_out: Sequence[str | None]
) -> list[_BestChunks]:
    """Return the best chunks of each query, searched in blocks to bound the memory.

    ef: the least depth of a search by HNSW, which does not go deeper where it finds fewer than k documents.
    """
    k = check_count("k", k, 1, MAX_K)
    wide = k if ef is None else max(check_count("ef", ef, 1, MAX_K), k)
    best: list[_BestChunks] = [{}] * len(left_out)
    known = set(doc_ids)
    for more, rows in _rows_by_chunks_left_out(doc_ids, left_out).items():
        depth = min(max(wide, k + more), MAX_K)
        size = max(1, NEIGHBORS_PER_BLOCK // depth)
        for block in (rows[start : start + size] for start in range(0, len(rows), size)):
            found = search(block, depth)
            documents = _first_documents(found, doc_ids, k, [left_out[row] for row in block])
            for row, first, last_id in zip(block, documents, found.ids[:, -1], strict=True):
                n_wanted = min(k, len(known) - (left_out[row] in known))
                if len(first) < n_wanted and last_id != NO_ID and ef is None:  # no empty place: there is more to find
                    first = _search_deeper(search, row, doc_ids, n_wanted, depth, left_out[row])
                best[row] = first
    return best


def _rows_by_chunks_left_out(doc_ids: Sequence[str], left_out: Sequence[str | None]) -> dict[int, list[int]]:
    """Return the rows of the queries by how many chunks of the collection are left out of their rankings."""
    chunks = Counter(doc_ids) if any(left_out) else Counter()
    rows: dict[int, list[int]] = {}
    for row, doc_id in enumerate(left_out):
        rows.setdefault(chunks[doc_id] if doc_id else 0, []).append(row)
    return rows


def _search_deeper(
    search: _Search, row: int, doc_ids: Sequence[str], k: int, depth: int, left_out: str | None
) -> _BestChunks:
    """Return the best chunks of one query, found deeper than depth, where the first chunks are of few documents."""
    max_depth = min(len(doc_ids), MAX_K)
    while True:
        depth = min(4 * depth, max_depth)
        found = search([row], depth)
        [best] = _first_documents(found, doc_ids, k, [left_out])
        if len(best) == k or depth == max_depth or found.ids[0, -1] == NO_ID:
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
            if row < len(doc_ids) and doc_ids[row] != skipped:  # beyond: added by another thread meanwhile
                documents.setdefault(doc_ids[row], (row, score))
        ranked.append(documents)
    return ranked
