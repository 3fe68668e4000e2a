"""A file of judgments to fill in: the questions of the loaded collection, and documents that may answer them."""

import json
from collections.abc import Iterable, Mapping

from retriever.documents.document import Passage
from retriever.indexes.base import NO_ID
from retriever.indexing.collection import IndexedCollection
from retriever.retrievers.document_runs import document_ids
from ui.judgments import query_ids
from ui.render.export import download_link, downloads, rows_to_csv
from ui.render.html import HINT, Html
from ui.render.passages import snippet

HITS = 10  # nearest passages of each question
MAX_ROWS = 10_000
HOW_TO = (
    "A line for each document near a question: write its grade into the last column, 0 if it does not answer, {level} "
    "if it does, or leave it empty. In Compare models choose Loaded in Documents and both files, and the grade {level} "
    "for answers."
)


def template_links(indexed: IndexedCollection) -> Html:
    """Return links to the template and to its queries, and what to do with them."""
    rows = template_rows(indexed)
    level = indexed.judged.relevance_level if indexed.judged else 1
    queries = {str(row["query-id"]): str(row["question"]) for row in rows}
    links = [
        download_link("judgments.csv", "text/csv", rows_to_csv(rows), "judgments to fill in, CSV"),
        queries_link(queries),
    ]
    return HINT.format(HOW_TO.format(level=level)) + downloads("Download", links)


def queries_link(queries: Mapping[str, str]) -> Html:
    """Return a link to queries, by id, as BEIR writes them."""
    lines = (json.dumps({"_id": query_id, "text": text}, ensure_ascii=False) for query_id, text in queries.items())
    return download_link("queries.jsonl", "application/jsonl", "\n".join(lines) + "\n", "queries, JSONL")


def template_rows(indexed: IndexedCollection) -> list[dict[str, object]]:
    """Return a row for each document of the nearest passages to a question, and for each that the collection judges.

    The grade is empty where the collection has none. Only whole questions are taken, as many as fit into MAX_ROWS.
    """
    judged, rows = indexed.judged, list[dict[str, object]]()
    passages = list(zip(document_ids(indexed.retriever), indexed.retriever.passages, strict=True))
    everything = _by_document(passages)
    nearest = dict(zip(indexed.queries, indexed.measurements.truth(HITS).ids.tolist(), strict=True))
    ids = query_ids({question: f"q{number}" for number, question in enumerate(nearest, 1)}, judged)
    asked = {ids[question]: question for question in nearest} | dict(judged.asked if judged else {})
    for query_id, question in asked.items():
        grades = judged.qrels.get(query_id, {}) if judged else {}
        known = {doc_id: everything[doc_id] for doc_id in grades if doc_id in everything}
        shown = known | _by_document(passages[row] for row in nearest.get(question, ()) if row != NO_ID)
        if len(rows) + len(shown) > MAX_ROWS:
            break
        for doc_id, passage in shown.items():
            text, grade = " ".join(snippet(passage.text).split()), grades.get(doc_id, "")
            place = {"query-id": query_id, "question": question, "passage": text}
            rows.append({**place, "doc-id": doc_id, "grade": grade})
    return rows


def _by_document(passages: Iterable[tuple[str, Passage]]) -> dict[str, Passage]:
    """Return the first passage of each document."""
    found: dict[str, Passage] = {}
    for doc_id, passage in passages:
        found.setdefault(doc_id, passage)
    return found
