"""Encoders that make one vector a token: MiniLM's own, and small models in the layouts of Stanford and PyLate."""

import numpy as np
import pytest

from retriever.encoders.catalogue import MODELS
from retriever.encoders.loading import load_encoder
from retriever.encoders.multi_vector.catalogue import LATE_INTERACTION_MODELS, SUFFIX, late_interaction_card
from retriever.encoders.multi_vector.loading import load_multi_vector_encoder, loaded_multi_vector_encoder
from retriever.errors import Cancelled, ModelError
from tests.support import small_models

QUERY = "How do  Fresnel-lenses of lighthouses work, 灯台?"


@pytest.fixture(scope="module")
def minilm():
    return load_multi_vector_encoder("all-MiniLM-L6-v2")


@pytest.fixture
def load(monkeypatch, tmp_path):
    """Return a function that loads a small model saved in a layout."""
    monkeypatch.setenv("LAB_ALLOW_ANY_MODEL", "1")
    return lambda layout: load_multi_vector_encoder(str(layout(tmp_path / "model")))


# --- the catalogue


def test_each_entry_says_what_it_is_and_none_is_named_as_a_dense_model():
    assert not set(MODELS) & set(LATE_INTERACTION_MODELS)
    for name, card in LATE_INTERACTION_MODELS.items():
        assert card.name == name and name.endswith(SUFFIX)
        assert card.packaged != bool(card.hub_id)
        assert late_interaction_card(name.removesuffix(SUFFIX)) is card
        assert card.trained_on.endswith(".")
    assert "not trained for late interaction" in LATE_INTERACTION_MODELS["all-MiniLM-L6-v2" + SUFFIX].trained_on
    with pytest.raises(TypeError):
        LATE_INTERACTION_MODELS["other"] = card


def test_names_outside_the_catalogue_are_allowed_only_by_the_setting(monkeypatch):
    with pytest.raises(ModelError, match="no late-interaction model 'some/model'"):
        late_interaction_card("some/model")
    monkeypatch.setenv("LAB_ALLOW_ANY_MODEL", "1")
    card = late_interaction_card("some/model@abc, late interaction")
    assert (card.name, card.hub_id, card.revision) == ("some/model@abc, late interaction", "some/model", "abc")


# --- MiniLM


def test_minilms_token_vectors_averaged_are_its_text_vectors(minilm):
    """Its dense vector is the mean of its token vectors before each is scaled to unit length, so the two are near."""
    texts = ["A small lamp is seen far out at sea.", "Sourdough rises by wild yeast."]
    means = np.stack([vectors.mean(axis=0) for vectors in minilm.encode_document(texts)])
    means /= np.linalg.norm(means, axis=1, keepdims=True)
    dense = load_encoder("all-MiniLM-L6-v2").encode_document(texts)
    assert ((means * dense).sum(axis=1) > 0.99).all()


def test_every_vector_has_a_token_and_unit_length(minilm):
    for text in (QUERY, "", "x " * 400, "\ud800 half a pair", "日本語", "e\u0301" * 3, "  \n"):
        for [vectors], tokens in (
            (minilm.encode_query([text]), minilm.query_tokens(text)),
            (minilm.encode_document([text]), minilm.document_tokens(text)),
        ):
            assert vectors.dtype == np.float32 and vectors.shape == (len(tokens), 384)
            np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-3)


def test_a_token_tells_its_place_in_the_text(minilm):
    tokens = minilm.query_tokens(QUERY)
    placed = [QUERY[slice(*token.span)] for token in tokens if token.span]
    assert "".join(placed) == "".join(QUERY.split())
    assert (tokens[0].text, tokens[-1].text) == ("[CLS]", "[SEP]")
    assert tokens[0].span is tokens[-1].span is None
    long = minilm.document_tokens("word " * 400)
    assert len(long) == 256 and long[-1].span is None
    assert long[-2].span == (253 * 5, 253 * 5 + 4)


def test_documents_are_encoded_in_their_order_with_progress_and_cancelled(minilm):
    texts = [("word " * n).strip() for n in (30, 1, 90, 5)] * 6
    seen = []
    vectors = minilm.encode_document(texts, progress=seen.append)
    assert [len(one) for one in vectors] == [n + 2 for n in (30, 1, 90, 5)] * 6 == minilm.count_tokens(texts)
    assert seen == sorted(seen) and seen[-1] == 1.0

    def stop(_):
        raise Cancelled("stopped")

    with pytest.raises(Cancelled):
        minilm.encode_document(texts, progress=stop)
    assert minilm.encode_document([]) == minilm.encode_query([]) == []


def test_a_model_is_loaded_once_and_known_by_both_names(minilm):
    assert load_multi_vector_encoder("all-MiniLM-L6-v2, late interaction") is minilm
    assert loaded_multi_vector_encoder("all-MiniLM-L6-v2") is minilm
    assert loaded_multi_vector_encoder("colbert-ir/colbertv2.0") is None
    assert minilm.fingerprint == load_encoder("all-MiniLM-L6-v2").fingerprint + "-tokens"


# --- ColBERT


@pytest.mark.parametrize("layout", [small_models.stanford, small_models.pylate])
def test_colberts_fill_queries_up_and_leave_punctuation_out_of_documents(load, layout):
    encoder = load(layout)
    query, text = "what is a lamp", "the lamp , far"
    marks = [token.text.strip() for token in encoder.query_tokens(query) if token.span is None]
    assert [query[slice(*token.span)] for token in encoder.query_tokens(query) if token.span] == query.split()
    assert marks[0] == "[CLS]" and marks[1] in ("[Q]", "[unused0]") and "[MASK]" in encoder.query_tokens("")[-1].text
    assert len(encoder.query_tokens(query)) == len(encoder.encode_query([query])[0]) == 8
    read = [text[slice(*token.span)] for token in encoder.document_tokens(text) if token.span]
    assert [word for word in read if word != ","] == ["the", "lamp", "far"]
    assert len(encoder.document_tokens(text)) == len(encoder.encode_document([text])[0])
    assert (encoder.dimension, encoder.max_tokens) == (16, 32 if layout is small_models.stanford else 31)


@pytest.mark.parametrize("layout", [small_models.transformer, small_models.pooled])
def test_a_model_of_another_kind_is_refused_instead_of_given_random_numbers(load, layout):
    with pytest.raises(ModelError, match="no late-interaction model"):
        load(layout)
