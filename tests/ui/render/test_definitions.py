"""The definitions: whoever knows nothing of HNSW finds the answer to what a lesson asks, and words that stand alone."""

import pytest

from tests.support.page import Elements
from ui.footer import glossary
from ui.render.definitions import DEFINITIONS, first_sentence
from ui.render.html import definition_id, explained

QUIZ = {  # what a lesson asks -> the term whose definition says it, and the words that do
    "what is ef": ("ef", "How many candidates HNSW keeps while it searches."),
    "what is recall@10": ("recall", "of the 10 passages that exact search finds, HNSW finds 9"),
    "what is M": ("M", "How many links a vector gets in the graph."),
    "what efConstruction costs": ("efConstruction", "It costs no memory"),
    "exact search against HNSW": ("HNSW", "it can miss some of the nearest passages"),
    "model or index": ("model", "another model changes the answers far more than another index usually does"),
    "small collections": ("small collection", "it misses little and saves little"),
    "ties": ("tie", "recall goes by score, so any of them counts"),
    "why a neighbour is missed": ("missed", "what is linked only from vectors that it did not follow"),
    "distances against time": ("distance", "is the same on every machine"),
}


@pytest.mark.parametrize(("term", "words"), QUIZ.values(), ids=QUIZ)
def test_what_a_lesson_asks_is_answered_by_a_definition(term, words):
    assert words in DEFINITIONS[term]


@pytest.mark.parametrize("term", DEFINITIONS)
def test_a_term_has_one_definition_whose_first_sentence_stands_alone_and_which_its_button_shows(term):
    alone = first_sentence(term)
    assert alone.endswith(".") and ". " not in alone and DEFINITIONS[term].startswith(alone)
    button = Elements(explained(term, "words"))
    assert (button.tags, button.text) == (["button"], "words")
    assert button.values.count(definition_id(term)) == 2, "what it shows, and what describes it"
    foot = Elements(glossary())
    assert foot.values.count(definition_id(term)) == 1
    assert foot.text.count(DEFINITIONS[term]) == 2, "in the list, and by itself"


def test_a_button_for_a_term_without_a_definition_is_an_error():
    with pytest.raises(KeyError, match="entropy"):
        explained("entropy")
