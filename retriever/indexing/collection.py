"""An indexed collection: a retriever over documents, and the queries it is measured with.

A change of M or ef_construction builds the graph again without embedding again. pipeline.py makes a collection from
documents.
"""

import hashlib
import time
from collections.abc import Mapping, Sequence
from dataclasses import InitVar, asdict, dataclass, field, replace
from functools import cached_property
from pathlib import Path

import numpy as np

from retriever.datasets.collection import Origin
from retriever.errors import StorageError, VectorError
from retriever.evaluation.judged_queries import JudgedQueries, parse_judged_queries
from retriever.indexing.manifest import MAX_QUERIES, check_manifest
from retriever.indexing.measurements import Measurements
from retriever.progress import Progress, stage_progress
from retriever.retrievers.dense import DenseRetriever
from retriever.storage.snapshot import read_snapshot, write_snapshot
from retriever.storage.untrusted_files import short_reason
from retriever.vectors import Float32, unit_queries


@dataclass(frozen=True)
class IndexSettings:
    """Settings of indexing a collection. Sizes are in tokens; chunk_size: None for the model's default."""

    model_name: str = "all-MiniLM-L6-v2"
    chunk_size: int | None = None
    chunk_overlap: int = 0
    M: int = 16
    ef_construction: int = 200


@dataclass(frozen=True, eq=False)
class IndexedCollection:
    """A collection that can be searched and measured; all sessions that use it share it.

    queries: the pinned queries, used by every measurement, so that only ef varies. query_vectors: (n_queries, dim) unit
    rows. n_documents, n_tokens: of what was indexed. n_cut: passages longer than the model's limit. n_kept: texts whose
    vectors were known already. n_packed: texts whose vectors came with this package. seconds: stage -> its duration.
    failed: file or part of it that could not be read -> reason. notes: file -> what was guessed, chosen or left out
    while it was read. chunked: whether documents were cut into chunks. judged: queries with
    judgments, if the collection has any. from_saved: whether the seconds are those of the build that was saved, and now
    loaded. origin: where the documents come from, if that is known. chunked_with: the model whose tokens the chunks
    were counted in, where that is not the one that embedded them; else empty. measurements: what was measured with the
    pinned queries.
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
    n_packed: int = 0
    judged: JudgedQueries | None = None
    notes: Mapping[str, Sequence[str]] = field(default_factory=dict)
    from_saved: bool = False
    origin: Origin | None = None
    chunked_with: str = ""
    measurements: Measurements = field(init=False, repr=False)
    measurements_of: InitVar[Measurements | None] = None  # of this retriever, if there are some already

    def __post_init__(self, measurements_of: Measurements | None) -> None:
        """Start without measurements: a changed copy of a collection has none of the old one's."""
        measurements = measurements_of or Measurements(self.retriever, self.query_vectors)
        object.__setattr__(self, "measurements", measurements)

    def __len__(self) -> int:
        """Return the number of passages, each of which is one vector."""
        return len(self.retriever.passages)

    @cached_property
    def texts_sha256(self) -> str:
        """The SHA-256 of all passages as the model reads them and of the measuring queries, in their order."""
        digest = hashlib.sha256()
        for text in (*(passage.encoded_text for passage in self.retriever.passages), *self.queries):
            digest.update(text.encode("utf-8", "surrogatepass") + b"\0")
        return digest.hexdigest()

    def with_graph(self, M: int, ef_construction: int, *, progress: Progress | None = None) -> "IndexedCollection":
        """Return the same collection with another graph; vectors, queries and exact results are shared.

        Its seconds are those of what was done for it: building the graph.
        """
        retriever = self.retriever.with_graph(M=M, ef_construction=ef_construction)
        start = time.perf_counter()
        retriever.build_graph(progress=stage_progress(progress, "graph"))
        seconds = {"graph": time.perf_counter() - start}
        settings = replace(self.settings, M=M, ef_construction=ef_construction)
        shared = self.measurements.of_graph(retriever)
        return replace(
            self, retriever=retriever, settings=settings, seconds=seconds, from_saved=False, measurements_of=shared
        )

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
            "notes": {name: list(sentences) for name, sentences in self.notes.items()},
            "chunked": self.chunked,
            "drawn": self.drawn,
            "n_cut": self.n_cut,
            "n_kept": self.n_kept,
            "n_packed": self.n_packed,
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
            extra = dict(snapshot.extra)
            check_manifest(extra)
            settings, judged = IndexSettings(**extra.pop("settings")), extra.pop("judged", None)
            loaded = cls(
                retriever=retriever,
                settings=settings,
                query_vectors=unit_queries(snapshot.arrays["query_vectors"], retriever.dimension),
                judged=None if judged is None else parse_judged_queries(judged),
                from_saved=True,
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
