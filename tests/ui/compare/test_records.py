"""Tests of the run record of a comparison: it is complete, and every number is one that was measured."""

import json
from dataclasses import replace

import pytest

from retriever.evaluation.significance import Interval
from retriever.experiments.model_comparison import compare_models
from tests.support.judged import FIRST, KINDS, SECOND, compared, lost, ranked_index, trec
from ui.compare.job import FinishedComparison
from ui.compare.records import comparison_record, error_counts, interval_numbers, measure_scores
from ui.render.records import record_data, record_settings


@pytest.fixture(scope="module")
def found():
    return compared(FIRST, SECOND, kinds=KINDS)


def read(record):
    """Return a record as read back from JSON, which has no NaN."""
    return json.loads(record.to_json(), parse_constant=lambda name: pytest.fail(f"{name} is no JSON"))


def test_the_scores_are_trec_evals_with_intervals_and_counts(found):
    scores = measure_scores(found)
    assert list(scores) == list(found.measures)
    for measure, part in scores.items():
        first, second = ([trec(rank, 10)[measure] for rank in ranks] for ranks in (FIRST, SECOND))
        differences = [one - other for one, other in zip(first, second, strict=True)]
        for name, values in (("first", first), ("second", second), ("difference", differences)):
            mean, low, high = part[name]
            assert mean == pytest.approx(sum(values) / 12, abs=1e-6)
            interval = getattr(found.measures[measure], name)
            assert [low, high] == pytest.approx([interval.low, interval.high], abs=1e-6)
        signs = [sum(value > 1e-9 for value in differences), sum(value < -1e-9 for value in differences)]
        assert part["wins_ties_losses"] == [signs[0], 12 - sum(signs), signs[1]]
        assert part["p"] == pytest.approx(found.measures[measure].p, abs=1e-6)


def test_the_two_errors_are_counted(found):
    index = ranked_index([1, 2])
    index.errors = lambda k, ef: lost(40, by_model=10, by_index=5, lucky=2)
    assert error_counts(index, 10, 25) == {
        "ef": 25,
        "questions": 40,
        "found_by_exact_search": 30,
        "lost_by_model": 10,
        "kept_by_hnsw": 25,
        "lost_by_index": 5,
        "found_by_hnsw_only": 2,
    }


def test_an_interval_of_one_question_has_no_bounds():
    nan = float("nan")
    assert interval_numbers(Interval(0.25, 0.1234567, 0.5)) == [0.25, 0.123457, 0.5]
    assert interval_numbers(Interval(1.0, nan, nan)) == [1.0, None, None]
    record = read(comparison_record(FinishedComparison(compared([1], [20], n=30), 1.0), 10))
    assert record["observed"]["success_10"]["difference"] == [1.0, None, None]


def test_the_record_holds_all_that_was_seen(found):
    record = read(comparison_record(FinishedComparison(found, 1.23456), 25))
    observed = record["observed"]
    assert {name: observed[name] for name in found.measures} == measure_scores(found)
    assert list(observed["kinds"]) == ["term", "fact"]
    for kind, part in observed["kinds"].items():
        numbers = [row for row in range(12) if KINDS[f"q{row}"] == kind]
        for name, ranks in (("first", FIRST), ("second", SECOND)):
            mean = sum(trec(ranks[row], 10)["success_10"] for row in numbers) / len(numbers)
            assert part[name][0] == pytest.approx(mean, abs=1e-6)
        assert part["p"] == found.kinds[kind].p
    assert observed["first_two_errors"] == error_counts(found.first, 10, 25)
    assert observed["second_two_errors"] == error_counts(found.second, 10, 25)
    assert observed["first_two_errors"]["found_by_exact_search"] == sum(
        rank is not None and rank <= 10 for rank in FIRST
    )
    assert observed["seconds"] == 1.235
    assert "lower" not in str(list(observed))


def test_the_record_says_with_what_and_on_what(found):
    second = replace(found.second, indexed=replace(found.second.indexed, n_cut=7))
    record = read(comparison_record(FinishedComparison(replace(found, second=second), 1.0), 25))
    settings, data = record["settings"], record["data"]
    assert (settings["k"], settings["ef"], settings["relevance_level"]) == (10, 25, 1)
    assert settings["first"] == record_settings(found.first.indexed)
    assert settings["second"] == record_settings(found.second.indexed)
    assert (settings["first"]["model"], settings["second"]["model"]) == ("alpha", "beta")
    assert data == record_data(found.first.indexed) | {"judged_queries": 12, "passages_cut": [0, 7]}
    assert record["title"] == "Two models compared"
    for words in ("100 documents a query", "trec_eval", "10,000 resamples", "95 %", "paired randomization test"):
        assert words in record["protocol"]


def test_the_grade_from_which_on_a_document_answers_is_recorded():
    found = compared([1, 2], [2, 1], n=20, qrels={"q0": {"d0": 3}, "q1": {"d1": 2}}, level=3)
    record = read(comparison_record(FinishedComparison(found, 1.0), 10))
    assert record["settings"]["relevance_level"] == 3
    assert record["observed"]["success_10"]["first"][0] == 0.5


def test_hit_rates_in_lower_case_are_recorded_where_there_are_any(found):
    record = read(comparison_record(FinishedComparison(found, 1.0, [0.75, 1 / 3]), 10))
    assert record["observed"]["hit_rates_with_questions_in_lower_case"] == [0.75, 0.333333]


def test_another_k_is_another_record(found):
    record = read(comparison_record(FinishedComparison(compare_models(found.first, found.second, 3), 1.0), 10))
    assert record["settings"]["k"] == 3
    assert list(record["observed"])[:3] == ["success_3", "ndcg_cut_3", "recall_3"]


def test_the_record_reads_as_markdown_too(found):
    text = comparison_record(FinishedComparison(found, 1.0), 10).to_markdown()
    assert text.startswith("# Run record: Two models compared\n")
    assert "| success_10 | " in text
