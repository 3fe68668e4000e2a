"""JudgedIndex: runs and measures of exact search and the losses of the graph, against brute force."""

import numpy as np
import pytest
import pytrec_eval

from retriever.datasets.samples import load_sample
from retriever.encoders.loading import load_encoder
from retriever.errors import Cancelled, CollectionError
from retriever.evaluation.judged_queries import JudgedQueries
from retriever.evaluation.trec import qrels_text, run_text
from retriever.experiments.judged_index import JudgedIndex, embed_judged_queries, with_lower_case_queries
from retriever.experiments.judged_search import RUN_DEPTH
from retriever.indexing.collection import IndexSettings
from retriever.indexing.pipeline import index_collection
from tests.support.small import collection_of, sentences

TEXTS = sentences(500)
QUERIES = {f"q{row}": " ".join(TEXTS[row].split()[:4]) for row in range(0, 500, 10)}  # a text's first four words
ANSWERS = {f"q{row}": {f"d{row}": 1} for row in range(0, 500, 10)}
K = 5


class QueriesOnly:
    """An encoder that fails the test for documents and records its queries."""

    dimension, max_tokens = 32, 20

    def __init__(self, encoder):
        self.encoder, self.asked = encoder, []

    def encode_query(self, texts):
        self.asked.extend(texts)
        return self.encoder.encode_query(texts).astype(np.float64)

    def count_query_tokens(self, texts):
        return [len(text.split()) for text in texts]

    def encode_document(self, texts, **options):
        pytest.fail("documents were encoded")


@pytest.fixture(autouse=True)
def encoder(monkeypatch, fake_encoder):
    """An encoder by the name of "fake"."""
    encoder = QueriesOnly(fake_encoder)
    monkeypatch.setattr(
        "retriever.experiments.judged_index.load_encoder",
        lambda name: encoder if name == "fake" else load_encoder(name),
    )
    return encoder


@pytest.fixture(scope="module")
def starved(fake_encoder):
    """A collection with a poor graph, which misses neighbours; tests must not change it."""
    return collection_of(fake_encoder, TEXTS, M=2, ef_construction=3, judged=JudgedQueries(QUERIES, ANSWERS))


@pytest.fixture(scope="module")
def order(starved, fake_encoder):
    """All documents of each query, nearest first, by brute force in float64."""
    vectors = fake_encoder.encode_query(list(QUERIES.values())).astype(np.float64)
    rows = np.argsort(-(vectors @ starved.retriever.vectors.astype(np.float64).T), axis=1)
    return {query_id: [f"d{row}" for row in ranked] for query_id, ranked in zip(QUERIES, rows.tolist(), strict=True)}


@pytest.fixture
def judged(starved):
    return embed_judged_queries(starved)


# --- creation


def test_the_judged_queries_of_the_collection_are_embedded_in_order_and_as_queries(starved, encoder, fake_encoder):
    made = embed_judged_queries(starved)
    assert made.judged is starved.judged and made.indexed is starved and made.name == "fake"
    assert encoder.asked == list(QUERIES.values())
    assert made.vectors.dtype == np.float32
    np.testing.assert_array_equal(made.vectors, fake_encoder.encode_query(list(QUERIES.values())))


def test_other_judgments_may_be_given_and_progress_may_end_the_work(starved, fake_encoder):
    queries = {f"q{number}": text for number, text in enumerate(sentences(300, seed=5))}
    asked = [f"q{number}" for number in reversed(range(290))]
    given, seen = JudgedQueries(queries, {**dict.fromkeys(asked, {"d1": 1}), "gone": {"d2": 1}}), []
    made = embed_judged_queries(starved, given, progress=lambda *step: seen.append(step))
    assert made.judged is given
    assert list(made.run(3)) == asked
    np.testing.assert_array_equal(made.vectors, fake_encoder.encode_query([queries[name] for name in asked]))
    fractions = [fraction for _, fraction in seen]
    assert {stage for stage, _ in seen} == {"questions"}
    assert len(set(fractions)) == len(fractions) > 1
    assert fractions == sorted(fractions) and 0 <= min(fractions) <= max(fractions) <= 1

    def cancel(stage, fraction):
        raise Cancelled("stop")

    with pytest.raises(Cancelled):
        embed_judged_queries(starved, progress=cancel)


def test_in_lower_case_only_the_questions_change(starved, encoder):
    lower = with_lower_case_queries(JudgedIndex(starved, starved.judged, None))
    assert lower.judged.asked == {query_id: text.lower() for query_id, text in QUERIES.items()}
    assert lower.judged.qrels is ANSWERS and lower.indexed is starved
    assert encoder.asked == [text.lower() for text in QUERIES.values()]
    assert starved.judged.asked == QUERIES


def test_a_collection_without_judgments_is_refused_by_name(fake_encoder):
    with pytest.raises(CollectionError, match="Lamps has no judgments"):
        embed_judged_queries(collection_of(fake_encoder, TEXTS[:5], name="Lamps"))


@pytest.mark.parametrize("qrels", [{"x": {"d1": 1}}, {"q": {"tea.txt": 1}}])
def test_judgments_that_fit_nothing_are_refused_before_anything_is_embedded(starved, encoder, qrels):
    with pytest.raises(CollectionError, match="query ids" if "x" in qrels else "document ids"):
        embed_judged_queries(starved, JudgedQueries({"q": "amber"}, qrels))
    assert encoder.asked == []


# --- runs and measures


def test_exact_search_ranks_a_hundred_documents_and_hnsw_k(judged, order):
    exact = judged.run(K)
    assert list(exact) == list(QUERIES)
    assert {query_id: list(documents) for query_id, documents in exact.items()} == {
        query_id: documents[:RUN_DEPTH] for query_id, documents in order.items()
    }
    assert {len(documents) for documents in judged.run(150).values()} == {150}
    assert {len(documents) for documents in judged.run(K, 40).values()} == {K}
    assert judged.run(20, 1) == judged.run(20, 20), "an ef below k searches as wide as k"
    assert judged.run(3) is exact, "it is found once"
    assert judged.evaluation(K) is judged.evaluation(K)
    assert (judged.evaluation(3).k, judged.evaluation(K).k) == (3, K)


def test_measures_of_exact_search_are_those_of_brute_force(judged, order):
    evaluation = judged.evaluation(K)
    ranks = {query_id: order[query_id].index(next(iter(ANSWERS[query_id]))) + 1 for query_id in QUERIES}
    assert evaluation.hits == {query_id: rank <= K for query_id, rank in ranks.items()}
    reciprocal = [1 / rank if rank <= RUN_DEPTH else 0 for rank in ranks.values()]
    np.testing.assert_allclose(evaluation.values("recip_rank"), reciprocal)
    assert 0.5 < evaluation.mean[f"success_{K}"] < 1, "most answers are to be found, and not all"
    assert min(reciprocal) < 1 / K


def test_a_grade_below_the_relevance_level_is_no_answer(starved, order):
    qrels = {query_id: {documents[0]: 1, documents[2]: 2} for query_id, documents in order.items()}
    for level, first in ((1, 1), (2, 1 / 3)):
        made = embed_judged_queries(starved, JudgedQueries(QUERIES, qrels, level))
        assert made.evaluation(K).values("recip_rank").tolist() == pytest.approx([first] * len(QUERIES))
        assert made.errors(2, 500).found == (50 if level == 1 else 0)


def test_questions_longer_than_the_model_reads_are_known(starved, encoder):
    lengths = {"q0": 19, "q1": 20, "q2": 21, "q3": 400, "nobody judged it": 400}
    queries = {query_id: "amber " * length for query_id, length in lengths.items()}
    judged = JudgedQueries(queries, dict.fromkeys(["q0", "q1", "q2", "q3"], {"d1": 1}))
    made = embed_judged_queries(starved, judged)
    assert made.cut == made.with_graph(16, 200).cut == {"q2", "q3"}
    encoder.max_tokens = None
    assert embed_judged_queries(starved, judged).cut == frozenset()


# --- questions that are documents themselves

OWN = [f"d{row}" for row in range(0, 500, 10)]
SAME = {doc_id: f"  {TEXTS[int(doc_id[1:])].upper()}\n" for doc_id in OWN[:30]}  # a question each, and a document
TITLED = {doc_id: f"Text {doc_id[1:]} {TEXTS[int(doc_id[1:])]}" for doc_id in OWN[30:40]}
NUMBERED = {doc_id: f"{TEXTS[int(doc_id[1:]) + 3]}" for doc_id in OWN[40:]}  # of equal id, by chance
NEXT = {doc_id: {f"d{int(doc_id[1:]) + 1}": 2, f"d{int(doc_id[1:]) + 3}": 1} for doc_id in OWN}


def independent(qrels, order, k):
    """Return trec_eval's measures of rankings by brute force, each without the question's own document."""
    others = {query_id: [doc_id for doc_id in ranked if doc_id != query_id] for query_id, ranked in order.items()}
    run = {
        query_id: {doc_id: -rank for rank, doc_id in enumerate(ranked[:RUN_DEPTH])}
        for query_id, ranked in others.items()
    }
    wanted = {f"success.{k}", f"ndcg_cut.{k}", f"recall.{k}", "recip_rank", "map"}
    return pytrec_eval.RelevanceEvaluator(qrels, wanted).evaluate(run)


def test_a_question_that_is_a_document_does_not_find_itself_in_any_measure(starved, fake_encoder):
    queries = {**SAME, **TITLED}
    made = embed_judged_queries(starved, JudgedQueries(queries, {query_id: NEXT[query_id] for query_id in queries}))
    assert made.own_documents == set(queries)
    vectors = fake_encoder.encode_query(list(queries.values())).astype(np.float64)
    rows = np.argsort(-(vectors @ starved.retriever.vectors.astype(np.float64).T), axis=1).tolist()
    order = {query_id: [f"d{row}" for row in ranked] for query_id, ranked in zip(queries, rows, strict=True)}
    assert all(ranked[0] == query_id for query_id, ranked in order.items()), "each would find itself first"
    for ef in (None, 500):
        index = made if ef is None else made.with_graph(64, 400)
        found = index.evaluation(K, ef).per_query
        expected = independent(made.judged.qrels, order, K)
        exact_only = () if ef is None else ("map", "recip_rank")  # HNSW's run is k deep
        for query_id, values in expected.items():
            for measure, value in values.items():
                assert measure in exact_only or found[query_id][measure] == pytest.approx(value), (query_id, measure)
    written = pytrec_eval.parse_run(run_text(made.run(K)).splitlines())
    judged = pytrec_eval.parse_qrel(qrels_text(made.judged.qrels).splitlines())
    of_files = pytrec_eval.RelevanceEvaluator(judged, {"map", f"ndcg_cut.{K}"}).evaluate(written)
    for measure in ("map", f"ndcg_cut_{K}"):
        mean = sum(values[measure] for values in of_files.values()) / len(queries)
        assert made.evaluation(K).mean[measure] == pytest.approx(mean), "the files that are offered agree"
    for run in (made.run(K), made.run(K, K), made.run(K, 40)):
        assert not [query_id for query_id, documents in run.items() if query_id in documents]
    assert {len(documents) for documents in made.run(K).values()} == {RUN_DEPTH}
    assert {len(documents) for documents in made.run(K, K).values()} == {K}
    assert made.errors(K, K).asked == len(queries)
    for query_id in list(queries)[::13]:
        for ef in (None, K):
            assert [hit.passage.doc_id for hit in made.ranking(query_id, K, ef)] == list(made.run(K, ef)[query_id])[:K]


def test_equal_ids_alone_are_no_sign(starved):
    made = embed_judged_queries(starved, JudgedQueries(NUMBERED, {query_id: NEXT[query_id] for query_id in NUMBERED}))
    assert made.own_documents == frozenset()
    assert all(list(made.run(K)[f"d{row}"])[0] == f"d{row + 3}" for row in range(400, 500, 10))


def test_judged_as_its_own_best_answer_a_document_stays_and_else_the_judgment_goes(starved):
    qrels = {
        "d0": {"d0": 1},
        "d10": {"d10": 2, "d11": 1},
        "d20": {"d20": 1, "d21": 1},
        "d30": {"d30": 0, "d31": 1},
    }
    made = embed_judged_queries(starved, JudgedQueries(SAME, qrels))
    assert made.own_documents == {"d20", "d30"}
    assert made.judged.qrels == {**qrels, "d20": {"d21": 1}}
    assert [list(made.run(K)[query_id])[0] == query_id for query_id in qrels] == [True, True, False, False]
    lower = with_lower_case_queries(made)
    assert (lower.own_documents, lower.judged.qrels) == (made.own_documents, made.judged.qrels)
    assert lower.run(K) == made.run(K), "the model reads no capitals"
    higher = made.with_relevance_level(2)
    assert higher.run(K) is made.run(K) and higher.own_documents == made.own_documents


# --- lost answers


def test_a_starved_graph_loses_what_exact_search_finds(judged, starved, order):
    errors = judged.errors(K, K)
    found = starved.retriever.hnsw.search(judged.vectors, K, ef=K).ids
    hnsw = {query_id: int(query_id[1:]) in rows.tolist() for query_id, rows in zip(QUERIES, found, strict=True)}
    exact = {query_id: f"d{query_id[1:]}" in documents[:K] for query_id, documents in order.items()}
    assert errors.lost_by_index == tuple(query_id for query_id in QUERIES if exact[query_id] and not hnsw[query_id])
    assert errors.lost_by_model == tuple(query_id for query_id in QUERIES if not exact[query_id])
    assert errors.kept == tuple(query_id for query_id in QUERIES if exact[query_id] and hnsw[query_id])
    assert len(errors.lost_by_index) > 5
    assert len(errors.lost_by_model) > 0
    assert errors.asked == len(QUERIES)
    rates = [judged.evaluation(K, ef).mean[f"success_{K}"] for ef in (None, K)]
    lost = len(errors.lost_by_index) - len(errors.lucky)
    assert lost / errors.asked == pytest.approx(rates[0] - rates[1])


def test_a_wider_search_loses_less_and_a_good_graph_searched_whole_nothing(judged):
    lost = [len(judged.errors(K, ef).lost_by_index) for ef in (K, 40, 300)]
    assert lost[0] > lost[1] > lost[2]
    whole = judged.with_graph(16, 200).errors(K, len(TEXTS))
    assert whole.lost_by_index == whole.lucky == ()
    assert whole.lost_by_model == judged.errors(K, K).lost_by_model, "the model's losses are those of exact search"


def test_a_graph_that_misses_nearer_documents_can_be_lucky(starved, order):
    just_missed = {query_id: {documents[K]: 1} for query_id, documents in order.items()}  # the next after the first k
    errors = embed_judged_queries(starved, JudgedQueries(QUERIES, just_missed)).errors(K, 20)
    assert errors.lost_by_model == tuple(QUERIES)
    assert errors.lucky and not errors.lost_by_index


def test_another_graph_keeps_exact_results_and_finds_its_own(judged, encoder):
    exact, evaluation, poor = judged.run(K), judged.evaluation(K), judged.errors(K, 10)
    encoder.asked.clear()
    other = judged.with_graph(16, 200)
    assert (other.indexed.settings.M, other.indexed.settings.ef_construction) == (16, 200)
    assert (judged.indexed.settings.M, judged.indexed.settings.ef_construction) == (2, 3)
    assert other.vectors is judged.vectors and other.judged is judged.judged
    assert other.run(K) is exact and other.evaluation(K) is evaluation
    assert len(other.errors(K, 10).lost_by_index) < len(poor.lost_by_index)
    assert judged.errors(K, 10) == poor
    assert encoder.asked == []


# --- a document as its best chunk


@pytest.mark.parametrize("ef", [None, 30])
def test_the_ranking_of_one_query_is_that_of_the_run(judged, ef):
    run = judged.run(4, ef)
    for query_id in list(QUERIES)[::9]:
        hits = judged.ranking(query_id, 4, ef)
        assert [hit.passage.doc_id for hit in hits] == list(run[query_id])[:4]
        assert [hit.score for hit in hits] == pytest.approx(list(run[query_id].values())[:4], abs=1e-6)
        assert all(TEXTS[int(hit.passage.doc_id[1:])] == hit.passage.text for hit in hits)


def test_the_sample_with_a_real_model_against_brute_force(wordllama):
    indexed = index_collection(load_sample("documents"), IndexSettings("wordllama-256", chunk_size=60))
    made = embed_judged_queries(indexed)
    queries, qrels = indexed.judged.asked, indexed.judged.qrels
    asked = wordllama.encode_query(list(queries.values())).astype(np.float64)
    stored = wordllama.encode_document(indexed.retriever.texts).astype(np.float64)
    cosines = asked @ (stored / np.linalg.norm(stored, axis=1, keepdims=True)).T
    owners = np.array([metadata["doc_id"] for metadata in indexed.retriever.metadata])
    hits = {}
    for query_id, row in zip(queries, cosines, strict=True):
        best = {doc_id: row[owners == doc_id].max() for doc_id in owners.tolist()}
        first = sorted(best, key=lambda doc_id: -best[doc_id])[:1]
        hits[query_id] = any(qrels[query_id].get(doc_id, 0) >= 1 for doc_id in first)
    assert len(owners) > 2 * len(set(owners.tolist())), "documents are to have several chunks"
    assert made.evaluation(1).hits == hits
    assert made.name == "wordllama-256"
    assert made.evaluation(1).mean["success_1"] > 0.5
