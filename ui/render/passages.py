"""Passages in words: what they are called, where they stand, and how a long one begins."""

from functools import lru_cache
from pathlib import PurePath

from retriever.documents.document import Passage
from retriever.documents.titles import real_title
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
    """Return where a passage is: its document, and the page, row and characters in it."""
    return " · ".join(filter(None, (passage_document(passage), passage_span(passage))))


def passage_document(passage: Passage) -> str:
    """Return the title and the file of a passage's document, and the page or row in it; each name is said once."""
    metadata = passage.metadata
    parts = [_document_name(passage.doc_id, passage.title, passage.source, "row" in metadata)]
    parts += [f"{key} {metadata[key]}" for key in ("page", "row") if key in metadata]
    return " · ".join(filter(None, parts))


@lru_cache(1_000)  # one document has many passages, and a search looks at the places of all
def _document_name(doc_id: str, title: str, source: str, in_table: bool) -> str:
    """Return the title of a document, or else its id if that was given, and its file if that is another name."""
    shown = title if in_table else real_title(title, source)  # a row has the title that the table gives it
    made_of_file = source and (doc_id == source or doc_id.startswith((f"{source}#", f"{source}~")))
    name = shown or ("" if made_of_file else doc_id)
    if name.casefold() in (source.casefold(), PurePath(source).stem.casefold()):
        return source or name
    return " · ".join(filter(None, (name, source)))


def passage_span(passage: Passage) -> str:
    """Return which characters of its document a passage is; empty if it is all of it."""
    return "" if passage.span is None else f"characters {passage.span[0]:,}–{passage.span[1]:,}"


def snippet(text: str) -> str:
    """Return a short text as it is, and the first words of a long one."""
    return text if len(text) <= SNIPPET else text[:SNIPPET].rsplit(" ", 1)[0]


def cut_question(model_name: str, tokens: int, tokens_read: int) -> str:
    """Return, for the end of a text, how much of a question longer than the model's limit was read; else nothing."""
    if tokens <= tokens_read:
        return ""
    return (
        f" The question is cut: of its {tokens:,} tokens {model_name} reads the first {tokens_read:,}, so what follows "
        "changes nothing. Shorten it, or choose a model that reads more."
    )
