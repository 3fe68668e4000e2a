"""The labs' panel: vary M and efConstruction, or the number of vectors, and measure what changes."""

import asyncio
from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing
from dataclasses import dataclass
from typing import Any, TypeVar

import gradio as gr
import plotly.graph_objects as go

from retriever.errors import Cancelled
from retriever.indexing.collection import IndexedCollection
from retriever.measurement.sweeps import BuildResult, SizeResult, sample_vectors, sweep_graph_settings, sweep_sizes
from retriever.progress import Progress, stage_progress
from ui.inputs import SearchSettings, nearest_k
from ui.jobs.build_queue import BUILD_QUEUE
from ui.jobs.job import Job, cancel_running
from ui.jobs.progress_text import progress_bar
from ui.jobs.watching import watch
from ui.recall.labs.figures import growth_figure, heat_figure
from ui.recall.labs.records import build_lab_record, size_lab_record
from ui.recall.labs.text import build_lab_table, build_lab_verdict, size_lab_table, size_lab_verdict
from ui.render.controls import HIDDEN, NO_CHANGE, UNQUEUED, Updates
from ui.render.errors import report_stream_errors
from ui.render.export import folded_record
from ui.render.html import HINT, Html
from ui.session import Session

MS, EF_CONSTRUCTIONS = (4, 8, 16, 32), (20, 100, 400)
SAMPLED_VECTORS = 5_000  # vectors of the build lab, unless all are requested
BUILD_HINT = HINT.format(
    Html(
        "The course says: <i>higher efConstruction improves recall at the cost of memory and build time</i>. Build "
        "twelve graphs over the same vectors and see which part of that is so."
    )
)
SIZE_HINT = HINT.format(
    "A sixteenth of the vectors, an eighth, and so on up to all of them, which is the loaded graph: how does each "
    "search grow, and from where on does an index pay?"
)
NOT_RUNNING = HINT.format("Nothing is running.")
CANCELLING = HINT.format("Cancelling: the graph under way is finished first …")
CANCELLED = HINT.format("Cancelled. What was shown before is unchanged.")
OTHER_COLLECTION = HINT.format("Another collection was loaded: start this lab again to measure it.")
DONE = HINT.format("Done.")

LabResult = TypeVar("LabResult")


@dataclass(frozen=True, eq=False)
class Lab:
    """The components of one lab, and the handlers that update them."""

    start: gr.Button
    cancel: gr.Button
    hint: gr.HTML
    running: gr.State  # the Job, once one was started
    figure: gr.Plot
    result: gr.HTML

    @property
    def outputs(self) -> list[gr.Component]:
        """The components that a run updates."""
        return [self.running, self.hint, self.figure, self.result]

    def stop(self, running: Job[Any] | None) -> Html:
        """Ask the running lab to stop, and return a message."""
        return CANCELLING if cancel_running(running) else NOT_RUNNING

    def clear(self, running: Job[Any] | None) -> Updates:
        """End the running lab and take away a result: both are of a collection that is no longer loaded."""
        if running is None:
            return NO_CHANGE
        cancel_running(running)
        return {self.running: None, self.hint: OTHER_COLLECTION, self.figure: gr.update(visible=False), self.result: ""}

    async def stream_job(
        self,
        work: Callable[[Progress], LabResult],
        show: Callable[[LabResult], tuple[go.Figure, Html]],
        running: Job[Any] | None,
    ) -> AsyncGenerator[Updates, None]:
        """Run a lab as a job; yield its progress, and in the last step the result as a figure and as HTML."""
        cancel_running(running)  # a second click restarts
        job = BUILD_QUEUE.submit(Job(work, kind="lab"))
        begun: Updates = {self.running: job}
        try:
            async with aclosing(watch(job)) as statuses:
                async for status in statuses:
                    yield begun | {self.hint: progress_bar(status)}
                    begun = {}
            figure, result = await asyncio.to_thread(show, job.result())
        except Cancelled:
            yield {self.hint: CANCELLED}
            return
        yield {self.hint: DONE, self.figure: gr.update(value=figure, visible=True), self.result: result}


@dataclass(frozen=True, eq=False)
class BuildLab(Lab):
    """The build lab: graphs with every M and efConstruction over the same vectors."""

    every: gr.Checkbox

    async def stream(
        self, k: float, ef: float, every: bool, session: Session, running: Job[Any] | None
    ) -> AsyncGenerator[Updates, None]:
        """Run the lab over a fixed sample of the loaded vectors, or over all of them."""
        indexed = session.loaded()
        settings, n = _lab_settings(k, ef, indexed), len(indexed) if every else min(SAMPLED_VECTORS, len(indexed))

        def work(progress: Progress) -> list[BuildResult]:
            vectors = sample_vectors(indexed.retriever.vectors, n)
            report = stage_progress(progress, "building twelve graphs")
            return sweep_graph_settings(
                vectors, indexed.query_vectors, MS, EF_CONSTRUCTIONS, k=settings.k, ef=settings.ef, progress=report
            )

        def show(results: list[BuildResult]) -> tuple[go.Figure, Html]:
            words = build_lab_verdict(results, n) + build_lab_table(results)
            return heat_figure(results), words + folded_record(build_lab_record(indexed, results, n))

        async with aclosing(self.stream_job(work, show, running)) as steps:
            async for step in steps:
                yield step


@dataclass(frozen=True, eq=False)
class SizeLab(Lab):
    """The size lab: both searches over growing parts of the vectors."""

    async def stream(
        self, k: float, ef: float, session: Session, running: Job[Any] | None
    ) -> AsyncGenerator[Updates, None]:
        """Run the lab over the loaded vectors, with the settings of their graph."""
        indexed = session.loaded()
        settings, graph = _lab_settings(k, ef, indexed), indexed.settings

        def work(progress: Progress) -> list[SizeResult]:
            return sweep_sizes(
                indexed.retriever.vectors,
                indexed.query_vectors,
                k=settings.k,
                ef=settings.ef,
                M=graph.M,
                ef_construction=graph.ef_construction,
                whole=indexed.retriever.hnsw,
                progress=stage_progress(progress, "building graphs of every size"),
            )

        def show(results: list[SizeResult]) -> tuple[go.Figure, Html]:
            words = size_lab_verdict(results) + size_lab_table(results)
            return growth_figure(results), words + folded_record(size_lab_record(indexed, results))

        async with aclosing(self.stream_job(work, show, running)) as steps:
            async for step in steps:
                yield step


def build_lab_panel(session: gr.State, k: gr.Slider, ef: gr.Slider) -> tuple[BuildLab, SizeLab]:
    """Create both labs, each folded, and connect their listeners; they measure at the sliders' k and ef."""
    with gr.Accordion("Build lab: what M and efConstruction buy", open=False):
        hint = gr.HTML(BUILD_HINT)
        with gr.Row():
            start, cancel = gr.Button("Build twelve graphs", size="sm"), gr.Button("Cancel", size="sm")
            label = f"all vectors, not {SAMPLED_VECTORS:,} drawn with a fixed seed"
            every = gr.Checkbox(False, label=label, min_width=240)
        build = BuildLab(start, cancel, hint, *_result_components(), every)
    with gr.Accordion("Size lab: how each search grows", open=False):
        hint = gr.HTML(SIZE_HINT)
        with gr.Row():
            start, cancel = gr.Button("Measure every size", size="sm"), gr.Button("Cancel", size="sm")
        size = SizeLab(start, cancel, hint, *_result_components())
    inputs = [k, ef, build.every, session, build.running]
    build.start.click(report_stream_errors(build.stream), inputs, build.outputs, **HIDDEN)
    size.start.click(report_stream_errors(size.stream), [k, ef, session, size.running], size.outputs, **HIDDEN)
    for lab in (build, size):
        lab.cancel.click(lab.stop, lab.running, lab.hint, **UNQUEUED)
    return build, size


def _result_components() -> tuple[gr.State, gr.Plot, gr.HTML]:
    """Create what holds a lab's job and shows its result."""
    with gr.Row():
        with gr.Column(scale=6, min_width=320):
            figure = gr.Plot(show_label=False, container=False, visible=False)
        with gr.Column(scale=6, min_width=320):
            result = gr.HTML()
    return gr.State(), figure, result


def _lab_settings(k: float, ef: float, indexed: IndexedCollection) -> SearchSettings:
    """Return what a lab measures at: the sliders' k, at most the collection's size, and their ef."""
    return SearchSettings.nearest(min(nearest_k(k), len(indexed)), ef)
