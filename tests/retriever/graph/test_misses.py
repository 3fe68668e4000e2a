"""Which neighbours count as missed."""

import numpy as np

from retriever.graph.misses import mark_missed
from retriever.indexes.base import NO_ID, Neighbors
from retriever.indexes.exact import ExactIndex
from retriever.indexes.recall import knn_recall
from retriever.vectors import normalize
from tests.support.true_neighbors import true_scores


def test_as_many_are_marked_as_missed_as_recall_says_also_where_copies_tie():
    vectors = normalize(np.array([[1, 0], [1, 0], [1, 0], [0.8, 0.6], [0, 1]], np.float32))
    queries = normalize(np.array([[1, 0.01], [0.8, 0.6]], np.float32))
    exact = ExactIndex(vectors).search(queries, 2)
    ids = np.array([[2, 4], [4, 3]])  # the first finds a copy in place of 0 or 1; the second misses the copies
    found = Neighbors(ids, np.take_along_axis(true_scores(vectors, queries), ids, axis=1).astype(np.float32))
    recall = knn_recall(exact, found)
    for row in range(2):
        missed, extra = mark_missed(exact, found, row)
        assert sum(missed) == sum(extra) == round((1 - recall[row]) * 2) == 1
    assert mark_missed(exact, exact) == ([False, False], [False, False])


def test_places_that_nothing_fills_are_not_missed():
    few = ExactIndex(np.eye(3, dtype=np.float32)).search(np.eye(3, dtype=np.float32)[:1], 5)
    nothing = Neighbors(np.full((1, 5), NO_ID), np.full((1, 5), -np.inf, np.float32))
    assert mark_missed(few, nothing) == ([True] * 3, [])
