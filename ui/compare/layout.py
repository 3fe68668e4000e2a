"""The layout of the Compare models tab: its components are created here, and their event listeners connected."""

import gradio as gr

from ui.compare.controls import create_controls
from ui.compare.result import ComparisonResult
from ui.compare.shown.question_view import QUESTION_HINT
from ui.compare.shown.questions import list_choices
from ui.compare.state import ComparisonState
from ui.compare.tab import CompareTab
from ui.jobs.shared_samples import SharedSamples
from ui.render.controls import (
    EACH,
    FIRST_EF,
    FIRST_K,
    HIDDEN,
    LATEST_UNQUEUED,
    SLIDER_MAX_EF,
    UNQUEUED,
    note_uploads,
    when_settled,
)
from ui.render.errors import report_errors, report_stream_errors
from ui.render.html import HINT, Html, explained

OPENS = """element.addEventListener("click", (event) => {
  const row = event.target.closest("[data-number]")
  if (row) trigger("select", { number: Number(row.dataset.number) })
})"""  # of the list of questions
UPLOADED = HINT.format(Html("Uploaded, not read yet: press <b>Compare</b>."))

WHAT_TO_DO = Html(
    "Choose two: an embedding model, {} (looks for the question's own words), a model with {} (compares word by word), "
    "or BM25 + a model, joined by {}. Then press <b>Compare</b>: all answer the same judged questions by exact search, "
    "trec_eval scores them, and you see which finds more, whether that could be chance, and what the index costs."
)


def what_to_do() -> Html:
    """Return what can be chosen, and what happens then."""
    return HINT.format(WHAT_TO_DO.format(*map(explained, ("BM25", "late interaction", "reciprocal rank fusion"))))


def build_compare_tab(session: gr.State, shared_samples: SharedSamples) -> CompareTab:
    """Create the tab's components and connect their event listeners."""
    tab = _create_components(session, shared_samples)
    controls, state, result = tab.controls, tab.comparison_state, tab.result
    ef = result.ef
    controls.collection.input(controls.show_files, controls.collection, controls.columns, **HIDDEN)
    for further in controls.retrievers[2:]:
        further.change(tab.show_further, further, [controls.further, tab.add], **EACH | {"queue": False})
    tab.add.click(tab.add_further, None, [controls.further, tab.add], **UNQUEUED)
    note_uploads([controls.archive, controls.qrels, controls.queries], UPLOADED, tab.progress)
    compared = tab.start.click(report_stream_errors(tab.stream_comparison), tab.inputs, tab.outputs, **HIDDEN)
    lifted = compared.then(tab.keep_ef, [ef, state], ef, **HIDDEN)
    shown = lifted.then(result.move_ef, [ef, state], result.errors, **HIDDEN)  # both may have changed while it ran
    shown.then(report_errors(tab.note_stale), tab.inputs, tab.stale, **HIDDEN)
    changed = [part.change for part in controls.requested]
    when_settled(changed, report_errors(tab.note_stale), tab.inputs, [tab.stale])
    tab.stop.click(tab.cancel, state, tab.progress, **UNQUEUED)
    _connect_result(result, state)
    return tab


def _connect_result(result: ComparisonResult, state: gr.State) -> None:
    """Connect the listeners of what shows a result."""
    ef, asked = result.ef, [result.ef, state]
    moved = ef.input(result.move_ef, asked, result.errors, **LATEST_UNQUEUED)
    following = [result.show, result.query_id, result.record, ef, state]
    moved.then(result.follow_ef, following, [result.listed, result.question, result.record], **LATEST_UNQUEUED)
    result.show.input(result.list_questions, [result.show, *asked], result.listed, **HIDDEN)
    result.listed.select(report_errors(result.open_question), asked, [result.query_id, result.question], **HIDDEN)
    result.downloads.expand(report_errors(result.offer_files), asked, [result.files, result.record], **HIDDEN)


def _create_components(session: gr.State, shared_samples: SharedSamples) -> CompareTab:
    """Create the tab's components."""
    comparison_state = gr.State(ComparisonState())
    controls = create_controls()
    with gr.Row(equal_height=True):
        start = gr.Button("Compare", variant="primary", scale=2, min_width=120)
        stop = gr.Button("Cancel", scale=1, min_width=90)
        add = gr.Button("Add a third", scale=1, min_width=130)
        with gr.Column(scale=8, min_width=320):
            progress = gr.HTML(what_to_do())
    result = _create_result()
    return CompareTab(session, shared_samples, comparison_state, controls, start, stop, add, progress, result)


def _create_result() -> ComparisonResult:
    """Create the components that show a result, hidden."""
    query_id = gr.State("")
    stale, lesson = gr.HTML(), gr.HTML()
    with gr.Column(visible=False) as shown:
        with gr.Row():
            with gr.Column(scale=15, min_width=320):
                board, notes = gr.HTML(), gr.HTML()
            with gr.Column(scale=10, min_width=320):
                figure = gr.Plot(show_label=False, container=False)
        pairs = gr.HTML(visible=False)
        ef, errors = _create_errors()
        costs = gr.HTML()
        show, listed, question = _create_questions()
        with gr.Accordion("Downloads and run record", open=False) as downloads:
            files, record = gr.HTML(), gr.HTML()
    return ComparisonResult(
        shown=shown,
        stale=stale,
        lesson=lesson,
        board=board,
        figure=figure,
        notes=notes,
        pairs=pairs,
        ef=ef,
        errors=errors,
        costs=costs,
        show=show,
        listed=listed,
        query_id=query_id,
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
    info, lists = "Choose a question in the list to see its rankings side by side.", list_choices(2)
    show = gr.Radio(lists, value=lists[0], label="Show", info=info)
    listed = gr.HTML(js_on_load=OPENS)
    question = gr.HTML(QUESTION_HINT)
    return show, listed, question
