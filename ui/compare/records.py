"""The run record of a comparison of two to four retrievers."""

import math
from typing import Any

from retriever.evaluation.significance import RESAMPLES, Comparison, Interval
from retriever.experiments.comparison import RetrieverComparison, errors_of
from retriever.experiments.judged_index import JudgedIndex
from retriever.experiments.judged_ranking import JudgedFusion, JudgedRetriever
from retriever.experiments.judged_search import RUN_DEPTH, JudgedSearch
from retriever.json_text import write_json
from retriever.run_record import RunRecord
from ui.compare.job import FinishedComparison
from ui.compare.request import THE_COLLECTIONS
from ui.compare.shown.marks import ORDINALS
from ui.render.records import LONGEST_TEXT, record_data, record_settings

COMPARISON_PROTOCOL = (
    f"Exact search over the whole collection, {RUN_DEPTH} documents a query, scored by trec_eval "
    "(pytrec-eval-terrier); judged queries only, a missing one counts as 0. A query that is itself a document, by id "
    "and text, is left out of its own results; HNSW then keeps at least k candidates beside it. Mean with 95 % "
    f"bootstrap percentile interval and paired randomization test over queries, {RESAMPLES:,} resamples, fixed seed "
    "(SciPy). corrected_p: by Holm's method, for all measures of all pairs together and for all kinds of all pairs "
    "together. costs: the first questions, from text to ranking, one at a time and in turns, by the wall's clock, not "
    "beside another timed section of this process."
)
COUNTS = {2: "Two", 3: "Three", 4: "Four"}


def comparison_record(result: FinishedComparison, ef: int) -> RunRecord:
    """Return the run record of a comparison: every measure, the kinds of questions, the losses at ef, and the costs."""
    compared = result.comparison
    observed: dict[str, Any] = measure_scores(compared)
    observed["kinds"] = kind_scores(compared)
    observed["unjudged"] = unjudged_bounds(compared)
    for place, side in zip(ORDINALS, compared.sides, strict=False):
        observed[f"{place}_two_errors"] = error_counts(side, compared.k, ef)
    if result.in_lower_case:
        observed["hit_rates_with_questions_in_lower_case"] = list(result.in_lower_case)
    if result.notes:
        observed["notes_on_reading"] = {name: list(said) for name, said in result.notes.items()}
    for place, cost in zip(ORDINALS, result.costs, strict=False):
        observed[f"{place}_costs"] = {
            "seconds_to_index": cost.seconds_to_index,
            "bytes_searched": cost.searched_bytes,
            "p50_seconds_a_question": cost.p50,
            "questions_timed": len(cost.query_seconds),
        }
    observed["seconds"] = result.seconds
    settings: dict[str, Any] = {"k": compared.k, "ef": ef, "relevance_level": compared.sides[0].judged.relevance_level}
    settings |= {place: side_settings(side) for place, side in zip(ORDINALS, compared.sides, strict=False)}
    if not any(isinstance(side, JudgedIndex) for side in compared.sides):
        settings["passages_of"] = record_settings(result.indexed)
    data = record_data(result.indexed) | question_counts(compared)
    if result.judged_by:
        data["judged_by"] = result.judged_by
        data |= own_judgments(compared) if result.judged_by != THE_COLLECTIONS else {}
    models = all(isinstance(side, JudgedIndex) for side in compared.sides)
    title = f"{COUNTS[len(compared.sides)]} {'models' if models else 'retrievers'} compared"
    return RunRecord(title, settings, data, observed, COMPARISON_PROTOCOL, kind="comparison")


def own_judgments(compared: RetrieverComparison) -> dict[str, Any]:
    """Return the questions and judgments that do not come with the collection, if they are few."""
    judged = compared.sides[0].judged
    whole = judged.as_dict()
    judgments = {"queries": dict(judged.asked), "qrels": whole["qrels"], "kinds": whole["kinds"]}
    return {"judgments": judgments} if len(write_json(judgments)) <= LONGEST_TEXT else {}


def side_settings(side: JudgedSearch) -> dict[str, Any]:
    """Return the settings that produced one retriever's numbers."""
    if isinstance(side, JudgedIndex):
        return record_settings(side.indexed)
    if isinstance(side, JudgedFusion):
        parts = [side_settings(part) for part in side.parts]
        return {"retriever": side.name, "fusion": "reciprocal rank", "fusion_k": side.fusion_k, "parts": parts}
    own = dict(side.settings) if isinstance(side, JudgedRetriever) else {}
    return {"retriever": side.name, **own, "bytes_searched": side.searched_bytes}


def question_counts(compared: RetrieverComparison) -> dict[str, Any]:
    """Return how many questions every mean is of, which of them could not be found or were cut, and what is left out.

    Of what a retriever cuts there are as many numbers as retrievers.
    """
    first = compared.sides[0]
    coverage = first.coverage
    return {
        "judged_queries": coverage.judged_queries,
        "judged_queries_without_text": coverage.judged_queries - coverage.queries,
        "judged_queries_without_answer_here": coverage.judged_queries - coverage.answerable,
        "queries_cut": [len(side.cut) for side in compared.sides],
        "queries_left_out_of_their_own_results": len(first.own_documents),
        "queries_not_judged_left_out": coverage.unjudged_queries,
        "judged_documents": coverage.judged_documents,
        "judged_documents_not_here": coverage.judged_documents - coverage.documents,
        "passages_cut": [side.n_cut for side in compared.sides],
    }


def measure_scores(compared: RetrieverComparison) -> dict[str, Any]:
    """Return every measure of all retrievers with intervals, and their differences with p, also corrected.

    Two retrievers have one difference, which stands beside their scores; more have one a pair, under "pairs".
    """
    if len(compared.sides) == 2:
        return {
            name: {
                "first": interval_numbers(found.first),
                "second": interval_numbers(found.second),
                **_difference(found),
                "wins_ties_losses": [found.wins, found.ties, found.losses],
            }
            for name, found in compared.pair.measures.items()
        }
    return {
        name: {
            **{
                place: interval_numbers(compared.score(name, number))
                for number, place in enumerate(ORDINALS[: len(compared.sides)])
            },
            "pairs": {
                _pair_name(numbers): {
                    **_difference(pair.measures[name]),
                    "wins_ties_losses": [
                        pair.measures[name].wins,
                        pair.measures[name].ties,
                        pair.measures[name].losses,
                    ],
                }
                for numbers, pair in compared.pairs.items()
            },
        }
        for name in compared.measures
    }


def kind_scores(compared: RetrieverComparison) -> dict[str, Any]:
    """Return the hit rate of all retrievers by kind of question, with p, of more than two by pair."""
    scores: dict[str, Any] = {}
    for kind in compared.kinds:
        scores[kind] = {
            place: interval_numbers(compared.score_of_kind(kind, number))
            for number, place in enumerate(ORDINALS[: len(compared.sides)])
        }
        tested = {_pair_name(numbers): _p(pair.kinds[kind]) for numbers, pair in compared.pairs.items()}
        scores[kind] |= _p(compared.pair.kinds[kind]) if len(tested) == 1 else {"pairs": tested}
    return scores


def unjudged_bounds(compared: RetrieverComparison) -> dict[str, Any]:
    """Return what the unjudged of the first results leave open, of more than two retrievers by pair."""
    bounds = {_pair_name(numbers): list(pair.unjudged.difference) for numbers, pair in compared.pairs.items()}
    return {
        "judged_share_of_first_k": list(compared.judged_shares),
        "hit_rates_if_all_were_answers": list(compared.highest_hit_rates),
        "lowest_and_highest_difference": bounds if len(bounds) > 1 else next(iter(bounds.values())),
    }


def error_counts(side: JudgedSearch, k: int, ef: int) -> dict[str, Any]:
    """Return how many questions were found, and how many the model and, where there is one, the index lost."""
    errors = errors_of(side, k, ef)
    counts = {
        "questions": errors.asked,
        "found_by_exact_search": errors.found,
        "lost_by_model": len(errors.lost_by_model),
    }
    if not isinstance(side, JudgedIndex):
        return counts
    return (
        {"ef": ef}
        | counts
        | {
            "kept_by_hnsw": len(errors.kept),
            "lost_by_index": len(errors.lost_by_index),
            "found_by_hnsw_only": len(errors.lucky),
        }
    )


def _pair_name(numbers: tuple[int, int]) -> str:
    """Return what a record calls a pair: the difference of the first and the second named."""
    return "_minus_".join(ORDINALS[number] for number in numbers)


def _difference(found: Comparison) -> dict[str, Any]:
    """Return a difference with its interval and p."""
    return {"difference": interval_numbers(found.difference), **_p(found)}


def _p(found: Comparison) -> dict[str, float]:
    """Return p as tested, and corrected for all that was tested together."""
    return {"p": found.p, "corrected_p": found.corrected_p}


def interval_numbers(values: Interval) -> list[float | None]:
    """Return mean, low and high; the bounds are None for a single question, which gives none."""
    return [None if math.isnan(value) else value for value in (values.mean, values.low, values.high)]
