"""Tests of the Inside HNSW tab's handlers: before and after something is loaded, and at the sliders' ends."""

import re

import gradio as gr
import numpy as np
import pytest

from retriever.errors import RetrieverError
from tests.support.page import assert_harmless, skipped, words_of
from tests.support.small import HOSTILE, sentences
from tests.support.walks import STARVED, by_hnswlib, count_found, lab
from ui.render.controls import SLIDER_MAX_EF
from ui.render.errors import report_errors
from ui.session import Session
from ui.walk.tab import OFFERED_QUESTIONS, refresh_walk, show_step, walk_again, walk_question, walk_views
from ui.walk.trace import WalkTrace, trace_walk


@pytest.fixture(scope="module")
def starved(fake_encoder):
    return lab(fake_encoder, sentences(400), name="Poor", **STARVED)


@pytest.fixture(scope="module")
def good(fake_encoder):
    return lab(fake_encoder, sentences(300), name="Rich")


@pytest.fixture
def no_model(monkeypatch, fake_encoder):
    """Fail the test if anything is embedded."""
    for name in ("encode_query", "encode_document"):
        monkeypatch.setattr(fake_encoder, name, lambda *args, **options: pytest.fail("a text was embedded"), False)


def followed(figure):
    return len(next(trace for trace in figure.data if trace.name == "followed").x)


def test_a_walk_shows_its_last_step(starved):
    trace, slider, figure, words, summary, missed = walk_question("amber river", 10.0, 10.0, Session(starved))
    steps = len(trace.walk.steps)
    assert isinstance(trace, WalkTrace)
    assert (trace.question, trace.indexed) == ("amber river", starved)
    assert trace.walk.ids.tolist() == by_hnswlib(starved, trace.query, 10, 10)
    assert (slider["maximum"], slider["value"], slider["interactive"]) == (steps, steps, True)
    assert f"Step {steps} of {steps}," in words_of(words)
    assert followed(figure) == sum(not step.layer for step in trace.walk.steps)
    assert f"{count_found(starved, trace.query, 10, 10)} of 10 true" in words_of(summary)
    assert missed.count("<li>") == len(trace.missed) > 0


def test_a_walk_before_anything_is_loaded_is_told():
    with pytest.raises(gr.Error, match="Nothing is loaded"):
        report_errors(walk_question)("amber", 10, 10, Session())


@pytest.mark.parametrize("question", ["", None, "  ", "x" * 2001])
def test_a_question_that_cannot_be_taken_is_told(good, question):
    with pytest.raises(gr.Error, match="question"):
        report_errors(walk_question)(question, 10, 10, Session(good))


@pytest.mark.parametrize("n", [1, 2, 5])
@pytest.mark.parametrize(("k", "ef"), [(1, 1), (50, 50), (50, SLIDER_MAX_EF), (10, SLIDER_MAX_EF)])
def test_tiny_collections_are_walked(fake_encoder, n, k, ef):
    views = walk_question("amber", k, ef, Session(lab(fake_encoder, sentences(n))))
    trace, slider, _, words, summary, missed = views
    assert trace.found == min(k, n)
    assert slider["maximum"] >= 2, "a slider needs two ends"
    assert 1 <= slider["value"] == len(trace.walk.steps) <= slider["maximum"]
    assert slider["interactive"] == (len(trace.walk.steps) > 1)
    assert "Nothing is missed" in missed
    assert f"exact search computes {n}." in words_of(summary)
    for number in (1, slider["maximum"]):
        assert "Step" in show_step(number, trace)[1]


@pytest.mark.parametrize("ef", [10, SLIDER_MAX_EF])
@pytest.mark.parametrize("question", ["Wo ist der Bär?", HOSTILE, "z " * 900])
def test_whatever_is_asked_of_a_poor_graph_the_page_is_told_the_truth(starved, question, ef):
    trace, _, _, words, summary, missed = walk_question(question, 10, ef, Session(starved))
    found = count_found(starved, trace.query, 10, ef)
    assert f"finds {'all' if found == 10 else f'{found} of'} 10 true" in words_of(summary)
    assert missed.count("<li>") == 10 - found
    for source in (words, summary, missed):
        assert_harmless(source)


# --- a slider moves


def test_a_moved_slider_walks_again_for_the_same_question_without_a_model(starved, fake_encoder, no_model):
    before, *_ = walk_views(trace_walk("my question", starved.query_vectors[2], 10, 10, starved))
    trace, slider, _, words, summary, _ = walk_again(before, 5.0, 40.0, Session(starved))
    assert (trace.question, trace.walk.k, trace.walk.ef) == ("my question", 5, 40)
    assert trace.walk.ids.tolist() == by_hnswlib(starved, starved.query_vectors[2], 5, 40)
    assert slider["value"] == len(trace.walk.steps) != len(before.walk.steps)
    assert "At ef=40" in words_of(summary)


def test_a_slider_moved_before_any_walk_changes_nothing(good):
    for session in (Session(), Session(good)):
        values = walk_again(None, 10, 10, session)
        assert len(values) == 6
        assert all(skipped(value) for value in values)


def test_a_trace_of_another_collection_is_not_walked_again(starved, good):
    trace, *_ = walk_question("amber", 10, 10, Session(good))
    other = good.with_graph(2, 5)
    for session in (Session(starved), Session(other), Session()):
        assert all(skipped(value) for value in walk_again(trace, 10, 10, session))
    assert not any(skipped(value) for value in walk_again(trace, 10, 10, Session(good, chosen=True)))


def test_one_step_is_shown(starved):
    trace, *_ = walk_question("amber", 10, 10, Session(starved))
    last = len(trace.walk.steps)
    for number in (1.0, last // 2, last):
        figure, words = show_step(number, trace)
        assert f"Step {int(number)} of {last}," in words_of(words)
        assert followed(figure) == sum(not step.layer for step in trace.walk.steps[: int(number)])


def test_a_step_past_the_end_is_the_last_one(starved):
    trace, *_ = walk_question("amber", 10, 10, Session(starved))
    assert show_step(10_000, trace)[1] == show_step(len(trace.walk.steps), trace)[1]


def test_a_step_of_nothing_changes_nothing():
    assert all(skipped(value) for value in show_step(1, None))


# --- a collection is loaded


def test_a_loaded_collection_offers_what_its_graph_does_worst_on_without_a_model(starved, no_model):
    offered, connected, trace, slider, figure, words, summary, missed = refresh_walk(10.0, 10.0, Session(starved))
    found = [count_found(starved, query, 10, 10) for query in starved.query_vectors]
    worst = [starved.queries[row] for row in np.argsort(found, kind="stable")[:OFFERED_QUESTIONS]]
    assert offered["choices"] == worst
    assert offered["value"] == trace.question == worst[0]
    assert trace.found == min(found)
    assert f"{min(found)} of 10" in words_of(summary)
    assert len(starved.measurements.graph.unreachable) > 0
    assert f"{len(starved.measurements.graph.unreachable)} that no walk can reach" in words_of(connected)
    assert slider["value"] == len(trace.walk.steps)
    assert len(figure.data) > 5
    assert f"Step {len(trace.walk.steps)} of" in words_of(words)
    assert missed.count("<li>") == 10 - min(found)


def test_nothing_loaded_leaves_the_tab_as_it_is():
    values = refresh_walk(10, 10, Session())
    assert len(values) == 8
    assert all(skipped(value) for value in values)


@pytest.mark.parametrize("texts", [["amber"], ["amber river"] * 30, ["amber"] * 3], ids=["one", "equal", "three"])
@pytest.mark.parametrize(("k", "ef"), [(10, 10), (50, 10), (50, SLIDER_MAX_EF)])
def test_the_tab_fits_itself_to_the_smallest_collections(fake_encoder, texts, k, ef):
    offered, connected, trace, *_, summary, missed = refresh_walk(k, ef, Session(lab(fake_encoder, texts)))
    assert trace.found == min(k, len(texts))
    assert 1 <= len(offered["choices"]) <= OFFERED_QUESTIONS
    assert "Nothing is missed" in missed
    assert re.search(r"\d", words_of(connected))


def test_the_tab_takes_repeated_texts_with_some_out_of_reach(fake_encoder):
    repeated = lab(fake_encoder, [text for text in sentences(40) for _ in range(5)], **STARVED)
    *_, trace, _, _, _, summary, missed = refresh_walk(10, SLIDER_MAX_EF, Session(repeated))
    assert trace.found == count_found(repeated, trace.query, 10, SLIDER_MAX_EF)
    assert missed.count("cannot be reached") + missed.count("finds it, for") == len(trace.missed) > 0


def test_hostile_questions_of_a_collection_stay_text(fake_encoder):
    metadata = [{"doc_id": HOSTILE, "title": HOSTILE}] * 40
    indexed = lab(fake_encoder, sentences(40), queries=[HOSTILE, HOSTILE + "!"], metadata=metadata, **STARVED)
    _, connected, _, _, figure, words, summary, missed = refresh_walk(10, 10, Session(indexed))
    for source in (connected, words, summary, missed):
        assert_harmless(source)
    assert HOSTILE not in figure.to_json()


@pytest.mark.parametrize(("k", "ef"), [(0, 10), (-1, 10), (10, 0), (10, 10**9)])
def test_numbers_that_no_slider_gives_end_in_a_message_or_a_walk(good, k, ef):
    try:
        walk_question("amber", k, ef, Session(good))
        refresh_walk(k, ef, Session(good))
    except RetrieverError:
        return
    assert (k, ef) == (10, 0), "searched as ef=10"
