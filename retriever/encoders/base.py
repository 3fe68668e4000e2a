"""The encoder interface, and embedding documents with any encoder."""

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Protocol

from retriever.errors import VectorError
from retriever.vectors import Float32, check_vectors, normalize


class Encoder(Protocol):
    """Interface of an encoder, which turns texts into float32 vectors, (n, dimension).

    dimension: components of a vector. max_tokens: of a text, special tokens included, before it is truncated; None: no
    limit. fingerprint: identifies the weights and their precision; without one no vectors are reused. adds_up: whether
    the tokens of words add up to those of a text, as no token spans white space. A model may encode queries and
    documents differently. A subclass inherits the values given here.
    """

    dimension: int
    max_tokens: int | None = None
    fingerprint: str = ""
    adds_up: bool = False

    def encode_query(self, texts: Sequence[str]) -> Float32:
        """Return the vectors of queries, (n, dimension)."""
        ...

    def encode_document(self, texts: Sequence[str], *, progress: Callable[[float], None] | None = None) -> Float32:
        """Return the vectors of documents, (n, dimension).

        progress: called with the fraction encoded, in [0, 1]; an exception it raises ends the work.
        """
        ...

    def count_tokens(self, texts: Sequence[str]) -> list[int]:
        """Return the number of tokens of each document: prompt and special tokens included, not truncated."""
        ...

    def count_query_tokens(self, texts: Sequence[str]) -> list[int]:
        """Return the number of tokens of each query, counted as those of documents unless a subclass differs."""
        return self.count_tokens(texts)


def cut_queries(encoder: Encoder, queries: Mapping[str, str]) -> frozenset[str]:
    """Return the ids of the queries (query id -> text) that have more tokens than the model reads."""
    limit = encoder.max_tokens
    if limit is None:
        return frozenset()
    counts = encoder.count_query_tokens(list(queries.values()))
    return frozenset(query_id for query_id, count in zip(queries, counts, strict=True) if count > limit)


def tokens_of_query(encoder: Encoder, text: str) -> tuple[int, int]:
    """Return how many tokens a query has, and how many of them the model reads; zeros for a model without a limit."""
    if encoder.max_tokens is None:
        return 0, 0
    [count] = encoder.count_query_tokens([text])
    return count, min(count, encoder.max_tokens)


def embed_documents(
    encoder: Encoder, texts: Sequence[str], dimension: int, *, progress: Callable[[float], None] | None = None
) -> Float32:
    """Return the vectors of documents as unit rows, (n_texts, dimension), with any encoder.

    progress: passed to the encoder. Raises VectorError if the vectors have another shape or are not finite.
    """
    encode = encoder.encode_document if progress is None else partial(encoder.encode_document, progress=progress)
    vectors = check_vectors(encode(texts), dimension, what="document vectors")
    if len(vectors) != len(texts):
        raise VectorError(f"The encoder made {len(vectors)} vectors of {len(texts)} texts; wanted one a text.")
    return normalize(vectors)
