"""Tests of the distribution: every prediction is in one bar, and so is what was measured."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ui.classroom.distribution import MOST_BARS, Bar, distribution
from ui.render.predictions import ChoicePrediction, NumberPrediction, OrderPrediction

WHOLE, SHARE, LARGE = (
    NumberPrediction(0, 10, 1, "of 10"),
    NumberPrediction(0.5, 1, 0.05, ""),
    NumberPrediction(0, 90_000, 10, "distances"),
)


@pytest.mark.parametrize("asked", [WHOLE, SHARE, LARGE, NumberPrediction(10, 400, 1, "")])
@given(data=st.data())
def test_every_number_is_counted_once_and_one_bar_is_the_measured_one(asked, data):
    numbers = st.floats(asked.low, asked.high)
    answers = data.draw(st.lists(numbers, max_size=30))
    found = distribution(asked, answers, data.draw(st.floats(asked.low - 5, 2 * asked.high)))
    assert sum(bar.count for bar in found.bars) == found.total == len(answers)
    assert [bar.measured for bar in found.bars].count(True) == 1 and len(found.bars) <= MOST_BARS


def test_numbers_are_single_or_in_ranges_that_can_be_read():
    found = distribution(WHOLE, [3, 5, 5], 4)
    assert list(found.bars) == [Bar("3", 1), Bar("4", 0, measured=True), Bar("5", 2)]
    far = distribution(LARGE, [200, 40_000], 1_200)
    assert [bar.label for bar in far.bars][:4] == ["200 to 499", "500 to 999", "1,000 to 1,999", "2,000 to 4,999"]
    assert [bar.label for bar in far.bars if bar.measured] == ["1,000 to 1,999"]
    assert [bar.label for bar in distribution(LARGE, [0, 90_000], 10).bars][0] == "0 to 9"


def test_ranges_have_no_gaps_and_name_what_is_beyond_the_scale():
    ratio = NumberPrediction(1, 15, 0.5, "times as many")
    labels = [bar.label for bar in distribution(ratio, [1, 3.2, 15], 4.6).bars]
    assert labels == [
        "1 to under 3.5",
        "3.5 to under 6",
        "6 to under 8.5",
        "8.5 to under 11",
        "11 to under 13.5",
        "13.5 and more",
    ]
    assert [bar.label for bar in distribution(WHOLE, [9, 10], 12).bars] == ["9", "10 and more"]
    assert [bar.label for bar in distribution(WHOLE, [0, 1], -2).bars] == ["under 1", "1"]


def test_choices_and_orders_are_counted():
    found = distribution(ChoicePrediction({"a": "one", "b": "two"}), ["a", "a"], "b")
    assert list(found.bars) == [Bar("A. one", 2), Bar("B. two", 0, measured=True)]
    orders = [("a", "b", "c"), ("a", "c", "b"), ("b", "a", "c")]
    found = distribution(OrderPrediction({"a": "A", "b": "B", "c": "C"}), orders, ("a", "b", "c"))
    assert [bar.count for bar in found.bars] == [2, 1, 2, 1] and found.bars[-1].label == "all in this order"
