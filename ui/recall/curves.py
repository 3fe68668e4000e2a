"""Curves of what is loaded and laid over it: measured first, then their distances counted, both in the background."""

import time
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import gradio as gr

from retriever.indexing.collection import IndexedCollection
from retriever.measurement.protocol import Measurement
from retriever.progress import Progress, of_stage
from ui.jobs.job import POLL_SECONDS, Job, Status
from ui.jobs.progress_text import progress_bar
from ui.session import Session


def stream_curves(k: float, session: Session) -> Iterator[tuple[Any, Any]]:
    """Measure the curves of what is loaded and laid over it, unless known; ask for what is shown before and after.

    Nothing is shown from here but the progress: the curve may be of a collection that was replaced meanwhile. Distances
    come last, as counting them takes longer than measuring.
    """
    indexed, k = session.indexed, int(k)
    if indexed is None:
        yield '<p class="lab-hint">Nothing is loaded yet; the first sample is being prepared.</p>', gr.skip()
        return
    graphs = [graph for graph in (indexed, session.overlay) if graph]
    unknown = [graph for graph in graphs if graph.known_curve(k) is None]
    if unknown:  # first the numbers at this ef: those of the collection before must not stay
        indexed.measure_exact(k)  # they would have to wait for it until the curve is measured
        yield progress_bar(Status("measuring the curve")), refresh_token()
    for graph in unknown:
        for status in _watch(partial(_measure_curve, graph, k), "curve"):
            yield progress_bar(status), gr.skip()
    yield gr.skip(), refresh_token()
    uncounted = [graph for graph in graphs if any(step.distances is None for step in graph.known_curve(k) or [])]
    for graph in uncounted:
        for _ in _watch(partial(_count_distances, graph, k), "distances"):
            yield gr.skip(), gr.skip()  # what is shown stays as it is meanwhile
    if uncounted:
        yield gr.skip(), refresh_token()


def _measure_curve(graph: IndexedCollection, k: int, progress: Progress) -> list[Measurement]:
    graph.measure_exact(k)
    return graph.curve(k, progress=of_stage(progress, "measuring the curve"))


def _count_distances(graph: IndexedCollection, k: int, progress: Progress) -> list[Measurement]:
    return graph.counted_curve(k, progress=of_stage(progress, "counting distances"))


def _watch(work: Callable[[Progress], list[Measurement]], kind: str) -> Iterator[Status]:
    """Run work in the background, and tell how far it is until it ends; raise what it raised."""
    job = Job(work, kind=kind).start()
    while not job.wait(POLL_SECONDS):
        yield job.status
    job.result()


def refresh_token() -> int:
    """Return what was never asked before: it makes the page show numbers, figure and lesson anew, as they are then."""
    return time.monotonic_ns()
