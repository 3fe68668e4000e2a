"""Tests of the sentences about the two errors, and of what lost one question."""

import pytest

from retriever.experiments.comparison import compare_retrievers
from retriever.experiments.error_attribution import attribute_errors
from tests.support.judged import by_hand, compared, lost
from ui.compare.sentences.losses import blame_sentence, cost_sentence, lucky_sentence, no_index_sentence, rank_sentence

CLEAR = [1] * 48 + [0] * 12, [1] * 33 + [0] * 15 + [1] * 3 + [0] * 9  # 48 and 36 of 60
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


def test_where_an_answer_stands_without_an_index():
    assert rank_sentence(3, 10) == "Found: the first answer stands at rank 3."
    assert rank_sentence(11, 10) == "Lost: the first answer stands at rank 11, not among the first 10."
    assert rank_sentence(None, 10) == "Lost: the first answer stands beyond rank 100, not among the first 10."


def test_costs_are_those_of_what_has_an_index_and_why_others_have_none_is_said(beside):
    _, words, both = beside.sides
    assert cost_sentence(beside, 20).startswith("The retriever changes the hit rate by up to <b>")
    assert "; this index loses <b>0.000</b> at ef=20, " in cost_sentence(beside, 20)
    assert no_index_sentence(beside).startswith("What is found without an index cannot be lost by one: BM25 and ")
    assert no_index_sentence(compared([1], [2], n=9)) == ""
    alone = compare_retrievers([words, both], 10)
    assert cost_sentence(alone, 20).endswith("; none of these searches an index.")
