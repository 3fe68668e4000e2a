"""Measurements of one question: what HNSW finds of its nearest passages."""

from retriever.experiments.search_comparison import answer_question
from retriever.experiments.telling_question import telling_question
from retriever.progress import Progress
from ui.inputs import SearchSettings
from ui.lessons.measurements.measured import Collections, Measured
from ui.render.numbers import count_of
from ui.render.passages import passage_place
from ui.search.records import search_record

MOST_NAMED = 3  # missed passages that are named


def passages_found(collections: Collections, progress: Progress, *, sample: str, k: int, ef: int) -> Measured:
    """Measure how many of the k nearest passages HNSW finds at ef, for the question it does worst on at ef=k."""
    indexed = collections.indexed(sample)
    progress("searching", 0.0)
    told = telling_question(indexed, k)
    both = answer_question(indexed, told.question, told.k, ef=ef)
    missed = [hit for hit, mark in zip(both.exact, both.missed, strict=True) if mark]
    found = told.k - len(missed)
    asked = SearchSettings(told.k, max(ef, told.k))
    names = ", ".join(f"“{passage_place(hit.passage)}”" for hit in missed[:MOST_NAMED])
    more = f" and {len(missed) - MOST_NAMED} more" if len(missed) > MOST_NAMED else ""
    head = (
        f"The question is “{told.question}”. Exact search compared it with all {len(indexed):,} passages and named the "
        f"{told.k} nearest; at ef={asked.ef} HNSW found {found} of them."
    )
    if missed:
        explained = [
            f"It missed {names}{more}: it follows links from passage to passage, and stops when those it keeps lead to "
            "nothing nearer. No link that it followed led to these.",
            _when_enough(told.found, told.enough, told.k, asked.ef),
        ]
    elif told.found == told.k:
        explained = [
            f"That is not the usual outcome: of {count_of(len(indexed.queries), 'measuring question')} none misses "
            f"anything even at ef={told.k}. {len(indexed):,} passages are few for HNSW."
        ]
    else:
        explained = [
            f"Nothing is missed any more: at ef={told.k} it found only {told.found}. A larger ef keeps more "
            "candidates, the search follows their links as well, and these lead to the passages that it missed before."
        ]
    return Measured(
        value=found,
        unit=f"of {told.k} passages",
        sentences=[head, *filter(None, explained)],
        record=search_record(indexed, told.question, asked, both),
        place={"tab": "search", "sample": sample, "q": told.question, "k": told.k, "ef": asked.ef},
        numbers={"found": f"{found} of {told.k}", "missed": f"{len(missed)} of {told.k}", "ef": f"{asked.ef}"},
    )


def _when_enough(at_k: int, enough: int | None, k: int, ef: int) -> str:
    """Return which ef finds all of them, if one that was tried does; nothing at ef=k: that is asked next."""
    if ef == k:
        return ""
    if enough is None:
        return "No ef that was tried finds all of them."
    return f"At ef={k} it finds {at_k}; from ef={enough} on it finds all {k}." if ef < enough else ""
