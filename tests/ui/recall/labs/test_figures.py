"""Tests of the labs' figures: each cell and point in its place, logarithmic axes, lines that differ without colour."""

import pytest

from tests.ui.recall.labs.test_text import MS, WIDTHS, built, rising, sizes_of
from ui.recall.labs.figures import growth_figure, heat_figure
from ui.render.figures import EXACT_COLOUR, HNSW_COLOUR


@pytest.fixture(scope="module")
def growing():
    return growth_figure(sizes_of(lambda n: 1e-7 * n, lambda n: 2e-6 * n**0.5, lambda n: 30 + n / 10))


@pytest.mark.parametrize("shuffled", [False, True])
def test_each_cell_is_one_graph(shuffled):
    results = built(rising, lambda M, width: M * width / 100)
    heat = heat_figure(results[::-1] if shuffled else results).data[0]
    assert list(heat.x) == [f"M={M}" for M in MS]
    assert list(heat.y) == [str(width) for width in WIDTHS]
    for row, width in enumerate(WIDTHS):
        for column, M in enumerate(MS):
            assert heat.z[row][column] == pytest.approx(rising(M, width))
            assert heat.text[row][column] == f"{rising(M, width):.3f}<br>{M * width / 100:.2f} s"
    assert heat.texttemplate == "%{text}", "each cell says its numbers, so colour is not needed"


def test_settings_are_names_and_no_numbers_to_plotly():
    layout = heat_figure(built()).layout
    assert (layout.xaxis.type, layout.yaxis.type) == ("category", "category")
    assert layout.yaxis.title.text == "efConstruction"


def test_a_single_graph_is_drawn():
    heat = heat_figure(built()[:1]).data[0]
    assert (list(heat.x), list(heat.y)) == (["M=4"], ["20"])
    assert [list(row) for row in heat.z] == [[0.5]]


def test_every_axis_of_growth_is_logarithmic_and_named(growing):
    layout = growing.layout
    assert [axis.type for axis in (layout.xaxis, layout.yaxis, layout.yaxis2)] == ["log"] * 3
    titles = [axis.title.text for axis in (layout.xaxis, layout.yaxis, layout.yaxis2)]
    assert titles == ["vectors", "median latency, µs a query", "distances a query"]
    assert (layout.yaxis2.overlaying, layout.yaxis2.side) == ("y", "right")


def test_latency_and_distances_of_both_searches_are_drawn(growing):
    sizes = [100, 200, 400, 800]
    lines = {trace.name: trace for trace in growing.data}
    assert list(lines) == ["exact, µs", "HNSW at ef=10, µs", "exact, distances", "HNSW, distances"]
    expected = [[0.1 * n for n in sizes], [2 * n**0.5 for n in sizes], sizes, [30 + n / 10 for n in sizes]]
    for trace, values in zip(growing.data, expected, strict=True):
        assert list(trace.x) == sizes
        assert list(trace.y) == pytest.approx(values)
        assert trace.yaxis == ("y2" if "distances" in trace.name else "y")
        assert trace.line.color == (EXACT_COLOUR if trace.name.startswith("exact") else HNSW_COLOUR)


def test_lines_are_told_apart_without_colour(growing):
    looks = [(trace.line.dash, trace.marker.symbol) for trace in growing.data]
    assert len(set(looks)) == 4
    assert len({trace.marker.symbol for trace in growing.data}) == 4


def test_one_size_is_drawn_too():
    figure = growth_figure(sizes_of(lambda n: 1e-6, lambda n: 1e-6, lambda n: 2, sizes=(1,)))
    assert all(list(trace.x) == [1] for trace in figure.data)
