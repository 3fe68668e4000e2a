"""The Recall against latency tab: slide ef and see both change, measured live against exact search."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import gradio as gr

from retriever.measurement.recall_and_latency import Measurement
from retriever.progress import ignore_progress
from ui.jobs.graph_rebuild import rebuild_graph
from ui.recall.curves import refresh_token, stream_curves
from ui.recall.labs.panel import build_lab_panel
from ui.recall.slider import AXES, draw_details, measure_at_ef, show_distances
from ui.recall.text import curve_lesson, target_sentence
from ui.render.controls import (
    DEFAULT_GRAPH,
    FIRST_K,
    HIDDEN,
    LATEST,
    LATEST_UNQUEUED,
    SLIDER_MAX_EF,
    SLIDER_MAX_K,
    STARVED_GRAPH,
    keep_ef_above_k,
)
from ui.render.errors import report_errors, report_stream_errors
from ui.session import Session

NO_OVERLAY = "no second graph"
OVERLAYS = {
    NO_OVERLAY: (0, 0),
    "starved (M=4, efConstruction=20)": STARVED_GRAPH,
    "default (M=16, efConstruction=200)": DEFAULT_GRAPH,
}


@dataclass(frozen=True)
class RecallTab:
    """Components of the Recall against latency tab that page.py links.

    inputs and refreshed: inputs and outputs of the update after a collection was loaded. overlay: the choice of a
    second graph. lesson: the text below the curve. starve and enlarge: the buttons that load another graph, or Python
    docs.
    """

    inputs: list[gr.Component]
    refreshed: list[gr.Component]
    overlay: gr.Dropdown
    lesson: gr.HTML
    starve: gr.Button
    enlarge: gr.Button


def show_lesson(k: float, session: Session) -> Any:  # noqa: ANN401 - HTML, or Gradio's "no change"
    """Return what the curve teaches, once it is measured."""
    indexed = session.indexed
    curve = indexed.measurements.known_curve(int(k)) if indexed else None
    if indexed is None or curve is None:
        return gr.skip()
    return f'<div class="lab-lesson">{curve_lesson(indexed, indexed.measurements.measure_exact(int(k)), curve)}</div>'


def answer_target(k: float, target: float, session: Session) -> str:
    """Return which ef reaches the target recall."""
    if session.indexed is None:
        return ""
    curve: Sequence[Measurement] = session.indexed.measurements.known_curve(int(k)) or []
    return target_sentence(curve, float(target)) if curve else "The curve is still being measured."


def go_to_smallest_ef(k: float) -> tuple[int, int]:
    """Return the smallest ef that has an effect, which is k, and a token that refreshes the numbers."""
    return int(k), refresh_token()


def overlay_graph(name: str, session: Session) -> Session:
    """Build the second graph over the same vectors, or remove it."""
    M, ef_construction = OVERLAYS[name]
    if not M:
        return replace(session, overlay=None)
    return replace(session, overlay=rebuild_graph(session.loaded(), M, ef_construction, ignore_progress))


def overlay_choice(session: Session) -> Any:  # noqa: ANN401 - the value, or Gradio's "no change"
    """Reset the choice of a second graph if the session has none."""
    return NO_OVERLAY if session.overlay is None else gr.skip()


def waiting_note() -> str:
    """Return the note that a graph is being built or a collection loaded."""
    return '<div class="lab-lesson">One moment: the collection is being made ready …</div>'


def starve_graph(session: Session) -> Session:
    """Replace the graph by a starved one over the same vectors, which shows the trade-off."""
    M, ef_construction = STARVED_GRAPH
    return replace(session, indexed=rebuild_graph(session.loaded(), M, ef_construction, ignore_progress), chosen=True)


def build_recall_tab(session: gr.State) -> RecallTab:
    """Create the tab's components and connect their event listeners."""
    with gr.Row():
        ef, cards, distances, k, axis = _sliders()
        with gr.Column(scale=7, min_width=320):
            figure = gr.Plot(show_label=False, container=False)
            lesson = gr.HTML()
            with gr.Row():
                starved = gr.Button("Try the starved graph", size="sm")
                larger = gr.Button("Take Python docs", size="sm")
                smallest = gr.Button("Go to the smallest ef", size="sm")
            target, overlay = _choices()
            reached = gr.HTML()
    with gr.Row():
        with gr.Column(scale=4, min_width=320):
            gr.HTML('<div class="lab-side">How many queries have which recall</div>')
            spread = gr.HTML()
        with gr.Column(scale=7, min_width=320):
            gr.HTML('<div class="lab-side">The queries HNSW does worst on</div>')
            worst = gr.HTML()
    build_lab_panel(session, k, ef)
    with gr.Accordion("Run record", open=False):
        record = gr.HTML()
    token, measured, parts = gr.State(0), gr.State(), [figure, spread, worst, record]
    # Each component is written by one listener only, which has at most one request under way and, once that has ended,
    # takes the values as they are then. So no response, however late, can overwrite that to a newer event.
    moved = gr.on(
        [ef.input, axis.input, token.change],
        report_errors(measure_at_ef),
        [k, ef, session],
        [cards, measured],
        **LATEST_UNQUEUED,
    )
    drawn = moved.then(report_errors(draw_details), [measured, k, ef, axis, session], parts, **LATEST_UNQUEUED)
    drawn.then(report_errors(show_distances), [measured, k, ef, session], distances, **LATEST_UNQUEUED)
    gr.on([target.input, token.change], answer_target, [k, target, session], reached, **LATEST)
    token.change(show_lesson, [k, session], lesson, **LATEST)
    inputs, refreshed = [k, session], [lesson, token]
    smallest.click(go_to_smallest_ef, k, [ef, token], **HIDDEN)
    k.input(keep_ef_above_k, [k, ef], ef, **LATEST)
    k.input(report_stream_errors(stream_curves), inputs, refreshed, **LATEST)
    overlaid = overlay.input(waiting_note, None, lesson, **LATEST).then(
        report_errors(overlay_graph), [overlay, session], session, **LATEST
    )
    overlaid.then(report_stream_errors(stream_curves), inputs, refreshed, **LATEST)
    return RecallTab(inputs, refreshed, overlay, lesson, starved, larger)


def _sliders() -> tuple[gr.Slider, gr.HTML, gr.HTML, gr.Slider, gr.Radio]:
    """Create the left column: ef and its numbers, k, and the choice of the curve's axis."""
    with gr.Column(scale=4, min_width=320):
        info = "Candidates HNSW keeps while it searches: more find more and take longer. Below k nothing changes."
        ef = gr.Slider(
            FIRST_K, SLIDER_MAX_EF, FIRST_K, step=1, label="ef (candidates)", info=info, elem_classes="lab-big-slider"
        )
        cards = gr.HTML('<p class="lab-hint">The numbers appear as soon as a collection is loaded.</p>')
        distances = gr.HTML()
        k = gr.Slider(1, SLIDER_MAX_K, FIRST_K, step=1, label="k (neighbours)", info="How many nearest texts count.")
        info = "What a query costs: time, or distances computed, which do not depend on the machine."
        axis = gr.Radio(list(AXES), value="latency", label="Along the axis", info=info)
    return ef, cards, distances, k, axis


def _choices() -> tuple[gr.Slider, gr.Dropdown]:
    """Create the choices of a target recall and of a second graph."""
    with gr.Row():
        info = "Read off the curve."
        target = gr.Slider(0.5, 1, 0.95, step=0.01, min_width=240, label="Smallest ef that reaches recall", info=info)
        info = "A second graph over the same vectors."
        overlay = gr.Dropdown(list(OVERLAYS), value=NO_OVERLAY, min_width=240, label="Lay over it", info=info)
    return target, overlay
