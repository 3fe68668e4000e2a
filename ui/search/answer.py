"""A question answered exactly and by HNSW, and both rankings as rows."""

from retriever.experiments.search_comparison import SearchComparison, compare_searches
from retriever.indexing.collection import IndexedCollection
from ui.inputs import SearchSettings, check_question
from ui.render.passages import passage_place


def answer_question(question: str, settings: SearchSettings, indexed: IndexedCollection) -> SearchComparison:
    """Return both answers. Raises ParameterError if the question is empty or too long."""
    return compare_searches(indexed.retriever, check_question(question), settings.k, ef=settings.ef)


def result_rows(both: SearchComparison) -> list[dict[str, object]]:
    """Return both rankings as rows of one table."""
    sides = (("exact", both.exact, both.missed, "missed by HNSW"), ("hnsw", both.hnsw, both.extra, "extra"))
    return [
        {
            "search": side,
            "rank": rank,
            "score": round(hit.score, 6),
            "note": note if mark else "",
            "place": passage_place(hit.passage),
            "text": hit.passage.text,
        }
        for side, hits, marks, note in sides
        for rank, (hit, mark) in enumerate(zip(hits, marks, strict=True), 1)
    ]
