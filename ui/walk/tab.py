"""The Inside HNSW tab: one question's walk on the graph, step by step, and why it missed what it missed."""

from dataclasses import dataclass
from typing import Any

import gradio as gr
import plotly.graph_objects as go

from ui.inputs import SearchSettings
from ui.render.controls import (
    FIRST_EF,
    FIRST_K,
    HIDDEN,
    LATEST,
    LATEST_UNQUEUED,
    SLIDER_MAX_EF,
    SLIDER_MAX_K,
    keep_ef_above_k,
)
from ui.render.errors import report_errors
from ui.render.export import folded_record
from ui.session import Session
from ui.walk.figures import map_figure
from ui.walk.records import walk_record
from ui.walk.text import connectivity_facts, missed_list, step_sentence, walk_summary
from ui.walk.trace import WalkTrace, hardest_queries, trace_question, trace_walk

OFFERED_QUESTIONS = 8
WALK_HINT = (
    '<p class="lab-hint">Choose a question, or type one and press <b>Walk</b>: the map shows where the search goes, '
    "and the list says why it misses what it misses.</p>"
)

REFRESHED_VALUES = 8  # values that a newly loaded collection updates
WalkViews = tuple[Any, ...]  # trace, step slider, map, step in words, summary, misses


@dataclass(frozen=True)
class WalkTab:
    """Components of the Inside HNSW tab that page.py links.

    inputs and refreshed: inputs and outputs of the update after a collection was loaded.
    """

    inputs: list[gr.Component]
    refreshed: list[gr.Component]


def walk_question(question: str, k: float, ef: float, session: Session) -> WalkViews:
    """Walk the graph for a question, and return everything that shows the end of the walk."""
    return walk_views(trace_question(question, int(k), int(ef), session.loaded()))


def walk_again(trace: WalkTrace | None, k: float, ef: float, session: Session) -> WalkViews:
    """Walk again for the same question after a slider moved; no change without a walk on this collection."""
    if trace is None or trace.indexed is not session.indexed:
        return (gr.skip(),) * 6
    return walk_views(trace_walk(trace.question, trace.query, int(k), int(ef), trace.indexed))


def walk_views(trace: WalkTrace) -> WalkViews:
    """Return everything that shows a walk, at its last step."""
    last = max(len(trace.walk.steps), 1)
    slider = gr.update(maximum=max(last, 2), value=last, interactive=last > 1)
    words = step_sentence(trace, last)
    summary = f'<div class="lab-lesson">{walk_summary(trace)}</div>'
    missed = missed_list(trace) + folded_record(walk_record(trace))
    return trace, slider, map_figure(trace, last), words, summary, missed


def show_step(number: float, trace: WalkTrace | None) -> tuple[go.Figure | Any, str | Any]:
    """Return the map of the walk up to a step, and what the step does."""
    if trace is None:
        return gr.skip(), gr.skip()
    at = min(int(number), len(trace.walk.steps))
    return map_figure(trace, at), step_sentence(trace, at)


def refresh_walk(k: float, ef: float, session: Session) -> tuple[Any, ...]:
    """Adapt the tab to a newly loaded collection: the questions that its graph does worst on, how it is connected."""
    if session.indexed is None:
        return (gr.skip(),) * REFRESHED_VALUES
    indexed = session.indexed
    rows = hardest_queries(indexed, int(k), SearchSettings.of(k, ef).ef, OFFERED_QUESTIONS)
    offered = gr.update(choices=[indexed.queries[row] for row in rows], value=indexed.queries[rows[0]])
    first = trace_walk(indexed.queries[rows[0]], indexed.query_vectors[rows[0]], int(k), int(ef), indexed)
    return offered, connectivity_facts(indexed), *walk_views(first)


def build_walk_tab(session: gr.State) -> WalkTab:
    """Create the tab's components and connect their event listeners."""
    trace = gr.State()
    with gr.Row(equal_height=True):
        info = "Type one, or choose one of those that this graph does worst on."
        question = gr.Dropdown([], label="Question", info=info, allow_custom_value=True, scale=8)
        go_button = gr.Button("Walk", variant="primary", scale=1, min_width=110)
    with gr.Row():
        info = "More find more, and cost more."
        ef = gr.Slider(FIRST_K, SLIDER_MAX_EF, FIRST_EF, step=1, label="ef (candidates)", info=info, min_width=240)
        info = "True neighbours to find."
        k = gr.Slider(1, SLIDER_MAX_K, FIRST_K, step=1, label="k (neighbours)", info=info, min_width=240)
        info = "Arrow keys go one step."
        number = gr.Slider(1, 2, 1, step=1, label="step", info=info, min_width=240, elem_classes="lab-step-slider")
    with gr.Row():
        with gr.Column(scale=8, min_width=320):
            figure = gr.Plot(show_label=False, container=False)
        with gr.Column(scale=5, min_width=320):
            summary = gr.HTML(WALK_HINT)
            words = gr.HTML(elem_classes="lab-told")
            gr.HTML('<div class="lab-side">Why the missed ones were missed</div>')
            missed = gr.HTML()
    connected = gr.HTML()
    shown_parts = [trace, number, figure, words, summary, missed]
    gr.on(
        [go_button.click, question.input],
        report_errors(walk_question),
        [question, k, ef, session],
        shown_parts,
        **HIDDEN,
    )
    ef.input(report_errors(walk_again), [trace, k, ef, session], shown_parts, **LATEST_UNQUEUED)
    k.input(keep_ef_above_k, [k, ef], ef, **LATEST)
    k.input(report_errors(walk_again), [trace, k, ef, session], shown_parts, **LATEST)
    number.input(report_errors(show_step), [number, trace], [figure, words], **LATEST_UNQUEUED)
    return WalkTab([k, ef, session], [question, connected, *shown_parts])
