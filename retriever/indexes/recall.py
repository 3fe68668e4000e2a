"""Recall of a search against exact search over the same vectors, counted by score."""

import numpy as np

from retriever.errors import VectorError
from retriever.indexes.base import NO_ID, SCORE_TIE, Neighbors
from retriever.vectors import Float64


def knn_recall(exact: Neighbors, approximate: Neighbors) -> Float64:
    """Return the recall@k of each query, the fraction of the k nearest that were found: (n_queries,) in [0, 1].

    Counted by score, not by id: duplicates and ties are common in text, so a neighbour counts if its score is at
    least the k-th exact score minus 1e-6 (as ann-benchmarks does with distances). If fewer than k vectors exist, the
    fraction is of those; if none exists, recall is 1. Raises VectorError if the shapes differ.
    """
    if exact.ids.shape != approximate.ids.shape:
        raise VectorError(f"Exact has shape {exact.ids.shape}, approximate {approximate.ids.shape}; search with one k.")
    existing = (exact.ids != NO_ID).sum(axis=1)  # (n_queries,)
    kth_score = np.where(exact.ids != NO_ID, exact.scores, np.inf).min(axis=1, initial=np.inf)  # (n_queries,)
    found = ((approximate.scores >= kth_score[:, None] - SCORE_TIE) & (approximate.ids != NO_ID)).sum(axis=1)
    return np.where(existing > 0, np.minimum(found, existing) / np.maximum(existing, 1), 1.0)
