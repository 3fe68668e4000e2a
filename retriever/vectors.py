"""Arrays of vectors: types, checks and normalization to unit length."""

import numpy as np
from numpy.typing import ArrayLike, NDArray

from retriever.errors import VectorError

Float32 = NDArray[np.float32]
Float64 = NDArray[np.float64]
Int64 = NDArray[np.int64]


def check_vectors(vectors: ArrayLike, dimension: int | None = None, *, what: str = "vectors") -> Float32:
    """Return vectors as a float32 array (n, dim); raise VectorError for a wrong shape or type, NaN or infinity.

    hnswlib aborts the whole process on a query of the wrong dimension, and a NaN makes every ranking meaningless;
    so no vector reaches an index unchecked.
    """
    try:
        array = np.asarray(vectors)
        if array.dtype.kind not in "fiu":
            raise TypeError(f"their type is {array.dtype}")
        with np.errstate(over="ignore"):  # a number beyond float32 becomes infinity, which is rejected below
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
    """Scale rows (n, dim) to unit length, so that a dot product is a cosine similarity; zero rows stay zero.

    If all rows but zero rows already have unit length to float32 precision, the array itself is returned, so that
    normalizing twice changes nothing.
    """
    norms = np.sqrt(np.einsum("ij,ij->i", vectors, vectors, dtype=np.float64))  # (n,)
    if np.all((np.abs(norms - 1) < 1e-6) | (norms == 0)):
        return vectors
    if not np.isfinite(norms).all() or (norms[norms > 0] < 1e-30).any():  # squares over- or underflow: scale first
        peak = np.abs(vectors).max(axis=1, keepdims=True)
        return normalize((vectors / np.where(peak > 0, peak, 1)).astype(np.float32))
    return (vectors / np.where(norms > 0, norms, 1)[:, None]).astype(np.float32)


def unit_queries(queries: ArrayLike, dimension: int) -> Float32:
    """Return queries as unit rows (n_queries, dimension); raise VectorError as check_vectors does.

    One pass shows whether queries are unit vectors already, and then they are finite as well: separate checking and
    scaling would cost about as much time as a short HNSW search. A single query is checked by one NumPy call, since
    each further call costs a tenth of such a search, whose vectors have evicted NumPy's code from the CPU caches.
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
