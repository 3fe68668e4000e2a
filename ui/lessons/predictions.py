"""Predictions: what is asked before a measurement, how an answer is read, and how it reads in words."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from retriever.errors import ParameterError

Answer = float | str | tuple[str, ...]  # a number, the name of an option, or the names of all in an order


@dataclass(frozen=True)
class NumberPrediction:
    """A number from low to high, in steps, with its unit."""

    low: float
    high: float
    step: float
    unit: str

    def read(self, value: object) -> float:
        """Return an answer as the nearest number that can be chosen. Raises ParameterError for what is no number."""
        if isinstance(value, bool) or not isinstance(value, int | float) or not -math.inf < value < math.inf:
            raise ParameterError(f"The prediction is {value!r}; send a number from {self.low:g} to {self.high:g}.")
        near = self.low + round((min(max(value, self.low), self.high) - self.low) / self.step) * self.step
        return round(near, 6)

    def words(self, answer: Answer) -> str:
        """Return an answer with its unit."""
        assert isinstance(answer, int | float)
        decimals = max(0, -math.floor(math.log10(self.step) + 1e-9))
        return f"{answer:,.{decimals}f} {self.unit}".rstrip()


@dataclass(frozen=True)
class ChoicePrediction:
    """One of several options: name -> its words."""

    options: Mapping[str, str]

    def read(self, value: object) -> str:
        """Return an answer. Raises ParameterError for what is no option's name."""
        if not isinstance(value, str) or value not in self.options:
            raise ParameterError(f"The prediction is {value!r}; choose one of: {', '.join(self.options)}.")
        return value

    def words(self, answer: Answer) -> str:
        """Return an answer's words."""
        return self.options[str(answer)]


@dataclass(frozen=True)
class OrderPrediction:
    """An order of all options, name -> its words; the question says of what: what comes first stands first."""

    options: Mapping[str, str]

    def read(self, value: object) -> tuple[str, ...]:
        """Return an answer. Raises ParameterError unless it has every option once."""
        if not isinstance(value, Sequence) or isinstance(value, str) or sorted(map(str, value)) != sorted(self.options):
            raise ParameterError(f"The prediction is {value!r}; send each of these once: {', '.join(self.options)}.")
        return tuple(map(str, value))

    def words(self, answer: Answer) -> str:
        """Return the words of the options in the order of an answer."""
        assert isinstance(answer, tuple | list)
        return ", then ".join(self.options[name] for name in answer)


Prediction = NumberPrediction | ChoicePrediction | OrderPrediction
KINDS: Mapping[str, type[Any]] = {"number": NumberPrediction, "choice": ChoicePrediction, "order": OrderPrediction}


def read_prediction(content: Mapping[str, Any]) -> Prediction:
    """Return the prediction that a lesson's file describes. Raises ParameterError if it describes none."""
    given = dict(content)
    kind = given.pop("kind", None)
    if kind not in KINDS:
        raise ParameterError(f"a prediction's kind is {kind!r}; it must be one of: {', '.join(KINDS)}")
    prediction: Prediction = KINDS[kind](**given)
    if isinstance(prediction, NumberPrediction):
        if not (prediction.low < prediction.high and prediction.step > 0):
            raise ParameterError("a number's low must be below its high, and its step above 0")
    elif len(prediction.options) < 2:
        raise ParameterError(f"a {kind} needs at least two options")
    return prediction
