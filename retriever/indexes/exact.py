"""Exact nearest-neighbour search by brute force."""

import numpy as np
from numpy.typing import ArrayLike

from retriever.fair_lock import MACHINE_LOCK
from retriever.indexes.base import Neighbors, clip_scores, empty_neighbors
from retriever.parameters import MAX_K, check_count
from retriever.vectors import Float32, Int64, check_vectors, normalize, unit_queries

BLOCK_SCORES = 16_000_000  # scores in memory at once in a batched search: 64 MB of float32


class ExactIndex:
    """An exact index: it compares a query with every stored vector. Always correct, slow for millions of vectors.

    The matrix is stored column-major (Fortran order), because numpy's product with one query then runs about twice
    as fast as on the row-major matrix, at no cost in memory.
    """

    def __init__(self, vectors: ArrayLike) -> None:
        """Store vectors (n, dim), scaled to unit length. Raises VectorError if they are not finite numbers."""
        self.vectors: Float32 = np.asfortranarray(normalize(check_vectors(vectors))).view()  # (n, dim)
        self.vectors.flags.writeable = False  # searches share it; the caller's own array stays writeable

    def __len__(self) -> int:
        """Return the number of stored vectors."""
        return len(self.vectors)

    @property
    def dimension(self) -> int:
        """The dimension of the stored vectors."""
        return int(self.vectors.shape[1])

    def search(self, queries: ArrayLike, k: int) -> Neighbors:
        """Return the k nearest stored vectors of each query (n_queries, dim), equal scores ordered by lower id.

        A batch of queries is compared by products of matrices, in which NumPy uses all cores; so there is no number of
        threads to choose. Raises VectorError for queries of the wrong shape or content and ParameterError for a k
        below 1.
        """
        return self.search_unit(unit_queries(queries, self.dimension), check_count("k", k, 1, MAX_K))

    def search_unit(self, unit: Float32, k: int) -> Neighbors:
        """Return what search returns, for queries (n_queries, dim) already checked by unit_queries."""
        if len(unit) == 1 and k <= len(self):  # the result has no empty place
            scores = clip_scores(self.vectors @ unit[0])  # (n,)
            ids = top_ids(scores, k)
            return Neighbors(ids[None], scores[ids][None])
        result = empty_neighbors(len(unit), k)
        if not len(self):
            return result
        block_size = max(1, BLOCK_SCORES // len(self))
        for start in range(0, len(unit), block_size):
            with MACHINE_LOCK.shared():  # on all cores: not beside what is timed
                block_scores = clip_scores(unit[start : start + block_size] @ self.vectors.T)  # (step, n)
                for row, row_scores in enumerate(block_scores, start):
                    _fill_row(result, row, row_scores, k)
        return result


def _fill_row(result: Neighbors, row: int, scores: Float32, k: int) -> None:
    """Write the k highest of scores (n,) into one row of result, highest first, equal scores by lower id."""
    ids = top_ids(scores, k)
    result.ids[row, : len(ids)] = ids
    result.scores[row, : len(ids)] = scores[ids]


def top_ids(scores: Float32, k: int) -> Int64:
    """Return the positions of the k highest scores (n,), highest first, equal scores by lower position.

    argpartition may select any of the positions whose score equals the k-th highest; so that score is looked up
    instead, and of the positions that have it the lowest are taken.
    """
    n = len(scores)
    if k < n:
        ordered = scores.copy()
        ordered.partition(n - k)
        kth_score = ordered[n - k]
        ids = (scores >= kth_score).nonzero()[0]
        if len(ids) > k:  # several positions have the k-th score: keep the lowest of them
            equal = np.flatnonzero(scores[ids] == kth_score)
            ids = np.delete(ids, equal[k - len(ids) :])
    else:
        ids = np.arange(n)
    best: Int64 = ids[(-scores[ids]).argsort(kind="stable")]
    return best
