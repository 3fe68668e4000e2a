"""Sections, which readers extract; documents, made of them; and passages, which are embedded and found."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Section:
    """Section of a file's text: a page, a row, or all of it (then `place` is empty)."""

    text: str
    title: str = ""
    metadata: dict[str, Any] = field(default_factory=dict)
    place: str = ""  # "page=3" or "row=7"
    given_id: str = ""  # the id given in the file itself


@dataclass(frozen=True)
class FileContent:
    """What a reader got out of a file, and what it did not.

    sections: in the order of the file. unread: part of the file ("pages 2 and 3") -> why it was not read, and what to
    do. notes: sentences on what was guessed, chosen or left out ("The encoding is a guess: windows-1254.").
    """

    sections: Sequence[Section]
    unread: Mapping[str, str] = field(default_factory=dict)
    notes: Sequence[str] = ()


@dataclass(frozen=True)
class TableColumns:
    """The columns of tables that are read, by name; empty for those that a reader takes by itself.

    text: columns whose cells are a row's text; of several, each as a line `name: cell`. title: column of the titles.
    """

    text: tuple[str, ...] = ()
    title: str = ""


@dataclass(frozen=True)
class Document:
    """Text that can be searched, with its origin.

    `metadata` names the file ("source") and, where it applies, the "page" or "row" in it, both counted from 1.
    """

    doc_id: str
    text: str
    title: str = ""
    metadata: dict[str, Any] = field(default_factory=dict)


def with_title(title: str, text: str) -> str:
    """Return what a model reads of a text under a title: title, space, text; a text that is its title is read once."""
    return text if text == title else f"{title} {text}".strip()


def title_and_text(document: Document) -> str:
    """Return what a model reads of a whole document, as in BEIR and MTEB."""
    return with_title(document.title, document.text)


def row_title(document: Document) -> str:
    """Return the title that a model reads with each chunk: that of a row of a table, unless it is the row's text.

    The title of another file is "", since it stands in the text as well, or was not written for readers.
    """
    return document.title if "row" in document.metadata and document.title != document.text else ""


@dataclass(frozen=True, slots=True)
class Passage:
    """Text that is embedded and found as a whole, with its place.

    text: as it is shown. encoded_text: as the model reads it, which may begin with the title. passage_id: of the chunk,
    or of the document if the passage is all of it. doc_id, title and source: of the document. span: offsets in
    characters, (start, end), of a chunk in its document; None for a whole document. metadata: of the document, as
    given: its keys never mean anything to this package, but "page" and "row" as loading sets them.

    The last six are empty for texts that DenseRetriever.index was given without documents.
    """

    text: str
    encoded_text: str
    passage_id: str = ""
    doc_id: str = ""
    title: str = ""
    source: str = ""
    span: tuple[int, int] | None = None
    metadata: Mapping[str, Any] = field(default_factory=dict)

    def as_metadata(self) -> dict[str, Any]:
        """Return a copy of the metadata in which the place of the passage stands as well, where it has one."""
        place: dict[str, Any] = {"doc_id": self.doc_id, "title": self.title} if self.doc_id else {}
        if self.span is not None:
            place |= {"chunk_id": self.passage_id, "start": self.span[0], "end": self.span[1]}
        return {**self.metadata, **place}


@dataclass(frozen=True, slots=True)
class ScoredPassage:
    """A passage that a search found. score: its cosine similarity to the query, higher is nearer."""

    passage: Passage
    score: float
