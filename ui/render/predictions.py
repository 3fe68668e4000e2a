"""Predictions: what is asked before a measurement, how an answer is read, and how it reads in words."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from retriever.errors import ParameterError

Answer = float | str | tuple[str, ...]  # a number, the name of an option, or the names of all in an order
MOST_DECIMALS = 6  # of a number that is predicted
FIRST_PREDICT = "First predict: a guess is enough."
PREDICTED, DIFFERENT = "You predicted it.", "It came out differently from what you predicted."


@dataclass(frozen=True)
class NumberPrediction:
    """A number from low to high with its unit. step: of the control, and the precision that is shown at least."""

    low: float
    high: float
    step: float
    unit: str

    @property
    def decimals(self) -> int:
        """The decimals of the step."""
        return max(0, -math.floor(math.log10(self.step) + 1e-9))

    @property
    def counts(self) -> bool:
        """Whether things are counted, rather than a share or a ratio asked for."""
        return self.step == int(self.step) and self.unit != "%"

    def read(self, value: object) -> float:
        """Return an answer as it was given. Raises ParameterError for what is no number from low to high."""
        number = isinstance(value, int | float) and not isinstance(value, bool)
        if not number or not self.low <= value <= self.high:  # type: ignore[operator] # a number
            ends = f"{bare_number(self.low)} to {bare_number(self.high)}"
            raise ParameterError(f"The prediction is {value!r:.40}; send a number from {ends}.")
        return round(float(value), MOST_DECIMALS)  # type: ignore[arg-type] # a number

    def rounded(self, number: float) -> float:
        """Return what was measured to the decimals of the step."""
        return round(number, self.decimals)

    def words(self, answer: Answer) -> str:
        """Return an answer with its unit, and with all decimals that it has."""
        assert isinstance(answer, int | float)
        given = len(bare_number(answer).partition(".")[2])
        return f"{answer:,.{max(self.decimals, given)}f} {self.unit}".rstrip()


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


def choice_outcome(predicted: str, measured: str) -> str:
    """Return a sentence on the option that was predicted and the one that was measured."""
    return PREDICTED if predicted == measured else DIFFERENT


def bare_number(number: float) -> str:
    """Return a number with the decimals that it has, and without a unit."""
    return f"{number:,.{MOST_DECIMALS}f}".rstrip("0").rstrip(".")


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
