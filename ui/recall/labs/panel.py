"""The labs' panel: vary M and efConstruction, or the number of vectors, and measure what changes."""

from collections.abc import Callable, Iterator
from typing import Any, TypeVar

import gradio as gr

from retriever.errors import Cancelled
from retriever.measurement.sweeps import BuildResult, SizeResult, sample_vectors, sweep_graph_settings, sweep_sizes
from retriever.progress import Progress, stage_progress
from retriever.run_record import RunRecord
from ui.inputs import SearchSettings
from ui.jobs.build_queue import BUILD_QUEUE
from ui.jobs.job import Job, watch
from ui.jobs.progress_text import progress_bar
from ui.recall.labs.figures import growth_figure, heat_figure
from ui.recall.labs.records import build_lab_record, size_lab_record
from ui.recall.labs.text import build_lab_table, build_lab_verdict, size_lab_table, size_lab_verdict
from ui.render.controls import HIDDEN, UNQUEUED
from ui.render.errors import report_stream_errors
from ui.render.export import folded_record
from ui.session import Session

MS, EF_CONSTRUCTIONS = (4, 8, 16, 32), (20, 100, 400)
SAMPLED_VECTORS = 5_000  # vectors of the build lab, unless all are requested
BUILD_HINT = (
    '<p class="lab-hint">The course says: <i>higher efConstruction improves recall at the cost of memory and build '
    "time</i>. Build twelve graphs over the same vectors and see which part of that is so.</p>"
)
SIZE_HINT = (
    '<p class="lab-hint">The same vectors, a sixteenth of them, an eighth, and so on up to all: how does each search '
    "grow, and from where on does an index pay?</p>"
)

LabResult = TypeVar("LabResult")


def stream_build_lab(k: float, ef: float, every: bool, session: Session, running: Any) -> Iterator[Any]:  # noqa: ANN401 - a Job
    """Run the build lab over a fixed sample of the loaded vectors, or over all of them."""
    indexed = session.loaded()
    settings = SearchSettings.of(min(k, len(indexed)), ef)

    def work(progress: Progress) -> list[BuildResult]:
        vectors = sample_vectors(indexed.retriever.vectors, len(indexed) if every else SAMPLED_VECTORS)
        report = stage_progress(progress, "building twelve graphs")
        return sweep_graph_settings(
            vectors, indexed.query_vectors, MS, EF_CONSTRUCTIONS, k=settings.k, ef=settings.ef, progress=report
        )

    def show(results: list[BuildResult]) -> tuple[Any, str]:
        n = min(len(indexed), len(indexed) if every else SAMPLED_VECTORS)
        return heat_figure(results), _result_html(
            build_lab_verdict(results, n), build_lab_table(results), build_lab_record(indexed, results, n)
        )

    yield from _stream_lab(work, show, running)


def stream_size_lab(k: float, ef: float, session: Session, running: Any) -> Iterator[Any]:  # noqa: ANN401 - a Job
    """Run the size lab over the loaded vectors, with the settings of their graph."""
    indexed = session.loaded()
    settings = SearchSettings.of(min(k, len(indexed)), ef)

    def work(progress: Progress) -> list[SizeResult]:
        graph = {"M": indexed.settings.M, "ef_construction": indexed.settings.ef_construction}
        report = stage_progress(progress, "building graphs of every size")
        return sweep_sizes(
            indexed.retriever.vectors, indexed.query_vectors, k=settings.k, ef=settings.ef, **graph, progress=report
        )

    def show(results: list[SizeResult]) -> tuple[Any, str]:
        return growth_figure(results), _result_html(
            size_lab_verdict(results), size_lab_table(results), size_lab_record(indexed, results)
        )

    yield from _stream_lab(work, show, running)


def stop_lab(running: Any) -> str:  # noqa: ANN401 - a Job
    """Ask the running lab to stop, and return a message."""
    if running is None or running.wait(0):
        return '<p class="lab-hint">Nothing is running.</p>'
    running.cancel()
    return '<p class="lab-hint">Cancelling: the graph under way is finished first …</p>'


def build_lab_panel(session: gr.State, k: gr.Slider, ef: gr.Slider) -> None:
    """Create both labs, each folded; they measure at the sliders' k and ef."""
    with gr.Accordion("Build lab: what M and efConstruction buy", open=False):
        hint = gr.HTML(BUILD_HINT)
        with gr.Row():
            start, cancel = gr.Button("Build twelve graphs", size="sm"), gr.Button("Cancel", size="sm")
            every = gr.Checkbox(
                False, label=f"all vectors, not {SAMPLED_VECTORS:,} drawn with a fixed seed", min_width=240
            )
        _wire_lab(start, cancel, stream_build_lab, [k, ef, every, session], hint)
    with gr.Accordion("Size lab: how each search grows", open=False):
        hint = gr.HTML(SIZE_HINT)
        with gr.Row():
            start, cancel = gr.Button("Measure every size", size="sm"), gr.Button("Cancel", size="sm")
        _wire_lab(start, cancel, stream_size_lab, [k, ef, session], hint)


def _wire_lab(
    start: gr.Button, cancel: gr.Button, run: Callable[..., Iterator[Any]], inputs: list[Any], hint: gr.HTML
) -> None:
    """Create the components of a lab's result, and connect its buttons."""
    running = gr.State()
    with gr.Row():
        with gr.Column(scale=6, min_width=320):
            figure = gr.Plot(show_label=False, container=False, visible=False)
        with gr.Column(scale=6, min_width=320):
            result_html = gr.HTML()
    outputs = [running, hint, figure, result_html]
    start.click(report_stream_errors(run), [*inputs, running], outputs, **HIDDEN)
    cancel.click(stop_lab, running, hint, **UNQUEUED)


def _stream_lab(
    work: Callable[[Progress], LabResult],
    show: Callable[[LabResult], tuple[Any, str]],
    running: Any,  # noqa: ANN401 - a Job
) -> Iterator[Any]:
    """Run a lab as a job; yield its progress, and in the last step the result."""
    if running is not None:
        running.cancel()  # a second click restarts

    def queued_work(progress: Progress) -> LabResult:
        with BUILD_QUEUE.place(progress):
            return work(progress)

    job = Job(queued_work, kind="lab").start()
    written: Any = job
    try:
        for status in watch(job):
            yield written, progress_bar(status), gr.skip(), gr.skip()
            written = gr.skip()
        figure, result_html = show(job.result())
    except Cancelled:
        yield gr.skip(), '<p class="lab-hint">Cancelled. What was shown before is unchanged.</p>', gr.skip(), gr.skip()
        return
    yield gr.skip(), '<p class="lab-hint">Done.</p>', gr.update(value=figure, visible=True), result_html


def _result_html(verdict: str, table: str, record: RunRecord) -> str:
    """Return a lab's verdict, its table, and its run record, folded."""
    return verdict + table + folded_record(record)
