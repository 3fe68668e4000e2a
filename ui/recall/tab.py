"""The Recall against latency tab: slide ef and see both change, measured live against exact search."""

from dataclasses import dataclass

import gradio as gr

from retriever.indexing.collection import IndexedCollection
from ui.jobs.graph_rebuild import submit_rebuild
from ui.jobs.watching import result_of
from ui.milvus.server import LabMilvus
from ui.recall.advice import Advice
from ui.recall.curves import NO_OVERLAY, OVERLAYS, Curves, lay_over, overlay_graph, refresh_token
from ui.recall.engine import IN_PROCESS, EngineChoice, create_engine_choice
from ui.recall.labs.lab import Lab
from ui.recall.labs.panel import build_lab_panel
from ui.recall.slider import AXES, EfSlider
from ui.render.controls import (
    EACH,
    FIRST_K,
    LATEST,
    LATEST_UNQUEUED,
    RAW,
    SLIDER_MAX_EF,
    SLIDER_MAX_K,
    STARVED_GRAPH,
    Updates,
    keep_ef_above_k,
)
from ui.render.definitions import first_sentence
from ui.render.errors import report_errors, report_stream_errors
from ui.render.html import HINT, LESSON, Html
from ui.session import Session

NO_NUMBERS = HINT.format("The numbers appear as soon as a collection is loaded.")
LABS_HERE = HINT.format("The labs build their graphs in this process, whichever engine is chosen.")
WAITING = LESSON.format("One moment: the collection is being made ready …")


@dataclass(frozen=True, eq=False)
class RecallTab:
    """The parts of the Recall against latency tab.

    starve and enlarge: the buttons that load another graph, or Python docs.
    """

    slider: EfSlider
    curves: Curves
    advice: Advice
    starve: gr.Button
    enlarge: gr.Button
    labs: tuple[Lab, ...]

    @property
    def addressed(self) -> dict[str, gr.Component]:
        """The controls whose values the address has."""
        engine = {"engine": self.slider.engine.chosen} if self.slider.engine else {}
        measured = {"k": self.slider.k, "ef": self.slider.ef, "axis": self.slider.axis, "target": self.curves.target}
        return {**measured, **engine}

    def offer_graphs(self, session: Session) -> Updates:
        """Offer the graph and the collection that are not loaded."""
        indexed = session.indexed
        graph = (indexed.settings.M, indexed.settings.ef_construction) if indexed else None
        return {
            self.starve: gr.update(visible=graph != STARVED_GRAPH),
            self.enlarge: gr.update(visible=session.sample != "python_docs"),
        }

    def conclude(self, k: float, target: float, session: Session, engine: str = IN_PROCESS) -> Updates:
        """Return what follows from the curve: what it teaches, the ef that reaches the target, and what to use."""
        return {
            self.curves.lesson: self.curves.show_lesson(k, session, engine),
            self.curves.reached: self.curves.answer_target(k, target, session, engine),
            self.advice.shown: self.advice.show_advice(k, target, session, engine),
        }


def waiting_note() -> Html:
    """Return the note that a graph is being built or a collection loaded."""
    return WAITING


async def starve_graph(session: Session) -> IndexedCollection:
    """Build a starved graph over the same vectors, which shows the trade-off."""
    return await result_of(submit_rebuild(session.loaded(), *STARVED_GRAPH))


def take_graph(graph: IndexedCollection, session: Session) -> tuple[Session, None]:
    """Replace the graph in the session as it is now, and keep it nowhere else."""
    return session.with_graph(graph), None


def build_recall_tab(session: gr.State, milvus: LabMilvus | None = None) -> RecallTab:
    """Create the tab's components and connect their event listeners; milvus: a server that can be searched too."""
    tab = _create_components(session, milvus)
    _connect_slider(tab.slider, tab.advice, session)
    _connect_curves(tab, session)
    return tab


def _connect_slider(slider: EfSlider, advice: Advice, session: gr.State) -> None:
    """Connect what the ef slider, the axis and the token start.

    Each component is written by one listener only, which has at most one request under way and, once that has ended,
    takes the values as they are then. So no response, however late, can overwrite that to a newer event.
    """
    k, ef, measured, token, engines = slider.k, slider.ef, slider.measured, slider.token, slider.engines
    moved = gr.on(
        [ef.input, slider.axis.input, token.change],
        report_errors(slider.measure_at_ef),
        [k, ef, session, measured, *engines],
        slider.numbers,
        **LATEST_UNQUEUED | RAW,
    )
    inputs = [measured, k, ef, slider.axis, session, *engines]
    drawn = moved.then(report_errors(slider.draw_details), inputs, slider.details, **LATEST_UNQUEUED | RAW)
    counted = [measured, k, ef, session, *engines]
    costs = [slider.distances, advice.times]
    drawn.then(report_errors(advice.show_costs), counted, costs, **LATEST_UNQUEUED | RAW)
    k.input(report_errors(keep_ef_above_k), [k, ef], ef, **EACH)


def _connect_curves(tab: RecallTab, session: gr.State) -> None:
    """Connect what the token, k, the target and the choice of a second graph start."""
    curves, engine = tab.curves, tab.curves.engine
    k, token, overlay, target = curves.k, curves.token, curves.overlay, curves.target
    asked = [k, session, *curves.engines]
    concluded = [curves.lesson, curves.reached, tab.advice.shown]
    shown = [k, target, session, *curves.engines]
    gr.on([target.input, token.change], report_errors(tab.conclude), shown, concluded, **LATEST)
    stream = report_stream_errors(curves.stream_curves)
    for changed in [k.input, *([engine.chosen.change] if engine else [])]:
        # first and at once: what comes after it in Gradio's list of this event waits until it has ended
        wanted = changed(report_errors(curves.want), asked, None, **LATEST_UNQUEUED)
        wanted.then(refresh_token, None, token, **LATEST)  # queued: else nobody hears of a state's change
        wanted.then(stream, asked, curves.refreshed, **LATEST)
    chosen = overlay.input(waiting_note, None, curves.lesson, **LATEST)
    made = gr.State()
    built = chosen.then(report_errors(overlay_graph), [overlay, session], made, **LATEST)
    overlaid = built.success(lay_over, [made, session], [session, made], **LATEST)
    overlaid.then(stream, asked, curves.refreshed, **LATEST)


def _create_components(session: gr.State, milvus: LabMilvus | None) -> RecallTab:
    """Create the tab's components, and the labs, which connect their own."""
    token = gr.State(0)
    with gr.Row():
        ef, engine, cards, distances, k, axis = _sliders(milvus)
        with gr.Column(scale=7, min_width=320):
            figure = gr.Plot(show_label=False, container=False, elem_classes="lab-curve")
            lesson = gr.HTML()
            with gr.Row():
                starve = gr.Button("Try the starved graph", size="sm")
                enlarge = gr.Button("Take Python docs", size="sm")
            target, overlay = _choices()
            curves = Curves(k, token, lesson, target, gr.HTML(), overlay, engine)
            with gr.Accordion("What to use, and code to copy", open=False):
                advised, times = gr.HTML(), gr.HTML()
    with gr.Row():
        with gr.Column(scale=4, min_width=320):
            gr.HTML('<h3 class="lab-side">How many queries have which recall</h3>')
            spread = gr.HTML()
        with gr.Column(scale=7, min_width=320):
            gr.HTML('<h3 class="lab-side">The queries HNSW does worst on</h3>')
            worst = gr.HTML()
    if milvus:
        gr.HTML(LABS_HERE)
    labs = build_lab_panel(session, k, ef)
    with gr.Accordion("Run record", open=False):
        record = gr.HTML()
    measured = gr.State()
    slider = EfSlider(
        ef, k, axis, cards, distances, figure, spread, worst, record, measured=measured, token=token, engine=engine
    )
    return RecallTab(slider, curves, Advice(slider, target, advised, times), starve, enlarge, labs)


def _sliders(
    milvus: LabMilvus | None,
) -> tuple[gr.Slider, EngineChoice | None, gr.HTML, gr.HTML, gr.Slider, gr.Radio]:
    """Create the left column: ef and its numbers, k, and the choices of the engine and of the curve's axis."""
    with gr.Column(scale=4, min_width=320):
        info = first_sentence("ef", sentences=2)
        ef = gr.Slider(
            FIRST_K, SLIDER_MAX_EF, FIRST_K, step=1, label="ef (candidates)", info=info, elem_classes="lab-big-slider"
        )
        cards = gr.HTML(NO_NUMBERS)
        distances = gr.HTML()
        engine = create_engine_choice(milvus)
        k = gr.Slider(1, SLIDER_MAX_K, FIRST_K, step=1, label="k (nearest passages)", info=first_sentence("k"))
        info = "What a query costs: time, or distances computed, which do not depend on the machine."
        axis = gr.Radio(list(AXES), value="latency", label="Along the axis", info=info)
    return ef, engine, cards, distances, k, axis


def _choices() -> tuple[gr.Slider, gr.Dropdown]:
    """Create the choices of a target recall and of a second graph."""
    with gr.Row():
        info = "Read off the curve."
        target = gr.Slider(0.5, 1, 0.95, step=0.01, min_width=240, label="Smallest ef that reaches recall", info=info)
        info = "A second graph over the same vectors."
        overlay = gr.Dropdown(list(OVERLAYS), value=NO_OVERLAY, min_width=240, label="Lay over it", info=info)
    return target, overlay
