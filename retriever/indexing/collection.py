"""An indexed collection: a retriever over documents, the queries it is measured with, and cached measurements.

A change of M or ef_construction builds the graph again without embedding again. pipeline.py makes a collection from
documents.
"""

import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np

from retriever.errors import StorageError, VectorError
from retriever.evaluation.judged_queries import JudgedQueries, parse_judged_queries
from retriever.graph.pca import PrincipalPlane, fit_plane
from retriever.graph.traversal import HNSWGraph
from retriever.indexes.base import Neighbors
from retriever.indexing.manifest import MAX_QUERIES, check_manifest
from retriever.measurement.recall_and_latency import Measurement, break_even, count_distances, ef_curve, measure
from retriever.progress import Progress, stage_progress
from retriever.retrievers.dense import DenseRetriever
from retriever.storage.snapshot import read_snapshot, write_snapshot
from retriever.storage.untrusted_files import short_reason
from retriever.vectors import Float32, Float64, unit_queries


@dataclass(frozen=True)
class IndexSettings:
    """Settings of indexing a collection. Sizes are in tokens; chunk_size: None for the model's default."""

    model_name: str = "all-MiniLM-L6-v2"
    chunk_size: int | None = None
    chunk_overlap: int = 0
    M: int = 16
    ef_construction: int = 200


@dataclass(eq=False)
class IndexedCollection:
    """A collection that can be searched and measured; shared read-only by all sessions that use it.

    queries: the pinned queries, used by every measurement, so that only ef varies. query_vectors: (n_queries, dim) unit
    rows. n_documents, n_tokens: of what was indexed. n_cut: passages longer than the model's limit. n_kept: texts whose
    vectors were known already. seconds: stage -> its duration. failed: file that could not be read -> reason. chunked:
    whether documents were cut into chunks. judged: queries with judgments, if the collection has any.
    """

    name: str
    retriever: DenseRetriever
    settings: IndexSettings
    queries: Sequence[str]
    query_vectors: Float32
    n_documents: int
    n_tokens: int
    seconds: Mapping[str, float]
    failed: Mapping[str, str] = field(default_factory=dict)
    chunked: bool = True
    drawn: bool = False  # whether the queries are sentences drawn from the documents
    n_cut: int = 0
    n_kept: int = 0
    judged: JudgedQueries | None = None
    _lock: threading.Lock = field(default_factory=threading.Lock, repr=False)
    _measuring: threading.Lock = field(default_factory=threading.Lock, repr=False)
    _truth: dict[int, Neighbors] = field(default_factory=dict, repr=False)
    _exact: dict[int, Measurement] = field(default_factory=dict, repr=False)
    _curves: dict[int, list[Measurement]] = field(default_factory=dict, repr=False)
    _break_even: dict[float, int] = field(default_factory=dict, repr=False)
    _graph: HNSWGraph | None = field(default=None, repr=False)
    _plane: tuple[PrincipalPlane, Float32] | None = field(default=None, repr=False)
    _distances: dict[tuple[int, int], Float64] = field(default_factory=dict, repr=False)

    def __len__(self) -> int:
        """Return the number of passages, each of which is one vector."""
        return len(self.retriever.texts)

    def truth(self, k: int) -> Neighbors:
        """Return the exact neighbours of the pinned queries, (n_queries, k), computed once per k."""
        with self._lock:
            if k not in self._truth:
                self._truth[k] = self.retriever.exact.search(self.query_vectors, k)
            return self._truth[k]

    def measure(self, k: int, ef: int) -> Measurement:
        """Return a measurement of HNSW at this ef, made anew by each call."""
        return measure(self.retriever.hnsw, self.query_vectors, self.truth(k), k=k, ef=ef)

    def counted(self, measured: Measurement) -> Measurement:
        """Return a measurement of this graph with its distances, counted once per k and ef."""
        key = (measured.k, measured.ef or measured.k)
        if key not in self._distances:
            counts = count_distances(measured, self.graph, self.query_vectors).distances
            self._distances[key] = np.zeros(len(self.queries)) if counts is None else counts
        return replace(measured, distances=self._distances[key])

    @property
    def graph(self) -> HNSWGraph:
        """The graph of the HNSW index as arrays, read once."""
        hnsw = self.retriever.hnsw
        with self._lock:
            if self._graph is None:
                self._graph = HNSWGraph.of(hnsw)
            return self._graph

    @property
    def plane(self) -> PrincipalPlane:
        """The plane of the vectors' first two principal components, computed once."""
        return self._projection()[0]

    @property
    def positions(self) -> Float32:
        """The coordinates of the vectors on the plane, (n, 2)."""
        return self._projection()[1]

    def _projection(self) -> tuple[PrincipalPlane, Float32]:
        vectors = self.retriever.vectors
        with self._lock:
            if self._plane is None:
                plane = fit_plane(vectors)
                self._plane = plane, plane.project(vectors)
            return self._plane

    def measure_exact(self, k: int) -> Measurement:
        """Return the measurement of exact search, made once per k."""
        truth = self.truth(k)
        if k not in self._exact:
            with self._measuring:  # concurrent callers wait for this measurement
                if k not in self._exact:
                    self._exact[k] = measure(self.retriever.exact, self.query_vectors, truth, k=k)
        return self._exact[k]

    def curve(self, k: int, *, progress: Callable[[float], None] | None = None) -> list[Measurement]:
        """Return recall and latency over ef, measured once per k. progress: called with the fraction done."""
        truth = self.truth(k)
        if k not in self._curves:
            with self._measuring:  # concurrent callers wait for this measurement
                if k not in self._curves:
                    hnsw = self.retriever.hnsw
                    self._curves[k] = ef_curve(hnsw, self.query_vectors, truth, k=k, progress=progress)
        return self._curves[k]

    def counted_curve(self, k: int, *, progress: Callable[[float], None] | None = None) -> list[Measurement]:
        """Return the curve with the distances at each ef, counted once per k, which takes longer than measuring."""
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
        if hnsw.p50 not in self._break_even:
            self._break_even[hnsw.p50] = break_even(self.retriever.dimension, hnsw.p50, k=hnsw.k)
        return self._break_even[hnsw.p50]

    def known_curve(self, k: int) -> list[Measurement] | None:
        """Return the curve if it was measured already, else None."""
        return self._curves.get(k)

    def with_graph(self, M: int, ef_construction: int, *, progress: Progress | None = None) -> "IndexedCollection":
        """Return the same collection with another graph; vectors, queries and exact results are shared."""
        retriever = self.retriever.with_graph(M=M, ef_construction=ef_construction)
        start = time.perf_counter()
        retriever.build_graph(progress=stage_progress(progress, "graph"))
        seconds = {**self.seconds, "graph": time.perf_counter() - start}
        settings = replace(self.settings, M=M, ef_construction=ef_construction)
        other = self.renewed(retriever=retriever, settings=settings, seconds=seconds)
        other._truth, other._exact, other._break_even = self._truth, self._exact, self._break_even
        other._plane = self._plane
        return other

    def renewed(self, **changes: Any) -> "IndexedCollection":  # noqa: ANN401 - fields of any type
        """Return the same collection with some fields changed and no measurements."""
        other = replace(self, **changes)
        other._lock, other._measuring = threading.Lock(), threading.Lock()
        other._truth, other._exact, other._curves, other._break_even, other._distances = {}, {}, {}, {}, {}
        other._graph = other._plane = None
        return other

    def save(self, folder: str | Path) -> None:
        """Write the collection into a folder, atomically. Raises StorageError for too many queries or on failure."""
        if len(self.queries) > MAX_QUERIES:
            raise StorageError(
                f"There are {len(self.queries):,} queries to measure by; at most {MAX_QUERIES:,} are kept."
            )
        extra = {
            "name": self.name,
            "settings": asdict(self.settings),
            "queries": list(self.queries),
            "n_documents": self.n_documents,
            "n_tokens": self.n_tokens,
            "seconds": dict(self.seconds),
            "failed": dict(self.failed),
            "chunked": self.chunked,
            "drawn": self.drawn,
            "n_cut": self.n_cut,
            "n_kept": self.n_kept,
            "judged": self.judged.as_dict() if self.judged else None,
        }
        arrays = {"query_vectors": np.asarray(self.query_vectors, np.float32)}
        write_snapshot(folder, replace(self.retriever.snapshot(), arrays=arrays, extra=extra))

    @classmethod
    def load(
        cls, folder: str | Path, *, with_graph: bool = True, progress: Progress | None = None
    ) -> "IndexedCollection":
        """Return the collection that save wrote, verified.

        with_graph: False builds the graph again, for untrusted folders: their graph can do no harm, but it may be worse
        than its settings imply, and measurements of it wrong. progress: called with the stage "graph" and the fraction
        built; an exception it raises ends the work. Raises StorageError for a folder that is damaged, not a saved
        collection or written by a newer version, ModelError for an unknown model.
        """
        snapshot = read_snapshot(folder, with_graph=with_graph)
        retriever = DenseRetriever.from_snapshot(snapshot)
        try:
            extra = {key: value for key, value in snapshot.extra.items() if not key.startswith("_")}
            check_manifest(extra)
            settings, judged = IndexSettings(**extra.pop("settings")), extra.pop("judged", None)
            loaded = cls(
                retriever=retriever,
                settings=settings,
                query_vectors=unit_queries(snapshot.arrays["query_vectors"], retriever.dimension),
                judged=None if judged is None else parse_judged_queries(judged),
                **extra,
            )
            _check_loaded(loaded)
        except (LookupError, TypeError, ValueError, AttributeError, VectorError) as error:
            raise StorageError(
                f"The saved collection {Path(folder).name} is damaged ({short_reason(error)})."
            ) from error
        retriever.build_graph(progress=stage_progress(progress, "graph"))
        return loaded


def _check_loaded(loaded: IndexedCollection) -> None:
    """Raise ValueError if a loaded collection's parts do not fit together."""
    made_with, retriever = loaded.settings, loaded.retriever
    named = made_with.model_name, made_with.M, made_with.ef_construction
    if named != (retriever.model_name, retriever.M, retriever.ef_construction):
        raise ValueError("its settings are not those of its graph")
    if len(loaded.query_vectors) != len(loaded.queries):
        raise ValueError("its queries do not fit their vectors")
    if not len(loaded):
        raise ValueError("it holds no passages")
