"""One question as data: the rankings as rows of a table, and the run record."""

from typing import Any

from retriever.experiments.search_comparison import REPEATS, SearchComparison
from retriever.indexing.collection import IndexedCollection
from retriever.measurement.recall_and_latency import PROTOCOL
from retriever.run_record import RunRecord
from ui.inputs import SearchSettings
from ui.render.passages import passage_place
from ui.render.records import record_data, record_settings
from ui.search.beside import settings_of
from ui.search.third import ThirdAnswer


def result_rows(both: SearchComparison, third: ThirdAnswer | None = None) -> list[dict[str, object]]:
    """Return the rankings as rows of one table."""
    sides = [("exact", both.exact, both.missed, "missed by HNSW"), ("hnsw", both.hnsw, both.extra, "extra")]
    if third:
        sides.append((third.choice.title, third.found.hits, third.found.near, "among the nearest"))
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
    indexed: IndexedCollection,
    question: str,
    asked: SearchSettings,
    both: SearchComparison,
    third: ThirdAnswer | None = None,
) -> RunRecord:
    """Return the run record of one question answered by both searches, and by a third retriever if there is one."""
    observed: dict[str, Any] = {f"seconds_{name}": value for name, value in both.seconds.items()}
    observed[f"recall_at_{asked.k}"] = both.recall
    if both.tokens:
        observed |= {"question_tokens": both.tokens, "question_tokens_read": both.tokens_read}
    for side, hits in (("exact", both.exact), ("hnsw", both.hnsw)):
        observed[side] = [[hit.passage.passage_id, hit.score] for hit in hits]
    settings = {**record_settings(indexed), "k": asked.k, "ef": asked.ef, "question": question}
    protocol = f"{PROTOCOL} A single question: searched {REPEATS} times, the median is given; embedded once."
    title = "One question, exact and HNSW"
    if third:
        name = third.choice.title
        settings["beside"] = {"retriever": name, **settings_of(third.retriever)}
        observed[f"seconds_{name}"] = third.found.seconds
        observed[name] = [[hit.passage.passage_id, hit.score] for hit in third.found.hits]
        title += f", and {name}"
        protocol += f" {name}: searched once, encoding the question included, maybe beside other work."
    return RunRecord(title, settings, record_data(indexed), observed, protocol, kind="search")
