"""The Compare models tab: two models on one judged collection, with the model's losses beside the index's."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import dataclass, replace

import gradio as gr
import plotly.graph_objects as go
from gradio.blocks import Block

from retriever.errors import Cancelled, RetrieverError
from retriever.experiments.model_comparison import ModelComparison
from retriever.parameters import check_count
from ui.compare.controls import ComparisonControls, create_controls
from ui.compare.figures import kinds_figure, ranks_figure
from ui.compare.job import FinishedComparison, plan_comparison
from ui.compare.questions import (
    BY_INDEX,
    CHOICES,
    QUESTION_HINT,
    count_by_rank,
    download_links,
    numbered_queries,
    question_list,
    question_view,
)
from ui.compare.records import comparison_record
from ui.compare.state import ComparisonState
from ui.compare.tables import error_bars, scoreboard
from ui.compare.text import (
    comparison_notes,
    cost_sentence,
    judged_by_notes,
    kinds_sentence,
    lucky_sentence,
    reading_notes,
    verdict_sentence,
)
from ui.jobs.job import cancel_running
from ui.jobs.progress_text import progress_bar
from ui.jobs.shared_samples import SharedSamples
from ui.jobs.watching import watch
from ui.render.controls import (
    FIRST_EF,
    FIRST_K,
    HIDDEN,
    LATEST,
    LATEST_UNQUEUED,
    NO_CHANGE,
    SLIDER_MAX_EF,
    UNQUEUED,
    Updates,
    Values,
    keep_ef_above_k,
    note_uploads,
)
from ui.render.errors import report_errors, report_stream_errors
from ui.render.export import record_section
from ui.render.html import HINT, LESSON, Html
from ui.render.numbers import format_seconds
from ui.session import Session

COMPARE_HINT = HINT.format(
    Html(
        "Press <b>Compare</b>: both models answer the same judged questions by exact search, trec_eval scores them, "
        "and you see which finds more, whether that could be chance, and what the index costs beside it."
    )
)
OPENS = """element.addEventListener("click", (event) => {
  const row = event.target.closest("[data-number]")
  if (row) trigger("select", { number: Number(row.dataset.number) })
})"""  # of the list of questions
DONE = "Done in {}. Now move ef, or choose a question below."
UPLOADED = HINT.format(Html("Uploaded, not read yet: press <b>Compare</b>."))
CANCELLED = HINT.format("Cancelled. The last result is unchanged.")
FAILED = HINT.format("Nothing was compared. The last result is unchanged.")
STALE = Html(
    '<p class="lab-warning">The results below are of {}, {} against {}, k={}, graph {}: not of what the controls say '
    "now. Press <b>Compare</b> for those.</p>"
)
NOT_RUNNING = HINT.format("No comparison is running.")
CANCELLING = HINT.format("Cancelling: the step under way is finished first …")


@dataclass(frozen=True, eq=False)
class CompareTab:
    """The components of the Compare models tab, and the handlers that update them."""

    session: gr.State
    shared_samples: SharedSamples
    comparison_state: gr.State
    query_id: gr.State  # of the question that is open, or empty
    controls: ComparisonControls
    start: gr.Button
    stop: gr.Button
    progress: gr.HTML
    results: gr.Column
    stale: gr.HTML  # says that the results are not of what the controls say
    lesson: gr.HTML
    board: gr.HTML
    figure: gr.Plot
    notes: gr.HTML
    ef: gr.Slider
    errors: gr.HTML
    show: gr.Radio
    listed: gr.HTML
    question: gr.HTML
    downloads: gr.Accordion
    files: gr.HTML
    record: gr.HTML

    @property
    def addressed(self) -> dict[str, gr.Component]:
        """The controls whose values the address has."""
        controls = self.controls
        models = {"on": controls.collection, "first": controls.first, "second": controls.second}
        return {**models, "k": controls.k, "graph": controls.graph, "ef": self.ef}

    @property
    def inputs(self) -> set[Block]:
        """The components that stream_comparison reads."""
        return {*self.controls.inputs, self.ef, self.show, self.comparison_state, self.session}

    @property
    def outputs(self) -> list[Block]:
        """The components that stream_comparison updates."""
        shown: list[Block] = [self.results, self.stale, self.lesson, self.board, self.figure, self.notes, self.errors]
        return [
            self.comparison_state,
            self.progress,
            *shown,
            self.listed,
            self.question,
            self.query_id,
            self.files,
            self.record,
            self.downloads,
        ]

    async def stream_comparison(self, values: Values) -> AsyncGenerator[Updates, None]:
        """Run a comparison; yield its progress, and in the last step everything that shows the result.

        If the comparison fails or is cancelled, the last result stays.
        """
        request = self.controls.request(values)
        state: ComparisonState = values[self.comparison_state]
        session: Session = values[self.session]
        cancel_running(state.job)  # a second click restarts
        planned = await asyncio.to_thread(plan_comparison, request, session, state.index_cache, self.shared_samples)
        job = planned.submit()
        state = replace(state, job=job)
        started: Updates = {self.comparison_state: state}
        try:
            async with aclosing(watch(job)) as statuses:
                async for status in statuses:
                    yield {**started, self.progress: progress_bar(status)}
                    started = {}  # written once
            result = job.result()
        except Cancelled:
            yield {self.progress: CANCELLED}
            return
        except RetrieverError:
            yield {self.progress: FAILED}
            raise
        state = replace(state, compared=result, request=request, loaded=id(session.indexed))
        done = HINT.format(DONE.format(format_seconds(result.seconds)))
        ef, show = state.lifted_ef(values[self.ef]), values[self.show]
        shown = await asyncio.to_thread(self.show_result, result, ef, show)
        yield {self.comparison_state: state, self.progress: done, **shown}

    def note_stale(self, values: Values) -> Html:
        """Say that the results are not of what the controls say; nothing if they are, or before there are any."""
        state: ComparisonState = values[self.comparison_state]
        session: Session = values[self.session]
        if state.request is None or state.fits(self.controls.request(values), id(session.indexed)):
            return Html()
        was = state.request
        named = state.result().comparison.first.indexed.name
        return STALE.format(named, was.first, was.second, was.k, f"{was.M}/{was.ef_construction}")

    def cancel(self, comparison_state: ComparisonState) -> Html:
        """Ask the running comparison to stop, and return a message."""
        return CANCELLING if cancel_running(comparison_state.job) else NOT_RUNNING

    def show_result(self, result: FinishedComparison, ef: int, show: str) -> Updates:
        """Return everything that shows a result; no question is open, and no file is offered."""
        compared = result.comparison
        verdict, kinds = verdict_sentence(compared), kinds_sentence(compared)
        notes = [*judged_by_notes(compared, result.judged_by), *reading_notes(result.notes)]
        notes += comparison_notes(compared, result.in_lower_case)
        return {
            self.results: gr.update(visible=True),
            self.stale: "",
            self.lesson: LESSON.format(Html("{} {}").format(verdict, kinds)),
            self.board: scoreboard(compared),
            self.figure: comparison_figure(compared),
            self.notes: Html().join(Html('<p class="lab-remark">{}</p>').format(note) for note in notes),
            self.errors: error_section(compared, ef),
            self.listed: question_list(compared, show, ef),
            self.question: QUESTION_HINT,
            self.query_id: "",
            self.files: "",
            self.record: "",
            self.downloads: gr.update(open=False),  # what it offers is made when it is opened
        }

    def move_ef(self, ef: float, comparison_state: ComparisonState) -> Html | Updates:
        """Return both errors at this ef, or no change before anything is compared."""
        if comparison_state.compared is None:
            return NO_CHANGE
        return error_section(comparison_state.compared.comparison, comparison_state.lifted_ef(ef))

    def follow_ef(
        self, show: str, query_id: str, record: str | None, ef: float, comparison_state: ComparisonState
    ) -> Updates:
        """Update what depends on ef: the list of questions that the index loses, the open question, an open record."""
        if comparison_state.compared is None:
            return NO_CHANGE
        compared, ef = comparison_state.compared.comparison, comparison_state.lifted_ef(ef)
        listed = {self.listed: question_list(compared, show, ef)} if show == BY_INDEX else {}
        opened = {self.question: question_view(compared, query_id, ef)} if query_id else {}
        recorded = {self.record: _record(comparison_state, ef)} if record else {}
        return {**listed, **opened, **recorded} or NO_CHANGE

    def list_questions(self, show: str, ef: float, comparison_state: ComparisonState) -> Html | Updates:
        """Return the questions of the chosen list, or no change before anything is compared."""
        if comparison_state.compared is None:
            return NO_CHANGE
        return question_list(comparison_state.compared.comparison, show, comparison_state.lifted_ef(ef))

    def open_question(self, ef: float, comparison_state: ComparisonState, event: gr.EventData) -> Updates:
        """Show the rankings of the clicked question side by side."""
        compared = comparison_state.result().comparison
        queries = numbered_queries(compared)
        query_id = queries[check_count("question", event.number, 1, len(queries)) - 1]
        return {
            self.query_id: query_id,
            self.question: question_view(compared, query_id, comparison_state.lifted_ef(ef)),
        }

    def offer_files(self, ef: float, comparison_state: ComparisonState) -> Updates:
        """Return the download links and the run record, which are made only on request."""
        links = download_links(comparison_state.result().comparison)
        return {self.files: links, self.record: _record(comparison_state, comparison_state.lifted_ef(ef))}


def _record(comparison_state: ComparisonState, ef: int) -> Html:
    """Return the run record of the last result at ef."""
    return record_section(comparison_record(comparison_state.result(), ef))


def comparison_figure(compared: ModelComparison) -> go.Figure:
    """Return the hit rates by kind of question, or without kinds the ranks of the first answers."""
    if compared.kinds:
        return kinds_figure(compared.kinds, compared.models, compared.k)
    return ranks_figure(count_by_rank(compared), compared.models)


def error_section(compared: ModelComparison, ef: int) -> Html:
    """Return the HTML of what the model and the index lose at ef."""
    bars = error_bars(compared, ef)  # first: it computes both models' errors together
    words = Html('<p class="lab-costs">{}</p>{}<p class="lab-remark">{}</p>')
    return words.format(cost_sentence(compared, ef), bars, lucky_sentence(compared, ef))


def build_compare_tab(session: gr.State, shared_samples: SharedSamples) -> CompareTab:
    """Create the tab's components and connect their event listeners."""
    tab = _create_components(session, shared_samples)
    controls, ef, state = tab.controls, tab.ef, tab.comparison_state
    controls.collection.input(controls.show_files, controls.collection, controls.columns, **HIDDEN)
    note_uploads([controls.archive, controls.qrels, controls.queries], UPLOADED, tab.progress)
    compared = tab.start.click(report_stream_errors(tab.stream_comparison), tab.inputs, tab.outputs, **HIDDEN)
    compared.then(keep_ef_above_k, [controls.k, ef], ef, **HIDDEN)
    changed = [part.change for part in controls.requested]
    gr.on(changed, report_errors(tab.note_stale), tab.inputs, tab.stale, **LATEST)
    tab.stop.click(tab.cancel, state, tab.progress, **UNQUEUED)
    moved = ef.input(tab.move_ef, [ef, state], tab.errors, **LATEST_UNQUEUED)
    following = [tab.show, tab.query_id, tab.record, ef, state]
    moved.then(tab.follow_ef, following, [tab.listed, tab.question, tab.record], **LATEST_UNQUEUED)
    tab.show.input(tab.list_questions, [tab.show, ef, state], tab.listed, **HIDDEN)
    tab.listed.select(report_errors(tab.open_question), [ef, state], [tab.query_id, tab.question], **HIDDEN)
    tab.downloads.expand(report_errors(tab.offer_files), [ef, state], [tab.files, tab.record], **HIDDEN)
    return tab


def _create_components(session: gr.State, shared_samples: SharedSamples) -> CompareTab:
    """Create the tab's components."""
    comparison_state, query_id = gr.State(ComparisonState()), gr.State("")
    controls = create_controls()
    with gr.Row(equal_height=True):
        start = gr.Button("Compare", variant="primary", scale=2, min_width=120)
        stop = gr.Button("Cancel", scale=1, min_width=90)
        with gr.Column(scale=9, min_width=320):
            progress = gr.HTML(COMPARE_HINT)
    stale, lesson = gr.HTML(), gr.HTML()
    with gr.Column(visible=False) as results:
        with gr.Row():
            with gr.Column(scale=15, min_width=320):
                board, notes = gr.HTML(), gr.HTML()
            with gr.Column(scale=10, min_width=320):
                figure = gr.Plot(show_label=False, container=False)
        ef, errors = _create_errors()
        show, listed, question = _create_questions()
        with gr.Accordion("Downloads and run record", open=False) as downloads:
            files, record = gr.HTML(), gr.HTML()
    return CompareTab(
        session=session,
        shared_samples=shared_samples,
        comparison_state=comparison_state,
        query_id=query_id,
        controls=controls,
        start=start,
        stop=stop,
        progress=progress,
        results=results,
        stale=stale,
        lesson=lesson,
        board=board,
        figure=figure,
        notes=notes,
        ef=ef,
        errors=errors,
        show=show,
        listed=listed,
        question=question,
        downloads=downloads,
        files=files,
        record=record,
    )


def _create_errors() -> tuple[gr.Slider, gr.HTML]:
    """Create the ef slider and the errors that it updates."""
    with gr.Row():
        with gr.Column(scale=4, min_width=320):
            info = "Two errors: candidates HNSW keeps; more lose fewer answers. It moves only the index's part."
            ef = gr.Slider(
                FIRST_K,
                SLIDER_MAX_EF,
                FIRST_EF,
                step=1,
                label="ef (candidates)",
                info=info,
                elem_classes="lab-errors-slider",
            )
        with gr.Column(scale=8, min_width=320):
            errors = gr.HTML()
    return ef, errors


def _create_questions() -> tuple[gr.Radio, gr.HTML, gr.HTML]:
    """Create the list of questions and the view of the chosen one."""
    gr.HTML('<h3 class="lab-side">Question by question</h3>')
    info = "Choose a question in the list to see both rankings side by side."
    show = gr.Radio(list(CHOICES), value=CHOICES[0], label="Show", info=info)
    listed = gr.HTML(js_on_load=OPENS)
    question = gr.HTML(QUESTION_HINT)
    return show, listed, question
