"""The curve of recall over the cost of a query, as a Plotly figure."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from gradio.components.plot import PlotData

from retriever.measurement.recall_and_latency import Measurement
from ui.render.figures import EXACT_COLOUR, GRID_COLOUR, HNSW_COLOUR, base_layout, described, plot
from ui.render.numbers import format_score, index_recall


@dataclass(frozen=True)
class CostAxis:
    """A cost on the horizontal axis: title, unit, name, and the function that reads it from a measurement."""

    title: str
    unit: str
    name: str
    of: Callable[[Measurement], float]


def _microseconds(step: Measurement) -> float:
    return step.p50 * 1e6


def _distances(step: Measurement) -> float:
    return step.mean_distances or 0.0


LATENCY_AXIS = CostAxis("median latency, µs a query", "µs", "latency", _microseconds)
DISTANCES_AXIS = CostAxis("distances computed a query", "distances", "distances", _distances)


def curve_figure(
    curve: Sequence[Measurement],
    exact: Measurement,
    now: Measurement | None = None,
    *,
    name: str = "HNSW",
    overlay: Sequence[Measurement] = (),
    overlay_name: str = "",
    cost: CostAxis = LATENCY_AXIS,
) -> PlotData:
    """Draw mean recall over the cost of a query, with points labelled by ef and exact search as the reference."""
    traces = []
    if overlay:
        traces.append(_curve_trace(overlay, overlay_name, cost, dash="dot", symbol="diamond-open"))
    if curve:
        traces.append(_curve_trace(curve, name, cost, dash="solid", symbol="circle"))
    traces.append(_exact_point(exact, cost))
    if now is not None:
        traces.append(_current_point(now, cost))
    low = min([step.mean_recall for step in (*curve, *overlay)] or [now.mean_recall if now else 0])
    table = _described(curve, exact, now, name, overlay, overlay_name, cost)
    return plot(traces, _curve_layout(exact, low, cost) | table)


def _described(
    curve: Sequence[Measurement],
    exact: Measurement,
    now: Measurement | None,
    name: str,
    overlay: Sequence[Measurement],
    overlay_name: str,
    cost: CostAxis,
) -> dict[str, Any]:
    """Return the curve in words: a sentence on the current ef, and every point as a row of a table."""
    steps = [(name, step) for step in curve] + [(overlay_name, step) for step in overlay]
    if now is not None and now.ef not in [step.ef for step in curve]:
        steps.append((name, now))
    rows: list[tuple[object, ...]] = [
        (of, step.ef, format_score(step.mean_recall), f"{cost.of(step):,.0f}") for of, step in steps
    ]
    rows.append(("exact search", "", "1.000", f"{cost.of(exact):,.0f}"))
    words = f"Exact search finds all, for {cost.of(exact):,.0f} {cost.unit} a query"
    if now is not None:
        at = f"At ef={now.ef} recall@{now.k} is {format_score(now.mean_recall)}"
        words = f"{at} for {cost.of(now):,.0f} {cost.unit} a query. {words}"
    columns = ("graph", "ef", index_recall(exact.k), cost.title)
    return described(f"Curve of recall over {cost.name}", f"{words}.", columns, rows)


def _curve_layout(exact: Measurement, low: float, cost: CostAxis) -> dict[str, Any]:
    """Return the axes and the line of exact search."""
    vertical = {"type": "line", "x0": cost.of(exact), "x1": cost.of(exact), "y0": 0, "y1": 1, "yref": "paper"}
    return {
        **base_layout(),
        "legend": {"orientation": "h", "x": 1, "xanchor": "right", "y": 0.02, "yanchor": "bottom"}
        | {"bgcolor": "rgba(0,0,0,0)"},
        "uirevision": cost.title,  # a visitor's zoom stays while the slider moves
        "shapes": [vertical | {"line": {"color": EXACT_COLOUR, "dash": "dash", "width": 2}}],
        "xaxis": {"title": {"text": cost.title}, "rangemode": "tozero"} | {"gridcolor": GRID_COLOUR, "zeroline": False},
        "yaxis": {"title": {"text": index_recall(exact.k)}, "range": [max(-0.02, low - 0.08), 1.04]}
        | {"gridcolor": GRID_COLOUR, "zeroline": False},
    }


def _exact_point(exact: Measurement, cost: CostAxis) -> dict[str, Any]:
    """Return the point of exact search, the reference."""
    return dict(
        type="scatter",
        x=[cost.of(exact)],
        y=[1.0],
        mode="markers+text",
        name="exact",
        text=["exact"],
        textposition="bottom left",
        textfont={"color": EXACT_COLOUR},
        marker={"color": EXACT_COLOUR, "size": 13, "symbol": "square"},
        hovertemplate=f"exact search: %{{x:,.0f}} {cost.unit}, recall 1.000<extra></extra>",
    )


def _current_point(now: Measurement, cost: CostAxis) -> dict[str, Any]:
    """Return the point at the slider's ef."""
    return dict(
        type="scatter",
        x=[cost.of(now)],
        y=[now.mean_recall],
        mode="markers",
        name=f"now: ef={now.ef}",
        marker={"color": HNSW_COLOUR, "size": 20, "symbol": "circle-open", "line": {"width": 4}},
        hovertemplate=f"ef={now.ef}: %{{x:,.0f}} {cost.unit}, recall {format_score(now.mean_recall)}<extra></extra>",
    )


def _curve_trace(curve: Sequence[Measurement], name: str, cost: CostAxis, *, dash: str, symbol: str) -> dict[str, Any]:
    """Return one graph's curve; only some points are labelled, so that labels do not cover one another."""
    labels = [f"{step.ef}" if number % 2 == 0 or number == len(curve) - 1 else "" for number, step in enumerate(curve)]
    return dict(
        type="scatter",
        x=[cost.of(step) for step in curve],
        y=[step.mean_recall for step in curve],
        mode="lines+markers+text",
        name=name,
        text=labels,
        textposition="top left",
        cliponaxis=False,
        customdata=[step.ef for step in curve],
        hovertext=[format_score(step.mean_recall) for step in curve],
        hovertemplate=f"ef=%{{customdata}}: %{{x:,.0f}} {cost.unit}, recall %{{hovertext}}<extra></extra>",
        line={"color": HNSW_COLOUR, "width": 2, "dash": dash},
        marker={"color": HNSW_COLOUR, "size": 8, "symbol": symbol},
    )
