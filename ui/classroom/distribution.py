"""What a class predicted, counted: a bar for each answer or range of numbers, and which of them was measured."""

import math
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from string import ascii_uppercase

from ui.render.predictions import Answer, ChoicePrediction, NumberPrediction, OrderPrediction, Prediction, bare_number

MOST_BARS = 11  # as many as the last row of a classroom can read
WIDE = 50  # times the smallest number, from which bars grow with their numbers: 1, 2, 5, 10, 20, ...


@dataclass(frozen=True)
class Bar:
    """An answer, or a range of numbers, how many predicted it, and whether it was measured."""

    label: str
    count: int
    measured: bool = False


@dataclass(frozen=True)
class Distribution:
    """The bars of a step's predictions. caption: what they count; total: the number of predictions."""

    caption: str
    bars: Sequence[Bar]
    total: int

    @property
    def most(self) -> int:
        """The count of the longest bar, at least 1."""
        return max([1, *(bar.count for bar in self.bars)])


def distribution(prediction: Prediction, answers: Iterable[Answer], measured: Answer) -> Distribution:
    """Return the distribution of answers, with the measured one among them."""
    given = list(answers)
    if isinstance(prediction, NumberPrediction):
        return _of_numbers(prediction, [float(str(answer)) for answer in given], float(str(measured)))
    if isinstance(prediction, ChoicePrediction):
        return _of_choices(prediction, given, measured)
    return _of_orders(prediction, given, measured)


def _of_numbers(prediction: NumberPrediction, given: Sequence[float], measured: float) -> Distribution:
    inside = min(max(measured, prediction.low), prediction.high)
    edges = _edges(prediction, [*given, inside])
    counts = Counter(_bar_of(number, edges) for number in given)
    labels = _labels(prediction, edges, [*given, measured])
    bars = [Bar(label, counts[row], row == _bar_of(measured, edges)) for row, label in enumerate(labels)]
    unit = f" ({prediction.unit})" if prediction.unit else ""
    return Distribution(f"Students by what they predicted{unit}", bars, len(given))


def _edges(prediction: NumberPrediction, values: Sequence[float]) -> list[float]:
    """Return where bars of some numbers begin, and where the last one ends: at equal distances, or growing ones."""
    low, high = min(values), max(values)
    above = [value for value in values if value > 0]
    if low >= 0 and above and high > WIDE * min(above) and (high - low) / prediction.step > WIDE:
        edges = _growing(max(min(above), prediction.step), high)
        return edges if low > 0 else [0.0, *edges]
    width, count, first = prediction.step, MOST_BARS + 1, low
    sizes = (factor * 10.0**power * prediction.step for power in range(20) for factor in (1, 2, 5))
    while count > MOST_BARS:
        width = next(sizes)
        first = prediction.low + math.floor((low - prediction.low) / width + 1e-9) * width
        count = math.floor((high - first) / width + 1e-9) + 1
    return [round(first + row * width, 9) for row in range(count + 1)]


def _growing(low: float, high: float) -> list[float]:
    """Return 1, 2, 5, 10, ... around low and high, or fewer of them in each decade."""
    decades = range(math.floor(math.log10(low) + 1e-9), math.floor(math.log10(high) + 1e-9) + 2)
    for factors in ((1, 2, 5), (1, 3), (1,)):
        marks = [float(f"{factor}e{power}") for power in decades for factor in factors]
        first = max(mark for mark in marks if mark <= low * (1 + 1e-9))
        last = min(mark for mark in marks if mark > high * (1 + 1e-9))
        edges = [mark for mark in marks if first <= mark <= last]
        if len(edges) <= MOST_BARS:
            break
    return edges


def _bar_of(number: float, edges: Sequence[float]) -> int:
    return max(row for row, start in enumerate(edges[:-1]) if row == 0 or start <= number + 1e-9)


def _labels(prediction: NumberPrediction, edges: Sequence[float], values: Sequence[float]) -> list[str]:
    """Return the numbers of each bar, without their unit and without gaps; what lies beyond the scale is named too."""
    whole = all(value == int(value) for value in [*edges, *values])
    labels = []
    for start, end in pairwise(edges):
        first, last = bare_number(start), bare_number(end - 1) if whole else f"under {bare_number(end)}"
        labels.append(first if first == last else f"{first} to {last}")
    if max(values) >= edges[-1] or ("to" in labels[-1] and edges[-1] > prediction.high):
        labels[-1] = f"{bare_number(edges[-2])} and more"
    if min(values) < edges[0] - 1e-9:
        labels[0] = f"under {bare_number(edges[1])}"
    return labels


def _of_choices(prediction: ChoicePrediction, given: Sequence[Answer], measured: Answer) -> Distribution:
    counts = Counter(given)
    bars = [
        Bar(f"{letter}. {words}", counts[name], name == measured)
        for letter, (name, words) in zip(ascii_uppercase, prediction.options.items(), strict=False)
    ]
    return Distribution("Students by what they chose", bars, len(given))


def _of_orders(prediction: OrderPrediction, given: Sequence[Answer], measured: Answer) -> Distribution:
    assert isinstance(measured, tuple | list)
    orders = [answer for answer in given if isinstance(answer, tuple | list)]
    bars = [
        Bar(f"{row + 1}. {prediction.options[name]}", sum(order[row] == name for order in orders))
        for row, name in enumerate(measured)
    ]
    bars.append(Bar("all in this order", sum(tuple(order) == tuple(measured) for order in orders), measured=True))
    return Distribution("Students who put each where it was measured", bars, len(given))
