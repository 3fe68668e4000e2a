"""DenseRetriever: the chapter's contract with the real model, and with a toy encoder what other retrievers lack."""

import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import numpy as np
import pytest

from retriever import DenseRetriever
from retriever.encoders.base import Encoder
from retriever.encoders.catalogue import MODELS
from retriever.errors import Cancelled, ModelError, ParameterError, VectorError
from tests.support.encoders import FakeEncoder

LIGHT = "Fresnel lenses let a small lamp be seen far out at sea."
BREAD = "Sourdough rises because of wild yeast."
NAMES = "lamp sea bread yeast shore light oven far small wild storm ship rock tower salt flour water heat".split()


def texts(n, seed=0):
    rng = np.random.default_rng(seed)
    return [" ".join(rng.choice(NAMES, size=6)) + f" number{seed}x{row}" for row in range(n)]


@pytest.fixture
def make(fake_encoder):
    def make_retriever(**options):
        return DenseRetriever("toy", encoder=fake_encoder, **options)

    return make_retriever


@pytest.fixture
def filled(make):
    retriever = make()
    retriever.index(texts(60), [{"row": row} for row in range(60)])
    return retriever


# --- the chapter's contract


def test_the_chapters_snippet_works_as_it_stands(minilm):
    retriever = DenseRetriever("all-MiniLM-L6-v2")
    retriever.index([LIGHT, BREAD], metadata=[{"source": "lighthouses"}, {"source": "bread"}])
    hits = retriever.search("how do lighthouses reach ships?", top_k=1)
    assert hits == [{"text": LIGHT, "score": hits[0]["score"], "metadata": {"source": "lighthouses"}}]
    assert 0.3 < hits[0]["score"] < 0.6
    assert isinstance(hits[0]["score"], float)
    assert retriever.search("why does bread rise?", top_k=1)[0]["metadata"] == {"source": "bread"}
    assert retriever.dimension == 384
    by_hand = minilm.encode_query(["how do lighthouses reach ships?"])[0] @ minilm.encode_document([LIGHT])[0]
    assert hits[0]["score"] == pytest.approx(float(by_hand), abs=1e-2 if minilm.bfloat16 else 1e-5)


def test_a_model_is_loaded_only_when_it_is_needed(monkeypatch):
    monkeypatch.setattr(
        "retriever.retrievers.lazy_model.load_encoder", lambda *asked: pytest.fail("the model was loaded")
    )
    retriever = DenseRetriever("wordllama-256")
    assert retriever.dimension == 256
    assert retriever.vectors.shape == (0, 256)
    assert retriever.search("anything") == []
    retriever.index([])
    assert retriever.fingerprint.startswith(MODELS["wordllama-256"].sha256[:16])


def test_hits_are_the_nearest_by_cosine_nearest_first(filled, fake_encoder):
    query = "wild storm at sea"
    vectors = fake_encoder.encode_document(filled.texts).astype(np.float64)
    vector = fake_encoder.encode_query([query])[0].astype(np.float64)
    cosines = vectors @ vector / np.linalg.norm(vectors, axis=1) / np.linalg.norm(vector)
    order = np.argsort(-cosines)[:7]
    hits = filled.search(query, top_k=7)
    assert [hit["metadata"]["row"] for hit in hits] == order.tolist()
    assert [hit["text"] for hit in hits] == [filled.texts[row] for row in order]
    np.testing.assert_allclose([hit["score"] for hit in hits], cosines[order], atol=1e-6)


@pytest.mark.parametrize("graph_first", [True, False])
def test_indexing_again_adds_also_to_a_graph_that_is_there(make, graph_first):
    retriever, at_once, all_texts = make(), make(), texts(30)
    at_once.index(all_texts, [{"row": row} for row in range(30)])
    retriever.index(iter(all_texts[:10]), [{"row": row} for row in range(10)])  # any iterable is taken
    if graph_first:
        retriever.build_graph()
    retriever.index(tuple(all_texts[10:]), tuple({"row": row} for row in range(10, 30)))
    assert retriever.texts == all_texts
    assert retriever.metadata == at_once.metadata
    np.testing.assert_array_equal(retriever.vectors, at_once.vectors)
    expected = at_once.search("sea storm")
    for hits in (retriever.search("sea storm"), retriever.search("sea storm", ef=30)):
        assert [hit["metadata"] for hit in hits] == [hit["metadata"] for hit in expected]
        np.testing.assert_allclose([hit["score"] for hit in hits], [hit["score"] for hit in expected], atol=1e-6)
    assert len(retriever.hnsw) == 30


class Counting(FakeEncoder):
    """An encoder that keeps the texts it embeds; its vectors times a sign differ from another's."""

    def __init__(self, fingerprint, sign):
        self.fingerprint, self.sign, self.embedded = fingerprint, sign, []

    def encode_document(self, given, *, progress=None):
        self.embedded += given
        return self.sign * super().encode_document(given, progress=progress)


def counting(given=(), *, fingerprint="fake0000-float32", sign=1):
    retriever = DenseRetriever("toy", encoder=Counting(fingerprint, sign))
    retriever.index(given)
    return retriever


def test_what_is_stored_is_not_embedded_again():
    retriever = counting()
    assert retriever.index([LIGHT, BREAD, LIGHT], [{"row": row} for row in range(3)]) == 2
    assert retriever.index([BREAD, "salt", BREAD]) == 1
    assert retriever.encoder.embedded == [LIGHT, BREAD, "salt"]
    assert retriever.texts == [LIGHT, BREAD, LIGHT, BREAD, "salt", BREAD]
    np.testing.assert_array_equal(retriever.vectors, counting([LIGHT, BREAD, "salt"]).vectors[[0, 1, 0, 1, 2, 1]])
    assert retriever.metadata == [{"row": 0}, {"row": 1}, {"row": 2}, {}, {}, {}]


def test_vectors_of_the_same_weights_are_reused_from_another_retriever_unless_there_are_own():
    other, retriever = counting([LIGHT, BREAD], sign=-1), counting([LIGHT])
    assert retriever.index([LIGHT, "salt", BREAD], known=other) == 1
    assert retriever.encoder.embedded == [LIGHT, "salt"]
    np.testing.assert_array_equal(retriever.vectors[[1, 3]], [retriever.vectors[0], other.vectors[1]])
    nameless = counting([BREAD], fingerprint="")
    for fingerprint, known in (("fake0000-bfloat16", other), ("", other), ("", nameless)):
        assert counting(fingerprint=fingerprint).index([BREAD], known=known) == 1


def test_vectors_loaded_from_a_file_are_not_reused(filled, fake_encoder, tmp_path):
    filled.save(tmp_path)
    loaded = DenseRetriever.load(tmp_path, encoder=fake_encoder)
    for known in (loaded, loaded.with_graph(M=4, ef_construction=20)):
        assert counting().index(texts(60), known=known) == 60
    assert loaded.index(texts(60)) == 0  # it keeps its own


def test_empty_texts_and_texts_without_words_break_nothing(make):
    retriever = make()
    retriever.index(["", "   ", LIGHT, LIGHT])
    assert [hit["score"] for hit in retriever.search("", 4)] == [0, 0, 0, 0]
    hits = retriever.search("lamp", 4, ef=10)
    assert [hit["text"] for hit in hits[:2]] == [LIGHT, LIGHT]
    assert len(hits) == 4


def test_vectors_are_unit_rows_in_the_order_given_and_cannot_be_written_to(filled, fake_encoder):
    assert filled.vectors.shape == (60, 32)
    assert filled.vectors.dtype == np.float32
    np.testing.assert_allclose(np.linalg.norm(filled.vectors, axis=1), 1, atol=1e-6)
    with pytest.raises(ValueError, match="read-only"):
        filled.vectors[0, 0] = 1
    for scale, length in ((3e38, 1), (1e-40, 1), (0, 0)):  # as a forged file may hold them
        scaled = replace(filled.snapshot(), vectors=filled.vectors * np.float32(scale), graph=None)
        loaded = DenseRetriever.from_snapshot(scaled, encoder=fake_encoder)
        np.testing.assert_allclose(np.linalg.norm(loaded.vectors, axis=1), length, atol=1e-4)


# --- exact and approximate


def test_without_ef_no_graph_is_built_and_with_ef_it_is_asked_at_that_ef(filled, monkeypatch):
    exact = filled.search("sea", 5)
    assert filled._hnsw is None
    asked = []
    search = filled.hnsw.search
    monkeypatch.setattr(filled.hnsw, "search", lambda q, k, *, ef: (asked.append((k, ef)), search(q, k, ef=ef))[1])
    filled.search("sea", 5, ef=17)
    assert asked == [(5, 17)]
    assert filled.search("sea", 5) == exact
    assert asked == [(5, 17)]


def test_with_graph_shares_texts_and_vectors_and_links_anew(filled):
    filled.build_graph()
    other = filled.with_graph(M=4, ef_construction=20)
    assert np.shares_memory(other.vectors, filled.vectors)
    assert other.passages is filled.passages
    assert other.hnsw is not filled.hnsw
    assert (other.hnsw.M, other.hnsw.ef_construction) == (4, 20)
    assert (filled.hnsw.M, filled.hnsw.ef_construction) == (16, 200)
    assert other.search("sea") == filled.search("sea")
    other.index(["only here"])  # sharing ends when one of them grows
    assert len(other.texts) == 61
    assert len(filled.texts) == len(filled.vectors) == len(filled.hnsw) == 60


def test_the_graph_has_the_settings_given_and_reports_progress(make):
    retriever, seen = make(M=5, ef_construction=30, seed=7), []
    retriever.index(texts(300))
    graph = retriever.build_graph(progress=seen.append)
    assert (graph.M, graph.ef_construction, graph.seed) == (5, 30, 7)
    assert seen[-1] == 1
    assert retriever.build_graph(progress=lambda done: pytest.fail("built twice")) is graph


# --- bad input


@pytest.mark.parametrize("wrong", [0, 1.5, True, b"10", ["a list"]])
def test_a_bad_ef_is_refused_also_where_nothing_is_stored(make, filled, wrong):
    for retriever in (make(), filled):
        with pytest.raises(ParameterError, match="ef"):
            retriever.search("sea", 3, ef=wrong)


def test_an_ef_below_top_k_has_no_effect(filled):
    assert len(filled.search("sea", 1000, ef=1)) == 60


def test_other_dimensions_unknown_models_and_bad_graph_settings_are_refused_at_once(make):
    assert DenseRetriever("all-MiniLM-L6-v2", 384).dimension == 384
    for dimension in (383, 0, "384"):
        with pytest.raises(ModelError, match="384 dimensions, not"):
            DenseRetriever("all-MiniLM-L6-v2", dimension)
    with pytest.raises(ModelError, match="catalogue"):
        DenseRetriever("no-such-model")
    for wrong in ({"M": 1}, {"ef_construction": 0}, {"seed": -1}):
        with pytest.raises(ParameterError, match=next(iter(wrong))):
            make(**wrong)
    with pytest.raises(ParameterError, match="M"):
        make().with_graph(M=0, ef_construction=200)


class Encoding(Encoder):
    """An encoder that returns given vectors and takes no progress."""

    dimension = 4

    def __init__(self, vectors):
        self.vectors = vectors

    def encode_query(self, texts):
        return self.vectors

    def encode_document(self, texts):
        return self.vectors

    def count_tokens(self, texts):
        return [1 for _ in texts]


@pytest.mark.parametrize(
    "vectors",
    [np.ones((2, 3)), np.ones((1, 4)), np.ones((3, 4)), np.full((2, 4), np.nan), np.ones(4), None],
    ids=["dimension", "too few", "too many", "NaN", "one axis", "nothing"],
)
def test_an_encoder_that_fails_its_promise_is_refused_and_nothing_is_added(vectors):
    retriever = DenseRetriever("own", encoder=Encoding(vectors))
    with pytest.raises(VectorError):
        retriever.index(["a", "b"])
    assert retriever.texts == []


def test_an_encoder_with_nothing_but_the_protocol_is_enough():
    retriever = DenseRetriever("own", encoder=Encoding(np.eye(4)[:1]))
    retriever.index(["a"])
    assert retriever.search("a", ef=5) == [{"text": "a", "score": 1.0, "metadata": {}}]
    assert retriever.fingerprint == ""


def test_cancelling_adds_nothing_and_a_cancelled_graph_is_built_anew(filled):
    def cancel(fraction):
        raise Cancelled("stop")

    with pytest.raises(Cancelled):
        filled.index(texts(5, seed=1), progress=cancel)
    with pytest.raises(Cancelled):
        filled.build_graph(progress=cancel)
    assert len(filled.texts) == len(filled.metadata) == len(filled.vectors) == len(filled.hnsw) == 60


# --- several threads


def test_searching_the_graph_while_another_thread_adds_to_it(make):
    retriever, ended = make(), threading.Event()
    retriever.index(texts(20), [{"text": text} for text in texts(20)])

    def search(ef):
        count = 0
        while not ended.is_set() or count < 5:
            hits = retriever.search("wild storm at sea", 10, ef=ef)
            assert len(hits) == 10
            for hit in hits:
                assert hit["metadata"]["text"] == hit["text"]
            count += 1
        return count

    with ThreadPoolExecutor(2) as pool:
        searching = [pool.submit(search, ef) for ef in (10, 100)]
        try:
            for seed in range(1, 40):
                batch = texts(7, seed)
                retriever.index(batch, [{"text": text} for text in batch])
        finally:
            ended.set()
        assert all(future.result(30) >= 5 for future in searching)
    assert len(retriever.texts) == len(retriever.vectors) == len(retriever.hnsw) == 20 + 39 * 7


def test_threads_that_index_at_once_lose_nothing(make):
    retriever = make()
    retriever.build_graph()
    with ThreadPoolExecutor(4) as pool:
        futures = [
            pool.submit(retriever.index, batch, [{"text": text} for text in batch])
            for batch in (texts(9, seed) for seed in range(12))
        ]
        for future in futures:
            future.result(30)
    assert sorted(retriever.texts) == sorted(text for seed in range(12) for text in texts(9, seed))
    assert [row["text"] for row in retriever.metadata] == retriever.texts
    for row in (0, 50, 107):
        hit = retriever.search(retriever.texts[row], 1, ef=108)[0]
        assert hit["text"] == retriever.texts[row]


# --- on disk


def test_what_was_saved_answers_the_same_after_loading(filled, fake_encoder, tmp_path):
    filled.index(["日本語 😀 \u2028 e\u0301"], [{"ключ": ["значение", None, 1.5]}])
    filled.save(tmp_path / "saved")
    loaded = DenseRetriever.load(tmp_path / "saved", encoder=fake_encoder)
    assert (loaded.model_name, loaded.M, loaded.ef_construction, loaded.seed) == ("toy", 16, 200, 42)
    assert loaded.passages == filled.passages
    np.testing.assert_array_equal(loaded.vectors, filled.vectors)
    for ef in (None, 10):
        assert loaded.search("wild storm 日本語", 10, ef=ef) == filled.search("wild storm 日本語", 10, ef=ef)
    loaded.index(["one more"])
    assert len(loaded.hnsw) == 62


def test_a_packaged_model_comes_back_with_its_weights_checked(wordllama, tmp_path, monkeypatch):
    retriever = DenseRetriever("wordllama-256", M=8)
    retriever.index([LIGHT, BREAD])
    retriever.save(tmp_path)
    loaded = DenseRetriever.load(tmp_path)
    assert loaded.search("lamp") == retriever.search("lamp")
    assert loaded.M == 8
    monkeypatch.setattr(
        "retriever.retrievers.lazy_model.packaged_fingerprint", lambda card, device: "ffffffffffffffff-float32"
    )
    with pytest.raises(ModelError, match="other weights"):
        DenseRetriever.load(tmp_path)
    monkeypatch.setattr(
        "retriever.retrievers.lazy_model.packaged_fingerprint",
        lambda card, device: card.sha256[:16] + "-another-precision",
    )
    DenseRetriever.load(tmp_path)


def test_another_encoder_than_the_one_that_made_the_vectors_is_refused(filled, tmp_path):
    filled.save(tmp_path)
    other = Encoding(np.eye(4)[:1])
    with pytest.raises(ModelError, match="4 dimensions, not 32"):
        DenseRetriever.load(tmp_path, encoder=other)
    other.dimension, other.fingerprint = 32, "another0-float32"
    with pytest.raises(ModelError, match="other weights"):
        DenseRetriever.load(tmp_path, encoder=other)
    with pytest.raises(ModelError, match="catalogue"):  # "toy" is not in the catalogue
        DenseRetriever.load(tmp_path)


def test_a_fetched_models_weights_are_checked_when_it_is_loaded(monkeypatch, tmp_path, fake_encoder):
    class Fetched(type(fake_encoder)):
        dimension, fingerprint = 384, "11112222-float32"

    name = "multi-qa-MiniLM-L6-cos-v1"
    monkeypatch.setattr("retriever.retrievers.lazy_model.load_encoder", lambda asked, device: Fetched())
    retriever = DenseRetriever(name)
    retriever.index([LIGHT, BREAD])
    retriever.save(tmp_path)
    assert DenseRetriever.load(tmp_path).search("lamp", 1)[0]["text"] == LIGHT
    Fetched.fingerprint = "99998888-float32"
    changed = DenseRetriever.load(tmp_path)  # without a network the collection can still be viewed
    for stale in (changed, changed.with_graph(M=4, ef_construction=20)):
        with pytest.raises(ModelError, match="other weights"):
            stale.search("lamp")


def test_an_empty_retriever_with_numpy_settings_can_be_saved_and_loaded(make, fake_encoder, tmp_path):
    make(M=np.int64(4), ef_construction=np.int32(20), seed=np.uint8(1)).save(tmp_path)
    loaded = DenseRetriever.load(tmp_path, encoder=fake_encoder)
    assert (loaded.M, loaded.search("sea", ef=10)) == (4, [])
    loaded.index([LIGHT])
    assert loaded.search("lamp", ef=10)[0]["text"] == LIGHT
