"""The shard lab's figure: recall by the number of shards, and below it what a query costs beside one graph."""

from collections.abc import Sequence
from typing import Any

import plotly.graph_objects as go

from retriever.measurement.sharding import ShardResult
from ui.render.figures import (
    EXACT_COLOUR,
    GRID_COLOUR,
    HNSW_COLOUR,
    LEGEND_ABOVE,
    MISSED_COLOUR,
    base_layout,
    described,
)
from ui.render.numbers import format_score, format_seconds, index_recall

TIMES = [0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 50, 100, 200, 500, 1000]  # ticks of a logarithmic axis


def shard_figure(results: Sequence[ShardResult]) -> go.Figure:
    """Draw found and missed of the nearest as bars, and distances and times as multiples of those of one graph."""
    shards, k = [str(result.shards) for result in results], results[0].searches[0].k
    recall = [result.mean_recall for result in results]
    found = {"x": shards, "hovertemplate": "%{x} shards: %{y:.3f}<extra>%{fullData.name}</extra>"}
    traces: list[Any] = [
        go.Bar(y=recall, name="found", marker={"color": HNSW_COLOUR}, **found),
        go.Bar(
            y=[1 - value for value in recall],
            name="missed",
            marker={"color": MISSED_COLOUR, "pattern": {"shape": "/", "size": 5}},
            text=[format_score(value) for value in recall],
            textposition="outside",
            cliponaxis=False,
            **found,
        ),
    ]
    traces += [
        go.Scatter(
            x=shards,
            y=values,
            name=name,
            mode="lines+markers",
            yaxis="y2",
            line={"color": colour, "dash": dash, "width": 2},
            marker={"symbol": symbol, "size": 8, "color": colour},
            hovertemplate="%{x} shards: %{y:.2f} times one graph<extra>" + name + "</extra>",
        )
        for name, values, colour, dash, symbol in _lines(results)
    ]
    grid = {"gridcolor": GRID_COLOUR, "zeroline": False}
    bars = grid | {"domain": [0.62, 1], "range": [0, 1.25], "tickvals": [0, 0.5, 1]}
    log = grid | {"domain": [0, 0.54], "type": "log", "tickvals": TIMES}
    layout = (
        base_layout(430)
        | _about(results)
        | {
            "barmode": "stack",
            "legend": LEGEND_ABOVE | {"traceorder": "normal"},
            "xaxis": {"type": "category", "title": {"text": "shards"}, "anchor": "y2"},
            "yaxis": bars | {"title": {"text": f"recall@{k}"}},
            "yaxis2": log | {"title": {"text": "times one graph"}},
        }
    )
    return go.Figure(traces, layout)


def _lines(results: Sequence[ShardResult]) -> list[tuple[str, list[float], str, str, str]]:
    """Return name, values, colour, dash and symbol of each line; values are multiples of one graph's."""
    one = results[0]
    series = {
        "distances in all": [result.mean_distances / max(one.mean_distances, 1) for result in results],
        "time of all shards": [result.work_p50 / one.work_p50 for result in results],
        "slowest shard": [result.fan_out.median / one.fan_out.median for result in results],
    }
    drawn = dict(zip(series, (("dot", "circle-open"), ("dash", "diamond"), ("solid", "circle")), strict=True))
    exact = [sum(one.sizes) / max(one.mean_distances, 1)] * len(results)
    lines = [(name, values, HNSW_COLOUR, *drawn[name]) for name, values in series.items()]
    return [*lines, ("exact search, distances", exact, EXACT_COLOUR, "dot", "square-open")]


def _about(results: Sequence[ShardResult]) -> dict[str, Any]:
    """Return the figure's name, its sentence and the table of its data."""
    one, many = results[0], results[-1]
    sentence = (
        f"From {one.shards} to {many.shards} shards {index_recall(one.searches[0].k)} goes from "
        f"{format_score(one.mean_recall)} to {format_score(many.mean_recall)}, the distances in all from "
        f"{one.mean_distances:,.0f} to {many.mean_distances:,.0f}, and the median of the slowest shard from "
        f"{format_seconds(one.fan_out.median)} to {format_seconds(many.fan_out.median)}."
    )
    columns = ("shards", "recall", "distances in all", "slowest shard", "all shards")
    rows = [
        (
            result.shards,
            format_score(result.mean_recall),
            f"{result.mean_distances:,.0f}",
            format_seconds(result.fan_out.median),
            format_seconds(result.work_p50),
        )
        for result in results
    ]
    return described("Recall and costs by the number of shards", sentence, columns, rows)
