"""Tests of judging hits: a press of a button judges the document for the question that was answered."""

import asyncio
import json

import gradio as gr
import pytest

from retriever.errors import ParameterError
from retriever.evaluation.trec import read_qrels
from tests.support.page import Elements, assert_harmless, build_tab, files_of
from tests.support.small import HOSTILE, collection_of, sentences
from ui.judgments import NOT_RELEVANT, RELEVANT
from ui.render.errors import report_errors
from ui.search.judging import ShownHits, button_key, judged_section
from ui.search.tab import build_search_tab
from ui.session import Session

QUESTION = "amber river winter"


@pytest.fixture(scope="module")
def tab():
    return build_tab(build_search_tab)[0]


def press(tab, shown, session, doc_id, grade, question=QUESTION):
    """Press a button as the page does, and return what is told."""
    event = gr.EventData(None, {"key": button_key(question, doc_id), "grade": grade})
    return asyncio.run(tab.judging.judge(shown, session, event))


def pressed(column):
    """Return the keys of the pressed buttons of a list of hits, with their grades."""
    found = Elements(column)
    rows = list(zip(found.attributes, found.values, strict=True))
    parts = [dict(rows[at : at + 5]) for at, (name, value) in enumerate(rows) if (name, value) == ("type", "button")]
    return [(part["data-key"], int(part["data-grade"])) for part in parts if part["aria-pressed"] == "true"]


def test_a_judgment_is_shown_on_both_sides_whenever_the_question_is_asked_again(tab, indexed):
    session = Session(indexed)
    shown = tab.answer(QUESTION, 5, 50, session)
    assert pressed(shown[tab.exact]) == pressed(shown[tab.hnsw]) == []
    first, second = (hit["metadata"]["doc_id"] for hit in indexed.retriever.search(QUESTION, 2))
    press(tab, shown[tab.judging.shown], session, first, RELEVANT)
    told = press(tab, shown[tab.judging.shown], session, second, NOT_RELEVANT)
    assert "<b>2 documents</b> for <b>1 question</b>" in told
    keys = [(button_key(QUESTION, first), 1), (button_key(QUESTION, second), 0)]
    judged = dict(zip(Elements(told).attributes, Elements(told).values, strict=True))["data-judged"]
    assert {key: grade for key, grade in json.loads(judged).items() if grade is not None} == dict(keys)
    again = tab.answer(f" {QUESTION} ", 10, 200, session)
    assert pressed(again[tab.exact]) == pressed(again[tab.hnsw]) == keys
    other = tab.answer("another question", 10, 10, session)
    assert pressed(other[tab.exact]) == []
    told = press(tab, again[tab.judging.shown], session, first, RELEVANT)
    assert "<b>1 document</b>" in told and pressed(tab.answer(QUESTION, 5, 50, session)[tab.exact]) == keys[1:]


def test_judgments_download_as_trec_qrels_with_their_questions(tab, indexed, tmp_path):
    session = Session(indexed)
    shown = tab.answer(QUESTION, 5, 50, session)[tab.judging.shown]
    doc_id = indexed.retriever.search(QUESTION, 1)[0]["metadata"]["doc_id"]
    files = files_of(press(tab, shown, session, doc_id, RELEVANT))
    (tmp_path / "qrels.txt").write_text(files["qrels.txt"], encoding="utf-8")
    assert read_qrels(tmp_path / "qrels.txt") == {"own-1": {doc_id: 1}}
    assert json.loads(files["queries.jsonl"]) == {"_id": "own-1", "text": QUESTION}


def test_two_visitors_have_judgments_of_their_own(tab, indexed):
    first, second = Session(indexed), Session(indexed)
    doc_id = indexed.retriever.search(QUESTION, 1)[0]["metadata"]["doc_id"]
    press(tab, tab.answer(QUESTION, 5, 50, first)[tab.judging.shown], first, doc_id, RELEVANT)
    assert pressed(tab.answer(QUESTION, 5, 50, first)[tab.exact])
    assert not pressed(tab.answer(QUESTION, 5, 50, second)[tab.exact])
    assert "You have judged" not in judged_section(second, None)


@pytest.mark.parametrize(
    "sent",
    [None, [], "key", {}, {"key": ["x"], "grade": 1}, {"key": "x", "grade": 1}, {"key": None}, {"grade": {}}],
    ids=repr,
)
def test_what_no_button_sends_is_refused_in_words(tab, indexed, sent):
    session = Session(indexed)
    shown = tab.answer(QUESTION, 5, 50, session)[tab.judging.shown]
    with pytest.raises(gr.Error, match="no longer shown; press Search"):
        asyncio.run(report_errors(tab.judging.judge)(shown, session, gr.EventData(None, sent)))
    assert not session.judgments


@pytest.mark.parametrize("grade", [2, -1, 0.5, "1", None, [1]], ids=repr)
def test_a_grade_that_no_button_has_is_refused(tab, indexed, grade):
    session = Session(indexed)
    shown = tab.answer(QUESTION, 5, 50, session)[tab.judging.shown]
    doc_id = indexed.retriever.search(QUESTION, 1)[0]["metadata"]["doc_id"]
    with pytest.raises(ParameterError):
        press(tab, shown, session, doc_id, grade)


def test_a_press_is_never_taken_for_another_question(tab, indexed):
    session = Session(indexed)
    doc_id = indexed.retriever.search(QUESTION, 1)[0]["metadata"]["doc_id"]
    for shown in (None, tab.answer("another question", 50, 50, session)[tab.judging.shown]):
        with pytest.raises(ParameterError, match="no longer shown"):
            press(tab, shown, session, doc_id, RELEVANT)


def test_hostile_ids_are_judged_and_stay_text(tab, fake_encoder):
    ids = [HOSTILE, "'\"><b>", "x" * 10_000, "a b\nc\u2028", "\0\ud800"]
    texts = sentences(len(ids))
    metadata = [{"doc_id": doc_id, "title": HOSTILE, "source": "s"} for doc_id in ids]
    session = Session(collection_of(fake_encoder, texts, metadata=metadata))
    shown = tab.answer(QUESTION, 5, 5, session)
    assert_harmless(shown[tab.exact])
    for doc_id in ids:
        told = press(tab, shown[tab.judging.shown], session, doc_id, RELEVANT)
    assert_harmless(told)
    lines = files_of(told)["qrels.txt"].splitlines()
    assert [len(line.split()) for line in lines] == [4] * 5
    assert "own-1 0 a%20b%0Ac%2028 1" in lines
    assert len(pressed(tab.answer(QUESTION, 5, 5, session)[tab.hnsw])) == 5


def test_ids_that_trec_cannot_tell_apart_are_said_to_be_so(tab, fake_encoder):
    metadata = [{"doc_id": doc_id, "title": "t", "source": "s"} for doc_id in ("a b", "a%20b")]
    session = Session(collection_of(fake_encoder, sentences(2), metadata=metadata))
    shown = tab.answer(QUESTION, 2, 2, session)[tab.judging.shown]
    press(tab, shown, session, "a b", RELEVANT)
    told = press(tab, shown, session, "a%20b", RELEVANT)
    assert "two differ only in how white space or # is written" in told and "2 documents" in told


def test_a_passage_without_a_document_has_no_buttons(tab, fake_encoder):
    metadata = [{"doc_id": "", "title": "t", "source": "s"}] * 3
    shown = tab.answer(QUESTION, 3, 3, Session(collection_of(fake_encoder, sentences(3), metadata=metadata)))
    assert "lab-judge" not in shown[tab.exact]
    assert shown[tab.judging.shown] == ShownHits(QUESTION, {})


def test_another_collection_starts_without_judgments_and_another_graph_keeps_them(tab, indexed, fake_encoder):
    session = Session(indexed)
    shown = tab.answer(QUESTION, 5, 50, session)[tab.judging.shown]
    press(tab, shown, session, next(iter(shown.documents.values())), RELEVANT)
    again = session.with_collection(indexed.with_graph(4, 20))
    assert "You have judged" in tab.refresh(QUESTION, [], again)[tab.judging.told]
    other = session.with_collection(collection_of(fake_encoder, sentences(3)))
    refreshed = tab.refresh(QUESTION, [], other)
    assert "You have judged" not in refreshed[tab.judging.told] and refreshed[tab.judging.shown] is None
    assert other.own_judged() is None and session.own_judged() is not None
