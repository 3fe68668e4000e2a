"""Asking: a visitor's question -> both answers, and both rankings as rows."""

from retriever.documents import clean
from retriever.errors import ParameterError
from retriever.indexed import IndexedCollection
from retriever.side_by_side import SideBySide, search_both
from ui import text
from ui.settings import limits


def answer(question: str, k: int, ef: int, indexed: IndexedCollection) -> SideBySide:
    """Return both answers. Raises ParameterError for an empty or a very long question."""
    return search_both(indexed.retriever, checked(question), k, ef=max(ef, k))


def checked(question: str | None) -> str:
    """Return a question cleaned and without white space around it. Raises ParameterError for an empty or a long one."""
    asked, most = clean(question or "").strip(), limits().question_characters
    if not asked:
        raise ParameterError("The question is empty; type one, or choose an example below it.")
    if len(asked) > most:
        raise ParameterError(f"The question has {len(asked):,} characters; at most {most:,} are taken. Shorten it.")
    return asked


def result_rows(both: SideBySide) -> list[dict[str, object]]:
    """Return both rankings as rows of one table."""
    sides = (("exact", both.exact, both.missed, "missed by HNSW"), ("hnsw", both.hnsw, both.extra, "extra"))
    return [
        {
            "search": side,
            "rank": rank,
            "score": round(hit["score"], 6),
            "note": note if mark else "",
            "place": text.place(hit["metadata"]),
            "text": hit["text"],
        }
        for side, hits, marks, note in sides
        for rank, (hit, mark) in enumerate(zip(hits, marks, strict=True), 1)
    ]
