"""Tests of the reveal: a prediction beside what was measured."""

import pytest

from retriever.run_record import RunRecord
from ui.lessons.lesson import Step
from ui.lessons.measurements.measured import Measured
from ui.lessons.predictions import ChoicePrediction, NumberPrediction, OrderPrediction
from ui.lessons.reveal import reveal

NUMBER = NumberPrediction(0, 10, 1, "of 10 passages")
CHOICE = ChoicePrediction({"model": "the model", "index": "the index"})
ORDER = OrderPrediction({"a": "A", "b": "B", "c": "C"})


def revealed(prediction, predicted, value, unit=""):
    step = Step("one", "A claim.", "What?", prediction, "none")
    measured = Measured(value, unit, ["It was so."], RunRecord("A lesson", {}, {}, {}), {"tab": "search"})
    return reveal(step, predicted, measured)


@pytest.mark.parametrize(
    ("prediction", "predicted", "value", "outcome", "difference"),
    [
        (NUMBER, 4, 4, "exact", "You predicted it."),
        (NUMBER, 5, 4, "near", "Nearly: you predicted 1 too much."),
        (NUMBER, 1, 4, "off", "You predicted 3 too little."),
        (CHOICE, "model", "model", "exact", "You predicted it."),
        (CHOICE, "index", "model", "off", "It came out differently than you predicted."),
        (ORDER, ("a", "b", "c"), ("a", "b", "c"), "exact", "You predicted it."),
        (ORDER, ("b", "a", "c"), ("a", "b", "c"), "near", "Partly: one end of your order is right."),
        (ORDER, ("b", "c", "a"), ("a", "b", "c"), "off", "It came out differently than you predicted."),
        (NUMBER, None, 4, "", ""),
    ],
)
def test_a_prediction_is_compared_with_what_was_measured(prediction, predicted, value, outcome, difference):
    shown = revealed(prediction, predicted, value)
    assert (shown.outcome, shown.difference) == (outcome, difference)
    assert shown.measured == prediction.words(value) and bool(shown.predicted) == (predicted is not None)


def test_the_unit_is_the_one_that_was_measured():
    shown = revealed(NUMBER, 3, 3, "of 3 passages")
    assert shown.predicted == "3 of 10 passages" and shown.measured == "3 of 3 passages"
