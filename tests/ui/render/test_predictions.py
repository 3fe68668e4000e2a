"""Tests of predictions: what is taken as an answer, and how it reads."""

import math

import pytest

from retriever.errors import ParameterError
from ui.render.predictions import ChoicePrediction, NumberPrediction, OrderPrediction

NUMBER = NumberPrediction(0.5, 1, 0.05, "recall@10")
CHOICE = ChoicePrediction({"model": "the model", "index": "the index"})
ORDER = OrderPrediction({"a": "A", "b": "B", "c": "C"})


def test_answers_are_read_and_put_in_words():
    assert NUMBER.read(0.7312) == 0.7312 and NUMBER.words(0.7312) == "0.7312 recall@10"
    assert NUMBER.words(0.75) == "0.75 recall@10" and NumberPrediction(0, 9e4, 10, "").words(12000) == "12,000"
    assert CHOICE.read("index") == "index" and CHOICE.words("index") == "the index"
    assert ORDER.read(["c", "a", "b"]) == ("c", "a", "b") and ORDER.words(("c", "a", "b")) == "C, then A, then B"


@pytest.mark.parametrize(
    ("prediction", "value"),
    [
        *((NUMBER, value) for value in (None, "1", True, math.nan, math.inf, [1], 0.4, 1.1, 10**400)),
        *((CHOICE, value) for value in (None, "else", 1, ["model"])),
        *((ORDER, value) for value in (None, "abc", ["a", "b"], ["a", "b", "b"], ["a", "b", "c", "a"], 3)),
    ],
)
def test_other_values_are_refused(prediction, value):
    with pytest.raises(ParameterError, match="The prediction is"):
        prediction.read(value)
