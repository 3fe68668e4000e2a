"""Measurements of an indexed collection by its pinned queries, each made once and kept."""

import threading
from collections.abc import Callable
from dataclasses import dataclass, field, replace

import numpy as np

from retriever.fair_lock import MACHINE_LOCK
from retriever.graph.pca import PrincipalPlane, fit_plane
from retriever.graph.traversal import HNSWGraph
from retriever.indexes.base import Neighbors
from retriever.measurement.recall_and_latency import Measurement, break_even, count_distances, ef_curve, measure
from retriever.retrievers.dense import DenseRetriever
from retriever.vectors import Float32, Float64


@dataclass(eq=False)
class _OfVectors:
    """What depends on the vectors and the queries alone, so that collections with other graphs share it."""

    truth: dict[int, Neighbors] = field(default_factory=dict)  # by k
    exact: dict[int, Measurement] = field(default_factory=dict)  # by k
    break_even: dict[float, int] = field(default_factory=dict)  # by seconds per query
    plane: tuple[PrincipalPlane, Float32] | None = None  # and the coordinates of the vectors on it, (n, 2)


class Measurements:
    """Measurements of one collection: its exact neighbours, recall and latency, distances, and its graph as arrays.

    All are made when they are first asked for. Visitors who share a collection share them; concurrent callers wait for
    the one measurement.
    """

    def __init__(self, retriever: DenseRetriever, query_vectors: Float32) -> None:
        """Start without measurements; query_vectors: (n_queries, dim) unit rows."""
        self.retriever, self.query_vectors = retriever, query_vectors
        self._lock, self._measuring = threading.Lock(), threading.Lock()
        self._of_vectors = _OfVectors()
        self._curves: dict[int, list[Measurement]] = {}  # by k
        self._distances: dict[tuple[int, int], Float64] = {}  # by k and ef
        self._graph: HNSWGraph | None = None

    def of_graph(self, retriever: DenseRetriever) -> "Measurements":
        """Return the measurements of a retriever with another graph over the same vectors; exact results are shared."""
        other = Measurements(retriever, self.query_vectors)
        other._of_vectors = self._of_vectors
        return other

    def truth(self, k: int) -> Neighbors:
        """Return the exact neighbours of the pinned queries, (n_queries, k)."""
        with self._lock:
            known = self._of_vectors.truth
            if k not in known:
                known[k] = self.retriever.exact.search(self.query_vectors, k)
            return known[k]

    def measure(self, k: int, ef: int) -> Measurement:
        """Return a measurement of HNSW at this ef, made anew by each call."""
        return measure(self.retriever.hnsw, self.query_vectors, self.truth(k), k=k, ef=ef)

    def measure_exact(self, k: int) -> Measurement:
        """Return the measurement of exact search."""
        truth, known = self.truth(k), self._of_vectors.exact
        if k not in known:
            with self._measuring:
                if k not in known:
                    known[k] = measure(self.retriever.exact, self.query_vectors, truth, k=k)
        return known[k]

    def curve(self, k: int, *, progress: Callable[[float], None] | None = None) -> list[Measurement]:
        """Return recall and latency over ef. progress: called with the fraction done, in [0, 1]."""
        truth = self.truth(k)
        if k not in self._curves:
            with self._measuring:
                if k not in self._curves:
                    hnsw = self.retriever.hnsw
                    self._curves[k] = ef_curve(hnsw, self.query_vectors, truth, k=k, progress=progress)
        return self._curves[k]

    def known_curve(self, k: int) -> list[Measurement] | None:
        """Return the curve if it was measured already, else None."""
        return self._curves.get(k)

    def counted(self, measured: Measurement) -> Measurement:
        """Return a measurement of this graph with its distances, counted once per k and ef."""
        key = (measured.k, measured.ef or measured.k)
        if key not in self._distances:
            counts = count_distances(measured, self.graph, self.query_vectors).distances
            self._distances[key] = np.zeros(len(self.query_vectors)) if counts is None else counts
        return replace(measured, distances=self._distances[key])

    def counted_curve(self, k: int, *, progress: Callable[[float], None] | None = None) -> list[Measurement]:
        """Return the curve with the distances at each ef; counting them takes longer than measuring."""
        curve = self.curve(k)
        if any(step.distances is None for step in curve):
            counted = []
            for done, step in enumerate(curve, 1):
                counted.append(self.counted(step))
                if progress:
                    progress(done / len(curve))
            self._curves[k] = counted
        return self._curves[k]

    def break_even(self, hnsw: Measurement) -> int:
        """Return the number of vectors from which on exact search takes longer than a measurement of HNSW."""
        known = self._of_vectors.break_even
        if hnsw.p50 not in known:
            known[hnsw.p50] = break_even(self.retriever.dimension, hnsw.p50, k=hnsw.k)
        return known[hnsw.p50]

    @property
    def graph(self) -> HNSWGraph:
        """The graph of the HNSW index as arrays."""
        hnsw = self.retriever.hnsw
        with self._lock:
            if self._graph is None:
                with MACHINE_LOCK.shared():
                    self._graph = HNSWGraph.of(hnsw)
            return self._graph

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
        with self._lock:
            if self._of_vectors.plane is None:
                with MACHINE_LOCK.shared():  # on all cores: not beside what is timed
                    plane = fit_plane(vectors)
                with MACHINE_LOCK.shared():
                    self._of_vectors.plane = plane, plane.project(vectors)
            return self._of_vectors.plane
