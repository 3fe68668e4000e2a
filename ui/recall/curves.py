"""The curves of the loaded graph and the second graph: measured first, then distances counted, in the background."""

import time
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import gradio as gr

from retriever.indexing.measurements import Measurements
from retriever.measurement.recall_and_latency import Measurement
from retriever.progress import Progress, stage_progress
from ui.jobs.job import Job, Status, watch
from ui.jobs.progress_text import progress_bar
from ui.session import Session


def stream_curves(k: float, session: Session) -> Iterator[tuple[Any, Any]]:
    """Measure the curves of the loaded graph and the second graph, unless known; yield progress and refresh tokens.

    Only progress is shown from here: the curve may be of a collection that was replaced meanwhile. Distances come last,
    as counting them takes longer than measuring.
    """
    indexed, k = session.indexed, int(k)
    if indexed is None:
        yield '<p class="lab-hint">Nothing is loaded yet; the first sample is being prepared.</p>', gr.skip()
        return
    graphs = [graph.measurements for graph in (indexed, session.overlay) if graph]
    unknown = [graph for graph in graphs if graph.known_curve(k) is None]
    if unknown:  # numbers at this ef first: those of the previous collection must not stay
        indexed.measurements.measure_exact(k)  # else these numbers would wait for it until the curve is measured
        yield progress_bar(Status("measuring the curve")), refresh_token()
    for graph in unknown:
        for status in _watch(partial(_measure_curve, graph, k), "curve"):
            yield progress_bar(status), gr.skip()
    yield gr.skip(), refresh_token()
    uncounted = [graph for graph in graphs if any(step.distances is None for step in graph.known_curve(k) or [])]
    for graph in uncounted:
        for _ in _watch(partial(_count_distances, graph, k), "distances"):
            yield gr.skip(), gr.skip()  # what is shown stays unchanged meanwhile
    if uncounted:
        yield gr.skip(), refresh_token()


def _measure_curve(graph: Measurements, k: int, progress: Progress) -> list[Measurement]:
    """Measure exact search and a graph's curve."""
    graph.measure_exact(k)
    return graph.curve(k, progress=stage_progress(progress, "measuring the curve"))


def _count_distances(graph: Measurements, k: int, progress: Progress) -> list[Measurement]:
    """Count the distances of a graph's curve."""
    return graph.counted_curve(k, progress=stage_progress(progress, "counting distances"))


def _watch(work: Callable[[Progress], list[Measurement]], kind: str) -> Iterator[Status]:
    """Run work as a job and yield its status until it ends. Raises what the work raised."""
    job = Job(work, kind=kind).start()
    yield from watch(job)
    job.result()


def refresh_token() -> int:
    """Return a new number; its change makes the page update numbers, figure and lesson to what then holds."""
    return time.monotonic_ns()
