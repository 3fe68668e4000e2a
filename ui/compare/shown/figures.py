"""Figures of a comparison: hit rates by kind of question, as bars or a heat map, and ranks of the first answer."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import plotly.graph_objects as go

from retriever.evaluation.significance import Comparison, Interval
from retriever.experiments.comparison import RetrieverComparison
from ui.compare.sentences.wording import listed
from ui.compare.shown.marks import MARKS, PATTERNS
from ui.compare.shown.questions import count_by_rank
from ui.render.figures import GREY_COLOUR, GRID_COLOUR, HEAT_SCALE, LEGEND_ABOVE, MODEL_COLOURS, base_layout, described
from ui.render.html import plotly_text
from ui.render.numbers import format_score

KIND_CHARACTERS = 24  # characters of a kind's name below its bars
ROW_PIXELS = 30  # of a heat map


def comparison_figure(compared: RetrieverComparison) -> go.Figure:
    """Return the hit rates by kind of question, or without kinds the ranks of the first answers."""
    if not compared.kinds:
        return ranks_figure(count_by_rank(compared), compared.names)
    if len(compared.sides) == 2:
        return kinds_figure(compared.pair.kinds, compared.pair.names, compared.k)
    return heat_map(compared)


def heat_map(compared: RetrieverComparison) -> go.Figure:
    """Draw the hit rates of three or four retrievers, a column each, by kind of question, a row each."""
    questions = [len(found.differences) for found in compared.pair.kinds.values()]
    numbers = range(len(compared.sides))
    rates = [[compared.score_of_kind(kind, number).mean for number in numbers] for kind in compared.kinds]
    trace = {
        "x": [MARKS[number] for number in numbers],
        "y": [f"{name} ({count})" for name, count in zip(_short_names(compared.kinds), questions, strict=True)],
        "z": rates,
        "text": [[format_score(rate) for rate in row] for row in rates],
        "customdata": [[plotly_text(name) for name in compared.names]] * len(rates),
        "texttemplate": "%{text}",
        "hovertemplate": "%{customdata}: %{text} of %{y}<extra></extra>",
        "colorscale": HEAT_SCALE,
        "zmin": 0,
        "zmax": 1,
        "showscale": False,
        "xgap": 2,
        "ygap": 2,
    }
    layout = base_layout(ROW_PIXELS * len(rates) + 60)
    plain = {"fixedrange": True, "showgrid": False, "zeroline": False}  # cells are translucent
    layout["xaxis"] = {"side": "top", "type": "category", "tickfont": {"size": 16}} | plain
    layout["yaxis"] = {"autorange": "reversed", "type": "category", "automargin": True} | plain
    layout["margin"] |= {"t": 34, "b": 8}
    return go.Figure([go.Heatmap(trace)], layout | _heat_described(compared, questions, rates))


def _heat_described(
    compared: RetrieverComparison, questions: Sequence[int], rates: Sequence[Sequence[float]]
) -> dict[str, Any]:
    """Return the hit rates in words: who is best for how many kinds, and every kind as a row of a table."""
    best = [sum(row[number] == max(row) for row in rates) for number in range(len(compared.sides))]
    words = ", ".join(f"{name} for {count}" for name, count in zip(compared.names, best, strict=True))
    rows = [
        (kind, count, *map(format_score, row))
        for kind, count, row in zip(compared.kinds, questions, rates, strict=True)
    ]
    sentence = f"Best, alone or with others, of {len(rows)} kinds of question: {words}."
    return described(f"Hit rate@{compared.k} by kind", sentence, ("kind", "questions", *compared.names), rows)


def kinds_figure(kinds: Mapping[str, Comparison], models: Sequence[str], k: int) -> go.Figure:
    """Draw two retrievers' hit rates by kind of question, with their 95 % intervals."""
    questions = [len(found.differences) for found in kinds.values()]
    labels = [f"{name}<br>({count})" for name, count in zip(_short_names(kinds), questions, strict=True)]
    sides = [[found.first for found in kinds.values()], [found.second for found in kinds.values()]]
    bars = [
        _model_bars(number, name, labels, [value.mean for value in values])
        | {"error_y": _whiskers(values), "hovertemplate": "%{y:.3f} of %{x} questions<extra></extra>"}
        for number, (name, values) in enumerate(zip(models, sides, strict=True))
    ]
    layout = _bar_layout(f"hit rate@{k}", [0, 1.04]) | _kinds_described(kinds, models, k)
    return go.Figure([go.Bar(bar) for bar in bars], layout)


def _kinds_described(kinds: Mapping[str, Comparison], models: Sequence[str], k: int) -> dict[str, Any]:
    """Return the hit rates in words: the kind on which the two differ most, and every kind as a row of a table."""
    rows = [
        (kind, len(found.differences), format_score(found.first.mean), format_score(found.second.mean))
        for kind, found in kinds.items()
    ]
    most = max(kinds, key=lambda kind: abs(kinds[kind].first.mean - kinds[kind].second.mean))
    first, second = kinds[most].first.mean, kinds[most].second.mean
    words = (
        f"They differ most on {most} questions: {models[0]} {format_score(first)}, {models[1]} {format_score(second)}."
    )
    return described(f"Hit rate@{k} by kind of question", words, ("kind", "questions", *models), rows)


def _short_names(kinds: Iterable[str]) -> list[str]:
    """Return the shortened names of kinds, numbered where equal: Plotly draws bars of one name over one another."""
    names: list[str] = []
    for kind in kinds:
        name = plotly_text(kind if len(kind) <= KIND_CHARACTERS else f"{kind[: KIND_CHARACTERS - 1]}…")
        names.append(f"{name} {len(names) + 1}" if name in names else name)
    return names


def ranks_figure(counts: Mapping[str, Sequence[int]], models: Sequence[str]) -> go.Figure:
    """Draw the ranks of the first answer; counts: label of ranks -> questions with each retriever."""
    labels = list(counts)
    bars = [
        _model_bars(number, name, labels, [float(count[number]) for count in counts.values()])
        | {"hovertemplate": "%{y} questions<extra></extra>"}
        for number, name in enumerate(models)
    ]
    layout = _bar_layout("questions", None)
    layout["xaxis"] |= {"title": {"text": "rank of the first answer, exact search"}}
    words = listed([f"{counts['1'][number]} of {name}" for number, name in enumerate(models)])
    rows = [(label, *count) for label, count in counts.items()]
    layout |= described(
        "Ranks of the first answer", f"The first answer stands first for {words}.", ("rank", *models), rows
    )
    return go.Figure([go.Bar(bar) for bar in bars], layout)


def _model_bars(number: int, name: str, labels: list[str], values: list[float]) -> dict[str, Any]:
    """Return one retriever's bars, with a pattern of its own, so that they differ without colour."""
    pattern = {"shape": PATTERNS[number], "fgopacity": 0.6}
    return {
        "name": plotly_text(name),
        "x": labels,
        "y": values,
        "marker": {"color": MODEL_COLOURS[number], "pattern": pattern},
    }


def _whiskers(values: Sequence[Interval]) -> dict[str, Any]:
    """Return the error bars of hit rates."""
    up = [value.high - value.mean for value in values]
    down = [value.mean - value.low for value in values]
    return {"type": "data", "symmetric": False, "array": up, "arrayminus": down, "color": GREY_COLOUR, "thickness": 1.5}


def _bar_layout(title: str, span: list[float] | None) -> dict[str, Any]:
    """Return the layout of a bar chart; span: the range of its vertical axis."""
    return {
        **base_layout(235),
        "barmode": "group",
        "legend": LEGEND_ABOVE,
        "xaxis": {"type": "category"},
        "yaxis": {"title": {"text": title}, "gridcolor": GRID_COLOUR, "zeroline": False}
        | ({"range": span} if span else {}),
    }
