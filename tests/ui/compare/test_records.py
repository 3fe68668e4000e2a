"""Tests of the run record of a comparison: it is complete, and every number is one that was measured."""

import json
from dataclasses import replace

import pytest

from retriever.experiments.comparison import compare_retrievers
from retriever.experiments.search_costs import SearchCost
from tests.support.judged import FIRST, KINDS, SECOND, compared, lost, order, ranked_index, trec, with_side
from ui.compare.job import FinishedComparison
from ui.compare.records import comparison_record, error_counts, measure_scores
from ui.compare.sentences.verdict import verdict_sentence
from ui.compare.shown.questions import LARGEST_DIFFERENCE, count_by_rank, list_rows
from ui.compare.shown.tables import question_rows
from ui.render.records import record_data, record_settings

SIDES = (("first", FIRST), ("second", SECOND))


def record_of(compared, in_lower_case=(), ef=25):
    """Return a record as read back from JSON, which has no NaN."""
    record = comparison_record(FinishedComparison(compared, 1.23456, in_lower_case=in_lower_case), ef)
    return json.loads(record.to_json(), parse_constant=lambda name: pytest.fail(f"{name} is no JSON"))


def test_the_scores_are_trec_evals_with_intervals_and_counts(found):
    scores = measure_scores(found)
    assert list(scores) == found.measures
    for measure, part in scores.items():
        first, second = ([trec(rank, 10)[measure] for rank in ranks] for _, ranks in SIDES)
        differences = [one - other for one, other in zip(first, second, strict=True)]
        for name, values in (("first", first), ("second", second), ("difference", differences)):
            interval = getattr(found.pair.measures[measure], name)
            assert part[name] == pytest.approx([sum(values) / 12, interval.low, interval.high], abs=1e-12)
        wins, losses = (sum(sign * value > 1e-9 for value in differences) for sign in (1, -1))
        assert part["wins_ties_losses"] == [wins, 12 - wins - losses, losses]
        assert part["p"] == pytest.approx(found.pair.measures[measure].p, abs=1e-12)
        assert part["corrected_p"] == pytest.approx(found.pair.measures[measure].corrected_p, abs=1e-12)


def test_the_two_errors_are_counted():
    index = ranked_index([1, 2])
    index.errors = lambda k, ef: lost(40, by_model=10, by_index=5, lucky=2)
    exact = {"ef": 25, "questions": 40, "found_by_exact_search": 30, "lost_by_model": 10}
    hnsw = {"kept_by_hnsw": 25, "lost_by_index": 5, "found_by_hnsw_only": 2}
    assert error_counts(index, 10, 25) == exact | hnsw


def test_the_record_holds_all_that_was_seen(found):
    observed = record_of(found)["observed"]
    assert {name: observed[name] for name in found.measures} == measure_scores(found)
    assert list(observed["kinds"]) == ["term", "fact"]
    for kind, part in observed["kinds"].items():
        rows = [row for row in range(12) if KINDS[f"q{row}"] == kind]
        for name, ranks in SIDES:
            mean = sum(trec(ranks[row], 10)["success_10"] for row in rows) / len(rows)
            assert part[name][0] == pytest.approx(mean, abs=1e-12)
        p = found.pair.kinds[kind].p, found.pair.kinds[kind].corrected_p
        assert (part["p"], part["corrected_p"]) == pytest.approx(p, abs=1e-12)
    shares = [sum(row in order(row, rank)[:10] for row, rank in enumerate(ranks)) / 120 for _, ranks in SIDES]
    assert observed["unjudged"]["judged_share_of_first_k"] == pytest.approx(shares, abs=1e-12)
    assert observed["unjudged"]["hit_rates_if_all_were_answers"] == [1, 1]
    for (name, ranks), index in zip(SIDES, found.sides, strict=True):
        errors = observed[f"{name}_two_errors"]
        assert errors == error_counts(index, 10, 25)
        assert errors["found_by_exact_search"] == sum(rank is not None and rank <= 10 for rank in ranks)
    assert observed["seconds"] == 1.23456
    assert "lower" not in str(list(observed))
    lower = record_of(found, [0.75, 1 / 3])["observed"]
    assert lower["hit_rates_with_questions_in_lower_case"] == [0.75, 1 / 3]


def test_the_record_says_with_what_and_on_what(found):
    first, second = found.sides
    cut = with_side(found, 1, indexed=replace(second.indexed, n_cut=7), cut=frozenset(["q1", "q2", "q3"]))
    record = record_of(cut)
    settings = record["settings"]
    assert (settings["k"], settings["ef"], settings["relevance_level"]) == (10, 25, 1)
    assert settings["first"] == record_settings(first.indexed)
    assert settings["second"] == record_settings(second.indexed)
    assert "model_revision" not in settings["first"], "of a packaged model the weights' SHA-256 is recorded"
    assert (settings["first"]["model"], settings["second"]["model"]) == ("alpha", "beta")
    assert record["data"] == record_data(first.indexed) | {
        "judged_queries": 12,
        "judged_queries_without_text": 0,
        "judged_queries_without_answer_here": 0,
        "queries_cut": [0, 3],
        "queries_left_out_of_their_own_results": 0,
        "queries_not_judged_left_out": 0,
        "judged_documents": 12,
        "judged_documents_not_here": 0,
        "passages_cut": [0, 7],
    }
    assert record["title"] == "Two models compared"
    for words in (
        "100 documents a query",
        "trec_eval",
        "10,000 resamples",
        "95 %",
        "paired randomization test",
        "Holm",
    ):
        assert words in record["protocol"]
    at_three = record_of(compare_retrievers(found.sides, 3))
    assert at_three["settings"]["k"] == 3
    assert list(at_three["observed"])[:3] == ["success_3", "ndcg_cut_3", "recall_3"]


def test_the_record_counts_the_questions_that_the_page_counts():
    qrels = {"q0": {"d0": 1}, "q1": {"d1": 0}, "gone": {"d1": 1}, "away": {"x": 1}, "nothing": {}}
    found = compared([1, 2], [2, 1], n=20, qrels=qrels, queries={"q0": "a?", "q1": "b?", "train": "c?"})
    found = with_side(found, 0, own_documents=frozenset(["q1"]))
    record = record_of(found)
    data = record["data"]
    assert data["judged_queries"] == record["observed"]["first_two_errors"]["questions"] == 4
    assert sum(record["observed"]["ndcg_cut_10"]["wins_ties_losses"]) == 4
    assert "for 1 of 4 questions" in verdict_sentence(found).striptags()
    assert len(question_rows(found)) == len(list_rows(found, LARGEST_DIFFERENCE, 10)) == 4
    assert sum(number for number, _ in count_by_rank(found).values()) == 4
    counts = ("without_text", 2), ("without_answer_here", 2)
    assert {data[f"judged_queries_{name}"] for name, _ in counts} == {number for _, number in counts}
    assert (data["queries_left_out_of_their_own_results"], data["queries_not_judged_left_out"]) == (1, 1)


def test_what_was_chosen_and_passed_over_in_files_is_recorded(found):
    assert "notes_on_reading" not in record_of(found)["observed"]
    result = FinishedComparison(found, 1.0, notes={"qrels": ("One.",)})
    assert comparison_record(result, 25).observed["notes_on_reading"] == {"qrels": ["One."]}


def test_the_grade_from_which_on_a_document_answers_is_recorded():
    record = record_of(compared([1, 2], [2, 1], n=20, qrels={"q0": {"d0": 3}, "q1": {"d1": 2}}, level=3))
    assert record["settings"]["relevance_level"] == 3
    assert record["observed"]["success_10"]["first"][0] == 0.5


def test_a_single_question_has_no_interval():
    assert record_of(compared([1], [20], n=30))["observed"]["success_10"]["difference"] == [1.0, None, None]


def test_a_record_names_the_commit_of_a_model_of_the_hub(found, monkeypatch):
    monkeypatch.setattr("ui.render.records.loaded_revision", {"alpha": "f" * 40}.get)
    assert record_settings(found.sides[0].indexed)["model_revision"] == "f" * 40


def test_a_record_names_the_device_that_a_loaded_model_runs_on(found, monkeypatch):
    assert "model_device" not in record_settings(found.sides[0].indexed)
    monkeypatch.setattr("ui.render.records.loaded_device", {"alpha": "cuda:0"}.get)
    assert record_settings(found.sides[0].indexed)["model_device"] == "cuda:0"


def test_a_record_names_the_prompts_of_a_model_that_has_some(found, monkeypatch):
    assert not {"query_prompt", "document_prompt"} & set(record_settings(found.sides[0].indexed))
    monkeypatch.setattr("ui.render.records.loaded_prompts", {"alpha": ("ask: ", "")}.get)
    settings = record_settings(found.sides[0].indexed)
    assert (settings["query_prompt"], settings["document_prompt"]) == ("ask: ", "")


def test_of_more_than_two_the_record_has_every_pair_and_what_has_no_index_no_losses_of_one(beside):
    costs = [SearchCost(None, 5, [0.25, 0.75, 0.5])] * 3
    record = json.loads(comparison_record(FinishedComparison(beside, 1.0, costs), 20).to_json())
    settings, observed = record["settings"], record["observed"]
    assert record["title"] == "Three retrievers compared"
    scores, words = observed["success_10"], beside.sides[1].retriever
    assert scores["third"][0] == pytest.approx(beside.sides[2].evaluation(10).hit_rate)
    assert scores["pairs"]["first_minus_second"]["difference"][0] == pytest.approx(scores["first"][0] - 1)
    assert {"p", "corrected_p", "wins_ties_losses"} < set(scores["pairs"]["second_minus_third"])
    assert "kept_by_hnsw" in observed["first_two_errors"] and "kept_by_hnsw" not in observed["second_two_errors"]
    assert settings["second"] == {"retriever": "BM25", **words.settings, "bytes_searched": words.nbytes}
    assert settings["third"]["parts"] == [settings["second"], settings["first"]] and settings["third"]["fusion_k"] == 60
    assert observed["second_costs"] == {
        "seconds_to_index": None,
        "bytes_searched": 5,
        "p50_seconds_a_question": 0.5,
        "questions_timed": 3,
    }
    assert len(record["data"]["queries_cut"]) == 3
