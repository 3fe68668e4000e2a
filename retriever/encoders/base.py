"""The encoder interface, and embedding documents with any encoder."""

from collections.abc import Callable, Sequence
from typing import Protocol

from retriever.errors import VectorError
from retriever.vectors import Float32, check_vectors, normalize


class Encoder(Protocol):
    """Interface of an encoder, which turns texts into float32 vectors, (n, dimension).

    A model may encode queries and documents differently.
    """

    @property
    def dimension(self) -> int:
        """The number of components of a vector."""
        ...

    @property
    def max_tokens(self) -> int | None:
        """The maximum number of tokens of a text, special tokens included, before it is truncated; None: no limit."""
        ...

    def encode_query(self, texts: Sequence[str]) -> Float32:
        """Return the vectors of queries, (n, dimension)."""
        ...

    def encode_document(self, texts: Sequence[str]) -> Float32:
        """Return the vectors of documents, (n, dimension)."""
        ...

    def count_tokens(self, texts: Sequence[str]) -> list[int]:
        """Return the number of tokens of each document: prompt and special tokens included, not truncated."""
        ...


def embed_documents(
    encoder: Encoder, texts: Sequence[str], dimension: int, *, progress: Callable[[float], None] | None = None
) -> Float32:
    """Return the vectors of documents as unit rows, (n_texts, dimension), with any encoder.

    progress: passed to the encoder, which must accept it. Raises VectorError if the vectors have another shape or are
    not finite.
    """
    encode = encoder.encode_document
    # progress is optional, so the Encoder interface does not have it
    embedded = encode(texts, progress=progress) if progress else encode(texts)  # type: ignore[call-arg]
    vectors = check_vectors(embedded, dimension, what="document vectors")
    if len(vectors) != len(texts):
        raise VectorError(f"The encoder made {len(vectors)} vectors of {len(texts)} texts; wanted one a text.")
    return normalize(vectors)
