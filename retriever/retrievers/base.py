"""The interface of a retriever, texts in and ranked texts out, and what every retriever needs to keep to it."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol, TypedDict

from retriever.documents.document import Passage, ScoredPassage
from retriever.errors import ModelError, ParameterError
from retriever.indexes.base import NO_ID, Neighbors


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

    @property
    def nbytes(self) -> int:
        """The bytes of what is searched exactly: vectors, or scores of words. The texts and a graph come on top."""
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

        Equal scores go by the lower row. Places without a passage hold NO_ID. Raises ParameterError if queries is one
        string or contains anything but strings, or for a k below 1.
        """
        ...

    def save(self, folder: str | Path) -> None:
        """Write everything that load needs into a folder, atomically. Raises StorageError if that fails."""
        ...


def passages_of_texts(texts: Sequence[str], metadata: Sequence[Mapping[str, Any]] | None) -> list[Passage]:
    """Return texts with copies of their metadata as passages. Raises ParameterError if they do not fit."""
    check_several(texts)
    texts = list(texts)
    check_texts(texts, metadata)
    if metadata is None:
        return [passage_of_text(text) for text in texts]
    return [passage_of_text(text, given) for text, given in zip(texts, metadata, strict=True)]


def passage_of_text(text: str, metadata: Mapping[str, Any] | None = None) -> Passage:
    """Return a text with a copy of its metadata as a passage."""
    return Passage(text, text, metadata=dict(metadata or {}))


def check_several(texts: object) -> None:
    """Raise ParameterError if texts is one string."""
    if isinstance(texts, str):
        raise ParameterError("texts is one string; pass a list of strings, as in index([text]).")


def check_texts(texts: Sequence[str], metadata: Sequence[Mapping[str, Any]] | None) -> None:
    """Raise ParameterError if texts contains anything but strings or differs in number from metadata."""
    wrong = next((row for row, text in enumerate(texts) if not isinstance(text, str)), None)
    if wrong is not None:
        raise ParameterError(f"texts[{wrong}] is {type(texts[wrong]).__name__}; every text must be a string.")
    if metadata is not None and len(metadata) != len(texts):
        raise ParameterError(f"There are {len(texts)} texts and {len(metadata)} metadata; wanted one dict a text.")


def check_query(query: object) -> None:
    """Raise ParameterError if a query is not a string."""
    if not isinstance(query, str):
        raise ParameterError(f"The query is {type(query).__name__}; wanted one string.")


def check_queries(queries: Sequence[str]) -> list[str]:
    """Return queries as a list; raise ParameterError if they are one string or anything but strings."""
    if isinstance(queries, str):
        raise ParameterError("queries is one string; pass a list of strings, as in rank([query], k).")
    queries = list(queries)
    wrong = next((row for row, query in enumerate(queries) if not isinstance(query, str)), None)
    if wrong is not None:
        raise ParameterError(f"queries[{wrong}] is {type(queries[wrong]).__name__}; every query must be a string.")
    return queries


def scored_passages(passages: Sequence[Passage], neighbors: Neighbors) -> list[ScoredPassage]:
    """Return the passages of the first query's neighbours, best first, without empty places."""
    return [
        ScoredPassage(passages[row], float(score))
        for row, score in zip(neighbors.ids[0], neighbors.scores[0], strict=True)
        if row != NO_ID
    ]


def hits_of(found: Sequence[ScoredPassage]) -> list[Hit]:
    """Return passages that a search found as hits, with copies of their metadata."""
    return [Hit(text=one.passage.text, score=one.score, metadata=one.passage.as_metadata()) for one in found]


def check_same_weights(model_name: str, stored: str, found: str) -> None:
    """Raise ModelError if two fingerprints are of different weights; the precision may differ."""
    if stored and found and stored.split("-")[0] != found.split("-")[0]:
        raise ModelError(
            f"The saved vectors were made by other weights of {model_name} ({stored}) than the ones here ({found}); "
            "build the collection again."
        )


def check_dimension(model_name: str, dimension: int, found: int) -> None:
    """Raise ModelError if a model makes vectors of another dimension than the stored ones."""
    if dimension != found:
        raise ModelError(
            f"{model_name} makes vectors of {found} dimensions, and the saved ones have {dimension}; "
            "build the collection again."
        )
