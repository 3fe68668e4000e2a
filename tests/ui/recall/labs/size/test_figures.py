"""The size lab's figure: logarithmic axes, and lines that differ without colour."""

import pytest

from tests.ui.recall.labs.size.test_text import SIZES, sizes_of
from ui.recall.labs.size.figures import growth_figure
from ui.render.figures import EXACT_COLOUR, HNSW_COLOUR


def test_latency_and_distances_of_both_searches_grow_on_named_logarithmic_axes():
    figure = growth_figure(sizes_of(lambda n: 1e-7 * n, lambda n: 2e-6 * n**0.5, lambda n: 30 + n / 10))
    expected = {
        "exact, µs": [0.1 * n for n in SIZES],
        "HNSW at ef=10, µs": [2 * n**0.5 for n in SIZES],
        "exact, distances": SIZES,
        "HNSW, distances": [30 + n / 10 for n in SIZES],
    }
    assert [trace.name for trace in figure.data] == list(expected)
    for trace in figure.data:
        assert list(trace.x) == list(SIZES)
        assert list(trace.y) == pytest.approx(expected[trace.name])
        assert trace.yaxis == ("y2" if "distances" in trace.name else "y")
        assert trace.line.color == (EXACT_COLOUR if trace.name.startswith("exact") else HNSW_COLOUR)
    assert len({trace.marker.symbol for trace in figure.data}) == 4, "told apart without colour"
    axes = (figure.layout.xaxis, figure.layout.yaxis, figure.layout.yaxis2)
    assert [axis.type for axis in axes] == ["log"] * 3
    assert [axis.title.text for axis in axes] == ["vectors", "median latency, µs a query", "distances a query"]
    assert (axes[2].overlaying, axes[2].side) == ("y", "right")
    assert list(axes[0].tickvals) == list(SIZES) and {1, 3, 1_000, 3_000} < {*axes[1].tickvals}, "whole numbers"
    assert [axis.tickformat for axis in axes] == [",d"] * 3


def test_a_single_result_is_drawn():
    one = growth_figure(sizes_of(lambda n: 1e-6, lambda n: 1e-6, lambda n: 2, sizes=(1,)))
    assert all(list(trace.x) == [1] for trace in one.data)


def test_the_figure_has_a_sentence_and_a_table_of_every_result():
    growth = growth_figure(sizes_of(lambda n: 1e-7 * n, lambda n: 2e-6 * n**0.5, lambda n: 30 + n / 10)).layout.meta
    assert [row[0] for row in growth["rows"]] == [f"{n:,}" for n in SIZES]
    assert f"From {SIZES[0]:,} to {SIZES[-1]:,} vectors" in growth["sentence"]
