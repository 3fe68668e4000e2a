"""The indexing pipeline: documents are chunked, embedded and linked into a graph.

The stages are separate, so that each can be timed, shown and cancelled.
"""

import random
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace

import numpy as np

from retriever.chunking.chunker import chunk_documents, default_chunk_size
from retriever.datasets.collection import Collection
from retriever.datasets.drawn_queries import draw_queries
from retriever.documents.document import Document, Passage
from retriever.encoders.base import Encoder
from retriever.encoders.catalogue import model_card
from retriever.encoders.loading import LOADING, load_encoder
from retriever.errors import CollectionError
from retriever.indexing.collection import IndexedCollection, IndexSettings
from retriever.indexing.packed_vectors import pack_agrees, packed_vectors
from retriever.progress import Progress, stage_progress
from retriever.retrievers.dense import DenseRetriever
from retriever.vectors import Float32, check_vectors, normalize

STAGES = ("reading", LOADING, "chunking", "embedding", "graph", "queries")  # the model later if all vectors are packed
PINNED_QUERIES = 100
QUERY_SEED = 42


def index_collection(
    collection: Collection,
    settings: IndexSettings | None = None,
    *,
    progress: Progress | None = None,
    reading_seconds: float = 0.0,
    max_passages: int | None = None,
    admit: Callable[[int], None] | None = None,
    known: IndexedCollection | None = None,
) -> IndexedCollection:
    """Return a collection indexed: its documents chunked, embedded and linked, its pinned queries embedded.

    progress: called with a stage of STAGES and the fraction done. max_passages: more are refused before any is
    embedded. admit: called with their number before that, so that a host can limit the memory; an exception it raises
    ends the work. known: a collection whose vectors are reused for equal texts of the same model. Raises
    CollectionError if there is no text or too much of it, or if the judgments fit none of it, ChunkingError for a
    chunk size that the model does not take, ModelError if the model cannot be loaded.
    """
    settings = settings or IndexSettings()
    seconds = {"reading": reading_seconds}
    if collection.passage is not None:
        # before a model is loaded or downloaded
        _check_passage_count(len(collection.documents), max_passages, chunked=False)
    if collection.judged is not None:
        collection.judged.coverage(document.doc_id for document in collection.documents)
    if collection.passage is None or not model_card(settings.model_name).packaged:
        encoder = _load(settings.model_name, seconds, progress)
        if collection.passage is None and settings.chunk_size is None:
            size = collection.chunk_size or default_chunk_size(encoder)
            settings = replace(settings, chunk_size=min(size, encoder.max_tokens or size))
    with _timed_stage(seconds, "chunking", progress):
        passages = passages_of(collection, settings)
    _check_passage_count(len(passages), max_passages, chunked=collection.passage is None)
    if admit:
        admit(len(passages))
    retriever = _empty_retriever(settings)
    empty = IndexedCollection(
        collection.name,
        retriever,
        settings,
        _pinned_queries(collection, [passage.text or passage.title for passage in passages]),
        np.empty((0, retriever.dimension), np.float32),
        len(collection.documents),
        0,
        seconds,
        dict(collection.failed),
        chunked=collection.passage is None,
        drawn=not collection.queries,
        judged=collection.judged,
        notes={name: list(sentences) for name, sentences in collection.notes.items()},
        origin=collection.origin,
    )
    return _embed_and_link(empty, passages, progress, known)


def with_model(indexed: IndexedCollection, model_name: str, *, progress: Progress | None = None) -> IndexedCollection:
    """Return the same passages and queries embedded with another model; judgments and graph settings are kept.

    Only the model changes: the passages stay the same, even if they were chunked to the first model's limit. Raises
    ModelError if the model cannot be loaded.
    """
    settings = replace(indexed.settings, model_name=model_name)
    seconds: dict[str, float] = {}
    if not model_card(model_name).packaged:
        _load(model_name, seconds, progress)
    chunked_with = (indexed.chunked_with or indexed.settings.model_name) if indexed.chunked else ""
    empty = replace(
        indexed,
        retriever=_empty_retriever(settings),
        settings=settings,
        seconds=seconds,
        chunked_with="" if chunked_with == model_name else chunked_with,
    )
    return _embed_and_link(empty, indexed.retriever.passages, progress)


def _embed_and_link(
    empty: IndexedCollection,
    passages: Sequence[Passage],
    progress: Progress | None,
    known: IndexedCollection | None = None,
    *,
    use_pack: bool = True,
) -> IndexedCollection:
    """Return a collection with its empty retriever filled: passages and queries are embedded, the graph is built.

    Where the pack holds all vectors the model is needed for the check and the queries only, so that another thread can
    load it while the graph is built.
    """
    retriever, seconds = empty.retriever, dict(empty.seconds)
    texts = [passage.encoded_text for passage in passages]
    packed: dict[str, Float32] = {}

    def prepared(new: list[str]) -> dict[str, Float32]:
        if use_pack:
            packed.update(packed_vectors(new, retriever.fingerprint))
        return packed

    unique = set(texts)
    if known or not use_pack or len(packed_vectors(unique, retriever.fingerprint)) < len(unique):
        _load(retriever.model_name, seconds, progress)
    with _timed_stage(seconds, "embedding", progress):
        known_retriever = known.retriever if known else None
        n_new = retriever.add(
            passages, known=known_retriever, prepared=prepared, progress=stage_progress(progress, "embedding")
        )
    with _timed_stage(seconds, "graph", progress):
        retriever.build_graph(progress=stage_progress(progress, "graph"))
    encoder = _load(retriever.model_name, seconds, progress)
    if packed and not pack_agrees(packed, encoder):
        again = replace(empty, retriever=_empty_retriever(empty.settings))
        return _embed_and_link(again, passages, progress, known, use_pack=False)
    with _timed_stage(seconds, "queries", progress):
        query_vectors = normalize(check_vectors(encoder.encode_query(empty.queries), what="query vectors"))
        counts = encoder.count_tokens(texts)
    n_cut = sum(count > encoder.max_tokens for count in counts) if encoder.max_tokens else 0
    return replace(
        empty,
        query_vectors=query_vectors,
        seconds=seconds,
        n_tokens=sum(counts),
        n_cut=n_cut,
        n_kept=len(unique) - n_new - len(packed),
        n_packed=len(packed),
    )


def _empty_retriever(settings: IndexSettings) -> DenseRetriever:
    return DenseRetriever(settings.model_name, M=settings.M, ef_construction=settings.ef_construction)


def _load(model_name: str, seconds: dict[str, float], progress: Progress | None) -> Encoder:
    """Return a model's encoder, loaded in a stage of its own if that has not been."""
    if LOADING not in seconds:
        with _timed_stage(seconds, LOADING, progress):
            load_encoder(model_name, progress=progress)
    return load_encoder(model_name)


def _check_passage_count(n_passages: int, max_passages: int | None, *, chunked: bool) -> None:
    """Raise CollectionError if there are no passages or more than max_passages."""
    if not n_passages:
        raise CollectionError("The documents hold no text; load others.")
    if max_passages is not None and n_passages > max_passages:
        found = f"The documents make {n_passages:,} chunks" if chunked else f"There are {n_passages:,} passages"
        other = ", or choose larger chunks" if chunked else ""
        raise CollectionError(f"{found}; at most {max_passages:,} are taken. Load less{other}.")


def passages_of(collection: Collection, settings: IndexSettings) -> list[Passage]:
    """Return the passages of a collection: its documents, or chunks of them."""
    if collection.passage is not None:
        return [
            _passage(document, document.text, collection.passage(document), document.doc_id)
            for document in collection.documents
        ]
    by_id = {document.doc_id: document for document in collection.documents}
    chunks = chunk_documents(
        collection.documents,
        encoder=load_encoder(settings.model_name),
        chunk_size=settings.chunk_size,
        chunk_overlap=settings.chunk_overlap,
    )
    return [
        _passage(by_id[chunk.doc_id], chunk.text, chunk.encoded_text, chunk.chunk_id, (chunk.start, chunk.end))
        for chunk in chunks
    ]


def _passage(
    document: Document, text: str, encoded_text: str, passage_id: str, span: tuple[int, int] | None = None
) -> Passage:
    """Return a passage of a document."""
    source = str(document.metadata.get("source") or "")
    return Passage(text, encoded_text, passage_id, document.doc_id, document.title, source, span, document.metadata)


def _pinned_queries(collection: Collection, texts: Sequence[str]) -> list[str]:
    """Return the queries of every measurement: at most 100 of the collection's own, or sentences of its texts."""
    own = list(collection.queries.values())
    if len(own) > PINNED_QUERIES:
        return random.Random(QUERY_SEED).sample(own, PINNED_QUERIES)
    return own or draw_queries(texts, count=PINNED_QUERIES, seed=QUERY_SEED) or [texts[0][:100]]


@contextmanager
def _timed_stage(seconds: dict[str, float], stage: str, progress: Progress | None) -> Iterator[None]:
    """Report the start and the end of a stage, and store its duration in seconds[stage]."""
    if progress:
        progress(stage, 0.0)
    start = time.perf_counter()
    yield
    seconds[stage] = time.perf_counter() - start
    if progress:
        progress(stage, 1.0)
