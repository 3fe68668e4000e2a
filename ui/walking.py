"""Walking: a visitor's question -> the walk on the graph that answers it, and what it missed."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from retriever.graph import Walk
from retriever.index import NO_ID, Float32, Int64, Neighbors, normalize
from retriever.indexed import IndexedCollection
from retriever.measurement import knn_recall
from retriever.misses import TIE, Miss, misses
from retriever.side_by_side import differences
from retriever.turns import TURNS
from ui.asking import checked


@dataclass(frozen=True, eq=False)
class Trip:
    """Hold one question's walk on the graph of what is loaded.

    query: (dim,) unit vector. true_ids: (at most k,) the exact neighbours, nearest first. missed: why each true
    neighbour that counts as missed was not found; a tie at the border is no miss.
    """

    question: str
    indexed: IndexedCollection
    query: Float32
    walk: Walk
    true_ids: Int64
    missed: Sequence[Miss]

    def true_among(self, nodes: Sequence[int]) -> int:
        """Count the true neighbours among nodes, by distance: of equally near ones any counts."""
        if not len(self.true_ids):
            return 0
        border = self.walk.to_all[self.true_ids].max() + TIE
        return min(sum(bool(self.walk.to_all[node] <= border) for node in nodes), len(self.true_ids))

    @property
    def found(self) -> int:
        """True neighbours that were found."""
        return len(self.true_ids) - len(self.missed)


def walk_to(question: str | None, k: int, ef: int, indexed: IndexedCollection) -> Trip:
    """Embed a question and walk the graph for it. Raises ParameterError for an empty or a very long question."""
    asked = checked(question)
    query = normalize(np.asarray(indexed.retriever.encoder.encode_query([asked]), np.float32))  # (1, dim)
    return trip_of(asked, query[0], k, ef, indexed)


def trip_of(question: str, query: Float32, k: int, ef: int, indexed: IndexedCollection) -> Trip:
    """Walk the graph for a question that is embedded already, query being (dim,)."""
    k = min(k, len(indexed))
    graph, exact = indexed.graph, indexed.retriever.exact
    with TURNS.work():
        walk = graph.walk(query, k, max(ef, k))
        truth = exact.search(query[None, :], k)
    found = np.full((1, k), NO_ID, np.int64)
    scores = np.full((1, k), -np.inf, np.float32)
    found[0, : len(walk.ids)], scores[0, : len(walk.ids)] = walk.ids, 1 - walk.to_all[walk.ids]
    recall = float(knn_recall(truth, Neighbors(found, scores))[0])
    marks, _ = differences(truth.ids[0], found[0], recall)
    counted = [int(node) for node, missed in zip(truth.ids[0], marks, strict=False) if missed]
    with TURNS.work():
        missed = misses(graph, query, walk, counted)
    return Trip(question, indexed, query, walk, truth.ids[0], missed)


def hardest(indexed: IndexedCollection, k: int, ef: int, count: int) -> list[int]:
    """Return the numbers of the pinned questions that HNSW does worst on at ef, worst first."""
    k = min(k, len(indexed))
    truth, hnsw = indexed.truth(k), indexed.retriever.hnsw
    with TURNS.work():
        found = hnsw.search(indexed.query_vectors, k, ef=ef)
    rows: list[int] = np.argsort(knn_recall(truth, found), kind="stable")[:count].tolist()
    return rows
