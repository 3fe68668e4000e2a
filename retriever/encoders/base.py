"""What an encoder is: text in, vectors out."""

from collections.abc import Callable, Sequence
from typing import Protocol

from retriever.errors import VectorError
from retriever.vectors import Float32, check_vectors, normalize


class Encoder(Protocol):
    """Turn queries and documents into vectors, (n, dimension) float32; a model may treat the two differently."""

    @property
    def dimension(self) -> int:
        """The length of a vector."""
        ...

    @property
    def max_tokens(self) -> int | None:
        """The most tokens a text may have before the model cuts it, special tokens included; None: no limit."""
        ...

    def encode_query(self, texts: Sequence[str]) -> Float32:
        """Return the vectors of queries, (n, dimension)."""
        ...

    def encode_document(self, texts: Sequence[str]) -> Float32:
        """Return the vectors of documents, (n, dimension)."""
        ...

    def count_tokens(self, texts: Sequence[str]) -> list[int]:
        """Count the tokens the model would read for each document: prompt and special tokens included, uncut."""
        ...


def embed_documents(
    encoder: Encoder, texts: Sequence[str], dimension: int, *, progress: Callable[[float], None] | None = None
) -> Float32:
    """Return the vectors of documents as unit rows, (n_texts, dimension), whatever encoder made them.

    progress: passed to encoders that take it. Raises VectorError for vectors of another shape or not finite.
    """
    encode = encoder.encode_document
    embedded = encode(texts, progress=progress) if progress else encode(texts)  # type: ignore[call-arg] # not in Encoder: optional
    vectors = check_vectors(embedded, dimension, what="document vectors")
    if len(vectors) != len(texts):
        raise VectorError(f"The encoder made {len(vectors)} vectors of {len(texts)} texts; wanted one a text.")
    return normalize(vectors)
