"""trec_eval's measures: against their definitions, and against trec_eval on the files that are written."""

import subprocess
import sys
import time
from math import log2
from multiprocessing.pool import ThreadPool

import numpy as np
import pytest
import pytrec_eval
from hypothesis import given
from hypothesis import strategies as st

from retriever.errors import CollectionError, ParameterError
from retriever.evaluation.measures import evaluate, measure_names
from retriever.evaluation.trec import qrels_text, run_text
from tests.support.paths import ROOT

QRELS = {"q": {"a": 3, "b": 2, "c": 1, "d": 0}}
RUN = {"q": {"d": 0.9, "b": 0.8, "x": 0.7, "a": 0.6}}  # grades 0, 2, none, 3


def ranked(*doc_ids):
    """Return a ranking with descending scores."""
    return {doc_id: 1 - rank / 100 for rank, doc_id in enumerate(doc_ids)}


def by_definition(grades, ranking, k, level):
    """Compute the measures of one query from its grades and its ranking, best first, as trec_eval defines them."""
    relevant = {doc_id for doc_id, grade in grades.items() if grade >= level}
    ranks = [rank for rank, doc_id in enumerate(ranking, 1) if doc_id in relevant]
    gains = [max(grades.get(doc_id, 0), 0) for doc_id in ranking]
    ideal = sorted((max(grade, 0) for grade in grades.values()), reverse=True)

    def dcg(values):
        return sum(gain / log2(rank + 1) for rank, gain in enumerate(values[:k], 1))

    n_first = sum(rank <= k for rank in ranks)
    return {
        f"success_{k}": float(n_first > 0),
        f"ndcg_cut_{k}": dcg(gains) / dcg(ideal) if dcg(ideal) else 0.0,
        f"recall_{k}": n_first / len(relevant) if relevant else 0.0,
        "recip_rank": 1 / ranks[0] if ranks else 0.0,
        "map": sum(found / rank for found, rank in enumerate(ranks, 1)) / len(relevant) if relevant else 0.0,
    }


def test_an_evaluation_becomes_a_table_with_a_row_a_query_and_a_column_a_measure():
    qrels = {"q2": {"a": 1}, "q1": {"b": 1}, "q3": {"c": 2}}
    found = evaluate(qrels, {"q1": ranked("a", "b"), "q2": ranked("a")}, k=5)
    frame = found.to_frame()
    assert list(frame) == ["query_id", *measure_names(5)]
    assert frame["query_id"].tolist() == ["q2", "q1", "q3"]
    assert frame["recip_rank"].tolist() == [1, 0.5, 0]
    assert frame.mean(numeric_only=True).to_dict() == pytest.approx(dict(found.mean))


# --- by hand


@pytest.mark.parametrize(
    ("k", "level", "success", "recall", "reciprocal", "average"),
    [
        (1, 1, 0, 0, 1 / 2, (1 / 2 + 2 / 4) / 3),
        (3, 1, 1, 1 / 3, 1 / 2, (1 / 2 + 2 / 4) / 3),
        (50, 1, 1, 2 / 3, 1 / 2, (1 / 2 + 2 / 4) / 3),
        (3, 2, 1, 1 / 2, 1 / 2, (1 / 2 + 2 / 4) / 2),
        (3, 3, 0, 0, 1 / 4, 1 / 4),
        (3, 4, 0, 0, 0, 0),
    ],
)
def test_the_measures_of_a_small_ranking_by_hand(k, level, success, recall, reciprocal, average):
    evaluation = evaluate(QRELS, RUN, k=k, relevance_level=level)
    assert (evaluation.k, evaluation.relevance_level) == (k, level)
    first = [0, 2 / log2(3), 0, 3 / log2(5)][:k]  # ndcg uses every grade
    ideal = [3 / log2(2), 2 / log2(3), 1 / log2(4)][:k]
    names = [f"success_{k}", f"ndcg_cut_{k}", f"recall_{k}", "recip_rank", "map"]
    expected = dict(zip(names, (success, sum(first) / sum(ideal), recall, reciprocal, average), strict=True))
    assert evaluation.mean == evaluation.per_query["q"] == pytest.approx(expected)
    assert list(evaluation.mean) == list(measure_names(k)) == names
    assert evaluation.hit_rate == success


def test_ten_documents_are_the_default():
    far = {"q": ranked(*(f"x{n}" for n in range(9)), "a")}
    assert evaluate(QRELS, far).mean["success_10"] == 1
    farther = evaluate(QRELS, {"q": ranked("x", *far["q"])})
    assert (farther.mean["success_10"], farther.mean["recip_rank"]) == (0, 1 / 11)


def test_which_queries_count():
    qrels = {"missing": {"a": 1}, "found": {"a": 1}, "unjudged": {}, "empty": {"a": 1}, "second": {"a": 1, "b": 1}}
    run = {"second": ranked("x", "a"), "empty": {}, "other": ranked("a"), "found": ranked("a"), "none": ranked("a")}
    evaluation = evaluate({**qrels, "none": {"a": 0, "b": -1}}, {**run, "unjudged": ranked("a")})
    assert list(evaluation.per_query) == ["missing", "found", "empty", "second", "none"]
    for query_id in ("missing", "empty", "none"):
        assert evaluation.per_query[query_id] == dict.fromkeys(measure_names(10), 0)
    assert evaluation.mean["success_10"] == 2 / 5
    assert evaluation.mean["recall_10"] == (1 + 1 / 2) / 5, "whatever their number of relevant documents"
    assert [query_id for query_id, hit in evaluation.hits.items() if hit] == ["found", "second"]
    assert evaluation.values("recip_rank").tolist() == [0, 1, 0, 1 / 2, 0]
    for run in ({}, {"other": ranked("a")}, {"q": {}}):
        assert evaluate(QRELS, run).mean == dict.fromkeys(measure_names(10), 0)


# --- any ranking, ties included

LEVELS = st.sampled_from([0.0, 0.25, 0.5, 0.75])  # few, so that many scores are equal
DOCUMENTS = st.lists(st.tuples(LEVELS, st.none() | st.integers(-1, 3)), max_size=9)  # (score, grade or None)


@given(st.lists(DOCUMENTS, min_size=1, max_size=5), st.permutations("abcdefghi"), st.integers(1, 5), st.integers(1, 3))
def test_measures_are_those_of_the_definitions_and_of_trec_eval_whatever_the_names(queries, names, k, level):
    qrels, run, expected = {}, {}, {}
    for number, documents in enumerate(queries):
        cells = list(zip(names, documents, strict=False))
        qrels[f"q{number}"] = {name: grade for name, (_, grade) in cells if grade is not None} | {"not found": 2}
        run[f"q{number}"] = {name: score for name, (score, _) in cells}
        ranking = sorted(
            run[f"q{number}"], key=run[f"q{number}"].__getitem__, reverse=True
        )  # stable: as they are given
        expected[f"q{number}"] = pytest.approx(by_definition(qrels[f"q{number}"], ranking, k, level))
    assert evaluate(qrels, run, k=k, relevance_level=level).per_query == expected
    judged = pytrec_eval.parse_qrel(qrels_text(qrels).splitlines())
    written = pytrec_eval.parse_run(run_text(run).splitlines())
    wanted = {f"success.{k}", f"ndcg_cut.{k}", f"recall.{k}", "recip_rank", "map"}
    found = pytrec_eval.RelevanceEvaluator(judged, wanted, relevance_level=level).evaluate(written)
    assert found == {query_id: values for query_id, values in expected.items() if run[query_id]}


def test_scores_closer_than_float32_can_tell_and_a_deep_run_keep_their_order():
    scores = {"b": 0.5 + 2e-12, "c": 0.5 + 1e-12, "a": 0.5}
    deep = dict.fromkeys((f"d{number}" for number in np.random.default_rng(3).permutation(5000)), 0.5)
    for run, relevant, rank in ((scores, "b", 1), (scores, "c", 2), (scores, "a", 3), (deep, list(deep)[4321], 4322)):
        qrels = {"q": {relevant: 1}}
        assert evaluate(qrels, {"q": run}).mean["recip_rank"] == pytest.approx(1 / rank)
        parsed = pytrec_eval.parse_run(run_text({"q": run}).splitlines())
        values = pytrec_eval.RelevanceEvaluator(qrels, {"recip_rank"}).evaluate(parsed)["q"]
        assert values["recip_rank"] == pytest.approx(1 / rank)


# --- what is refused, and odd ids


@pytest.mark.parametrize("qrels", [{}, {"q": {}}])
def test_no_judgments_are_refused(qrels):
    with pytest.raises(CollectionError, match="no judgments"):
        evaluate(qrels, RUN)


@pytest.mark.parametrize("value", [0, 1.5, True, "1", 100_001])
def test_k_and_relevance_level_are_whole_numbers_from_1(value):
    for name in ("k", "relevance_level"):
        with pytest.raises(ParameterError, match=f"^{name} is"):
            evaluate(QRELS, RUN, **{name: value})


def test_ids_that_c_cannot_hold_do_not_end_the_process_and_are_told_apart():
    code = """
from retriever.evaluation.measures import evaluate
s = chr(0xD800)  # a lone surrogate, which JSON can carry
for qrels, run in (({s: {"a": 1}}, {s: {"a": 1.0}}), ({"q": {s: 1}}, {"q": {"a": 1.0, s: 0.5}})):
    assert evaluate(qrels, run).hit_rate == 1
assert evaluate({"q": {"a" + chr(0) + "b": 1}}, {"q": {"a" + chr(0) + "c": 1.0}}).hit_rate == 0
"""
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, f"return code {done.returncode}: {done.stderr[-300:]}"


def test_only_one_thread_is_inside_of_trec_eval_whose_memory_all_threads_share(monkeypatch):
    real, inside, most = pytrec_eval.RelevanceEvaluator, set(), []

    class Evaluator:
        """trec_eval's own, with a pause as a garbage collection makes one, in which another thread runs."""

        def __init__(self, *arguments, **options):
            self.real = real(*arguments, **options)

        def evaluate(self, run):
            inside.add(run_id := id(run))
            time.sleep(0.01)
            most.append(len(inside))
            inside.discard(run_id)
            return self.real.evaluate(run)

    monkeypatch.setattr(pytrec_eval, "RelevanceEvaluator", Evaluator)
    with ThreadPool(4) as pool:
        assert len({str(found.mean) for found in pool.map(lambda _: evaluate(QRELS, RUN), range(12))}) == 1
    assert most == [1] * 12


def test_grades_below_zero_count_as_zero_and_end_no_process():
    qrels = {"r": {"c": 2}, "q": {"a": -2, "b": -1000}}
    found = evaluate(qrels, {"q": {"a": 1.0, "b": 0.5}, "r": {"c": 1.0}})
    assert found.per_query["q"] == dict.fromkeys(measure_names(10), 0.0)
    assert found.per_query["r"]["ndcg_cut_10"] == 1.0


@pytest.mark.parametrize("grade", [1.0, "1", True, None, 10**12])
def test_a_grade_that_is_no_small_whole_number_is_refused(grade):
    with pytest.raises(CollectionError, match="must be a whole number up to 1,000"):
        evaluate({"q": {"a": grade, "b": 1}}, {"q": {"a": 1.0}})
