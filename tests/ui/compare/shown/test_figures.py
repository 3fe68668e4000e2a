"""Tests of the bar charts: the right numbers in the right units, names that Plotly shows as text, agreed colours."""

import math
import re
from types import SimpleNamespace

import numpy as np
import pytest

from retriever.evaluation.significance import Interval
from tests.support.judged import FIRST, SECOND, compared, compared_values
from tests.support.judged import KINDS as KINDS_OF_TWELVE
from tests.support.small import HOSTILE
from ui.compare.shown.figures import comparison_figure, kinds_figure, ranks_figure
from ui.render.figures import MODEL_COLOURS

NAMES = ("alpha", "beta")
KINDS = {
    "term": compared_values((1, 1, 1, 0), (1, 0, 0, 0)),
    "fact": compared_values((1, 0, 1, 0, 1), (1, 1, 1, 1, 1)),
}
COUNTS = {"1": (5, 3), "2–3": (2, 2), "beyond": (0, 4)}


def test_hit_rates_by_kind_have_their_intervals():
    figure = kinds_figure(KINDS, NAMES, 10)
    for trace, name, side, means in zip(figure.data, NAMES, ("first", "second"), ([0.75, 0.6], [0.25, 1]), strict=True):
        assert trace.name == name
        assert list(trace.x) == ["term<br>(4)", "fact<br>(5)"]
        assert list(trace.y) == pytest.approx(means)
        values, whiskers = [getattr(found, side) for found in KINDS.values()], trace.error_y
        assert np.add(means, whiskers.array) == pytest.approx([value.high for value in values])
        assert np.subtract(means, whiskers.arrayminus) == pytest.approx([value.low for value in values])
        assert not whiskers.symmetric
    assert figure.layout.yaxis.title.text == "hit rate@10"
    bottom, top = figure.layout.yaxis.range
    assert bottom == 0 and top > 1, "every bar is inside the axes"
    alone = Interval(1.0, math.nan, math.nan)
    bar = kinds_figure({"a": SimpleNamespace(first=alone, second=alone, differences={"q0": 0.0})}, NAMES, 10).data[0]
    assert (list(bar.x), list(bar.y)) == (["a<br>(1)"], [1])
    assert math.isnan(bar.error_y.array[0]), "a single question has no whiskers"


def test_ranks_are_counted_for_both_models():
    figure = ranks_figure(COUNTS, NAMES)
    assert [(trace.name, list(trace.y)) for trace in figure.data] == [("alpha", [5, 2, 0]), ("beta", [3, 2, 4])]
    assert all(list(trace.x) == list(COUNTS) for trace in figure.data)
    assert "rank of the first answer" in figure.layout.xaxis.title.text
    assert figure.layout.xaxis.type == "category", "else Plotly would read the label 1 as a number"
    assert figure.layout.yaxis.range is None


@pytest.mark.parametrize(
    "figure", [kinds_figure(KINDS, NAMES, 10), ranks_figure(COUNTS, NAMES)], ids=["kinds", "ranks"]
)
def test_two_models_are_told_apart_without_colour(figure):
    first, second = figure.data
    assert (first.marker.color, second.marker.color) == MODEL_COLOURS[:2] == ("#009E73", "#CC79A7")
    assert first.marker.pattern.shape != second.marker.pattern.shape
    assert figure.layout.barmode == "group"


@pytest.mark.parametrize(
    "text", [HOSTILE, "<b>b</b><br><extra></extra>", r"$\href{javascript:x}{x}$ $$y$$", "&lt;b&gt;"]
)
def test_hostile_kinds_and_models_are_text_below_bars_of_their_own(text):
    kinds = dict(zip((text, f"{text} again", f"{'k' * 30}1", f"{'k' * 30}2"), [*KINDS.values()] * 2, strict=True))
    figure = kinds_figure(kinds, (text, "beta"), 10)
    labels = [label.removesuffix(f"<br>({count})") for label, count in zip(figure.data[0].x, [4, 5] * 2, strict=True)]
    assert len(set(labels)) == 4, "else one bar would cover another"
    for label in (*labels, figure.data[0].name, ranks_figure(COUNTS, (text, "beta")).data[0].name):
        assert not set("<>$") & set(label)
    decoded = [as_plotly(label) for label in (*labels[:2], figure.data[0].name)]
    assert text.startswith(decoded[0].removesuffix("…"))
    assert f"{text} again".startswith(decoded[1].removesuffix(" 2").removesuffix("…"))
    assert decoded[2] == text


def as_plotly(label):
    """Return a label as Plotly shows it: it decodes entities once."""
    entities = {"&amp;": "&", "&lt;": "<", "&gt;": ">", "&#36;": "$"}
    return re.sub("&(?:amp|lt|gt|#36);", lambda found: entities[found[0]], label)


def test_both_figures_have_a_sentence_and_a_table_of_what_they_draw():
    about = kinds_figure(KINDS, NAMES, 10).layout.meta
    assert about["sentence"] == "They differ most on term questions: alpha 0.750, beta 0.250."
    assert about["rows"] == [["term", "4", "0.750", "0.250"], ["fact", "5", "0.600", "1.000"]]
    ranks = ranks_figure(COUNTS, NAMES).layout.meta
    assert ranks["sentence"] == "The first answer stands first for 5 of alpha and 3 of beta."
    assert [row[1:] for row in ranks["rows"]] == [["5", "3"], ["2", "2"], ["0", "4"]]


RANKS = FIRST, SECOND, [1] * 12, [None] * 12


def test_of_more_than_two_a_heat_map_shows_who_answers_what_kind_of_question():
    found = compared(*RANKS, kinds=KINDS_OF_TWELVE)
    figure = comparison_figure(found)
    [trace] = figure.data
    rates = [[0.8, 0.6, 1, 0], [3 / 7, 3 / 7, 1, 0]]  # of five questions, and of seven
    assert (trace.type, list(trace.x), list(trace.y)) == ("heatmap", list("●▲■◆"), ["term (5)", "fact (7)"])
    for shown, written, expected in zip(trace.z, trace.text, rates, strict=True):
        assert list(shown) == pytest.approx(expected)
        assert list(written) == [f"{rate:.3f}" for rate in expected]
    assert (trace.zmin, trace.zmax) == (0, 1), "the same shade is the same rate in every comparison"
    about = figure.layout.meta
    assert about["columns"] == ["kind", "questions", "alpha", "beta", "gamma", "delta"]
    assert about["rows"] == [
        ["term", "5", "0.800", "0.600", "1.000", "0.000"],
        ["fact", "7", "0.429", "0.429", "1.000", "0.000"],
    ]
    assert about["sentence"].endswith("of 2 kinds of question: alpha for 0, beta for 0, gamma for 2, delta for 0.")


def test_ranks_of_four_are_told_apart_without_colour():
    traces = comparison_figure(compared(*RANKS)).data
    assert [list(trace.y) for trace in traces] == [[1, 2, 4, 4, 1], [3, 2, 1, 4, 2], [12, 0, 0, 0, 0], [0, 0, 0, 0, 12]]
    assert len({trace.marker.pattern.shape for trace in traces}) == len({trace.marker.color for trace in traces}) == 4
