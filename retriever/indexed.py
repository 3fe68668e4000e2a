"""An indexed collection: documents made searchable stage by stage, with the queries it is measured by.

Chunking, embedding and building the graph are separate stages, so that each can be timed, shown and cancelled,
and so that a change of M or ef_construction builds the graph again without embedding again.
"""

import random
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np

from retriever.chunking import chunk_documents, default_chunk_size
from retriever.collection import Collection, draw_queries
from retriever.dense import DenseRetriever
from retriever.errors import CollectionError, StorageError
from retriever.index import Float32, Neighbors
from retriever.measurement import Measurement, ef_curve, measure
from retriever.models import load_encoder
from retriever.storage import read_snapshot, write_snapshot

Progress = Callable[[str, float], None]  # stage, fraction done in [0, 1]; what it raises ends the work
STAGES = ("reading", "loading the model", "chunking", "embedding", "graph")
PINNED_QUERIES = 100
QUERY_SEED = 42


@dataclass(frozen=True)
class IndexSettings:
    """Say how a collection is to be indexed; chunk_size None takes the model's default. Sizes are in tokens."""

    model_name: str = "all-MiniLM-L6-v2"
    chunk_size: int | None = None
    chunk_overlap: int = 0
    M: int = 16
    ef_construction: int = 200


@dataclass(eq=False)
class IndexedCollection:
    """Hold a collection that can be searched and measured; shared read-only by all who look at it.

    queries: the pinned ones, every measurement uses these and only ef moves; query_vectors: (n_queries, dim).
    n_documents, n_tokens: of what was indexed. seconds: a stage. failed: files that could not be read, and why.
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
    _lock: threading.Lock = field(default_factory=threading.Lock, repr=False)
    _truth: dict[int, Neighbors] = field(default_factory=dict, repr=False)
    _exact: dict[int, Measurement] = field(default_factory=dict, repr=False)
    _curves: dict[int, list[Measurement]] = field(default_factory=dict, repr=False)

    def __len__(self) -> int:
        """Count the passages, each of which is one vector."""
        return len(self.retriever.texts)

    def truth(self, k: int) -> Neighbors:
        """Return the exact neighbours of the pinned queries, (n_queries, k), found once a k."""
        with self._lock:
            if k not in self._truth:
                self._truth[k] = self.retriever.exact.search(self.query_vectors, k)
            return self._truth[k]

    def measure(self, k: int, ef: int) -> Measurement:
        """Measure HNSW at this ef, anew each time."""
        return measure(self.retriever.hnsw, self.query_vectors, self.truth(k), k=k, ef=ef)

    def measure_exact(self, k: int) -> Measurement:
        """Return the measurement of exact search, made once a k."""
        truth = self.truth(k)
        if k not in self._exact:
            self._exact[k] = measure(self.retriever.exact, self.query_vectors, truth, k=k)
        return self._exact[k]

    def curve(self, k: int, *, progress: Callable[[float], None] | None = None) -> list[Measurement]:
        """Return recall and latency over ef, measured once a k."""
        if k not in self._curves:
            self._curves[k] = ef_curve(self.retriever.hnsw, self.query_vectors, self.truth(k), k=k, progress=progress)
        return self._curves[k]

    def known_curve(self, k: int) -> list[Measurement] | None:
        """Return the curve if it was measured already."""
        return self._curves.get(k)

    def with_graph(self, M: int, ef_construction: int, *, progress: Progress | None = None) -> "IndexedCollection":
        """Return the same collection with another graph; vectors, queries and exact results are shared."""
        retriever = self.retriever.with_graph(M=M, ef_construction=ef_construction)
        start = time.perf_counter()
        retriever.build_graph(progress=_stage(progress, "graph"))
        seconds = {**self.seconds, "graph": time.perf_counter() - start}
        settings = replace(self.settings, M=M, ef_construction=ef_construction)
        return replace(
            self, retriever=retriever, settings=settings, seconds=seconds, _lock=threading.Lock(), _curves={}
        )

    def save(self, folder: str | Path) -> None:
        """Write the collection into a folder, atomically; queries and their vectors go along. Raises StorageError."""
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
        }
        arrays = {"query_vectors": np.asarray(self.query_vectors, np.float32)}
        write_snapshot(folder, replace(self.retriever.snapshot(), arrays=arrays, extra=extra))

    @classmethod
    def load(cls, folder: str | Path, *, with_graph: bool = True) -> "IndexedCollection":
        """Read what save wrote, verified; with_graph=False builds the graph anew, for folders of unknown origin.

        Raises StorageError for a folder that is damaged, foreign or too new, ModelError for an unknown model.
        """
        snapshot = read_snapshot(folder, with_graph=with_graph)
        retriever = DenseRetriever.from_snapshot(snapshot)
        try:
            extra = dict(snapshot.extra)
            settings = IndexSettings(**extra.pop("settings"))
            loaded = cls(
                retriever=retriever, settings=settings, query_vectors=snapshot.arrays["query_vectors"], **extra
            )
            _check_loaded(loaded)
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise StorageError(f"The saved collection {Path(folder).name} is damaged ({error}).") from error
        retriever.build_graph()
        return loaded


def index_collection(
    collection: Collection,
    settings: IndexSettings | None = None,
    *,
    progress: Progress | None = None,
    reading_seconds: float = 0.0,
    max_passages: int | None = None,
) -> IndexedCollection:
    """Chunk, embed and link a collection's documents and embed its measuring queries.

    progress: called with a stage of STAGES and the fraction of it that is done. max_passages: more are refused before
    any is embedded. Raises CollectionError if there is no text or too much of it, ChunkingError for a chunk size the
    model does not take, ModelError if the model cannot be loaded.
    """
    settings = settings or IndexSettings()
    seconds = {"reading": reading_seconds}
    with _timed(seconds, "loading the model", progress):
        encoder = load_encoder(settings.model_name)
    with _timed(seconds, "chunking", progress):
        texts, metadata = _passages(collection, settings)
        n_tokens = sum(encoder.count_tokens(texts))
    if not texts:
        raise CollectionError("The documents hold no text; load others.")
    if max_passages is not None and len(texts) > max_passages:
        raise CollectionError(
            f"The documents make {len(texts):,} chunks; at most {max_passages:,} are taken. Load less, or "
            "choose larger chunks."
        )
    retriever = DenseRetriever(settings.model_name, M=settings.M, ef_construction=settings.ef_construction)
    with _timed(seconds, "embedding", progress):
        retriever.index(texts, metadata, progress=_stage(progress, "embedding"))
        queries = _pinned_queries(collection, texts)
        query_vectors = encoder.encode_query(queries)
    with _timed(seconds, "graph", progress):
        retriever.build_graph(progress=_stage(progress, "graph"))
    if collection.passage is None and settings.chunk_size is None:
        settings = replace(settings, chunk_size=default_chunk_size(encoder))
    return IndexedCollection(
        collection.name,
        retriever,
        settings,
        queries,
        query_vectors,
        len(collection.documents),
        n_tokens,
        seconds,
        dict(collection.failed),
        chunked=collection.passage is None,
        drawn=not collection.queries,
    )


def _passages(collection: Collection, settings: IndexSettings) -> tuple[list[str], list[dict[str, Any]]]:
    """Return what is embedded, and for each the metadata that names its document and place."""
    if collection.passage is not None:
        return [collection.passage(document) for document in collection.documents], [
            {**document.metadata, "doc_id": document.doc_id, "title": document.title}
            for document in collection.documents
        ]
    by_id = {document.doc_id: document for document in collection.documents}
    chunks = chunk_documents(
        collection.documents,
        encoder=load_encoder(settings.model_name),
        chunk_size=settings.chunk_size,
        chunk_overlap=settings.chunk_overlap,
    )
    metadata = [
        {
            **by_id[chunk.doc_id].metadata,
            "doc_id": chunk.doc_id,
            "title": by_id[chunk.doc_id].title,
            "chunk_id": chunk.chunk_id,
            "start": chunk.start,
            "end": chunk.end,
        }
        for chunk in chunks
    ]
    return [chunk.text for chunk in chunks], metadata


def _pinned_queries(collection: Collection, texts: Sequence[str]) -> list[str]:
    """Return the queries every measurement of this collection uses: its own, or sentences drawn from it."""
    own = list(collection.queries.values())
    if len(own) > PINNED_QUERIES:
        return random.Random(QUERY_SEED).sample(own, PINNED_QUERIES)
    return own or draw_queries(texts, count=PINNED_QUERIES, seed=QUERY_SEED) or [texts[0][:100]]


def _check_loaded(loaded: IndexedCollection) -> None:
    """Raise ValueError if a loaded collection's parts do not fit together."""
    texts = [loaded.name, *loaded.queries, *loaded.failed.values()]
    if not all(isinstance(text, str) for text in texts) or not loaded.queries:
        raise ValueError("its queries are not texts")
    if loaded.query_vectors.shape != (len(loaded.queries), loaded.retriever.dimension):
        raise ValueError("its queries do not fit their vectors")
    if not np.isfinite(loaded.query_vectors).all() or not len(loaded):
        raise ValueError("its vectors are not usable")
    numbers = [loaded.n_documents, loaded.n_tokens, *loaded.seconds.values()]
    if not all(isinstance(number, int | float) for number in numbers):
        raise ValueError("its counts are not numbers")


def _stage(progress: Progress | None, stage: str) -> Callable[[float], None] | None:
    """Return a progress function of one stage."""
    if progress is None:
        return None
    report = progress
    return lambda fraction: report(stage, fraction)


@contextmanager
def _timed(seconds: dict[str, float], stage: str, progress: Progress | None) -> Iterator[None]:
    """Report the begin and the end of a stage and note its seconds."""
    if progress:
        progress(stage, 0.0)
    start = time.perf_counter()
    yield
    seconds[stage] = time.perf_counter() - start
    if progress:
        progress(stage, 1.0)
