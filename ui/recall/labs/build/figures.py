"""The build lab's figure: a heat map of recall by M and efConstruction."""

from collections.abc import Sequence

import plotly.graph_objects as go

from retriever.measurement.sweeps import BuildResult
from ui.render.figures import base_layout, described
from ui.render.numbers import format_score, format_seconds

SCALE = [[0.0, "rgba(230,159,0,.06)"], [1.0, "rgba(230,159,0,.75)"]]  # HNSW's orange, readable on light and dark


def heat_figure(results: Sequence[BuildResult]) -> go.Figure:
    """Draw recall by M and efConstruction; each cell shows recall and build seconds."""
    Ms = sorted({r.M for r in results})
    widths = sorted({r.ef_construction for r in results})
    by_pair = {(r.M, r.ef_construction): r for r in results}
    recall = [[by_pair[M, width].measurement.mean_recall for M in Ms] for width in widths]
    labels = [
        [
            f"{format_score(by_pair[M, w].measurement.mean_recall)}<br>{format_seconds(by_pair[M, w].build_seconds)}"
            for M in Ms
        ]
        for w in widths
    ]
    name = f"recall@{results[0].measurement.k}"
    heat = go.Heatmap(
        x=[f"M={M}" for M in Ms],
        y=[str(width) for width in widths],
        z=recall,
        text=labels,
        texttemplate="%{text}",
        colorscale=SCALE,
        colorbar={"title": {"text": name}, "thickness": 12},
        hovertemplate="%{x}, efConstruction=%{y}: %{text}<extra></extra>",
    )
    worst, best = (choose(results, key=lambda r: r.measurement.mean_recall) for choose in (min, max))
    words = " to ".join(
        f"{format_score(r.measurement.mean_recall)} with M={r.M} and efConstruction={r.ef_construction}"
        for r in (worst, best)
    )
    rows = [
        (r.M, r.ef_construction, format_score(r.measurement.mean_recall), format_seconds(r.build_seconds))
        for r in results
    ]
    table = described(
        "Recall by graph",
        f"{name} against exact search goes from {words}.",
        ("M", "efConstruction", name, "build"),
        rows,
    )
    layout = base_layout(300) | {"xaxis": {"type": "category"}} | table
    return go.Figure([heat], layout | {"yaxis": {"type": "category", "title": {"text": "efConstruction"}}})
