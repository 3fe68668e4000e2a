"""The indexing pipeline stage by stage, and what an indexed collection shares and saves."""

import json
from collections import defaultdict
from dataclasses import asdict, replace
from functools import partial
from types import MappingProxyType

import numpy as np
import pytest

from retriever.datasets.collection import Collection
from retriever.datasets.samples import load_sample
from retriever.documents.document import Document, title_and_text
from retriever.errors import Cancelled, ChunkingError, CollectionError, ModelError, StorageError
from retriever.indexes.exact import ExactIndex
from retriever.indexing.collection import IndexedCollection, IndexSettings
from retriever.indexing.pipeline import PINNED_QUERIES, STAGES, index_collection, with_model

STATIC = IndexSettings("wordllama-256", M=4, ef_construction=20)
MINILM = "all-MiniLM-L6-v2"
OTHER_STAGES = ["loading the model", "embedding", "graph", "queries"]  # with another model


@pytest.fixture(scope="module")
def sample():
    return load_sample("documents")


@pytest.fixture(scope="module")
def built(sample, wordllama):
    """The sample documents, indexed with wordllama; tests must not change it."""
    return index_collection(sample, STATIC, reading_seconds=1.25)


@pytest.fixture
def no_embedding(monkeypatch):
    """Fail the test if any document is embedded."""
    encoder = "retriever.encoders.sentence_transformer.SentenceTransformerEncoder"
    monkeypatch.setattr(f"{encoder}.encode_document", lambda *args, **options: pytest.fail("documents were embedded"))


@pytest.fixture
def no_model(monkeypatch):
    """Fail the test if a model is loaded."""
    monkeypatch.setattr(
        "retriever.indexing.pipeline.load_encoder", lambda name, progress=None: pytest.fail("the model was loaded")
    )


def passages(n=30, **changed):
    documents = [
        Document(f"d{row}", f"The small lamp number {row} is seen far out at sea.", "Lamp") for row in range(n)
    ]
    return Collection("Lamps", documents, **{"passage": title_and_text, **changed})


def judged_passages():
    queries = {"q1": "how far is lamp 3 seen?", "q2": "who lights it?"}
    return passages(queries=queries, qrels={"q1": {"d3": 2, "d4": 1}}, relevance_level=2, kinds={"q1": "fact"})


# --- building


def test_chunks_carry_where_they_came_from(built, sample):
    documents = {document.doc_id: document for document in sample.documents}
    retriever = built.retriever
    assert len(built) == len(retriever.texts) == len(retriever.vectors) == len(retriever.hnsw) > 20
    assert {row["doc_id"] for row in retriever.metadata} == set(documents)
    for passage, row in zip(retriever.passages, retriever.metadata, strict=True):
        document = documents[row["doc_id"]]
        assert document.text[row["start"] : row["end"]] == passage.text
        assert passage.encoded_text == (title_and_text(document) if "row" in row else passage.text)
        assert (row["title"], row["source"]) == (document.title, document.metadata["source"])
        assert row["chunk_id"].startswith(row["doc_id"] + "#")
    assert len({row["chunk_id"] for row in retriever.metadata}) == len(built)


def test_counts_and_seconds_are_those_of_the_work(built, sample, wordllama):
    assert (built.name, built.n_documents, built.n_cut) == (sample.name, len(sample.documents), 0)
    assert built.n_tokens == sum(wordllama.count_tokens(built.retriever.texts))
    assert list(built.seconds) == list(STAGES)
    assert built.seconds["reading"] == 1.25 and min(built.seconds.values()) >= 0
    assert built.chunked and not built.failed
    assert built.settings == replace(STATIC, chunk_size=200)  # the default, named


@pytest.mark.parametrize(("own", "reads", "size"), [(40, None, 40), (300, None, 300), (300, 64, 64), (None, None, 200)])
def test_a_collection_may_have_a_chunk_size_of_its_own(sample, wordllama, monkeypatch, own, reads, size):
    monkeypatch.setattr(wordllama, "max_tokens", reads)
    given = replace(STATIC, chunk_size=50, chunk_overlap=10)  # takes precedence
    for settings, expected in ((STATIC, replace(STATIC, chunk_size=size)), (given, given)):
        indexed = index_collection(replace(sample, chunk_size=own), settings)
        assert indexed.settings == expected
        longest = max(wordllama.count_tokens(indexed.retriever.texts))
        assert expected.chunk_size // 2 < longest <= expected.chunk_size


def test_whole_documents_are_passages_where_the_collection_says_so(wordllama):
    collection = passages(failed={"broken.pdf": "it is broken"})
    indexed = index_collection(collection, STATIC, max_passages=30)  # as many as allowed
    assert indexed.retriever.texts == [title_and_text(document) for document in collection.documents]
    assert indexed.retriever.metadata[3] == {"doc_id": "d3", "title": "Lamp"}
    assert not indexed.chunked and indexed.judged is None
    assert indexed.failed == {"broken.pdf": "it is broken"}


@pytest.mark.parametrize("stages", [list(STAGES[1:]), OTHER_STAGES], ids=["index_collection", "with_model"])
def test_progress_goes_through_the_stages_in_order_and_may_end_the_work(sample, built, minilm, stages):
    def work(progress):
        if stages == OTHER_STAGES:
            with_model(built, MINILM, progress=progress)
        else:
            index_collection(sample, STATIC, progress=progress)

    seen = []
    work(lambda stage, fraction: seen.append((stage, fraction)))
    assert list(dict.fromkeys(stage for stage, _ in seen)) == stages
    assert [stage for stage, _ in seen] == sorted((stage for stage, _ in seen), key=stages.index)
    for stage in stages:
        fractions = [fraction for name, fraction in seen if name == stage]
        assert (fractions[0], fractions[-1]) == (0, 1) and fractions == sorted(fractions)

        reached = []

        def cancel(name, fraction, stage=stage, reached=reached):
            reached.append(name)
            if name == stage:
                raise Cancelled("stop")

        with pytest.raises(Cancelled):
            work(cancel)
        assert reached.count(stage) == 1 and reached[-1] == stage


LAMP = {"q": "lamp?"}


@pytest.mark.parametrize(
    ("collection", "message"),
    [
        (passages(0), "no text"),
        (passages(), r"30 passages; at most 29.* Load less\.$"),
        (passages(29, queries=LAMP, qrels={"q": {"lamp": 1}}), r"document ids.*'lamp'"),
        (passages(29, queries=LAMP, qrels={"x": {"d1": 1}}), r"query ids.*'x'"),
    ],
    ids=["nothing", "too many", "other documents", "other queries"],
)
def test_what_cannot_be_indexed_is_refused_before_the_model_is_loaded(no_model, collection, message):
    with pytest.raises(CollectionError, match=message):
        index_collection(collection, STATIC, max_passages=29)


def test_what_cannot_be_chunked_or_embedded_is_refused(wordllama, no_embedding):
    with pytest.raises(CollectionError, match="no text"):
        index_collection(Collection("blank", [Document("a", " \n ")]), STATIC)
    with pytest.raises(ModelError, match="catalogue"):
        index_collection(passages(), IndexSettings("no-such-model"))
    with pytest.raises(ChunkingError, match="3 tokens"):
        index_collection(passages(passage=None), replace(STATIC, chunk_size=3))
    with pytest.raises(CollectionError, match=r"30 chunks; at most 29.* larger chunks\.$"):
        index_collection(passages(passage=None), STATIC, max_passages=29)


def test_passages_longer_than_the_model_reads_are_counted(minilm, sample):
    texts = ["word " * 254, "word " * 255, "word", "word " * 600]
    assert minilm.count_tokens(texts) == [256, 257, 3, 602], "the first is just what the model reads"
    words = Collection("Words", [Document(text, text) for text in texts], passage=title_and_text)
    indexed = index_collection(words, replace(STATIC, model_name=MINILM))
    assert (indexed.n_cut, indexed.n_tokens) == (2, 256 + 257 + 3 + 602)
    static = with_model(indexed, "wordllama-256")
    assert (static.n_cut, with_model(static, MINILM).n_cut) == (0, 2)  # wordllama reads texts of any length
    assert index_collection(sample, replace(STATIC, model_name=MINILM)).n_cut == 0, "chunks fit"


# --- the pinned queries


def test_queries_are_the_collections_own(built, sample, wordllama):
    assert built.queries == list(sample.queries.values()) and not built.drawn
    encoded = wordllama.encode_query(built.queries).astype(np.float64)  # (n_queries, dim), not of unit length
    np.testing.assert_allclose(built.query_vectors, encoded / np.linalg.norm(encoded, axis=1, keepdims=True), atol=1e-6)


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
    word = index_collection(Collection("word", [Document("a", "x")]), STATIC)
    assert len(word.queries) == word.measurements.measure(1, 1).hnsw.mean_recall == 1, "even one word can be measured"


# --- another graph


def test_another_graph_shares_vectors_and_embeds_nothing(built, no_embedding):
    truth, curve = built.measurements.truth(5), built.measurements.curve(5)
    seen = []
    other = built.with_graph(2, 3, progress=lambda stage, fraction: seen.append((stage, fraction)))
    assert np.shares_memory(other.retriever.vectors, built.retriever.vectors)
    assert other.query_vectors is built.query_vectors
    assert other.queries is built.queries
    assert seen[-1] == ("graph", 1) and {stage for stage, _ in seen} == {"graph"}
    assert (other.settings.M, other.settings.ef_construction) == (2, 3)
    assert (other.retriever.hnsw.M, other.retriever.hnsw.ef_construction) == (2, 3)
    assert other.measurements.truth(5) is truth  # exact search does not depend on the graph
    assert other.measurements.known_curve(5) is None  # the curve does
    assert built.measurements.known_curve(5) is curve
    assert (built.settings.M, built.retriever.hnsw.M) == (4, 4)
    assert list(other.seconds) == ["graph"], "nothing else was done for it"
    assert not replace(built, from_saved=True).with_graph(2, 3).from_saved


def test_a_cancelled_graph_leaves_the_old_one(built):
    def cancel(stage, fraction):
        raise Cancelled("stop")

    with pytest.raises(Cancelled):
        built.with_graph(2, 3, progress=cancel)
    assert built.retriever.hnsw.M == 4
    assert built.measurements.measure(5, 10).hnsw.mean_recall > 0


# --- another model


@pytest.mark.parametrize("judged", [False, True])
def test_another_model_changes_the_vectors_and_nothing_else(built, minilm, wordllama, judged):
    before = index_collection(judged_passages(), STATIC) if judged else built
    vectors, truth, settings = before.retriever.vectors, before.measurements.truth(5), before.settings
    other = with_model(before, MINILM)
    assert before.retriever.vectors is vectors and before.measurements.truth(5) is truth
    assert before.settings is settings
    for name in ("name", "queries", "n_documents", "failed", "chunked", "drawn", "judged"):
        assert getattr(other, name) == getattr(before, name), name
    assert other.retriever.passages == before.retriever.passages
    assert other.settings == replace(before.settings, model_name=MINILM)
    assert (other.retriever.model_name, other.retriever.dimension) == (MINILM, 384)
    graph = other.retriever.hnsw
    assert (graph.M, graph.ef_construction, len(graph)) == (4, 20, len(before))
    expected = minilm.encode_document(other.retriever.texts).astype(np.float64)
    expected /= np.linalg.norm(expected, axis=1, keepdims=True)
    np.testing.assert_allclose(other.retriever.vectors, expected, atol=1e-2 if minilm.bfloat16 else 1e-5)
    asked = minilm.encode_query(other.queries).astype(np.float64)
    asked /= np.linalg.norm(asked, axis=1, keepdims=True)
    np.testing.assert_allclose(other.query_vectors, asked, atol=1e-5)
    assert other.n_tokens == sum(minilm.count_tokens(other.retriever.texts)) != before.n_tokens
    assert list(other.seconds) == OTHER_STAGES
    own = ExactIndex(expected.astype(np.float32)).search(asked.astype(np.float32), 5)
    np.testing.assert_allclose(other.measurements.truth(5).scores, own.scores, atol=1e-2 if minilm.bfloat16 else 1e-5)
    assert other.measurements.known_curve(5) is None
    back = with_model(other, "wordllama-256")
    np.testing.assert_array_equal(back.retriever.vectors, before.retriever.vectors)
    np.testing.assert_array_equal(back.query_vectors, before.query_vectors)
    assert (back.settings, back.n_tokens, back.n_cut) == (before.settings, before.n_tokens, before.n_cut)


def test_another_model_that_cannot_be_had_is_refused_before_anything_is_embedded(built, no_embedding):
    with pytest.raises(ModelError, match="catalogue"):
        with_model(built, "no-such-model")
    with pytest.raises(ModelError, match="could not be fetched"):
        with_model(built, "BAAI/bge-small-en-v1.5")


# --- on disk


@pytest.mark.parametrize("with_graph", [True, False])
def test_a_saved_collection_comes_back_whole(built, tmp_path, with_graph, no_embedding):
    built = replace(built, n_cut=3, failed={"broken.pdf": "it is broken"}, notes={"a.txt": ["a guess"]})
    built.save(tmp_path)
    loaded = IndexedCollection.load(tmp_path, with_graph=with_graph)
    for name in (
        "name",
        "settings",
        "n_documents",
        "n_tokens",
        "n_cut",
        "seconds",
        "failed",
        "notes",
        "chunked",
        "drawn",
    ):
        assert getattr(loaded, name) == getattr(built, name), name
    assert loaded.from_saved and not built.from_saved, "its seconds are those of the first build"
    assert list(loaded.queries) == list(built.queries)
    np.testing.assert_array_equal(loaded.query_vectors, built.query_vectors)
    np.testing.assert_array_equal(loaded.retriever.vectors, built.retriever.vectors)
    assert loaded.retriever.texts == built.retriever.texts
    assert loaded.retriever.metadata == built.retriever.metadata
    assert asdict(loaded.judged) == asdict(built.judged)
    assert list(loaded.judged.asked.items()) == list(built.judged.asked.items()), "in order"
    measured, expected = loaded.measurements.measure(5, 7).hnsw, built.measurements.measure(5, 7).hnsw
    np.testing.assert_array_equal(measured.neighbors.ids, expected.neighbors.ids)


@pytest.mark.parametrize("kind", [MappingProxyType, partial(defaultdict, dict)], ids=["read-only", "defaultdict"])
def test_judgments_in_any_mapping_are_indexed_and_saved(wordllama, tmp_path, kind):
    collection = judged_passages()
    indexed = index_collection(replace(collection, qrels=kind(collection.qrels)), STATIC)
    assert list(indexed.queries) == list(collection.queries.values()), "measured by all, judged or not"
    indexed.save(tmp_path)
    for found in (indexed, IndexedCollection.load(tmp_path), IndexedCollection.load(tmp_path).with_graph(8, 50)):
        assert found.judged.as_dict() == asdict(collection.judged)


def test_too_many_queries_are_not_saved(built, tmp_path):
    queries = [f"question {row}?" for row in range(1_001)]
    many = replace(built, queries=queries, query_vectors=np.resize(built.query_vectors, (1_001, 256)))
    with pytest.raises(StorageError, match=r"1,001 queries.*at most 1,000"):
        many.save(tmp_path)
    replace(many, queries=queries[1:], query_vectors=many.query_vectors[1:]).save(tmp_path)
    assert len(IndexedCollection.load(tmp_path).queries) == 1_000


def change_extra(folder, change):
    manifest = json.loads((folder / "manifest.json").read_text())
    change(manifest["extra"])
    (folder / "manifest.json").write_text(json.dumps(manifest))


def test_a_collection_without_judgments_as_older_versions_saved_it_is_loaded_without(built, tmp_path):
    built.save(tmp_path)
    change_extra(tmp_path, lambda extra: [extra.pop(name) for name in ("judged", "n_cut", "n_kept")])
    loaded = IndexedCollection.load(tmp_path)
    assert (loaded.judged, loaded.n_cut, loaded.n_kept) == (None, 0, 0)


CHANGES = {
    "a field that check_manifest refuses": lambda extra: extra.update(n_documents=-3),
    "no name": lambda extra: extra.pop("name"),
    "unknown settings": lambda extra: extra["settings"].update(other=1),
    "settings of another graph": lambda extra: extra["settings"].update(M=64),
    "settings of another model": lambda extra: extra["settings"].update(model_name=MINILM),
    "fewer queries than vectors": lambda extra: extra["queries"].pop(),
    "judgments a text": lambda extra: extra.update(judged="q1"),
    "judgments a list": lambda extra: extra.update(judged=[1]),
    "unknown parts of judgments": lambda extra: extra["judged"].update(other=1),
    "judgments without queries": lambda extra: extra["judged"].pop("queries"),
    "judgments of nothing": lambda extra: extra["judged"].update(qrels={}),
    "judged queries a list": lambda extra: extra["judged"].update(queries=["how hot?"]),
    "a number as query": lambda extra: extra["judged"]["queries"].update(q01=3),
    "documents a list": lambda extra: extra["judged"]["qrels"].update(q01=["tea.txt"]),
    "a grade that takes all memory": lambda extra: extra["judged"]["qrels"]["q01"].update({"tea.txt": 10**9}),
}


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES.keys())
def test_parts_that_do_not_fit_are_refused(built, tmp_path, change):
    built.save(tmp_path)
    change_extra(tmp_path, change)
    with pytest.raises(StorageError, match="damaged"):
        IndexedCollection.load(tmp_path)


def test_query_vectors_are_checked_and_scaled(built, tmp_path):
    for bad in (built.query_vectors[:, 1:], built.query_vectors * np.float32(np.nan)):
        replace(built, query_vectors=bad).save(tmp_path)
        with pytest.raises(StorageError, match="damaged"):
            IndexedCollection.load(tmp_path)
    replace(built, query_vectors=built.query_vectors * 7).save(tmp_path)
    np.testing.assert_allclose(IndexedCollection.load(tmp_path).query_vectors, built.query_vectors, atol=1e-6)


def test_what_holds_no_passages_and_a_plain_retriever_are_no_collections(built, tmp_path):
    built.retriever.save(tmp_path / "plain")
    retriever = type(built.retriever)("wordllama-256", M=4, ef_construction=20)
    replace(built, retriever=retriever).save(tmp_path / "empty")
    for name, message in (("plain", "plain is damaged"), ("empty", "holds no passages")):
        with pytest.raises(StorageError, match=message):
            IndexedCollection.load(tmp_path / name)
