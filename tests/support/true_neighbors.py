"""Exact neighbours by sorting cosines in float64, independent of the indexes."""

import numpy as np


def unit64(vectors):
    """Return rows of unit length in float64; zero rows stay zero."""
    vectors = np.asarray(vectors, np.float64)
    norms = np.linalg.norm(vectors, axis=1, keepdims=True)
    return np.divide(vectors, norms, out=np.zeros_like(vectors), where=norms > 0)


def true_scores(vectors, queries):
    """Return the cosines of queries with all vectors, (n_queries, n)."""
    return unit64(queries) @ unit64(vectors).T


def true_neighbors(vectors, queries, k):
    """Return ids (n_queries, k), equal scores by lower id, -1 where there are fewer vectors."""
    order = np.argsort(-true_scores(vectors, queries), axis=1, kind="stable")[:, :k]
    return np.pad(order, ((0, 0), (0, k - order.shape[1])), constant_values=-1)
