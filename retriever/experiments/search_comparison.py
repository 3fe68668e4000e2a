"""Comparison of exact search and HNSW on one question, with the time of each part."""

import time
from dataclasses import dataclass, field

import numpy as np

from retriever.documents.document import ScoredPassage
from retriever.encoders.base import tokens_of_query
from retriever.fair_lock import MACHINE_LOCK
from retriever.graph.misses import mark_missed
from retriever.indexes.base import Neighbors
from retriever.indexes.recall import knn_recall
from retriever.indexing.collection import IndexedCollection
from retriever.measurement.recall_and_latency import measure_pair
from retriever.measurement.turns import TURN_SECONDS
from retriever.parameters import check_count
from retriever.retrievers.dense import DenseRetriever
from retriever.vectors import Float32

REPEATS = 5  # searches timed per question; the median is shown


@dataclass(frozen=True, eq=False)
class SearchComparison:
    """The results of exact search and of HNSW for one question.

    missed: for each hit of exact, whether HNSW missed it. extra: for each hit of hnsw, whether it is not among
    those of exact. recall: recall@k of this question, in [0, 1]. seconds: of "embedding", "HNSW" and "exact". crowded:
    whether the machine worked for others meanwhile. tokens: of the question, prompt and special tokens included, of
    which the model reads tokens_read; both are 0 for a model that reads texts of any length. vector: of the question,
    (dim,).
    """

    exact: list[ScoredPassage]
    hnsw: list[ScoredPassage]
    missed: list[bool]
    extra: list[bool]
    recall: float
    seconds: dict[str, float]
    crowded: bool = False
    tokens: int = 0
    tokens_read: int = 0
    vector: Float32 | None = field(default=None, repr=False)


def answer_question(indexed: IndexedCollection, query: str, k: int, *, ef: int) -> SearchComparison:
    """Return compare_searches of a collection, or what it gave anybody who asked the same in the last seconds."""
    answers = indexed.measurements.answers
    answer: SearchComparison = answers.get(
        (query, k, ef), lambda: compare_searches(indexed.retriever, query, k, ef=ef)
    ).value
    return answer


def compare_searches(retriever: DenseRetriever, query: str, k: int, *, ef: int) -> SearchComparison:
    """Return the results of exact search and of HNSW at ef for a query, timed by the protocol in measurement.

    The query is embedded once. A k above the number of texts is reduced to it. Raises ParameterError for k or ef
    below 1.
    """
    k = min(check_count("k", k, 1), max(len(retriever.exact), 1))
    encoder, graph = retriever.encoder, retriever.hnsw  # loading a model or building a graph is not timed
    tokens, tokens_read = tokens_of_query(encoder, query)
    with MACHINE_LOCK.exclusive():  # waits once for all, unless it takes long
        start = time.perf_counter()
        vector = np.asarray(encoder.encode_query([query]), np.float32)  # (1, dim)
        embedding_seconds = time.perf_counter() - start
        if embedding_seconds > TURN_SECONDS:
            MACHINE_LOCK.pause()
        truth = retriever.exact.search(vector, k)
        repeated = np.repeat(vector, REPEATS, axis=0)  # (REPEATS, dim)
        repeated_truth = Neighbors(np.repeat(truth.ids, REPEATS, axis=0), np.repeat(truth.scores, REPEATS, axis=0))
        pair = measure_pair(graph, retriever.exact, repeated, repeated_truth, k=k, ef=ef)
    found = Neighbors(pair.hnsw.neighbors.ids[:1], pair.hnsw.neighbors.scores[:1])
    recall = float(knn_recall(truth, found)[0])
    seconds = {"embedding": embedding_seconds, "HNSW": pair.hnsw.p50, "exact": pair.exact.p50}
    missed, extra = mark_missed(truth, found)
    rankings = retriever.ranking(truth), retriever.ranking(found)
    return SearchComparison(*rankings, missed, extra, recall, seconds, pair.crowded, tokens, tokens_read, vector[0])
