"""The reveal of a step: the prediction beside what was measured, and how far apart they are, in words."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from ui.lessons.lesson import Step
from ui.lessons.measurements.measured import Measured
from ui.render.predictions import (
    DIFFERENT,
    MOST_DECIMALS,
    PREDICTED,
    Answer,
    ChoicePrediction,
    NumberPrediction,
    bare_number,
)

EXACT, NEAR, OFF = "exact", "near", "off"
NEAR_SHARE = 0.1  # of the measured number, within which a prediction counts as near; one step of its control does too


@dataclass(frozen=True)
class Reveal:
    """What is shown once a step was measured, as texts.

    predicted: empty if nothing was predicted. outcome: EXACT, NEAR or OFF, empty without a prediction. difference: a
    sentence on both. value, sentences, numbers and place: as measured. measured_at: the time in UTC, in ISO 8601.
    """

    predicted: str
    measured: str
    value: Answer
    outcome: str
    difference: str
    sentences: Sequence[str]
    numbers: Mapping[str, str]
    place: Mapping[str, object]
    measured_at: str


def reveal(step: Step, predicted: Answer | None, measured: Measured) -> Reveal:
    """Return the reveal of a step; predicted: as the step's prediction has read it, None without one."""
    outcome = "" if predicted is None else compare_answers(step, predicted, measured)
    return Reveal(
        predicted="" if predicted is None else step.prediction.words(predicted),
        measured=measured_words(step, measured),
        value=measured.value,
        outcome=outcome,
        difference="" if predicted is None else _difference(step, predicted, measured, outcome),
        sentences=tuple(measured.sentences),
        numbers=dict(measured.numbers),
        place=dict(measured.place),
        measured_at=measured.record.time,
    )


def measured_words(step: Step, measured: Measured) -> str:
    """Return what was measured as the tabs write it, else in the words of the prediction, with the unit measured."""
    if measured.shown:
        return measured.shown
    if not isinstance(step.prediction, NumberPrediction):
        return step.prediction.words(measured.value)
    words = step.prediction.words(step.prediction.rounded(float(str(measured.value))))
    return words.removesuffix(step.prediction.unit) + measured.unit if measured.unit else words


def measured_number(step: Step, measured: Measured) -> float:
    """Return a measured number to the digits that are shown of it, as every comparison with it has it."""
    return float(measured_words(step, measured).split()[0].replace(",", "").replace("−", "-"))


def compare_answers(step: Step, predicted: Answer, measured: Measured) -> str:
    """Return whether a prediction was EXACT (to half a step of its control), NEAR or OFF."""
    asked, value = step.prediction, measured.value
    if isinstance(asked, NumberPrediction):
        number = measured_number(step, measured)
        apart = abs(float(str(predicted)) - number)
        if apart <= asked.step / 2 + 1e-9:
            return EXACT
        return NEAR if apart <= max(asked.step, NEAR_SHARE * abs(number)) + 1e-9 else OFF
    if isinstance(asked, ChoicePrediction):
        return EXACT if predicted == value else OFF
    assert isinstance(predicted, tuple | list) and isinstance(value, tuple | list)
    if tuple(predicted) in {tuple(value), *map(tuple, measured.equally)}:  # type: ignore[arg-type] # orders
        return EXACT
    return NEAR if predicted[0] == value[0] or predicted[-1] == value[-1] else OFF


def _difference(step: Step, predicted: Answer, measured: Measured, outcome: str) -> str:
    """Return a sentence on a prediction and what was measured."""
    if isinstance(step.prediction, NumberPrediction):
        apart = round(float(str(predicted)) - measured_number(step, measured), MOST_DECIMALS)
        if outcome == EXACT:
            return f"You predicted it to within {bare_number(abs(apart))}." if apart else PREDICTED
        over, under = ("many", "few") if step.prediction.counts else ("high", "low")
        near = "Nearly: you" if outcome == NEAR else "You"
        return f"{near} predicted {bare_number(abs(apart))} too {over if apart > 0 else under}."
    if outcome == EXACT:
        return PREDICTED
    if outcome == NEAR:
        return "Partly: one end of your order is right."
    return DIFFERENT
