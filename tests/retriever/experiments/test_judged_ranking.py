"""Judged searches without an index: their runs against a plain ranking, fusion by hand, own documents left out."""

import pytest

from retriever.evaluation.judged_queries import JudgedQueries
from retriever.experiments.judged_ranking import JudgedFusion, JudgedRetriever
from retriever.experiments.judged_search import RUN_DEPTH
from retriever.retrievers.bm25 import BM25Retriever
from tests.support.judged import beside_one, ranked_index

TEXTS = ["red fox", "red fox red", "blue bird", "green frog", "red bird"]


def words_of(texts, queries, qrels, own=()):
    """Return BM25 over texts, whose ids are d0, d1, ..."""
    retriever = BM25Retriever()
    retriever.index(texts, [{"doc_id": f"d{row}"} for row in range(len(texts))])
    return JudgedRetriever("BM25", retriever, JudgedQueries(queries, qrels), frozenset(own))


def test_a_run_holds_what_the_retriever_ranks_and_is_searched_once():
    found = words_of(TEXTS, {"q1": "red", "q2": "purple", "unasked": "fox"}, {"q1": {"d4": 1}, "q2": {"d0": 1}})
    run = found.run(1)
    rows = found.retriever.rank(["red"], 5)
    expected = {f"d{row}": float(score) for row, score in zip(rows.ids[0], rows.scores[0], strict=True) if row >= 0}
    assert run == {"q1": expected, "q2": {}} and set(expected) == {"d0", "d1", "d4"}
    assert found.run(RUN_DEPTH) is run, "a run is at least so deep"
    assert (found.evaluation(3).hits, found.evaluation(2).hits["q2"]) == ({"q1": True, "q2": False}, False)
    assert [hit.passage.text for hit in found.ranking("q1", 2)] == [TEXTS[int(name[1:])] for name in list(expected)[:2]]
    assert (found.coverage.judged_queries, found.answerable("q1")) == (2, True)


def test_a_query_that_is_a_document_is_left_out_of_its_own_results():
    found = words_of(TEXTS, {"d0": "red fox"}, {"d0": {"d1": 1}}, own=["d0"])
    assert (
        list(found.run(5)["d0"]) == [hit.passage.metadata["doc_id"] for hit in found.ranking("d0", 5)] == ["d1", "d4"]
    )


def test_other_queries_are_asked_anew_and_what_is_cut_is_found_again():
    found = words_of(TEXTS, {"q": "red"}, {"q": {"d0": 1}})
    assert (found.cut, found.limited) == (frozenset(), False)
    found.find_cut = lambda queries: frozenset(name for name, text in queries.items() if " " in text)
    assert not found.cut and found.limited
    other = found.with_judged(JudgedQueries({"p": "blue bird"}, {"p": {"d2": 1}}), frozenset())
    assert (list(other.run(1)["p"])[0], other.cut) == ("d2", {"p"})
    assert other.retriever is found.retriever


def test_a_fusion_ranks_by_the_ranks_of_both_parts():
    model, words, fused = beside_one([2, 5, 40], n=60).sides
    assert fused.name == "BM25 + alpha" and fused.judged is model.judged
    for query_id in model.judged.asked:
        scores = {}
        for part in (words, model):
            for rank, doc_id in enumerate(list(part.run(10)[query_id])[:RUN_DEPTH], 1):
                scores[doc_id] = scores.get(doc_id, 0) + 1 / (60 + rank)
        assert fused.run(10)[query_id] == pytest.approx(scores)
        best = sorted(scores, key=lambda doc_id: (-scores[doc_id], doc_id))[:5]
        ranked = fused.ranking(query_id, 5)
        assert [hit.passage.doc_id or hit.passage.metadata["doc_id"] for hit in ranked] == best
        assert [hit.score for hit in ranked] == pytest.approx([scores[doc_id] for doc_id in best])


def test_a_fusion_costs_what_its_parts_cost():
    index = ranked_index([1], n=9)
    found = words_of(TEXTS, index.judged.queries, index.judged.qrels)
    fused = JudgedFusion((found, index))
    assert fused.seconds_to_index is None, "of one part it is not known"
    found.seconds_to_index, index.seconds_to_index = 1.0, 2.0
    found.searched_bytes, found.n_cut = 10, 3
    assert (fused.seconds_to_index, fused.n_cut) == (3.0, 3)
    assert fused.searched_bytes == 10 + index.indexed.retriever.vectors.nbytes
    found.find_cut, index.cut = (lambda queries: frozenset(["a"])), frozenset(["b"])
    assert fused.cut == {"a", "b"}
