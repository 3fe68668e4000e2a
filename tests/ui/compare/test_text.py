"""Tests of the sentences about a comparison: each is true of its numbers, and each figure is computed again here."""

import math
import re
from dataclasses import replace

import numpy as np
import pytest

from retriever.evaluation.judged_queries import JudgmentCoverage
from retriever.evaluation.significance import Interval
from retriever.experiments.error_attribution import attribute_errors
from tests.support.judged import NAMES, by_hand, compared, compared_values, lost, order
from tests.support.page import assert_harmless, number
from tests.support.small import HOSTILE
from ui.compare.text import (
    blame_sentence,
    comparison_notes,
    cost_sentence,
    format_bounds,
    format_p,
    format_points,
    kinds_sentence,
    lucky_sentence,
    verdict_sentence,
)
from ui.render.html import without_tags

CLEAR = [1] * 48 + [0] * 12, [1] * 33 + [0] * 15 + [1] * 3 + [0] * 9  # 48 and 36 of 60: 15 won, 3 lost
CLOSE = [1] * 40 + [0] * 20, [1] * 37 + [0] * 3 + [1] + [0] * 19  # 40 and 38 of 60: 3 won, 1 lost
EQUAL = [1] * 40 + [0] * 20, [1] * 38 + [0] * 2 + [1] * 2 + [0] * 18
HIGHER, LOWER = [0.9] * 60, [0.5, 0.6] * 30  # nDCG of 90 and of 55 points
DIFFERENCE = re.compile(r"The difference, (\S+) points \[(\S+), (\S+)\], (.+?) \((p [=<] [0-9.]+)\)")


def words(compared):
    return without_tags(verdict_sentence(compared))


def own_p(first, second):
    """Count, of all ways to swap the questions that differ, those with at least as large a difference."""
    won = sum(a > b for a, b in zip(first, second, strict=True))
    lost = sum(a < b for a, b in zip(first, second, strict=True))
    n, observed = won + lost, abs(won - lost)
    return sum(math.comb(n, heads) for heads in range(n + 1) if abs(2 * heads - n) >= observed) / 2**n


def own_bounds(differences):
    """Return the bounds of a 95 % bootstrap interval, in points, computed here."""
    values = np.array(differences)
    drawn = np.random.default_rng(7).integers(0, len(values), (20_000, len(values)))
    return [100 * bound for bound in np.percentile(values[drawn].mean(axis=1), [2.5, 97.5])]


# --- which model finds more


def test_the_first_model_finds_more():
    found = words(by_hand(*CLEAR))
    assert found.startswith(
        "alpha finds an answer among its first 10 results for 48 of 60 questions, beta for 36. The difference, +20.0 "
    )
    points, low, high, said, p = DIFFERENCE.search(found).groups()
    assert (points, said) == ("+20.0", "is larger than chance would give")
    bounds = own_bounds([a - b for a, b in zip(*CLEAR, strict=True)])
    assert [number(low), number(high)] == pytest.approx(bounds, abs=100 / 60)  # a question more or less
    assert number(p.removeprefix("p = ")) == pytest.approx(own_p(*CLEAR), abs=0.004)


def test_the_second_model_finds_more():
    first, second = CLEAR
    found, mirrored = words(by_hand(second, first)), words(by_hand(first, second))
    assert found.startswith("beta finds an answer among its first 10 results for 48 of 60 questions, alpha for 36. ")
    points, low, high, said, _ = DIFFERENCE.search(found).groups()
    assert (points, said) == ("+20.0", "is larger than chance would give")
    assert 0 < number(low) < 20 < number(high)
    assert found.replace("beta", "x").replace("alpha", "beta").replace("x", "alpha") == mirrored


def test_the_bracket_turns_round_with_the_difference():
    found = by_hand(CLEAR[1], CLEAR[0])
    rate = replace(found.hit_rate, difference=Interval(-0.2, -0.3125, 0.0126))
    found = replace(found, measures={**found.measures, "success_10": rate})
    assert "The difference, +20.0 points [−1.3, 31.2], is larger" in words(found)


def test_both_find_as_many():
    found = words(by_hand(*EQUAL))
    assert re.fullmatch("Both models find an answer among \\w+ first 10 results for 40 of 60 questions\\.", found)


def test_a_difference_that_could_be_chance():
    points, low, high, said, p = DIFFERENCE.search(words(by_hand(*CLOSE))).groups()
    assert (points, said) == ("+3.3", "could be chance")
    assert number(low) <= 0 < number(high)
    assert number(p.removeprefix("p = ")) == pytest.approx(own_p(*CLOSE), abs=0.02) != 0


@pytest.mark.parametrize(("p", "said"), [(0.049, "is larger than chance would give"), (0.05, "could be chance")])
def test_chance_begins_at_five_in_a_hundred(p, said):
    found = by_hand(*CLEAR)
    found = replace(found, measures={**found.measures, "success_10": replace(found.hit_rate, p=p)})
    assert DIFFERENCE.search(words(found)).groups()[3:] == (said, f"p = {p:.3f}")


def test_questions_are_counted_exactly():
    for n, more in ((3, 1), (7, 2), (49, 1), (61, 2)):
        found = words(by_hand([1] * (n - more) + [0] * more, [1] * (n - more - 1) + [0] * (more + 1)))
        assert f"for {n - more} of {n} questions, beta for {n - more - 1}." in found


def test_at_k_1_it_is_the_first_result():
    found = words(by_hand(*CLEAR, k=1))
    assert "alpha finds an answer as its first result for 48 of 60" in found
    assert "Both models find an answer as " in words(by_hand(*EQUAL, k=1))


def test_hostile_model_names_stay_text():
    for hits, ndcg in ((CLEAR, CLEAR), (EQUAL, (HIGHER, LOWER)), (EQUAL, (LOWER, HIGHER))):
        source = verdict_sentence(by_hand(*hits, ndcg=ndcg, names=(HOSTILE, HOSTILE + "2")))
        assert_harmless(source)
        assert HOSTILE in without_tags(source)


# --- nDCG, where the hit rate does not decide


@pytest.mark.parametrize("hits", [CLOSE, EQUAL], ids=["could be chance", "equal"])
@pytest.mark.parametrize(("ndcg", "better"), [((HIGHER, LOWER), "alpha"), ((LOWER, HIGHER), "beta")])
def test_ndcg_tells_what_the_hit_rate_cannot(hits, ndcg, better):
    found = words(by_hand(*hits, ndcg=ndcg))
    told = re.search(
        r" By nDCG@10, which looks at how high the answers stand, (\w+) is better: (\S+) points \[(\S+), (\S+)\] "
        r"\((p < 0\.001)\)\.$",
        found,
    )
    assert told.groups()[:2] == (better, "+35.0")
    assert [number(bound) for bound in told.groups()[2:4]] == pytest.approx(
        own_bounds(np.subtract(HIGHER, LOWER)), abs=0.2
    )


def test_ndcg_is_named_by_k():
    assert "By nDCG@3, " in words(by_hand(*EQUAL, k=3, ndcg=(HIGHER, LOWER)))


@pytest.mark.parametrize("hits", [CLEAR, CLEAR[::-1]])
def test_ndcg_is_not_told_where_the_hit_rate_is_enough(hits):
    assert "nDCG" not in words(by_hand(*hits, ndcg=(LOWER, HIGHER)))


@pytest.mark.parametrize("hits", [CLOSE, EQUAL])
def test_ndcg_is_not_told_where_it_could_be_chance(hits):
    assert "nDCG" not in words(by_hand(*hits, ndcg=(LOWER, LOWER[::-1])))


# --- few questions


@pytest.mark.parametrize(("n", "warned"), [(2, True), (49, True), (50, False)])
def test_few_questions_are_told(n, warned):
    for hits in (([1] * n, [0] * n), ([1] * n, [1] * n)):
        found = words(by_hand(*hits))
        assert (f"There are only {n} questions" in found) == warned
        assert ("only" in found) == warned


def test_one_question_says_nothing_of_others():
    found = words(by_hand([1], [0]))
    assert "for 1 of 1 questions, beta for 0." in found
    assert "could be chance (p = 1.000)" in found
    assert found.endswith("One question says nothing of others.")
    assert "only" not in found
    assert "[" not in found
    assert "nan" not in found


def test_one_question_is_told_without_a_gap_where_the_interval_would_stand():
    assert " ," not in words(by_hand([1], [0]))


# --- numbers


@pytest.mark.parametrize(
    ("value", "signed", "bare"),
    [
        (0.2, "+20.0", "20.0"),
        (-0.2, "−20.0", "−20.0"),
        (0, "+0.0", "0.0"),
        (-0.0, "+0.0", "0.0"),
        (-0.0004, "+0.0", "0.0"),  # never "−0.0"
        (0.12345, "+12.3", "12.3"),
        (-0.00051, "−0.1", "−0.1"),
        (1, "+100.0", "100.0"),
    ],
)
def test_points_have_one_decimal_and_a_minus_sign(value, signed, bare):
    assert format_points(value) == signed
    assert format_points(value, sign=False) == bare


def test_the_bracket_has_minus_signs_and_is_left_out_for_one_question():
    assert format_bounds(Interval(0.1, -0.05, 0.25)) == "[−5.0, 25.0]"
    assert format_bounds(Interval(-0.1, -0.2, -0.0001)) == "[−20.0, 0.0]"
    assert format_bounds(Interval(0.1, math.nan, math.nan)) == ""


@pytest.mark.parametrize(
    ("p", "said"), [(1.0, "p = 1.000"), (0.0304, "p = 0.030"), (0.001, "p = 0.001"), (0.00099, "p < 0.001")]
)
def test_p_has_three_decimals_or_is_below_them(p, said):
    assert format_p(p) == said


# --- kinds of questions

WIDE, NARROW = ([1] * 20, [1] * 5 + [0] * 15), ([1] * 10 + [0] * 10, [1] * 9 + [0] * 11)  # 100 and 25, 50 and 45 %


def kinds_words(**kinds):
    hits = {kind: compared_values(*map(tuple, both)) for kind, both in kinds.items()}
    return kinds_sentence(by_hand(*CLEAR, kinds=hits))


def test_the_kinds_that_differ_most_and_least_are_named():
    said = without_tags(kinds_words(term=NARROW, fact=WIDE, code=([1] * 20, [1] * 15 + [0] * 5)))
    assert said == "They differ most on fact questions (100% against 25%), least on term."


def test_a_kind_that_the_second_model_answers_better_counts_as_much():
    said = without_tags(kinds_words(term=NARROW, fact=WIDE[::-1]))
    assert said == "They differ most on fact questions (25% against 100%), least on term."


def test_a_difference_by_kind_that_could_be_chance_is_called_so():
    said = without_tags(kinds_words(term=NARROW, fact=([1] * 20, [1] * 18 + [0] * 2)))
    assert said == "They differ most on fact questions (100% against 90%, which could be chance), least on term."


def test_kinds_that_differ_alike_are_not_told_apart():
    half = [1] * 20, [1] * 10 + [0] * 10
    assert "least" not in without_tags(kinds_words(term=half, fact=half))


def test_without_kinds_or_differences_little_is_said():
    assert kinds_sentence(by_hand(*CLEAR)) == ""
    same = [1, 0, 1], [1, 1, 0]
    assert kinds_words(term=same, fact=same) == "For every kind of question both find as many answers."


def test_hostile_kinds_stay_text():
    assert_harmless(kinds_words(**{HOSTILE: WIDE, "term": NARROW}))
    assert_harmless(kinds_words(**{HOSTILE: NARROW, "term": WIDE}))


# --- what the model and the index cost

LOSSES = {  # ef: both models' errors, of 60 questions
    10: (lost(60, by_model=12, by_index=6), lost(60, by_model=24, by_index=3)),
    20: (lost(60, by_model=12, by_index=2), lost(60, by_model=24, by_index=2)),
    40: (lost(60, by_model=12, lucky=3), lost(60, by_model=24, by_index=1, lucky=1)),
    100: (lost(60, by_model=12), lost(60, by_model=24)),
}


def costs(ef, hits=CLEAR):
    return without_tags(cost_sentence(by_hand(*hits, errors=LOSSES), ef))


def test_costs_of_both_models_are_told_at_this_ef_and_at_a_comfortable_one():
    assert costs(10) == (
        "Changing the model moves the hit rate by 20.0 points; this index at ef=10 costs 10.0 and 5.0, at ef=100 0.0."
    )


def test_equal_costs_are_told_once():
    assert costs(20).endswith("this index at ef=20 costs 3.3, at ef=100 0.0.")


def test_at_the_comfortable_ef_it_is_told_once():
    assert costs(100).endswith("this index at ef=100 costs 0.0.")


def test_an_index_that_gains_by_luck_costs_less_than_nothing():
    assert costs(40).endswith("this index at ef=40 costs −5.0 and 0.0, at ef=100 0.0.")


def test_a_second_model_that_is_better_moves_the_hit_rate_as_much():
    assert costs(10, CLEAR[::-1]) == costs(10)


def test_costs_are_those_that_hnsw_makes():
    found = compared([1, 2, 3, 5, 9, 11] * 4, [1, 12, 1, 12, 1, 1] * 4, M=3, ef_construction=5)
    told = re.search(r"by (\S+) points; this index at ef=10 costs (.+), at ef=100 (.+)\.", costs_of(found, 10)).groups()
    assert number(told[0]) == pytest.approx(100 * abs(20 - 16) / 24, abs=0.05)
    for said, ef in ((told[1], 10), (told[2], 100)):
        own = [100 * own_cost(index, ef) for index in (found.first, found.second)]
        both = [number(cost) for cost in said.split(" and ")]
        assert both * (3 - len(both)) == pytest.approx(own, abs=0.05)
    assert own_cost(found.first, 10) > 0, "else this tests nothing"


def costs_of(found, ef):
    return without_tags(cost_sentence(found, ef))


def own_cost(index, ef):
    """Return the hit rate at 10 of exact search less that of hnswlib's ids."""
    rows = index.indexed.retriever.hnsw.search(index.vectors, max(ef, 10), ef=ef).ids[:, :10].tolist()
    exact = (index.vectors @ index.indexed.retriever.vectors.T).argsort(axis=1)[:, ::-1][:, :10].tolist()
    hits = [sum(number in found for number, found in enumerate(side)) for side in (exact, rows)]
    return (hits[0] - hits[1]) / len(rows)


def test_luck_is_explained_where_there_is_any():
    assert lucky_sentence(by_hand(*CLEAR, errors=LOSSES), 10) == ""
    both = without_tags(lucky_sentence(by_hand(*CLEAR, errors=LOSSES), 40))
    assert "(3 with alpha, 1 with beta)" in both
    one = {40: (LOSSES[10][0], LOSSES[40][1])}
    assert "(1 with beta)" in without_tags(lucky_sentence(by_hand(*CLEAR, errors=one), 40))
    assert_harmless(lucky_sentence(by_hand(*CLEAR, names=(HOSTILE, HOSTILE), errors=LOSSES), 40))


# --- where one question's answer was lost

EXACT = {"kept": True, "index": True, "model": False, "lucky": False}
BLAMED = attribute_errors(EXACT, {"kept": True, "index": False, "model": False, "lucky": True})


def blame(query_id, rank, k=10, ef=25):
    return blame_sentence(None, BLAMED, query_id, rank, k, ef)


def test_an_answer_that_both_find():
    assert (
        blame("kept", 3) == "Found: the first answer stands at rank 3 in exact search, and HNSW at ef=25 finds it too."
    )


def test_an_answer_that_the_index_loses():
    assert blame("index", 1) == (
        "Lost by the index: exact search has the first answer at rank 1, HNSW at ef=25 misses it."
    )


def test_an_answer_that_the_model_loses():
    assert blame("model", 11) == (
        "Lost by the model: exact search has the first answer at rank 11, not among the first 10."
    )


def test_an_answer_that_hnsw_finds_by_luck():
    assert blame("lucky", 11).endswith("at rank 11, not among the first 10. HNSW shows it all the same, by luck.")


def test_an_answer_beyond_rank_100():
    assert "has the first answer beyond rank 100, not among the first 10." in blame("model", None)


# --- what qualifies the numbers

MATCHED = JudgmentCoverage(24, 24, 24, 24)
RANKS = [1, 2, 3, 5, 11, 50] * 4, [1, 12, 1, 12, 1, 1] * 4


@pytest.fixture(scope="module")
def pair():
    """Two models over 24 questions; beside each answer, the document after it was judged not to answer."""
    qrels = {f"q{row}": {f"d{row}": 1, f"d{row + 1}": 0} for row in range(24)}
    return compared(*RANKS, qrels=qrels, names=NAMES)


def cut(index, n_cut):
    return replace(index, indexed=replace(index.indexed, n_cut=n_cut))


def test_passages_cut_and_results_judged_are_always_told(pair):
    found = replace(pair, first=cut(pair.first, 12), second=cut(pair.second, 0))
    cut_words, judged_words = comparison_notes(found, MATCHED, ())
    assert cut_words == "Passages cut at the model's limit: alpha 12 of 130, beta 0 of 130."
    shares = [
        sum(row in order(row, rank)[:10] for row, rank in enumerate(ranks)) + len(ranks)  # the judged one comes first
        for ranks in RANKS
    ]
    assert judged_words == (
        f"Of the first 10 results {shares[0] / 240:.0%} and {shares[1] / 240:.0%} were judged; the others count as no "
        "answer."
    )
    assert shares == [40, 40]


def judged_words(qrels, k):
    found = compared([1] * len(qrels), [1] * len(qrels), qrels=qrels)
    return comparison_notes(replace(found, k=k), MATCHED, ())[1]


def test_results_judged_are_counted_to_k_however_large_it_is():
    first_hundred = {"q0": {f"d{row}": 1 for row in order(0, 1)[:100]}}
    assert judged_words(first_hundred, 50).startswith("Of the first 50 results 100% and 100% were judged")
    assert judged_words(first_hundred, 120).startswith("Of the first 120 results 83% and 83% were judged")


def test_results_are_not_called_all_judged_where_one_is_not():
    qrels = {f"q{number}": {f"d{row}": 1 for row in order(number, 1)[:10]} for number in range(25)}
    del qrels["q7"]["d9"]
    assert "100%" not in judged_words(qrels, 10), "249 of 250 were judged"


def test_what_does_not_fit_is_counted(pair):
    said = comparison_notes(pair, JudgmentCoverage(21, 24, 1500, 2501), ())[2:]
    assert said == [
        "3 of 24 judged queries have no text: they count as not found.",
        "1,001 of 2,501 judged documents are not in this collection.",
    ]


def test_capitals_are_told_with_both_hit_rates(pair):
    rates = [sum(rank <= 10 for rank in ranks) / 24 for ranks in RANKS]
    [said] = comparison_notes(pair, MATCHED, [0.875, 0.25])[2:]
    assert f"alpha {rates[0]:.1%} → 87.5%, beta {rates[1]:.1%} → 25.0%" in said
    assert rates == [16 / 24, 16 / 24]


def test_notes_keep_hostile_names_as_text():
    found = compared([1, 2], [2, 1], n=20, names=(HOSTILE, HOSTILE))
    for note in comparison_notes(found, MATCHED, [0.5, 0.5]):
        assert_harmless(note)
