"""Run records of what the page shows."""

import math
from typing import Any

from retriever.comparison import RESAMPLES, Interval
from retriever.indexed import IndexedCollection
from retriever.judged_index import DEPTH, JudgedIndex
from retriever.measurement import PROTOCOL, Measurement
from retriever.model_comparison import ModelComparison
from retriever.record import RunRecord
from retriever.side_by_side import REPEATS, SideBySide
from ui.comparing import Compared

COMPARISON_PROTOCOL = (
    f"Exact search over the whole collection, {DEPTH} documents a query, scored by trec_eval (pytrec-eval-terrier); "
    "judged queries only, a missing one counts as 0. Mean with 95 % bootstrap percentile interval and paired "
    f"randomization test over queries, {RESAMPLES:,} resamples, fixed seed (SciPy)."
)


def settings_of(indexed: IndexedCollection) -> dict[str, Any]:
    """Return the settings that produced a collection's numbers."""
    retriever, settings = indexed.retriever, indexed.settings
    return {
        "model": settings.model_name,
        "model_fingerprint": retriever.fingerprint,
        "dimension": retriever.dimension,
        "chunk_size_tokens": settings.chunk_size if indexed.chunked else "one passage a document",
        "chunk_overlap_tokens": settings.chunk_overlap,
        "M": settings.M,
        "ef_construction": settings.ef_construction,
        "seed": retriever.seed,
        "graph_reproducible": retriever.hnsw.reproducible,
        "search_threads": 1,
    }


def data_of(indexed: IndexedCollection) -> dict[str, Any]:
    """Return what the numbers were measured on."""
    return {
        "collection": indexed.name,
        "documents": indexed.n_documents,
        "vectors": len(indexed),
        "tokens": indexed.n_tokens,
        "measuring_queries": len(indexed.queries),
        "queries_drawn_from_documents": indexed.drawn,
    }


def build_record(indexed: IndexedCollection) -> RunRecord:
    """Record a build: seconds by stage, megabytes, files that failed."""
    observed = {f"seconds_{stage.replace(' ', '_')}": round(value, 4) for stage, value in indexed.seconds.items()}
    observed["vectors_kept"] = indexed.n_kept
    observed["vector_bytes"] = indexed.retriever.vectors.nbytes
    observed["graph_link_bytes"] = indexed.retriever.hnsw.link_bytes
    failed = {"files_not_read": dict(indexed.failed)} if indexed.failed else {}
    return RunRecord("Build of a collection", settings_of(indexed), data_of(indexed), {**observed, **failed})


def search_record(indexed: IndexedCollection, question: str, k: int, ef: int, both: SideBySide) -> RunRecord:
    """Record one question answered by both searches."""
    observed: dict[str, Any] = {f"seconds_{name}": value for name, value in both.seconds.items()}
    observed[f"recall_at_{k}"] = both.recall
    observed["exact"] = [
        [hit["metadata"].get("chunk_id", hit["metadata"].get("doc_id")), hit["score"]] for hit in both.exact
    ]
    observed["hnsw"] = [
        [hit["metadata"].get("chunk_id", hit["metadata"].get("doc_id")), hit["score"]] for hit in both.hnsw
    ]
    settings = {**settings_of(indexed), "k": k, "ef": ef, "question": question}
    protocol = f"{PROTOCOL} A single question: searched {REPEATS} times, the median is given; embedded once."
    return RunRecord("One question, exact and HNSW", settings, data_of(indexed), observed, protocol)


def ef_record(
    indexed: IndexedCollection, now: Measurement, exact: Measurement, curve: list[Measurement] | None
) -> RunRecord:
    """Record recall and latency at one ef, exact search beside it and the whole curve."""
    observed: dict[str, Any] = {"hnsw": numbers(now), "exact": numbers(exact)}
    if curve:
        observed["curve"] = [numbers(step) for step in curve]
    settings = {**settings_of(indexed), "k": now.k, "ef": now.ef}
    return RunRecord("Recall against latency", settings, data_of(indexed), observed, PROTOCOL)


def compare_record(result: Compared, ef: int) -> RunRecord:
    """Record a comparison of two models: every measure, the kinds of questions, and what the index cost at ef."""
    compared = result.comparison
    first, second, k = compared.first, compared.second, compared.k
    observed: dict[str, Any] = scored(compared)
    observed["kinds"] = {
        kind: {"first": interval_of(found.first), "second": interval_of(found.second), "p": found.p}
        for kind, found in compared.kinds.items()
    }
    for side, index in (("first", first), ("second", second)):
        observed[f"{side}_two_errors"] = errors_of(index, k, ef)
    if result.in_lower_case:
        observed["hit_rates_with_questions_in_lower_case"] = [round(rate, 6) for rate in result.in_lower_case]
    observed["seconds"] = round(result.seconds, 3)
    sides = {"first": settings_of(first.indexed), "second": settings_of(second.indexed)}
    settings = {"k": k, "ef": ef, "relevance_level": first.judged.relevance_level, **sides}
    cut = {"passages_cut": [first.indexed.n_cut, second.indexed.n_cut]}
    data = data_of(first.indexed) | {"judged_queries": len(first.judged.asked)} | cut
    return RunRecord("Two models compared", settings, data, observed, COMPARISON_PROTOCOL)


def scored(compared: ModelComparison) -> dict[str, Any]:
    """Return every measure of both models with intervals, their difference and p."""
    return {
        name: {
            "first": interval_of(found.first),
            "second": interval_of(found.second),
            "difference": interval_of(found.difference),
            "p": round(found.p, 6),
            "wins_ties_losses": [found.wins, found.ties, found.losses],
        }
        for name, found in compared.measures.items()
    }


def errors_of(index: JudgedIndex, k: int, ef: int) -> dict[str, Any]:
    """Return how many questions were found, and lost by what."""
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


def interval_of(values: Interval) -> list[float | None]:
    """Return mean, low and high, the bounds None where a single question gives none."""
    return [None if math.isnan(value) else round(value, 6) for value in (values.mean, values.low, values.high)]


def numbers(step: Measurement) -> dict[str, Any]:
    """Return a measurement's summary."""
    summary: dict[str, Any] = {} if step.ef is None else {"ef": step.ef}
    if step.mean_distances is not None:
        summary["mean_distances"] = round(step.mean_distances, 2)
    return summary | {
        "mean_recall": round(step.mean_recall, 6),
        "p50_seconds": round(step.p50, 9),
        "p95_seconds": round(step.p95, 9),
        "queries_per_second": round(step.qps, 2),
    }
