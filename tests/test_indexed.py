"""Indexing a collection stage by stage, and what an indexed collection keeps and shares."""

import json
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import numpy as np
import pytest

from retriever import indexed as indexed_module
from retriever.beir import title_and_text
from retriever.collection import Collection
from retriever.documents import Document
from retriever.errors import Cancelled, ChunkingError, CollectionError, ModelError, StorageError
from retriever.index import ExactIndex
from retriever.indexed import IndexedCollection, IndexSettings
from retriever.indexing import PINNED_QUERIES, STAGES, index_collection
from retriever.measurement import knn_recall
from retriever.samples import load_sample

STATIC = IndexSettings("wordllama-256", M=4, ef_construction=20)


@pytest.fixture(scope="module")
def sample():
    return load_sample("documents")


@pytest.fixture(scope="module")
def built(sample, wordllama):
    """The sample documents, indexed with wordllama; tests must not change it."""
    return index_collection(sample, STATIC, reading_seconds=1.25)


@pytest.fixture
def fresh(built, tmp_path):
    """A copy without anything measured yet."""
    built.save(tmp_path / "copy")
    return IndexedCollection.load(tmp_path / "copy")


@pytest.fixture
def no_embedding(monkeypatch):
    """Fail the test if any document is embedded."""

    def refuse(*args, **kwargs):
        pytest.fail("documents were embedded again")

    monkeypatch.setattr("retriever.encoder.SentenceTransformerEncoder.encode_document", refuse)


def passages(n=30, **changed):
    documents = [
        Document(f"d{row}", f"The small lamp number {row} is seen far out at sea.", "Lamp") for row in range(n)
    ]
    return Collection("Lamps", documents, passage=title_and_text, **changed)


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
    monkeypatch.setattr("retriever.encoder.SentenceTransformerEncoder.encode_document", pytest.fail)
    with pytest.raises(CollectionError, match=r"30 chunks.*29"):
        index_collection(passages(), STATIC, max_passages=29)


def test_as_many_passages_as_allowed_are_taken(wordllama):
    assert len(index_collection(passages(), STATIC, max_passages=30)) == 30


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
    texts = [" ".join(text.split()) for text in indexed.retriever.texts]  # drawn sentences are one line
    assert not set(indexed.queries) & set(texts)
    assert all(any(query in text for text in texts) for query in indexed.queries)


def test_even_a_single_word_can_be_measured(wordllama):
    indexed = index_collection(Collection("word", [Document("a", "x")]), STATIC)
    assert len(indexed.queries) == 1
    assert indexed.measure(1, 1).mean_recall == 1


# --- measuring


def test_truth_is_exact_search_found_once_a_k(fresh):
    truth = fresh.truth(7)
    by_hand = ExactIndex(fresh.retriever.vectors).search(fresh.query_vectors, 7)
    np.testing.assert_array_equal(truth.ids, by_hand.ids)
    assert fresh.truth(7) is truth
    assert fresh.truth(3).ids.shape == (len(fresh.queries), 3)


def test_measuring_hnsw_is_done_anew_and_exact_search_once_a_k(fresh):
    first, second = fresh.measure(5, 10), fresh.measure(5, 10)
    assert first is not second
    assert (first.ef, first.k) == (10, 5)
    np.testing.assert_array_equal(first.recall, second.recall)
    np.testing.assert_array_equal(first.recall, knn_recall(fresh.truth(5), first.neighbors))
    exact = fresh.measure_exact(5)
    assert exact.mean_recall == 1
    assert fresh.measure_exact(5) is exact
    assert fresh.measure_exact(4) is not exact


def test_the_curve_is_measured_once_a_k(fresh):
    assert fresh.known_curve(5) is None
    seen = []
    curve = fresh.curve(5, progress=seen.append)
    assert seen[-1] == 1
    assert curve[0].ef == 5
    assert fresh.curve(5, progress=lambda done: pytest.fail("measured twice")) is curve
    assert fresh.known_curve(5) is curve
    assert fresh.known_curve(4) is None


@pytest.mark.parametrize(("what", "name"), [("curve", "ef_curve"), ("measure_exact", "measure")])
def test_visitors_who_ask_at_once_get_one_measurement(fresh, monkeypatch, what, name):
    real, calls, together = getattr(indexed_module, name), [], threading.Barrier(4)

    def slow(*args, **options):
        calls.append(1)
        time.sleep(0.05)
        return real(*args, **options)

    def ask(_):
        together.wait(10)
        return getattr(fresh, what)(5)

    monkeypatch.setattr(indexed_module, name, slow)
    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(ask, range(4)))
    assert len(calls) == 1
    assert all(one is found[0] for one in found)


def test_a_cancelled_curve_is_measured_by_the_next_who_asks(fresh):
    def cancel(fraction):
        raise Cancelled("stop")

    with pytest.raises(Cancelled):
        fresh.curve(5, progress=cancel)
    assert fresh.known_curve(5) is None
    assert fresh.curve(5)


# --- another graph


def test_another_graph_shares_vectors_and_embeds_nothing(fresh, no_embedding):
    exact, curve = fresh.measure_exact(5), fresh.curve(5)
    seen = []
    other = fresh.with_graph(2, 3, progress=lambda stage, fraction: seen.append((stage, fraction)))
    assert np.shares_memory(other.retriever.vectors, fresh.retriever.vectors)
    assert other.query_vectors is fresh.query_vectors
    assert other.queries is fresh.queries
    assert seen[-1] == ("graph", 1)
    assert {stage for stage, _ in seen} == {"graph"}
    assert (other.settings.M, other.settings.ef_construction) == (2, 3)
    assert (other.retriever.hnsw.M, other.retriever.hnsw.ef_construction) == (2, 3)
    assert other.measure_exact(5) is exact  # exact search does not depend on the graph
    assert other.known_curve(5) is None  # the curve does
    assert fresh.known_curve(5) is curve
    assert (fresh.settings.M, fresh.retriever.hnsw.M) == (4, 4)
    assert {**other.seconds, "graph": 0} == {**fresh.seconds, "graph": 0}


def test_a_cancelled_graph_leaves_the_old_one(fresh):
    def cancel(stage, fraction):
        raise Cancelled("stop")

    with pytest.raises(Cancelled):
        fresh.with_graph(2, 3, progress=cancel)
    assert fresh.retriever.hnsw.M == 4
    assert fresh.measure(5, 10).mean_recall > 0


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
    measured, expected = loaded.measure(5, 7), built.measure(5, 7)
    np.testing.assert_array_equal(measured.neighbors.ids, expected.neighbors.ids)


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
}


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES.keys())
def test_parts_that_do_not_fit_are_refused(built, tmp_path, change):
    built.save(tmp_path)
    manifest = json.loads((tmp_path / "manifest.json").read_text())
    change(manifest["extra"])
    (tmp_path / "manifest.json").write_text(json.dumps(manifest))
    with pytest.raises(StorageError, match="damaged"):
        IndexedCollection.load(tmp_path)


def test_what_a_stranger_writes_into_a_folder_does_not_reach_the_inner_parts(built, tmp_path):
    built.save(tmp_path)
    manifest = json.loads((tmp_path / "manifest.json").read_text())
    manifest["extra"] |= {"_lock": "x", "_curves": {"5": "x"}, "_truth": 3, "_exact": None}
    (tmp_path / "manifest.json").write_text(json.dumps(manifest))
    loaded = IndexedCollection.load(tmp_path)
    assert loaded.truth(5).ids.shape == (len(built.queries), 5)
    assert loaded.curve(5)[0].ef == 5
    assert loaded.measure_exact(5).mean_recall == 1


def test_a_plain_retriever_is_no_collection(built, tmp_path):
    built.retriever.save(tmp_path)
    with pytest.raises(StorageError, match="damaged"):
        IndexedCollection.load(tmp_path)
