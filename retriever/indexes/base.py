"""The interface of an index over unit vectors, and the results that a search returns."""

from dataclasses import dataclass
from typing import Protocol

import numpy as np

from retriever.vectors import Float32, Int64

SCORE_TIE = 1e-6  # scores (cosines) that differ by no more than this count as equal
NO_ID = -1  # the id of an empty place in a result


@dataclass(frozen=True, eq=False)
class Neighbors:
    """The k nearest stored vectors of each query, nearest first.

    ids: (n_queries, k) int64, row numbers of the stored vectors; -1 where there are fewer than k.
    scores: (n_queries, k) float32, cosine similarities of at most 1, higher is nearer; -inf where the id is -1.
    """

    ids: Int64
    scores: Float32


class Index(Protocol):
    """The interface of a nearest-neighbour index."""

    def __len__(self) -> int:
        """Return the number of stored vectors."""
        ...

    def search(self, queries: Float32, k: int) -> Neighbors:
        """Return the k nearest stored vectors of each query, queries being (n_queries, dim)."""
        ...


def clip_scores(products: Float32) -> Float32:
    """Return products of unit vectors as scores, in place: rounding makes some of them 1.0000001, and no cosine is."""
    return np.minimum(products, 1, out=products)


def empty_neighbors(n_queries: int, k: int) -> Neighbors:
    """Return Neighbors (n_queries, k) with every place empty: id -1 and score -inf."""
    ids = np.full((n_queries, k), NO_ID, dtype=np.int64)
    return Neighbors(ids, np.full((n_queries, k), -np.inf, dtype=np.float32))
