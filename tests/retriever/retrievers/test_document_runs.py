"""Runs: documents ranked by their best chunk, by exact search and by HNSW, against brute force in float64."""

import tracemalloc

import numpy as np
import pytest

from retriever.encoders.base import Encoder
from retriever.errors import ParameterError, VectorError
from retriever.indexes.base import NO_ID, Neighbors
from retriever.retrievers.dense import DenseRetriever
from retriever.retrievers.document_runs import (
    best_passages,
    document_ids,
    own_documents,
    rank_documents,
    run_queries,
    search_documents,
    search_run,
)
from tests.support.small import WORDS, passage_of, sentences

QUERIES = {f"q{number}": text for number, text in enumerate(sentences(12, seed=99, length=5))}


def retriever_of(encoder, texts, metadata=None, **settings):
    retriever = DenseRetriever("fake", encoder=encoder, **settings)
    retriever.index(texts, metadata)
    return retriever


@pytest.fixture(scope="module")
def chunked(fake_encoder):
    """Sixty documents of one to five chunks each, the chunks of a document not near each other."""
    texts = sentences(180)
    owner = np.random.default_rng(4).permutation([f"d{number % 60}" for number in range(120)] + ["d7", "d8", "d9"] * 20)
    return retriever_of(fake_encoder, texts, [{"doc_id": str(doc_id)} for doc_id in owner])


@pytest.fixture(scope="module")
def vectors(fake_encoder):
    return fake_encoder.encode_query(list(QUERIES.values()))


@pytest.fixture(scope="module")
def crowded(fake_encoder):
    """One document of forty chunks, all nearer to "amber anchor" than five documents of one chunk each."""
    texts = [f"amber anchor {word}" for word in WORDS[2:42]] + [f"{word} beacon" for word in WORDS[50:55]]
    return retriever_of(fake_encoder, texts, [{"doc_id": "crowd"}] * 40 + [{"doc_id": f"d{n}"} for n in range(5)])


def by_brute_force(retriever, vectors, k):
    """Return documents ranked by the highest cosine of their chunks, in float64."""
    stored, asked = retriever.vectors.astype(np.float64), vectors.astype(np.float64)
    cosines = asked @ stored.T / np.linalg.norm(stored, axis=1) / np.linalg.norm(asked, axis=1)[:, None]
    ranked, metadata = [], retriever.metadata
    for row in cosines:
        best = {}
        for number, cosine in enumerate(row.tolist()):
            doc_id = str(metadata[number].get("doc_id", number))
            best[doc_id] = max(cosine, best.get(doc_id, -2))
        ranked.append(dict(sorted(best.items(), key=lambda item: -item[1])[:k]))
    return ranked


def check_same(found, expected):
    assert [list(documents) for documents in found] == [list(documents) for documents in expected]
    for documents, true in zip(found, expected, strict=True):
        assert documents == pytest.approx(true, abs=1e-6)
        assert all(type(score) is float for score in documents.values())


# --- exact search


@pytest.mark.parametrize("k", [1, 10, 60, 1000])
def test_exact_runs_and_searches_that_keep_every_chunk_are_those_of_brute_force(chunked, vectors, k):
    expected = by_brute_force(chunked, vectors, k)
    for ef in (None, 180):
        run = search_run(chunked, list(QUERIES), vectors, k, ef=ef)
        assert list(run) == list(QUERIES)
        assert all(len(documents) == min(k, 60) for documents in run.values())
        check_same(run.values(), expected)


@pytest.mark.parametrize("k", [1, 2, 6])
def test_exact_search_sees_k_documents_where_one_has_most_of_the_nearest_chunks(crowded, fake_encoder, k):
    vectors = fake_encoder.encode_query(["amber anchor", "spruce beacon"])
    nearest = crowded.exact.search(vectors[:1], 40).ids
    assert nearest.max() < 40, "the crowd is to be nearer than all others"
    run = search_run(crowded, ["crowd", "other"], vectors, k)
    assert [len(documents) for documents in run.values()] == [k, k]
    check_same(run.values(), by_brute_force(crowded, vectors, k))
    assert list(search_run(crowded, ["crowd"], vectors[:1], k, ef=20)["crowd"]) == ["crowd"], "HNSW may see fewer"
    assert len(search_run(crowded, ["crowd"], vectors[:1], k, ef=45)["crowd"]) == k


def test_documents_of_equal_score_come_in_the_order_they_were_given(fake_encoder):
    retriever = retriever_of(fake_encoder, ["amber anchor"] * 6, [{"doc_id": doc_id} for doc_id in "cabcdb"])
    assert list(run_queries(retriever, {"q": "amber"}, 10)["q"]) == ["c", "a", "b", "d"]
    assert list(run_queries(retriever, {"q": "amber"}, 2)["q"]) == ["c", "a"]


class Random(Encoder):
    """An encoder that returns random vectors: fast for very many texts."""

    dimension = 4

    def encode_query(self, texts):
        return self.encode_document(texts)

    def encode_document(self, texts):
        return np.random.default_rng(len(texts)).normal(size=(len(texts), 4)).astype(np.float32)


def test_more_chunks_than_the_largest_k_do_no_harm():
    n = 100_001
    retriever = retriever_of(Random(), ["x"] * n, [{"doc_id": f"d{row % 3}"} for row in range(n)])
    run = run_queries(retriever, {"q": "x"}, 10)
    assert sorted(run["q"]) == ["d0", "d1", "d2"]


def test_many_chunks_of_few_documents_take_little_more_memory_than_their_scores():
    n, queries = 8_000, {f"q{number}": "x" for number in range(60)}
    retriever = retriever_of(Random(), ["x"] * n, [{"doc_id": f"d{row % 7}"} for row in range(n)])
    scores = 4 * n * len(queries)  # bytes of all scores, which exact search has in memory at once
    tracemalloc.start()
    run = run_queries(retriever, queries, 10)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert {len(documents) for documents in run.values()} == {7}
    assert peak < 6 * scores, f"{peak / scores:.0f} times the scores"


# --- HNSW


@pytest.mark.parametrize(("k", "ef"), [(10, 25), (3, 40), (10, 1)])
def test_hnsw_ranks_the_documents_of_all_chunks_that_its_search_keeps(chunked, vectors, k, ef):
    depth = max(k, ef)
    kept = chunked.hnsw.search(vectors, depth, ef=depth).ids
    expected, owners = [], chunked.metadata
    for rows in kept.tolist():
        doc_ids = [owners[row]["doc_id"] for row in rows]  # nearest first
        expected.append(list(dict.fromkeys(doc_ids))[:k])
    run = search_run(chunked, list(QUERIES), vectors, k, ef=ef)
    assert [list(documents) for documents in run.values()] == expected


def test_places_that_a_starved_graph_cannot_fill_are_no_documents(fake_encoder):
    retriever = retriever_of(fake_encoder, sentences(60), M=2, ef_construction=1)
    vectors = fake_encoder.encode_query(list(QUERIES.values()))
    reached = (retriever.hnsw.search(vectors, 60, ef=60).ids >= 0).sum(axis=1)
    assert reached.min() < 60, "the graph is to have places that cannot be reached"
    run = search_run(retriever, list(QUERIES), vectors, 60, ef=60)
    assert [len(documents) for documents in run.values()] == reached.tolist()


# --- queries and documents


class OneSided(Encoder):
    """An encoder that reads only the first half of documents, so that queries and documents differ."""

    dimension = 32

    def __init__(self, encoder):
        self.encoder, self.queries = encoder, []

    def encode_query(self, texts):
        self.queries.append(list(texts))
        return self.encoder.encode_document(texts)

    def encode_document(self, texts):
        return self.encoder.encode_document([text[: len(text) // 2] for text in texts])


def test_queries_are_embedded_as_queries_and_all_at_once(fake_encoder):
    encoder = OneSided(fake_encoder)
    retriever = retriever_of(encoder, sentences(30))
    run = run_queries(retriever, QUERIES, 5)
    assert encoder.queries == [list(QUERIES.values())]
    assert run == search_run(retriever, list(QUERIES), fake_encoder.encode_document(list(QUERIES.values())), 5)


def test_a_text_without_a_document_is_a_document_of_its_own(fake_encoder):
    retriever = retriever_of(fake_encoder, sentences(4), [{}, {"doc_id": "a"}, {"title": "x"}, {"doc_id": 7}])
    assert document_ids(retriever) == ["0", "a", "2", "7"]
    for ef in (None, 10):
        assert sorted(run_queries(retriever, {"q": "amber"}, 10, ef=ef)["q"]) == ["0", "2", "7", "a"]


@pytest.mark.parametrize("ef", [None, 10])
def test_no_queries_give_no_rankings_and_no_documents_empty_ones(chunked, fake_encoder, ef):
    assert run_queries(chunked, {}, 10, ef=ef) == {}
    empty = retriever_of(fake_encoder, [])
    assert run_queries(empty, QUERIES, 10, ef=ef) == {query_id: {} for query_id in QUERIES}
    assert search_documents(empty, fake_encoder.encode_query(["amber"]), 3, ef=ef) == []


@pytest.mark.parametrize("value", [0, 2.5, True, "3", 100_001])
def test_k_and_ef_are_whole_numbers_from_1(chunked, vectors, value):
    for options in ({}, {"ef": 10}):
        with pytest.raises(ParameterError, match="^k is"):
            search_run(chunked, list(QUERIES), vectors, value, **options)
    with pytest.raises(ParameterError, match="^ef is"):
        search_run(chunked, list(QUERIES), vectors, 10, ef=value)


@pytest.mark.parametrize("ef", [None, 10])
def test_vectors_that_do_not_fit_are_refused(chunked, vectors, ef):
    for bad in (vectors[:, :5], vectors[0], np.full_like(vectors, np.nan), vectors.astype(str)):
        with pytest.raises(VectorError, match="query vectors"):
            search_run(chunked, list(QUERIES), bad, 10, ef=ef)


# --- queries that are documents themselves


def with_passages(encoder, *passages):
    retriever = DenseRetriever("fake", encoder=encoder)
    retriever.add(passages)
    return retriever


@pytest.mark.parametrize(
    ("query", "itself"),
    [
        ("Lamps shine far out.", True),
        ("  Lamps shine\n\tfar out. ", True),
        ("lamps SHINE far out.", True),  # as it is asked again in lower case
        ("Beacons Lamps shine far out.", True),
        ("Beacons", False),
        ("Lamps shine far out. Ships see them.", False),
        ("Lamps", False),
        ("what do ships see?", False),
        (" ", False),
    ],
)
def test_a_query_is_a_document_where_id_and_text_agree(fake_encoder, query, itself):
    text = "Lamps shine far out."
    retriever = with_passages(
        fake_encoder,
        passage_of(f"Beacons {text}", shown=text, doc_id="1", title="Beacons"),
        passage_of(text, doc_id="2"),
    )
    assert own_documents(retriever, {"1": query, "3": text}) == ({"1"} if itself else set())


def test_accents_may_be_written_in_two_ways_and_an_empty_document_is_no_query(fake_encoder):
    retriever = with_passages(fake_encoder, passage_of("caf\u00e9", doc_id="1"), passage_of("", doc_id="2"))
    assert own_documents(retriever, {"1": "cafe\u0301", "2": ""}) == {"1"}


def test_the_text_of_a_document_is_that_of_its_chunks_without_what_overlaps(fake_encoder):
    text = " ".join(sentences(3))
    gap = text.index(" ", 100)
    spans = [(0, 60), (40, gap), (gap + 1, len(text))]  # the second overlaps the first, white space parts the third
    chunks = [passage_of(text[start:end], doc_id="long", span=(start, end)) for start, end in spans]
    retriever = with_passages(fake_encoder, *chunks, passage_of(text[:60], doc_id="first"))
    assert own_documents(retriever, {"long": text, "first": text}) == {"long"}


@pytest.mark.parametrize("ef", [None, 1, 180])
@pytest.mark.parametrize("k", [1, 10])
def test_what_is_left_out_makes_room_for_the_next_document(chunked, vectors, k, ef):
    everything = [list(documents) for documents in by_brute_force(chunked, vectors, 60)]
    nearest = {query_id: ranking[0] for query_id, ranking in zip(QUERIES, everything, strict=True)}
    left_out = dict(list(nearest.items())[::2]) | {"q1": "not here"}
    run = search_run(chunked, list(QUERIES), vectors, k, ef=ef, left_out=left_out)
    plain = search_run(chunked, list(QUERIES), vectors, k, ef=ef)
    for query_id, ranking, vector in zip(QUERIES, everything, vectors, strict=True):
        skipped = left_out.get(query_id)
        assert skipped not in run[query_id] and len(run[query_id]) <= k
        if ef != 1:
            assert list(run[query_id]) == [doc_id for doc_id in ranking if doc_id != skipped][:k]
        if skipped in (None, "not here"):
            assert list(run[query_id]) == list(plain[query_id]), "nothing else changes"
        hits = search_documents(chunked, vector[None], k, ef=ef, left_out=skipped)
        assert [hit.passage.metadata["doc_id"] for hit in hits] == list(run[query_id])


def test_hnsw_still_returns_k_documents_where_the_smallest_ef_is_asked(fake_encoder):
    texts = sentences(300)
    retriever = retriever_of(fake_encoder, texts, [{"doc_id": f"d{row}"} for row in range(300)])
    queries = {f"d{row}": texts[row] for row in range(0, 300, 7)} | {"q": texts[1]}
    for ef in (None, 10):
        run = run_queries(retriever, queries, 10, ef=ef)
        assert {len(documents) for documents in run.values()} == {10}
        assert not [query_id for query_id, documents in run.items() if query_id in documents]
        assert next(iter(run["q"])) == "d1", "a document of another id is found, whatever its text"
    everything = search_run(retriever, ["d0"], fake_encoder.encode_query(texts[:1]), 300, left_out={"d0": "d0"})
    assert len(everything["d0"]) == 299


# --- retrievers of other kinds


class Ranking:
    """A retriever of another kind: it ranks as a dense one does, but finds only the first n_found passages."""

    def __init__(self, retriever, n_found=10**9):
        self.retriever, self.passages, self.n_found, self.depths = retriever, retriever.passages, n_found, []

    def rank(self, queries, k):
        self.depths.append(k)
        found = self.retriever.rank(queries, k)
        beyond = np.arange(k) >= self.n_found
        return Neighbors(np.where(beyond, NO_ID, found.ids), np.where(beyond, -np.inf, found.scores))


@pytest.mark.parametrize("k", [1, 10, 60, 1000])
def test_documents_of_any_retriever_are_ranked_as_those_of_a_dense_one(chunked, vectors, k):
    left_out = {"q0": "d3", "q1": "not here"}
    expected = search_run(chunked, list(QUERIES), vectors, k, left_out=left_out)
    assert rank_documents(Ranking(chunked), QUERIES, k, left_out=left_out) == expected
    assert rank_documents(chunked, QUERIES, k, left_out=left_out) == expected
    assert run_queries(Ranking(chunked), QUERIES, k) == run_queries(chunked, QUERIES, k)
    for (query_id, query), vector in zip(QUERIES.items(), vectors, strict=True):
        skipped = left_out.get(query_id)
        expected_hits = search_documents(chunked, vector[None], k, left_out=skipped)
        for retriever in (chunked, Ranking(chunked)):
            hits = best_passages(retriever, query, k, left_out=skipped)
            assert [hit.passage for hit in hits] == [hit.passage for hit in expected_hits]
            assert [hit.score for hit in hits] == pytest.approx([hit.score for hit in expected_hits], abs=1e-6)


def test_more_chunks_are_ranked_only_while_more_are_found(crowded):
    query = {"q": "amber anchor"}
    for n_found, n_documents, depths in ((10**9, 6, [6, 24, 45]), (43, 4, [6, 24, 45]), (20, 1, [6, 24]), (5, 1, [6])):
        retriever = Ranking(crowded, n_found)
        assert len(rank_documents(retriever, query, 6)["q"]) == n_documents
        assert retriever.depths == depths


def test_an_ef_is_for_dense_retrievers(chunked):
    with pytest.raises(ParameterError, match=r"ef is 10, but a Ranking has no HNSW graph; leave ef out\."):
        run_queries(Ranking(chunked), QUERIES, 5, ef=10)


# --- the chunks themselves


@pytest.mark.parametrize("ef", [None, 60])
def test_a_documents_best_chunk_is_the_hit(chunked, vectors, ef):
    owners = [metadata["doc_id"] for metadata in chunked.metadata]
    for query_id, vector in zip(QUERIES, vectors, strict=True):
        hits = search_documents(chunked, vector[None], 8, ef=ef)
        run = search_run(chunked, [query_id], vector[None], 8, ef=ef)[query_id]
        doc_ids = [hit.passage.metadata["doc_id"] for hit in hits]
        check_same([dict(zip(doc_ids, [hit.score for hit in hits], strict=True))], [run])
        scores = chunked.vectors.astype(np.float64) @ vector
        for doc_id, hit in zip(doc_ids, hits, strict=True):
            best = max((row for row, owner in enumerate(owners) if owner == doc_id), key=scores.__getitem__)
            assert hit.passage.text == chunked.texts[best]
