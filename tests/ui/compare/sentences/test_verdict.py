"""Tests of the verdict in words: each sentence is true of its numbers, and each figure is computed again here."""

import math
import re
from dataclasses import replace

import numpy as np
import pytest

from retriever.evaluation.significance import Interval
from retriever.experiments.unjudged_results import UnjudgedResults
from tests.support.judged import by_hand, compared_values, with_pair
from tests.support.page import number
from ui.compare.sentences.verdict import kinds_sentence, verdict_sentence
from ui.compare.sentences.wording import format_difference, format_p

CLEAR = [1] * 48 + [0] * 12, [1] * 33 + [0] * 15 + [1] * 3 + [0] * 9  # 48 and 36 of 60: 15 won, 3 lost
CLOSE = [1] * 40 + [0] * 20, [1] * 37 + [0] * 3 + [1] + [0] * 19  # 40 and 38 of 60: 3 won, 1 lost
EQUAL = [1] * 40 + [0] * 20, [1] * 38 + [0] * 2 + [1] * 2 + [0] * 18
HIGHER, LOWER = [0.9] * 60, [0.5, 0.6] * 30  # nDCG of 0.9 and of 0.55
DIFFERENCE = re.compile(r"The difference, (\S+) \((\S+) to (\S+)\), (.+?) \((p [=<] [0-9.]+)\)")


def words(compared):
    return verdict_sentence(compared).striptags()


def own_p(first, second):
    """Count, of all ways to swap the questions that differ, those with at least as large a difference."""
    won = sum(a > b for a, b in zip(first, second, strict=True))
    lost = sum(a < b for a, b in zip(first, second, strict=True))
    n, observed = won + lost, abs(won - lost)
    return sum(math.comb(n, heads) for heads in range(n + 1) if abs(2 * heads - n) >= observed) / 2**n


def own_bounds(differences):
    """Return the bounds of a 95 % bootstrap interval, computed here."""
    values = np.array(differences)
    drawn = np.random.default_rng(7).integers(0, len(values), (20_000, len(values)))
    return np.percentile(values[drawn].mean(axis=1), [2.5, 97.5]).tolist()


def with_rate(found, **changed):
    """Return a comparison with another hit rate."""
    return with_pair(found, measures={**found.pair.measures, "success_10": replace(found.pair.hit_rate, **changed)})


def test_one_model_finds_more():
    found = words(by_hand(*CLEAR))
    assert found.startswith(
        "alpha finds an answer among its first 10 results for 48 of 60 questions, beta for 36. The difference, +0.200 "
    )
    difference, low, high, said, p = DIFFERENCE.search(found).groups()
    assert (difference, said) == ("+0.200", "is larger than chance would give")
    bounds = own_bounds([a - b for a, b in zip(*CLEAR, strict=True)])
    assert [number(low), number(high)] == pytest.approx(bounds, abs=1 / 60)  # a question more or less
    assert number(p.removeprefix("p = ")) == pytest.approx(own_p(*CLEAR), abs=0.004)
    mirrored = words(by_hand(*CLEAR[::-1]))
    assert mirrored == found.replace("beta", "x").replace("alpha", "beta").replace("x", "alpha")
    other = with_rate(by_hand(*CLEAR[::-1]), difference=Interval(-0.2, -0.3125, 0.0126))
    assert "The difference, +0.200 (−0.013 to +0.312), is larger" in words(other), "the bounds change places"


def test_a_difference_that_could_be_chance():
    difference, low, high, said, p = DIFFERENCE.search(words(by_hand(*CLOSE))).groups()
    assert (difference, said) == ("+0.033", "could be chance")
    assert number(low) <= 0 < number(high)
    assert number(p.removeprefix("p = ")) == pytest.approx(own_p(*CLOSE), abs=0.02) != 0
    for p, said in ((0.049, "is larger than chance would give"), (0.05, "could be chance")):
        assert DIFFERENCE.search(words(with_rate(by_hand(*CLEAR), corrected_p=p))).groups()[3:] == (
            said,
            f"p = {p:.3f}",
        )


def test_questions_are_counted_exactly_in_the_first_results():
    assert words(by_hand(*EQUAL)) == "Both models find an answer among their first 10 results for 40 of 60 questions."
    for n, more in ((3, 1), (7, 2), (49, 1), (61, 2)):
        found = words(by_hand([1] * (n - more) + [0] * more, [1] * (n - more - 1) + [0] * (more + 1)))
        assert f"for {n - more} of {n} questions, beta for {n - more - 1}." in found
    assert "alpha finds an answer as its first result for 48 of 60" in words(by_hand(*CLEAR, k=1))
    assert "Both models find an answer as their first result for" in words(by_hand(*EQUAL, k=1))


@pytest.mark.parametrize("hits", [CLOSE, EQUAL], ids=["could be chance", "equal"])
@pytest.mark.parametrize(("ndcg", "better"), [((HIGHER, LOWER), "alpha"), ((LOWER, HIGHER), "beta")])
def test_ndcg_tells_what_the_hit_rate_cannot(hits, ndcg, better):
    told = re.search(
        r" By nDCG@10, which looks at how high the answers stand, (\w+) is better: (\S+) \((\S+) to (\S+)\) "
        r"\((p < 0\.001)\)\.$",
        words(by_hand(*hits, ndcg=ndcg)),
    )
    assert told.groups()[:2] == (better, "+0.350")
    bounds = own_bounds(np.subtract(HIGHER, LOWER))
    assert [number(bound) for bound in told.groups()[2:4]] == pytest.approx(bounds, abs=0.002)
    assert "By nDCG@3, " in words(by_hand(*hits, k=3, ndcg=ndcg))


@pytest.mark.parametrize(
    ("hits", "ndcg"),
    [(CLEAR, (LOWER, HIGHER)), (CLEAR[::-1], (LOWER, HIGHER)), (CLOSE, (LOWER, LOWER[::-1])), (EQUAL, (LOWER, LOWER))],
    ids=["the hit rate is enough", "of the second too", "it could be chance", "no difference"],
)
def test_else_ndcg_is_not_told(hits, ndcg):
    assert "nDCG" not in words(by_hand(*hits, ndcg=ndcg))


@pytest.mark.parametrize(("n", "warned"), [(2, True), (49, True), (50, False)])
def test_few_questions_are_told(n, warned):
    for hits in (([1] * n, [0] * n), ([1] * n, [1] * n)):
        assert (f"There are only {n} questions" in words(by_hand(*hits))) == warned == ("only" in words(by_hand(*hits)))


def test_one_question_says_nothing_of_others():
    assert words(by_hand([1], [0])) == (
        "alpha finds an answer among its first 10 results for 1 of 1 question, beta for 0. "
        "The difference, +1.000, could be chance (p = 1.000). One question says nothing of others."
    )


def test_a_difference_has_the_bounds_that_are_known():
    assert format_difference(Interval(-0.1, -0.2, -0.0001)) == "−0.100 (−0.200 to +0.000)"
    assert format_difference(Interval(0.1, math.nan, math.nan)) == "+0.100"


LITTLE = UnjudgedResults((0.152, 0.4), (0.95, 0.9), (-0.1, 0.35))


def test_where_little_was_judged_the_verdict_says_what_that_leaves_open():
    complete, told = words(by_hand(*CLEAR)), words(by_hand(*CLEAR, unjudged=LITTLE))
    difference, low, high, _, p = DIFFERENCE.search(complete).groups()
    assert told.endswith(
        f"The difference, {difference} ({low} to {high}), {p}, is of judged answers alone: only 0.152 and 0.400 of the "
        "first 10 results were judged; depending on the others, it could be anything from −0.100 to +0.350."
    )
    mirrored = UnjudgedResults((0.4, 0.152), (0.9, 0.95), (-0.35, 0.1))
    other = words(by_hand(*CLEAR[::-1], unjudged=mirrored))
    assert other == told.replace("beta", "x").replace("alpha", "beta").replace("x", "alpha")
    equal = words(by_hand(*EQUAL, k=1, unjudged=LITTLE))
    assert "for 40 of 60 questions. But only 0.152 and 0.400 of the first results were judged; " in equal
    assert "depending on the others, the difference could be anything from −0.100 to +0.350." in equal
    assert "nDCG" not in words(by_hand(*CLOSE, ndcg=(HIGHER, LOWER), unjudged=LITTLE)), "that is not complete either"
    enough = replace(LITTLE, judged=(0.5, 0.9))
    for unjudged in (enough, replace(LITTLE, difference=(0.2, 0.2))):  # or the others could change nothing
        assert words(by_hand(*CLEAR, unjudged=unjudged)) == words(by_hand(*CLEAR))


def test_p_has_three_decimals_or_is_below_them():
    said = {0.0304: "p = 0.030", 0.04996: "p = 0.0500", 0.05: "p = 0.050", 0.001: "p = 0.001", 0.00099: "p < 0.001"}
    assert {p: format_p(p) for p in said} == said


WIDE, NARROW = ([1] * 20, [1] * 5 + [0] * 15), ([1] * 10 + [0] * 10, [1] * 9 + [0] * 11)  # 1 and 0.25, 0.5 and 0.45
HALF, SURE, SAME = ([1] * 20, [1] * 10 + [0] * 10), ([1] * 20, [1] * 18 + [0] * 2), ([1, 0, 1], [1, 1, 0])
MOST = "They differ most on"


@pytest.mark.parametrize(
    ("kinds", "said"),
    [
        ({"a": NARROW, "b": WIDE, "c": HALF}, f"{MOST} b questions (alpha 1.000, beta 0.250), least on a."),
        ({"a": NARROW, "b": WIDE[::-1]}, f"{MOST} b questions (alpha 0.250, beta 1.000), least on a."),
        ({"a": NARROW, "b": SURE}, f"{MOST} b questions (alpha 1.000, beta 0.900, which could be chance), least on a."),
        ({"a": HALF, "b": HALF}, f"{MOST} a questions (alpha 1.000, beta 0.500)."),
        ({"a": SAME, "b": SAME}, "For every kind of question both find as many answers."),
        ({}, ""),
    ],
)
def test_the_kinds_that_differ_most_and_least_are_named(kinds, said):
    hits = {kind: compared_values(*map(tuple, both)) for kind, both in kinds.items()}
    assert kinds_sentence(by_hand(*CLEAR, kinds=hits)).striptags() == said


# --- more than two


BEST, MIDDLE, WORST = [1] * 57 + [0] * 3, [1] * 40 + [0] * 20, [1] * 38 + [0] * 22


def test_of_more_than_two_the_best_is_told_first_and_which_differences_could_be_chance():
    found = words(by_hand(MIDDLE, BEST, WORST))
    assert found.startswith(
        "beta finds an answer among its first 10 results for 57 of 60 questions, alpha for 40 and gamma for 38. "
        "Of the 3 differences between two of them, 2 are larger than chance would give; alpha against gamma (+0.033, "
    )
    assert found.endswith(" could be chance.")
    one = words(by_hand(MIDDLE, BEST, [1] * 48 + [0] * 12, k=1, names=("a", "b", "c")))
    assert one.startswith("b finds an answer as its first result for 57 of 60 questions, c for 48 and a for 40. ")
    assert words(by_hand(BEST, MIDDLE, [0] * 60)).endswith(
        " All 3 differences between two of them are larger than chance would give."
    )
    close = words(by_hand(MIDDLE, MIDDLE, WORST, WORST))
    assert close.endswith("Each of the 6 differences between two of them could be chance.")
    by_ndcg = words(by_hand(MIDDLE, MIDDLE, MIDDLE, ndcg=(HIGHER, LOWER, LOWER)))
    assert "By nDCG@10, which looks at how high the answers stand: Of the 3 differences" in by_ndcg
    assert "few" not in close and "There are only 6 questions" in words(by_hand([1] * 6, [0] * 6, [1] * 6))


def test_of_more_than_two_the_verdict_says_what_unjudged_results_leave_open():
    found = by_hand(MIDDLE, BEST, WORST)
    pairs = {
        numbers: replace(pair, unjudged=UnjudgedResults(shares, (1, 1), difference))
        for (numbers, pair), shares, difference in zip(
            found.pairs.items(),
            ((0.9, 0.4), (0.9, 0.3), (0.4, 0.3)),
            ((-0.3, 0.1), (0, 0), (0, 0)),
            strict=True,
        )
    }
    told = words(replace(found, pairs=pairs))
    assert told.endswith(
        "The differences are of judged answers alone: only 0.900, 0.400 and 0.300 of the first 10 results were judged; "
        "depending on the others, beta against alpha could be anything from −0.100 to +0.300."
    )


def test_of_more_than_two_the_kinds_that_differ_most_and_least_are_named():
    found = by_hand(*[CLEAR[0]] * 3)
    hits = {
        "a": ([1] * 20, [1] * 18 + [0] * 2, [1] * 19 + [0]),
        "b": ([1] * 10 + [0] * 10, [1] * 20, [1] * 5 + [0] * 15),
    }
    pairs = {
        (one, other): replace(
            pair, kinds={kind: compared_values(tuple(of[one]), tuple(of[other])) for kind, of in hits.items()}
        )
        for (one, other), pair in found.pairs.items()
    }
    told = kinds_sentence(replace(found, pairs=pairs)).striptags()
    assert told == "They differ most on b questions (from 0.250 with gamma to 1.000 with beta), least on a."
    same = {
        numbers: replace(pair, kinds=dict.fromkeys("ab", compared_values((1, 0), (1, 0))))
        for numbers, pair in pairs.items()
    }
    assert (
        kinds_sentence(replace(found, pairs=same)).striptags() == "For every kind of question all find as many answers."
    )
    assert kinds_sentence(found) == ""
