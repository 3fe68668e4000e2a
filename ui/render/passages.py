"""Passages as text and HTML: their place, their body, and long texts folded."""

from collections.abc import Mapping

from retriever.indexing.collection import IndexedCollection
from ui.render.html import escape


def passage_noun(indexed: IndexedCollection) -> str:
    """Return the word for the passages of a collection."""
    return "chunks" if indexed.chunked else "entries"


def is_chunk(metadata: Mapping[str, object]) -> bool:
    """Return whether a passage is a chunk; rows of uploaded files may have a value called start of their own."""
    return all(isinstance(metadata.get(key), int) for key in ("start", "end"))


def passage_place(metadata: Mapping[str, object]) -> str:
    """Return where a passage is: its document, and the page, row or characters in it."""
    parts = [str(metadata.get("title") or metadata.get("doc_id") or "")]
    source = metadata.get("source")
    if source and source != parts[0]:
        parts.append(str(source))
    parts += [f"{key} {metadata[key]}" for key in ("page", "row") if key in metadata]
    if is_chunk(metadata):
        parts.append(f"characters {metadata['start']}–{metadata['end']}")
    return " · ".join(part for part in parts if part)


SNIPPET = 170  # characters of a hit's text that are shown


def passage_body(text: str, metadata: Mapping[str, object]) -> str:
    """Return a passage without the title it was embedded with, as the title is shown above it."""
    title = str(metadata.get("title") or "")
    return text if is_chunk(metadata) or not title else text.removeprefix(f"{title} ")  # chunks have no title in them


def foldable_text(text: str) -> str:
    """Return a text as HTML; a long one is its beginning, which opens to the whole."""
    if len(text) <= SNIPPET:
        return f"<p>{escape(text)}</p>"
    begin = text[:SNIPPET].rsplit(" ", 1)[0]
    return f"<details><summary>{escape(begin)} …</summary><p>{escape(text)}</p></details>"
