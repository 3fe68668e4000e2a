"""Figures: measurements -> Plotly. The same colours everywhere: exact blue, HNSW orange, missed vermilion."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import plotly.graph_objects as go

from retriever.comparison import Comparison, Interval
from retriever.measurement import Measurement
from ui.text import literal

EXACT, HNSW, MISSED = "#0072B2", "#E69F00", "#D55E00"  # Okabe and Ito's palette, safe for colour-blind readers
MODELS = ("#009E73", "#CC79A7")  # of the same palette: first and second model
GRID = "rgba(128,128,128,.25)"
GREY = "#808890"  # readable on white and on near-black
KIND = 24  # characters of a kind's name below its bars


@dataclass(frozen=True)
class Cost:
    """Say what an axis counts: its title, its unit, and the number a measurement has of it."""

    title: str
    unit: str
    of: Callable[[Measurement], float]


def _microseconds(step: Measurement) -> float:
    return step.p50 * 1e6


def _distances(step: Measurement) -> float:
    return step.mean_distances or 0.0


LATENCY = Cost("median latency, µs a query", "µs", _microseconds)
DISTANCES = Cost("distances computed a query", "distances", _distances)


def curve_figure(
    curve: Sequence[Measurement],
    exact: Measurement,
    now: Measurement | None = None,
    *,
    name: str = "HNSW",
    overlay: Sequence[Measurement] = (),
    overlay_name: str = "",
    cost: Cost = LATENCY,
) -> go.Figure:
    """Draw mean recall over what a query costs, points labelled by ef, exact search as the reference."""
    traces = []
    if overlay:
        traces.append(_trace(overlay, overlay_name, cost, dash="dot", symbol="diamond-open"))
    if curve:
        traces.append(_trace(curve, name, cost, dash="solid", symbol="circle"))
    traces.append(_exact_point(exact, cost))
    if now is not None:
        traces.append(_current_point(now, cost))
    low = min([step.mean_recall for step in (*curve, *overlay)] or [now.mean_recall if now else 0])
    return go.Figure(traces, _layout(exact, low, cost))


def _layout(exact: Measurement, low: float, cost: Cost) -> dict[str, Any]:
    """Return the axes and the line of exact search, whole, as setting them one by one takes three times as long."""
    vertical = {"type": "line", "x0": cost.of(exact), "x1": cost.of(exact), "y0": 0, "y1": 1, "yref": "paper"}
    return {
        **plain_layout(330),
        "legend": {"orientation": "h", "x": 1, "xanchor": "right", "y": 0.02, "yanchor": "bottom"}
        | {"bgcolor": "rgba(0,0,0,0)"},
        "uirevision": cost.title,  # a visitor's zoom stays while the slider moves
        "shapes": [vertical | {"line": {"color": EXACT, "dash": "dash", "width": 2}}],
        "xaxis": {"title": {"text": cost.title}, "rangemode": "tozero"} | {"gridcolor": GRID, "zeroline": False},
        "yaxis": {"title": {"text": f"mean recall@{exact.k}"}, "range": [max(-0.02, low - 0.08), 1.04]}
        | {"gridcolor": GRID, "zeroline": False},
    }


def plain_layout(height: int) -> dict[str, Any]:
    """Return what all figures share: no background of their own, one font."""
    return {
        "template": None,
        "height": height,
        "margin": {"l": 56, "r": 16, "t": 8, "b": 44},
        "paper_bgcolor": "rgba(0,0,0,0)",
        "plot_bgcolor": "rgba(0,0,0,0)",
        "font": {"color": GREY, "family": "system-ui, sans-serif", "size": 13},
    }


def _exact_point(exact: Measurement, cost: Cost) -> go.Scatter:
    """Draw exact search, the reference."""
    return go.Scatter(
        x=[cost.of(exact)],
        y=[1.0],
        mode="markers+text",
        name="exact",
        text=["exact"],
        textposition="bottom left",
        textfont={"color": EXACT},
        marker={"color": EXACT, "size": 13, "symbol": "square"},
        hovertemplate=f"exact search: %{{x:,.0f}} {cost.unit}, recall 1<extra></extra>",
    )


def _current_point(now: Measurement, cost: Cost) -> go.Scatter:
    """Draw where the slider stands."""
    return go.Scatter(
        x=[cost.of(now)],
        y=[now.mean_recall],
        mode="markers",
        name=f"now: ef={now.ef}",
        marker={"color": HNSW, "size": 20, "symbol": "circle-open", "line": {"width": 4}},
        hovertemplate=f"ef={now.ef}: %{{x:,.0f}} {cost.unit}, recall %{{y:.3f}}<extra></extra>",
    )


def _trace(curve: Sequence[Measurement], name: str, cost: Cost, *, dash: str, symbol: str) -> go.Scatter:
    """Draw one graph's curve; only some points are labelled, so that labels do not cover one another."""
    labels = [f"{step.ef}" if number % 2 == 0 or number == len(curve) - 1 else "" for number, step in enumerate(curve)]
    return go.Scatter(
        x=[cost.of(step) for step in curve],
        y=[step.mean_recall for step in curve],
        mode="lines+markers+text",
        name=name,
        text=labels,
        textposition="top left",
        cliponaxis=False,
        customdata=[step.ef for step in curve],
        hovertemplate=f"ef=%{{customdata}}: %{{x:,.0f}} {cost.unit}, recall %{{y:.3f}}<extra></extra>",
        line={"color": HNSW, "width": 2, "dash": dash},
        marker={"color": HNSW, "size": 8, "symbol": symbol},
    )


def kinds_figure(kinds: Mapping[str, Comparison], models: tuple[str, str], k: int) -> go.Figure:
    """Draw both models' hit rates by kind of question, with their 95 % intervals."""
    questions = [len(found.differences) for found in kinds.values()]
    labels = [f"{name}<br>({count})" for name, count in zip(_short(kinds), questions, strict=True)]
    sides = [[found.first for found in kinds.values()], [found.second for found in kinds.values()]]
    bars = [
        _bars(number, name, labels, [100 * value.mean for value in values])
        | {"error_y": _whiskers(values), "hovertemplate": "%{y:.1f} % of %{x} questions<extra></extra>"}
        for number, (name, values) in enumerate(zip(models, sides, strict=True))
    ]
    return go.Figure([go.Bar(bar) for bar in bars], _bar_layout(f"hit rate@{k}, %", [0, 104]))


def _short(kinds: Iterable[str]) -> list[str]:
    """Name kinds below their bars; those that begin alike get a number, as bars of one name would cover one another."""
    names: list[str] = []
    for kind in kinds:
        name = literal(kind if len(kind) <= KIND else f"{kind[: KIND - 1]}…")
        names.append(f"{name} {len(names) + 1}" if name in names else name)
    return names


def ranks_figure(counts: Mapping[str, tuple[int, int]], models: tuple[str, str]) -> go.Figure:
    """Draw at which rank the first answer stands: label of ranks -> questions with the first and the second model."""
    labels = list(counts)
    bars = [
        _bars(number, name, labels, [float(count[number]) for count in counts.values()])
        | {"hovertemplate": "%{y} questions<extra></extra>"}
        for number, name in enumerate(models)
    ]
    layout = _bar_layout("questions", None)
    layout["xaxis"] |= {"title": {"text": "rank of the first answer, exact search"}}
    return go.Figure([go.Bar(bar) for bar in bars], layout)


def _bars(number: int, name: str, labels: list[str], values: list[float]) -> dict[str, Any]:
    """Return one model's bars; the second model's are hatched, so that they differ without colour."""
    pattern = {"shape": "/" if number else "", "fgopacity": 0.6}
    return {"name": literal(name), "x": labels, "y": values, "marker": {"color": MODELS[number], "pattern": pattern}}


def _whiskers(values: Sequence[Interval]) -> dict[str, Any]:
    up = [100 * (value.high - value.mean) for value in values]
    down = [100 * (value.mean - value.low) for value in values]
    return {"type": "data", "symmetric": False, "array": up, "arrayminus": down, "color": GREY, "thickness": 1.5}


def _bar_layout(title: str, span: list[int] | None) -> dict[str, Any]:
    return {
        **plain_layout(235),
        "barmode": "group",
        "legend": {"orientation": "h", "x": 0, "y": 1.02, "yanchor": "bottom"},
        "xaxis": {"type": "category"},
        "yaxis": {"title": {"text": title}, "gridcolor": GRID, "zeroline": False} | ({"range": span} if span else {}),
    }
