"""The alignment of MaxSim: tokens and their partners, put together to words."""

import numpy as np
import pytest

from retriever import LateInteractionRetriever
from retriever.encoders.multi_vector.base import Token
from retriever.errors import ParameterError, VectorError
from retriever.retrievers.alignment import align
from tests.support.encoders import FakeMultiVectorEncoder

TEXT = "Lighthouse keepers: a lamp, far out."
QUERY = "the lamp of lighthouses"


@pytest.fixture
def retriever():
    retriever = LateInteractionRetriever("toy", encoder=FakeMultiVectorEncoder())
    retriever.index(["Bread and yeast.", TEXT])
    return retriever


def test_the_similarities_of_tokens_and_of_words_add_up_to_the_score(retriever):
    found = retriever.alignment(QUERY, 1)
    score = next(hit["score"] for hit in retriever.search(QUERY) if hit["text"] == TEXT)
    assert found.score == pytest.approx(score, abs=1e-5)
    assert sum(word.similarity for word in found.words) == pytest.approx(found.score, abs=1e-9)
    assert (found.query, found.text) == (QUERY, TEXT)


def test_each_token_takes_the_most_similar_one_with_its_place(retriever):
    tokens = retriever.alignment(QUERY, 1).tokens
    assert [token.word for token in tokens] == ["[Q]", "the", "lamp", "of", "ligh", "thouses"]
    assert [token.joined for token in tokens] == [False] * 5 + [True]
    lamp, first = tokens[2], tokens[4]
    assert (lamp.partner, TEXT[slice(*lamp.partner_span)], QUERY[slice(*lamp.span)]) == ("lamp", "lamp", "lamp")
    assert lamp.similarity == pytest.approx(1, abs=1e-3)
    assert (first.partner, first.partner_span) == ("Ligh", (0, 4))
    assert tokens[0].span is None
    assert all(token.similarity <= 1.001 for token in tokens)


def test_pieces_of_a_word_are_one_word_and_so_is_their_partner(retriever):
    words = retriever.alignment(QUERY, 1).words
    assert [word.word for word in words] == ["[Q]", "the", "lamp", "of", "lighthouses"]
    last = words[-1]
    assert (last.n_tokens, QUERY[slice(*last.span)]) == (2, "lighthouses")
    assert (last.partner, last.partner_span) == ("Lighthouse", (0, 10))


def test_equal_marks_that_a_model_adds_are_one_entry_and_others_are_not():
    query = [Token("[Q]", None), Token("x", (0, 1)), Token("y", (2, 3)), Token("[MASK]", None), Token("[MASK]", None)]
    text = [Token("[D]", None), Token("y", (0, 1))]
    found = align("x y", query, np.eye(5, 4, dtype=np.float32), "y", text, np.eye(2, 4, dtype=np.float32))
    assert [(word.word, word.n_tokens) for word in found.words] == [("[Q]", 1), ("x", 1), ("y", 1), ("[MASK]", 2)]
    assert [word.partner for word in found.words] == ["[D]", "y", "[D]", "[D]"]
    assert found.words[0].partner_span is None


def test_an_empty_query_and_an_empty_text_are_aligned_by_the_marks(retriever):
    retriever.index([""])
    [match] = retriever.alignment("", 2).tokens
    assert (match.word, match.partner, match.partner_span) == ("[Q]", "[D]", None)


@pytest.mark.parametrize("row", [-1, 2])
def test_a_row_that_is_not_there_is_named(retriever, row):
    with pytest.raises(ParameterError, match=f"no passage in row {row}"):
        retriever.alignment("lamp", row)


def test_an_encoder_whose_tokens_and_vectors_differ_in_number_is_refused():
    with pytest.raises(VectorError, match="one a token"):
        align(
            "x",
            [Token("x", (0, 1))],
            np.eye(2, dtype=np.float32),
            "x",
            [Token("x", (0, 1))],
            np.eye(2, dtype=np.float32),
        )
