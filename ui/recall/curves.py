"""The curves of the loaded graph and the second graph: measured first, then distances counted, in the background."""

import time
import weakref
from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing
from dataclasses import dataclass, field, replace
from functools import partial

import gradio as gr
from cachetools import LRUCache

from retriever.indexing.collection import IndexedCollection
from retriever.indexing.measurements import Measurements
from retriever.measurement.curve import smallest_ef
from retriever.measurement.measurement import Measurement
from retriever.progress import Progress, stage_progress
from retriever.turns import MAX_REMEMBERED, OWNER, Owner
from ui.inputs import SLIDER_MAX_EF, nearest, nearest_k
from ui.jobs.build_queue import CURVE_QUEUE
from ui.jobs.graph_rebuild import submit_rebuild
from ui.jobs.job import Job, Status
from ui.jobs.progress_text import progress_bar
from ui.jobs.watching import result_of, watch
from ui.milvus.copies import copy_of
from ui.recall.engine import IN_PROCESS, MILVUS, REFRESH, EngineChoice
from ui.recall.text import curve_lesson, target_sentence
from ui.render.controls import DEFAULT_GRAPH, NO_CHANGE, STARVED_GRAPH, Updates
from ui.render.html import HINT, LESSON, Html
from ui.render.links import lab_link
from ui.session import Session

NO_OVERLAY = "no second graph"
OVERLAYS: dict[str, tuple[int, int] | None] = {  # M and ef_construction
    NO_OVERLAY: None,
    "starved (M=4, efConstruction=20)": STARVED_GRAPH,
    "default (M=16, efConstruction=200)": DEFAULT_GRAPH,
}
STILL_MEASURED, NO_CURVE_THERE = Html("The curve is still being measured."), Html("In Milvus no curve is measured yet.")
NOTHING_LOADED = HINT.format("Nothing is loaded yet; the first sample is being prepared.")


@dataclass(frozen=True)
class Wanted:
    """What a visitor wants to see measured: a collection, by a weak reference, with an engine and at a k."""

    of: "weakref.ref[IndexedCollection]"
    engine: str
    k: int


@dataclass(frozen=True, eq=False)
class Curves:
    """What the curves teach, the choices of a target and of a second graph, and the handlers that update them.

    wanted: what each visitor wanted last; what is under way for anything else of theirs ends.
    """

    k: gr.Slider
    token: gr.State  # see refresh_token
    lesson: gr.HTML
    target: gr.Slider
    reached: gr.HTML
    overlay: gr.Dropdown
    engine: EngineChoice | None = None
    wanted: LRUCache[Owner, Wanted] = field(default_factory=lambda: LRUCache(MAX_REMEMBERED), repr=False)

    @property
    def refreshed(self) -> list[gr.Component]:
        """The components that stream_curves updates."""
        return [self.lesson, self.token, *([self.engine.note] if self.engine else [])]

    @property
    def engines(self) -> list[gr.Component]:
        """The choice of an engine, as the last input of the handlers; empty where there is only one."""
        return [self.engine.chosen] if self.engine else []

    async def want(self, k: float, session: Session, engine: str = IN_PROCESS) -> None:
        """Remember what the visitor wants now, so that what is under way of anything else ends.

        Not in a thread: what all visitors want is kept in one place.
        """
        if session.indexed is not None:
            self.wanted[OWNER.get()] = Wanted(weakref.ref(session.indexed), engine, nearest_k(k))

    async def stream_curves(
        self, k: float, session: Session, engine: str = IN_PROCESS
    ) -> AsyncGenerator[Updates, None]:
        """Measure all curves that are shown, unless known; yield progress and tokens.

        With Milvus chosen the vectors are put there first, if they are not, and its curve is measured last. All ends as
        soon as the visitor wants anything else; but vectors on their way to Milvus are of use at any k.
        """
        indexed, k = session.indexed, nearest_k(k)
        if indexed is None:
            yield {self.lesson: NOTHING_LOADED}
            return
        await self.want(k, session, engine)
        owner, wanted = OWNER.get(), self.wanted[OWNER.get()]
        if self.engine:  # neither a note nor numbers of what was wanted before stay
            missing = engine == MILVUS and copy_of(indexed) is None
            yield {self.engine.note: "", **({self.token: refresh_token()} if missing else {})}
        parts = [(self._stream_here(k, indexed, session), True)]
        if self.engine and engine == MILVUS:
            copied, curve = self.engine.stream_copy(indexed), self.engine.stream_curve(indexed, k)
            parts = [(copied, False), *parts, (curve, True)]
        for part, at_this_k in parts:
            async with aclosing(part) as steps:
                async for step in steps:
                    last = self.wanted.get(owner, wanted)
                    if last != (wanted if at_this_k else replace(wanted, k=last.k)):
                        yield NO_CHANGE  # Gradio sends the last step of a stream again when it ends
                        return
                    yield {self.token: refresh_token()} if step is REFRESH else step

    async def _stream_here(self, k: int, indexed: IndexedCollection, session: Session) -> AsyncGenerator[Updates, None]:
        """Measure the curves of the loaded graph and the second graph, unless known; yield progress and tokens.

        Only progress is shown from here: the curve may be of a collection that was replaced meanwhile. Distances come
        last, as counting them takes longer than measuring.
        """
        graphs = [graph.measurements for graph in (indexed, session.overlay) if graph]
        unknown = [graph for graph in graphs if not graph.has_curve(k)]
        if unknown:  # numbers at this ef first: those of the previous collection must not stay
            yield {self.lesson: progress_bar(Status("measuring the curve")), self.token: refresh_token()}
        for graph in unknown:
            async with aclosing(_watch(partial(_measure_curve, graph, k), "curve")) as statuses:
                async for status in statuses:
                    yield {self.lesson: progress_bar(status)}
        yield {self.token: refresh_token()}
        uncounted = [graph for graph in graphs if any(step.distances is None for step in graph.known_curve(k) or [])]
        for graph in uncounted:
            async with aclosing(_watch(partial(_count_distances, graph, k), "distances")) as statuses:
                async for _ in statuses:
                    yield NO_CHANGE  # what is shown stays meanwhile
        if uncounted:
            yield {self.token: refresh_token()}

    def show_lesson(self, k: float, session: Session, engine: str = IN_PROCESS) -> Html | Updates:
        """Return what the curve of the graph in this process teaches, once it is measured."""
        indexed, k = session.indexed, nearest_k(k)
        curve = indexed.measurements.known_curve(k) if indexed else None
        if indexed is None or curve is None:
            return NO_CHANGE
        where = "In this process: " if engine == MILVUS else ""
        return LESSON.format(where + curve_lesson(len(indexed), curve, indexed.measurements.copies))

    def answer_target(self, k: float, target: float, session: Session, engine: str = IN_PROCESS) -> Html:
        """Return which ef reaches the target recall, by the curve of the chosen engine."""
        if session.indexed is None:
            return Html()
        curve, target = _curve(session.indexed, nearest_k(k), engine), nearest("recall", target, 0.0, 1.0)
        if curve is None:
            return NO_CURVE_THERE if engine == MILVUS else STILL_MEASURED
        ef = smallest_ef(curve, target)
        if ef is None:
            go = Html()
        elif ef > SLIDER_MAX_EF:
            go = Html(f"It is beyond this slider's {SLIDER_MAX_EF}.")
        else:
            go = lab_link(f"Go to ef = {ef}", "recall", ef=ef)
        where = "In Milvus: " if engine == MILVUS else ""
        return Html("{}{} {}").format(where, target_sentence(curve, target), go)


def _curve(indexed: IndexedCollection, k: int, engine: str) -> list[Measurement] | None:
    """Return the curve of an engine, if it was measured already."""
    if engine != MILVUS:
        return indexed.measurements.known_curve(k)
    copy = copy_of(indexed)
    return copy.measurements.known_curve(k) if copy else None


async def overlay_graph(name: str, session: Session) -> IndexedCollection | None:
    """Build the second graph over the same vectors; None for none."""
    settings = OVERLAYS[name]
    if settings is None:
        return None
    graph: IndexedCollection = await result_of(submit_rebuild(session.loaded(), *settings))
    return graph


def lay_over(overlay: IndexedCollection | None, session: Session) -> tuple[Session, None]:
    """Lay a graph over the curve in the session as it is now, and keep it nowhere else."""
    return session.with_overlay(overlay), None


def overlay_choice(session: Session) -> str | Updates:
    """Reset the choice of a second graph if the session has none."""
    return NO_OVERLAY if session.overlay is None else NO_CHANGE


def refresh_token() -> int:
    """Return a new number; its change makes the page update numbers, figure and lesson to what then holds."""
    return time.monotonic_ns()


def _measure_curve(graph: Measurements, k: int, progress: Progress) -> None:
    """Measure a graph's curve, which is kept."""
    graph.curve(k, progress=stage_progress(progress, "measuring the curve"))


def _count_distances(graph: Measurements, k: int, progress: Progress) -> None:
    """Count the distances of a graph's curve, which are kept."""
    graph.counted_curve(k, progress=stage_progress(progress, "counting distances"))


def _submit(work: Callable[[Progress], None], kind: str) -> Job[None]:
    """Submit work as a job of the queue of curves."""
    return CURVE_QUEUE.submit(Job(work, kind=kind))


async def _watch(work: Callable[[Progress], None], kind: str) -> AsyncGenerator[Status, None]:
    """Submit work and yield its status until it ends. Raises what the work raised."""
    job = _submit(work, kind)
    async with aclosing(watch(job)) as statuses:
        async for status in statuses:
            yield status
    job.result()
