"""The late-interaction retriever, beyond the contract of all retrievers (test_contract)."""

import numpy as np
import pytest

from retriever import LATE_INTERACTION_MODELS, LateInteractionRetriever
from retriever.encoders.multi_vector.loading import load_multi_vector_encoder
from retriever.errors import Cancelled, ModelError, ParameterError, VectorError
from retriever.indexes.base import NO_ID
from tests.support.encoders import FakeMultiVectorEncoder
from tests.support.small import sentences

MINILM = "all-MiniLM-L6-v2, late interaction"


def toy(texts=(), **settings):
    retriever = LateInteractionRetriever("toy", **{"encoder": FakeMultiVectorEncoder(), **settings})
    retriever.index(list(texts))
    return retriever


def test_minilms_scores_are_those_of_sentence_transformers():
    texts = ["Fresnel lenses let a small lamp be seen far out.", "Sourdough rises by wild yeast.", "", "x " * 400]
    queries = ["What makes a lamp visible at sea?", "yeast"]
    retriever = LateInteractionRetriever()
    assert retriever.index(texts) == 4
    encoder = load_multi_vector_encoder(MINILM)
    expected = encoder.model.similarity(encoder.model.encode_query(queries), encoder.model.encode_document(texts))
    found = retriever.rank(queries, 4)
    for row, scores in enumerate(expected.numpy()):
        np.testing.assert_allclose(found.scores[row], scores[found.ids[row]], atol=0.02)  # half precision
    assert found.ids[:, 0].tolist() == [0, 1]
    assert retriever.n_cut == 1 and retriever.n_tokens == sum(map(len, encoder.encode_document(texts)))


def test_a_model_is_named_as_in_the_catalogue_or_as_on_the_hub():
    assert LateInteractionRetriever("all-MiniLM-L6-v2").model_name == MINILM == next(iter(LATE_INTERACTION_MODELS))
    assert LateInteractionRetriever("colbert-ir/colbertv2.0").dimension == 128
    with pytest.raises(ModelError, match="no late-interaction model 'wordllama-256'.*choose one of: all-MiniLM"):
        LateInteractionRetriever("wordllama-256")


def test_equal_texts_are_embedded_once_and_share_their_vectors():
    retriever = toy(["a lamp", "bread", "a lamp"])
    size = retriever.nbytes
    assert retriever.index(["bread", "a lamp"]) == 0
    assert retriever.nbytes == size
    assert retriever.rank(["lamp"], 5).ids[0].tolist()[:3] == [0, 2, 4]


def test_passages_that_are_too_long_are_counted_each():
    long = "lamp " * 100
    retriever = toy([long, "short", long])
    assert retriever.n_cut == 2
    assert retriever.n_tokens == 64 + 2


def test_beyond_the_limit_of_memory_only_candidates_are_scored_and_it_says_so():
    texts = sentences(60)
    whole, first = toy(texts), toy(texts, max_bytes=10_000, candidates=8)
    assert (whole.exhaustive, first.exhaustive) == (True, False)
    assert whole.coverage == "Every passage is scored by all its token vectors (MaxSim)."
    assert first.coverage.startswith("The token vectors have more than 0 MB: only the 8 passages whose mean vectors")
    query = texts[3]
    ranked, all_of_them = first.rank([query], 8), whole.rank([query], 60)
    scores = dict(zip(all_of_them.ids[0].tolist(), all_of_them.scores[0].tolist(), strict=True))
    assert ranked.ids[0, 0] == 3
    for row, score in zip(ranked.ids[0].tolist(), ranked.scores[0].tolist(), strict=True):
        assert score == pytest.approx(scores[row], abs=1e-5)
    assert (first.rank([query], 12).ids != NO_ID).all(), "as many candidates as are asked for"
    assert toy(texts, max_bytes=0).exhaustive, "there are fewer passages than candidates"


def test_the_limit_counts_what_was_there_before():
    texts = sentences(60)
    retriever = toy(texts[:20], max_bytes=30_000, candidates=10)
    assert retriever.exhaustive
    retriever.index(texts[20:])
    assert not retriever.exhaustive
    assert retriever.search(texts[0], 1)[0]["text"] == texts[0]
    assert retriever.search(texts[59], 1)[0]["text"] == texts[59]


def test_progress_rises_to_one_over_all_groups(monkeypatch):
    monkeypatch.setattr("retriever.retrievers.late_interaction.TEXTS_PER_GROUP", 4)
    seen = []
    toy().index(sentences(10), progress=seen.append)
    assert seen == sorted(seen) and seen[-1] == 1.0 and len(set(seen)) >= 10


def test_an_exception_from_progress_ends_the_work_and_nothing_is_added(monkeypatch):
    monkeypatch.setattr("retriever.retrievers.late_interaction.TEXTS_PER_GROUP", 4)
    retriever = toy(["a lamp"], max_bytes=0)

    def stop(fraction):
        if fraction > 0.5:
            raise Cancelled("stopped")

    with pytest.raises(Cancelled):
        retriever.index(sentences(10), progress=stop)
    assert len(retriever.passages) == 1
    assert retriever.index(sentences(10)) == 10


@pytest.mark.parametrize(
    ("made", "message"),
    [
        (lambda vectors: vectors[1:], "1 of 2 texts"),
        (lambda vectors: [one[:, :5] for one in vectors], "5 dimensions"),
        (lambda vectors: [one * np.nan for one in vectors], "NaN"),
    ],
)
def test_vectors_that_cannot_be_are_refused_and_nothing_is_added(made, message):
    class Wrong(FakeMultiVectorEncoder):
        def encode_document(self, texts, *, progress=None):
            return made(super().encode_document(texts))

    retriever = LateInteractionRetriever("toy", encoder=Wrong())
    with pytest.raises(VectorError, match=message):
        retriever.index(["a lamp", "bread"])
    assert not retriever.passages


@pytest.mark.parametrize("settings", [{"max_bytes": -1}, {"candidates": 0}, {"candidates": 1.5}])
def test_settings_outside_their_range_are_refused(settings):
    with pytest.raises(ParameterError, match=next(iter(settings))):
        toy(**settings)


def test_a_loaded_retriever_keeps_its_limit_its_counts_and_its_scores(tmp_path):
    texts = sentences(60)
    saved = toy([*texts, "lamp " * 100, texts[0]], max_bytes=10_000, candidates=8)
    saved.save(tmp_path)
    loaded = LateInteractionRetriever.load(tmp_path, encoder=FakeMultiVectorEncoder())
    assert (loaded.exhaustive, loaded.n_cut, loaded.nbytes) == (False, 1, saved.nbytes)
    assert (loaded.max_bytes, loaded.candidates) == (10_000, 8)
    assert loaded.search(texts[5], 8) == saved.search(texts[5], 8)
    assert loaded.index([texts[0]]) == 0
    assert loaded.alignment(texts[5], 5).score == pytest.approx(saved.alignment(texts[5], 5).score)


def test_vectors_of_other_weights_or_another_dimension_are_refused(tmp_path):
    class Other(FakeMultiVectorEncoder):
        fingerprint = "fake1111-float32-tokens"

    class Wider(FakeMultiVectorEncoder):
        dimension = 40

    toy(["a lamp"]).save(tmp_path)
    with pytest.raises(ModelError, match="other weights"):
        LateInteractionRetriever.load(tmp_path, encoder=Other())
    with pytest.raises(ModelError, match="40 dimensions"):
        LateInteractionRetriever.load(tmp_path, encoder=Wider())
