"""The Inside HNSW tab's handlers, called as Gradio calls them: values and a session in, components and values out."""

import gradio as gr
import numpy as np
import pytest

from tests.support.page import assert_harmless, build_tab, figure_of, words_of
from tests.support.small import HOSTILE, sentences
from tests.support.walks import STARVED, by_hnswlib, count_found, lab, traced
from ui.render.controls import NO_CHANGE, SLIDER_MAX_EF
from ui.render.errors import report_errors
from ui.session import Session
from ui.walk.tab import OFFERED_QUESTIONS, PAUSE, PLAY, build_walk_tab


@pytest.fixture(scope="module")
def tab():
    return build_tab(build_walk_tab)[0]


@pytest.fixture
def no_model(monkeypatch, fake_encoder):
    """Fail the test if anything is embedded."""
    for name in ("encode_query", "encode_document"):
        monkeypatch.setattr(fake_encoder, name, lambda *args, **options: pytest.fail("a text was embedded"), False)


def check_views(tab, shown, found):
    """Check that the components show one walk, which found so many, at its first step."""
    trace, slider, steps = shown[tab.trace], shown[tab.step], len(shown[tab.trace].walk.steps)
    asked = len(trace.true_ids)
    assert slider["value"] == 1 and slider["maximum"] == max(steps, 2), "a slider needs two ends"
    assert slider["interactive"] == (steps > 1)
    check_step(tab, shown, trace, 1)
    assert trace.found == found
    amount = f"{found} of the {asked}" if found < asked else f"all {asked}" if asked > 1 else "the one"
    cost = f"exact search computes {len(trace.indexed)}."
    summary = words_of(shown[tab.summary])
    assert f"At ef={trace.walk.ef} the walk finds {amount} nearest" in summary and cost in summary
    assert shown[tab.missed].count("<li>") == len(trace.missed) == asked - found
    assert ("Nothing is missed" in shown[tab.missed]) == (asked == found)
    assert f'"question": "{trace.question}"' in shown[tab.missed].unescape()


def check_step(tab, shown, trace, number):
    """Check that the map and the words are those of a step."""
    [followed] = [dots for dots in figure_of(shown[tab.figure]).data if dots.name == "followed"]
    assert len(followed.x) == sum(not step.layer for step in trace.walk.steps[:number])
    assert f"Step {number} of {len(trace.walk.steps)}," in words_of(shown[tab.words])


@pytest.mark.parametrize("ef", [10.0, float(SLIDER_MAX_EF)])
@pytest.mark.parametrize("question", ["amber river", "Wo ist der Bär? 熊はどこ", "?!", "z " * 900])
def test_a_walk_of_a_poor_graph_is_shown_at_its_first_step(tab, starved, question, ef):
    shown = tab.walk(question, 10.0, ef, Session(starved))
    assert list(shown) == tab.views
    trace = shown[tab.trace]
    assert (trace.question, trace.indexed) == (question.strip(), starved)
    assert trace.walk.ids.tolist() == by_hnswlib(starved, trace.query, 10, int(ef))
    check_views(tab, shown, count_found(starved, trace.query, 10, int(ef)))


@pytest.mark.parametrize("question", ["", None, "  ", "x" * 2001])
def test_a_question_that_cannot_be_taken_is_told(tab, good, question):
    with pytest.raises(gr.Error, match="question"):
        report_errors(tab.walk)(question, 10, 10, Session(good))


def test_before_anything_is_loaded_a_walk_is_told_so_and_the_rest_changes_nothing(tab, good):
    with pytest.raises(gr.Error, match="Nothing is loaded"):
        report_errors(tab.walk)("amber", 10, 10, Session())
    assert tab.refresh(0, 10, 10, Session()) == tab.show_step(1, None) == NO_CHANGE
    assert tab.walk_again(None, 10, 10, Session()) == tab.walk_again(None, 10, 10, Session(good)) == NO_CHANGE


def test_a_moved_slider_walks_again_for_the_same_question_without_a_model(tab, starved, no_model):
    before = tab.refresh(0, 10.0, 10.0, Session(starved))[tab.trace]
    shown = tab.walk_again(before, 5.0, 40.0, Session(starved))
    trace = shown[tab.trace]
    assert (trace.question, trace.walk.k, trace.walk.ef) == (before.question, 5, 40)
    assert trace.walk.ids.tolist() == by_hnswlib(starved, before.query, 5, 40)
    check_views(tab, shown, count_found(starved, before.query, 5, 40))
    assert tab.walk_again(before, 20.0, 10.0, Session(starved))[tab.trace].walk.ef == 20, "the slider of ef follows"


def test_a_trace_of_another_collection_is_not_walked_again(tab, starved, good):
    trace = traced(good)
    for session in (Session(starved), Session(good.with_graph(2, 5)), Session()):
        assert tab.walk_again(trace, 10, 10, session) == NO_CHANGE
    assert tab.walk_again(trace, 10, 10, Session(good, chosen=True)) != NO_CHANGE


def test_a_step_is_shown_and_one_past_the_end_is_the_last(tab, starved):
    trace = traced(starved)
    last = len(trace.walk.steps)
    for number, shown in ((1.0, 1), (last // 2, last // 2), (last, last), (10_000, last)):
        check_step(tab, tab.show_step(number, trace), trace, shown)


def test_a_walk_goes_back_and_on_and_plays_to_its_end(tab, starved):
    trace = traced(starved)
    last = len(trace.walk.steps)
    for move, number, shown in ((tab.go_back, 1, 1), (tab.go_back, 3, 2), (tab.go_on, 1, 2), (tab.go_on, last, last)):
        moved = move(number, trace)
        assert moved[tab.step] == shown
        check_step(tab, moved, trace, shown)
    started = tab.play_or_pause(PLAY, 1, trace)
    assert tab.step not in started and started[tab.clock]["active"] and started[tab.play]["value"] == PAUSE
    assert tab.play_or_pause(PLAY, last, trace)[tab.step] == 1, "at the end it begins again"
    assert not tab.play_or_pause(PAUSE, 2, trace)[tab.clock]["active"]
    assert tab.clock not in tab.go_on(1, trace)
    ended = tab.go_on(last - 1, trace)
    assert not ended[tab.clock]["active"] and ended[tab.play]["value"] == PLAY
    assert "Here the walk stops" in ended[tab.words] and "Here the walk stops" not in tab.go_on(1, trace)[tab.words]
    assert not tab.play_or_pause(PLAY, 1, None)[tab.clock]["active"], "there is nothing to play"


def test_a_loaded_collection_offers_what_its_graph_does_worst_on_without_a_model(tab, starved, good, no_model):
    shown = tab.refresh(id(good), 10.0, 10.0, Session(starved))
    assert set(shown) == set(tab.refreshed)
    found = [count_found(starved, query, 10, 10) for query in starved.query_vectors]
    worst = [starved.queries[row] for row in np.argsort(found, kind="stable")[:OFFERED_QUESTIONS]]
    assert (shown[tab.question]["choices"], shown[tab.question]["value"]) == (worst, worst[0])
    assert shown[tab.trace].question == worst[0]
    check_views(tab, shown, min(found))
    assert f"{len(starved.measurements.graph.unreachable)} that no walk can reach" in words_of(shown[tab.connected])
    assert tab.refresh(shown[tab.drawn], 10.0, 10.0, Session(starved)) == NO_CHANGE, "it was drawn before"


@pytest.mark.parametrize("texts", [["amber"], ["amber", "river"], ["amber"] * 3], ids=["one", "two", "equal"])
@pytest.mark.parametrize(("k", "ef"), [(1, 1), (10, 10), (50, SLIDER_MAX_EF)])
def test_the_tab_fits_itself_to_the_smallest_collections(tab, fake_encoder, texts, k, ef):
    session = Session(lab(fake_encoder, texts))
    for shown in (tab.refresh(0, k, ef, session), tab.walk("amber", k, ef, session)):
        check_views(tab, shown, min(k, len(texts)))
        check_step(tab, tab.show_step(1, shown[tab.trace]), shown[tab.trace], 1)


def test_a_hostile_collection_and_question_stay_text(tab, fake_encoder):
    metadata = [{"doc_id": HOSTILE, "title": HOSTILE, "source": HOSTILE}] * 200
    indexed = lab(fake_encoder, sentences(200), queries=[HOSTILE], metadata=metadata, name=HOSTILE, **STARVED)
    shown = tab.refresh(0, 10, 10, Session(indexed))
    assert shown[tab.trace].missed and HOSTILE in words_of(shown[tab.missed])
    for source in (shown[tab.connected], shown[tab.summary], shown[tab.missed]):
        assert_harmless(source)
    for number in range(1, len(shown[tab.trace].walk.steps) + 1):
        words = tab.show_step(number, shown[tab.trace])[tab.words]
        assert_harmless(words)
        assert HOSTILE in words_of(words)
    assert HOSTILE not in shown[tab.figure].plot


def test_numbers_beyond_the_sliders_become_the_nearest_of_them(tab, good):
    for k, ef in ((0, 10), (-1, 0), (10, 10**9)):
        walk = tab.walk("amber", k, ef, Session(good))[tab.trace].walk
        assert (walk.k, walk.ef) == (max(k, 1), min(max(ef, k, 1), 400))
