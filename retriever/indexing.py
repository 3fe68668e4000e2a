"""Indexing a collection: from documents to something that can be searched and measured, stage by stage.

Chunking, embedding and building the graph are separate stages, so that each can be timed, shown and cancelled.
"""

import random
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

from retriever.chunking import chunk_documents, default_chunk_size
from retriever.collection import Collection, draw_queries
from retriever.dense import DenseRetriever
from retriever.errors import CollectionError
from retriever.index import check_vectors, normalize
from retriever.indexed import IndexedCollection, IndexSettings, Progress, of_stage
from retriever.models import load_encoder

STAGES = ("reading", "loading the model", "chunking", "embedding", "graph")
PINNED_QUERIES = 100
QUERY_SEED = 42


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
        retriever.index(texts, metadata, progress=of_stage(progress, "embedding"))
        queries = _pinned_queries(collection, texts)
        query_vectors = normalize(check_vectors(encoder.encode_query(queries), what="query vectors"))
    with _timed(seconds, "graph", progress):
        retriever.build_graph(progress=of_stage(progress, "graph"))
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
