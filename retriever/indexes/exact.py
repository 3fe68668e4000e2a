"""Exact nearest neighbours."""

import numpy as np
from numpy.typing import ArrayLike

from retriever.indexes.base import Neighbors, empty_neighbors
from retriever.parameters import LARGEST_K, check_count
from retriever.vectors import Float32, Int64, check_vectors, normalize, unit_queries

BLOCK_SCORES = 16_000_000  # scores held at once in a batched search: 64 MB of float32


class ExactIndex:
    """Compare a query with every stored vector: slow for millions, and always right.

    The matrix is kept column-major (Fortran order): numpy's product with one query then runs about twice as
    fast as on the row-major matrix, at no cost in memory.
    """

    def __init__(self, vectors: ArrayLike) -> None:
        """Store vectors (n, dim), scaled to unit length; raise VectorError if they are not finite numbers."""
        self.vectors: Float32 = np.asfortranarray(normalize(check_vectors(vectors))).view()  # (n, dim)
        self.vectors.flags.writeable = False  # shared by all who search; the caller's own array stays writeable

    def __len__(self) -> int:
        """Count the stored vectors."""
        return len(self.vectors)

    @property
    def dimension(self) -> int:
        """The length of a vector."""
        return int(self.vectors.shape[1])

    def search(self, queries: ArrayLike, k: int) -> Neighbors:
        """Return the k nearest of all stored vectors for each query (n_queries, dim); equal scores by lower id.

        Raises VectorError for queries of the wrong shape or content and ParameterError for a k below 1.
        """
        return self.search_unit(unit_queries(queries, self.dimension), check_count("k", k, 1, LARGEST_K))

    def search_unit(self, unit: Float32, k: int) -> Neighbors:
        """Search for what unit_queries has returned, (n_queries, dim), without checking it again."""
        if len(unit) == 1 and k <= len(self):  # no place stays empty
            one = self.vectors @ unit[0]  # (n,)
            ids = top_ids(one, k)
            return Neighbors(ids[None], one[ids][None])
        found = empty_neighbors(len(unit), k)
        if not len(self):
            return found
        step = max(1, BLOCK_SCORES // len(self))
        for start in range(0, len(unit), step):
            scores = unit[start : start + step] @ self.vectors.T  # (step, n)
            for row, query_scores in enumerate(scores, start):
                _fill_row(found, row, query_scores, k)
        return found


def _fill_row(found: Neighbors, row: int, scores: Float32, k: int) -> None:
    """Put the k best of scores (n,) into one row of found, best first, equal scores by lower id."""
    ids = top_ids(scores, k)
    found.ids[row, : len(ids)] = ids
    found.scores[row, : len(ids)] = scores[ids]


def top_ids(scores: Float32, k: int) -> Int64:
    """Return the positions of the k highest scores (n,), highest first, equal scores by lower position.

    argpartition may keep any of several equal scores at the border; so the border score is looked up instead, and of
    the positions that have it the lowest are taken.
    """
    n = len(scores)
    if k < n:
        ordered = scores.copy()
        ordered.partition(n - k)
        border = ordered[n - k]
        ids = (scores >= border).nonzero()[0]
        if len(ids) > k:  # more than one has the border score: the lowest positions of those
            equal = np.flatnonzero(scores[ids] == border)
            ids = np.delete(ids, equal[k - len(ids) :])
    else:
        ids = np.arange(n)
    best: Int64 = ids[(-scores[ids]).argsort(kind="stable")]
    return best
