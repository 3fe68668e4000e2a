"""What the labs share: their components, and handlers that run the measuring as a job, show it, and end it."""

import asyncio
from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing
from dataclasses import dataclass
from typing import Any, TypeVar

import gradio as gr
import plotly.graph_objects as go

from retriever.errors import Cancelled, RetrieverError
from retriever.indexing.collection import IndexedCollection
from retriever.progress import Progress
from ui.inputs import SearchSettings, nearest_k
from ui.jobs.build_queue import BUILD_QUEUE
from ui.jobs.job import Job, cancel_running
from ui.jobs.memory_budget import MEMORY_BUDGET
from ui.jobs.progress_text import progress_bar
from ui.jobs.watching import watch
from ui.render.controls import NO_CHANGE, Updates
from ui.render.html import HINT, Html

NOT_RUNNING = HINT.format("Nothing is running.")
CANCELLING = HINT.format("Cancelling: the graph under way is finished first …")
CANCELLED = HINT.format("Cancelled. What was shown before is unchanged.")
OTHER_COLLECTION = HINT.format("Another collection was loaded: start this lab again to measure it.")
FAILED = HINT.format("Nothing was measured.")
DONE = HINT.format("Done.")

COPIES = 10  # times the bytes of the vectors; labs of 5,000 to 20,000 vectors were measured to take 6 to 10 times
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
        *,
        needed: int,
    ) -> AsyncGenerator[Updates, None]:
        """Run a lab as a job; yield its progress, and in the last step the result as a figure and as HTML.

        needed: the bytes of memory that it takes, about.
        """
        cancel_running(running)  # a second click restarts
        job = BUILD_QUEUE.submit(Job(MEMORY_BUDGET.lent(needed)(work), kind="lab"))
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
        except RetrieverError:
            yield {self.hint: FAILED}
            raise
        yield {self.hint: DONE, self.figure: gr.update(value=figure, visible=True), self.result: result}


def result_components(figure_scale: int = 6) -> tuple[gr.State, gr.Plot, gr.HTML]:
    """Create what holds a lab's job and shows its result; figure_scale: twelfths of the width that the figure takes."""
    with gr.Row():
        with gr.Column(scale=figure_scale, min_width=320):
            figure = gr.Plot(show_label=False, container=False, visible=False)
        with gr.Column(scale=12 - figure_scale, min_width=320):
            result = gr.HTML()
    return gr.State(), figure, result


def lab_bytes(vectors: int, dimension: int, *, graphs: int) -> int:
    """Return about how many bytes a lab takes over so many vectors; graphs: the bytes of those that it holds at once.

    Building a graph, and reading it to count distances, copies vectors and links for a moment.
    """
    return graphs + COPIES * 4 * dimension * vectors


def lab_settings(k: float, ef: float, indexed: IndexedCollection) -> SearchSettings:
    """Return what a lab measures at: the sliders' k, at most the collection's size, and their ef."""
    return SearchSettings.nearest(min(nearest_k(k), len(indexed)), ef)
