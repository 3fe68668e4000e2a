"""Passages in words: what they are called, where they stand, and how a long one begins."""

from retriever.documents.document import Passage
from retriever.indexing.collection import IndexedCollection
from ui.render.numbers import count_of

SNIPPET = 170  # characters of a passage's text that are shown before it is opened


def passage_noun(indexed: IndexedCollection) -> str:
    """Return the word for the passages of a collection."""
    return "chunks" if indexed.chunked else "entries"


def count_passages(indexed: IndexedCollection, count: int) -> str:
    """Return a number of a collection's passages, with their noun."""
    return count_of(count, "chunk") if indexed.chunked else count_of(count, "entry", "entries")


def passage_place(passage: Passage) -> str:
    """Return where a passage is: its document, and the page, row or characters in it."""
    name = passage.title or passage.doc_id
    parts = [name, passage.source if passage.source != name else ""]
    parts += [f"{key} {passage.metadata[key]}" for key in ("page", "row") if key in passage.metadata]
    if passage.span is not None:
        parts.append(f"characters {passage.span[0]}–{passage.span[1]}")
    return " · ".join(part for part in parts if part)


def snippet(text: str) -> str:
    """Return a short text as it is, and the first words of a long one."""
    return text if len(text) <= SNIPPET else text[:SNIPPET].rsplit(" ", 1)[0]
