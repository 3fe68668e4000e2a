"""Retrievers without an index over the passages of one: what they hold, what they count, and what they record."""

import re
from dataclasses import replace

import numpy as np
import pytest

from retriever.encoders.multi_vector.base import Token
from retriever.errors import Cancelled, CollectionError
from retriever.experiments.comparison import compare_retrievers
from tests.support.judged import ranked_index
from tests.support.page import words_of
from ui.compare.retrievers.without_index import make_bm25, make_late
from ui.compare.shown.question_view import MOST_PICTURES, RankedSide, question_view
from ui.jobs.memory_budget import MEMORY_BUDGET

LATE = "all-MiniLM-L6-v2, late interaction"


class Letters:
    """A late-interaction model that knows the first six words: a vector for each, by its first letter."""

    dimension, max_tokens, fingerprint, revision, device = 26, 6, "letters", "f" * 40, "cpu"
    query_prompt, document_prompt = "ask: ", ""

    def encode_query(self, texts):
        return [
            np.eye(26, dtype=np.float32)[[ord(word[0].lower()) % 26 for word in text.split()[:6]]] for text in texts
        ]

    def encode_document(self, texts, *, progress=None):
        if progress:
            progress(0.5)
        return self.encode_query(texts)

    def count_tokens(self, texts):
        return [len(text.split()) for text in texts]

    def query_tokens(self, text):
        return [Token(found[0], found.span()) for found in list(re.finditer(r"\S+", text))[:6]]

    document_tokens = query_tokens


@pytest.fixture
def letters(monkeypatch):
    monkeypatch.setattr("ui.compare.retrievers.without_index.load_multi_vector_encoder", lambda name: Letters())


def silent(stage, fraction):
    pass


def test_bm25_holds_the_passages_and_counts_its_memory():
    base, before = ranked_index([1, 2], n=12), MEMORY_BUDGET.held
    made = make_bm25("BM25", base, silent)
    assert made.passages == tuple(base.passages) and made.judged is base.judged
    assert made.seconds_to_index > 0 and made.searched_bytes == made.retriever.nbytes
    assert MEMORY_BUDGET.held > before or not base.indexed.n_tokens
    assert made.settings == {"k1": 0.9, "b": 0.4, "stop_words": "en", "stemmer": "english"}
    assert not made.limited


def test_late_interaction_holds_token_vectors_and_records_them(letters):
    base = ranked_index([1, 2], n=12, body="a b c", queries={"q0": "one two", "q1": "a b c d e f g"})
    made = make_late(LATE, base, silent)
    assert (made.name, made.retriever.n_tokens, made.n_cut) == (LATE, 12 * 6, 0)
    assert made.cut == {"q1"} and made.limited, "the model reads six words of it"
    assert made.settings == {
        "model": "all-MiniLM-L6-v2",
        "model_fingerprint": "letters",
        "model_revision": "f" * 40,
        "model_device": "cpu",
        "query_prompt": "ask: ",
        "dimension": 26,
        "token_vectors": 72,
        "token_vector_bytes": made.searched_bytes,
        "scored": "Every passage is scored by all its token vectors (MaxSim).",
    }
    assert made.remark == ""


def test_an_open_question_shows_which_word_took_which(letters):
    base = ranked_index([1, 2], n=12, body="a b c")
    made = make_late(LATE, base, silent)
    side = RankedSide.of(made, "q1", 10, 10)
    assert len(side.hits) == 10 and len(side.pictures) == MOST_PICTURES
    for (found, _, _), picture in zip(side.hits, side.pictures, strict=False):
        assert f"their sum, {found.score:.3f}" in words_of(picture)
    assert RankedSide.of(base, "q1", 10, 10).pictures == []
    source = question_view(compare_retrievers([base, made], 10), "q1", 10)
    assert source.count("Which word took which?") == MOST_PICTURES


def test_vectors_beyond_the_memory_of_a_visitor_are_scored_in_part_and_that_is_said(letters, monkeypatch):
    monkeypatch.setattr("ui.compare.retrievers.without_index.MAX_BYTES", 100)
    made = make_late(LATE, ranked_index([1], n=201), silent)
    assert made.remark.startswith(f"{LATE}: The token vectors have more than 0 MB: only the 200 passages")


def test_what_needs_too_much_memory_is_refused_before_anything_is_embedded(letters, monkeypatch):
    base = ranked_index([1], n=12)
    monkeypatch.setenv("LAB_MEMORY_MB", "1")
    base.indexed = replace(base.indexed, n_tokens=10**9)
    for make in (make_bm25, make_late):
        with pytest.raises(CollectionError, match="memory"):
            make("BM25", base, silent)


def test_embedding_can_be_cancelled(letters):
    def stop(stage, fraction):
        if "embedding tokens" in stage:
            raise Cancelled("stop")

    with pytest.raises(Cancelled):
        make_late(LATE, ranked_index([1], n=12), stop)
