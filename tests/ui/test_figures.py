"""Tests of the curve and the bars: the right numbers in the right units, and the agreed colours."""

import math
from types import SimpleNamespace

import pytest

from retriever.evaluation.significance import Interval
from tests.support.judged import compared_values
from ui.compare.figures import kinds_figure, ranks_figure
from ui.render.figures import EXACT_COLOUR, HNSW_COLOUR, MISSED_COLOUR, MODEL_COLOURS

BLUE, ORANGE, VERMILION, GREEN, PURPLE = "#0072B2", "#E69F00", "#D55E00", "#009E73", "#CC79A7"


def traces(figure):
    return {trace.name: trace for trace in figure.data}


def test_colours_are_okabe_and_itos():
    assert (EXACT_COLOUR, HNSW_COLOUR, MISSED_COLOUR) == (BLUE, ORANGE, VERMILION)
    assert MODEL_COLOURS == (GREEN, PURPLE)


# --- two models

KINDS = {
    "term": compared_values((1, 1, 1, 0), (1, 0, 0, 0)),
    "fact": compared_values((1, 0, 1, 0, 1), (1, 1, 1, 1, 1)),
}
COUNTS = {"1": (5, 3), "2–3": (2, 2), "beyond": (0, 4)}


def test_hit_rates_by_kind_are_in_percent_with_their_intervals():
    figure = kinds_figure(KINDS, ("alpha", "beta"), 10)
    bars = traces(figure)
    assert list(bars["alpha"].y) == pytest.approx([75, 60])
    assert list(bars["beta"].y) == pytest.approx([25, 100])
    assert list(bars["alpha"].x) == list(bars["beta"].x) == ["term<br>(4)", "fact<br>(5)"]
    for name, side in (("alpha", "first"), ("beta", "second")):
        whiskers, means = bars[name].error_y, bars[name].y
        values = [getattr(found, side) for found in KINDS.values()]
        highs = [mean + up for mean, up in zip(means, whiskers.array, strict=True)]
        lows = [mean - down for mean, down in zip(means, whiskers.arrayminus, strict=True)]
        assert highs == pytest.approx([100 * value.high for value in values])
        assert lows == pytest.approx([100 * value.low for value in values])
        assert not whiskers.symmetric
    assert "hit rate@10, %" in figure.layout.yaxis.title.text


def test_every_bar_is_inside_the_axes():
    bottom, top = kinds_figure(KINDS, ("alpha", "beta"), 10).layout.yaxis.range
    assert bottom == 0
    assert top > 100


def test_a_kind_of_one_question_has_a_bar_without_whiskers():
    alone = Interval(1.0, math.nan, math.nan)
    found = SimpleNamespace(first=alone, second=alone, differences={"q0": 0.0})
    bar = kinds_figure({"term": found}, ("alpha", "beta"), 10).data[0]
    assert list(bar.y) == [100]
    assert list(bar.x) == ["term<br>(1)"]
    assert math.isnan(bar.error_y.array[0])


def test_ranks_are_counted_for_both_models():
    figure = ranks_figure(COUNTS, ("alpha", "beta"))
    bars = traces(figure)
    assert list(bars["alpha"].y) == [5, 2, 0]
    assert list(bars["beta"].y) == [3, 2, 4]
    assert list(bars["alpha"].x) == list(bars["beta"].x) == list(COUNTS)
    assert "rank of the first answer" in figure.layout.xaxis.title.text
    assert figure.layout.xaxis.type == "category", "else Plotly would read the label 1 as a number"
    assert figure.layout.yaxis.range is None


@pytest.mark.parametrize("figure", [kinds_figure(KINDS, ("a", "b"), 10), ranks_figure(COUNTS, ("a", "b"))])
def test_two_models_are_told_apart_without_colour(figure):
    first, second = figure.data
    assert (first.marker.color, second.marker.color) == (GREEN, PURPLE)
    assert first.marker.pattern.shape != second.marker.pattern.shape
    assert figure.layout.barmode == "group"
