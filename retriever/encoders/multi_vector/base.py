"""The interface of an encoder that makes one vector a token, for late interaction."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

from retriever.vectors import Float32


@dataclass(frozen=True, slots=True)
class Token:
    """A token that has a vector.

    text: as the model's vocabulary has it, such as "##foil" or "[SEP]". span: offsets in characters, (start, end), of
    what it stands for in the text; None for a token that the model adds itself.
    """

    text: str
    span: tuple[int, int] | None


class MultiVectorEncoder(Protocol):
    """Interface of an encoder that turns a text into one vector a token, (n_tokens, dimension) float32 unit rows.

    dimension: components of a vector. max_tokens: of a document, special tokens included, before it is truncated; None:
    no limit. fingerprint: identifies the weights and their precision. A subclass inherits the values given here.
    """

    dimension: int
    max_tokens: int | None = None
    fingerprint: str = ""

    def encode_query(self, texts: Sequence[str]) -> list[Float32]:
        """Return the token vectors of queries, (n_tokens, dimension) each."""
        ...

    def encode_document(
        self, texts: Sequence[str], *, progress: Callable[[float], None] | None = None
    ) -> list[Float32]:
        """Return the token vectors of documents, (n_tokens, dimension) each.

        progress: called with the fraction encoded, in [0, 1]; an exception it raises ends the work.
        """
        ...

    def count_tokens(self, texts: Sequence[str]) -> list[int]:
        """Return the number of tokens of each document: prompt and special tokens included, not truncated."""
        ...

    def query_tokens(self, text: str) -> list[Token]:
        """Return the tokens of a query, one for each of its vectors, in order."""
        ...

    def document_tokens(self, text: str) -> list[Token]:
        """Return the tokens of a document, one for each of its vectors, in order."""
        ...
