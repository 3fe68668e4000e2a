"""Tests of walk traces: found and missed are what hnswlib's own search finds and misses, by truth in float64."""

import numpy as np
import pytest

from tests.support.small import sentences
from tests.support.walks import by_hnswlib, count_found, lab, traced, true_scores
from ui.inputs import SearchSettings
from ui.walk.records import walk_record
from ui.walk.text import walk_summary
from ui.walk.trace import hardest_queries, trace_walk


@pytest.mark.parametrize(("k", "ef"), [(10, 10), (10, 60), (1, 1), (5, 2)])
def test_a_trace_is_hnswlibs_search_compared_with_the_truth(starved, fake_encoder, k, ef):
    missed = 0
    for row, question in enumerate(starved.queries[:4]):
        trace = traced(starved, f"  {question} ", k, ef)
        query = fake_encoder.encode_query([question])[0]
        true = np.argsort(-true_scores(starved, query), kind="stable")[:k].tolist()
        found = by_hnswlib(starved, query, k, max(k, ef))
        assert (trace.question, trace.indexed) == (question, starved)
        assert trace.query == pytest.approx(query / np.linalg.norm(query), abs=1e-6)
        embedded = trace_walk(question, starved.query_vectors[row], SearchSettings.of(k, ef), starved)
        for one in (trace, embedded):
            assert one.true_ids.tolist() == true
            assert one.walk.ids.tolist() == found
            assert (one.walk.k, one.walk.ef) == (k, max(k, ef))
            assert [miss.node for miss in one.missed] == [node for node in true if node not in found]
            assert one.found == len(set(true) & set(found))
        missed += len(trace.missed)
    assert missed > 3, "else this tests nothing"


def test_a_typed_question_that_is_cut_is_told_and_recorded(good):
    for words, cut in ((62, False), (63, True)):
        trace = traced(good, "amber " * words, 5, 10)
        assert (trace.tokens, trace.tokens_read) == (words + 2, 64)
        said = "of its 65 tokens fake reads the first 64" in walk_summary(trace).striptags()
        assert said == ("is cut" in walk_summary(trace)) == cut
        observed = walk_record(trace).observed
        assert (observed["question_tokens"], observed["question_tokens_read"]) == (words + 2, 64)


def test_where_all_is_found_nothing_is_missed(fake_encoder, good, equal):
    one, few = (lab(fake_encoder, sentences(n)) for n in (1, 7))
    cases = [(good, 10, 200), (one, 50, 1), (few, 50, 400), (equal, 1, 1), (equal, 10, 15), (equal, 50, 50)]
    for indexed, k, ef in cases:
        trace = traced(indexed, "amber anchor", k, ef)
        assert (list(trace.missed), trace.found) == ([], min(k, len(indexed)))
        assert len(set(trace.true_ids.tolist())) == trace.found


@pytest.mark.parametrize(("k", "ef"), [(10, 10), (10, 400), (50, 50), (3, 12)])
def test_where_texts_repeat_and_some_are_out_of_reach_the_counts_fit(repeated, k, ef):
    missed = 0
    for question in repeated.queries[:8]:
        trace = traced(repeated, question, k, ef)
        not_found = {miss.node for miss in trace.missed}
        assert trace.found == count_found(repeated, trace.query, k, ef)
        assert not not_found & set(trace.walk.ids.tolist())
        assert not_found <= set(trace.true_ids.tolist())
        missed += len(not_found)
    assert missed > 10, "else this tests nothing"


def test_to_a_question_without_a_direction_all_are_equally_near(starved, good):
    for indexed in (starved, good):
        trace = trace_walk("without a direction", np.zeros(32, np.float32), SearchSettings(10, 10), indexed)
        assert trace.found == len(trace.walk.ids) == 10


def test_true_neighbours_are_counted_by_distance_and_never_more_than_there_are(starved, equal):
    trace = traced(starved, starved.queries[0])
    order = np.argsort(-true_scores(starved, trace.query), kind="stable").tolist()
    for nodes, count in ((order[:10], 10), (order[5:15], 5), (order[9:11], 1), (order[10:], 0), ([], 0), (order, 10)):
        assert trace.true_among(nodes) == count
    of_equal = traced(equal, "amber", 4, 4)
    for nodes, count in (([29], 1), ([27, 28, 29], 3), (range(30), 4)):
        assert of_equal.true_among(nodes) == count, "any of equally near ones is among the nearest"


@pytest.mark.parametrize(("k", "ef", "count"), [(10, 10, 8), (10, 60, 5), (3, 3, 20), (5, 9, 100)])
def test_the_hardest_questions_come_worst_first(starved, k, ef, count):
    found = [count_found(starved, query, k, ef) for query in starved.query_vectors]
    assert len(set(found)) > 2, "else this tests nothing"
    rows = hardest_queries(starved, SearchSettings(k, ef), count)
    assert rows == sorted(range(20), key=lambda row: found[row])[:count]
    assert all(type(row) is int for row in rows)


def test_equally_hard_questions_come_in_their_own_order(fake_encoder):
    assert hardest_queries(lab(fake_encoder, sentences(3)), SearchSettings(50, 50), 8) == list(range(8))
    one = lab(fake_encoder, ["amber"], queries=["amber?"])
    assert hardest_queries(one, SearchSettings(10, 10), 8) == [0]
