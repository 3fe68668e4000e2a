"""Comparison of two runs: p against all swaps enumerated, intervals against an independent bootstrap."""

import itertools
import math
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from retriever.errors import CollectionError
from retriever.evaluation.measures import Evaluation, evaluate
from retriever.evaluation.significance import (
    Interval,
    bootstrap_interval,
    compare,
    comparison_table,
    correct_together,
    holm,
)

EIGHTHS = st.integers(0, 8).map(lambda number: number / 8)  # exact in binary, so that equal sums compare equal
PAIRS = st.lists(st.tuples(EIGHTHS, EIGHTHS), min_size=2, max_size=9)


def evaluation(values, measure="map"):
    return Evaluation(10, 1, {f"q{number}": {measure: float(value)} for number, value in enumerate(values)})


def compared(first, second):
    return compare(evaluation(first), evaluation(second), "map")


def share_of_swaps(differences):
    """Return the share of all swaps whose difference is at least as large as the one observed."""
    swapped = [abs(np.dot(signs, differences)) for signs in itertools.product((1, -1), repeat=len(differences))]
    return np.mean(np.array(swapped) >= abs(sum(differences)))


def some_values(n, seed=0):
    """Return two runs' values of n queries, the first a little better."""
    rng = np.random.default_rng(seed)
    second = rng.choice([0, 1 / 3, 0.5, 1], size=n)
    return np.clip(second + rng.choice([-0.5, 0, 0, 0.25, 0.5], size=n), 0, 1), second


# --- the randomization test


@given(PAIRS)
@settings(max_examples=40)
def test_of_few_queries_p_is_the_share_of_all_swaps_and_the_parts_fit_together(pairs):
    first, second = zip(*pairs, strict=True)
    comparison, differences = compared(first, second), [a - b for a, b in pairs]
    assert comparison.p == pytest.approx(share_of_swaps(differences), abs=1e-12)
    signs = [sum(value > 0 for value in differences), differences.count(0), sum(value < 0 for value in differences)]
    assert [comparison.wins, comparison.ties, comparison.losses] == signs
    assert list(comparison.differences.items()) == [(f"q{row}", value) for row, value in enumerate(differences)]
    assert comparison.difference.mean == pytest.approx(comparison.first.mean - comparison.second.mean)


def test_p_by_hand_and_significant_below_five_in_a_hundred():
    for n in (3, 5, 6):
        comparison = compared([1] * n, [0] * n)
        assert comparison.p == 2 / 2**n  # of all swaps, the one observed and its opposite
        assert comparison.significant == (n == 6)  # five queries cannot show it
    assert compared([1, 0], [0, 1]).p == 1
    assert compared([1, 1, 1, 0.5], [0.5, 0.5, 0.5, 1]).p == (2 + 8) / 16  # all of one sign, and three against one
    assert replace(comparison, corrected_p=0.049).significant
    assert not replace(comparison, p=0.04, corrected_p=0.05).significant


@pytest.mark.parametrize(("n", "seed"), [(20, 1), (100, 3)])
def test_p_of_many_queries_is_close_to_an_independent_randomization(n, seed):
    first, second = some_values(n, seed)
    rng = np.random.default_rng(1000 + seed)
    swapped = np.abs((rng.choice([-1, 1], size=(50_000, n)) * (first - second)).mean(axis=1))
    share = (swapped >= abs((first - second).mean()) - 1e-12).mean()
    assert compared(first, second).p == pytest.approx(share, abs=4 * math.sqrt(0.25 / 10_000))
    assert compared(np.ones(n), np.zeros(n)).p < 0.001


# --- several p beside one another


def test_p_values_are_corrected_by_holms_method():
    # by hand: 0.005 * 4, then 0.01 * 3, then 0.03 * 2, and 0.04 * 1, which must not fall below that
    assert holm([0.01, 0.04, 0.03, 0.005]) == pytest.approx([0.03, 0.06, 0.06, 0.02])
    assert holm([0.5, 0.9]) == [1, 1]
    assert (holm([0.03]), holm([])) == ([0.03], [])


def test_comparisons_that_are_tested_together_keep_their_own_p_beside_the_corrected_one():
    alone = {"a": compared([1] * 6, [0] * 6), "b": compared([1, 0], [0, 1]), "c": compared([1] * 5, [0] * 5)}
    together = correct_together(alone)
    assert {name: found.p for name, found in together.items()} == {name: found.p for name, found in alone.items()}
    corrected = {name: found.corrected_p for name, found in together.items()}
    assert corrected == pytest.approx({"a": 3 * 2 / 64, "b": 1, "c": 2 * 2 / 32})
    assert alone["a"].significant and alone["a"].corrected_p == alone["a"].p and not together["a"].significant


# --- the intervals


@pytest.mark.parametrize(("n", "seed"), [(8, 1), (20, 2), (200, 4)])
def test_intervals_are_those_of_an_independent_bootstrap(n, seed):
    first, second = some_values(n, seed)
    comparison = compared(first, second)
    drawn = np.random.default_rng(2000 + seed).integers(0, n, size=(40_000, n))
    for found, values in (
        (comparison.first, first),
        (comparison.second, second),
        (comparison.difference, first - second),
    ):
        low, high = np.percentile(values[drawn].mean(axis=1), [2.5, 97.5])
        assert found.mean == pytest.approx(values.mean())
        assert found.low == pytest.approx(low, abs=0.04 * (high - low))
        assert found.high == pytest.approx(high, abs=0.04 * (high - low))


def test_intervals_by_hand():
    assert bootstrap_interval(np.array([0.0, 1.0])) == Interval(0.5, 0.0, 1.0)  # a quarter of the draws are 0 twice
    rare = np.array([1.0] + [0.0] * 199)  # more than 2.5 % of the draws hold no 1, fewer than 2.5 % four
    assert bootstrap_interval(rare) == Interval(pytest.approx(1 / 200), 0.0, pytest.approx(3 / 200))
    assert bootstrap_interval(np.full(30, 0.25)) == Interval(0.25, 0.25, 0.25)


# --- both together


@pytest.mark.parametrize("n", [2, 60])
def test_the_same_values_give_the_same_result_and_swapping_the_runs_negates_the_difference(n):
    first, second = some_values(n)
    one, again, other = compared(first, second), compared(first, second), compared(second, first)
    assert (again.first, again.second, again.difference, again.p) == (one.first, one.second, one.difference, one.p)
    assert other.difference.mean == -one.difference.mean
    assert other.difference.low == pytest.approx(-one.difference.high)
    assert other.difference.high == pytest.approx(-one.difference.low)
    assert other.p == pytest.approx(one.p)
    assert (other.first, other.second) == (one.second, one.first)


def test_values_that_differ_by_rounding_only_are_a_tie():
    comparison = compared([0.1 + 0.2, 0.3, 0.5, 0.5], [0.3, 0.1 + 0.2, 0.5 + 1e-8, 0.5 - 1e-8])
    assert (comparison.wins, comparison.ties, comparison.losses) == (1, 2, 1)


def test_one_query_tells_nothing_of_others():
    comparison = compared([1], [0])
    for found, mean in ((comparison.first, 1), (comparison.second, 0), (comparison.difference, 1)):
        assert found.mean == mean
        assert math.isnan(found.low)
        assert math.isnan(found.high)
    assert comparison.p == 1
    assert (comparison.wins, comparison.ties, comparison.losses) == (1, 0, 0)


@pytest.mark.parametrize("n", [1, 2, 50])
def test_equal_runs_differ_by_chance_alone(n):
    first = some_values(n)[0]
    comparison = compared(first, first)
    assert comparison.p == 1
    assert (comparison.wins, comparison.ties, comparison.losses) == (0, n, 0)
    assert comparison.difference == Interval(0, 0, 0) if n > 1 else comparison.difference.mean == 0


def test_the_measure_asked_for_is_compared():
    qrels = {"p": {"a": 1, "b": 1}, "q": {"a": 1}}
    first = evaluate(qrels, {"p": {"a": 1.0}, "q": {"x": 1.0, "a": 0.5}})
    second = evaluate(qrels, {"p": {"a": 1.0, "b": 0.5}})
    for measure, differences in (("recall_10", [-1 / 2, 1]), ("recip_rank", [0, 1 / 2]), ("success_10", [0, 1])):
        comparison = compare(first, second, measure)
        assert comparison.measure == measure
        assert comparison.differences == pytest.approx(dict(zip(qrels, differences, strict=True)))


def test_a_comparison_becomes_a_table_with_a_row_a_query_and_several_one_with_a_row_each():
    first, second = some_values(30)
    found = compared(first, second)
    frame = found.to_frame()
    assert list(frame) == ["query_id", "measure", "difference"]
    assert frame["query_id"].tolist() == [f"q{number}" for number in range(30)] and set(frame["measure"]) == {"map"}
    np.testing.assert_allclose(frame["difference"], first - second)

    pair = correct_together({"one": found, "other": compared(second, first)})
    frame = comparison_table(pair.values())
    assert frame["corrected_p"].tolist() == [one.corrected_p for one in pair.values()]
    np.testing.assert_allclose(frame["first"], [first.mean(), second.mean()])
    np.testing.assert_allclose(frame["second"], [second.mean(), first.mean()])
    for name in ("difference", "low", "high"):
        assert frame[name].tolist() == [
            getattr(one.difference, name.replace("difference", "mean")) for one in pair.values()
        ]
    for name in ("measure", "p", "wins", "ties", "losses"):
        assert frame[name].tolist() == [getattr(one, name) for one in pair.values()]


def test_evaluations_that_cannot_be_compared_are_refused():
    full = evaluation([1, 0, 1])
    for other in (evaluation([1, 0]), Evaluation(10, 1, dict(reversed(full.per_query.items())))):
        for pair in ((full, other), (other, full)):
            with pytest.raises(CollectionError, match="different queries.*same qrels"):
                compare(*pair, "map")
    for other in (replace(full, k=3), replace(full, relevance_level=2)):
        with pytest.raises(CollectionError, match="another k or relevance level"):
            compare(full, other, "map")
