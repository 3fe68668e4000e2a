"""Tests of the map: at a step it draws what was walked up to it, by shape as well as by colour."""

from dataclasses import replace

import numpy as np
import pytest

from tests.support.small import HOSTILE, sentences
from tests.support.walks import STARVED, lab
from ui.walk.figures import BACKGROUND_DOTS, _ground_traces, map_figure
from ui.walk.trace import trace_question, trace_walk


@pytest.fixture(scope="module")
def starved(fake_encoder):
    return lab(fake_encoder, sentences(400), **STARVED)


@pytest.fixture(scope="module")
def trace(starved):
    walks = [trace_question(question, 10, 10, starved) for question in starved.queries[:10]]
    return next(trace for trace in walks if trace.missed and trace.found > 1)


@pytest.fixture(scope="module")
def flat(fake_encoder):
    """A collection whose graph has only the ground layer."""
    indexed = lab(fake_encoder, sentences(12))
    assert len(indexed.measurements.graph.links) == 1
    return indexed


def on(figure, axis="x"):
    """Return the traces of one map by name: x is the ground layer, x2 the first above it, and so on."""
    return {trace.name: trace for trace in figure.data if (trace.xaxis or "x") == axis}


def at(indexed, nodes):
    """Return the positions of nodes, as points."""
    return [tuple(point) for point in indexed.measurements.positions[list(nodes)].round(4).tolist()]


def points(trace):
    return [tuple(point) for point in np.column_stack([trace.x, trace.y]).astype(np.float32).tolist()]


def drawn(figure, name, axis="x"):
    return points(on(figure, axis)[name])


def same(points, others):
    """Return whether two lists hold the same points, in any order."""
    return sorted(points) == sorted(others)


# --- what is drawn


@pytest.mark.parametrize("part", [0, 0.3, 0.6, 1])
def test_the_ground_layer_shows_the_steps_up_to_this_one_and_no_other(trace, part):
    steps, indexed = trace.walk.steps, trace.indexed
    first = next(number for number, step in enumerate(steps) if not step.layer)
    number = first + 1 + int(part * (len(steps) - first - 1))
    figure = map_figure(trace, number)
    walked = [step for step in steps[:number] if not step.layer]
    followed = [step.node for step in walked]
    looked = {node for step in walked for node in step.looked_at} - set(followed)
    kept, missed = walked[-1].kept[:10], {miss.node for miss in trace.missed}
    assert drawn(figure, "followed") == at(indexed, followed), "in the order of the walk, as they are joined"
    assert same(drawn(figure, "looked at"), at(indexed, looked))
    assert same(drawn(figure, "this step"), at(indexed, [steps[number - 1].node]))
    true = set(trace.true_ids.tolist())
    assert same(drawn(figure, "true, missed"), at(indexed, missed))
    assert same(drawn(figure, "true, found"), at(indexed, (true - missed) & set(kept)))
    assert same(drawn(figure, "true, not yet found"), at(indexed, true - missed - set(kept)))
    if part == 1:
        assert len(drawn(figure, "true, found")) == trace.found
        assert not drawn(figure, "true, not yet found")


def test_step_by_step_what_was_drawn_stays_and_one_node_is_followed_more(trace):
    seen, before = set(), -1
    for number in range(1, len(trace.walk.steps) + 1, 3):
        figure = map_figure(trace, number)
        shown = set(drawn(figure, "followed")) | set(drawn(figure, "looked at"))
        assert seen <= shown
        seen = shown
        followed = len(drawn(figure, "followed"))
        assert followed == sum(not step.layer for step in trace.walk.steps[:number])
        assert followed >= before
        before = followed


def test_on_the_way_down_nothing_of_the_ground_layer_is_shown_yet(trace):
    figure = map_figure(trace, 1)
    assert trace.walk.steps[0].layer > 0
    assert drawn(figure, "followed") == drawn(figure, "looked at") == drawn(figure, "true, found") == []
    assert "this step" not in on(figure)
    assert len(drawn(figure, "true, not yet found")) + len(drawn(figure, "true, missed")) == 10


def test_each_upper_layer_has_axes_of_its_own_the_topmost_holds_those_above(trace):
    steps, indexed = trace.walk.steps, trace.indexed
    levels = indexed.measurements.graph.levels
    assert levels.max() > 3, "else there is none above"
    down = sum(step.layer > 0 for step in steps)
    assert any(step.kept[0] != step.node for step in steps[:down]), "else the descent goes nowhere"
    for number in (*range(1, down + 1, 2), *range(2, down + 1, 4), len(steps)):
        figure = map_figure(trace, number)
        assert {trace.xaxis or "x" for trace in figure.data} == {"x", "x2", "x3", "x4"}
        for layer in (1, 2, 3):
            axis = f"x{layer + 1}"
            walked = [s for s in steps[:number] if s.layer == layer or (layer == 3 and s.layer > 3)]
            path = [step.node for step in walked] + [step.kept[0] for step in walked[-1:]]
            looked = {node for step in walked for node in step.looked_at} - set(path)
            assert drawn(figure, "descent", axis) == at(indexed, path)
            assert same(drawn(figure, "looked at", axis), at(indexed, looked))
            entry = [indexed.measurements.graph.entry_point] if layer == 3 else []
            assert drawn(figure, "entry point", axis) == at(indexed, entry)
            assert all(trace.yaxis == f"y{layer + 1}" for trace in on(figure, axis).values())
            assert same(points(on(figure, axis)[""]), at(indexed, np.flatnonzero(levels >= layer)))
    words = [annotation.text for annotation in figure.layout.annotations]
    assert words == ["ground layer", "layer 1", "layer 2", "layer 3 and above"]


def test_the_maps_do_not_cover_one_another(trace):
    layout = map_figure(trace, 5).layout
    areas = [(layout[f"xaxis{number}"].domain, layout[f"yaxis{number}"].domain) for number in ("", 2, 3, 4)]
    for number, (across, up) in enumerate(areas):
        assert across[0] < across[1]
        assert up[0] < up[1]
        for other_across, other_up in areas[number + 1 :]:
            beside = across[1] <= other_across[0] or other_across[1] <= across[0]
            assert beside or up[1] <= other_up[0] or other_up[1] <= up[0]
    assert layout.yaxis2.domain[0] < layout.yaxis3.domain[0] < layout.yaxis4.domain[0], "the walk comes from above"


def test_a_graph_of_one_layer_has_one_map(flat):
    trace = trace_question("amber", 3, 3, flat)
    figure = map_figure(trace, len(trace.walk.steps))
    assert {trace.xaxis or "x" for trace in figure.data} == {"x"}
    assert tuple(figure.layout.xaxis.domain) == (0, 1)
    assert [annotation.text for annotation in figure.layout.annotations] == ["ground layer"]
    assert len(drawn(figure, "true, found")) == trace.found


def test_where_equally_near_ones_were_found_none_is_called_not_yet_found(fake_encoder):
    trace = trace_question("amber", 10, 10, lab(fake_encoder, ["amber river"] * 30))
    figure = map_figure(trace, len(trace.walk.steps))
    assert trace.found == 10
    assert drawn(figure, "true, not yet found") == [], "the walk has ended, and nothing was missed"


# --- how it reads


def test_all_kinds_of_nodes_are_told_apart_without_colour(trace):
    figure = map_figure(trace, len(trace.walk.steps))
    for axis in ("x", "x4"):
        shapes = [
            (trace.marker.symbol, trace.marker.size > 15 and trace.marker.symbol == "circle-open")
            for trace in on(figure, axis).values()
            if trace.name
        ]
        assert len(set(shapes)) == len(shapes)
    found = on(figure)
    assert found[""].marker.symbol == found["followed"].marker.symbol == "circle"
    assert found[""].marker.size < found["followed"].marker.size / 2
    assert (found["true, missed"].marker.symbol, found["true, found"].marker.symbol) == ("x", "square")


def test_only_what_was_followed_is_joined_by_lines(trace):
    for drawn in map_figure(trace, len(trace.walk.steps)).data:
        assert ("lines" in drawn.mode) == (drawn.name in ("followed", "descent"))


def test_the_legend_names_each_kind_once(trace):
    named = [trace.name for trace in map_figure(trace, len(trace.walk.steps)).data if trace.showlegend is not False]
    assert len(named) == len(set(named))
    assert {"looked at", "followed", "true, found", "true, missed", "this step", "the question"} <= set(named)


def test_background_dots_tell_nothing_on_hover_and_the_rest_does(trace):
    for drawn in map_figure(trace, len(trace.walk.steps)).data:
        if not drawn.name:
            assert (drawn.hoverinfo, drawn.text) == ("skip", None)
        else:
            assert drawn.name in drawn.hovertemplate
            assert drawn.text is None or len(drawn.text) == len(drawn.x)


def test_labels_are_the_names_of_their_nodes(trace):
    followed = on(map_figure(trace, len(trace.walk.steps)))["followed"]
    nodes = [step.node for step in trace.walk.steps if not step.layer]
    assert list(followed.text) == [f"Text {node} · t.txt" for node in nodes]


@pytest.mark.parametrize("n", [5, 799, 801, 1599, 1600, 2500])
def test_the_background_is_bounded_and_spread_over_all(fake_encoder, monkeypatch, starved, n):
    trace = trace_question("amber", 5, 5, starved)
    places = np.random.default_rng(0).normal(size=(n, 2)).astype(np.float32)
    dots = _ground_traces(replace(trace, true_ids=trace.true_ids[:0], missed=[]), 0, places, places[0])[0]
    assert len(dots.x) <= BACKGROUND_DOTS
    assert len(dots.x) >= min(n, BACKGROUND_DOTS // 2)
    assert np.isin(np.float32(dots.x), places[:, 0].round(4)).all()
    assert np.float32(dots.x[-1]) in places[-4:, 0].round(4)


def test_all_of_a_small_collection_is_in_the_background(trace):
    assert same(points(on(map_figure(trace, 1))[""]), at(trace.indexed, range(400)))


def test_everything_is_inside_the_axes_and_finite(trace, flat):
    walks = [trace, trace_question("amber", 50, 400, flat), trace_walk("x", np.zeros(32, np.float32), 3, 3, flat)]
    walks += [trace_walk("far", sign * axis, 3, 3, flat) for axis in flat.measurements.plane.axes for sign in (1, -1)]
    for one in walks:
        figure = map_figure(one, len(one.walk.steps))
        for trace in figure.data:
            number = (trace.xaxis or "x")[1:]
            for letter, values in (("x", trace.x), ("y", trace.y)):
                low, high = figure.layout[f"{letter}axis{number}"].range
                assert np.isfinite([low, high]).all()
                assert all(low < value < high for value in values)


def test_the_question_stands_where_the_plane_puts_it(trace):
    [(x, y)] = drawn(map_figure(trace, 1), "the question")
    plane = trace.indexed.measurements.plane
    expected = (trace.query.astype(np.float64) - plane.centre) @ plane.axes.T.astype(np.float64)
    assert (x, y) == pytest.approx(tuple(expected), abs=1e-5)
    assert drawn(map_figure(trace, 1), "the question", "x2") == [(x, y)]


@pytest.mark.parametrize("texts", [["amber"], ["amber river"] * 9, ["amber", "river"]], ids=["one", "equal", "two"])
@pytest.mark.parametrize("k", [1, 50])
def test_the_smallest_collections_are_drawn(fake_encoder, texts, k):
    trace = trace_question("amber", k, 400, lab(fake_encoder, texts))
    for number in range(len(trace.walk.steps) + 1):
        figure = map_figure(trace, number)
        assert all(low < high for low, high in (figure.layout.xaxis.range, figure.layout.yaxis.range))
        assert all(np.isfinite(trace.x).all() and np.isfinite(trace.y).all() for trace in figure.data)


def test_a_zoom_survives_a_step(trace):
    assert map_figure(trace, 1).layout.uirevision == map_figure(trace, 2).layout.uirevision is not None


def test_hostile_titles_are_no_markup_to_plotly(fake_encoder):
    title = "<b>&</b>" + HOSTILE
    indexed = lab(fake_encoder, sentences(60), metadata=[{"doc_id": "d", "title": title}] * 60, **STARVED)
    trace = trace_walk(HOSTILE, indexed.query_vectors[0], 10, 10, indexed)
    figure = map_figure(trace, len(trace.walk.steps))
    labels = [label for trace in figure.data for label in trace.text or ()]
    assert len(labels) > 10
    for label in labels:
        assert label.startswith("&lt;b&gt;&amp;&lt;/b&gt;&lt;img")
        assert not {"<", ">"} & set(label)
    assert HOSTILE not in figure.to_json()
    assert "<b>" not in str([trace.name for trace in figure.data])
