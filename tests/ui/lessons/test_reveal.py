"""Tests of the reveal: a prediction beside what was measured."""

import pytest

from retriever.run_record import RunRecord
from ui.lessons.lesson import Step
from ui.lessons.measurements.measured import Measured
from ui.lessons.reveal import reveal
from ui.render.predictions import ChoicePrediction, NumberPrediction, OrderPrediction

NUMBER = NumberPrediction(0, 10, 1, "of 10 passages")
CANDIDATES, RATIO = NumberPrediction(10, 200, 1, "candidates"), NumberPrediction(1, 15, 0.5, "times as many")
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
        (NUMBER, 5, 4, "near", "Nearly: you predicted 1 too many."),
        (NUMBER, 1, 4, "off", "You predicted 3 too few."),
        (CANDIDATES, 40, 23, "off", "You predicted 17 too many."),
        (CANDIDATES, 25, 23, "near", "Nearly: you predicted 2 too many."),
        (RATIO, 4.6, 4.568, "exact", "You predicted it."),
        (RATIO, 4.5, 4.568, "exact", "You predicted it to within 0.1."),
        (RATIO, 2.05, 4.568, "off", "You predicted 2.55 too low."),
        (CHOICE, "model", "model", "exact", "You predicted it."),
        (CHOICE, "index", "model", "off", "It came out differently from what you predicted."),
        (ORDER, ("a", "b", "c"), ("a", "b", "c"), "exact", "You predicted it."),
        (ORDER, ("b", "a", "c"), ("a", "b", "c"), "near", "Partly: one end of your order is right."),
        (ORDER, ("b", "c", "a"), ("a", "b", "c"), "off", "It came out differently from what you predicted."),
        (NUMBER, None, 4, "", ""),
    ],
)
def test_a_prediction_is_compared_with_what_was_measured(prediction, predicted, value, outcome, difference):
    shown = revealed(prediction, predicted, value)
    assert (shown.outcome, shown.difference) == (outcome, difference)
    assert shown.measured == ("4.6 times as many" if prediction is RATIO else prediction.words(value)) and bool(
        shown.predicted
    ) == (predicted is not None)


def test_the_unit_is_the_one_that_was_measured():
    shown = revealed(NUMBER, 3, 3, "of 3 passages")
    assert shown.predicted == "3 of 10 passages" and shown.measured == "3 of 3 passages"
