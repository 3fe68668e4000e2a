"""Tests of walk traces: found and missed are what hnswlib's own search finds and misses, by truth in float64."""

import numpy as np
import pytest

from retriever.errors import ParameterError
from tests.support.small import HOSTILE, sentences
from tests.support.walks import STARVED, by_hnswlib, count_found, lab, true_scores
from ui.walk.trace import hardest_queries, trace_question, trace_walk


@pytest.fixture(scope="module")
def starved(fake_encoder):
    """A collection with a graph so poor that much is missed."""
    return lab(fake_encoder, sentences(400), **STARVED)


@pytest.fixture(scope="module")
def good(fake_encoder):
    return lab(fake_encoder, sentences(300))


@pytest.fixture(scope="module")
def repeated(fake_encoder):
    """A collection in which each text occurs five times, on a graph that leaves some out of reach."""
    indexed = lab(fake_encoder, [text for text in sentences(40) for _ in range(5)], **STARVED)
    assert len(indexed.measurements.graph.unreachable) > 10
    return indexed


@pytest.mark.parametrize(("k", "ef"), [(10, 10), (10, 60), (1, 1), (5, 2)])
def test_a_trace_is_hnswlibs_search_compared_with_the_truth(starved, fake_encoder, k, ef):
    missed = 0
    for question in starved.queries[:4]:
        trace = trace_question(f"  {question} ", k, ef, starved)
        query = fake_encoder.encode_query([question])[0]
        true = np.argsort(-true_scores(starved, query), kind="stable")[:k].tolist()
        found = by_hnswlib(starved, query, k, max(k, ef))
        assert trace.question == question
        assert trace.indexed is starved
        assert trace.query == pytest.approx(query / np.linalg.norm(query), abs=1e-6)
        assert trace.true_ids.tolist() == true
        assert trace.walk.ids.tolist() == found
        assert (trace.walk.k, trace.walk.ef) == (k, max(k, ef))
        assert [miss.node for miss in trace.missed] == [node for node in true if node not in found]
        assert trace.found == len(set(true) & set(found))
        missed += len(trace.missed)
    assert missed > 3, "else this tests nothing"


def test_a_wide_walk_on_a_good_graph_misses_nothing(good):
    for question in good.queries[:5]:
        trace = trace_question(question, 10, 200, good)
        assert (list(trace.missed), trace.found) == ([], 10)


def test_a_trace_of_an_embedded_question_is_the_same(starved):
    asked = trace_question(starved.queries[3], 10, 10, starved)
    given = trace_walk(starved.queries[3], starved.query_vectors[3], 10, 10, starved)
    assert given.walk.ids.tolist() == asked.walk.ids.tolist()
    assert given.true_ids.tolist() == asked.true_ids.tolist()
    assert [miss.node for miss in given.missed] == [miss.node for miss in asked.missed]
    assert given.walk.distances == asked.walk.distances


@pytest.mark.parametrize("n", [1, 2, 7])
@pytest.mark.parametrize("ef", [1, 400])
def test_k_above_the_collection_asks_for_all_there_are(fake_encoder, n, ef):
    trace = trace_question("amber anchor", 50, ef, lab(fake_encoder, sentences(n)))
    assert sorted(trace.true_ids.tolist()) == list(range(n))
    assert trace.found == n
    assert not trace.missed


@pytest.mark.parametrize(("k", "ef"), [(1, 1), (10, 10), (10, 15), (50, 50)])
def test_where_all_texts_are_equal_nothing_is_missed(fake_encoder, k, ef):
    trace = trace_question("amber", k, ef, lab(fake_encoder, ["amber river"] * 30))
    assert trace.found == len(trace.true_ids) == min(k, 30)
    assert not trace.missed


@pytest.mark.parametrize(("k", "ef"), [(10, 10), (10, 400), (50, 50), (3, 12)])
def test_where_texts_repeat_and_some_are_out_of_reach_the_counts_fit(repeated, k, ef):
    missed = 0
    for question in repeated.queries[:8]:
        trace = trace_question(question, k, ef, repeated)
        found = trace.walk.ids.tolist()
        assert trace.found == count_found(repeated, trace.query, k, ef)
        assert not {miss.node for miss in trace.missed} & set(found)
        assert {miss.node for miss in trace.missed} <= set(trace.true_ids.tolist())
        missed += len(trace.missed)
    assert missed > 10, "else this tests nothing"


@pytest.mark.parametrize("question", ["Wo ist der Bär? 熊はどこ", HOSTILE, "?!", "word " * 300, "x"])
def test_any_question_is_walked_to(starved, question):
    trace = trace_question(question, 10, 400, starved)
    assert trace.found == count_found(starved, trace.query, 10, 400)
    assert len(trace.true_ids) == 10


def test_a_question_without_a_direction_is_no_crash(starved, good):
    for indexed in (starved, good):
        trace = trace_walk("x", np.zeros(32, np.float32), 10, 10, indexed)
        assert trace.found == len(trace.walk.ids) == 10, "all are equally near"


@pytest.mark.parametrize("question", [None, "", " \n\t"])
def test_an_empty_question_is_refused(good, question):
    with pytest.raises(ParameterError, match="empty"):
        trace_question(question, 10, 10, good)


def test_a_very_long_question_is_refused_and_one_at_the_limit_is_not(good):
    with pytest.raises(ParameterError, match=r"2,001 characters"):
        trace_question("x" * 2001, 10, 10, good)
    assert trace_question("x" * 2000, 10, 300, good).found == 10


def test_true_neighbours_are_counted_by_distance_and_never_more_than_there_are(starved, fake_encoder):
    trace = trace_question(starved.queries[0], 10, 10, starved)
    order = np.argsort(-true_scores(starved, trace.query), kind="stable").tolist()
    for nodes, count in ((order[:10], 10), (order[5:15], 5), (order[9:11], 1), (order[10:], 0), ([], 0), (order, 10)):
        assert trace.true_among(nodes) == count
    equal = trace_question("amber", 4, 4, lab(fake_encoder, ["amber river"] * 30))
    for nodes, count in (([29], 1), ([27, 28, 29], 3), (range(30), 4)):
        assert equal.true_among(nodes) == count, "any of equally near ones is a true neighbour"


# --- the questions that a graph does worst on


@pytest.mark.parametrize(("k", "ef", "count"), [(10, 10, 8), (10, 60, 5), (3, 3, 20), (5, 9, 100)])
def test_the_hardest_questions_come_worst_first(starved, k, ef, count):
    found = [count_found(starved, query, k, ef) for query in starved.query_vectors]
    assert len(set(found)) > 2, "else this tests nothing"
    rows = hardest_queries(starved, k, ef, count)
    assert rows == sorted(range(20), key=lambda row: found[row])[:count]
    assert all(type(row) is int for row in rows)


def test_the_hardest_questions_of_a_tiny_collection(fake_encoder):
    few = lab(fake_encoder, sentences(3))
    assert hardest_queries(few, 50, 50, 8) == list(range(8)), "all are equally easy: in their own order"
    one = lab(fake_encoder, ["amber"], queries=["amber?"])
    assert hardest_queries(one, 10, 10, 8) == [0]
