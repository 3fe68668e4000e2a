"""Tests of the curve: the right numbers in the right units, and the agreed colours."""

from dataclasses import replace

import numpy as np
import pytest

from tests.support.small import curve_of, measurement
from ui.recall.figures import DISTANCES_AXIS, LATENCY_AXIS, curve_figure
from ui.render.figures import EXACT_COLOUR, HNSW_COLOUR, MISSED_COLOUR, MODEL_COLOURS

BLUE, ORANGE, VERMILION, GREEN, PURPLE = "#0072B2", "#E69F00", "#D55E00", "#009E73", "#CC79A7"
STEPS = ((10, 0.62, 40), (20, 0.8, 60), (40, 0.96, 100), (80, 1.0, 180))
CURVE, EXACT = curve_of(*STEPS), measurement(1, 400e-6, ef=None)


def traces(figure):
    return {trace.name: trace for trace in figure.data}


def test_colours_are_okabe_and_itos():
    assert (EXACT_COLOUR, HNSW_COLOUR, MISSED_COLOUR) == (BLUE, ORANGE, VERMILION)
    assert MODEL_COLOURS == (GREEN, PURPLE)


def test_the_curve_is_recall_over_microseconds():
    trace = traces(curve_figure(CURVE, EXACT, name="HNSW 16/200"))["HNSW 16/200"]
    assert list(trace.x) == pytest.approx([40, 60, 100, 180])
    assert list(trace.y) == pytest.approx([0.62, 0.8, 0.96, 1.0])
    assert list(trace.customdata) == [10, 20, 40, 80]
    assert trace.line.color == trace.marker.color == ORANGE


def test_labels_are_the_efs_of_their_points():
    trace = traces(curve_figure(CURVE, EXACT))["HNSW"]
    labelled = [(label, str(ef)) for label, ef in zip(trace.text, trace.customdata, strict=True) if label]
    assert len(labelled) >= 3
    assert all(label == ef for label, ef in labelled)


def test_exact_search_is_the_reference():
    figure = curve_figure(CURVE, EXACT)
    trace = traces(figure)["exact"]
    assert (list(trace.x), list(trace.y)) == ([pytest.approx(400)], [1.0])
    assert trace.marker.color == BLUE
    line = figure.layout.shapes[0]
    assert (line.x0, line.x1) == (pytest.approx(400), pytest.approx(400))
    assert line.line.color == BLUE


def test_the_current_ef_is_marked():
    figure = curve_figure(CURVE, EXACT, measurement(0.9, 75e-6, ef=33))
    trace = traces(figure)["now: ef=33"]
    assert (list(trace.x), list(trace.y)) == ([pytest.approx(75)], [pytest.approx(0.9)])
    assert trace.marker.color == ORANGE
    assert not [name for name in traces(curve_figure(CURVE, EXACT)) if name.startswith("now")]


def test_a_second_graph_is_told_apart_without_colour():
    other = curve_of((10, 0.3, 20), (20, 0.4, 30))
    found = traces(curve_figure(CURVE, EXACT, name="HNSW 16/200", overlay=other, overlay_name="HNSW 4/20"))
    assert list(found["HNSW 4/20"].y) == pytest.approx([0.3, 0.4])
    assert found["HNSW 4/20"].line.dash != found["HNSW 16/200"].line.dash
    assert found["HNSW 4/20"].marker.symbol != found["HNSW 16/200"].marker.symbol


@pytest.mark.parametrize("low", [0.0, 0.3, 0.95, 1.0])
def test_every_point_is_inside_the_axes(low):
    figure = curve_figure(curve_of((10, low, 40), (20, 1.0, 60)), EXACT, overlay=curve_of((10, low / 2, 10)))
    bottom, top = figure.layout.yaxis.range
    assert bottom < low / 2 or low == 0 and bottom < 0
    assert top > 1
    assert figure.layout.xaxis.rangemode == "tozero"


def test_the_axes_name_measure_k_and_unit():
    figure = curve_figure(curve_of((5, 0.5, 10), k=5), measurement(1, 1e-4, ef=None, k=5))
    assert "µs" in figure.layout.xaxis.title.text
    assert "median" in figure.layout.xaxis.title.text
    assert "recall@5" in figure.layout.yaxis.title.text


def test_without_a_curve_the_current_point_is_shown():
    figure = curve_figure([], EXACT, measurement(0.2, 75e-6, ef=33))
    assert figure.layout.yaxis.range[0] < 0.2
    assert set(traces(figure)) == {"exact", "now: ef=33"}


def test_a_zoom_survives_a_new_figure():
    first, second = curve_figure(CURVE, EXACT), curve_figure(CURVE, EXACT, measurement(0.9, 75e-6))
    assert first.layout.uirevision == second.layout.uirevision is not None


# --- what a query costs


def counted(step, distances):
    return replace(step, distances=np.full(len(step.recall), float(distances)))


COUNTED = [counted(step, n) for step, n in zip(CURVE, (120, 210, 390, 700), strict=True)]
EXACT_COUNTED = counted(EXACT, 11_000)


def test_a_cost_counts_microseconds_or_distances():
    step = counted(measurement([0.5, 1], [10e-6, 30e-6]), 250)
    assert LATENCY_AXIS.of(step) == pytest.approx(20)
    assert DISTANCES_AXIS.of(step) == 250
    assert DISTANCES_AXIS.of(measurement(1, 1e-6)) == 0, "nothing was counted yet"
    assert (LATENCY_AXIS.unit, DISTANCES_AXIS.unit) == ("µs", "distances")


def test_the_curve_over_distances():
    now = counted(measurement(0.9, 75e-6, ef=33), 300)
    figure = curve_figure(COUNTED, EXACT_COUNTED, now, overlay=COUNTED, overlay_name="other", cost=DISTANCES_AXIS)
    found = traces(figure)
    assert list(found["HNSW"].x) == list(found["other"].x) == [120, 210, 390, 700]
    assert list(found["HNSW"].y) == pytest.approx([0.62, 0.8, 0.96, 1.0])
    assert list(found["exact"].x) == [11_000]
    assert list(found["now: ef=33"].x) == [300]
    assert (figure.layout.shapes[0].x0, figure.layout.shapes[0].x1) == (11_000, 11_000)
    assert "distances" in figure.layout.xaxis.title.text
    for trace in figure.data:
        assert " distances" in trace.hovertemplate
        assert "µs" not in trace.hovertemplate


def test_latency_is_the_cost_unless_another_is_asked_for():
    plain, asked = curve_figure(COUNTED, EXACT_COUNTED), curve_figure(COUNTED, EXACT_COUNTED, cost=LATENCY_AXIS)
    assert plain == asked
    assert all("µs" in trace.hovertemplate for trace in plain.data)


def test_a_zoom_of_one_cost_is_not_kept_for_the_other():
    views = [
        curve_figure(COUNTED, EXACT_COUNTED, cost=cost).layout.uirevision for cost in (LATENCY_AXIS, DISTANCES_AXIS)
    ]
    assert views[0] != views[1]
