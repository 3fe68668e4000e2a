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
from retriever.evaluation.significance import Interval, bootstrap_interval, compare

EIGHTHS = st.integers(0, 8).map(lambda number: number / 8)  # exact in binary, so that equal sums compare equal
PAIRS = st.lists(st.tuples(EIGHTHS, EIGHTHS), min_size=2, max_size=9)


def evaluation(values, measure="map"):
    return Evaluation(10, 1, {f"q{number}": {measure: float(value)} for number, value in enumerate(values)})


def compared(first, second):
    return compare(evaluation(first), evaluation(second), "map")


def share_of_swaps(differences):
    """Return the share of all swaps whose difference is at least as large as the one observed."""
    observed = abs(sum(differences))
    swapped = [
        abs(sum(sign * value for sign, value in zip(signs, differences, strict=True)))
        for signs in itertools.product((1, -1), repeat=len(differences))
    ]
    return sum(value >= observed for value in swapped) / len(swapped)


def some_values(n, seed=0):
    """Return two runs' values of n queries, the first a little better."""
    rng = np.random.default_rng(seed)
    second = rng.choice([0, 1 / 3, 0.5, 1], size=n)
    return np.clip(second + rng.choice([-0.5, 0, 0, 0.25, 0.5], size=n), 0, 1), second


# --- the randomization test


@given(PAIRS)
@settings(deadline=None, max_examples=60)
def test_p_of_few_queries_is_the_share_of_all_swaps(pairs):
    first, second = zip(*pairs, strict=True)
    differences = [a - b for a, b in pairs]
    assert compared(first, second).p == pytest.approx(share_of_swaps(differences), abs=1e-12)


def test_p_by_hand():
    assert compared([1, 1, 1], [0, 0, 0]).p == 2 / 8  # of eight swaps, the one observed and its opposite
    assert compared([1] * 5, [0] * 5).p == 2 / 32
    assert compared([1] * 6, [0] * 6).p == 2 / 64
    assert compared([1, 0], [0, 1]).p == 1
    assert compared([1, 1, 1, 0.5], [0.5, 0.5, 0.5, 1]).p == (2 + 8) / 16  # all of one sign, and three against one


@pytest.mark.parametrize(("n", "seed"), [(20, 1), (40, 2), (100, 3), (300, 4)])
def test_p_of_many_queries_is_close_to_an_independent_randomization(n, seed):
    first, second = some_values(n, seed)
    rng = np.random.default_rng(1000 + seed)
    swapped = np.abs((rng.choice([-1, 1], size=(50_000, n)) * (first - second)).mean(axis=1))
    share = (swapped >= abs((first - second).mean()) - 1e-12).mean()
    assert compared(first, second).p == pytest.approx(share, abs=4 * math.sqrt(0.25 / 10_000))


def test_a_clear_difference_is_significant_and_none_is_not():
    assert compared([1] * 30, [0] * 30).p < 0.001
    assert compared([1] * 30, [0] * 30).significant
    assert not compared([1, 0] * 15, [0, 1] * 15).significant
    assert not compared([1] * 5, [0] * 5).significant  # 2 / 32: five queries cannot show it
    assert compared([1] * 6, [0] * 6).significant  # 2 / 64


def test_significant_is_below_five_in_a_hundred():
    comparison = compared([1, 0], [0, 1])
    assert replace(comparison, p=0.049).significant
    assert not replace(comparison, p=0.05).significant


# --- the intervals


@pytest.mark.parametrize(("n", "seed"), [(8, 1), (20, 2), (50, 3), (200, 4)])
def test_intervals_are_those_of_an_independent_bootstrap(n, seed):
    first, second = some_values(n, seed)
    comparison = compared(first, second)
    rng = np.random.default_rng(2000 + seed)
    drawn = rng.integers(0, n, size=(40_000, n))
    for found, values in (
        (comparison.first, first),
        (comparison.second, second),
        (comparison.difference, first - second),
    ):
        low, high = np.percentile(values[drawn].mean(axis=1), [2.5, 97.5])
        assert found.mean == pytest.approx(values.mean())
        assert found.low == pytest.approx(low, abs=0.04 * (high - low))
        assert found.high == pytest.approx(high, abs=0.04 * (high - low))
        assert found.low < found.mean < found.high


def test_an_interval_by_hand():
    assert bootstrap_interval(np.array([0.0, 1.0])) == Interval(0.5, 0.0, 1.0)  # a quarter of the draws are 0 twice
    rare = np.array([1.0] + [0.0] * 199)  # more than 2.5 % of the draws hold no 1, fewer than 2.5 % four
    assert bootstrap_interval(rare) == Interval(pytest.approx(1 / 200), 0.0, pytest.approx(3 / 200))


def test_equal_values_have_an_interval_of_no_width():
    assert bootstrap_interval(np.full(30, 0.25)) == Interval(0.25, 0.25, 0.25)


def test_more_queries_make_a_narrower_interval():
    values = some_values(400)[0]
    widths = [
        found.high - found.low
        for found in (bootstrap_interval(values[:25]), bootstrap_interval(values[:100]), bootstrap_interval(values))
    ]
    assert widths == sorted(widths, reverse=True)
    assert widths[0] / widths[2] == pytest.approx(math.sqrt(400 / 25), rel=0.3)


# --- both together


def test_the_same_values_give_the_same_result():
    first, second = some_values(60)
    one, other = compared(first, second), compared(first, second)
    for part in ("first", "second", "difference", "p", "differences", "measure"):
        assert getattr(one, part) == getattr(other, part)


@pytest.mark.parametrize("n", [2, 9, 60])
def test_swapping_the_runs_negates_the_difference(n):
    first, second = some_values(n)
    one, other = compared(first, second), compared(second, first)
    assert other.difference.mean == -one.difference.mean
    assert other.difference.low == pytest.approx(-one.difference.high)
    assert other.difference.high == pytest.approx(-one.difference.low)
    assert other.p == pytest.approx(one.p)
    assert (other.first, other.second) == (one.second, one.first)
    assert (other.wins, other.ties, other.losses) == (one.losses, one.ties, one.wins)
    assert other.differences == {query_id: -value for query_id, value in one.differences.items()}


def test_wins_ties_and_losses_are_counted_in_queries():
    comparison = compared([0.9, 0.5, 0.3, 0, 1, 1], [0.1, 0.5, 0.4, 0.1, 1, 0.999])
    assert (comparison.wins, comparison.ties, comparison.losses) == (2, 2, 2)
    assert list(comparison.differences) == [f"q{number}" for number in range(6)]
    assert list(comparison.differences.values()) == pytest.approx([0.8, 0, -0.1, -0.1, 0, 0.001])


def test_values_that_differ_by_rounding_only_are_a_tie():
    comparison = compared([0.1 + 0.2, 0.3, 0.5, 0.5], [0.3, 0.1 + 0.2, 0.5 + 1e-8, 0.5 - 1e-8])
    assert (comparison.wins, comparison.ties, comparison.losses) == (1, 2, 1)


@given(PAIRS)
@settings(deadline=None, max_examples=15)
def test_the_parts_fit_together(pairs):
    first, second = zip(*pairs, strict=True)
    comparison = compared(first, second)
    assert comparison.wins + comparison.ties + comparison.losses == len(pairs)
    assert comparison.wins == sum(a > b for a, b in pairs)
    assert comparison.losses == sum(a < b for a, b in pairs)
    assert comparison.difference.mean == pytest.approx(comparison.first.mean - comparison.second.mean)
    assert 0 < comparison.p <= 1
    for found in (comparison.first, comparison.second, comparison.difference):
        assert found.low <= found.mean + 1e-12
        assert found.mean <= found.high + 1e-12


def test_one_query_tells_nothing_of_others():
    comparison = compared([1], [0])
    for found, mean in ((comparison.first, 1), (comparison.second, 0), (comparison.difference, 1)):
        assert found.mean == mean
        assert math.isnan(found.low)
        assert math.isnan(found.high)
    assert comparison.p == 1
    assert not comparison.significant
    assert (comparison.wins, comparison.ties, comparison.losses) == (1, 0, 0)


@pytest.mark.parametrize("n", [1, 2, 12, 50])
def test_equal_runs_differ_by_chance_alone(n):
    first = some_values(n)[0]
    comparison = compared(first, first)
    assert comparison.p == 1
    assert comparison.difference.mean == 0
    assert (comparison.wins, comparison.ties, comparison.losses) == (0, n, 0)
    if n > 1:
        assert comparison.difference == Interval(0, 0, 0)


def test_the_measure_asked_for_is_compared():
    qrels = {"p": {"a": 1, "b": 1}, "q": {"a": 1}}
    first = evaluate(qrels, {"p": {"a": 1.0}, "q": {"x": 1.0, "a": 0.5}})
    second = evaluate(qrels, {"p": {"a": 1.0, "b": 0.5}})
    for measure, differences in (("recall_10", [-1 / 2, 1]), ("recip_rank", [0, 1 / 2]), ("success_10", [0, 1])):
        comparison = compare(first, second, measure)
        assert comparison.measure == measure
        assert comparison.differences == pytest.approx(dict(zip(qrels, differences, strict=True)))
        assert comparison.first.mean == pytest.approx(first.mean[measure])
        assert comparison.second.mean == pytest.approx(second.mean[measure])


def test_evaluations_of_different_queries_are_refused():
    full = evaluation([1, 0, 1])
    fewer = evaluation([1, 0])
    other_order = Evaluation(10, 1, dict(reversed(full.per_query.items())))
    for other in (fewer, other_order):
        for pair in ((full, other), (other, full)):
            with pytest.raises(CollectionError, match="different queries.*same qrels"):
                compare(*pair, "map")
