"""The dense retriever whose texts, metadata and vectors stand in a Milvus server: more of them than memory holds."""

import threading
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import islice, repeat
from pathlib import Path
from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike

from retriever.documents.document import Passage
from retriever.encoders.base import Encoder, embed_documents
from retriever.errors import ParameterError, StorageError
from retriever.indexes.base import Neighbors, empty_neighbors
from retriever.indexes.milvus.collection import MilvusLayout
from retriever.indexes.milvus.connection import MilvusConnection
from retriever.indexes.milvus.design import ID, ROW, VECTOR, Design, stored_settings
from retriever.indexes.milvus.index import MAX_EF
from retriever.indexes.milvus.vectors import GraphSettings, MilvusVectors
from retriever.parameters import MAX_K, check_count
from retriever.progress import counter, progress_bar
from retriever.retrievers.base import (
    Hit,
    check_queries,
    check_query,
    check_several,
    check_texts,
    passage_of_text,
)
from retriever.retrievers.lazy_model import LazyModel
from retriever.retrievers.milvus_passages import MAX_BYTES, PASSAGE, Record, StoredPassages, passage_of, record_of
from retriever.storage.snapshot import Snapshot, write_snapshot
from retriever.vectors import Float32, check_vectors, normalize, unit_queries

PASSAGES_PER_BATCH = 1_000  # embedded and stored at once, in memory with their vectors
ROWS_PER_PAGE = 1_500  # read at once by save
SEED = 42  # of the graph that DenseRetriever builds of what save wrote


class MilvusRetriever:
    """A dense retriever whose texts, metadata and vectors stand in a Milvus server, with the calls of DenseRetriever.

    uri, collection, token, shards, exact, ca, M, ef_construction: as of MilvusIndex. timeout: seconds until a search is
    given up, or a server that is away; a busy one keeps who stores waiting. model_name, encoder, device: as of
    DenseRetriever; the model's name and the fingerprint of its weights are kept with the collection.

    A passage is stored once, under an id made of its text and metadata: to index again what was interrupted goes on
    where it was, and what is there already is not embedded again. Passages are streamed in batches, so that memory
    does not grow with their number. One process adds at a time, searches may run in any number of processes.
    """

    def __init__(
        self,
        uri: str,
        collection: str,
        model_name: str = "all-MiniLM-L6-v2",
        *,
        M: int = 16,
        ef_construction: int = 200,
        token: str = "",
        shards: int = 1,
        exact: bool = True,
        timeout: float = 30.0,
        ca: str = "",
        encoder: Encoder | None = None,
        device: str | None = None,
    ) -> None:
        """Connect, and open the collection, or make it where it is missing.

        Raises ModelError for an unknown model or stored vectors of another one's weights, ParameterError for a setting
        outside its range, StorageError if the server cannot be used or the collection is of other settings.
        """
        self.model_name = model_name
        settings = GraphSettings(M, ef_construction, shards, exact).checked()
        self.M, self.ef_construction = settings.M, settings.ef_construction
        self._model = LazyModel(model_name, encoder, device)
        self.dimension = self._model.dimension
        self._connection = MilvusConnection(uri, token=token, timeout=timeout, ca=ca)
        stored = stored_settings(self._connection, collection)
        kept = {
            "model": model_name,
            "fingerprint": stored.get("fingerprint") or self._model.fingerprint,
            "M": str(self.M),
            "ef_construction": str(self.ef_construction),
            "exact": "yes" if settings.exact else "no",
        }
        design = Design(
            self.dimension,
            "HNSW",
            {"M": self.M, "efConstruction": self.ef_construction},
            text_ids=True,
            texts={PASSAGE: MAX_BYTES},
            settings=kept,
        )
        with self._connection.patient():  # a server that has just been started reads the collection first
            self._vectors = MilvusVectors(self._connection, collection, design, settings)
        self._model.check_stored(kept["fingerprint"])
        self._adding = threading.Lock()
        self._next_row: int | None = None  # of the next passage, where it is known

    @classmethod
    def load(
        cls,
        uri: str,
        collection: str,
        *,
        token: str = "",
        timeout: float = 30.0,
        ca: str = "",
        encoder: Encoder | None = None,
        device: str | None = None,
    ) -> Self:
        """Return a connection to a collection that a MilvusRetriever has made, with the settings kept with it.

        Raises StorageError if there is none, and what the constructor raises.
        """
        connection = MilvusConnection(uri, token=token, timeout=timeout, ca=ca)
        stored = stored_settings(connection, collection)
        if "model" not in stored:
            raise StorageError(
                f"The Milvus server at {connection.address} has no collection {collection} of a MilvusRetriever; see "
                "whether the name is right, or make it with MilvusRetriever and index."
            )
        return cls(
            uri,
            collection,
            stored["model"],
            M=int(stored["M"]),
            ef_construction=int(stored["ef_construction"]),
            exact=stored["exact"] == "yes",
            token=token,
            timeout=timeout,
            ca=ca,
            encoder=encoder,
            device=device,
        )

    @property
    def encoder(self) -> Encoder:
        """The encoder, loaded on first use. Raises ModelError if that fails or stored vectors have other weights."""
        return self._model.encoder

    @property
    def fingerprint(self) -> str:
        """The identifier of the weights that made the stored vectors, and of their precision."""
        return self._model.stored_fingerprint

    @property
    def passages(self) -> Sequence[Passage]:
        """The passages in the order they were added, as many as there are now; read from the server when looked at."""
        return StoredPassages(self._vectors.graphs, self._vectors.count())

    @property
    def nbytes(self) -> int:
        """The bytes of the vectors in the server. The texts and the graphs come on top, and exact search's copy."""
        return 4 * self.dimension * self._vectors.count()

    def index(
        self,
        texts: Iterable[str],
        metadata: Iterable[Mapping[str, Any]] | None = None,
        *,
        progress: Callable[[float], None] | None = None,
        show_progress_bar: bool | None = None,
    ) -> int:
        """Embed texts, store them with copies of their metadata, and return how many were not there already.

        texts, metadata: anything that can be iterated over, a generator too; they are taken in batches. progress:
        called with the fraction stored, in [0, 1], or with 0 where texts have no length; an exception it raises ends
        the work. show_progress_bar: as of DenseRetriever; texts without a length are counted. What was stored before an
        error stays, and to index the same texts again goes on from there.
        Raises ParameterError if texts is one string, contains anything but strings, differs in number from metadata, or
        for a text of more than 65,535 bytes as JSON with its metadata; StorageError if the server fails or metadata are
        not JSON; VectorError if the encoder's vectors have another dimension or are not finite.
        """
        check_several(texts)
        if isinstance(texts, Sequence) and (metadata is None or isinstance(metadata, Sequence)):
            check_texts(texts, metadata)  # nothing is stored if one is wrong
        passages = _passages(texts, metadata)
        if isinstance(texts, Sequence):
            with progress_bar("Embedding", show_progress_bar, progress) as report:
                return self._add_all(passages, len(texts), report)
        with counter("Embedding", "passages", show_progress_bar, progress) as count:
            return self._add_all(passages, None, progress, count)

    def add(self, passages: Iterable[Passage], *, progress: Callable[[float], None] | None = None) -> int:
        """Embed passages of documents and store them, as index does with texts."""
        return self._add_all(iter(passages), len(passages) if isinstance(passages, Sequence) else None, progress)

    def add_embedded(self, passages: Sequence[Passage], vectors: ArrayLike) -> int:
        """Store passages whose vectors (n, dim) were made elsewhere by the same model; return how many were new.

        For pipelines that embed in other processes. The graphs hold them once settle has returned.
        """
        unit = normalize(check_vectors(vectors, self.dimension))
        if len(unit) != len(passages):
            raise ParameterError(f"There are {len(passages)} passages and {len(unit)} vectors; wanted one a passage.")
        records = [record_of(passage) for passage in passages]
        made = dict(zip((record.id for record in records), unit, strict=True))
        with self._adding, self._connection.patient():
            first = self._first_free_row(asked=True)
            return self._store(records, first, lambda new: np.stack([made[record.id] for record in new]))

    def are_stored(self, passages: Sequence[Passage]) -> list[bool]:
        """Return of each passage whether it is stored already: its text, its metadata and its vector."""
        ids = [record_of(passage).id for passage in passages]
        with self._connection.patient():
            held = self._vectors.graphs.get(list(dict.fromkeys(ids)), [])
        return [one in held for one in ids]

    def settle(self) -> None:
        """Wait until the graphs hold all that is stored; index and add do so by themselves.

        Nothing is added meanwhile: a server that writes segments may count too few rows, which give the next one its
        number.
        """
        with self._adding:
            self._vectors.settle()

    def search(self, query: str, top_k: int = 10, *, ef: int | None = None) -> list[Hit]:
        """Return the at most top_k texts nearest to the query, nearest first.

        ef: None for exact search, a number for a search of the HNSW graphs with that ef (below top_k it has no effect).
        Raises ParameterError if query is not a string, for top_k or ef outside its range, or for exact search where
        exact=False left its index out; StorageError if the server fails.
        """
        check_query(query)
        k = check_count("top_k", top_k, 1)
        if ef is not None:
            ef = check_count("ef", ef, 1, MAX_EF)
        vector = unit_queries(self.encoder.encode_query([query]), self.dimension)  # (1, dim)
        [found] = self._vectors.search(vector, k, ef=ef, fields=[PASSAGE])
        passages = [(passage_of(hit.fields[PASSAGE]), hit.score) for hit in found]
        return [Hit(text=one.text, score=score, metadata=one.as_metadata()) for one, score in passages]

    def rank(self, queries: Sequence[str], k: int, *, ef: int | None = None) -> Neighbors:
        """Return the rows of the best k passages of each query and their scores, (n_queries, k); ef: as of search."""
        queries, k = check_queries(queries), check_count("k", k, 1, MAX_K)
        if not queries:
            return empty_neighbors(0, k)
        return self._vectors.neighbors(unit_queries(self.encoder.encode_query(queries), self.dimension), k, ef=ef)

    def layout(self) -> MilvusLayout:
        """Return how the server holds the graphs: segments, shards and its version, for a record."""
        return self._vectors.layout()

    def save(self, folder: str | Path) -> None:
        """Write texts, metadata and vectors into a folder, from which DenseRetriever.load makes one in memory.

        For collections that memory holds. Raises StorageError if that fails.
        """
        passages: list[Passage] = []
        unit = np.empty((self._vectors.count(), self.dimension), np.float32)
        for start in range(0, len(unit), ROWS_PER_PAGE):
            rows = range(start, min(start + ROWS_PER_PAGE, len(unit)))
            page = self._vectors.graphs.read_rows(rows, [PASSAGE, VECTOR])
            passages += [passage_of(one[PASSAGE]) for one in page]
            unit[start : start + len(page)] = [one[VECTOR] for one in page]
        settings = {"M": self.M, "ef_construction": self.ef_construction, "seed": SEED}
        write_snapshot(folder, Snapshot(passages, unit, self.model_name, self.fingerprint, settings, None))

    def drop(self) -> None:
        """Delete the collection from the server."""
        self._vectors.drop()

    def close(self) -> None:
        """Close the connection; what is stored stays."""
        self._connection.close()

    def _add_all(
        self,
        passages: Iterator[Passage],
        total: int | None,
        progress: Callable[[float], None] | None,
        count: Callable[[int], None] | None = None,
    ) -> int:
        """Embed and store passages in batches, and return how many were new. count: called with how many are done."""
        seen = new = 0
        try:
            while batch := list(islice(passages, PASSAGES_PER_BATCH)):
                records = [record_of(passage) for passage in batch]
                with self._adding, self._connection.patient():
                    new += self._store(records, self._first_free_row(asked=not seen), self._embed)
                seen += len(batch)
                if count:
                    count(seen)
                if progress:
                    progress(seen / total if total else 0.0)
            if new:
                self.settle()
        except StorageError as error:
            raise StorageError(
                f"{error} {new:,} new passages were stored, and stay; to index the same again goes on from there."
            ) from error
        return new

    def _store(self, records: Sequence[Record], first: int, embed: Callable[[list[Record]], Float32]) -> int:
        """Store those that are not there yet, in rows from first on, and return how many they were.

        The caller holds the lock.
        """
        different = {record.id: record for record in records}
        held = self._vectors.graphs.get(list(different), [])
        new = [record for record in different.values() if record.id not in held]
        if new:
            vectors = embed(new)
            self._next_row = None  # unknown where the next line fails
            self._vectors.insert(
                [
                    {ID: record.id, ROW: first + place, PASSAGE: record.line, VECTOR: vectors[place]}
                    for place, record in enumerate(new)
                ]
            )
        self._next_row = first + len(new)
        return len(new)

    def _first_free_row(self, *, asked: bool) -> int:
        """Return the row of the next passage, asked of the server if it is to be or is not known."""
        if asked or self._next_row is None:
            return self._vectors.complete()
        return self._next_row

    def _embed(self, records: list[Record]) -> Float32:
        return embed_documents(self.encoder, [record.text for record in records], self.dimension)


def _passages(texts: Iterable[str], metadata: Iterable[Mapping[str, Any]] | None) -> Iterator[Passage]:
    """Yield texts with copies of their metadata as passages. Raises ParameterError where they do not fit."""
    given: Iterator[Mapping[str, Any] | None] = repeat(None) if metadata is None else iter(metadata)
    for row, text in enumerate(texts):
        if not isinstance(text, str):
            raise ParameterError(f"texts[{row}] is {type(text).__name__}; every text must be a string.")
        try:
            of_text = next(given)
        except StopIteration:
            raise ParameterError(f"There are {row} metadata and more texts; wanted one dict a text.") from None
        yield passage_of_text(text, of_text)
    if metadata is not None and next(given, None) is not None:
        raise ParameterError("There are more metadata than texts; wanted one dict a text.")
