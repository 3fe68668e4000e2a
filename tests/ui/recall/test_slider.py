"""The ef slider's handlers, called as Gradio calls them: values and a session in, components and values out."""

import gc
import re
import weakref

import numpy as np
import pytest

from tests.support.page import figure_of
from tests.support.small import collection_of, sentences
from ui.render.controls import NO_CHANGE
from ui.render.numbers import format_seconds
from ui.session import Session


def mean_recall(shown, slider):
    return float(re.search(r"<b>([0-9.]+)</b>", shown[slider.cards])[1])


def drawn(slider, k, ef, axis, session):
    """Return what is drawn once the slider rests at an ef."""
    return slider.draw_details(slider.measure_at_ef(k, ef, session)[slider.measured], k, ef, axis, session)


def test_sliding_shows_what_is_measured_at_that_ef(slider, starved):
    session, recalls, graph = Session(starved), [], starved.measurements.graph
    for ef in (10, 40, 400):
        numbers = slider.measure_at_ef(10, ef, session)
        details = slider.draw_details(numbers[slider.measured], 10, ef, "latency", session)
        measured = starved.measurements.measure(10, ef).hnsw
        recalls.append(mean_recall(numbers, slider))
        assert recalls[-1] == pytest.approx(measured.mean_recall, abs=0.0006)
        assert f'data-ef="{ef}"' in numbers[slider.cards]
        assert f"now: ef={ef}" in [trace.name for trace in figure_of(details[slider.figure]).data]
        assert f'title="{(measured.recall == 1).sum()} queries with recall 1.0"' in details[slider.spread]
        assert starved.queries[np.argmin(measured.recall)] in details[slider.worst]
        assert f'"ef": {ef}' in details[slider.record].unescape()
        distances = np.mean([graph.walk(query, 10, ef).distances for query in starved.query_vectors])
        counted = slider.show_distances(numbers[slider.measured], 10, ef, session)
        assert f"At ef={ef} a query computes <b>{distances:,.0f}</b> " in counted
        now, exact = numbers[slider.measured].now.hnsw, numbers[slider.measured].now.exact
        for one in (now, exact):
            assert format_seconds(one.p50) in numbers[slider.cards] and repr(one.p50) in details[slider.record]
        points = {trace.name: list(trace.x) for trace in figure_of(details[slider.figure]).data}
        assert points["exact"] == [exact.p50 * 1e6] and points[f"now: ef={ef}"] == [now.p50 * 1e6]
    assert recalls == sorted(recalls) and recalls[-1] > recalls[0] + 0.1


def test_the_axis_turns_from_latency_to_distances_and_recall_stays(slider, starved):
    curve = starved.measurements.counted_curve(10)
    figures = [
        figure_of(drawn(slider, 10, 40, axis, Session(starved))[slider.figure]) for axis in ("latency", "distances")
    ]
    latency, distances = ({trace.name: trace for trace in figure.data} for figure in figures)
    times = {step.ef: time for step, time in zip(curve, latency["HNSW 2/5"].x, strict=True)}
    assert times.pop(40) == latency["now: ef=40"].x[0], "one value of one thing: the one measured last"
    assert list(times.values()) == pytest.approx([step.p50 * 1e6 for step in curve if step.ef != 40])
    assert list(distances["HNSW 2/5"].x) == [step.mean_distances for step in curve]
    assert latency["HNSW 2/5"].y == distances["HNSW 2/5"].y and list(distances["exact"].x) == [len(starved)]
    assert list(distances["now: ef=40"].x) == [step.mean_distances for step in curve if step.ef == 40]


def test_what_visitors_share_is_drawn_once_and_anew_where_it_differs(slider, starved):
    other = starved.with_graph(3, 5)
    laid_over = Session(starved, overlay=other)
    measured = slider.measure_at_ef(10, 40, Session(starved))[slider.measured]

    def lines(axis, session):
        details = slider.draw_details(measured, 10, 40, axis, session)
        return details, [(trace.name, len(trace.x or ())) for trace in figure_of(details[slider.figure]).data]

    first, alone = lines("latency", Session(starved))
    assert lines("latency", Session(starved))[0] is first
    assert lines("distances", Session(starved))[0] is not first
    assert lines("latency", laid_over)[1] == alone
    curve = other.measurements.curve(10)
    assert ("HNSW 3/5", len(curve)) in lines("latency", laid_over)[1]


def test_nothing_is_drawn_of_a_measurement_that_no_longer_fits(slider, starved, indexed):
    loaded, measured = Session(starved), slider.measure_at_ef(10, 40, Session(starved))[slider.measured]
    moved = [(k, ef, loaded) for k, ef in ((10, 41), (10, 39), (11, 40), (9, 40), (50, 40))]
    replaced = [(10, 40, Session(other)) for other in (indexed, starved.with_graph(3, 5), None)]
    for k, ef, session in moved + replaced:
        assert slider.draw_details(measured, k, ef, "latency", session) == NO_CHANGE
        assert slider.show_distances(measured, k, ef, session) == NO_CHANGE
    assert slider.figure in slider.draw_details(measured, 10, 40, "latency", loaded)
    assert "At ef=40 " in slider.show_distances(measured, 10, 40, loaded)


def test_an_ef_below_k_is_measured_and_drawn_as_k(slider, starved, fake_encoder):
    below, at = (slider.measure_at_ef(25, ef, Session(starved)) for ef in (10, 25))
    assert 'data-ef="25"' in below[slider.cards]
    assert mean_recall(below, slider) == mean_recall(at, slider)
    for ef in (10, 25):  # the slider follows k a moment later
        assert slider.figure in slider.draw_details(below[slider.measured], 25, ef, "latency", Session(starved))
        assert "At ef=25 " in slider.show_distances(below[slider.measured], 25, ef, Session(starved))
    few = Session(collection_of(fake_encoder, sentences(3)))
    assert mean_recall(slider.measure_at_ef(50, 10, few), slider) == 1.0, "k may be above the collection"


def test_what_was_measured_last_does_not_keep_its_collection_in_memory(slider, starved):
    other = starved.with_graph(3, 5)
    gone, last = weakref.ref(other), slider.measure_at_ef(10, 40, Session(other))[slider.measured]
    del other
    gc.collect()
    assert gone() is None
    assert not last.fits(10, 40, Session(starved))
