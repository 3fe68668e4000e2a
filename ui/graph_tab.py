"""Inside HNSW: one question's walk on the graph, step by step, and why it missed what it missed."""

from dataclasses import dataclass
from typing import Any

import gradio as gr
import plotly.graph_objects as go

from ui import tables, walk_words
from ui.errors import shown
from ui.lab_records import walk_record
from ui.map_figure import map_figure
from ui.session import Session
from ui.sliders import LARGEST_EF, LARGEST_K, keep_ef_above
from ui.walking import Trip, hardest, trip_of, walk_to

FIRST_K = FIRST_EF = 10
OFFERED = 8
HINT = (
    '<p class="lab-hint">Choose a question, or type one and press <b>Walk</b>: the map shows where the search goes, '
    "and the list says why it misses what it misses.</p>"
)

REFRESHED = 8  # values that a newly loaded collection brings
Views = tuple[Any, ...]  # trip, step slider, map, step in words, summary, misses


@dataclass(frozen=True)
class GraphTab:
    """Hold what demo.py links: what a newly loaded collection refreshes."""

    inputs: list[gr.Component]
    refreshed: list[gr.Component]


def walk(question: str, k: float, ef: float, session: Session) -> Views:
    """Walk the graph for a question and show the end of the walk."""
    return views(walk_to(question, int(k), int(ef), session.loaded()))


def walk_again(trip: Trip | None, k: float, ef: float, session: Session) -> Views:
    """Walk again for the same question after a slider moved; before there is one, leave the page as it is."""
    if trip is None or trip.indexed is not session.indexed:
        return (gr.skip(),) * 6
    return views(trip_of(trip.question, trip.query, int(k), int(ef), trip.indexed))


def views(trip: Trip) -> Views:
    """Return all that shows a walk, standing at its last step."""
    last = max(len(trip.walk.steps), 1)
    slider = gr.update(maximum=max(last, 2), value=last, interactive=last > 1)
    words = walk_words.step_words(trip, last)
    summary = f'<div class="lab-lesson">{walk_words.summary(trip)}</div>'
    missed = walk_words.missed_list(trip) + tables.folded_record(walk_record(trip))
    return trip, slider, map_figure(trip, last), words, summary, missed


def step(number: float, trip: Trip | None) -> tuple[go.Figure | Any, str | Any]:
    """Show the walk up to a step."""
    if trip is None:
        return gr.skip(), gr.skip()
    at = min(int(number), len(trip.walk.steps))
    return map_figure(trip, at), walk_words.step_words(trip, at)


def refresh(k: float, ef: float, session: Session) -> tuple[Any, ...]:
    """Fit the tab to a newly loaded collection: the questions its graph does worst on, and how it is connected."""
    if session.indexed is None:
        return (gr.skip(),) * REFRESHED
    indexed = session.indexed
    rows = hardest(indexed, int(k), max(int(ef), int(k)), OFFERED)
    offered = gr.update(choices=[indexed.queries[row] for row in rows], value=indexed.queries[rows[0]])
    first = trip_of(indexed.queries[rows[0]], indexed.query_vectors[rows[0]], int(k), int(ef), indexed)
    return offered, walk_words.connectivity(indexed), *views(first)


def build(session: gr.State) -> GraphTab:
    """Lay the tab out and wire it."""
    trip = gr.State()
    with gr.Row(equal_height=True):
        info = "Type one, or choose one of those that this graph does worst on."
        question = gr.Dropdown([], label="Question", info=info, allow_custom_value=True, scale=8)
        go_button = gr.Button("Walk", variant="primary", scale=1, min_width=110)
    with gr.Row():
        info = "More find more, and cost more."
        ef = gr.Slider(FIRST_K, LARGEST_EF, FIRST_EF, step=1, label="ef (candidates)", info=info, min_width=240)
        info = "True neighbours to find."
        k = gr.Slider(1, LARGEST_K, FIRST_K, step=1, label="k (neighbours)", info=info, min_width=240)
        info = "Arrow keys go one step."
        number = gr.Slider(1, 2, 1, step=1, label="step", info=info, min_width=240, elem_classes="lab-step-slider")
    with gr.Row():
        with gr.Column(scale=8, min_width=320):
            figure = gr.Plot(show_label=False, container=False)
        with gr.Column(scale=5, min_width=320):
            summary = gr.HTML(HINT)
            words = gr.HTML(elem_classes="lab-told")
            gr.HTML('<div class="lab-side">Why the missed ones were missed</div>')
            missed = gr.HTML()
    connected = gr.HTML()
    hidden: dict[str, Any] = {"show_progress": "hidden", "api_visibility": "private", "concurrency_limit": None}
    latest = hidden | {"trigger_mode": "always_last"}
    shown_parts = [trip, number, figure, words, summary, missed]
    gr.on([go_button.click, question.input], shown(walk), [question, k, ef, session], shown_parts, **hidden)
    ef.input(shown(walk_again), [trip, k, ef, session], shown_parts, queue=False, **latest)
    k.input(keep_ef_above, [k, ef], ef, **latest)
    k.input(shown(walk_again), [trip, k, ef, session], shown_parts, **latest)
    number.input(shown(step), [number, trip], [figure, words], queue=False, **latest)
    return GraphTab([k, ef, session], [question, connected, *shown_parts])
