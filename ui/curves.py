"""Curves of what is loaded and laid over it: measured first, then their distances counted, both in the background."""

import time
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import gradio as gr

from retriever.indexed import IndexedCollection
from retriever.measurement import Measurement
from retriever.progress import Progress, of_stage
from ui import text
from ui.job import Job, Status
from ui.session import Session

POLL = 0.2  # seconds between two looks at running work


def curve_steps(k: float, session: Session) -> Iterator[tuple[Any, Any]]:
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
        yield text.progress_bar(Status("measuring the curve")), ask()
    for graph in unknown:
        for status in _watched(partial(_measure, graph, k), "curve"):
            yield text.progress_bar(status), gr.skip()
    yield gr.skip(), ask()
    uncounted = [graph for graph in graphs if any(step.distances is None for step in graph.known_curve(k) or [])]
    for graph in uncounted:
        for _ in _watched(partial(_count, graph, k), "distances"):
            yield gr.skip(), gr.skip()  # what is shown stays as it is meanwhile
    if uncounted:
        yield gr.skip(), ask()


def _measure(graph: IndexedCollection, k: int, progress: Progress) -> list[Measurement]:
    graph.measure_exact(k)
    return graph.curve(k, progress=of_stage(progress, "measuring the curve"))


def _count(graph: IndexedCollection, k: int, progress: Progress) -> list[Measurement]:
    return graph.counted_curve(k, progress=of_stage(progress, "counting distances"))


def _watched(work: Callable[[Progress], list[Measurement]], kind: str) -> Iterator[Status]:
    """Run work in the background, and tell how far it is until it ends; raise what it raised."""
    job = Job(work, kind=kind).start()
    while not job.wait(POLL):
        yield job.status
    job.result()


def ask() -> int:
    """Return what was never asked before: it makes the page show numbers, figure and lesson anew, as they are then."""
    return time.monotonic_ns()
