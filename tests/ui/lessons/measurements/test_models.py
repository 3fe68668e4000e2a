"""Tests of what lessons measure of answers: by models, an index and words."""

import pytest

from retriever.experiments.comparison import compare_retrievers
from tests.support.judged import FIRST, KINDS, LOSSY, SECOND, beside_one, compared, ranked_index
from tests.ui.lessons.conftest import Given, no_progress
from ui.compare.job import FinishedComparison
from ui.lessons.measurements import models

UNUSUAL = "not the usual outcome"
OF_MODELS = {"sample": "python_docs", "models": ["alpha", "beta"], "k": 10}


def given(comparison):
    """Return a comparison in the place of the one that is asked for."""
    return Given(None, comparison=FinishedComparison(comparison, 1.0, base=ranked_index([1])))


def words(found):
    return " ".join(found.sentences)


def test_the_hit_rate_is_that_of_the_first_model():
    found = models.hit_rate(given(compared(FIRST, SECOND, kinds=KINDS)), no_progress, **OF_MODELS)
    assert found.value == pytest.approx(7 / 12) and "7 of 12 questions" in words(found)
    assert found.place["on"] == "Python docs" and found.place["compared"] == 1 and len(found.numbers) == 2
    all_found = models.hit_rate(given(compared([1, 2], [1, 2])), no_progress, **OF_MODELS)
    assert all_found.value == 1 and UNUSUAL in words(all_found)


@pytest.mark.parametrize(
    ("sides", "graph", "ef", "value"),
    [
        (([1, 1, 1, 1], [1, None, None, 1]), {}, 100, "model"),
        (LOSSY, {"M": 2, "ef_construction": 2}, 10, "index"),
        (([1, 1], [1, 1]), {}, 100, "equal"),
    ],
)
def test_the_model_or_the_index_loses_more_as_they_do(sides, graph, ef, value):
    comparison = compared(*sides, **graph)
    found = models.model_or_index(given(comparison), no_progress, **OF_MODELS, ef=ef)
    errors = comparison.errors(ef)
    by_index = errors[0].found - len(errors[0].kept) - len(errors[0].lucky)
    by_model = errors[0].found - errors[1].found
    assert found.value == value == ("equal" if by_model == by_index else "model" if by_model > by_index else "index")
    assert (UNUSUAL in words(found)) == (value == "equal")


def test_the_ef_from_which_on_the_model_loses_more():
    comparison = compared(*LOSSY, M=2, ef_construction=2)
    found = models.ef_until_model_loses_more(given(comparison), no_progress, **OF_MODELS, graph="starved 4/20")
    errors = {ef: comparison.errors(int(ef))[0] for ef in models.EFS}
    fewer = [ef for ef, error in errors.items() if len(error.lost_by_index) < len(error.lost_by_model)]
    assert found.value == (fewer[0] if fewer else "never")
    assert [row.split()[0] for row in found.numbers.values()][:-1] == [
        str(len(error.lost_by_index)) for error in errors.values()
    ]
    good = models.ef_until_model_loses_more(
        given(compared(FIRST, SECOND)), no_progress, **OF_MODELS, graph="starved 4/20"
    )
    assert good.value == "10" and UNUSUAL in words(good)


RETRIEVERS = {"bm25": "BM25", "model": "alpha", "fusion": "BM25 + alpha"}
KIND_OF = {f"q{number}": "paraphrase" if number < 16 else "rare term" for number in range(10, 22)}


@pytest.fixture(scope="module")
def words_and_model():
    """A comparison of BM25, which finds all, a model that finds some, and their fusion."""
    comparison = beside_one([1, None, 1, None, 1, 50, 1, None, 1, 60, 1, 1], kinds=KIND_OF)
    order = [comparison.sides[1], comparison.sides[0], comparison.sides[2]]
    return given(compare_retrievers(order, 10))


def test_the_hit_rate_of_a_kind_is_that_of_the_one_that_is_asked_for(words_and_model):
    asked = {"sample": "everyday_science", "retrievers": RETRIEVERS, "k": 10, "kind": "paraphrase"}
    best, other = (models.hit_rate_of_kind(words_and_model, no_progress, **asked, of=of) for of in ("bm25", "model"))
    assert best.value == 1 and UNUSUAL in words(best) and "Mind how the questions were made" in words(best)
    assert other.value == pytest.approx(0.5) and UNUSUAL not in words(other)


def test_what_could_be_chance_is_called_unclear(words_and_model):
    asked = {"sample": "everyday_science", "retrievers": RETRIEVERS, "k": 10, "kind": "rare term"}
    found = models.better_of_kind(words_and_model, no_progress, **asked)
    assert found.value == "unclear" and "could be chance" in words(found) and "6 differences" in words(found)


def test_the_order_is_that_of_the_hit_rates_and_equal_ones_may_change_places(words_and_model):
    asked = {"sample": "everyday_science", "retrievers": RETRIEVERS, "k": 10}
    found = models.retrievers_by_hit_rate(words_and_model, no_progress, **asked)
    rates = {
        key: words_and_model.comparison.comparison.score("success_10", at).mean for at, key in enumerate(RETRIEVERS)
    }
    assert [rates[key] for key in found.value] == sorted(rates.values(), reverse=True)
    assert found.value[-1] == "model" and set(found.numbers) == {"paraphrase", "rare term"}
    assert bool(found.equally) == (len(set(rates.values())) < 3)


def test_where_a_fusion_is_not_best_the_claim_is_taken_back_with_the_kind_that_it_loses_most(words_and_model):
    asked = {"sample": "everyday_science", "retrievers": RETRIEVERS, "k": 10}
    best = models.retrievers_by_hit_rate(words_and_model, no_progress, **asked)
    words_side, model_side, fusion_side = words_and_model.comparison.comparison.sides
    worse = given(compare_retrievers([words_side, fusion_side, model_side], 10))  # the model in the place of the fusion
    found = models.retrievers_by_hit_rate(worse, no_progress, **asked)
    rates = {kind: worse.comparison.comparison.score_of_kind(kind, 2).mean for kind in set(KIND_OF.values())}
    kind = min(rates, key=rates.get)
    assert "claim does not hold" not in words(best)
    assert f"for the kind “{kind}” BM25 has 1.000 and the fusion {rates[kind]:.3f}" in words(found)
