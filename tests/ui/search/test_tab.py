"""The Search tab's handlers, called as Gradio calls them: values and a session in, components and values out."""

import base64
import json
import re
import time
from dataclasses import replace

import gradio as gr
import numpy as np
import pytest

from retriever.errors import CollectionError, ParameterError
from retriever.experiments.search_comparison import compare_searches
from tests.support.handlers import Steps
from tests.support.page import build_tab, files_of, words_of
from tests.support.small import HOSTILE, collection_of, sentences
from ui.render.controls import NO_CHANGE
from ui.render.errors import report_errors
from ui.search.beside import CHOICES
from ui.search.tab import EMPTY, EXAMPLES, build_search_tab, take_example
from ui.session import Session

QUESTION = "amber river winter"
QUESTIONS = sentences(12, seed=5)


@pytest.fixture(scope="module")
def tab():
    return build_tab(build_search_tab)[0]


def rows_of(links):
    data = re.search(r'href="data:application/json;base64,([^"]+)"', links).group(1)
    return json.loads(base64.b64decode(data))


def test_a_search_answers_twice_and_both_rankings_can_be_downloaded(tab, indexed):
    shown = tab.answer(QUESTION, 5, 50, Session(indexed))
    truth = indexed.retriever.search(QUESTION, 5)
    for column in (shown[tab.exact], shown[tab.hnsw]):
        scores = [float(score) for score in re.findall(r'cosine similarity">(.*?)<', column)]
        assert scores == pytest.approx([hit["score"] for hit in truth], abs=0.0006)
        assert truth[0]["text"] in column
    assert all(
        part in words_of(shown[tab.summary])
        for part in ("recall@5 against exact search is 1.000", "embedding", "ef=50", "exact")
    )
    assert QUESTION in shown[tab.record]
    rows = rows_of(shown[tab.downloads])
    assert [(row["search"], row["rank"]) for row in rows] == [(s, r) for s in ("exact", "hnsw") for r in range(1, 6)]
    assert rows[0]["text"] == truth[0]["text"]


def test_marks_are_as_many_as_recall_says(tab, starved):
    recalls = []
    for question in QUESTIONS:
        recalls.append(compare_searches(starved.retriever, question, 10, ef=10).recall)
        shown = tab.answer(question, 10, 10, Session(starved))
        missed = shown[tab.exact].count("missed by HNSW")
        assert missed == round((1 - recalls[-1]) * 10) == shown[tab.hnsw].count("lab-marked")
        assert f"found {10 - missed} of the 10" in words_of(shown[tab.summary])
        notes = [(row["search"], row["note"]) for row in rows_of(shown[tab.downloads]) if row["note"]]
        assert notes == [("exact", "missed by HNSW")] * missed + [("hnsw", "extra")] * missed
    assert 0 < np.mean(recalls) < 0.9, "else there are no marks to count"


def test_ties_are_not_marked_as_missed(tab, fake_encoder):
    twins = collection_of(fake_encoder, ["amber anchor apple"] * 40 + sentences(40))
    shown = tab.answer("amber anchor apple", 5, 5, Session(twins))
    assert "recall@5 against exact search is 1.000" in words_of(shown[tab.summary])
    assert "lab-marked" not in shown[tab.exact] + shown[tab.hnsw]


def test_more_than_there_is(tab, fake_encoder):
    shown = tab.answer(QUESTION, 10, 10, Session(collection_of(fake_encoder, sentences(3))))
    assert shown[tab.exact].count("<li") == shown[tab.hnsw].count("<li") == 3
    assert "only 3 entries" in words_of(shown[tab.summary]) and "recall@3 against exact search is 1.000" in words_of(
        shown[tab.summary]
    )


def test_a_single_passage_is_counted_in_the_singular(tab, fake_encoder):
    shown = tab.answer(QUESTION, 10, 10, Session(collection_of(fake_encoder, sentences(1))))
    words = "at ef=10 found 1 of the 1 nearest passage: recall@1 against exact search is 1.000. k is 10, but the"
    assert f"{words} collection has only 1 entry: all are shown." in words_of(shown[tab.summary])


def test_ef_below_k_is_k_and_told_as_such(tab, starved):
    below, at = (tab.answer(QUESTIONS[0], 10, ef, Session(starved)) for ef in (1, 10))
    assert all(below[column] == at[column] for column in (tab.exact, tab.hnsw))
    assert "HNSW at ef=10" in below[tab.summary]
    assert '"ef": 10' in below[tab.record].unescape()


def test_nothing_shown_tells_that_another_asked_the_same(tab, starved):
    first, second = (tab.answer(" crane lamp meadow ", 5, 10, Session(starved)) for _ in range(2))
    assert [first[part] for part in tab.answers[:4]] == [second[part] for part in tab.answers[:4]]
    records = [json.loads(files_of(shown[tab.record])["run-record.json"]) for shown in (first, second)]
    assert records[0] | {"time": ""} == records[1] | {"time": ""}
    assert records[0]["settings"]["question"] == "crane lamp meadow", "what was searched, not what was typed"


@pytest.mark.parametrize("question", ["", "   \n", None])
def test_an_empty_question_is_refused(tab, indexed, question):
    with pytest.raises(gr.Error, match="empty"):
        report_errors(tab.answer)(question, 10, 10, Session(indexed))


def test_a_very_long_question_is_refused_with_the_limit(tab, indexed, monkeypatch):
    with pytest.raises(gr.Error, match=r"2,001.*2,000"):
        report_errors(tab.answer)("x" * 2_001, 10, 10, Session(indexed))
    tab.answer("x" * 2_000, 10, 10, Session(indexed))
    monkeypatch.setenv("LAB_MAX_QUESTION", "5")
    with pytest.raises(ParameterError, match="at most 5"):
        tab.answer("longer", 10, 10, Session(indexed))


def test_the_first_search_says_that_the_model_is_loaded_first(tab, indexed, monkeypatch):
    monkeypatch.setattr("ui.search.tab.is_loaded", lambda name: False)
    assert "Loading" in tab.note_loading(Session(indexed))
    monkeypatch.setattr("ui.search.tab.is_loaded", lambda name: True)
    assert tab.note_loading(Session(indexed)) == tab.note_loading(Session()) == NO_CHANGE


def test_before_anything_is_loaded_a_search_is_told_so_and_the_rest_changes_nothing(tab, indexed):
    with pytest.raises(gr.Error, match="being prepared"):
        report_errors(tab.answer)(QUESTION, 10, 10, Session())
    assert tab.answer_again(QUESTION, 10, 10, Session()) == tab.refresh("old", ["old"], Session()) == NO_CHANGE
    assert tab.answer_again("  ", 10, 10, Session(indexed)) == NO_CHANGE
    assert "recall@10" in tab.answer_again(QUESTION, 10, 10, Session(indexed))[tab.summary]


def test_a_hostile_document_and_question_stay_text(tab, fake_encoder):
    metadata = [{"title": HOSTILE, "source": HOSTILE, "doc_id": HOSTILE}] * 3
    hostile = collection_of(fake_encoder, [HOSTILE] * 3, metadata=metadata, queries=[HOSTILE], name=HOSTILE)
    shown = tab.answer(HOSTILE, 3, 3, Session(hostile))
    for part in tab.answers[:-1]:
        assert "<img" not in shown[part] and "<script" not in shown[part]


def test_a_new_collection_brings_its_examples_and_leaves_a_question_that_was_typed(tab, indexed):
    assert tab.refresh("old example", ["old example"], Session(indexed))[tab.summary] == EMPTY, "nothing was asked yet"
    shown = tab.refresh("old example", ["old example"], Session(indexed), "an answer")
    assert shown[tab.question] == indexed.queries[0]
    assert shown[tab.offered] == list(indexed.queries[:EXAMPLES])
    assert "changed" in shown[tab.summary]
    assert [shown[part] for part in tab.answers[1:]] == [""] * 6 + [None]
    assert take_example([indexed.queries[2]]) == indexed.queries[2]
    assert tab.question not in tab.refresh("my own question", ["old example"], Session(indexed))
    assert tab.refresh("  ", ["old example"], Session(indexed))[tab.question] == indexed.queries[0]


# --- the third column


def prepared(tab, session, name="bm25"):
    """Have the third column's retriever made, as the page does; return the steps that are shown meanwhile."""
    return list(Steps(tab.stream_preparation(name, name, None, session)))


def test_without_a_choice_there_is_no_third_answer_and_nothing_to_make(tab, indexed):
    shown = tab.answer(QUESTION, 5, 50, Session(indexed))
    assert (shown[tab.third], shown[tab.wanted]) == ("", "")
    assert list(Steps(tab.stream_preparation("", "", None, Session(indexed)))) == [{tab.third: ""}]
    assert list(Steps(tab.stream_preparation("", "bm25", None, Session(indexed)))) == [NO_CHANGE]
    with pytest.raises(gr.Error, match="bm25, late"):
        report_errors(tab.answer)(QUESTION, 5, 50, Session(indexed), "google")


def test_a_third_answer_follows_once_its_retriever_is_made_and_is_in_everything_that_is_downloaded(tab, fake_encoder):
    session = Session(collection_of(fake_encoder, sentences(60)))
    first = tab.answer(QUESTION, 5, 50, session, "bm25")
    assert first[tab.wanted] == "bm25" and "lab-stop" in first[tab.third] and "lab-hits" in first[tab.exact]
    steps = prepared(tab, session)
    assert steps[1][tab.making].ended and all("lab-hits" not in step.get(tab.third, "") for step in steps[1:])
    assert steps[-1][tab.made]
    again = tab.answer_prepared("bm25", QUESTION, 5, 50, session, "bm25")
    assert again[tab.wanted] == "" and again[tab.third].count("<li") == 5
    rows = [row for row in rows_of(again[tab.downloads]) if row["search"] == "BM25"]
    best = session.indexed.measurements.retrievers.known("bm25").search(QUESTION, 5)
    assert [row["score"] for row in rows] == pytest.approx([hit["score"] for hit in best], abs=1e-6)
    record = json.loads(files_of(again[tab.record])["run-record.json"])
    assert (record["settings"]["beside"]["retriever"], len(record["observed"]["BM25"])) == ("BM25", 5)
    assert {row["doc_id"] for row in rows} <= set(again[tab.judging.shown].documents.values()), "they can be judged"
    assert tab.answer_prepared("", QUESTION, 5, 50, session, "bm25") == NO_CHANGE, "what is shown is complete already"


def test_work_on_a_third_answer_is_cancelled_and_the_choice_taken_back(tab, fake_encoder, monkeypatch):
    def make_slowly(indexed, progress):
        while True:
            progress("counting", 0.5)
            time.sleep(0.01)

    monkeypatch.setattr("ui.search.beside.CHOICES", {"bm25": replace(CHOICES["bm25"], make=make_slowly)})
    session = Session(collection_of(fake_encoder, sentences(60)))
    steps = Steps(tab.stream_preparation("bm25", "bm25", None, session))
    assert next(steps) == NO_CHANGE
    job = next(steps)[tab.making]
    assert tab.cancel(job) == {tab.third: "", tab.beside: "", tab.wanted: ""}
    assert not list(steps), "no progress is shown after that"
    assert job.wait(10) and session.indexed.measurements.retrievers.known("bm25") is None


def test_a_third_answer_that_is_refused_says_why_in_its_column(tab, fake_encoder, monkeypatch):
    monkeypatch.setattr("ui.search.beside.MOST_TOKENS", 100)
    session, shown = Session(collection_of(fake_encoder, sentences(60))), []
    with pytest.raises(CollectionError, match="at most 100"):
        for step in Steps(tab.stream_preparation("late", "late", None, session)):
            shown.append(step)
    assert "at most 100" in shown[-1][tab.third] and shown[-1][tab.wanted] == ""
    answered = tab.answer(QUESTION, 5, 50, session, "late")
    assert "at most 100" in answered[tab.third] and answered[tab.wanted] == "", "known without any work"
    assert answered[tab.exact].count("<li") == 5
