"""Tests of what stands beside the searches: made once for all who share a collection, within time and memory."""

import pytest

from retriever.errors import CollectionError, ParameterError
from tests.support.small import collection_of, sentences
from ui.jobs.memory_budget import MEMORY_BUDGET
from ui.search.beside import CHOICES, check_beside, prepare, ready


@pytest.fixture
def collection(fake_encoder):
    return collection_of(fake_encoder, sentences(60))


def test_a_retriever_is_made_once_for_all_graphs_over_the_same_passages(collection):
    assert ready(collection, "bm25") is None
    held = MEMORY_BUDGET.held
    made = prepare(collection, "bm25").result()
    assert MEMORY_BUDGET.held - held == made.nbytes > 0
    other = collection.with_graph(4, 20)
    assert ready(collection, "bm25") is ready(other, "bm25") is made is prepare(other, "bm25").result()
    assert list(made.passages) == list(collection.retriever.passages)


@pytest.mark.parametrize("name", CHOICES)
def test_too_much_for_a_visitor_is_refused(collection, monkeypatch, name):
    monkeypatch.setattr("ui.jobs.memory_budget.BYTES_OF_WORD", 1_000_000)
    monkeypatch.setattr("ui.jobs.memory_budget.BYTES_OF_NUMBER", 1_000_000)
    with pytest.raises(CollectionError, match="MB of memory; at most 300 MB"):
        prepare(collection, name).result()
    assert ready(collection, name) is None


def test_late_interaction_of_a_large_collection_is_refused_with_what_to_do(collection, monkeypatch):
    monkeypatch.setattr("ui.search.beside.MOST_TOKENS", 600)
    with pytest.raises(CollectionError, match="at most 600: load a smaller collection"):
        prepare(collection, "late").result()


@pytest.mark.parametrize("name", ["google", "BM25", 1, ["bm25"]], ids=repr)
def test_an_unknown_choice_is_refused(name):
    assert check_beside(None) == check_beside("") == "" and check_beside("late") == "late"
    with pytest.raises(ParameterError, match="bm25, late, or empty"):
        check_beside(name)
