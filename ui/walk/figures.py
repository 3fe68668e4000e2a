"""The map of a walk as a Plotly figure: vectors on a plane, the layers side by side, and what a step does.

Everything is shown by shape as well as by colour: dots for the background, open circles for nodes that were looked at,
filled ones for nodes that were followed, squares for the nearest passages, crosses for those of them that were missed.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
from gradio.components.plot import PlotData

from retriever.vectors import Float32, Int64
from ui.render.figures import EXACT_COLOUR, GREY_COLOUR, HNSW_COLOUR, MISSED_COLOUR, base_layout, described, plot
from ui.render.html import plotly_text
from ui.render.numbers import format_score
from ui.render.passages import passage_place
from ui.walk.trace import WalkTrace

BACKGROUND_DOTS = 800  # dots drawn of the ground layer; more cost time and show no more
UPPER_BACKGROUND_DOTS = 300  # and of an upper layer
UPPER_MAPS = 3  # upper layers with a map of their own; those above are drawn on the topmost of these
LABEL = 60  # characters of a name in a label


def map_figure(trace: WalkTrace, number: int) -> PlotData:
    """Draw the walk up to a step, counted from 1; the small maps on the left are the upper layers."""
    measurements = trace.indexed.measurements
    graph, xy = measurements.graph, measurements.positions  # (n, 2)
    question = measurements.plane.project(trace.query[None, :])[0]  # (2,)
    top = min(len(graph.links) - 1, UPPER_MAPS)
    traces = _ground_traces(trace, number, xy, question)
    for layer in range(1, top + 1):
        traces += _upper_traces(trace, number, xy, question, layer, highest=layer == top)
    return plot(traces, _map_layout(xy, question, top) | _described(trace, number))


def _described(trace: WalkTrace, number: int) -> dict[str, Any]:
    """Return the map in words: how far the walk is, and for each nearest passage whether it is found so far."""
    steps, passages = trace.walk.steps[:number], trace.indexed.retriever.passages
    kept = [*steps[-1].kept[: trace.walk.k]] if steps and steps[-1].layer == 0 else []
    missed, found = {miss.node for miss in trace.missed}, trace.true_among(kept)
    rows = [
        (
            rank,
            passage_place(passages[node]),
            format_score(1 - trace.walk.to_all[node]),
            "found" if node in kept else "missed" if node in missed else "not found yet",
        )
        for rank, node in enumerate(trace.true_ids.tolist(), 1)
    ]
    layer = f"layer {steps[-1].layer}" if steps and steps[-1].layer else "the ground layer"
    words = f"Step {number:,} of {len(trace.walk.steps):,} is on {layer}: {found} of {len(rows)} nearest passages are "
    columns = ("rank", "nearest passage", "score", "state at this step")
    return described("Map of the walk", f"{words}found so far.", columns, rows)


def _ground_traces(trace: WalkTrace, number: int, xy: Float32, question: Float32) -> list[dict[str, Any]]:
    """Return the traces of the ground layer."""
    steps = [step for step in trace.walk.steps[:number] if step.layer == 0]
    followed = [step.node for step in steps]
    looked = sorted({node for step in steps for node in step.looked_at} - set(followed))
    missed = [miss.node for miss in trace.missed]
    true = [node for node in trace.true_ids.tolist() if node not in missed]
    kept = set(steps[-1].kept[: trace.walk.k]) if steps else set()
    not_found = [node for node in true if node not in kept][: max(0, len(true) - trace.true_among(sorted(kept)))]
    traces = [
        _background(trace, np.arange(len(xy)), xy, BACKGROUND_DOTS),
        _dots(trace, looked, xy, "looked at", HNSW_COLOUR, 6, "circle-open"),
        _dots(trace, followed, xy, "followed", HNSW_COLOUR, 7, "circle", path=True),
        _dots(trace, [node for node in true if node in kept], xy, "nearest, found", EXACT_COLOUR, 11, "square"),
        _dots(trace, not_found, xy, "nearest, not yet found", EXACT_COLOUR, 11, "square-open"),
        _dots(trace, missed, xy, "nearest, missed", MISSED_COLOUR, 12, "x"),
    ]
    if steps:
        traces.append(_dots(trace, [followed[-1]], xy, "this step", HNSW_COLOUR, 19, "circle-open", line=3))
    traces.append(_question_trace(question))
    return traces


def _upper_traces(
    trace: WalkTrace, number: int, xy: Float32, question: Float32, layer: int, *, highest: bool
) -> list[dict[str, Any]]:
    """Return the traces of one upper layer's small map; the highest map also has the steps of all layers above."""
    graph = trace.indexed.measurements.graph
    steps = [s for s in trace.walk.steps[:number] if s.layer == layer or (highest and s.layer > layer)]
    nodes = np.flatnonzero(graph.levels >= layer)
    path = [step.node for step in steps] + ([steps[-1].kept[0]] if steps else [])
    looked = sorted({node for step in steps for node in step.looked_at} - set(path))
    entry = [graph.entry_point] if highest else []
    axis = {"xaxis": f"x{layer + 1}", "yaxis": f"y{layer + 1}", "showlegend": False}
    traces = [
        _background(trace, nodes, xy, UPPER_BACKGROUND_DOTS),
        _dots(trace, looked, xy, "looked at", HNSW_COLOUR, 5, "circle-open"),
        _dots(trace, path, xy, "descent", HNSW_COLOUR, 6, "circle", path=True),
        _dots(trace, entry, xy, "entry point", HNSW_COLOUR, 12, "diamond-open", line=2),
        _question_trace(question),
    ]
    return [dots | axis for dots in traces]


def background_stride(count: int, most: int) -> int:
    """Return of how many nodes one is drawn, so that at most so many of all are."""
    return max(1, -(-count // most))


def _background(trace: WalkTrace, nodes: Int64, xy: Float32, most: int) -> dict[str, Any]:
    """Return a trace of at most so many of some nodes, evenly spread over them, which say nothing on hover."""
    spread = nodes[:: background_stride(len(nodes), most)].tolist()
    return _dots(trace, spread, xy, "", GREY_COLOUR, 3, "circle", hover=False, opacity=0.35)


def _dots(
    trace: WalkTrace,
    nodes: Sequence[int],
    xy: Float32,
    name: str,
    colour: str,
    size: int,
    symbol: str,
    *,
    hover: bool = True,
    path: bool = False,
    opacity: float = 1.0,
    line: int = 1,
) -> dict[str, Any]:
    """Return a trace of nodes; path: whether to join them in order."""
    rows, passages = np.array(nodes, np.int64), trace.indexed.retriever.passages
    labels = [plotly_text(passage_place(passages[row])[:LABEL]) for row in nodes] if hover else None
    return dict(
        type="scatter",
        x=xy[rows, 0].astype(float).round(4).tolist(),
        y=xy[rows, 1].astype(float).round(4).tolist(),
        mode="lines+markers" if path else "markers",
        name=name,
        text=labels,
        hovertemplate=f"{name}: %{{text}}<extra></extra>" if hover else None,
        hoverinfo=None if hover else "skip",
        opacity=opacity,
        showlegend=bool(name),
        line={"color": HNSW_COLOUR, "width": 1, "dash": "dot"},
        marker={"color": colour, "size": size, "symbol": symbol, "line": {"width": line, "color": colour}},
    )


def _question_trace(question: Float32) -> dict[str, Any]:
    """Return the question's mark."""
    return dict(
        type="scatter",
        x=[float(question[0])],
        y=[float(question[1])],
        mode="markers",
        name="the question",
        hovertemplate="the question<extra></extra>",
        marker={"symbol": "star", "size": 15, "color": "#009E73", "line": {"width": 1, "color": "#000"}},
    )


def _map_layout(xy: Float32, question: Float32, top: int) -> dict[str, Any]:
    """Return the layout: the ground layer on the right, small maps of the upper layers on the left."""
    hidden: dict[str, Any] = {"showgrid": False, "zeroline": False, "showticklabels": False}
    hidden |= {"showline": True, "mirror": True}
    hidden["linecolor"] = "rgba(128,128,128,.4)"
    left = 0.24 if top else 0.0
    layout: dict[str, Any] = base_layout() | {
        "margin": {"l": 6, "r": 6, "t": 22, "b": 6},
        "legend": {"orientation": "h", "x": 1, "xanchor": "right", "y": 0, "yanchor": "bottom"},
        "uirevision": "map",
        "xaxis": hidden
        | {"domain": [left + (0.01 if top else 0), 1], "anchor": "y", "range": _axis_range(xy, question, 0)},
        "yaxis": hidden | {"domain": [0, 1], "anchor": "x", "range": _axis_range(xy, question, 1)},
        "annotations": [_title("ground layer", left + 0.01 if top else 0, 1)],
    }
    for layer in range(1, top + 1):  # the highest on top, as the walk comes from there
        low, high = (layer - 1) / top, layer / top
        layout[f"xaxis{layer + 1}"] = hidden | {"domain": [0, left - 0.02], "anchor": f"y{layer + 1}"}
        layout[f"xaxis{layer + 1}"] |= {"range": _axis_range(xy, question, 0)}
        layout[f"yaxis{layer + 1}"] = hidden | {"domain": [low, high - 0.07], "anchor": f"x{layer + 1}"}
        layout[f"yaxis{layer + 1}"] |= {"range": _axis_range(xy, question, 1)}
        layout["annotations"].append(_title(f"layer {layer}" + ("+" if layer == top else ""), 0, high - 0.06))
    return layout


def _axis_range(xy: Float32, question: Float32, axis: int) -> list[float]:
    """Return the range of an axis: all vectors and the question, with a margin."""
    values = [*xy[:, axis].tolist(), float(question[axis])]
    margin = max(0.04 * (max(values) - min(values)), 0.01)
    return [round(min(values) - margin, 4), round(max(values) + margin, 4)]


def _title(words: str, x: float, y: float) -> dict[str, Any]:
    """Return the title of a map, above its left corner."""
    place_of = {"x": x, "y": y, "xref": "paper", "yref": "paper", "xanchor": "left", "yanchor": "bottom"}
    return place_of | {"text": words, "showarrow": False, "font": {"size": 12}}
