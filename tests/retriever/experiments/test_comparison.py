"""Comparison of two to four retrievers: every measure against its formula, kinds of questions, and bad input."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from retriever.errors import CollectionError, ParameterError
from retriever.evaluation.judged_queries import JudgedQueries
from retriever.evaluation.significance import holm
from retriever.experiments.comparison import NO_KIND, compare_retrievers, queries_in_capitals
from retriever.experiments.judged_index import JudgedIndex
from retriever.experiments.judged_search import answer_rank, first_answer_rank
from tests.support.judged import FIRST, KINDS, SECOND, compared, ranked_index, trec
from tests.support.small import collection_of, sentences


@pytest.fixture(scope="module")
def found():
    return compared(FIRST, SECOND, kinds=KINDS)


def test_every_measure_is_trec_evals_question_by_question(found):
    assert (
        found.measures == list(found.pair.measures) == ["success_10", "ndcg_cut_10", "recall_10", "recip_rank", "map"]
    )
    for measure, comparison in found.pair.measures.items():
        first, second = ([trec(rank, 10)[measure] for rank in ranks] for ranks in (FIRST, SECOND))
        assert comparison.measure == measure
        assert comparison.first.mean == pytest.approx(sum(first) / 12)
        assert comparison.second.mean == pytest.approx(sum(second) / 12)
        assert list(comparison.differences) == [f"q{number}" for number in range(12)]
        expected = [one - other for one, other in zip(first, second, strict=True)]
        assert list(comparison.differences.values()) == pytest.approx(expected)


def test_the_p_of_all_measures_are_corrected_together_and_those_of_all_kinds(found):
    for tested in (found.pair.measures, found.pair.kinds):
        corrected = holm([comparison.p for comparison in tested.values()])
        assert [comparison.corrected_p for comparison in tested.values()] == corrected
    smallest = min(found.pair.measures.values(), key=lambda comparison: comparison.p)
    assert smallest.corrected_p == pytest.approx(min(1, 5 * smallest.p))


def test_a_comparison_becomes_a_table_with_a_row_for_each_pair_and_measure():
    found = compared(FIRST, SECOND, [1] * 12)
    frame = found.to_frame()
    pairs = [("alpha", "beta"), ("alpha", "gamma"), ("beta", "gamma")]
    assert list(zip(frame["retriever"], frame["other"], strict=True)) == [pair for pair in pairs for _ in range(5)]
    tested = [comparison for pair in found.pairs.values() for comparison in pair.measures.values()]
    for name in ("measure", "corrected_p"):
        assert frame[name].tolist() == [getattr(comparison, name) for comparison in tested]
    assert frame["difference"].tolist() == [comparison.difference.mean for comparison in tested]


def test_the_hit_rate_is_the_one_at_k(found):
    assert found.pair.hit_rate is found.pair.measures[found.hit_rate]
    assert found.names == ["alpha", "beta"]
    at_one = compare_retrievers(found.sides, 1)
    assert (at_one.k, *(at_one.score(at_one.hit_rate, number).mean for number in (0, 1))) == (1, 1 / 12, 3 / 12)


def test_of_four_retrievers_every_pair_is_compared_and_all_tests_are_corrected_together():
    ranks = FIRST, SECOND, [1] * 12, [None] * 12
    found = compared(*ranks, kinds=KINDS)
    assert list(found.pairs) == [(0, 1), (0, 2), (0, 3), (1, 2), (1, 3), (2, 3)]
    for measure in found.measures:
        means = [sum(trec(rank, 10)[measure] for rank in of) / 12 for of in ranks]
        assert [found.score(measure, number).mean for number in range(4)] == pytest.approx(means)
        for (one, other), pair in found.pairs.items():
            assert (pair.first, pair.second) == (found.sides[one], found.sides[other])
            assert pair.measures[measure].difference.mean == pytest.approx(means[one] - means[other])
    for part in ("measures", "kinds"):
        tested = [comparison for pair in found.pairs.values() for comparison in getattr(pair, part).values()]
        assert [comparison.corrected_p for comparison in tested] == holm([comparison.p for comparison in tested])
    assert [found.score_of_kind("term", number).mean for number in range(4)] == [0.8, 0.6, 1, 0]
    assert [len(errors.lost_by_index) for errors in found.errors(130)] == [0] * 4


@pytest.mark.parametrize("count", [0, 1, 5])
def test_fewer_than_two_and_more_than_four_are_refused(count):
    with pytest.raises(ParameterError, match=f"There are {count} retrievers to compare; wanted two to four"):
        compare_retrievers([ranked_index([1], n=5)] * count, 10)


# --- kinds of questions


def test_the_hit_rate_of_a_kind_is_that_of_its_questions(found):
    assert list(found.pair.kinds) == ["term", "fact"]
    for kind, comparison in found.pair.kinds.items():
        numbers = [number for number in range(12) if KINDS[f"q{number}"] == kind]
        assert list(comparison.differences) == [f"q{number}" for number in numbers]
        for side, ranks in ((comparison.first, FIRST), (comparison.second, SECOND)):
            assert side.mean == pytest.approx(sum(trec(ranks[n], 10)["success_10"] for n in numbers) / len(numbers))


@pytest.mark.parametrize("kinds", [{}, dict.fromkeys(KINDS, "fact")], ids=["none", "one"])
def test_without_several_kinds_none_are_compared(kinds):
    assert compared([1, 2], [2, 1], n=20, kinds=kinds).kinds == []


def test_questions_without_a_kind_are_a_kind_of_their_own_beside_one_of_the_name_other():
    found = compared([1, 2, 50], [2, 1, 50], n=60, kinds={"q1": "other"})
    parts = {kind: list(part.differences) for kind, part in found.pair.kinds.items()}
    assert parts == {NO_KIND: ["q0", "q2"], "other": ["q1"]}


# --- bad input


def changed(index, **parts):
    return JudgedIndex(index.indexed, replace(index.judged, **parts), index.vectors)


@pytest.mark.parametrize("parts", [{"qrels": {"q0": {"d0": 2}, "q1": {"d1": 1}}}, {"queries": {"q0": "a", "q1": "b"}}])
def test_other_questions_or_judgments_are_refused(parts):
    first = ranked_index([1, 2], n=20)
    with pytest.raises(CollectionError, match="different queries.*one collection"):
        compare_retrievers([first, changed(first, **parts)], 10)
    equal = changed(first, queries=dict(first.judged.queries), qrels=dict(first.judged.qrels))
    assert compare_retrievers([first, equal], 10).pair.hit_rate.difference.mean == 0, "they need not be the same object"
    with pytest.raises(ParameterError, match="k is"):
        compare_retrievers([first, first], 0)


# --- the rank of the first answer


def test_ranks_are_those_of_exact_search_to_a_hundred(found):
    for index, ranks in ((found.sides[0], FIRST), (found.sides[1], SECOND)):
        expected = [rank if rank and rank <= 100 else None for rank in ranks]
        assert [answer_rank(index, f"q{number}") for number in range(12)] == expected


def test_a_grade_below_the_level_and_a_question_without_a_text_have_no_rank():
    qrels = {"q0": {"d0": 1, "d5": 2, "d6": -1}}  # d5 comes sixth, after d1, d0, d2, d3, d4
    assert [answer_rank(ranked_index([2], n=20, qrels=qrels, level=level), "q0") for level in (1, 2, 3)] == [2, 6, None]
    assert answer_rank(ranked_index([1, 1], n=20, queries={"q0": "question 0?"}), "q1") is None


DOCUMENTS = st.lists(st.sampled_from("abcdefgh"), unique=True)


@given(DOCUMENTS, st.dictionaries(st.sampled_from("abcdefgh"), st.integers(-1, 3)), st.integers(1, 3))
def test_the_first_answer_is_the_first_document_with_enough_of_a_grade(documents, grades, level):
    rank = first_answer_rank(dict.fromkeys(documents, 0.5), grades, level)
    good = [doc_id in grades and grades[doc_id] >= level for doc_id in documents]
    assert rank == (good.index(True) + 1 if any(good) else None)


# --- capitals


PASSAGES = [sentence.lower() for sentence in sentences(5)]


@pytest.mark.parametrize(
    ("question", "passages", "expected"),
    [
        ("WHERE DO BEES LIVE?", PASSAGES, True),
        ("Where do bees live?", PASSAGES, False),
        ("WHERE DO BEES LIVE?", [text.upper() for text in PASSAGES], False),
        ("WHERE do bees LIVE: NASA", PASSAGES, True),  # 13 of 19 letters
        ("WHERE do bees live: NASA", PASSAGES, False),  # 9 of 19
        ("12 + 34?", PASSAGES, False),
    ],
)
def test_questions_in_capitals_are_seen_where_the_passages_are_not(fake_encoder, question, passages, expected):
    judged = JudgedQueries({"q": question, "unjudged": question.swapcase() * 9}, {"q": {"d1": 1}})
    indexed = collection_of(fake_encoder, passages, judged=judged)
    assert queries_in_capitals(JudgedIndex(indexed, judged, fake_encoder.encode_query([question]))) == expected
