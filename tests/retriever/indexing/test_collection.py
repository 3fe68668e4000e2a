"""The indexing pipeline stage by stage, and what an indexed collection caches, shares and saves."""

import json
from collections import defaultdict
from dataclasses import asdict, replace
from functools import partial
from types import MappingProxyType

import numpy as np
import pytest

from retriever.datasets.beir import title_and_text
from retriever.datasets.collection import Collection
from retriever.datasets.samples import load_sample
from retriever.documents.document import Document
from retriever.errors import Cancelled, ChunkingError, CollectionError, ModelError, StorageError
from retriever.indexes.exact import ExactIndex
from retriever.indexing.collection import IndexedCollection, IndexSettings
from retriever.indexing.pipeline import PINNED_QUERIES, STAGES, index_collection, with_model

STATIC = IndexSettings("wordllama-256", M=4, ef_construction=20)
MINILM = "all-MiniLM-L6-v2"


@pytest.fixture(scope="module")
def sample():
    return load_sample("documents")


@pytest.fixture(scope="module")
def built(sample, wordllama):
    """The sample documents, indexed with wordllama; tests must not change it."""
    return index_collection(sample, STATIC, reading_seconds=1.25)


@pytest.fixture
def fresh(built, tmp_path):
    """A copy without measurements."""
    built.save(tmp_path / "copy")
    return IndexedCollection.load(tmp_path / "copy")


@pytest.fixture
def no_embedding(monkeypatch):
    """Fail the test if any document is embedded."""

    def refuse(*args, **kwargs):
        pytest.fail("documents were embedded again")

    monkeypatch.setattr("retriever.encoders.sentence_transformer.SentenceTransformerEncoder.encode_document", refuse)


def passages(n=30, **changed):
    documents = [
        Document(f"d{row}", f"The small lamp number {row} is seen far out at sea.", "Lamp") for row in range(n)
    ]
    return Collection("Lamps", documents, passage=title_and_text, **changed)


def judged_passages():
    queries = {"q1": "how far is lamp 3 seen?", "q2": "who lights it?"}
    return passages(queries=queries, qrels={"q1": {"d3": 2, "d4": 1}}, relevance_level=2, kinds={"q1": "fact"})


# --- building


def test_chunks_carry_where_they_came_from(built, sample):
    documents = {document.doc_id: document for document in sample.documents}
    retriever = built.retriever
    assert len(built) == len(retriever.texts) == len(retriever.vectors) == len(retriever.hnsw) > 20
    assert {row["doc_id"] for row in retriever.metadata} == set(documents)
    for text, row in zip(retriever.texts, retriever.metadata, strict=True):
        document = documents[row["doc_id"]]
        assert document.text[row["start"] : row["end"]] == text
        assert row["title"] == document.title
        assert row["source"] == document.metadata["source"]
        assert row["chunk_id"].startswith(row["doc_id"] + "#")
    assert len({row["chunk_id"] for row in retriever.metadata}) == len(built)


def test_counts_and_seconds_are_those_of_the_work(built, sample, wordllama):
    assert built.name == sample.name
    assert built.n_documents == len(sample.documents)
    assert built.n_tokens == sum(wordllama.count_tokens(built.retriever.texts))
    assert list(built.seconds) == list(STAGES)
    assert built.seconds["reading"] == 1.25
    assert all(seconds >= 0 for seconds in built.seconds.values())
    assert built.chunked
    assert not built.failed
    assert built.settings == replace(STATIC, chunk_size=200)  # the default, named


def test_a_chunk_size_of_ones_own_is_kept_and_obeyed(sample, wordllama):
    settings = replace(STATIC, chunk_size=40, chunk_overlap=10)
    indexed = index_collection(sample, settings)
    assert indexed.settings == settings
    assert max(wordllama.count_tokens(indexed.retriever.texts)) <= 40


@pytest.mark.parametrize(("own", "reads", "size"), [(40, None, 40), (300, None, 300), (300, 64, 64), (None, None, 200)])
def test_a_collection_may_have_a_chunk_size_of_its_own(sample, wordllama, monkeypatch, own, reads, size):
    monkeypatch.setattr(wordllama, "max_tokens", reads)
    indexed = index_collection(replace(sample, chunk_size=own), STATIC)
    assert indexed.settings == replace(STATIC, chunk_size=size)
    assert size // 2 < max(wordllama.count_tokens(indexed.retriever.texts)) <= size
    asked = index_collection(replace(sample, chunk_size=own), replace(STATIC, chunk_size=50))
    assert asked.settings.chunk_size == 50  # an explicit setting takes precedence


def test_whole_documents_are_passages_where_the_collection_says_so(wordllama):
    collection = passages(failed={"broken.pdf": "it is broken"})
    indexed = index_collection(collection, STATIC)
    assert indexed.retriever.texts == [title_and_text(document) for document in collection.documents]
    assert indexed.retriever.metadata[3] == {"doc_id": "d3", "title": "Lamp"}
    assert not indexed.chunked
    assert indexed.failed == {"broken.pdf": "it is broken"}


def test_progress_goes_through_the_stages_in_order(sample, wordllama):
    seen = []
    index_collection(sample, STATIC, progress=lambda stage, fraction: seen.append((stage, fraction)))
    stages = [stage for stage, _ in seen]
    assert list(dict.fromkeys(stages)) == list(STAGES[1:])
    assert stages == sorted(stages, key=STAGES.index)
    for stage in STAGES[1:]:
        fractions = [fraction for name, fraction in seen if name == stage]
        assert fractions[0] == 0
        assert fractions[-1] == 1
        assert fractions == sorted(fractions)


@pytest.mark.parametrize("stage", STAGES[1:])
def test_a_progress_that_raises_ends_the_work_at_that_stage(sample, wordllama, stage):
    seen = []

    def cancel(name, fraction):
        seen.append(name)
        if name == stage:
            raise Cancelled("stop")

    with pytest.raises(Cancelled):
        index_collection(sample, STATIC, progress=cancel)
    assert seen.count(stage) == 1
    assert seen[-1] == stage


def test_what_cannot_be_indexed_is_refused(wordllama, monkeypatch):
    for nothing in (Collection("empty", []), Collection("blank", [Document("a", " \n ")])):
        with pytest.raises(CollectionError, match="no text"):
            index_collection(nothing, STATIC)
    with pytest.raises(ModelError, match="catalogue"):
        index_collection(passages(), IndexSettings("no-such-model"))
    chunked = replace(passages(), passage=None)
    with pytest.raises(ChunkingError, match="3 tokens"):
        index_collection(chunked, replace(STATIC, chunk_size=3))
    monkeypatch.setattr(
        "retriever.encoders.sentence_transformer.SentenceTransformerEncoder.encode_document", pytest.fail
    )
    with pytest.raises(CollectionError, match=r"30 passages; at most 29.* Load less\.$"):
        index_collection(passages(), STATIC, max_passages=29)
    with pytest.raises(CollectionError, match=r"30 chunks; at most 29.* larger chunks\.$"):
        index_collection(replace(passages(), passage=None), STATIC, max_passages=29)


def test_too_many_passages_are_refused_before_the_model_is_loaded(monkeypatch):
    monkeypatch.setattr("retriever.indexing.pipeline.load_encoder", lambda name: pytest.fail("the model was loaded"))
    with pytest.raises(CollectionError, match=r"30 passages; at most 29.* Load less\.$"):
        index_collection(passages(), STATIC, max_passages=29)
    with pytest.raises(CollectionError, match="no text"):
        index_collection(passages(0), STATIC)


def test_judgments_that_fit_nothing_are_refused_before_the_model_is_loaded(monkeypatch):
    monkeypatch.setattr("retriever.indexing.pipeline.load_encoder", lambda name: pytest.fail("the model was loaded"))
    with pytest.raises(CollectionError, match=r"document ids.*'lamp'"):
        index_collection(passages(queries={"q": "lamp?"}, qrels={"q": {"lamp": 1}}), STATIC)
    with pytest.raises(CollectionError, match=r"query ids.*'x'"):
        index_collection(passages(queries={"q": "lamp?"}, qrels={"x": {"d1": 1}}), STATIC)


def test_judgments_come_with_the_collection(wordllama):
    indexed = index_collection(judged_passages(), STATIC)
    assert asdict(indexed.judged) == {
        "queries": {"q1": "how far is lamp 3 seen?", "q2": "who lights it?"},
        "qrels": {"q1": {"d3": 2, "d4": 1}},
        "relevance_level": 2,
        "kinds": {"q1": "fact"},
    }
    assert list(indexed.queries) == ["how far is lamp 3 seen?", "who lights it?"], "measured by all, judged or not"
    assert index_collection(passages(), STATIC).judged is None


def test_as_many_passages_as_allowed_are_taken(wordllama):
    assert len(index_collection(passages(), STATIC, max_passages=30)) == 30


def test_passages_longer_than_the_model_reads_are_counted(minilm):
    texts = ["word " * 254, "word " * 255, "word", "word " * 600]
    assert minilm.count_tokens(texts) == [256, 257, 3, 602], "the first is just what the model reads"
    documents = [Document(f"d{row}", text) for row, text in enumerate(texts)]
    indexed = index_collection(
        Collection("Words", documents, passage=title_and_text), replace(STATIC, model_name=MINILM)
    )
    assert indexed.n_cut == 2
    assert indexed.n_tokens == 256 + 257 + 3 + 602
    assert with_model(indexed, "wordllama-256").n_cut == 0  # which reads texts of any length
    assert with_model(with_model(indexed, "wordllama-256"), MINILM).n_cut == 2


def test_chunks_that_fit_are_not_cut(built, minilm):
    assert built.n_cut == 0
    assert index_collection(load_sample("documents"), replace(STATIC, model_name=MINILM)).n_cut == 0


# --- the pinned queries


def test_queries_are_the_collections_own_and_stay_the_same(built, sample, wordllama):
    assert built.queries == list(sample.queries.values())
    assert not built.drawn
    encoded = wordllama.encode_query(built.queries)  # (n_queries, dim), not of unit length
    lengths = np.linalg.norm(encoded.astype(np.float64), axis=1, keepdims=True)
    np.testing.assert_allclose(built.query_vectors, encoded / lengths, atol=1e-6)
    again = index_collection(sample, STATIC)
    assert again.queries == built.queries
    np.testing.assert_array_equal(again.query_vectors, built.query_vectors)


def test_of_many_queries_a_hundred_are_pinned_for_good(wordllama):
    queries = {f"q{n}": f"how far is lamp {n} seen?" for n in range(250)}
    first = index_collection(passages(queries=queries), STATIC)
    assert len(first.queries) == len(set(first.queries)) == PINNED_QUERIES == len(first.query_vectors)
    assert set(first.queries) <= set(queries.values())
    assert index_collection(passages(queries=queries), STATIC).queries == first.queries


def test_without_queries_sentences_are_drawn_and_none_is_a_stored_text(sample, wordllama):
    indexed = index_collection(replace(sample, queries={}), STATIC)
    assert indexed.drawn
    assert 20 < len(indexed.queries) <= PINNED_QUERIES
    texts = [" ".join(text.split()) for text in indexed.retriever.texts]  # drawn sentences have no line breaks
    assert not set(indexed.queries) & set(texts)
    assert all(any(query in text for text in texts) for query in indexed.queries)


def test_even_a_single_word_can_be_measured(wordllama):
    indexed = index_collection(Collection("word", [Document("a", "x")]), STATIC)
    assert len(indexed.queries) == 1
    assert indexed.measurements.measure(1, 1).mean_recall == 1


# --- another graph


def test_another_graph_shares_vectors_and_embeds_nothing(fresh, no_embedding):
    exact, curve = fresh.measurements.measure_exact(5), fresh.measurements.curve(5)
    seen = []
    other = fresh.with_graph(2, 3, progress=lambda stage, fraction: seen.append((stage, fraction)))
    assert np.shares_memory(other.retriever.vectors, fresh.retriever.vectors)
    assert other.query_vectors is fresh.query_vectors
    assert other.queries is fresh.queries
    assert seen[-1] == ("graph", 1)
    assert {stage for stage, _ in seen} == {"graph"}
    assert (other.settings.M, other.settings.ef_construction) == (2, 3)
    assert (other.retriever.hnsw.M, other.retriever.hnsw.ef_construction) == (2, 3)
    assert other.measurements.measure_exact(5) is exact  # exact search does not depend on the graph
    assert other.measurements.known_curve(5) is None  # the curve does
    assert fresh.measurements.known_curve(5) is curve
    assert (fresh.settings.M, fresh.retriever.hnsw.M) == (4, 4)
    assert {**other.seconds, "graph": 0} == {**fresh.seconds, "graph": 0}


def test_a_cancelled_graph_leaves_the_old_one(fresh):
    def cancel(stage, fraction):
        raise Cancelled("stop")

    with pytest.raises(Cancelled):
        fresh.with_graph(2, 3, progress=cancel)
    assert fresh.retriever.hnsw.M == 4
    assert fresh.measurements.measure(5, 10).mean_recall > 0


# --- another model


@pytest.mark.parametrize("judged", [False, True])
def test_another_model_changes_the_vectors_and_nothing_else(built, minilm, wordllama, judged):
    before = index_collection(judged_passages(), STATIC) if judged else built
    before.measurements.truth(5)
    other = with_model(before, MINILM)
    for name in ("name", "queries", "n_documents", "failed", "chunked", "drawn", "judged"):
        assert getattr(other, name) == getattr(before, name), name
    assert other.retriever.texts == before.retriever.texts
    assert other.retriever.metadata == before.retriever.metadata
    assert other.settings == replace(before.settings, model_name=MINILM)
    assert (other.retriever.model_name, other.retriever.dimension) == (MINILM, 384)
    assert (other.retriever.hnsw.M, other.retriever.hnsw.ef_construction, len(other.retriever.hnsw)) == (
        4,
        20,
        len(before),
    )
    expected = minilm.encode_document(other.retriever.texts).astype(np.float64)
    expected /= np.linalg.norm(expected, axis=1, keepdims=True)
    np.testing.assert_allclose(other.retriever.vectors, expected, atol=1e-2 if minilm.bfloat16 else 1e-5)
    asked = minilm.encode_query(other.queries).astype(np.float64)
    asked /= np.linalg.norm(asked, axis=1, keepdims=True)
    np.testing.assert_allclose(other.query_vectors, asked, atol=1e-5)
    assert other.n_tokens == sum(minilm.count_tokens(other.retriever.texts)) != before.n_tokens
    assert list(other.seconds) == ["loading the model", "embedding", "graph"]
    own = ExactIndex(expected.astype(np.float32)).search(asked.astype(np.float32), 5)
    np.testing.assert_allclose(other.measurements.truth(5).scores, own.scores, atol=1e-2 if minilm.bfloat16 else 1e-5)
    assert other.measurements.known_curve(5) is None


def test_another_model_leaves_the_collection_as_it_was(fresh, minilm):
    vectors, truth, settings, seconds = (
        fresh.retriever.vectors,
        fresh.measurements.truth(5),
        fresh.settings,
        dict(fresh.seconds),
    )
    with_model(fresh, MINILM)
    assert fresh.retriever.vectors is vectors
    assert fresh.measurements.truth(5) is truth
    assert (fresh.settings, fresh.seconds) == (settings, seconds)
    assert fresh.retriever.dimension == fresh.query_vectors.shape[1] == 256


def test_back_to_the_first_model_is_the_same_as_before(built, minilm):
    back = with_model(with_model(built, MINILM), "wordllama-256")
    np.testing.assert_array_equal(back.retriever.vectors, built.retriever.vectors)
    np.testing.assert_array_equal(back.query_vectors, built.query_vectors)
    assert (back.settings, back.n_tokens, back.n_cut) == (built.settings, built.n_tokens, built.n_cut)


def test_progress_with_another_model_goes_through_its_stages(built, minilm):
    seen = []
    with_model(built, MINILM, progress=lambda stage, fraction: seen.append((stage, fraction)))
    assert list(dict.fromkeys(stage for stage, _ in seen)) == ["loading the model", "embedding", "graph"]
    for stage in ("loading the model", "embedding", "graph"):
        fractions = [fraction for name, fraction in seen if name == stage]
        assert (fractions[0], fractions[-1]) == (0, 1)
        assert fractions == sorted(fractions)


def test_another_model_that_cannot_be_had_is_refused_before_anything_is_embedded(built, no_embedding):
    with pytest.raises(ModelError, match="catalogue"):
        with_model(built, "no-such-model")
    with pytest.raises(ModelError, match="could not be fetched"):
        with_model(built, "BAAI/bge-small-en-v1.5")


# --- on disk


@pytest.mark.parametrize("with_graph", [True, False])
def test_a_saved_collection_comes_back_whole(built, tmp_path, with_graph, no_embedding):
    built.save(tmp_path)
    loaded = IndexedCollection.load(tmp_path, with_graph=with_graph)
    for name in ("name", "settings", "n_documents", "n_tokens", "seconds", "failed", "chunked", "drawn"):
        assert getattr(loaded, name) == getattr(built, name), name
    assert list(loaded.queries) == list(built.queries)
    np.testing.assert_array_equal(loaded.query_vectors, built.query_vectors)
    np.testing.assert_array_equal(loaded.retriever.vectors, built.retriever.vectors)
    assert loaded.retriever.texts == built.retriever.texts
    assert loaded.retriever.metadata == built.retriever.metadata
    measured, expected = loaded.measurements.measure(5, 7), built.measurements.measure(5, 7)
    np.testing.assert_array_equal(measured.neighbors.ids, expected.neighbors.ids)


def test_judgments_and_the_number_of_cut_passages_come_back(wordllama, tmp_path):
    indexed = replace(index_collection(judged_passages(), STATIC), n_cut=3)
    indexed.save(tmp_path)
    loaded = IndexedCollection.load(tmp_path)
    assert loaded.n_cut == 3
    assert asdict(loaded.judged) == asdict(indexed.judged)
    assert list(loaded.judged.asked) == list(indexed.judged.asked)
    assert asdict(loaded.with_graph(8, 50).judged) == asdict(indexed.judged)


@pytest.mark.parametrize("kind", [MappingProxyType, partial(defaultdict, dict)], ids=["read-only", "defaultdict"])
def test_judgments_in_any_mapping_can_be_saved(wordllama, tmp_path, kind):
    collection = judged_passages()
    indexed = index_collection(replace(collection, qrels=kind(collection.qrels)), STATIC)
    indexed.save(tmp_path)
    assert IndexedCollection.load(tmp_path).judged.qrels == collection.qrels


def test_judgments_of_the_sample_come_back_in_order(built, tmp_path):
    built.save(tmp_path)
    loaded = IndexedCollection.load(tmp_path)
    assert list(loaded.judged.asked.items()) == list(built.judged.asked.items())
    assert loaded.judged.qrels == built.judged.qrels


def test_a_collection_without_judgments_is_loaded_without(wordllama, tmp_path):
    index_collection(passages(), STATIC).save(tmp_path)
    assert IndexedCollection.load(tmp_path).judged is None


def test_what_an_older_version_saved_is_read(built, tmp_path):
    built.save(tmp_path)
    manifest = json.loads((tmp_path / "manifest.json").read_text())
    del manifest["extra"]["judged"], manifest["extra"]["n_cut"]
    (tmp_path / "manifest.json").write_text(json.dumps(manifest))
    loaded = IndexedCollection.load(tmp_path)
    assert loaded.judged is None
    assert loaded.n_cut == 0


CHANGES = {
    "no name": lambda extra: extra.pop("name"),
    "a number as name": lambda extra: extra.update(name=3),
    "no settings": lambda extra: extra.pop("settings"),
    "unknown settings": lambda extra: extra["settings"].update(other=1),
    "settings of another graph": lambda extra: extra["settings"].update(M=64),
    "settings of another model": lambda extra: extra["settings"].update(model_name="all-MiniLM-L6-v2"),
    "settings a list": lambda extra: extra.update(settings=[1]),
    "no queries": lambda extra: extra.update(queries=[]),
    "numbers as queries": lambda extra: extra.update(queries=[1] * len(extra["queries"])),
    "fewer queries": lambda extra: extra["queries"].pop(),
    "unknown parts": lambda extra: extra.update(other=1),
    "a retriever": lambda extra: extra.update(retriever=1),
    "seconds a list": lambda extra: extra.update(seconds=[1]),
    "seconds as text": lambda extra: extra.update(seconds={"graph": "long"}),
    "failed a list": lambda extra: extra.update(failed=["a"]),
    "a count as text": lambda extra: extra.update(n_documents="many"),
    "cut passages as text": lambda extra: extra.update(n_cut="some"),
    "judgments a text": lambda extra: extra.update(judged="q1"),
    "judgments a list": lambda extra: extra.update(judged=[1]),
    "unknown parts of judgments": lambda extra: extra["judged"].update(other=1),
    "judgments without queries": lambda extra: extra["judged"].pop("queries"),
    "judgments of nothing": lambda extra: extra["judged"].update(qrels={}),
    "queries a list": lambda extra: extra["judged"].update(queries=["how hot?"]),
    "a number as query": lambda extra: extra["judged"]["queries"].update(q01=3),
    "a number as kind": lambda extra: extra["judged"].update(kinds={"q01": 3}),
    "documents a list": lambda extra: extra["judged"]["qrels"].update(q01=["tea.txt"]),
    "a grade as text": lambda extra: extra["judged"]["qrels"]["q01"].update({"tea.txt": "1"}),
    "a grade that is a fraction": lambda extra: extra["judged"]["qrels"]["q01"].update({"tea.txt": 1.0}),
    "a grade that takes all memory": lambda extra: extra["judged"]["qrels"]["q01"].update({"tea.txt": 10**9}),
    "a level as text": lambda extra: extra["judged"].update(relevance_level="1"),
}


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES.keys())
def test_parts_that_do_not_fit_are_refused(built, tmp_path, change):
    built.save(tmp_path)
    manifest = json.loads((tmp_path / "manifest.json").read_text())
    change(manifest["extra"])
    (tmp_path / "manifest.json").write_text(json.dumps(manifest))
    with pytest.raises(StorageError, match="damaged"):
        IndexedCollection.load(tmp_path)


@pytest.mark.parametrize("name", ["_lock", "measurements", "measurements_of", "another"])
def test_an_untrusted_folder_cannot_set_other_fields(built, tmp_path, name):
    built.save(tmp_path)
    manifest = json.loads((tmp_path / "manifest.json").read_text())
    manifest["extra"][name] = "x"
    (tmp_path / "manifest.json").write_text(json.dumps(manifest))
    with pytest.raises(StorageError, match=name):
        IndexedCollection.load(tmp_path)


def test_a_plain_retriever_is_no_collection(built, tmp_path):
    built.retriever.save(tmp_path)
    with pytest.raises(StorageError, match="damaged"):
        IndexedCollection.load(tmp_path)
