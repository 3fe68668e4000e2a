"""The dense retriever: it embeds texts and returns those nearest to a query."""

import threading
from collections.abc import Callable, Mapping, Sequence
from copy import copy
from pathlib import Path
from typing import Any, Self

import numpy as np

from retriever.documents.document import Passage, ScoredPassage
from retriever.encoders.base import Encoder, embed_documents
from retriever.errors import ModelError
from retriever.indexes.base import Neighbors
from retriever.indexes.exact import ExactIndex
from retriever.indexes.hnsw import HNSWIndex, check_graph_settings
from retriever.parameters import check_count
from retriever.progress import progress_bar
from retriever.retrievers.base import (
    Hit,
    check_queries,
    check_query,
    hits_of,
    passages_of_texts,
    scored_passages,
)
from retriever.retrievers.lazy_model import LazyModel
from retriever.storage.snapshot import Snapshot, read_snapshot, write_snapshot
from retriever.vectors import Float32


class DenseRetriever:
    """A retriever that embeds texts with one model and searches them exactly or through an HNSW graph.

    model_name: a name in the catalogue; the model is loaded when it is first needed. dimension: the expected dimension,
    which is checked, or None. M, ef_construction, seed: of the graph, see HNSWIndex. encoder: an encoder of your own
    in place of a catalogue model; model_name is then only its name. device: of the catalogue model, as of load_encoder.

    Searching from several threads is safe, also while another thread adds texts.
    """

    def __init__(
        self,
        model_name: str = "all-MiniLM-L6-v2",
        dimension: int | None = None,
        *,
        M: int = 16,
        ef_construction: int = 200,
        seed: int = 42,
        encoder: Encoder | None = None,
        device: str | None = None,
    ) -> None:
        """Create an empty retriever.

        Raises ModelError for an unknown model or another dimension, ParameterError for M, ef_construction, seed, or a
        device that is not there.
        """
        self.model_name = model_name
        self._model = LazyModel(model_name, encoder, device)
        self.dimension = self._model.dimension
        if dimension is not None and dimension != self.dimension:
            raise ModelError(
                f"{model_name} makes vectors of {self.dimension} dimensions, not {dimension!r}; leave dimension out."
            )
        check_graph_settings(M, ef_construction, seed)
        self.M, self.ef_construction, self.seed = int(M), int(ef_construction), int(seed)  # JSON takes no NumPy ints
        self.passages: Sequence[Passage] = ()  # in the order they were added; replaced, never changed
        self._exact = ExactIndex(np.empty((0, self.dimension), np.float32))
        self._hnsw: HNSWIndex | None = None
        self._lock = threading.Lock()

    @property
    def encoder(self) -> Encoder:
        """The encoder, loaded on first use. Raises ModelError if that fails or loaded vectors have other weights."""
        return self._model.encoder

    @property
    def fingerprint(self) -> str:
        """The identifier of the encoder's weights and precision; empty if it is not known."""
        return self._model.fingerprint

    @property
    def vectors(self) -> Float32:
        """The stored vectors, (n, dim) float32 unit rows, in the order the texts were given; read-only."""
        return self._exact.vectors

    @property
    def nbytes(self) -> int:
        """The bytes of the vectors. The texts and the graph come on top."""
        return self.vectors.nbytes

    @property
    def texts(self) -> list[str]:
        """The texts as the model reads them, in the order they were given."""
        return [passage.encoded_text for passage in self.passages]

    @property
    def metadata(self) -> list[dict[str, Any]]:
        """Copies of the metadata, one dict a text, in the order the texts were given."""
        return [passage.as_metadata() for passage in self.passages]

    @property
    def exact(self) -> ExactIndex:
        """The exact index over the stored vectors."""
        return self._exact

    @property
    def hnsw(self) -> HNSWIndex:
        """The HNSW index over the stored vectors, built on first use."""
        return self.build_graph()

    def build_graph(self, *, progress: Callable[[float], None] | None = None) -> HNSWIndex:
        """Return the HNSW index, built if there is none. progress: called with the fraction inserted, in [0, 1]."""
        with self._lock:
            if self._hnsw is None:
                self._hnsw = HNSWIndex(self._exact.vectors, **self._graph_settings(), progress=progress)
            return self._hnsw

    def with_graph(self, *, M: int, ef_construction: int) -> "DenseRetriever":
        """Return a retriever that shares the texts and vectors and will build a graph with other settings."""
        check_graph_settings(M, ef_construction, self.seed)
        with self._lock:
            other = copy(self)
        other.M, other.ef_construction = int(M), int(ef_construction)
        other._hnsw, other._lock = None, threading.Lock()
        return other

    def index(
        self,
        texts: Sequence[str],
        metadata: Sequence[Mapping[str, Any]] | None = None,
        *,
        known: "DenseRetriever | None" = None,
        progress: Callable[[float], None] | None = None,
        show_progress_bar: bool | None = None,
    ) -> int:
        """Embed texts, add them with copies of their metadata, and return how many had to be embedded.

        A text that is stored already keeps its vector. known: another retriever, whose vectors are reused for equal
        texts if it embedded them itself with the same weights; vectors loaded from disk are untrusted and not reused.
        progress: called with the fraction embedded, in [0, 1]; an exception it raises ends the work, and nothing is
        added. show_progress_bar: None shows one in a notebook or at a prompt, without progress. Raises ParameterError
        if texts is one string, contains anything but strings or differs in number from metadata, and VectorError if the
        encoder's vectors have another dimension or are not finite.
        """
        passages = passages_of_texts(texts, metadata)
        with progress_bar("Embedding", show_progress_bar, progress) as report:
            return self.add(passages, known=known, progress=report)

    def add(
        self,
        passages: Sequence[Passage],
        *,
        known: "DenseRetriever | None" = None,
        prepared: Callable[[list[str]], Mapping[str, Float32]] | None = None,
        progress: Callable[[float], None] | None = None,
    ) -> int:
        """Embed passages of documents and add them, as index does with texts.

        prepared: called with the texts whose vectors are not known; returns unit vectors, (dim,) each, of some of them.
        """
        if not passages:
            return 0
        texts = [passage.encoded_text for passage in passages]
        stored = self._known_vectors(texts, known)
        new = [text for text in dict.fromkeys(texts) if text not in stored]
        if new and prepared:
            stored |= prepared(new)
            new = [text for text in new if text not in stored]
        if new:
            stored.update(zip(new, embed_documents(self.encoder, new, self.dimension, progress=progress), strict=True))
        vectors = np.stack([stored[text] for text in texts])  # (n_texts, dim)
        with self._lock:  # passages first: a concurrent search must find the passage of any row
            exact = ExactIndex(np.concatenate([self._exact.vectors, vectors]))
            self.passages = (*self.passages, *passages)
            self._exact = exact
            if self._hnsw is not None:
                self._hnsw.add(vectors)
        return len(new)

    def _known_vectors(self, texts: list[str], known: "DenseRetriever | None") -> dict[str, Float32]:
        """Return the vectors, (dim,) each, of those texts that were embedded before."""
        # own vectors take precedence, so self comes last
        wanted, sources, stored = set(texts), [self], dict[str, Float32]()
        if known is not None and not known._model.stored_fingerprint and known.fingerprint == self.fingerprint != "":
            sources.insert(0, known)
        for source in sources:
            vectors = source.vectors  # read before the passages, which are added first
            held = enumerate(source.passages[: len(vectors)])
            stored |= {passage.encoded_text: vectors[row] for row, passage in held if passage.encoded_text in wanted}
        return stored

    def search(self, query: str, top_k: int = 10, *, ef: int | None = None) -> list[Hit]:
        """Return the at most top_k texts nearest to the query, nearest first.

        ef: None for exact search, a number for a search of the HNSW graph with that ef (below top_k it has no effect).
        Raises ParameterError if query is not a string, or for top_k or ef below 1.
        """
        check_query(query)
        k = min(check_count("top_k", top_k, 1), len(self.exact))
        if ef is not None:
            check_count("ef", ef, 1)
        if k == 0:
            return []
        vector = self.encoder.encode_query([query])  # (1, dim)
        found = self.exact.search(vector, k) if ef is None else self.hnsw.search(vector, k, ef=ef)
        return hits_of(self.ranking(found))

    def rank(self, queries: Sequence[str], k: int) -> Neighbors:
        """Return the rows of the best k passages of each query by exact search, and their scores, (n_queries, k)."""
        return self.exact.search(self.encoder.encode_query(check_queries(queries)), k)

    def ranking(self, neighbors: Neighbors) -> list[ScoredPassage]:
        """Return the passages of the first query's neighbours, nearest first, without empty places."""
        return scored_passages(self.passages, neighbors)

    def snapshot(self) -> Snapshot:
        """Return the content of this retriever for saving; the graph is built if there is none."""
        graph, settings = self.hnsw, self._graph_settings()
        return Snapshot(self.passages, self.vectors, self.model_name, self.fingerprint, settings, graph)

    def save(self, folder: str | Path) -> None:
        """Write texts, metadata, vectors and graph into a folder, atomically. Raises StorageError if that fails."""
        write_snapshot(folder, self.snapshot())

    @classmethod
    def load(cls, folder: str | Path, *, encoder: Encoder | None = None, device: str | None = None) -> Self:
        """Return the retriever that save wrote, verified. encoder, device: as in the constructor.

        Raises StorageError for a folder that is damaged, not a saved retriever or written by a newer version, and
        ModelError for a model that is not in the catalogue, has other weights now or another dimension.
        """
        return cls.from_snapshot(read_snapshot(folder), encoder=encoder, device=device)

    @classmethod
    def from_snapshot(cls, snapshot: Snapshot, *, encoder: Encoder | None = None, device: str | None = None) -> Self:
        """Return the retriever of a snapshot; if the snapshot has no graph, one is built on first use.

        Raises ModelError as load does.
        """
        dimension = snapshot.vectors.shape[1]
        self = cls(snapshot.model_name, dimension, **snapshot.settings, encoder=encoder, device=device)
        self.passages = tuple(snapshot.passages)
        self._exact, self._hnsw = ExactIndex(snapshot.vectors), snapshot.graph
        self._model.check_stored(snapshot.fingerprint)
        return self

    def _graph_settings(self) -> dict[str, int]:
        return {"M": self.M, "ef_construction": self.ef_construction, "seed": self.seed}
