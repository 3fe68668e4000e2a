"""trec_eval's measures: against arithmetic by hand, and against trec_eval on the files that are written."""

import subprocess
import sys
from math import log2

import numpy as np
import pytest
import pytrec_eval
from hypothesis import given, settings
from hypothesis import strategies as st

from retriever.errors import CollectionError, ParameterError
from retriever.evaluation.measures import Evaluation, evaluate, measure_names
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


# --- by hand


def test_the_measures_of_a_small_ranking_by_hand():
    values = evaluate(QRELS, RUN, k=3).per_query["q"]
    assert values["success_3"] == 1
    assert values["recall_3"] == pytest.approx(1 / 3)  # of a, b and c, only b
    assert values["recip_rank"] == 1 / 2
    assert values["map"] == pytest.approx((1 / 2 + 2 / 4) / 3)
    assert values["ndcg_cut_3"] == pytest.approx((2 / log2(3)) / (3 / log2(2) + 2 / log2(3) + 1 / log2(4)))
    assert set(values) == set(measure_names(3))


def test_gains_are_the_grades_themselves():
    values = evaluate(QRELS, {"q": ranked("c", "a", "b")}, k=10).per_query["q"]
    assert values["ndcg_cut_10"] == pytest.approx((1 + 3 / log2(3) + 2 / log2(4)) / (3 + 2 / log2(3) + 1 / log2(4)))
    assert evaluate(QRELS, {"q": ranked("a", "b", "c")}).mean["ndcg_cut_10"] == pytest.approx(1)


@pytest.mark.parametrize(
    ("level", "success", "recall", "reciprocal", "average"),
    [
        (1, 1, 1 / 3, 1 / 2, (1 / 2 + 2 / 4) / 3),
        (2, 1, 1 / 2, 1 / 2, (1 / 2 + 2 / 4) / 2),
        (3, 0, 0, 1 / 4, 1 / 4),
        (4, 0, 0, 0, 0),
    ],
)
def test_a_document_is_relevant_from_the_relevance_level_on(level, success, recall, reciprocal, average):
    evaluation = evaluate(QRELS, RUN, k=3, relevance_level=level)
    assert evaluation.relevance_level == level
    values = evaluation.per_query["q"]
    assert values["success_3"] == success
    assert values["recall_3"] == pytest.approx(recall)
    assert values["recip_rank"] == reciprocal
    assert values["map"] == pytest.approx(average)
    assert values["ndcg_cut_3"] == evaluate(QRELS, RUN, k=3).per_query["q"]["ndcg_cut_3"]  # uses every grade


@pytest.mark.parametrize(
    ("k", "success", "recall"), [(1, 0, 0), (2, 1, 1 / 3), (3, 1, 1 / 3), (4, 1, 2 / 3), (50, 1, 2 / 3)]
)
def test_k_cuts_the_ranking_and_not_the_reciprocal_rank(k, success, recall):
    evaluation = evaluate(QRELS, RUN, k=k)
    assert evaluation.k == k
    assert list(evaluation.mean) == [f"success_{k}", f"ndcg_cut_{k}", f"recall_{k}", "recip_rank", "map"]
    assert evaluation.mean[f"success_{k}"] == success
    assert evaluation.mean[f"recall_{k}"] == pytest.approx(recall)
    assert evaluation.mean["recip_rank"] == 1 / 2


def test_ten_documents_are_the_default():
    far = {"q": ranked(*(f"x{n}" for n in range(9)), "a")}
    assert evaluate(QRELS, far).mean["success_10"] == 1
    assert evaluate(QRELS, {"q": ranked("x", *far["q"])}).mean["success_10"] == 0
    assert evaluate(QRELS, {"q": ranked("x", *far["q"])}).mean["recip_rank"] == 1 / 11


# --- which queries count


def test_a_judged_query_without_documents_in_the_run_counts_as_zero():
    qrels = {"missing": {"a": 1}, "found": {"a": 1}, "empty": {"a": 1}, "second": {"a": 1}}
    evaluation = evaluate(qrels, {"second": ranked("x", "a"), "empty": {}, "found": ranked("a")})
    assert list(evaluation.per_query) == list(qrels)
    for query_id in ("missing", "empty"):
        assert evaluation.per_query[query_id] == dict.fromkeys(measure_names(10), 0)
    assert evaluation.mean["success_10"] == 2 / 4
    assert evaluation.mean["recip_rank"] == (1 + 1 / 2) / 4
    assert evaluation.hits == {"missing": False, "found": True, "empty": False, "second": True}
    assert evaluation.values("recip_rank").tolist() == [0, 1, 0, 1 / 2]


def test_a_run_without_any_judged_query_is_all_zero():
    for run in ({}, {"other": ranked("a")}, {"q": {}}):
        assert evaluate(QRELS, run).mean == dict.fromkeys(measure_names(10), 0)


def test_queries_without_judgments_are_left_out():
    run = {"other": ranked("a"), **RUN, "unjudged": ranked("a")}
    assert list(evaluate({**QRELS, "unjudged": {}}, run).per_query) == ["q"]
    assert evaluate({**QRELS, "unjudged": {}}, run, k=3).mean == evaluate(QRELS, RUN, k=3).mean


def test_a_query_without_relevant_documents_counts_as_zero():
    qrels = {**QRELS, "none": {"a": 0, "b": -1}}
    evaluation = evaluate(qrels, {"q": ranked("a", "b", "c"), "none": ranked("a", "b")})
    assert evaluation.per_query["none"] == dict.fromkeys(measure_names(10), 0)
    assert evaluation.mean["recall_10"] == 1 / 2


def test_the_mean_is_over_queries_whatever_their_number_of_relevant_documents():
    qrels = {"many": dict.fromkeys("abcdefgh", 1), "one": {"a": 1}}
    evaluation = evaluate(qrels, {"many": ranked("a"), "one": ranked("a")})
    assert evaluation.mean["recall_10"] == (1 / 8 + 1) / 2
    assert evaluation.mean["map"] == (1 / 8 + 1) / 2


def test_hits_are_those_among_the_first_k():
    evaluation = evaluate(
        {"near": {"a": 1}, "far": {"a": 1}}, {"near": ranked("x", "a"), "far": ranked("x", "y", "a")}, k=2
    )
    assert evaluation.hits == {"near": True, "far": False}


def test_the_mean_is_that_of_the_values_per_query():
    values = {"p": {"success_1": 1.0, "ndcg_cut_1": 0.5, "recall_1": 0.25, "recip_rank": 1.0, "map": 0.125}}
    values["q"] = {measure: 0.0 for measure in values["p"]}
    assert Evaluation(1, 1, values).mean == {measure: value / 2 for measure, value in values["p"].items()}


# --- any ranking, ties included

LEVELS = st.sampled_from([0.0, 0.25, 0.5, 0.75])  # few, so that many scores are equal
GRADES = st.none() | st.integers(-1, 3)
DOCUMENTS = st.lists(st.tuples(LEVELS, GRADES), max_size=9)


def named(documents, names):
    """Return grades and scores of documents given as (score, grade), with the grade None if unjudged."""
    cells = list(zip(names, documents, strict=False))
    grades = {name: grade for name, (_, grade) in cells if grade is not None}
    return grades, {name: score for name, (score, _) in cells}


@given(DOCUMENTS, st.integers(1, 5), st.integers(1, 3), st.booleans())
@settings(deadline=None)
def test_measures_are_those_of_the_definitions_equal_scores_in_the_order_given(documents, k, level, missed):
    grades, scores = named(documents, "ihgfedcba")
    grades |= {"not found": 2} if missed else {}
    grades = grades or {"a": 0}
    ranking = sorted(scores, key=lambda doc_id: -scores[doc_id])  # stable
    found = evaluate({"q": grades}, {"q": scores}, k=k, relevance_level=level).per_query["q"]
    assert found == pytest.approx(by_definition(grades, ranking, k, level))


@given(DOCUMENTS, st.permutations([f"d{number}" for number in range(9)]), st.integers(1, 3))
@settings(deadline=None)
def test_no_choice_of_names_changes_a_result(documents, names, k):
    results = []
    for chosen in ([f"d{number}" for number in range(9)], names):
        grades, scores = named(documents, chosen)
        results.append(evaluate({"q": {**grades, "other": 1}}, {"q": scores}, k=k).per_query)
    assert results[0] == results[1]


@given(st.lists(DOCUMENTS, min_size=1, max_size=5), st.integers(1, 5), st.integers(1, 3))
@settings(deadline=None)
def test_trec_eval_gives_the_same_figures_for_the_files_that_are_written(queries, k, level):
    qrels, run = {}, {}
    for number, documents in enumerate(queries):
        grades, scores = named(documents, "ihgfedcba")
        qrels[f"q{number}"] = grades or {"a": 1}
        run[f"q{number}"] = {doc_id: scores[doc_id] for doc_id in sorted(scores, key=lambda name: -scores[name])}
    judged = pytrec_eval.parse_qrel(qrels_text(qrels).splitlines())
    given_run = pytrec_eval.parse_run(run_text(run).splitlines())
    wanted = {f"success.{k}", f"ndcg_cut.{k}", f"recall.{k}", "recip_rank", "map"}
    found = pytrec_eval.RelevanceEvaluator(judged, wanted, relevance_level=level).evaluate(given_run)
    ours = evaluate(qrels, run, k=k, relevance_level=level).per_query
    for query_id, values in ours.items():
        assert values == pytest.approx(found.get(query_id, dict.fromkeys(measure_names(k), 0.0)), abs=1e-12)


def test_scores_closer_than_float32_can_tell_keep_their_order():
    scores = {"b": 0.5 + 2e-12, "c": 0.5 + 1e-12, "a": 0.5}
    for relevant, reciprocal in (("b", 1), ("c", 1 / 2), ("a", 1 / 3)):
        qrels = {"q": {relevant: 1}}
        assert evaluate(qrels, {"q": scores}).mean["recip_rank"] == pytest.approx(reciprocal)
        parsed = pytrec_eval.parse_run(run_text({"q": scores}).splitlines())
        assert pytrec_eval.RelevanceEvaluator(qrels, {"recip_rank"}).evaluate(parsed)["q"]["recip_rank"] == (
            pytest.approx(reciprocal)
        )


def test_the_order_of_the_dict_counts_only_among_equal_scores():
    assert evaluate({"q": {"a": 1}}, {"q": {"c": 0.1, "b": 0.2, "a": 0.3}}).mean["recip_rank"] == 1


def test_a_deep_run_keeps_its_order():
    ids = [f"d{number}" for number in np.random.default_rng(3).permutation(5000)]
    assert evaluate({"q": {ids[4321]: 1}}, {"q": dict.fromkeys(ids, 0.5)}).mean["recip_rank"] == pytest.approx(1 / 4322)


# --- what is refused


@pytest.mark.parametrize("qrels", [{}, {"q": {}}])
def test_no_judgments_are_refused(qrels):
    with pytest.raises(CollectionError, match="no judgments"):
        evaluate(qrels, RUN)


@pytest.mark.parametrize("value", [0, -1, 1.5, True, "1", 100_001])
def test_k_and_relevance_level_are_whole_numbers_from_1(value):
    with pytest.raises(ParameterError, match="^k is"):
        evaluate(QRELS, RUN, k=value)
    with pytest.raises(ParameterError, match="^relevance_level is"):
        evaluate(QRELS, RUN, relevance_level=value)


@pytest.mark.parametrize("place", ["query", "judged document", "ranked document"])
def test_an_id_that_utf8_cannot_hold_does_not_end_the_process(place):
    bad = {"query": "({s: {'a': 1}}, {s: {'a': 1.0}})", "judged document": "({'q': {s: 1}}, {'q': {'a': 1.0}})"}
    arguments = bad.get(place, "({'q': {'a': 1}}, {'q': {'a': 1.0, s: 0.5}})")
    code = f"""
from retriever.errors import CollectionError
from retriever.evaluation.measures import evaluate
s = chr(0xD800)  # a lone surrogate, which JSON can carry
try:
    values = evaluate(*{arguments}).mean.values()
except CollectionError:
    values = [0]
assert all(0 <= value <= 1 for value in values)
"""
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, f"return code {done.returncode}: {done.stderr[-300:]}"


def test_ids_that_differ_only_after_a_nul_are_not_taken_for_one_another():
    try:
        hits = evaluate({"q": {"a\0b": 1}}, {"q": {"a\0c": 1.0}}).hits
    except CollectionError:
        return
    assert hits == {"q": False}
