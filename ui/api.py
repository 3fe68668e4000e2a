"""The API endpoints /build, /search, /measure and /compare for programs (gradio_client); they return JSON."""

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from typing import Any

import gradio as gr

from retriever.errors import ParameterError
from retriever.experiments.search_comparison import answer_question
from ui.compare.job import FinishedComparison, plan_comparison
from ui.compare.records import comparison_record, error_counts, measure_scores
from ui.compare.request import BEIR, JUDGED_SAMPLES, LOADED, CompareRequest
from ui.compare.state import ComparisonState
from ui.compare.text import cost_sentence, verdict_sentence
from ui.documents.job import PASTE, SAMPLE, UPLOAD, BuildRequest, index_settings, plan_build
from ui.documents.records import build_record
from ui.inputs import SLIDER_MAX_EF, SLIDER_MAX_K, SearchSettings, check_question, check_whole_number
from ui.jobs.shared_samples import SharedSamples
from ui.jobs.watching import result_of
from ui.render.errors import report_errors
from ui.render.records import pair_numbers, record_data, record_settings
from ui.search.records import result_rows, search_record
from ui.session import Session

API_MAX_K, API_MAX_EF = SLIDER_MAX_K, SLIDER_MAX_EF  # those of the page: what takes longer keeps others waiting
API_SOURCES = {"sample": SAMPLE, "files": UPLOAD, "text": PASTE}
API_COLLECTIONS = {**{name: title for title, name in JUDGED_SAMPLES.items()}, "beir": BEIR, "loaded": LOADED}


def search_loaded(question: str, k: float, ef: float, session: Session) -> dict[str, Any]:
    """Search the client's collection for a question, exactly and by HNSW."""
    indexed = session.loaded()
    settings, asked = SearchSettings.of(k, ef), check_question(question)
    both = answer_question(indexed, asked, settings.k, ef=settings.ef)
    record = search_record(indexed, asked, settings, both)
    return {
        "results": result_rows(both),
        "recall": both.recall,
        "seconds": both.seconds,
        "record": _record_content(record),
    }


def measure_loaded(k: float, ef: float, session: Session) -> dict[str, Any]:
    """Measure recall and latency at ef over the measuring queries of the client's collection.

    seconds_ago: how old the measurement is, as one serves all who ask for the same within a few seconds.
    """
    indexed = session.loaded()
    settings = SearchSettings.of(k, ef)
    measurements = indexed.measurements
    recent = measurements.recent(settings.k, settings.ef)
    pair = replace(recent.value, hnsw=measurements.counted(recent.value.hnsw))
    return {
        **pair_numbers(pair),
        "recall": [round(float(value), 6) for value in pair.hnsw.recall],
        "seconds_ago": round(recent.seconds_ago, 3),
        "settings": record_settings(indexed),
        "data": record_data(indexed),
    }


async def build_collection(
    source: str,
    sample: str,
    files: Sequence[str] | None,
    pasted: str,
    model_name: str,
    chunk_size: float,
    chunk_overlap: float,
    M: float,
    ef_construction: float,
    session: Session,
    *,
    shared_samples: SharedSamples,
) -> tuple[dict[str, Any], Session]:
    """Build a collection for this client and wait until it is built; return its run record and the new session.

    source: "sample" (with sample: a name of retriever.SAMPLES), "files" or "text". Raises a RetrieverError if the
    request is refused.
    """
    if source not in API_SOURCES:
        raise ParameterError(f"The source is {source!r}; choose one of: {', '.join(API_SOURCES)}.")
    settings = index_settings(
        model_name, chunk_size=chunk_size, chunk_overlap=chunk_overlap, M=M, ef_construction=ef_construction
    )
    request = BuildRequest(API_SOURCES[source], sample, tuple(files or ()), pasted or "", settings=settings)
    planned = await asyncio.to_thread(plan_build, request, session, shared_samples)
    indexed = await result_of(planned.submit())
    record = await asyncio.to_thread(build_record, indexed)
    return _record_content(record), session.with_collection(indexed, planned.source)


async def compare_on_collection(
    collection: str,
    first: str,
    second: str,
    k: float,
    ef: float,
    M: float,
    ef_construction: float,
    archive: str | None,
    qrels: str | None,
    queries: str | None,
    relevance_level: float,
    comparison_state: ComparisonState,
    session: Session,
    *,
    shared_samples: SharedSamples,
) -> tuple[dict[str, Any], ComparisonState]:
    """Compare two models on a judged collection; return verdict, scores and run record, and the new comparison state.

    collection: "everyday_science", "python_docs", "beir" (with archive) or "loaded" (with qrels, and queries, unless
    the client's collection has its own). Raises a RetrieverError if the request is refused.
    """
    if collection not in API_COLLECTIONS:
        raise ParameterError(f"The collection is {collection!r}; choose one of: {', '.join(API_COLLECTIONS)}.")
    asked = SearchSettings.of(k, ef)
    request = CompareRequest(
        collection=API_COLLECTIONS[collection],
        first=first,
        second=second,
        k=asked.k,
        M=check_whole_number("M", M),
        ef_construction=check_whole_number("ef_construction", ef_construction),
        archive=archive or "",
        qrels=qrels or "",
        queries=queries or "",
        relevance_level=check_whole_number("relevance_level", relevance_level),
    )
    session = _with_default_sample(session, shared_samples)
    state = comparison_state
    planned = await asyncio.to_thread(plan_comparison, request, session, state.index_cache, shared_samples)
    compared = await result_of(planned.submit())
    return await asyncio.to_thread(_comparison_content, compared, asked.ef), replace(state, compared=compared)


def build_api(session: gr.State, shared_samples: SharedSamples) -> None:
    """Create the endpoints; their components are never shown."""
    comparison_state = gr.State(ComparisonState())
    # partial keeps the names of the parameters, which clients use
    build_endpoint = partial(build_collection, shared_samples=shared_samples)
    compare_endpoint = partial(compare_on_collection, shared_samples=shared_samples)

    def search_endpoint(question: str, k: float, ef: float, current: Session) -> dict[str, Any]:
        return search_loaded(question, k, ef, _with_default_sample(current, shared_samples))

    def measure_endpoint(k: float, ef: float, current: Session) -> dict[str, Any]:
        return measure_loaded(k, ef, _with_default_sample(current, shared_samples))

    with gr.Group(visible=False):
        source, sample = gr.Textbox("sample", label="source"), gr.Textbox("documents", label="sample")
        files, pasted = gr.File(file_count="multiple", type="filepath", label="files"), gr.Textbox(label="text")
        model = gr.Textbox("all-MiniLM-L6-v2", label="model")
        numbers_in = [
            gr.Number(value, label=label)
            for label, value in (("chunk_size", 200), ("chunk_overlap", 0), ("M", 16), ("ef_construction", 200))
        ]
        question, k, ef = gr.Textbox(label="question"), gr.Number(10, label="k"), gr.Number(10, label="ef")
        names = [gr.Textbox(value) for value in ("everyday_science", "all-MiniLM-L6-v2", "wordllama-256")]
        graph = [gr.Number(16), gr.Number(200)]
        judged = [gr.File(type="filepath") for _ in range(3)] + [gr.Number(1)]
        result, button = gr.JSON(label="result"), gr.Button()
    button.click(
        report_errors(build_endpoint),
        [source, sample, files, pasted, model, *numbers_in, session],
        [result, session],
        api_name="build",
        concurrency_limit=None,
    )
    button.click(
        report_errors(search_endpoint), [question, k, ef, session], result, api_name="search", concurrency_limit=None
    )
    button.click(report_errors(measure_endpoint), [k, ef, session], result, api_name="measure", concurrency_limit=None)
    button.click(
        report_errors(compare_endpoint),
        [*names, k, ef, *graph, *judged, comparison_state, session],
        [result, comparison_state],
        api_name="compare",
        concurrency_limit=None,
    )


def _comparison_content(compared: FinishedComparison, ef: int) -> dict[str, Any]:
    """Return a comparison's verdict, scores and run record as values for JSON."""
    found = compared.comparison
    return {
        "verdict": verdict_sentence(found).striptags(),
        "costs": cost_sentence(found, ef).striptags(),
        "scores": measure_scores(found),
        "two_errors": {index.model_name: error_counts(index, found.k, ef) for index in (found.first, found.second)},
        "record": _record_content(comparison_record(compared, ef)),
    }


def _with_default_sample(session: Session, shared_samples: SharedSamples) -> Session:
    """Return the session, with the best shared sample for a client that has built nothing, as on the page."""
    return session if session.indexed is not None else replace(session, indexed=shared_samples.best())


def _record_content(record: Any) -> dict[str, Any]:  # noqa: ANN401 - a RunRecord
    """Return a run record's fields as values for JSON."""
    return {name: dict(part) if hasattr(part, "items") else part for name, part in vars(record).items()}
