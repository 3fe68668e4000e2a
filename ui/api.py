"""The API endpoints /build, /search, /measure and /compare for programs (gradio_client); they return JSON."""

import asyncio
import csv
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import gradio as gr
from gradio.components import Component

from retriever.chunking.chunker import DEFAULT_SIZE
from retriever.documents.document import TableColumns
from retriever.errors import ParameterError
from retriever.experiments.search_comparison import answer_question
from retriever.indexing.collection import IndexedCollection, IndexSettings
from ui.compare.job import plan_comparison
from ui.compare.request import CompareRequest
from ui.compare.state import ComparisonState
from ui.documents.job import PASTE, SAMPLE, UPLOAD, BuildRequest, index_settings, plan_build
from ui.documents.records import build_record
from ui.inputs import SearchSettings, check_question, check_whole_number
from ui.jobs.shared_samples import SharedSamples
from ui.jobs.watching import result_of
from ui.programs.answers import comparison_content, measured_content, record_content
from ui.programs.words import API_COLLECTIONS
from ui.render.errors import report_errors
from ui.search.beside import NOTHING, check_beside, prepare, ready
from ui.search.records import result_rows, search_record
from ui.search.third import answer_beside
from ui.session import Session

API_SOURCES = {"sample": SAMPLE, "files": UPLOAD, "text": PASTE}


@dataclass(frozen=True)
class Endpoints:
    """The endpoints of programs, which are told what the docstrings and ui/programs/words.py say.

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
        return record_content(record), session.with_collection(indexed, planned.source)

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
        return measured_content(indexed, SearchSettings.of(k, ef))

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
        return await asyncio.to_thread(comparison_content, compared, asked.ef), replace(state, compared=compared)

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
        "record": record_content(search_record(indexed, question, asked, both, third)),
    }
