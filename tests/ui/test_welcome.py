"""Tests of the first screen."""

from tests.support.page import words_of
from tests.support.small import collection_of, sentences
from ui.session import Session
from ui.welcome import show_welcome


def test_what_is_missed_is_shown_with_one_next_step_and_where_nothing_is_another_is_offered(fake_encoder, starved):
    assert "being prepared" in show_welcome(Session())
    shown = show_welcome(Session(starved, sample="python_docs"))
    assert shown.count('class="lab-go"') == 1 and 'href="?tab=search&amp;q=' in shown
    assert "of the 10 nearest passages HNSW finds" in words_of(shown) and "all 500" in words_of(shown)
    dots = shown.count("lab-dot-found"), shown.count("lab-dot-lost")
    assert sum(dots) == 10 and f"HNSW finds {dots[0]} " in words_of(shown) and dots[1]
    few = collection_of(fake_encoder, sentences(3))
    small = show_welcome(Session(few, sample="documents"))
    assert "misses nothing" in words_of(small) and "sample=python_docs" in small
    own = show_welcome(Session(few))
    assert "sample=" not in own and 'href="?tab=recall' in own, "own documents are not replaced by a link"
