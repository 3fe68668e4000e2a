"""The curve of recall over the cost of a query, as a Plotly figure."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from gradio.components.plot import PlotData

from retriever.measurement.measurement import Measurement
from ui.render.figures import (
    EXACT_COLOUR,
    GRID_COLOUR,
    HNSW_COLOUR,
    LEGEND_ABOVE,
    LOGARITHMIC_TICKS,
    MILVUS_COLOUR,
    base_layout,
    described,
    plot,
)
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
# with Milvus: a search in this process takes microseconds, one over a network milliseconds
CLIENT_AXIS = CostAxis("median latency, µs a query (logarithmic)", "µs", "latency", _microseconds)
TOP = 1.04  # of the axis of recall
ROOM_BESIDE = 0.8  # of the width, up to which a label has room on the right
LABEL_ROOM = 0.09, 0.1  # that a label takes of the figure's width and height, about, on a phone
UNCOUNTED = "Milvus does not count distances, so its curve is not on this axis."


@dataclass(frozen=True)
class MilvusCurve:
    """The curve of HNSW in Milvus, empty until it is measured, and what was measured at the slider's ef.

    round_trip: the median seconds of a search in a collection of one vector.
    """

    name: str
    steps: Sequence[Measurement]
    now: Measurement
    round_trip: float


def curve_figure(
    curve: Sequence[Measurement],
    exact: Measurement,
    now: Measurement | None = None,
    *,
    name: str = "HNSW",
    overlay: Sequence[Measurement] = (),
    overlay_name: str = "",
    milvus: MilvusCurve | None = None,
    cost: CostAxis = LATENCY_AXIS,
) -> PlotData:
    """Draw mean recall over the cost of a query, with points labelled by ef and exact search as the reference.

    milvus: is drawn too where the cost is one that it has; now is then None.
    """
    counted = cost is DISTANCES_AXIS
    shown = None if counted else milvus
    if shown:
        cost = CLIENT_AXIS
    curves = [(overlay_name, overlay), (name, curve), *([(shown.name, shown.steps)] if shown else [])]
    steps = [step for _, of_curve in curves for step in of_curve]
    drawn = [exact, *steps, *([now] if now else []), *([shown.now] if shown else [])]
    low = max(-0.02, min(step.mean_recall for step in drawn) - 0.08) if drawn[1:] else -0.02
    canvas = _Canvas(cost, max(map(cost.of, drawn)), min(map(cost.of, drawn)), low)
    traces = []
    if overlay:
        traces.append(_curve_trace(overlay, overlay_name, canvas, dash="dot", symbol="diamond-open"))
    if curve:
        traces.append(_curve_trace(curve, name, canvas, dash="solid", symbol="circle"))
    if shown:
        traces += _milvus_traces(shown, canvas)
    traces.append(_exact_point(exact, canvas, drawn[1:]))
    if now is not None:
        traces.append(_current_point(now, cost))
    table = _described(curves, exact, (name, now), shown, cost, UNCOUNTED if milvus and counted else "")
    return plot(traces, _curve_layout(exact, canvas) | table)


def _described(
    curves: Sequence[tuple[str, Sequence[Measurement]]],
    exact: Measurement,
    current: tuple[str, Measurement | None],
    milvus: MilvusCurve | None,
    cost: CostAxis,
    note: str,
) -> dict[str, Any]:
    """Return the curves in words: a sentence on the current ef, and every point as a row of a table."""
    name, now = (milvus.name, milvus.now) if milvus else current
    steps = [(of, step) for of, curve in reversed(curves) for step in curve]
    if now is not None and (name, now.ef) not in [(of, step.ef) for of, step in steps]:
        steps.append((name, now))
    rows: list[tuple[object, ...]] = [
        (of, step.ef, format_score(step.mean_recall), f"{cost.of(step):,.0f}") for of, step in steps
    ]
    rows.append(("exact search", "", "1.000", f"{cost.of(exact):,.0f}"))
    words = f"Exact search finds all, for {cost.of(exact):,.0f} {cost.unit} a query"
    if now is not None:
        at = f"At ef={now.ef} recall@{now.k}{' in Milvus' if milvus else ''} is {format_score(now.mean_recall)}"
        trip = _trip_words(milvus, cost) if milvus else ""
        words = f"{at} for {cost.of(now):,.0f} {cost.unit} a query{trip}. {words}"
    columns = ("graph", "ef", index_recall(exact.k), cost.title)
    return described(f"Curve of recall over {cost.name}", f"{words}. {note}".strip(), columns, rows)


def _trip_words(milvus: MilvusCurve, cost: CostAxis) -> str:
    """Return how much of the latency is the round trip, which by chance may take longer than a short search."""
    share = "of them the round trip" if milvus.round_trip < milvus.now.p50 else "takes the round trip alone"
    return f", {milvus.round_trip * 1e6:,.0f} {cost.unit} {share}"


@dataclass(frozen=True)
class _Canvas:
    """What the axes show: costs from 0, or on the logarithmic axis from the least, to the most; recall from low."""

    cost: CostAxis
    most: float
    least: float
    low: float

    def is_near(self, one: Measurement, other: Measurement) -> bool:
        """Return whether the labels of two points would cover one another."""
        width, height = LABEL_ROOM
        across = abs(self.place(self.cost.of(one)) - self.place(self.cost.of(other)))
        return across < width and abs(one.mean_recall - other.mean_recall) < height * (TOP - self.low)

    def count_beside(self, one: Measurement, others: Sequence[Measurement], side: int) -> int:
        """Return how many other points are where a label below one is on its left (side -1) or right (side 1)."""
        width, height = LABEL_ROOM
        across, down = self.place(self.cost.of(one)) + side * width / 2, one.mean_recall - height * (TOP - self.low) / 2
        return sum(
            abs(self.place(self.cost.of(other)) - across) < width / 2
            and abs(other.mean_recall - down) < height * (TOP - self.low)
            for other in others
        )

    def place(self, cost: float) -> float:
        """Return where a cost is along the axis, from 0 to 1."""
        if self.cost is not CLIENT_AXIS:
            return cost / self.most if self.most else 0.0
        return math.log(cost / self.least) / math.log(self.most / self.least) if self.most > self.least else 0.0


def _curve_layout(exact: Measurement, canvas: _Canvas) -> dict[str, Any]:
    """Return the axes and the line of exact search."""
    cost = canvas.cost
    vertical = {"type": "line", "x0": cost.of(exact), "x1": cost.of(exact), "y0": 0, "y1": 1, "yref": "paper"}
    return {
        **base_layout(),
        "legend": LEGEND_ABOVE,
        "uirevision": cost.title,  # a visitor's zoom stays while the slider moves
        "shapes": [vertical | {"line": {"color": EXACT_COLOUR, "dash": "dash", "width": 2}}],
        "xaxis": {"title": {"text": cost.title}, "rangemode": "tozero"}
        | ({"type": "log", "tickvals": LOGARITHMIC_TICKS, "tickformat": ",d"} if cost is CLIENT_AXIS else {})
        | {"gridcolor": GRID_COLOUR, "zeroline": False},
        "yaxis": {"title": {"text": index_recall(exact.k)}, "range": [canvas.low, TOP]}
        | {"gridcolor": GRID_COLOUR, "zeroline": False},
    }


def _exact_point(exact: Measurement, canvas: _Canvas, others: Sequence[Measurement]) -> dict[str, Any]:
    """Return the point of exact search, the reference; its label is on the side that has fewer of the others."""
    cost = canvas.cost
    left, right = (canvas.count_beside(exact, others, side) for side in (-1, 1))
    return dict(
        type="scatter",
        x=[cost.of(exact)],
        y=[1.0],
        mode="markers+text",
        name="exact",
        text=["exact"],
        textposition="bottom right" if right < left and canvas.place(cost.of(exact)) < ROOM_BESIDE else "bottom left",
        textfont={"color": EXACT_COLOUR},
        showlegend=False,
        marker={"color": EXACT_COLOUR, "size": 13, "symbol": "square"},
        hovertemplate=f"exact search: %{{x:,.0f}} {cost.unit}, recall 1.000<extra></extra>",
    )


def _milvus_traces(milvus: MilvusCurve, canvas: _Canvas) -> list[dict[str, Any]]:
    """Return the line of a round trip, which no search takes less than, the curve of Milvus, and the current point."""
    cost, seconds = canvas.cost, milvus.round_trip * 1e6
    line = dict(
        type="scatter",
        x=[seconds, seconds],
        y=[-1, 2],
        mode="lines",
        name="round trip",
        line={"color": MILVUS_COLOUR, "width": 1.5, "dash": "dash"},
        hovertemplate=f"round trip: %{{x:,.0f}} {cost.unit}<extra></extra>",
    )
    curve = _curve_trace(milvus.steps, milvus.name, canvas, dash="dashdot", symbol="triangle-up", colour=MILVUS_COLOUR)
    curve["textposition"] = "middle left"  # it is nearly vertical
    now = _current_point(milvus.now, cost, colour=MILVUS_COLOUR, symbol="triangle-up-open")
    return [line, *([curve] if milvus.steps else []), now]


def _current_point(
    now: Measurement, cost: CostAxis, *, colour: str = HNSW_COLOUR, symbol: str = "circle-open"
) -> dict[str, Any]:
    """Return the point at the slider's ef."""
    return dict(
        type="scatter",
        x=[cost.of(now)],
        y=[now.mean_recall],
        mode="markers",
        name=f"now: ef={now.ef}",
        marker={"color": colour, "size": 20, "symbol": symbol, "line": {"width": 4}},
        hovertemplate=f"ef={now.ef}: %{{x:,.0f}} {cost.unit}, recall {format_score(now.mean_recall)}<extra></extra>",
    )


def _curve_trace(
    curve: Sequence[Measurement], name: str, canvas: _Canvas, *, dash: str, symbol: str, colour: str = HNSW_COLOUR
) -> dict[str, Any]:
    """Return one graph's curve."""
    cost = canvas.cost
    return dict(
        type="scatter",
        x=[cost.of(step) for step in curve],
        y=[step.mean_recall for step in curve],
        mode="lines+markers+text",
        name=name,
        text=_labels(curve, canvas),
        textposition="top left",
        cliponaxis=False,
        customdata=[step.ef for step in curve],
        hovertext=[format_score(step.mean_recall) for step in curve],
        hovertemplate=f"ef=%{{customdata}}: %{{x:,.0f}} {cost.unit}, recall %{{hovertext}}<extra></extra>",
        line={"color": colour, "width": 2, "dash": dash},
        marker={"color": colour, "size": 8, "symbol": symbol},
    )


def _labels(curve: Sequence[Measurement], canvas: _Canvas) -> list[str]:
    """Return the label of each point of a curve, its ef; empty where it would cover another, the last one's above all.

    The first point is labelled in any case.
    """
    labelled: list[Measurement] = []
    for step in [*curve[:1], *curve[:0:-1][:1], *curve[1:-1]]:
        if not any(canvas.is_near(step, other) for other in labelled):
            labelled.append(step)
    return [f"{step.ef}" if step in labelled else "" for step in curve]
