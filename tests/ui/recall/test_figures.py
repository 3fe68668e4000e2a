"""The curve: the right numbers in the right units, and graphs told apart without colour."""

import pytest

from tests.support.page import figure_of
from tests.support.small import curve_of, measurement
from ui.recall import figures
from ui.recall.figures import DISTANCES_AXIS, LATENCY_AXIS, MilvusCurve
from ui.render.figures import EXACT_COLOUR, HNSW_COLOUR

CURVE = curve_of((10, 0.62, 40, 120), (20, 0.8, 60, 210), (40, 0.96, 100, 390), (80, 1.0, 180, 700))
EXACT, NOW = measurement(1, 400e-6, 11_000, ef=None), measurement(0.9, 75e-6, 300, ef=33)


def curve_figure(*arguments, **options):
    return figure_of(figures.curve_figure(*arguments, **options))


def traces(figure):
    return {trace.name: trace for trace in figure.data}


@pytest.mark.parametrize(
    ("cost", "over", "exact", "now", "title", "labels"),
    [
        (LATENCY_AXIS, [40, 60, 100, 180], 400, 75, "median latency, µs a query", ["10", "20", "40", "80"]),
        (DISTANCES_AXIS, [120, 210, 390, 700], 11_000, 300, "distances computed a query", ["10", "20", "", "80"]),
    ],
)
def test_the_curve_the_reference_and_the_current_ef_over_a_cost(cost, over, exact, now, title, labels):
    figure = curve_figure(CURVE, EXACT, NOW, name="HNSW 16/200", overlay=CURVE, overlay_name="other", cost=cost)
    found = traces(figure)
    curve, reference, current = (found[name] for name in ("HNSW 16/200", "exact", "now: ef=33"))
    assert list(curve.x) == list(found["other"].x) == pytest.approx(over)
    assert list(curve.y) == pytest.approx([0.62, 0.8, 0.96, 1.0])
    assert (list(curve.customdata), list(curve.text)) == ([10, 20, 40, 80], labels), "efs"
    assert (list(reference.x), list(reference.y)) == ([pytest.approx(exact)], [1.0])
    assert (list(current.x), list(current.y)) == ([pytest.approx(now)], [pytest.approx(0.9)])
    line = figure.layout.shapes[0]
    assert (line.x0, line.x1) == (pytest.approx(exact), pytest.approx(exact))
    assert curve.line.color == curve.marker.color == current.marker.color == HNSW_COLOUR
    assert reference.marker.color == line.line.color == EXACT_COLOUR
    assert (figure.layout.xaxis.title.text, figure.layout.yaxis.title.text) == (title, "recall@10 against exact search")
    assert all(f" {cost.unit}" in trace.hovertemplate for trace in figure.data)


def test_latency_is_the_cost_unless_another_is_asked_for_and_what_was_not_counted_costs_nothing():
    assert curve_figure(CURVE, EXACT) == curve_figure(CURVE, EXACT, cost=LATENCY_AXIS)
    assert LATENCY_AXIS.of(measurement([0.5, 1], [10e-6, 30e-6])) == pytest.approx(20)
    assert DISTANCES_AXIS.of(measurement(1, 1e-6)) == 0


def test_a_second_graph_is_told_apart_without_colour():
    other = curve_of((10, 0.3, 20), (20, 0.4, 30))
    found = traces(curve_figure(CURVE, EXACT, name="HNSW 16/200", overlay=other, overlay_name="HNSW 4/20"))
    assert list(found) == ["HNSW 4/20", "HNSW 16/200", "exact"], "no current ef, and the second graph below"
    first, second = found["HNSW 16/200"], found["HNSW 4/20"]
    assert list(second.y) == pytest.approx([0.3, 0.4])
    assert second.line.dash != first.line.dash and second.marker.symbol != first.marker.symbol


@pytest.mark.parametrize("low", [0.0, 0.3, 0.95, 1.0])
def test_every_point_is_inside_the_axes(low):
    bottom, top = -0.001 if low == 0 else low / 2, 1
    with_curves = curve_figure(curve_of((10, low, 40), (20, 1.0, 60)), EXACT, overlay=curve_of((10, low / 2, 10)))
    alone = curve_figure([], EXACT, measurement(low / 2, 75e-6, ef=33))
    assert set(traces(alone)) == {"exact", "now: ef=33"}
    assert curve_figure([], EXACT).layout.yaxis.range[0] < 0, "no ticks above 1"
    for layout in (with_curves.layout, alone.layout):
        assert layout.yaxis.range[0] < bottom and layout.yaxis.range[1] > top and layout.xaxis.rangemode == "tozero"


def test_labels_do_not_cover_one_another_and_the_legend_no_line():
    steps = curve_of((10, 0.9, 30), (20, 0.99, 31), (40, 0.995, 32), (80, 0.999, 33), (160, 1.0, 90), (400, 1.0, 91))
    figure = curve_figure(steps, EXACT, name="HNSW 16/200")
    assert list(traces(figure)["HNSW 16/200"].text) == ["10", "20", "", "", "", "400"]
    over_milvus = MilvusCurve("Milvus 16/200", steps, steps[0], 20e-6)
    figure = curve_figure(steps, measurement(1, 3.0, ef=None), name="HNSW 16/200", milvus=over_milvus)
    assert list(traces(figure)["Milvus 16/200"].text) == ["10", "20", "", "", "", "400"]
    assert traces(curve_figure(steps, EXACT))["exact"].textposition == "bottom left", "at the end of the axis"
    past = curve_of((10, 0.9, 25), (20, 0.97, 36), (40, 1.0, 400))
    assert traces(curve_figure(past, measurement(1, 40e-6, ef=None)))["exact"].textposition == "bottom right"
    before = curve_of((10, 0.9, 25), (20, 0.97, 44), (40, 1.0, 400))
    assert traces(curve_figure(before, measurement(1, 20e-6, ef=None)))["exact"].textposition == "bottom left"
    assert figure.layout.legend.y > 1 and figure.layout.legend.yanchor == "bottom"


def test_a_zoom_survives_a_new_figure_of_the_same_cost():
    first, second = (curve_figure(CURVE, EXACT, now).layout.uirevision for now in (None, NOW))
    assert first == second is not None and curve_figure(CURVE, EXACT, cost=DISTANCES_AXIS).layout.uirevision != first


def test_the_curve_has_a_name_a_sentence_and_a_table_of_its_points():
    about = curve_figure(CURVE, EXACT, NOW, name="HNSW 16/200").layout.meta
    assert about["name"] == "Curve of recall over latency"
    assert about["sentence"].startswith("At ef=33 recall@10 is 0.900 for 75 µs a query.")
    rows = [
        ["HNSW 16/200", "10", "0.620", "40"],
        ["HNSW 16/200", "33", "0.900", "75"],
        ["exact search", "", "1.000", "400"],
    ]
    assert all(row in about["rows"] for row in rows) and len(about["rows"]) == len(CURVE) + 2
    assert {len(row) for row in about["rows"]} == {len(about["columns"])}
    moved = curve_figure(CURVE, EXACT, measurement(0.8, 60e-6, 210, ef=20), cost=DISTANCES_AXIS).layout.meta
    assert "ef=20 recall@10 is 0.800 for 210 distances" in moved["sentence"] and len(moved["rows"]) == len(CURVE) + 1
