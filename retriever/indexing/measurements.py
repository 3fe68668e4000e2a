"""Measurements of an indexed collection by its pinned queries, each made once for all who ask for it."""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from retriever.fair_lock import MACHINE_LOCK
from retriever.graph.pca import PrincipalPlane, fit_plane
from retriever.graph.traversal import HNSWGraph
from retriever.indexes.base import Neighbors
from retriever.indexes.recall import knn_recall
from retriever.indexing.copies import Copies, count_copies
from retriever.measurement.curve import ef_curve
from retriever.measurement.measurement import Measurement, PairedMeasurement
from retriever.measurement.recall_and_latency import count_distances, measure_pair
from retriever.retrievers.dense import DenseRetriever
from retriever.shared_results import SharedResult, SharedResults, once_per_process
from retriever.vectors import Float32, Float64

RECENT_SECONDS = 5.0  # seconds for which a measurement, or the answer to a question, serves all who ask for it
BUSY_SECONDS = 600.0  # and while others wait for the machine: a new one would be made in a crowd, and make them wait
MOST_RECENT = 128  # such results kept at once by one collection
LONG_PATIENCE = 10.0  # seconds to wait for another caller with what takes long even alone
BUILD_PATIENCE = 600.0  # and with another retriever, which nobody should make twice


@dataclass(eq=False)
class _OfVectors:
    """What depends on the vectors and the queries alone, so that collections with other graphs share it."""

    truth: SharedResults[int, Neighbors] = field(default_factory=SharedResults)  # by k
    copies: SharedResults[None, Copies] = field(default_factory=SharedResults)
    plane: SharedResults[None, tuple[PrincipalPlane, Float32]] = field(
        default_factory=lambda: SharedResults(patience=LONG_PATIENCE)
    )
    retrievers: SharedResults[str, Any] = field(default_factory=lambda: SharedResults(patience=BUILD_PATIENCE))


class Measurements:
    """Measurements of one collection: its exact neighbours, recall and latency, distances, and its graph as arrays.

    All are made when they are first asked for. Visitors who share a collection share them; concurrent callers wait for
    the one measurement. answers: to questions, of the last seconds, for those who search. elsewhere: copies of the
    vectors in other engines, indexed with the same settings, by the engine's name; as long as these are held.
    """

    def __init__(self, retriever: DenseRetriever, query_vectors: Float32) -> None:
        """Start without measurements; query_vectors: (n_queries, dim) unit rows."""
        self.retriever, self.query_vectors = retriever, query_vectors
        self.answers: SharedResults[tuple[str | int, ...], Any] = recent_results()
        self.elsewhere: SharedResults[str, Any] = once_per_process()
        self._of_vectors = _OfVectors()
        self._recent: SharedResults[tuple[int, int], PairedMeasurement] = recent_results()
        self._curves: SharedResults[int, list[Measurement]] = SharedResults(patience=LONG_PATIENCE)  # by k
        self._repeated: set[int] = set()  # k of the curves that were measured again
        self._counted_curves: SharedResults[int, list[Measurement]] = SharedResults(patience=LONG_PATIENCE)
        self._recalls: SharedResults[tuple[int, int], Float64] = SharedResults()  # by k and ef
        self._distances: SharedResults[tuple[int, int], Float64] = SharedResults(patience=LONG_PATIENCE)  # by k and ef
        self._graph: SharedResults[None, HNSWGraph] = SharedResults(patience=LONG_PATIENCE)

    def of_graph(self, retriever: DenseRetriever) -> "Measurements":
        """Return the measurements of a retriever with another graph over the same vectors; exact results are shared."""
        other = Measurements(retriever, self.query_vectors)
        other._of_vectors = self._of_vectors
        return other

    def truth(self, k: int) -> Neighbors:
        """Return the exact neighbours of the pinned queries, (n_queries, k)."""
        exact = self.retriever.exact
        return self._of_vectors.truth.get(k, lambda: exact.search(self.query_vectors, k)).value

    def recalls(self, k: int, ef: int) -> Float64:
        """Return recall@k of each pinned query at this ef, (n_queries,) in [0, 1]; nothing is timed."""
        truth, hnsw = self.truth(k), self.retriever.hnsw

        def search() -> Float64:
            with MACHINE_LOCK.shared():
                return knn_recall(truth, hnsw.search(self.query_vectors, k, ef=ef))

        return self._recalls.get((k, ef), search).value

    def measure(self, k: int, ef: int) -> PairedMeasurement:
        """Return a measurement of HNSW at this ef and of exact search, made anew by each call."""
        retriever, truth = self.retriever, self.truth(k)
        return measure_pair(retriever.hnsw, retriever.exact, self.query_vectors, truth, k=k, ef=ef)

    def recent(self, k: int, ef: int) -> SharedResult[PairedMeasurement]:
        """Return the measurement at this ef that was made in the last seconds, or is being made, or a new one.

        A class that moves its sliders to the same place measures once, and nobody waits for thirty equal measurements.
        """
        return self._recent.get((k, ef), lambda: self.measure(k, ef))

    def curve(self, k: int, *, progress: Callable[[float], None] | None = None) -> list[Measurement]:
        """Return recall and latency over ef, measured once; again where that was in a crowd which has gone.

        progress: called with the fraction done, in [0, 1].
        """
        known = self.known_curve(k)
        if known is not None and self.has_curve(k):
            return known
        if known is not None:
            self._repeated.add(k)
            self._curves.forget(k)
            self._counted_curves.forget(k)
        truth, hnsw, beside = self.truth(k), self.retriever.hnsw, self.retriever.exact

        def make() -> list[Measurement]:
            return ef_curve(hnsw, self.query_vectors, truth, k=k, beside=beside, progress=progress)

        return self._curves.get(k, make, meanwhile=while_waiting(progress)).value

    def has_curve(self, k: int) -> bool:
        """Return whether the curve was measured, and need not be measured again now.

        One that was measured in a crowd is, once, as soon as the crowd has gone.
        """
        known = self.known_curve(k)
        if known is None:
            return False
        return MACHINE_LOCK.contended or k in self._repeated or not any(step.crowded for step in known)

    def known_curve(self, k: int) -> list[Measurement] | None:
        """Return the curve if it was measured already, with distances if they were counted; else None."""
        return self._counted_curves.known(k) or self._curves.known(k)

    def counted(self, measured: Measurement) -> Measurement:
        """Return a measurement of this graph with its distances, counted once per k and ef."""

        def count() -> Float64:
            counts = count_distances(measured, self.graph, self.query_vectors).distances
            return np.zeros(len(self.query_vectors)) if counts is None else counts

        return replace(measured, distances=self._distances.get((measured.k, measured.ef or measured.k), count).value)

    def counted_curve(self, k: int, *, progress: Callable[[float], None] | None = None) -> list[Measurement]:
        """Return the curve with the distances at each ef; counting them takes longer than measuring."""
        curve = self.curve(k)

        def count() -> list[Measurement]:
            counted = []
            for done, step in enumerate(curve, 1):
                counted.append(self.counted(step))
                if progress:
                    progress(done / len(curve))
            return counted

        return self._counted_curves.get(k, count, meanwhile=while_waiting(progress)).value

    @property
    def retrievers(self) -> SharedResults[str, Any]:
        """Other retrievers over the same passages, by name: made by the first who asks, as long as these are held."""
        return self._of_vectors.retrievers

    @property
    def graph(self) -> HNSWGraph:
        """The graph of the HNSW index as arrays."""
        hnsw = self.retriever.hnsw

        def read() -> HNSWGraph:
            with MACHINE_LOCK.shared():
                return HNSWGraph.of(hnsw)

        return self._graph.get(None, read).value

    @property
    def copies(self) -> Copies:
        """The passages that are copies of another."""
        vectors, passages = self.retriever.vectors, self.retriever.passages
        return self._of_vectors.copies.get(None, lambda: count_copies(vectors, passages)).value

    @property
    def plane(self) -> PrincipalPlane:
        """The plane of the vectors' first two principal components."""
        return self._projection()[0]

    @property
    def positions(self) -> Float32:
        """The coordinates of the vectors on the plane, (n, 2)."""
        return self._projection()[1]

    def _projection(self) -> tuple[PrincipalPlane, Float32]:
        vectors = self.retriever.vectors

        def fit() -> tuple[PrincipalPlane, Float32]:
            with MACHINE_LOCK.shared():  # on all cores: not beside what is timed
                plane = fit_plane(vectors)
            with MACHINE_LOCK.shared():
                return plane, plane.project(vectors)

        return self._of_vectors.plane.get(None, fit).value


def recent_results() -> SharedResults[Any, Any]:
    """Return results that serve others for RECENT_SECONDS, and for BUSY_SECONDS while others wait for the machine."""
    return SharedResults(
        BUSY_SECONDS, most=MOST_RECENT, max_age=lambda: BUSY_SECONDS if MACHINE_LOCK.contended else RECENT_SECONDS
    )


def while_waiting(progress: Callable[[float], None] | None) -> Callable[[], None] | None:
    """Return what reports to progress that nothing is done yet, so that the caller can be cancelled meanwhile."""
    if progress is None:
        return None
    report = progress
    return lambda: report(0.0)
