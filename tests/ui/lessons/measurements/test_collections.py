"""Tests of what lessons measure on one collection: each outcome in words, and other words where it is unusual."""

import json
from dataclasses import replace

import numpy as np
import pytest

from tests.support.small import curve_of, pair_of
from tests.ui.lessons.conftest import Given, no_progress
from ui.lessons.measurements import again, costs, graphs, recall, walks
from ui.lessons.measurements.one_question import passages_found

UNUSUAL = "not the usual outcome"
AT = {"sample": "documents", "k": 10}
MEASURED = [  # the function, its arguments, whether a poor graph shows what is usual, and a tiny collection does not
    (passages_found, {"ef": 10}, True),
    (recall.recall_at, {"ef": 10}, True),
    (recall.ef_for_recall, {"target": 0.5}, True),
    (recall.more_distances, {"low": 10, "high": 100}, True),
    (recall.ef_below_k, {"ef": 3}, False),
    (costs.distances_at, {"ef": 10}, True),
    (costs.time_against_distances, {"ef": 10}, False),
    (costs.time_spread, {"ef": 10, "times": 3}, False),
    (costs.faster_search, {"ef": 10}, False),
    (costs.growth, {"ef": 10}, False),
    (walks.walk_distances, {"ef": 10}, True),
    (walks.why_missed, {"ef": 10}, False),
    (walks.ef_without_misses, {"questions": 5}, False),
    (walks.copies_found, {}, False),
    (graphs.false_claim, {"ef": 10}, False),
    (graphs.build_time_ratio, {"ef": 10}, False),
    (graphs.memory_ratio, {"ef": 10}, False),
    (graphs.graphs_by_recall, {"ef": 10, "graphs": ["4/20", "16/20", "16/200"]}, True),
    (again.measured_again, {"ef": 10}, False),
    (again.same_graph_again, {"ef": 10}, False),
]
each = pytest.mark.parametrize(
    ("measure", "arguments", "differs"), MEASURED, ids=[measure.__name__ for measure, *_ in MEASURED]
)


def measured(measure, given, **arguments):
    return measure(given, no_progress, **AT, **arguments)


def words(found):
    return " ".join(found.sentences)


@each
def test_each_measurement_runs_on_any_collection_and_says_where_the_outcome_is_unusual(
    measure, arguments, differs, poor, tiny
):
    for given in (poor, tiny):
        found = measured(measure, given, **arguments)
        assert found.sentences and all(sentence.strip() for sentence in found.sentences) and found.numbers
        assert json.loads(found.record.to_json())["observed"] and found.place["sample"] == "documents"
        if differs:
            assert (UNUSUAL in words(found)) == (given is tiny), words(found)


def test_what_is_missed_is_counted_and_named_and_more_is_found_with_a_larger_ef(poor):
    few, more = (measured(passages_found, poor, ef=ef) for ef in (10, 400))
    assert few.value < more.value <= 10 and few.value == round(few.record.observed["recall_at_10"] * 10)
    assert f"at ef=10 HNSW found {few.value} of them" in few.sentences[0] and "It missed “" in few.sentences[1]
    assert few.place["q"] in few.sentences[0]


def test_the_ef_for_a_recall_is_the_smallest_one(poor):
    curve = {ef: poor.collection.measurements.recalls(10, ef).mean() for ef in range(10, 401)}
    target = (curve[10] + curve[400]) / 2
    found = measured(recall.ef_for_recall, poor, target=target)
    assert curve[found.value] >= target > curve[found.value - 1]
    never = measured(recall.ef_for_recall, poor, target=1.1)
    assert never.value == 400 and "No ef up to 400" in words(never)


def test_an_ef_below_k_is_compared_with_k_by_what_is_found(poor, monkeypatch):
    assert measured(recall.ef_below_k, poor, ef=3).value == "same"
    hnsw, search = poor.collection.retriever.hnsw, poor.collection.retriever.hnsw.search
    monkeypatch.setattr(hnsw, "search", lambda queries, k, *, ef: search(queries, 1 if ef < k else k, ef=ef))
    other = measured(recall.ef_below_k, poor, ef=3)
    assert other.value == "less" and "not what hnswlib does" in words(other)


@pytest.mark.parametrize(
    ("seconds", "exact", "value", "faster"),
    [
        (1e-4, 2e-3, "same", "hnsw"),
        (1e-3, 2e-3, "less", "hnsw"),
        (1e-3, 1e-3, "less", "equal"),
        (1e-6, 2e-3, "more", "hnsw"),
        (2e-3, 1e-3, "less", "exact"),
    ],
)
def test_times_are_told_by_their_spread(poor, monkeypatch, seconds, exact, value, faster):
    """The poor collection has 500 passages: HNSW computes 25 distances, a twentieth."""
    spread = np.array([0.9, 1, 1, 1.1])
    pair = pair_of([0.9] * 4, seconds * spread, exact * spread, distances=25, n=500)
    monkeypatch.setattr(costs, "measured_pair", lambda *_: pair)
    assert measured(costs.time_against_distances, poor, ef=10).value == value
    assert measured(costs.faster_search, poor, ef=10).value == faster


def test_a_crowd_is_told_and_makes_a_measurement_one_to_repeat(poor, monkeypatch):
    monkeypatch.setattr("retriever.measurement.turns.CROWDED", 0.0)
    for measure in (costs.time_spread, again.measured_again):
        found = measured(measure, poor, ef=11)
        assert found.crowded and "Measured in a crowd" in words(found)


def test_the_size_from_which_an_index_pays_is_the_first_measured_one_that_saves_half(poor):
    found = measured(costs.growth, poor, ef=10)
    sizes = [
        (int(name.split()[-2].replace(",", "")), float(count.split()[0].replace(",", "")))
        for name, count in found.numbers.items()
    ]
    first = next(n for n, distances in sizes if distances <= n / 2)
    assert f"Of the sizes measured, {first:,} passages are the first" in words(found)


def test_reasons_of_misses_are_those_of_the_walk(poor, tiny):
    assert measured(walks.why_missed, poor, ef=10).value in ("unseen", "unreachable")
    nothing = measured(walks.why_missed, tiny, ef=10)
    assert nothing.value == "nothing" and UNUSUAL in words(nothing)


def test_another_copy_is_no_miss_by_score_though_it_is_one_by_number(tiny):
    found = walks.copies_found(tiny, no_progress, sample="documents", k=9)
    observed = found.record.observed
    assert observed["recall_by_score"] == 1
    usual = observed["questions_with_other_copies"] > 0
    assert found.value == ("no_miss" if usual else "same_copies") and usual == (observed["recall_by_id"] < 1)


def results(poor, **changed):
    """Return the build results of the poor collection, some of which are changed: "16/20" -> fields."""
    found = graphs._Graphs.of(poor, no_progress, "documents", 10, 10).results
    return [replace(one, **changed.get(f"{one.M}/{one.ef_construction}", {})) for one in found]


@pytest.mark.parametrize(
    ("low", "high", "value", "unusual"),
    [
        ((0.5, 1.0, 700), (0.8, 9.0, 700), "memory", False),
        ((0.8, 1.0, 700), (0.8, 9.0, 800), "recall", True),
        ((0.5, 1.0, 700), (0.8, 1.0, 800), "time", True),
        ((0.5, 1.0, 700), (0.8, 9.0, 800), "none", True),
        ((0.8, 1.0, 700), (0.8, 9.0, 700), "several", True),
    ],
)
def test_the_false_claim_is_the_one_that_the_graphs_refute(poor, low, high, value, unusual):
    def fields(of):
        [step] = curve_of((10, [of[0]] * 4, 50, 100))
        return {"measurement": step, "build_seconds": of[1], "link_bytes": of[2]}

    poor = Given(
        poor.collection,
        made={("graphs", "documents", 10, 10): results(poor, **{"16/20": fields(low), "16/200": fields(high)})},
    )
    found = measured(graphs.false_claim, poor, ef=10)
    assert found.value == value and (UNUSUAL in words(found)) == unusual
    assert measured(graphs.build_time_ratio, poor, ef=10).value == high[1] / low[1]


def test_graphs_of_equal_recall_may_stand_in_either_order(poor):
    [step] = curve_of((10, [0.5] * 4, 50, 100))
    equal = {name: {"measurement": step} for name in ("16/20", "16/200")}
    poor = Given(poor.collection, made={("graphs", "documents", 10, 10): results(poor, **equal)})
    found = measured(graphs.graphs_by_recall, poor, ef=10, graphs=["16/20", "16/200"])
    assert found.value == ("16/20", "16/200") and found.equally == [("16/200", "16/20")]


def test_the_same_seed_gives_the_same_graph_and_a_tiny_one_does_not_depend_on_it(poor, tiny):
    assert measured(again.same_graph_again, poor, ef=10).value in ("seed", "both")
    both = measured(again.same_graph_again, tiny, ef=10)
    assert both.value in ("both", "seed") and (UNUSUAL in words(both)) == (both.value == "both")


def test_what_is_counted_is_the_same_again(poor):
    found = measured(again.measured_again, poor, ef=20)
    assert found.value >= 2 and "which must not be" not in words(found)
