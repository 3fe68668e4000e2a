"""The trace of a walk: a question -> the steps of its search on the graph, and what it missed and why."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from retriever.encoders.base import tokens_of_query
from retriever.fair_lock import MACHINE_LOCK
from retriever.graph.miss_reasons import Miss, explain_misses
from retriever.graph.traversal import Walk
from retriever.indexes.base import SCORE_TIE
from retriever.indexing.collection import IndexedCollection
from retriever.vectors import Float32, Int64, normalize
from ui.inputs import SearchSettings, check_question


@dataclass(frozen=True, eq=False)
class WalkTrace:
    """One question's walk on the graph of the loaded collection.

    query: (dim,) unit vector. true_ids: (at most k,) the nearest passages, by exact search. missed: why each of them
    that counts as missed was not found; a tie at the border is no miss. tokens: of a typed question, of which the model
    reads tokens_read; 0 if they were not counted.
    """

    question: str
    indexed: IndexedCollection
    query: Float32
    walk: Walk
    true_ids: Int64
    missed: Sequence[Miss]
    tokens: int = 0
    tokens_read: int = 0

    def true_among(self, nodes: Sequence[int]) -> int:
        """Return how many of these nodes are among the nearest, by distance: of equally near ones any counts."""
        border = self.walk.to_all[self.true_ids].max() + SCORE_TIE
        return min(sum(bool(self.walk.to_all[node] <= border) for node in nodes), len(self.true_ids))

    @property
    def found(self) -> int:
        """The number of the nearest passages that were found."""
        return len(self.true_ids) - len(self.missed)


def trace_question(question: str | None, settings: SearchSettings, indexed: IndexedCollection) -> WalkTrace:
    """Embed a question and walk the graph for it. Raises ParameterError if it is empty or too long."""
    asked, encoder = check_question(question), indexed.retriever.encoder
    query = normalize(np.asarray(encoder.encode_query([asked]), np.float32))  # (1, dim)
    tokens, tokens_read = tokens_of_query(encoder, asked)
    return replace(trace_walk(asked, query[0], settings, indexed), tokens=tokens, tokens_read=tokens_read)


def trace_walk(question: str, query: Float32, settings: SearchSettings, indexed: IndexedCollection) -> WalkTrace:
    """Walk the graph for a question that is already embedded; query: (dim,) unit vector."""
    k = min(settings.k, len(indexed))
    graph, exact = indexed.measurements.graph, indexed.retriever.exact
    with MACHINE_LOCK.shared():
        walk = graph.walk(query, k, settings.ef)
        truth = exact.search(query[None, :], k)
    with MACHINE_LOCK.shared():
        missed = explain_misses(indexed.retriever.hnsw, graph, query, walk, truth)
    return WalkTrace(question, indexed, query, walk, truth.ids[0], missed)


def hardest_queries(indexed: IndexedCollection, settings: SearchSettings, count: int) -> list[int]:
    """Return the rows of the measuring queries that HNSW does worst on, worst first."""
    k = min(settings.k, len(indexed))
    recalls = indexed.measurements.recalls(k, settings.ef)
    rows: list[int] = np.argsort(recalls, kind="stable")[:count].tolist()
    return rows
