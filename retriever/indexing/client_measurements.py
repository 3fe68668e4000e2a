"""Measurements of a copy of a collection's vectors behind a network, each made once for all who ask for it."""

from collections.abc import Callable

from retriever.indexes.base import Neighbors
from retriever.indexes.exact import ExactIndex
from retriever.indexing.measurements import LONG_PATIENCE, recent_results, while_waiting
from retriever.measurement.client_latency import ClientMeasurement, client_curve, measure_client
from retriever.measurement.measurement import Measurement
from retriever.measurement.turns import GraphIndex
from retriever.shared_results import SharedResult, SharedResults
from retriever.vectors import Float32


class ClientMeasurements:
    """Measurements of an index behind a network over the vectors of a collection, against exact search in this process.

    They hold nothing of the collection but its exact index and its pinned queries.
    """

    def __init__(self, remote: GraphIndex, lone: GraphIndex, exact: ExactIndex, query_vectors: Float32) -> None:
        """Start without measurements.

        lone: an index of one vector on the same server. query_vectors: (n_queries, dim) unit rows.
        """
        self._remote, self._lone, self._exact, self._query_vectors = remote, lone, exact, query_vectors
        self._truth: SharedResults[int, Neighbors] = SharedResults()  # by k
        self._recent: SharedResults[tuple[int, int], ClientMeasurement] = recent_results()
        self._curves: SharedResults[int, list[Measurement]] = SharedResults(patience=LONG_PATIENCE)  # by k

    def recent(self, k: int, ef: int) -> SharedResult[ClientMeasurement]:
        """Return the measurement at this ef that was made in the last seconds, or is being made, or a new one."""
        remote, lone, exact, queries = self._remote, self._lone, self._exact, self._query_vectors
        truth = self.truth(k)
        return self._recent.get((k, ef), lambda: measure_client(remote, lone, exact, queries, truth, k=k, ef=ef))

    def curve(self, k: int, *, progress: Callable[[float], None] | None = None) -> list[Measurement]:
        """Return recall and latency over ef, measured once. progress: called with the fraction done, in [0, 1]."""
        remote, lone, exact, queries = self._remote, self._lone, self._exact, self._query_vectors
        truth = self.truth(k)

        def make() -> list[Measurement]:
            return client_curve(remote, lone, exact, queries, truth, k=k, progress=progress)

        return self._curves.get(k, make, meanwhile=while_waiting(progress)).value

    def known_curve(self, k: int) -> list[Measurement] | None:
        """Return the curve if it was measured already, else None."""
        return self._curves.known(k)

    def truth(self, k: int) -> Neighbors:
        """Return the exact neighbours of the pinned queries, (n_queries, k)."""
        exact, queries = self._exact, self._query_vectors
        return self._truth.get(k, lambda: exact.search(queries, k)).value
