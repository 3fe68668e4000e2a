"""The Inside HNSW tab: one question's walk on the graph, step by step, and why it missed what it missed."""

import sys
from dataclasses import dataclass

import gradio as gr

from ui.inputs import SearchSettings, nearest
from ui.render.controls import (
    EACH,
    FIRST_EF,
    FIRST_K,
    HIDDEN,
    LATEST,
    LATEST_UNQUEUED,
    NO_CHANGE,
    RAW,
    SLIDER_MAX_EF,
    SLIDER_MAX_K,
    Updates,
    keep_ef_above_k,
)
from ui.render.definitions import first_sentence
from ui.render.errors import report_errors
from ui.render.export import folded_record
from ui.render.html import HINT, LESSON, Html, explained
from ui.session import Session
from ui.walk.figures import map_figure
from ui.walk.records import walk_record
from ui.walk.text import connectivity_facts, missed_list, step_sentence, walk_summary
from ui.walk.trace import WalkTrace, hardest_queries, trace_question, trace_walk

OFFERED_QUESTIONS = 8
PLAY, PAUSE = "Play", "Pause"
PLAY_SECONDS = 1.2  # seconds that a step is shown while a walk plays: long enough to read its sentence
MISSED = Html('<h3 class="lab-side"><span>Why the {} ones were missed</span></h3>')
WALK_HINT = HINT.format(
    Html(
        "Choose a question, or type one and press <b>Walk</b>: the map shows where the search goes, and the list says "
        "why it misses what it misses."
    )
)


@dataclass(frozen=True, eq=False)
class WalkTab:
    """The components of the Inside HNSW tab, and the handlers that update them."""

    question: gr.Dropdown
    start: gr.Button
    ef: gr.Slider
    k: gr.Slider
    step: gr.Slider
    back: gr.Button
    play: gr.Button
    onward: gr.Button
    clock: gr.Timer  # active while the walk plays
    figure: gr.Plot
    summary: gr.HTML
    words: gr.HTML  # what the step does
    missed: gr.HTML
    connected: gr.HTML
    trace: gr.State  # the walk that is shown
    drawn: gr.State  # id of the collection that the tab was adapted to
    wanted: gr.State  # the question that an address asks, or empty

    @property
    def addressed(self) -> dict[str, gr.Component]:
        """The controls whose values the address has."""
        return {"q": self.question, "k": self.k, "ef": self.ef}

    @property
    def views(self) -> list[gr.Component]:
        """The components that show a walk."""
        return [self.question, self.trace, self.step, self.figure, self.words, self.summary, self.missed]

    @property
    def refreshed(self) -> list[gr.Component]:
        """The components that refresh updates."""
        return [self.drawn, self.connected, *self.views]

    def walk(self, question: str | None, k: float, ef: float, session: Session) -> Updates:
        """Return a question's walk, at its first step."""
        return self._views_of(trace_question(question, SearchSettings.nearest(k, ef), session.loaded()))

    def walk_again(self, trace: WalkTrace | None, k: float, ef: float, session: Session) -> Updates:
        """Return the walk after a slider moved, or no change without a walk on this collection."""
        if trace is None or trace.indexed is not session.indexed:
            return NO_CHANGE
        return self._views_of(trace_walk(trace.question, trace.query, SearchSettings.nearest(k, ef), trace.indexed))

    def show_step(self, number: float, trace: WalkTrace | None) -> Updates:
        """Return the map of the walk up to a step, and what the step does."""
        if trace is None:
            return NO_CHANGE
        at = int(nearest("step", number, 1, len(trace.walk.steps)))
        return {self.figure: map_figure(trace, at), self.words: step_sentence(trace, at)}

    def go_back(self, number: float, trace: WalkTrace | None) -> Updates:
        """Show the step before."""
        return self._go_to(max(1, _step(number) - 1), trace)

    def go_on(self, number: float, trace: WalkTrace | None) -> Updates:
        """Show the next step; at the last one a walk that plays ends."""
        at = _step(number) + 1
        ended = trace is None or at >= len(trace.walk.steps)
        stopped = {self.clock: gr.update(active=False), self.play: gr.update(value=PLAY)} if ended else {}
        return {**self._go_to(at, trace), **stopped}

    def play_or_pause(self, label: str, number: float, trace: WalkTrace | None) -> Updates:
        """Play a walk, from its first step if the last one is shown, or pause it."""
        starts = label == PLAY and trace is not None
        again = trace is not None and starts and _step(number) >= len(trace.walk.steps)
        playing = {self.clock: gr.update(active=starts), self.play: gr.update(value=PAUSE if starts else PLAY)}
        return {**(self._go_to(1, trace) if again else {}), **playing}

    def _go_to(self, number: int, trace: WalkTrace | None) -> Updates:
        """Show a step, on the slider too."""
        if trace is None:
            return {}
        at = min(number, len(trace.walk.steps))
        return {self.step: at, **self.show_step(at, trace)}

    def refresh(self, drawn: int, k: float, ef: float, session: Session, wanted: str = "") -> Updates:
        """Adapt the tab to a newly loaded collection: the questions its graph does worst on, how it is connected.

        wanted: the question to walk for; if it is empty, the one that the graph does worst on.
        """
        indexed = session.indexed
        if indexed is None or drawn == id(indexed):
            return NO_CHANGE
        settings = SearchSettings.nearest(k, ef)
        rows = hardest_queries(indexed, settings, OFFERED_QUESTIONS)
        questions = [indexed.queries[row] for row in rows]
        if wanted.strip():
            trace = trace_question(wanted, settings, indexed)
        else:
            trace = trace_walk(questions[0], indexed.query_vectors[rows[0]], settings, indexed)
        return {
            self.drawn: id(indexed),
            self.connected: connectivity_facts(indexed),
            **self._views_of(trace),
            self.question: gr.update(choices=questions, value=trace.question),
        }

    def _views_of(self, trace: WalkTrace) -> Updates:
        """Return everything that shows a walk, at its first step."""
        last = len(trace.walk.steps)
        return {
            self.question: trace.question,  # it may have been drawn for another one meanwhile
            self.trace: trace,
            self.step: gr.update(maximum=max(last, 2), value=1, interactive=last > 1),
            self.figure: map_figure(trace, 1),
            self.words: step_sentence(trace, 1),
            self.summary: LESSON.format(walk_summary(trace)),
            self.missed: missed_list(trace) + folded_record(walk_record(trace)),
        }


def _step(number: float) -> int:
    """Return the step nearest to what was typed."""
    return int(nearest("step", number, 1, sys.maxsize))


def build_walk_tab(session: gr.State) -> WalkTab:
    """Create the tab's components and connect their event listeners."""
    tab = _create_components()
    asked, walked = [tab.question, tab.k, tab.ef, session], [tab.trace, tab.k, tab.ef, session]
    gr.on([tab.start.click, tab.question.input], report_errors(tab.walk), asked, tab.views, **HIDDEN)
    tab.ef.input(report_errors(tab.walk_again), walked, tab.views, **LATEST_UNQUEUED | RAW)
    tab.k.input(report_errors(keep_ef_above_k), [tab.k, tab.ef], tab.ef, **EACH)
    tab.k.input(report_errors(tab.walk_again), walked, tab.views, **LATEST)
    tab.step.input(
        report_errors(tab.show_step), [tab.step, tab.trace], [tab.figure, tab.words], **LATEST_UNQUEUED | RAW
    )
    at, shown = [tab.step, tab.trace], [tab.step, tab.figure, tab.words]
    tab.back.click(report_errors(tab.go_back), at, shown, **LATEST_UNQUEUED | RAW)
    gr.on(
        [tab.onward.click, tab.clock.tick],
        report_errors(tab.go_on),
        at,
        [*shown, tab.clock, tab.play],
        **LATEST_UNQUEUED | RAW,
    )
    tab.play.click(
        report_errors(tab.play_or_pause), [tab.play, *at], [*shown, tab.clock, tab.play], **LATEST_UNQUEUED | RAW
    )
    return tab


def _create_components() -> WalkTab:
    """Create the tab's components."""
    trace, drawn = gr.State(), gr.State(0)
    with gr.Row(equal_height=True):
        info = "Type one, or choose one of those that this graph does worst on."
        question = gr.Dropdown([], label="Question", info=info, allow_custom_value=True, scale=8)
        start = gr.Button("Walk", variant="primary", scale=1, min_width=110)
    with gr.Row():
        info = first_sentence("ef")
        ef = gr.Slider(FIRST_K, SLIDER_MAX_EF, FIRST_EF, step=1, label="ef (candidates)", info=info, min_width=240)
        info = first_sentence("k")
        k = gr.Slider(1, SLIDER_MAX_K, FIRST_K, step=1, label="k (nearest passages)", info=info, min_width=240)
        info = "Arrow keys go one step."
        step = gr.Slider(1, 2, 1, step=1, label="step", info=info, min_width=240, elem_classes="lab-step-slider")
    with gr.Row():
        with gr.Column(scale=8, min_width=320):
            figure = gr.Plot(show_label=False, container=False, elem_classes="lab-map")
        with gr.Column(scale=5, min_width=320):
            summary = gr.HTML(WALK_HINT)
            with gr.Row(elem_classes="lab-play"):
                back = gr.Button("◀ Back", size="sm", min_width=90)
                play = gr.Button(PLAY, size="sm", min_width=90)
                onward = gr.Button("Next ▶", size="sm", min_width=90)
            words = gr.HTML(elem_classes="lab-told")
            gr.HTML(MISSED.format(explained("missed")))
            missed = gr.HTML()
    connected = gr.HTML()
    clock = gr.Timer(PLAY_SECONDS, active=False)
    return WalkTab(
        question=question,
        start=start,
        ef=ef,
        k=k,
        step=step,
        back=back,
        play=play,
        onward=onward,
        clock=clock,
        figure=figure,
        summary=summary,
        words=words,
        missed=missed,
        connected=connected,
        trace=trace,
        drawn=drawn,
        wanted=gr.State(""),
    )
