"""The size lab's figure: the growth of latency and distances with the collection."""

from collections.abc import Sequence
from typing import Any

import plotly.graph_objects as go

from retriever.measurement.sweeps import SizeResult
from ui.render.figures import (
    EXACT_COLOUR,
    GRID_COLOUR,
    HNSW_COLOUR,
    LEGEND_ABOVE,
    LOGARITHMIC_TICKS,
    base_layout,
    described,
)
from ui.render.numbers import format_seconds


def growth_figure(results: Sequence[SizeResult]) -> go.Figure:
    """Draw latency and distances of both searches over the number of vectors, on logarithmic axes."""
    sizes = [r.n for r in results]
    lines = [
        ("exact, µs", [r.exact.p50 * 1e6 for r in results], EXACT_COLOUR, "solid", "square", "y"),
        (
            f"HNSW at ef={results[0].hnsw.ef}, µs",
            [r.hnsw.p50 * 1e6 for r in results],
            HNSW_COLOUR,
            "solid",
            "circle",
            "y",
        ),
        ("exact, distances", sizes, EXACT_COLOUR, "dot", "square-open", "y2"),
        ("HNSW, distances", [r.hnsw.mean_distances for r in results], HNSW_COLOUR, "dot", "circle-open", "y2"),
    ]
    traces = [
        go.Scatter(
            x=sizes,
            y=values,
            name=name,
            mode="lines+markers",
            yaxis=axis,
            line={"color": colour, "dash": dash, "width": 2},
            marker={"symbol": symbol, "size": 8, "color": colour},
            hovertemplate="%{x:,} vectors: %{y:,.0f}<extra>" + name + "</extra>",
        )
        for name, values, colour, dash, symbol, axis in lines
    ]
    first, last = results[0], results[-1]
    words = (
        f"From {first.n:,} to {last.n:,} vectors the median latency of exact search goes from "
        f"{format_seconds(first.exact.p50)} to {format_seconds(last.exact.p50)}, that of HNSW from "
        f"{format_seconds(first.hnsw.p50)} to {format_seconds(last.hnsw.p50)}."
    )
    rows = [
        (f"{r.n:,}", format_seconds(r.exact.p50), format_seconds(r.hnsw.p50), f"{r.hnsw.mean_distances or 0:,.0f}")
        for r in results
    ]
    columns = ("vectors", "latency, exact", "latency, HNSW", "distances, HNSW")
    log: dict[str, Any] = {"type": "log", "tickformat": ",d", "gridcolor": GRID_COLOUR, "zeroline": False}
    scaled = log | {"tickvals": LOGARITHMIC_TICKS}
    layout = (
        base_layout(330)
        | described("Growth of both searches", words, columns, rows)
        | {
            "margin": {"l": 56, "r": 56, "t": 8, "b": 44},
            "legend": LEGEND_ABOVE,
            "xaxis": log | {"tickvals": sizes, "title": {"text": "vectors"}},
            "yaxis": scaled | {"title": {"text": "median latency, µs a query"}},
            "yaxis2": scaled
            | {"title": {"text": "distances a query"}, "overlaying": "y", "side": "right", "showgrid": False},
        }
    )
    return go.Figure(traces, layout)
