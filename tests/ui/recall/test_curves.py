"""The curves' handlers: progress, then the curve, then its distances; the lesson, the target, the second graph."""

import gradio as gr
import pytest

from tests.support.handlers import Steps, finish
from tests.support.page import figure_of
from tests.support.small import collection_of, sentences
from tests.ui.recall.test_slider import drawn
from ui.recall.curves import NO_OVERLAY, OVERLAYS, lay_over, overlay_choice, overlay_graph
from ui.recall.text import curve_lesson
from ui.render.controls import NO_CHANGE, STARVED_GRAPH
from ui.render.errors import report_errors
from ui.session import Session

pytestmark = pytest.mark.usefixtures("quiet_machine")
STARVED_NAME = next(name for name, settings in OVERLAYS.items() if settings == STARVED_GRAPH)


def names_of(figure):
    return {trace.name for trace in figure_of(figure).data}


def test_the_curve_is_measured_with_progress_and_only_once(slider, curves, fake_encoder, monkeypatch):
    monkeypatch.setattr("ui.jobs.watching.POLL_SECONDS", 0.001)
    session = Session(collection_of(fake_encoder, sentences(500), M=2, ef_construction=5))
    measurements = session.indexed.measurements
    assert curves.show_lesson(10, session) == NO_CHANGE, "the progress stays"
    steps = Steps(curves.stream_curves(10, session))
    first = next(steps)
    assert "Measuring the curve" in first[curves.lesson]
    assert measurements.known_curve(10) is None, "the numbers at this ef come first"
    assert "HNSW 2/5" not in names_of(drawn(slider, 10, 40, "latency", session)[slider.figure])
    waiting = []
    for measured in steps:
        if curves.token in measured:
            break
        waiting.append(measured[curves.lesson])
    assert waiting and all("easuring" in words or "aiting" in words for words in waiting)
    assert list(measured) == [curves.token], "what is loaded may have changed: the token's listeners say what is true"
    assert measurements.known_curve(10)[0].distances is None, "shown before its distances are counted"
    *counting, last = steps
    assert counting and all(step == NO_CHANGE for step in counting), "what is shown stays"
    assert list(last) == [curves.token], "the lesson speaks of distances too"
    curve = measurements.known_curve(10)
    assert all(step.distances is not None for step in curve)
    assert "HNSW 2/5" in names_of(drawn(slider, 10, 40, "latency", session)[slider.figure])
    [again] = Steps(curves.stream_curves(10, session))
    assert list(again) == [curves.token]
    assert len({step[curves.token] for step in (first, measured, last, again)}) == 4, "else the page shows the old"
    assert measurements.known_curve(10) is curve


def test_the_lesson_is_that_of_the_curve_of_what_is_loaded_now(curves, starved, indexed):
    for collection in (starved, indexed):
        lesson = curve_lesson(len(collection), collection.measurements.curve(10), collection.measurements.copies)
        assert curves.show_lesson(10, Session(collection)) == f'<div class="lab-lesson">{lesson}</div>'


def test_before_anything_is_loaded_nothing_shown_changes(slider, curves):
    assert slider.measure_at_ef(10, 10, Session()) == {slider.measured: None}
    assert slider.draw_details(None, 10, 10, "latency", Session()) == NO_CHANGE
    assert slider.show_distances(None, 10, 10, Session()) == curves.show_lesson(10, Session()) == NO_CHANGE
    [step] = Steps(curves.stream_curves(10, Session()))
    assert list(step) == [curves.lesson] and "being prepared" in step[curves.lesson]
    assert curves.answer_target(10, 0.95, Session()) == ""
    with pytest.raises(gr.Error, match="Nothing is loaded"):
        finish(report_errors(overlay_graph)(STARVED_NAME, Session()))


def test_a_target_names_the_smallest_measured_ef(curves, starved):
    curve = starved.measurements.curve(10)
    target = round(curve[3].mean_recall - 0.005, 2)
    expected = next(step.ef for step in curve if step.mean_recall >= target)
    answer = curves.answer_target(10, target, Session(starved))
    assert f"ef = {expected} is the smallest" in answer and f'href="?tab=recall&amp;ef={expected}"' in answer
    assert "lab-go" not in curves.answer_target(10, 1.0, Session(starved)), (
        "no ef reaches it, so there is none to go to"
    )
    assert "still being measured" in curves.answer_target(7, target, Session(starved))


def test_a_second_graph_shares_vectors_and_is_drawn(slider, curves, indexed):
    session = Session(indexed, "key", chosen=True)
    laid, kept = lay_over(finish(overlay_graph(STARVED_NAME, session)), session)
    assert kept is None
    assert (laid.indexed, laid.source, laid.chosen, session.overlay) == (indexed, "key", True, None)
    assert laid.overlay.retriever.vectors is indexed.retriever.vectors
    assert laid.overlay.retriever.hnsw.M == 4
    assert len(list(Steps(curves.stream_curves(10, laid)))) > 1
    assert {"HNSW 16/200", "HNSW 4/20"} <= names_of(drawn(slider, 10, 10, "latency", laid)[slider.figure])
    assert lay_over(finish(overlay_graph(NO_OVERLAY, laid)), laid)[0].overlay is None
    assert (overlay_choice(session), overlay_choice(laid)) == (NO_OVERLAY, NO_CHANGE)
