"""Unjudged results: their share, and bounds that are those of all ways to judge them."""

import itertools

from hypothesis import given, settings
from hypothesis import strategies as st

from retriever.evaluation.judged_queries import JudgedQueries
from retriever.evaluation.measures import evaluate
from retriever.experiments.unjudged_results import judged_share, unjudged_results

RANKINGS = st.lists(st.sampled_from("abcde"), unique=True, max_size=4)
RUNS = st.fixed_dictionaries({}, optional={"q0": RANKINGS, "q1": RANKINGS})
GRADES = st.dictionaries(st.sampled_from("abcde"), st.integers(0, 2), min_size=1, max_size=3)


def run_of(rankings):
    return {query_id: {doc_id: -float(n) for n, doc_id in enumerate(ranking)} for query_id, ranking in rankings.items()}


def test_the_share_that_was_judged_is_of_the_first_k():
    run = {"q0": dict.fromkeys("abcd", 1.0), "q1": dict.fromkeys("ef", 1.0)}
    qrels = {"q0": {"a": 0, "c": 1, "d": 1}, "q1": {"a": 1}, "q2": {"e": 1}}
    assert judged_share(run, qrels, 1) == 1 / 2
    assert judged_share(run, qrels, 3) == 2 / 5
    assert judged_share(run, qrels, 100) == 3 / 6
    assert judged_share({}, qrels, 10) == 0


@given(RUNS, RUNS, GRADES, GRADES, st.integers(1, 3), st.integers(1, 2))
@settings(max_examples=60, deadline=None)
def test_the_bounds_are_those_of_all_ways_to_judge_what_was_not_judged(first, second, one, other, k, level):
    qrels, runs = {"q0": one, "q1": other}, [run_of(first), run_of(second)]
    found = unjudged_results(*runs, JudgedQueries({}, qrels, level), k)
    unknown = [(query_id, doc_id) for query_id in qrels for doc_id in "abcde" if doc_id not in qrels[query_id]]
    seen = [[], []]
    for answers in itertools.product((0, level), repeat=len(unknown)):
        judged = {query_id: dict(grades) for query_id, grades in qrels.items()}
        for (query_id, doc_id), grade in zip(unknown, answers, strict=True):
            judged[query_id][doc_id] = grade
        for rates, run in zip(seen, runs, strict=True):
            rates.append(evaluate(judged, run, k=k, relevance_level=level).hit_rate)
    differences = [one - other for one, other in zip(*seen, strict=True)]
    assert found.difference == (min(differences), max(differences))
    assert found.highest == (max(seen[0]), max(seen[1]))
    assert found.could_change == (min(differences) < max(differences))


def test_queries_without_judgments_do_not_count():
    run = run_of({"q0": "ab", "q1": "ab"})
    found = unjudged_results(run, {}, JudgedQueries({}, {"q0": {"b": 1}, "q1": {}}), 1)
    assert (found.highest, found.difference) == ((1, 0), (0, 1))
