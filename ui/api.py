"""The API endpoints /build, /search, /measure and /compare for programs (gradio_client); they return JSON."""

import asyncio
import csv
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import gradio as gr
from gradio.components import Component

from retriever.chunking.chunker import DEFAULT_SIZE
from retriever.datasets.samples import SAMPLES
from retriever.documents.document import TableColumns
from retriever.documents.loading import ACCEPTED_SUFFIXES
from retriever.encoders.catalogue import MODELS
from retriever.errors import ParameterError
from retriever.experiments.search_comparison import answer_question
from retriever.indexing.collection import IndexedCollection, IndexSettings
from ui.blocks import EndpointWords
from ui.compare.choices import RETRIEVERS
from ui.compare.job import FinishedComparison, plan_comparison
from ui.compare.records import comparison_record, error_counts, measure_scores
from ui.compare.request import BEIR, JUDGED_SAMPLES, LOADED, CompareRequest
from ui.compare.state import ComparisonState
from ui.compare.text import cost_sentence
from ui.compare.verdict import verdict_sentence
from ui.documents.job import PASTE, SAMPLE, UPLOAD, BuildRequest, index_settings, plan_build
from ui.documents.records import build_record
from ui.inputs import SLIDER_MAX_EF, SLIDER_MAX_K, SearchSettings, check_question, check_whole_number
from ui.jobs.shared_samples import SharedSamples
from ui.jobs.watching import result_of
from ui.render.errors import report_errors
from ui.render.records import pair_numbers, record_data, record_settings
from ui.search.beside import CHOICES, NOTHING, check_beside, prepare, ready
from ui.search.records import result_rows, search_record
from ui.search.third import answer_beside
from ui.session import Session

API_MAX_K, API_MAX_EF = SLIDER_MAX_K, SLIDER_MAX_EF  # those of the page: what takes longer keeps others waiting
API_SOURCES = {"sample": SAMPLE, "files": UPLOAD, "text": PASTE}
API_COLLECTIONS = {**{name: title for title, name in JUDGED_SAMPLES.items()}, "beir": BEIR, "loaded": LOADED}
_COUNT, _GRAPH = f"a whole number from 1 to {API_MAX_K}", "of the HNSW graph"
PARAMETERS = {  # what a program is told of each, on the page's API view, at /gradio_api/info and by view_api
    "source": 'Where the documents come from: "sample", "files" or "text".',
    "sample": f"For the source sample, its name: {', '.join(SAMPLES)}.",
    "files": f"For the source files, uploaded files: {' '.join(ACCEPTED_SUFFIXES)}.",
    "pasted": "For the source text, the text itself; it becomes one document.",
    "model_name": f"The embedding model: {', '.join(MODELS)}.",
    "chunk_size": "Tokens that a chunk has at most: a whole number up to the model's limit.",
    "chunk_overlap": "Tokens that a chunk repeats of the one before: a whole number below chunk_size.",
    "M": f"Links that a node {_GRAPH} keeps (M is a capital letter): a whole number from 2 to 64.",
    "ef_construction": f"Candidates that are weighed to link a node {_GRAPH}: a whole number from 10 to 800.",
    "text_columns": "Of tables among the files, the columns to read as text, with commas between; empty for the usual.",
    "title_column": "Of tables among the files, the column to read as titles; empty for the one called title.",
    "question": "The question, in words.",
    "beside": f"A third answer beside both searches: {', '.join(CHOICES)}, or empty for none.",
    "k": f"Passages that each search returns, or documents in a comparison: {_COUNT}.",
    "ef": f"Candidates that HNSW keeps: a whole number from 1 to {API_MAX_EF}; one below k counts as k.",
    "collection": f"The judged collection: {', '.join(API_COLLECTIONS)}; beir takes an archive, loaded is your own.",
    "first": f"The first retriever: {'; '.join(RETRIEVERS)}; or any other two of those without a plus, with a plus.",
    "second": "The second retriever: another one of these.",
    "third": "A third retriever, another one of these; empty to compare two.",
    "fourth": "A fourth retriever, another one of these; empty to compare fewer.",
    "archive": "For the collection beir, a zip in BEIR's layout: corpus.jsonl, queries.jsonl and qrels.",
    "part": "Of an archive that holds several collections, the folder of the one to read; else empty.",
    "split": "Of the archive's judgments, the split to read, such as dev; empty for test, else dev, else train.",
    "qrels": "For the collection loaded, a file of judgments, unless it has its own: TREC qrels or BEIR's table.",
    "queries": "For the collection loaded, the questions of the judgments: JSON lines, or a table of ids and texts.",
    "relevance_level": "The lowest grade that counts as relevant: a whole number from 1.",
}
EXAMPLES = {"question": "how hot should the water be for green tea?"}
RESULTS = {
    "build": "The run record of the build: versions, machine, settings, data and what was observed, times in seconds.",
    "search": "results: the rankings, a row a hit; recall: the share of exact search's hits that HNSW finds, 0 to 1; "
    "seconds: of embedding and of the searches; record: the run record.",
    "measure": "hnsw and exact: mean_recall, p50_seconds, p95_seconds, queries_per_second; recall: of each query; "
    "seconds_ago: the age of the measurement; settings; data.",
    "compare": "verdict and costs: in words; scores: every measure of all that is compared, with the differences; "
    "two_errors: the questions that the model and that the index loses; record: the run record.",
}
ENDPOINT_WORDS = EndpointWords(PARAMETERS, EXAMPLES, RESULTS)


@dataclass(frozen=True)
class Endpoints:
    """The endpoints of programs, which are told what the docstrings, PARAMETERS and RESULTS say.

    States come first: Gradio leaves them out of what a program sends.
    """

    shared_samples: SharedSamples

    async def build(
        self,
        session: Session,
        source: str,
        sample: str,
        files: Sequence[str] | None = None,
        pasted: str = "",
        model_name: str = IndexSettings.model_name,
        chunk_size: float = DEFAULT_SIZE,
        chunk_overlap: float = 0,
        M: float = IndexSettings.M,
        ef_construction: float = IndexSettings.ef_construction,
        text_columns: str = "",
        title_column: str = "",
    ) -> tuple[dict[str, Any], Session]:
        """Build a collection for this client, wait until it is built, and search and measure that one from then on."""
        if source not in API_SOURCES:
            raise ParameterError(f"The source is {source!r}; choose one of: {', '.join(API_SOURCES)}.")
        settings = index_settings(
            model_name, chunk_size=chunk_size, chunk_overlap=chunk_overlap, M=M, ef_construction=ef_construction
        )
        columns = TableColumns(split_names(text_columns), title_column or "")
        request = BuildRequest(
            API_SOURCES[source], sample, tuple(files or ()), pasted or "", settings=settings, columns=columns
        )
        planned = await asyncio.to_thread(plan_build, request, session, self.shared_samples)
        indexed = await result_of(planned.submit())
        record = await asyncio.to_thread(build_record, indexed)
        return _record_content(record), session.with_collection(indexed, planned.source)

    async def search(
        self, session: Session, question: str, k: float, ef: float, beside: str = NOTHING
    ) -> dict[str, Any]:
        """Search the client's collection for a question, exactly and by HNSW, or a sample before anything is built."""
        indexed = self._with_default_sample(session).loaded()
        settings, asked, name = SearchSettings.of(k, ef), check_question(question), check_beside(beside)
        if name and ready(indexed, name) is None:
            await result_of(prepare(indexed, name))
        return await asyncio.to_thread(_search_content, indexed, asked, settings, name)

    def measure(self, session: Session, k: float, ef: float) -> dict[str, Any]:
        """Measure recall and latency at an ef over the measuring queries of the client's collection."""
        indexed = self._with_default_sample(session).loaded()
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

    async def compare(
        self,
        session: Session,
        comparison_state: ComparisonState,
        collection: str,
        first: str,
        second: str,
        k: float,
        ef: float,
        M: float,
        ef_construction: float,
        archive: str | None = None,
        qrels: str | None = None,
        queries: str | None = None,
        relevance_level: float = 1,
        part: str = "",
        split: str = "",
        third: str = "",
        fourth: str = "",
    ) -> tuple[dict[str, Any], ComparisonState]:
        """Compare two to four retrievers on a judged collection, and count what the model and what the index loses."""
        if collection not in API_COLLECTIONS:
            raise ParameterError(f"The collection is {collection!r}; choose one of: {', '.join(API_COLLECTIONS)}.")
        asked = SearchSettings.of(k, ef)
        request = CompareRequest(
            collection=API_COLLECTIONS[collection],
            first=first,
            second=second,
            third=third or "",
            fourth=fourth or "",
            k=asked.k,
            M=check_whole_number("M", M),
            ef_construction=check_whole_number("ef_construction", ef_construction),
            archive=archive or "",
            qrels=qrels or "",
            queries=queries or "",
            relevance_level=check_whole_number("relevance_level", relevance_level),
            part=part or "",
            split=split or "",
        )
        state, loaded = comparison_state, self._with_default_sample(session)
        planned = await asyncio.to_thread(plan_comparison, request, loaded, state.index_cache, self.shared_samples)
        compared = await result_of(planned.submit())
        return await asyncio.to_thread(_comparison_content, compared, asked.ef), replace(state, compared=compared)

    def _with_default_sample(self, session: Session) -> Session:
        """Return the session, with the best shared sample for a client that has built nothing, as on the page."""
        return session if session.indexed is not None else replace(session, indexed=self.shared_samples.best())


def split_names(written: str) -> tuple[str, ...]:
    """Return names that were written with commas between them; one with a comma in it stands in double quotes."""
    rows = list(csv.reader([(written or "").replace("\n", " ")], skipinitialspace=True))
    return tuple(name.strip() for name in rows[0] if name.strip()) if rows else ()


def build_api(session: gr.State, shared_samples: SharedSamples) -> None:
    """Create the endpoints; their components are never shown."""
    endpoints, comparison_state = Endpoints(shared_samples), gr.State(ComparisonState())
    with gr.Group(visible=False):
        source, sample = gr.Textbox("sample", label="Source"), gr.Textbox("documents", label="Sample")
        files = gr.File(file_count="multiple", type="filepath", label="Files")
        pasted, columns = gr.Textbox("", label="Text"), [gr.Textbox("", label=label) for label in ("Columns", "Titles")]
        model = gr.Textbox(IndexSettings.model_name, label="Model")
        sizes = [gr.Number(DEFAULT_SIZE, label="Chunk size"), gr.Number(0, label="Overlap")]
        graph = [
            gr.Number(IndexSettings.M, label="M"),
            gr.Number(IndexSettings.ef_construction, label="efConstruction"),
        ]
        question, k, ef = gr.Textbox(label="Question"), gr.Number(10, label="k"), gr.Number(10, label="ef")
        beside = gr.Textbox(NOTHING, label="Beside")
        names = [
            gr.Textbox(value, label=label)
            for label, value in (
                ("Collection", "everyday_science"),
                ("First model", IndexSettings.model_name),
                ("Second model", "wordllama-256"),
            )
        ]
        judged = [gr.File(type="filepath", label=label) for label in ("Archive", "Judgments", "Questions")]
        level = gr.Number(1, label="Relevance level")
        parts = [gr.Textbox("", label=label) for label in ("Part of the archive", "Split")]
        further = [gr.Textbox("", label=label) for label in ("Third model", "Fourth model")]
        result, button = gr.JSON(label="result"), gr.Button()
    asked: dict[str, tuple[Callable[..., Any], list[Component], list[Component]]] = {
        "build": (
            endpoints.build,
            [session, source, sample, files, pasted, model, *sizes, *graph, *columns],
            [result, session],
        ),
        "search": (endpoints.search, [session, question, k, ef, beside], [result]),
        "measure": (endpoints.measure, [session, k, ef], [result]),
        "compare": (
            endpoints.compare,
            [session, comparison_state, *names, k, ef, *graph, *judged, level, *parts, *further],
            [result, comparison_state],
        ),
    }
    for name, (endpoint, inputs, outputs) in asked.items():
        button.click(report_errors(endpoint), inputs, outputs, api_name=name, concurrency_limit=None)


def _search_content(indexed: IndexedCollection, question: str, asked: SearchSettings, name: str) -> dict[str, Any]:
    """Return the answers to a question as values for JSON; name: of the retriever that is made and answers too."""
    both = answer_question(indexed, question, asked.k, ef=asked.ef)
    retriever = ready(indexed, name) if name else None
    third = answer_beside(indexed, name, retriever, question, asked.k, both) if retriever else None
    return {
        "results": result_rows(both, third),
        "recall": both.recall,
        "seconds": {**both.seconds, **({third.choice.title: third.found.seconds} if third else {})},
        "record": _record_content(search_record(indexed, question, asked, both, third)),
    }


def _comparison_content(compared: FinishedComparison, ef: int) -> dict[str, Any]:
    """Return a comparison's verdict, scores and run record as values for JSON."""
    found = compared.comparison
    return {
        "verdict": verdict_sentence(found).striptags(),
        "costs": cost_sentence(found, ef).striptags(),
        "scores": measure_scores(found),
        "two_errors": {side.name: error_counts(side, found.k, ef) for side in found.sides},
        "record": _record_content(comparison_record(compared, ef)),
    }


def _record_content(record: Any) -> dict[str, Any]:  # noqa: ANN401 - a RunRecord
    """Return a run record's fields as values for JSON."""
    return {name: dict(part) if hasattr(part, "items") else part for name, part in vars(record).items()}
