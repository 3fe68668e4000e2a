"""Another retriever's answer to a question that two searches of a dense one have answered."""

import time
from dataclasses import dataclass

import numpy as np

from retriever.documents.document import ScoredPassage
from retriever.experiments.search_comparison import SearchComparison
from retriever.indexes.base import NO_ID, SCORE_TIE
from retriever.parameters import check_count
from retriever.retrievers.base import Retriever
from retriever.retrievers.dense import DenseRetriever


@dataclass(frozen=True, eq=False)
class FurtherAnswer:
    """The best passages of another retriever for one question.

    hits: with that retriever's scores. rows: of the hits among the passages. near: for each hit, whether it is one of
    the dense retriever's nearest passages, ties included. seconds: of the one search, encoding the question included.
    """

    hits: list[ScoredPassage]
    rows: list[int]
    near: list[bool]
    seconds: float


def further_answer(
    retriever: Retriever, dense: DenseRetriever, both: SearchComparison, query: str, k: int
) -> FurtherAnswer:
    """Return the best k passages of a retriever over the same passages as the dense one, whose answers are both.

    Raises ParameterError for a k below 1.
    """
    k = min(check_count("k", k, 1), max(len(dense.exact), 1))
    start = time.perf_counter()
    found = retriever.rank([query], k)
    seconds = time.perf_counter() - start
    places = zip(found.ids[0].tolist(), found.scores[0].tolist(), strict=True)
    best = [(row, score) for row, score in places if row != NO_ID]
    hits = [ScoredPassage(retriever.passages[row], score) for row, score in best]
    rows = [row for row, _ in best]
    return FurtherAnswer(hits, rows, _mark_near(dense, both, rows), seconds)


def _mark_near(dense: DenseRetriever, both: SearchComparison, rows: list[int]) -> list[bool]:
    """Return whether the passages of some rows are among the nearest: by score, as recall is counted."""
    if both.vector is None or not both.exact or not rows:
        return [False] * len(rows)
    similarities = dense.vectors[rows] @ (both.vector / np.linalg.norm(both.vector))  # (n_rows,)
    farthest = min(hit.score for hit in both.exact) - SCORE_TIE
    return [bool(similarity >= farthest) for similarity in similarities]
