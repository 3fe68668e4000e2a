"""The build lab's figure: each cell in its place, and readable without colour."""

import pytest

from tests.ui.recall.labs.build.test_text import MS, WIDTHS, built, rising
from ui.recall.labs.build.figures import heat_figure
from ui.render.numbers import format_seconds


@pytest.mark.parametrize("order", [1, -1])
def test_each_cell_is_one_graph_and_settings_are_names(order):
    figure = heat_figure(built(rising, lambda M, width: M * width / 100)[::order])
    heat, layout = figure.data[0], figure.layout
    assert (list(heat.x), list(heat.y)) == ([f"M={M}" for M in MS], [str(width) for width in WIDTHS])
    for row, width in enumerate(WIDTHS):
        assert list(heat.z[row]) == pytest.approx([rising(M, width) for M in MS])
        assert list(heat.text[row]) == [f"{rising(M, width):.3f}<br>{format_seconds(M * width / 100)}" for M in MS]
    assert heat.texttemplate == "%{text}", "each cell says its numbers, so colour is not needed"
    assert (layout.xaxis.type, layout.yaxis.type, layout.yaxis.title.text) == ("category", "category", "efConstruction")


def test_a_single_result_is_drawn():
    heat = heat_figure(built()[:1]).data[0]
    assert (list(heat.x), list(heat.y), [list(row) for row in heat.z]) == (["M=4"], ["20"], [[0.5]])


def test_the_figure_has_a_sentence_and_a_table_of_every_result():
    results = built(rising, lambda M, width: M * width / 100)
    heat = heat_figure(results).layout.meta
    assert len(heat["rows"]) == len(results) and " against exact search goes from " in heat["sentence"]
