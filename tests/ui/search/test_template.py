"""Tests of the template of judgments: filled in and uploaded, it is read, and says what was written into it."""

import csv
import io
import json
from dataclasses import replace

import pytest

from retriever.datasets.query_files import read_queries
from retriever.evaluation.judged_queries import JudgedQueries
from retriever.evaluation.trec import read_qrels
from tests.support.page import files_of
from tests.support.small import HOSTILE, collection_of, sentences
from ui.render.export import rows_to_csv
from ui.search.template import HITS, MAX_ROWS, template_links, template_rows

TEXTS = sentences(30)


@pytest.fixture
def judged(fake_encoder):
    """A collection with three questions: the pinned one is judged, so is another, and one is not."""
    indexed = collection_of(fake_encoder, TEXTS, queries=[TEXTS[4]])
    queries = {"q9": TEXTS[4], "q2": "another?", "q3": "not judged"}
    return replace(indexed, judged=JudgedQueries(queries, {"q9": {"d4": 2, "gone": 1}, "q2": {"d20": 0}}, 2))


def test_it_lists_the_nearest_documents_and_what_is_judged(judged):
    rows = template_rows(judged)
    nearest = judged.retriever.search(TEXTS[4], HITS)
    first = [row for row in rows if row["query-id"] == "q9"]
    assert {row["doc-id"] for row in first} == {hit["metadata"]["doc_id"] for hit in nearest}
    assert [row["grade"] for row in first] == [2] + [""] * (HITS - 1)
    assert first[0]["passage"] == TEXTS[4] == first[0]["question"]
    assert rows[HITS:] == [
        {"query-id": "q2", "question": "another?", "passage": TEXTS[20], "doc-id": "d20", "grade": 0}
    ]


def test_filled_in_it_is_read_as_judgments_and_its_questions_as_queries(tmp_path, fake_encoder):
    metadata = [{"doc_id": f"=my, file {row}\n.txt", "title": "", "source": "s"} for row in range(30)]
    indexed = collection_of(fake_encoder, TEXTS, queries=TEXTS[:2], metadata=metadata)
    links = template_links(indexed)
    assert "the grade 1 for answers" in links
    files = files_of(links)
    rows = list(csv.reader(io.StringIO(files["judgments.csv"])))
    assert {row[-1] for row in rows[1:]} == {""}
    rows[1][-1], rows[12][-1] = "1", "0"
    written = io.StringIO()
    csv.writer(written).writerows(rows)
    for name, content in (("j.csv", written.getvalue()), ("queries.jsonl", files["queries.jsonl"])):
        (tmp_path / name).write_text(content, encoding="utf-8", newline="")
    qrels = read_qrels(tmp_path / "j.csv")
    assert {query_id: list(grades.values()) for query_id, grades in qrels.items()} == {"q1": [1], "q2": [0]}
    assert {doc_id for grades in qrels.values() for doc_id in grades} <= {place["doc_id"] for place in metadata}
    assert read_queries(tmp_path / "queries.jsonl")[0] == {"q1": TEXTS[0], "q2": TEXTS[1]}


def test_the_level_of_an_answer_is_the_collections(judged):
    assert "0 if it does not answer, 2 if it does" in template_links(judged)


def test_hostile_ids_and_texts_are_data(fake_encoder):
    metadata = [{"doc_id": f"{HOSTILE}{'x' * 10_000}", "title": HOSTILE, "source": HOSTILE}]
    links = template_links(collection_of(fake_encoder, [HOSTILE], queries=[HOSTILE], metadata=metadata))
    assert "<img" not in links and "<script" not in links
    assert json.loads(files_of(links)["queries.jsonl"]) == {"_id": "q1", "text": HOSTILE}


def test_only_as_many_whole_questions_as_fit_are_taken(fake_encoder, monkeypatch):
    monkeypatch.setattr("ui.search.template.MAX_ROWS", 25)
    rows = template_rows(collection_of(fake_encoder, TEXTS, queries=TEXTS[:4]))
    assert [row["query-id"] for row in rows] == ["q1"] * 10 + ["q2"] * 10
    assert MAX_ROWS * 100 < 10_000_000 and rows_to_csv(rows)
