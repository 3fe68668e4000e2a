"""Tests of the third column: what was looked for, by what a hit was found, and which hits are near ones too."""

import re

import pytest

from retriever.experiments.search_comparison import compare_searches
from retriever.retrievers.bm25 import BM25Retriever
from retriever.retrievers.late_interaction import LateInteractionRetriever
from tests.support.encoders import FakeMultiVectorEncoder
from tests.support.page import assert_harmless, number, words_of
from tests.support.small import HOSTILE, collection_of
from ui.search.records import result_rows
from ui.search.third import answer_beside, third_column

TEXTS = ["Lighthouses warn ships.", "A ship sails at night.", "Bread rises overnight.", "The lamp of a lighthouse."]


def shown(fake_encoder, name, retriever, question, k=4):
    """Return the third column of a question, and the answers that it was made of."""
    indexed = collection_of(fake_encoder, TEXTS)
    retriever.add(indexed.retriever.passages)
    both = compare_searches(indexed.retriever, question, k, ef=50)
    third = answer_beside(indexed, name, retriever, question, k, both)
    return third_column(third, {}), third, both


def test_bm25_says_its_stems_and_by_which_of_the_typed_words_each_hit_was_found(fake_encoder):
    column, third, _ = shown(fake_encoder, "bm25", BM25Retriever(), "The lighthouse and SHIPS, lighthouses")
    assert "stems of the question: lighthous · ship." in words_of(column)
    told = re.findall(r"found by: (.*?)<", column)
    found_by = dict(zip((hit.passage.text for hit in third.found.hits), told, strict=True))
    assert found_by == {TEXTS[0]: "lighthouse, SHIPS", TEXTS[1]: "SHIPS", TEXTS[3]: "lighthouse"}


@pytest.mark.parametrize(
    ("question", "told"),
    [("quark zebra", "None of these words is in the collection"), ("the of and", "has no word that it looks for")],
)
def test_a_question_without_a_known_word_says_so(fake_encoder, question, told):
    column, third, _ = shown(fake_encoder, "bm25", BM25Retriever(), question)
    assert told in words_of(column) and third.found.hits == [] and "<li" not in column


def test_hits_that_are_among_the_nearest_are_marked(fake_encoder):
    column, third, both = shown(fake_encoder, "bm25", BM25Retriever(), "ships at night", k=2)
    nearest = {hit.passage.text for hit in both.exact}
    assert third.found.near == [hit.passage.text in nearest for hit in third.found.hits]
    assert column.count("also among the nearest") == sum(third.found.near) > 0
    notes = {row["text"]: row["note"] for row in result_rows(both, third) if row["search"] == "BM25"}
    assert [text for text, note in notes.items() if note] == [text for text in notes if text in nearest]


def test_late_interaction_shows_what_the_model_reads_and_words_that_add_up_to_the_score(fake_encoder):
    retriever = LateInteractionRetriever("fake", encoder=FakeMultiVectorEncoder())
    column, third, _ = shown(fake_encoder, "late", retriever, "ships at night")
    read = " ".join(token.text for token in retriever.encoder.query_tokens("ships at night"))
    assert read in words_of(column) and read != "ships at night"
    pictures = column.split('<details class="lab-align">')[1:]
    assert len(pictures) == len(third.found.hits) == 4
    for picture, hit in zip(pictures, third.found.hits, strict=True):
        similarities = [number(found) for found in re.findall(r"similarity ([−.\d]+)", picture)]
        assert sum(similarities) == pytest.approx(hit.score, abs=0.001 * len(similarities))


def test_a_hostile_question_and_passage_stay_text(fake_encoder):
    indexed = collection_of(fake_encoder, [HOSTILE, *TEXTS], metadata=[{"title": HOSTILE, "source": HOSTILE}] * 5)
    for name, retriever in (
        ("bm25", BM25Retriever()),
        ("late", LateInteractionRetriever("fake", encoder=FakeMultiVectorEncoder())),
    ):
        retriever.add(indexed.retriever.passages)
        both = compare_searches(indexed.retriever, HOSTILE, 5, ef=50)
        third = answer_beside(indexed, name, retriever, HOSTILE, 5, both)
        assert third.found.hits and assert_harmless(third_column(third, {})) is None
