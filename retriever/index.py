"""Exact nearest neighbours, and what every index over unit vectors has in common."""

from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import ArrayLike, NDArray

from retriever.errors import ParameterError, VectorError

Float32 = NDArray[np.float32]
Int64 = NDArray[np.int64]

NO_ID = -1  # the id in a place that no vector fills
LARGEST_K = 100_000  # far above what is of use; a slip of the pen must not take all memory
BLOCK_SCORES = 16_000_000  # scores held at once in a batched search: 64 MB of float32


@dataclass(frozen=True, eq=False)
class Neighbors:
    """Hold the k nearest stored vectors of each query, nearest first.

    ids: (n_queries, k) int64, the row numbers of the stored vectors; -1 where there are fewer than k.
    scores: (n_queries, k) float32, cosine similarity, higher is nearer; -inf where the id is -1.
    """

    ids: Int64
    scores: Float32


class Index(Protocol):
    """Find the nearest of some stored vectors."""

    def __len__(self) -> int:
        """Count the stored vectors."""
        ...

    def search(self, queries: Float32, k: int) -> Neighbors:
        """Return the k nearest stored vectors of each query, queries being (n_queries, dim)."""
        ...


def check_count(name: str, value: Any, low: int, high: int | None = None) -> int:  # noqa: ANN401 - the check is for any type
    """Return value as an int if it is a whole number from low to high, else raise ParameterError."""
    if isinstance(value, bool) or not isinstance(value, (int, np.integer)) or value < low or (high and value > high):
        wanted = f"from {low} to {high}" if high else f"of at least {low}"
        raise ParameterError(f"{name} is {value!r}; it must be a whole number {wanted}.")
    return int(value)


def check_vectors(vectors: ArrayLike, dimension: int | None = None, *, what: str = "vectors") -> Float32:
    """Return vectors as a float32 array (n, dim) of finite numbers, else raise VectorError.

    hnswlib aborts the whole process on a query of the wrong dimension, and a NaN makes every order meaningless;
    so nothing reaches an index unchecked.
    """
    try:
        array = np.asarray(vectors)
        if array.dtype.kind not in "fiu":
            raise TypeError(f"their type is {array.dtype}")
        with np.errstate(over="ignore"):  # a number beyond float32 becomes infinity, which is refused below
            array = array.astype(np.float32, copy=False)
    except (TypeError, ValueError) as error:
        raise VectorError(f"The {what} are not an array of real numbers ({error}); pass float32 (n, dim).") from error
    if array.ndim != 2:
        raise VectorError(f"The {what} have shape {array.shape}; wanted two axes, (n, dim).")
    if dimension is not None and array.shape[1] != dimension:
        raise VectorError(f"The {what} have {array.shape[1]} dimensions; this index holds vectors of {dimension}.")
    if array.shape[1] == 0:
        raise VectorError(f"The {what} have no dimensions; wanted (n, dim) with dim of at least 1.")
    if not np.isfinite(array).all():
        row = int(np.flatnonzero(~np.isfinite(array).all(axis=1))[0])
        raise VectorError(f"The {what} hold NaN or infinity, first in row {row}; every number must be finite.")
    return array


def normalize(vectors: Float32) -> Float32:
    """Scale rows (n, dim) to unit length, so that a dot product is a cosine; zero rows stay zero.

    Rows that already have unit length to float32 precision are returned as they are, so that normalizing twice
    changes nothing.
    """
    norms = np.sqrt(np.einsum("ij,ij->i", vectors, vectors, dtype=np.float64))  # (n,)
    if np.all((np.abs(norms - 1) < 1e-6) | (norms == 0)):
        return vectors
    if not np.isfinite(norms).all() or (norms[norms > 0] < 1e-30).any():  # the squares left float range: scale first
        peak = np.abs(vectors).max(axis=1, keepdims=True)
        return normalize((vectors / np.where(peak > 0, peak, 1)).astype(np.float32))
    return (vectors / np.where(norms > 0, norms, 1)[:, None]).astype(np.float32)


def unit_queries(queries: ArrayLike, dimension: int) -> Float32:
    """Return queries as unit rows (n_queries, dimension), or raise VectorError.

    One pass tells whether queries are unit vectors already, and then they are finite as well: checking and scaling
    each by itself would cost about as much time as a short HNSW search. One query is checked by one call of NumPy:
    each further one costs a tenth of such a search, whose vectors have driven NumPy's code out of the fast caches.
    """
    if isinstance(queries, np.ndarray) and queries.dtype == np.float32 and queries.shape[1:] == (dimension,):
        if len(queries) == 1:
            unit = abs(float(np.vdot(queries, queries)) - 1) < 1e-6
        else:
            squares = np.einsum("ij,ij->i", queries, queries)  # (n_queries,)
            unit = bool((np.abs(squares - 1) < 1e-6).all())
        if unit:
            return queries
    return normalize(check_vectors(queries, dimension, what="queries"))


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
                _fill(found, row, query_scores, k)
        return found


def empty_neighbors(n_queries: int, k: int) -> Neighbors:
    """Return Neighbors (n_queries, k) in which no place is filled yet."""
    ids = np.full((n_queries, k), NO_ID, dtype=np.int64)
    return Neighbors(ids, np.full((n_queries, k), -np.inf, dtype=np.float32))


def _fill(found: Neighbors, row: int, scores: Float32, k: int) -> None:
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
