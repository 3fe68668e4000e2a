"""Tests of the map: at a step it draws what was walked up to it, by shape as well as by colour."""

import numpy as np
import pytest

from tests.support.page import figure_of
from tests.support.small import HOSTILE, sentences
from tests.support.walks import STARVED, lab, traced
from ui.inputs import SearchSettings
from ui.walk import figures as walk_figures
from ui.walk.trace import trace_walk


def map_figure(trace, number):
    return figure_of(walk_figures.map_figure(trace, number))


@pytest.fixture(scope="module")
def trace(starved):
    """A walk that finds some and misses some."""
    walks = (traced(starved, question) for question in starved.queries)
    return next(trace for trace in walks if trace.missed and trace.found > 1)


@pytest.fixture(scope="module")
def figure(trace):
    """The map at the last step."""
    return map_figure(trace, len(trace.walk.steps))


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


def drawn(figure, name, axis="x"):
    """Return the points of one trace."""
    trace = on(figure, axis)[name]
    return [tuple(point) for point in np.column_stack([trace.x, trace.y]).astype(np.float32).tolist()]


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
    kept, missed, true = walked[-1].kept[:10], {miss.node for miss in trace.missed}, set(trace.true_ids.tolist())
    assert drawn(figure, "followed") == at(indexed, followed), "in the order of the walk, as they are joined"
    assert same(drawn(figure, "looked at"), at(indexed, looked))
    assert drawn(figure, "this step") == at(indexed, [steps[number - 1].node])
    assert same(drawn(figure, "nearest, missed"), at(indexed, missed))
    assert same(drawn(figure, "nearest, found"), at(indexed, (true - missed) & set(kept)))
    assert same(drawn(figure, "nearest, not yet found"), at(indexed, true - missed - set(kept)))
    if part == 1:
        assert len(drawn(figure, "nearest, found")) == trace.found
        assert not drawn(figure, "nearest, not yet found")


def test_on_the_way_down_nothing_of_the_ground_layer_is_shown_yet(trace):
    figure = map_figure(trace, 1)
    assert trace.walk.steps[0].layer > 0
    assert drawn(figure, "followed") == drawn(figure, "looked at") == drawn(figure, "nearest, found") == []
    assert "this step" not in on(figure)
    assert len(drawn(figure, "nearest, not yet found")) + len(drawn(figure, "nearest, missed")) == 10


def test_each_upper_layer_has_axes_of_its_own_the_topmost_holds_those_above(trace):
    steps, indexed = trace.walk.steps, trace.indexed
    levels = indexed.measurements.graph.levels
    assert levels.max() > 3, "else there is none above"
    down = sum(step.layer > 0 for step in steps)
    assert any(step.kept[0] != step.node for step in steps[:down]), "else the descent goes nowhere"
    for number in (*range(1, down + 1, 2), len(steps)):
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
            assert same(drawn(figure, "", axis), at(indexed, np.flatnonzero(levels >= layer)))


def test_the_maps_are_named_and_do_not_cover_one_another_and_keep_their_zoom(trace, figure):
    layout = figure.layout
    assert map_figure(trace, 1).layout.uirevision == layout.uirevision is not None
    assert [title.text for title in layout.annotations] == ["ground layer", "layer 1", "layer 2", "layer 3+"]
    areas = [(layout[f"xaxis{number}"].domain, layout[f"yaxis{number}"].domain) for number in ("", 2, 3, 4)]
    for number, (across, up) in enumerate(areas):
        assert across[0] < across[1] and up[0] < up[1]
        for other_across, other_up in areas[number + 1 :]:
            beside = across[1] <= other_across[0] or other_across[1] <= across[0]
            assert beside or up[1] <= other_up[0] or other_up[1] <= up[0]
    assert layout.yaxis2.domain[0] < layout.yaxis3.domain[0] < layout.yaxis4.domain[0], "the walk comes from above"


def test_a_graph_of_one_layer_has_one_map(flat, equal):
    trace = traced(flat, k=3, ef=3)
    figure = map_figure(trace, len(trace.walk.steps))
    assert {trace.xaxis or "x" for trace in figure.data} == {"x"}
    assert tuple(figure.layout.xaxis.domain) == (0, 1)
    assert [annotation.text for annotation in figure.layout.annotations] == ["ground layer"]
    assert len(drawn(figure, "nearest, found")) == trace.found
    trace = traced(equal)
    not_found = drawn(map_figure(trace, len(trace.walk.steps)), "nearest, not yet found")
    assert (trace.found, not_found) == (10, []), "as near ones were found"


@pytest.mark.parametrize("limit", [100, 399, 400])
def test_the_background_is_bounded_and_spread_over_all(trace, monkeypatch, limit):
    monkeypatch.setattr("ui.walk.figures.BACKGROUND_DOTS", limit)
    everything, dots = at(trace.indexed, range(400)), drawn(map_figure(trace, 1), "")
    apart = 400 // len(dots)
    assert limit / 2 <= len(dots) <= limit
    assert dots == everything[::apart]


def test_the_question_stands_where_the_plane_puts_it(trace, figure):
    [(x, y)] = drawn(figure, "the question")
    plane = trace.indexed.measurements.plane
    expected = (trace.query.astype(np.float64) - plane.centre) @ plane.axes.T.astype(np.float64)
    assert (x, y) == pytest.approx(tuple(expected), abs=1e-5)
    assert drawn(figure, "the question", "x2") == [(x, y)]


def test_everything_is_finite_and_inside_the_axes_however_small_the_collection(trace, flat, equal, fake_encoder):
    plane = flat.measurements.plane
    queries = [np.zeros(32, np.float32), *plane.axes, *-plane.axes]
    walks = [trace, traced(equal, k=50, ef=400)]
    walks += [trace_walk("far", query, SearchSettings(3, 3), flat) for query in queries]
    walks += [traced(lab(fake_encoder, texts), k=k) for texts in (["amber"], ["amber", "river"]) for k in (1, 50)]
    figures = [map_figure(walk, number) for walk in walks for number in (0, len(walk.walk.steps))]
    for figure in figures:
        for dots in figure.data:
            axis = (dots.xaxis or "x")[1:]
            for letter, values in (("x", dots.x), ("y", dots.y)):
                low, high = figure.layout[f"{letter}axis{axis}"].range
                assert np.isfinite([low, high]).all() and low < high
                assert all(low < value < high for value in values)


# --- how it reads


def test_all_kinds_of_nodes_are_told_apart_without_colour(figure):
    for axis in ("x", "x4"):
        named = [dots for name, dots in on(figure, axis).items() if name]
        shapes = {(dots.marker.symbol, dots.marker.size > 15 and dots.marker.symbol == "circle-open") for dots in named}
        assert len(shapes) == len(named)
    found = on(figure)
    assert found[""].marker.symbol == found["followed"].marker.symbol == "circle"
    assert found[""].marker.size < found["followed"].marker.size / 2
    assert (found["nearest, missed"].marker.symbol, found["nearest, found"].marker.symbol) == ("x", "square")


def test_the_legend_names_each_kind_once_and_lines_join_only_what_was_followed(figure):
    named = [dots.name for dots in figure.data if dots.showlegend is not False]
    assert len(named) == len(set(named))
    assert {"looked at", "followed", "nearest, found", "nearest, missed", "this step", "the question"} <= set(named)
    assert {dots.name for dots in figure.data if "lines" in dots.mode} == {"followed", "descent"}


def test_labels_are_the_names_of_their_nodes_and_background_dots_have_none(trace, figure):
    for dots in figure.data:
        if not dots.name:
            assert (dots.hoverinfo, dots.text) == ("skip", None)
        else:
            assert dots.name in dots.hovertemplate
            assert dots.text is None or len(dots.text) == len(dots.x)
    nodes = [step.node for step in trace.walk.steps if not step.layer]
    assert list(on(figure)["followed"].text) == [f"Text {node} · t.txt" for node in nodes]


def test_hostile_titles_are_no_markup_to_plotly(fake_encoder):
    title = "<b>&</b>$x$" + HOSTILE
    indexed = lab(fake_encoder, sentences(60), metadata=[{"doc_id": "d", "title": title}] * 60, **STARVED)
    trace = trace_walk(HOSTILE, indexed.query_vectors[0], SearchSettings(10, 10), indexed)
    figure = map_figure(trace, len(trace.walk.steps))
    labels = {label for dots in figure.data for label in dots.text or ()}
    assert all(label.startswith("&lt;b&gt;&amp;&lt;/b&gt;&#36;x&#36;&lt;img") for label in labels) and labels
    assert not set("<>$") & set("".join(labels))
    assert HOSTILE not in figure.to_json()


def test_the_map_has_a_sentence_and_a_table_that_change_with_the_step(trace):
    last = len(trace.walk.steps)
    first, final = (map_figure(trace, step).layout.meta for step in (1, last))
    assert first["sentence"].startswith(f"Step 1 of {last} is on layer ") or "ground layer" in first["sentence"]
    assert f"{trace.found} of 10 nearest passages are found so far" in final["sentence"]
    states = [row[-1] for row in final["rows"]]
    assert (states.count("missed"), len(states)) == (len(trace.missed), 10)
    assert [row[0] for row in final["rows"]] == [str(rank) for rank in range(1, 11)]
