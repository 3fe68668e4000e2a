"""Tests of the sentences about a comparison: each is true of its numbers, and each figure is computed again here."""

import math
import re
from dataclasses import replace

import numpy as np
import pytest

from retriever.evaluation.significance import Interval
from retriever.experiments.error_attribution import attribute_errors
from retriever.experiments.unjudged_results import UnjudgedResults
from tests.support.judged import by_hand, compared, compared_values, lost, order
from tests.support.page import number
from ui.compare.request import FILE, OWN
from ui.compare.text import (
    blame_sentence,
    comparison_notes,
    cost_sentence,
    format_difference,
    format_p,
    judged_by_notes,
    kinds_sentence,
    lucky_sentence,
    reading_notes,
    verdict_sentence,
)

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
    return replace(found, measures={**found.measures, "success_10": replace(found.hit_rate, **changed)})


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
        ({"a": NARROW, "b": WIDE, "c": HALF}, f"{MOST} b questions (1.000 against 0.250), least on a."),
        ({"a": NARROW, "b": WIDE[::-1]}, f"{MOST} b questions (0.250 against 1.000), least on a."),
        ({"a": NARROW, "b": SURE}, f"{MOST} b questions (1.000 against 0.900, which could be chance), least on a."),
        ({"a": HALF, "b": HALF}, f"{MOST} a questions (1.000 against 0.500)."),
        ({"a": SAME, "b": SAME}, "For every kind of question both find as many answers."),
        ({}, ""),
    ],
)
def test_the_kinds_that_differ_most_and_least_are_named(kinds, said):
    hits = {kind: compared_values(*map(tuple, both)) for kind, both in kinds.items()}
    assert kinds_sentence(by_hand(*CLEAR, kinds=hits)).striptags() == said


LOSSES = {  # ef: both models' errors, of 60 questions
    10: (lost(60, by_model=12, by_index=6), lost(60, by_model=24, by_index=3)),
    20: (lost(60, by_model=12, by_index=2), lost(60, by_model=24, by_index=2)),
    40: (lost(60, by_model=12, lucky=3), lost(60, by_model=24, by_index=1, lucky=1)),
    100: (lost(60, by_model=12), lost(60, by_model=24)),
}


@pytest.mark.parametrize(
    ("ef", "said"),
    [
        (10, "0.100 and 0.050 at ef=10, 0.000 at ef=100."),
        (20, "0.033 at ef=20, 0.000 at ef=100."),  # equal losses once
        (40, "0.000 and 0.017 at ef=40, 0.000 at ef=100."),  # what it gains by luck is told beside that
        (100, "0.000 at ef=100."),
    ],
)
def test_costs_of_both_models_are_told_at_this_ef_and_at_a_comfortable_one(ef, said):
    for hits in (CLEAR, CLEAR[::-1]):
        told = cost_sentence(by_hand(*hits, errors=LOSSES), ef).striptags()
        assert told == f"The model changes the hit rate by 0.200; this index loses {said}"
    many = by_hand(*CLEAR, k=120, errors={120: LOSSES[10]})
    assert cost_sentence(many, 120).striptags().endswith("loses 0.100 and 0.050 at ef=120."), "no ef is below k"


def test_luck_is_explained_where_there_is_any():
    assert lucky_sentence(by_hand(*CLEAR, errors=LOSSES), 10) == ""
    assert "HNSW also gains 0.050 with alpha and 0.017 with beta by luck: " in lucky_sentence(
        by_hand(*CLEAR, errors=LOSSES), 40
    )
    one = {40: (LOSSES[10][0], LOSSES[40][1])}
    assert "gains 0.017 with beta by luck" in lucky_sentence(by_hand(*CLEAR, errors=one), 40)


def test_where_one_questions_answer_was_found_or_lost():
    exact = {"kept": True, "index": True, "model": False, "lucky": False}
    errors = attribute_errors(exact, {"kept": True, "index": False, "model": False, "lucky": True})
    told = {
        query_id: blame_sentence(errors, query_id, rank, 10, 25)
        for query_id, rank in zip(exact, (3, 1, 11, None), strict=True)
    }
    first, missed = "exact search has the first answer", "not among the first 10."
    assert told == {
        "kept": "Found: the first answer stands at rank 3 in exact search, and HNSW at ef=25 finds it too.",
        "index": f"Lost by the index: {first} at rank 1, HNSW at ef=25 misses it.",
        "model": f"Lost by the model: {first} at rank 11, {missed}",
        "lucky": f"Lost by the model: {first} beyond rank 100, {missed} HNSW shows it all the same, by luck.",
    }


RANKS = [1, 2, 3, 5, 11, 50] * 4, [1, 12, 1, 12, 1, 1] * 4


def test_passages_cut_results_judged_and_capitals():
    qrels = {f"q{row}": {f"d{row}": 1, f"d{row + 1}": 0} for row in range(24)}  # the document after it is judged too
    found = compared(*RANKS, qrels=qrels)
    found = replace(found, first=replace(found.first, indexed=replace(found.first.indexed, n_cut=12)))
    assert "judged" not in comparison_notes(found, ())[0], "how little was judged stands in the verdict"
    found = replace(found, unjudged=replace(found.unjudged, judged=(0.5, 0.75)))
    cut, capitals = comparison_notes(found, [0.875, 0.25])
    assert cut == (
        "p: Holm-corrected for the 5 measures. Passages cut at the model's limit: alpha 12 of 130, beta 0 of 130. "
        "No question was cut. 0.500 and 0.750 of the first 10 results were judged; the others count as no answer."
    )
    assert "alpha 0.667 → 0.875, beta 0.667 → 0.250" in capitals
    assert comparison_notes(found, ()) == [cut], "the rest is told only where it holds"


def test_questions_cut_are_counted_for_each_model():
    found = compared([1, 2, 3], [1, 2, 3], n=20)
    for first, second in ((2, 0), (0, 3)):
        cut = [frozenset(f"q{row}" for row in range(count)) for count in (first, second)]
        changed = replace(found, first=replace(found.first, cut=cut[0]), second=replace(found.second, cut=cut[1]))
        said = f"No passage was cut. Questions cut at the model's limit: alpha {first} of 3, beta {second} of 3. "
        assert said in comparison_notes(changed, ())[0]


def test_questions_left_out_of_their_own_results_are_counted():
    found = compared([1, 2, 3], [1, 2, 3], n=20)
    [_, note] = comparison_notes(replace(found, first=replace(found.first, own_documents=frozenset(["q1"]))), ())
    assert "documents of this collection themselves, by id and text: 1 of 3." in note
    assert "left out of its own results, in exact search and HNSW alike" in note


NO_CUT = "p: Holm-corrected for the 5 measures. No passage was cut. No question was cut. "


def test_results_judged_are_counted_to_k():
    def told(qrels, k):
        return comparison_notes(compared([1], [1], qrels=qrels, k=k), ())[0].removeprefix(NO_CUT)

    first_hundred = {"q0": {f"d{row}": 1 for row in order(0, 1)[:100]}}
    assert told(first_hundred, 50).startswith("All of the first 50 results were judged.")
    assert told(first_hundred, 120).startswith("0.833 and 0.833 of the first 120 results were judged")
    assert told(first_hundred, 1).startswith("All of the first results were judged.")


def test_judgments_of_what_is_not_there_are_counted():
    elsewhere = {f"x{row}": 1 for row in range(1_001)}
    qrels = {"q0": {"d0": 1, **elsewhere}, "q1": {"d1": 0}, "gone": {"d1": 1}, "nothing": {}}
    queries = {"q0": "question 0?", "q1": "question 1?"} | {f"train-{row}": "for training?" for row in range(1_500)}
    orders = [1, 2]
    found = compared(orders, orders, n=30, qrels=qrels, queries=queries)
    assert comparison_notes(found, ())[1:] == [
        "Judged queries without a text, which count as not found: 1 of 3.",
        "Judged questions to which no document of this collection is relevant, which count as not found: 1 of 3.",
        "Questions that nobody judged, which are not asked: 1,500 beside the 3 judged.",
        "Judged documents that are not in this collection: 1,001 of 1,003.",
    ]


QRELS = {"q0": {"d0": 1}, "q1": {"d1": 1}}


def test_what_was_passed_over_in_files_is_a_note_a_file():
    assert reading_notes({"qrels": ["One.", "Two."], "a.zip": ["Three."]}) == ["qrels: One. Two.", "a.zip: Three."]


def test_who_judged_is_said_of_what_is_loaded():
    found = compared([1, 2], [1, 2])
    assert judged_by_notes(found, "") == []
    found = replace(found, first=replace(found.first, judged=replace(found.first.judged, qrels={**QRELS, "none": {}})))
    assert judged_by_notes(found, FILE) == ["Judged by an uploaded file: 2 judgments of 2 questions."]
    [note] = judged_by_notes(found, OWN)
    assert "by hand, in Search: 2 judgments" in note and "not judged count as no answer" in note
