"""What every index over unit vectors has in common."""

from dataclasses import dataclass
from typing import Protocol

import numpy as np

from retriever.vectors import Float32, Int64

SCORE_TIE = 1e-6  # cosine: scores this close count as equal
NO_ID = -1  # the id in a place that no vector fills


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


def empty_neighbors(n_queries: int, k: int) -> Neighbors:
    """Return Neighbors (n_queries, k) in which no place is filled yet."""
    ids = np.full((n_queries, k), NO_ID, dtype=np.int64)
    return Neighbors(ids, np.full((n_queries, k), -np.inf, dtype=np.float32))
