"""The run record of a comparison of two models."""

import math
from typing import Any

from retriever.evaluation.significance import RESAMPLES, Interval
from retriever.experiments.judged_index import RUN_DEPTH, JudgedIndex
from retriever.experiments.model_comparison import ModelComparison
from retriever.run_record import RunRecord
from ui.compare.job import FinishedComparison
from ui.render.records import record_data, record_settings

COMPARISON_PROTOCOL = (
    f"Exact search over the whole collection, {RUN_DEPTH} documents a query, scored by trec_eval "
    "(pytrec-eval-terrier); judged queries only, a missing one counts as 0. A query that is itself a document, by id "
    "and text, is left out of its own results; HNSW then keeps at least k candidates beside it. Mean with 95 % "
    f"bootstrap percentile interval and paired randomization test over queries, {RESAMPLES:,} resamples, fixed seed "
    "(SciPy). corrected_p: by Holm's method, for all measures together and for all kinds together."
)


def comparison_record(result: FinishedComparison, ef: int) -> RunRecord:
    """Return the run record of a comparison: every measure, the kinds of questions, and the index's losses at ef."""
    compared = result.comparison
    first, second, k = compared.first, compared.second, compared.k
    observed: dict[str, Any] = measure_scores(compared)
    observed["kinds"] = {
        kind: {
            "first": interval_numbers(found.first),
            "second": interval_numbers(found.second),
            "p": round(found.p, 6),
            "corrected_p": round(found.corrected_p, 6),
        }
        for kind, found in compared.kinds.items()
    }
    observed["unjudged"] = {
        "judged_share_of_first_k": [round(share, 6) for share in compared.unjudged.judged],
        "hit_rates_if_all_were_answers": [round(rate, 6) for rate in compared.unjudged.highest],
        "lowest_and_highest_difference": [round(bound, 6) for bound in compared.unjudged.difference],
    }
    for side, index in (("first", first), ("second", second)):
        observed[f"{side}_two_errors"] = error_counts(index, k, ef)
    if result.in_lower_case:
        observed["hit_rates_with_questions_in_lower_case"] = [round(rate, 6) for rate in result.in_lower_case]
    if result.notes:
        observed["notes_on_reading"] = {name: list(said) for name, said in result.notes.items()}
    observed["seconds"] = round(result.seconds, 3)
    sides = {"first": record_settings(first.indexed), "second": record_settings(second.indexed)}
    settings = {"k": k, "ef": ef, "relevance_level": first.judged.relevance_level, **sides}
    data = record_data(first.indexed) | question_counts(compared)
    if result.judged_by:
        data["judged_by"] = result.judged_by
    return RunRecord("Two models compared", settings, data, observed, COMPARISON_PROTOCOL)


def question_counts(compared: ModelComparison) -> dict[str, Any]:
    """Return how many questions every mean is of, which of them could not be found or were cut, and what is left out.

    Of what a model cuts there are two numbers, one a model.
    """
    first, second = compared.first, compared.second
    coverage = first.coverage
    return {
        "judged_queries": coverage.judged_queries,
        "judged_queries_without_text": coverage.judged_queries - coverage.queries,
        "judged_queries_without_answer_here": coverage.judged_queries - coverage.answerable,
        "queries_cut": [len(first.cut), len(second.cut)],
        "queries_left_out_of_their_own_results": len(first.own_documents),
        "queries_not_judged_left_out": coverage.unjudged_queries,
        "judged_documents": coverage.judged_documents,
        "judged_documents_not_here": coverage.judged_documents - coverage.documents,
        "passages_cut": [first.indexed.n_cut, second.indexed.n_cut],
    }


def measure_scores(compared: ModelComparison) -> dict[str, Any]:
    """Return every measure of both models with intervals, their difference, p, and p corrected for all measures."""
    return {
        name: {
            "first": interval_numbers(found.first),
            "second": interval_numbers(found.second),
            "difference": interval_numbers(found.difference),
            "p": round(found.p, 6),
            "corrected_p": round(found.corrected_p, 6),
            "wins_ties_losses": [found.wins, found.ties, found.losses],
        }
        for name, found in compared.measures.items()
    }


def error_counts(index: JudgedIndex, k: int, ef: int) -> dict[str, Any]:
    """Return how many questions were found, and how many the model and the index lost."""
    errors = index.errors(k, ef)
    return {
        "ef": ef,
        "questions": errors.asked,
        "found_by_exact_search": errors.found,
        "lost_by_model": len(errors.lost_by_model),
        "kept_by_hnsw": len(errors.kept),
        "lost_by_index": len(errors.lost_by_index),
        "found_by_hnsw_only": len(errors.lucky),
    }


def interval_numbers(values: Interval) -> list[float | None]:
    """Return mean, low and high; the bounds are None for a single question, which gives none."""
    return [None if math.isnan(value) else round(value, 6) for value in (values.mean, values.low, values.high)]
