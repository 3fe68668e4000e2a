"""The retriever interface: texts in, ranked texts out."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol, TypedDict

from retriever.documents.document import Passage
from retriever.indexes.base import Neighbors


class Hit(TypedDict):
    """A text that a search found. score: higher is better; what it measures depends on the retriever."""

    text: str
    score: float
    metadata: dict[str, Any]


class Retriever(Protocol):
    """Interface of a retriever, which holds passages and ranks them for a query.

    Searching from several threads is safe, also while another thread adds texts.
    """

    @property
    def passages(self) -> Sequence[Passage]:
        """The passages in the order they were added; replaced, never changed."""
        ...

    def index(self, texts: Sequence[str], metadata: Sequence[Mapping[str, Any]] | None = None) -> int:
        """Add texts with copies of their metadata; return how many were new to the retriever.

        Raises ParameterError if texts is one string, contains anything but strings or differs in number from metadata.
        """
        ...

    def add(self, passages: Sequence[Passage]) -> int:
        """Add passages of documents, as index does with texts."""
        ...

    def search(self, query: str, top_k: int = 10) -> list[Hit]:
        """Return the at most top_k best texts for the query, best first.

        Raises ParameterError if query is not a string, or for a top_k below 1.
        """
        ...

    def rank(self, queries: Sequence[str], k: int) -> Neighbors:
        """Return the rows of the best k passages of each query and their scores, (n_queries, k), best first.

        Equal scores go by the lower row. Places without a passage hold NO_ID.
        """
        ...

    def save(self, folder: str | Path) -> None:
        """Write everything that load needs into a folder, atomically. Raises StorageError if that fails."""
        ...
