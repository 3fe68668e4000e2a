"""Comparison of exact search and HNSW on one question: missed and extra hits, counted by hand."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from retriever.errors import ParameterError
from retriever.experiments.search_comparison import answer_question, compare_searches
from retriever.graph.misses import mark_differences
from retriever.indexes.base import NO_ID
from retriever.retrievers.dense import DenseRetriever
from tests.support.small import collection_of, sentences

WORDS = "lamp sea bread yeast shore light oven far small wild storm ship rock tower salt flour water heat".split()


@pytest.fixture(scope="module")
def starved(fake_encoder):
    rng = np.random.default_rng(0)
    retriever = DenseRetriever("toy", M=2, ef_construction=3, encoder=fake_encoder)
    retriever.index([" ".join(rng.choice(WORDS, size=8)) for _ in range(800)], [{"row": row} for row in range(800)])
    return retriever


def test_both_columns_are_what_search_gives(starved):
    both = compare_searches(starved, "wild storm at sea", 10, ef=10)
    for found, ef in ((both.exact, None), (both.hnsw, 10)):
        hits = starved.search("wild storm at sea", 10, ef=ef)
        assert [(hit.passage.text, hit.score) for hit in found] == [(hit["text"], hit["score"]) for hit in hits]
    assert set(both.seconds) == {"embedding", "HNSW", "exact"}
    assert all(seconds > 0 for seconds in both.seconds.values())


def test_marks_are_those_of_the_rows_that_differ(starved):
    seen_a_miss = False
    for query in ("wild storm at sea", "small light far", "bread flour salt water", "rock tower"):
        both = compare_searches(starved, query, 10, ef=10)
        true, found = ([hit.passage.metadata["row"] for hit in hits] for hits in (both.exact, both.hnsw))
        border = both.exact[-1].score - 1e-6
        assert both.recall == pytest.approx(sum(hit.score >= border for hit in both.hnsw) / 10)
        assert sum(both.missed) == round(10 * (1 - both.recall))
        assert all(row not in found for row, missed in zip(true, both.missed, strict=True) if missed)
        assert all(row not in true for row, extra in zip(found, both.extra, strict=True) if extra)
        seen_a_miss |= any(both.missed)
    assert seen_a_miss, "a starved graph is to miss some"


@pytest.mark.parametrize("texts", [[f"{word} text" for word in WORDS], ["small lamp"] * 30], ids=["distinct", "equal"])
def test_a_wide_search_misses_nothing(fake_encoder, texts):
    retriever = DenseRetriever("toy", encoder=fake_encoder)
    retriever.index(texts)
    both = compare_searches(retriever, "lamp at sea", 5, ef=100)
    assert both.recall == 1
    assert both.missed == both.extra == [False] * 5
    assert [hit.passage.text for hit in both.exact] == [hit.passage.text for hit in both.hnsw]


def test_k_above_the_collection_gives_all_there_is(fake_encoder):
    retriever = DenseRetriever("toy", encoder=fake_encoder)
    assert compare_searches(retriever, "lamp", 10, ef=10).exact == []
    retriever.index(["lamp", "sea"])
    both = compare_searches(retriever, "lamp", 10, ef=10)
    assert len(both.exact) == len(both.hnsw) == len(both.missed) == len(both.extra) == 2


@pytest.mark.parametrize("wrong", [0, 1.5, None])
def test_bad_numbers_are_refused(starved, wrong):
    with pytest.raises(ParameterError):
        compare_searches(starved, "lamp", wrong, ef=10)
    with pytest.raises(ParameterError):
        compare_searches(starved, "lamp", 10, ef=wrong)


@given(st.permutations(range(12)), st.integers(0, 8), st.integers(0, 8))
def test_marks_without_ties_are_the_setdifferences(ids, n_true, n_found):
    true, found = np.arange(n_true), np.array(sorted(ids[:n_found]), dtype=np.int64)[:n_true]
    recall = len(set(true) & set(found)) / n_true if n_true else 1.0

    def padded(rows):
        return np.concatenate([rows, np.full(8 - len(rows), NO_ID)]).astype(np.int64)

    missed, extra = mark_differences(padded(true), padded(found), recall)
    assert missed == [row not in found for row in true]
    assert extra == [row not in true for row in found]


def test_the_same_question_is_answered_once_a_collection(fake_encoder):
    one, other = (collection_of(fake_encoder, sentences(40)) for _ in range(2))
    answer = answer_question(one, "lamp at sea", 5, ef=10)
    assert answer_question(one, "lamp at sea", 5, ef=10) is answer
    for indexed, question, k, ef in ((one, "lamp", 5, 10), (one, "lamp at sea", 4, 10), (one, "lamp at sea", 5, 11)):
        assert answer_question(indexed, question, k, ef=ef) is not answer
    assert answer_question(other, "lamp at sea", 5, ef=10) is not answer, "another visitor's collection"
