"""The named endpoints /build, /search, /measure and /compare, for programs (gradio_client); they answer in JSON."""

from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from typing import Any

import gradio as gr

from retriever.errors import ParameterError
from retriever.hnsw import LARGEST_EF
from retriever.index import check_count
from ui.asking import answer, result_rows
from ui.bench import Bench
from ui.building import PASTE, SAMPLE, UPLOAD, plan, request_of, whole_number
from ui.compare_request import BEIR, LOADED, SAMPLES
from ui.compare_request import request_of as compare_request
from ui.comparing import plan as plan_comparison
from ui.errors import shown
from ui.job import Job
from ui.preparation import Preparation
from ui.records import (
    build_record,
    compare_record,
    data_of,
    errors_of,
    numbers,
    scored,
    search_record,
    settings_of,
)
from ui.session import Session
from ui.text import plain
from ui.verdict import costs, verdict

MOST_K = 200  # the true neighbours at each k are kept, so k has an end
SOURCES = {"sample": SAMPLE, "files": UPLOAD, "text": PASTE}
JUDGED = {**{name: title for title, name in SAMPLES.items()}, "beir": BEIR, "loaded": LOADED}


def search(question: str, k: float, ef: float, session: Session) -> dict[str, Any]:
    """Answer a question exactly and by HNSW over what this client has loaded."""
    indexed = session.loaded()
    width = check_count("ef", whole_number("ef", ef), 1)
    k = check_count("k", whole_number("k", k), 1, MOST_K)
    both = answer(question, k, width, indexed)
    record = search_record(indexed, question, k, width, both)
    return {"results": result_rows(both), "recall": both.recall, "seconds": both.seconds, "record": _content(record)}


def measure(k: float, ef: float, session: Session) -> dict[str, Any]:
    """Measure recall and latency at ef over the pinned queries of what this client has loaded."""
    indexed = session.loaded()
    k = check_count("k", whole_number("k", k), 1, MOST_K)
    now = indexed.counted(indexed.measure(k, check_count("ef", whole_number("ef", ef), 1)))
    exact = indexed.measure_exact(k)
    return {
        "hnsw": numbers(now),
        "exact": numbers(exact),
        "recall": [round(float(value), 6) for value in now.recall],
        "settings": settings_of(indexed),
        "data": data_of(indexed),
    }


def build_collection(
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
    preparation: Preparation,
) -> tuple[dict[str, Any], Session]:
    """Build a collection for this client and wait for its end; return its run record.

    source: "sample" (with sample: a name of retriever.SAMPLES), "files" or "text".
    """
    if source not in SOURCES:
        raise ParameterError(f"The source is {source!r}; choose one of: {', '.join(SOURCES)}.")
    request = request_of(
        SOURCES[source], sample, files, pasted, None, model_name, chunk_size, chunk_overlap, M, ef_construction
    )
    planned = plan(request, session, preparation)
    indexed = Job(planned.work, kind="build").start().result()
    return _content(build_record(indexed)), session.with_collection(indexed, planned.source)


def compare(
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
    bench: Bench,
    session: Session,
    *,
    preparation: Preparation,
) -> tuple[dict[str, Any], Bench]:
    """Compare two models on a judged collection; return the verdict, the scores and the run record.

    collection: "everyday_science", "python_docs", "beir" (with archive) or "loaded" (with qrels, and queries, unless
    what this client has built has its own).
    """
    if collection not in JUDGED:
        raise ParameterError(f"The collection is {collection!r}; choose one of: {', '.join(JUDGED)}.")
    request = compare_request(
        JUDGED[collection], first, second, k, M, ef_construction, archive, qrels, queries, relevance_level
    )
    width = max(check_count("ef", whole_number("ef", ef), 1, LARGEST_EF), request.k)
    session = _loaded(session, preparation)
    compared = Job(plan_comparison(request, session, bench.shelf, preparation), kind="comparison").start().result()
    found = compared.comparison
    result = {
        "verdict": plain(verdict(found)),
        "costs": plain(costs(found, width)),
        "scores": scored(found),
        "two_errors": {index.model_name: errors_of(index, found.k, width) for index in (found.first, found.second)},
        "record": _content(compare_record(compared, width)),
    }
    return result, replace(bench, compared=compared)


def build(session: gr.State, preparation: Preparation) -> None:
    """Offer the endpoints; their controls are never shown."""
    bench = gr.State(Bench())
    start = partial(build_collection, preparation=preparation)  # keeps the names of its parameters for clients
    contrast = partial(compare, preparation=preparation)

    def ask(question: str, k: float, ef: float, current: Session) -> dict[str, Any]:
        return search(question, k, ef, _loaded(current, preparation))

    def test(k: float, ef: float, current: Session) -> dict[str, Any]:
        return measure(k, ef, _loaded(current, preparation))

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
        shown(start),
        [source, sample, files, pasted, model, *numbers_in, session],
        [result, session],
        api_name="build",
        concurrency_limit=None,
    )
    button.click(shown(ask), [question, k, ef, session], result, api_name="search", concurrency_limit=None)
    button.click(shown(test), [k, ef, session], result, api_name="measure", concurrency_limit=None)
    button.click(
        shown(contrast),
        [*names, k, ef, *graph, *judged, bench, session],
        [result, bench],
        api_name="compare",
        concurrency_limit=None,
    )


def _loaded(session: Session, preparation: Preparation) -> Session:
    """Give a client that has built nothing the best shared sample, as the page does."""
    return session if session.indexed is not None else replace(session, indexed=preparation.best())


def _content(record: Any) -> dict[str, Any]:  # noqa: ANN401 - a RunRecord
    return {name: dict(part) if hasattr(part, "items") else part for name, part in vars(record).items()}
