"""One question as data: both rankings as rows of a table, and the run record."""

from typing import Any

from retriever.experiments.search_comparison import REPEATS, SearchComparison
from retriever.indexing.collection import IndexedCollection
from retriever.measurement.recall_and_latency import PROTOCOL
from retriever.run_record import RunRecord
from ui.inputs import SearchSettings
from ui.render.passages import passage_place
from ui.render.records import record_data, record_settings


def result_rows(both: SearchComparison) -> list[dict[str, object]]:
    """Return both rankings as rows of one table."""
    sides = (("exact", both.exact, both.missed, "missed by HNSW"), ("hnsw", both.hnsw, both.extra, "extra"))
    return [
        {
            "search": side,
            "rank": rank,
            "score": round(hit.score, 6),
            "note": note if mark else "",
            "doc_id": hit.passage.doc_id,
            "passage_id": hit.passage.passage_id,
            "place": passage_place(hit.passage),
            "text": hit.passage.text,
        }
        for side, hits, marks, note in sides
        for rank, (hit, mark) in enumerate(zip(hits, marks, strict=True), 1)
    ]


def search_record(
    indexed: IndexedCollection, question: str, asked: SearchSettings, both: SearchComparison
) -> RunRecord:
    """Return the run record of one question answered by both searches."""
    observed: dict[str, Any] = {f"seconds_{name}": value for name, value in both.seconds.items()}
    observed[f"recall_at_{asked.k}"] = both.recall
    if both.tokens:
        observed |= {"question_tokens": both.tokens, "question_tokens_read": both.tokens_read}
    for side, hits in (("exact", both.exact), ("hnsw", both.hnsw)):
        observed[side] = [[hit.passage.passage_id, hit.score] for hit in hits]
    settings = {**record_settings(indexed), "k": asked.k, "ef": asked.ef, "question": question}
    protocol = f"{PROTOCOL} A single question: searched {REPEATS} times, the median is given; embedded once."
    return RunRecord("One question, exact and HNSW", settings, record_data(indexed), observed, protocol)
