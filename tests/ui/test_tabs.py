"""Tests of the tabs' handlers, called as Gradio calls them: values and a session in, values and perhaps one out."""

import gc
import re
import weakref

import gradio as gr
import numpy as np
import pytest

from tests.support.page import build_tab, skipped
from tests.support.small import collection_of, sentences
from ui.recall.curves import stream_curves
from ui.recall.slider import draw_details, measure_at_ef, show_distances
from ui.recall.tab import (
    NO_OVERLAY,
    OVERLAYS,
    answer_target,
    build_recall_tab,
    go_to_smallest_ef,
    overlay_choice,
    overlay_graph,
    show_lesson,
    starve_graph,
)
from ui.recall.text import curve_lesson
from ui.render.controls import keep_ef_above_k
from ui.render.errors import report_errors
from ui.session import Session


@pytest.fixture(scope="module")
def indexed(fake_encoder):
    """A collection with a good graph."""
    return collection_of(fake_encoder, sentences(300), name="Rich")


@pytest.fixture(scope="module")
def starved(fake_encoder):
    """A collection with a graph so poor that much is missed."""
    return collection_of(fake_encoder, sentences(500), M=2, ef_construction=5, name="Poor")


def mean_recall(cards):
    return float(re.search(r"<b>([0-9.]+)</b>", cards).group(1))


# --- ef tab


def test_sliding_shows_what_is_measured_at_that_ef(starved):
    session = Session(starved)
    for ef in (10, 40, 200):
        cards, last = measure_at_ef(10, ef, session)
        figure, spread, worst, record = draw_details(last, 10, ef, "latency", session)
        counted = show_distances(last, 10, ef, session)
        measured = starved.measurements.measure(10, ef)
        graph = starved.measurements.graph
        distances = np.mean([graph.walk(query, 10, ef).distances for query in starved.query_vectors])
        assert f"At ef={ef} a query computes <b>{distances:,.0f}</b> distances" in counted
        assert mean_recall(cards) == pytest.approx(measured.mean_recall, abs=0.0006)
        assert f'data-ef="{ef}"' in cards
        assert f"now: ef={ef}" in [trace.name for trace in figure.data]
        perfect = int((measured.recall == 1).sum())
        assert f'title="{perfect} ' in spread
        assert f'"ef": {ef}' in record.unescape()


def drawn(k, ef, axis, session):
    """Return the figure that is drawn after the slider moved to an ef."""
    return draw_details(measure_at_ef(k, ef, session)[1], k, ef, axis, session)[0]


def test_the_axis_turns_from_latency_to_distances_and_recall_stays(starved):
    starved.measurements.curve(10)
    latency, distances = (drawn(10, 40, axis, Session(starved)) for axis in ("latency", "distances"))
    [one], [other] = ([trace for trace in figure.data if trace.name == "HNSW 2/5"] for figure in (latency, distances))
    assert one.y == other.y
    assert list(other.x) == [step.mean_distances for step in starved.measurements.curve(10)]
    assert list(other.x) == sorted(other.x)
    exact = next(trace for trace in distances.data if trace.name == "exact")
    assert list(exact.x) == [len(starved)]
    assert "distances" in distances.layout.xaxis.title.text


@pytest.mark.parametrize(("k", "ef"), [(10, 41), (10, 39), (11, 40), (9, 40), (50, 40)])
def test_nothing_is_drawn_of_a_measurement_that_the_sliders_have_left(starved, k, ef):
    session = Session(starved)
    last = measure_at_ef(10, 40, session)[1]
    assert all(skipped(value) for value in draw_details(last, k, ef, "latency", session))
    assert skipped(show_distances(last, k, ef, session))
    assert not skipped(draw_details(last, 10, 40, "latency", session)[0])
    assert not skipped(show_distances(last, 10, 40, session))


def test_an_ef_below_k_is_drawn_as_k(starved):
    last = measure_at_ef(25, 10, Session(starved))[1]
    for ef in (10, 25):  # the slider follows k a moment later
        assert not skipped(draw_details(last, 25, ef, "latency", Session(starved))[0])
        assert "At ef=25 " in show_distances(last, 25, ef, Session(starved))


def test_nothing_is_drawn_of_a_measurement_of_what_is_no_longer_loaded(starved, indexed):
    last = measure_at_ef(10, 40, Session(starved))[1]
    for session in (Session(indexed), Session(starved.with_graph(3, 5)), Session()):
        assert all(skipped(value) for value in draw_details(last, 10, 40, "latency", session))
        assert skipped(show_distances(last, 10, 40, session))


def test_what_was_measured_last_does_not_keep_its_collection_in_memory(starved):
    other = starved.with_graph(3, 5)
    gone = weakref.ref(other)
    last = measure_at_ef(10, 40, Session(other))[1]
    del other
    gc.collect()
    assert gone() is None
    assert not last.fits(10, 40, Session(starved))


def test_each_place_is_written_by_one_listener_with_one_request_under_way():
    tab, page = build_tab(build_recall_tab)
    listeners = list(page.fns.values())
    places = set()
    for name in ("measure_at_ef", "draw_details", "show_distances", "answer_target"):
        [writer] = [listener for listener in listeners if listener.name == name]
        assert writer.trigger_mode == "always_last"  # the next request begins when the last one has ended, not before
        assert writer.queue is (name == "answer_target")
        places |= {place._id for place in writer.outputs}
        assert [one.name for one in listeners if set(one.outputs) & set(writer.outputs)] == [name]
    assert len(places) == 8, "numbers and what was measured; figure, spread, worst, record; distances; target"
    chained = {one.name: listeners[one.trigger_after].name for one in listeners if one.trigger_after is not None}
    assert chained["draw_details"] == "measure_at_ef"
    assert chained["show_distances"] == "draw_details"
    asked = tab.refreshed[1]
    assert {one.name for one in listeners if (asked._id, "change") in one.targets} == {
        "measure_at_ef",
        "answer_target",
        "show_lesson",
    }
    for name in ("stream_curves", "go_to_smallest_ef"):
        assert all(asked in one.outputs for one in listeners if one.name == name)
        assert all(one.queue for one in listeners if one.name == name), "only these tell the page that a state changed"


def test_the_smallest_ef_is_k_and_its_numbers_are_asked_for():
    (ef, first), (_, second) = go_to_smallest_ef(25.0), go_to_smallest_ef(25.0)
    assert ef == 25
    assert first != second


def test_recall_rises_with_ef(starved):
    recalls = [mean_recall(measure_at_ef(10, ef, Session(starved))[0]) for ef in (10, 30, 100, 400)]
    assert recalls == sorted(recalls)
    assert recalls[-1] > recalls[0] + 0.1


def test_sliding_below_k_is_k(starved):
    below, at = (measure_at_ef(10, ef, Session(starved))[0] for ef in (1, 10))
    assert 'data-ef="10"' in below
    assert mean_recall(below) == mean_recall(at)
    assert keep_ef_above_k(25, 10) == gr.update(minimum=25, value=25)


def test_sliding_before_anything_is_loaded_changes_nothing():
    cards, last = measure_at_ef(10, 10, Session())
    assert skipped(cards)
    assert last is None
    assert all(skipped(value) for value in draw_details(last, 10, 10, "latency", Session()))
    assert skipped(show_distances(last, 10, 10, Session()))


def test_sliding_with_k_above_the_collection(fake_encoder):
    few = collection_of(fake_encoder, sentences(3))
    assert mean_recall(measure_at_ef(50, 50, Session(few))[0]) == 1.0


def test_the_curve_is_measured_with_progress_and_only_once(fake_encoder, monkeypatch):
    monkeypatch.setattr("ui.jobs.job.POLL_SECONDS", 0.001)
    fresh = collection_of(fake_encoder, sentences(500), M=2, ef_construction=5)
    session = Session(fresh)
    assert skipped(show_lesson(10, session)), "the progress stays"
    steps = stream_curves(10, session)
    progress, first = next(steps)
    assert "Measuring the curve" in progress
    assert fresh.measurements.known_curve(10) is None, "the numbers at this ef come first"
    assert fresh.measurements._of_vectors.exact, "else they would wait for the curve"
    assert "HNSW 2/5" not in [trace.name for trace in drawn(10, 40, "latency", session).data]
    waiting, measured = [], 0
    for progress, measured in steps:
        if not skipped(measured):
            break
        waiting.append(progress)
    assert waiting
    assert all("easuring" in progress or "aiting" in progress for progress in waiting)
    assert skipped(progress), "what is loaded may have changed meanwhile: tell says what is true then"
    assert measured != first, "else the page would not show the curve"
    assert fresh.measurements.known_curve(10)[0].distances is None, "shown before its distances are counted"
    *counting, (words, last) = steps
    assert counting
    assert all(skipped(value) for step in counting for value in step), "what is shown stays"
    assert skipped(words)
    assert last != measured, "the lesson speaks of distances too"
    curve = fresh.measurements.known_curve(10)
    assert all(step.distances is not None for step in curve)
    trace = next(trace for trace in drawn(10, 40, "latency", session).data if trace.name == "HNSW 2/5")
    assert list(trace.y) == [step.mean_recall for step in curve]
    assert list(trace.x) == pytest.approx([step.p50 * 1e6 for step in curve])
    [(words, again)] = stream_curves(10, session)
    assert skipped(words)
    assert again != last
    assert fresh.measurements.known_curve(10) is curve


def test_the_lesson_is_that_of_the_curve_of_what_is_loaded_now(starved, indexed):
    starved.measurements.curve(10), indexed.measurements.curve(10)
    for collection in (starved, indexed):
        lesson = curve_lesson(collection, collection.measurements.measure_exact(10), collection.measurements.curve(10))
        assert show_lesson(10, Session(collection)) == f'<div class="lab-lesson">{lesson}</div>'
    assert skipped(show_lesson(10, Session()))


def test_the_curve_before_anything_is_loaded_is_told():
    [(words, asked)] = stream_curves(10, Session())
    assert "being prepared" in words
    assert skipped(asked)


def test_aiming_names_the_smallest_measured_ef(starved):
    curve = starved.measurements.curve(10)
    target = round(curve[3].mean_recall - 0.005, 2)
    expected = next(step.ef for step in curve if step.mean_recall >= target)
    assert f"ef = {expected} " in answer_target(10, target, Session(starved))
    assert "still being measured" in answer_target(7, target, Session(starved))
    assert answer_target(10, target, Session()) == ""


def test_a_second_graph_shares_vectors_and_is_drawn(indexed):
    session = Session(indexed, "key", chosen=True)
    name = next(name for name, settings in OVERLAYS.items() if settings == (4, 20))
    laid = overlay_graph(name, session)
    assert laid.indexed is indexed
    assert (laid.source, laid.chosen) == ("key", True)
    assert laid.overlay.retriever.vectors is indexed.retriever.vectors
    assert laid.overlay.retriever.hnsw.M == 4
    assert session.overlay is None
    for _ in stream_curves(10, laid):
        pass
    assert {"HNSW 16/200", "HNSW 4/20"} <= {trace.name for trace in drawn(10, 10, "latency", laid).data}
    assert overlay_graph(NO_OVERLAY, laid).overlay is None
    assert overlay_choice(session) == NO_OVERLAY
    assert skipped(overlay_choice(laid))


def test_a_second_graph_over_nothing_is_an_error():
    name = next(name for name, settings in OVERLAYS.items() if settings == (4, 20))
    with pytest.raises(gr.Error, match="Nothing is loaded"):
        report_errors(overlay_graph)(name, Session())


def test_starving_takes_a_poor_graph_over_the_same_vectors(indexed):
    session = starve_graph(Session(indexed, "key"))
    assert session.indexed.retriever.vectors is indexed.retriever.vectors
    assert (session.indexed.settings.M, session.indexed.settings.ef_construction) == (4, 20)
    assert session.chosen
    assert session.source == "key"
    assert indexed.settings.M == 16
    with pytest.raises(gr.Error):
        report_errors(starve_graph)(Session())


def test_starving_takes_the_second_graph_along(indexed):
    overlay = indexed.with_graph(8, 50)
    assert starve_graph(Session(indexed, overlay=overlay)).overlay is overlay
