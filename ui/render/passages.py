"""Passages as text and HTML: their place, and long texts folded."""

from retriever.documents.passage import Passage
from retriever.indexing.collection import IndexedCollection
from ui.render.html import escape

SNIPPET = 170  # characters of a hit's text that are shown


def passage_noun(indexed: IndexedCollection) -> str:
    """Return the word for the passages of a collection."""
    return "chunks" if indexed.chunked else "entries"


def passage_place(passage: Passage) -> str:
    """Return where a passage is: its document, and the page, row or characters in it."""
    name = passage.title or passage.doc_id
    parts = [name, passage.source if passage.source != name else ""]
    parts += [f"{key} {passage.metadata[key]}" for key in ("page", "row") if key in passage.metadata]
    if passage.span is not None:
        parts.append(f"characters {passage.span[0]}–{passage.span[1]}")
    return " · ".join(part for part in parts if part)


def foldable_text(text: str) -> str:
    """Return a text as HTML; a long one is its beginning, which opens to the whole."""
    if len(text) <= SNIPPET:
        return f"<p>{escape(text)}</p>"
    begin = text[:SNIPPET].rsplit(" ", 1)[0]
    return f"<details><summary>{escape(begin)} …</summary><p>{escape(text)}</p></details>"
