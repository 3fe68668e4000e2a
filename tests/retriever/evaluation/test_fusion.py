"""Reciprocal rank fusion against sums written out, and whatever runs it is given."""

from fractions import Fraction

import pytest

from retriever import fuse
from retriever.errors import ParameterError

WORDS = {"q1": {"a": 9.0, "b": 5.0, "c": 1.0}, "q2": {"x": 2.0}}
VECTORS = {"q1": {"c": 0.9, "d": 0.8, "a": 0.1}}


def test_a_document_scores_by_its_ranks_and_not_by_its_scores():
    assert fuse(WORDS, VECTORS) == {
        "q1": {
            "a": pytest.approx(1 / 61 + 1 / 63),
            "c": pytest.approx(1 / 63 + 1 / 61),
            "b": pytest.approx(1 / 62),
            "d": pytest.approx(1 / 62),
        },
        "q2": {"x": pytest.approx(1 / 61)},
    }
    assert list(fuse(WORDS, VECTORS)["q1"]) == ["a", "c", "b", "d"], "equal sums go by document id"
    scaled = {"q1": {doc_id: score * 1000 - 7 for doc_id, score in VECTORS["q1"].items()}}
    assert fuse(WORDS, scaled) == fuse(WORDS, VECTORS)


def test_ranks_go_by_score_whatever_the_order_and_equal_scores_by_the_order():
    mixed = {"q1": {"a": 0.1, "c": 0.9, "d": 0.8}}
    assert fuse(mixed) == fuse(VECTORS) and list(fuse(mixed)["q1"]) == ["c", "d", "a"]
    assert list(fuse({"q": {"z": 1.0, "y": 1.0, "x": 1.0}})["q"]) == ["z", "y", "x"]


def test_the_order_of_the_runs_changes_no_ranking():
    runs = [{"q": {f"d{(row * step) % 101}": -float(row) for row in range(101)}} for step in (1, 7, 30, 59)]
    first = fuse(*runs, depth=101)
    for turned in (runs[::-1], runs[2:] + runs[:2]):
        assert list(fuse(*turned, depth=101)["q"].items()) == list(first["q"].items())
    exact = {doc_id: sum(Fraction(1, 61 + list(run["q"]).index(doc_id)) for run in runs) for doc_id in runs[0]["q"]}
    assert first["q"] == pytest.approx({doc_id: float(score) for doc_id, score in exact.items()}, rel=1e-12)
    assert list(first["q"].values()) == sorted(first["q"].values(), reverse=True)


def test_a_small_k_lets_the_first_ranks_weigh_more():
    one, other = {"q": {"a": 3.0, "b": 2.0, "c": 1.0}}, {"q": {"d": 3.0, "b": 2.0, "e": 1.0}}
    assert next(iter(fuse(one, other, k=60)["q"])) == "b"
    assert fuse(one, other, k=0)["q"] == {"a": 1.0, "b": 1.0, "d": 1.0, "c": 1 / 3, "e": 1 / 3}


def test_only_the_first_documents_count_and_are_kept():
    assert fuse(WORDS, VECTORS, depth=1)["q1"] == {"a": 1 / 61}
    assert list(fuse(WORDS, VECTORS, depth=2)["q1"]) == ["a", "c"]


def test_a_query_is_answered_by_the_runs_that_have_it():
    assert list(fuse(VECTORS, WORDS)) == ["q1", "q2"]
    assert fuse({"q": {}}, {}) == {"q": {}} and fuse({}) == {}


@pytest.mark.parametrize("wrong", [-1, 2.5, True, "60", None])
def test_wrong_numbers_and_no_runs_are_refused(wrong):
    with pytest.raises(ParameterError, match="^k is"):
        fuse(WORDS, k=wrong)
    with pytest.raises(ParameterError, match="^depth is"):
        fuse(WORDS, depth=wrong)
    with pytest.raises(ParameterError, match="no runs"):
        fuse()
