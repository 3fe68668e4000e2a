"""The Compare models tab: two models on one judged collection, with the model's losses beside the index's."""

from collections.abc import Iterator
from typing import Any

import gradio as gr

from retriever.encoders.catalogue import MODELS
from retriever.retrievers.document_runs import document_ids
from ui.compare.figures import kinds_figure, ranks_figure
from ui.compare.job import FinishedComparison
from ui.compare.questions import (
    BY_INDEX,
    CHOICES,
    HEADERS,
    QUESTION_HINT,
    WIDTHS,
    count_by_rank,
    download_links,
    question_table,
    question_view,
)
from ui.compare.records import comparison_record
from ui.compare.request import BEIR, COLLECTIONS, LOADED, CompareRequest, comparison_request
from ui.compare.state import ComparisonState, cancel_comparison, stream_comparison
from ui.compare.tables import error_bars, scoreboard
from ui.compare.text import comparison_notes, cost_sentence, kinds_sentence, lucky_sentence, verdict_sentence
from ui.inputs import SearchSettings
from ui.jobs.shared_samples import SharedSamples
from ui.render.controls import (
    FIRST_EF,
    FIRST_K,
    GRAPH_PRESETS,
    HIDDEN,
    LATEST_UNQUEUED,
    RICH_GRAPH,
    SLIDER_MAX_EF,
    SLIDER_MAX_K,
    UNQUEUED,
    keep_ef_above_k,
)
from ui.render.errors import report_errors, report_stream_errors
from ui.render.export import record_section
from ui.render.limits import judged_limits
from ui.session import Session
from ui.settings import limits

COMPARED_GRAPHS = {name: graph for name, graph in GRAPH_PRESETS.items() if graph != RICH_GRAPH}
FIRST_MODELS = [name for name, card in MODELS.items() if card.packaged]
COMPARE_HINT = (
    '<p class="lab-hint">Press <b>Compare</b>: both models answer the same judged questions by exact search, trec_eval '
    "scores them, and you see which finds more, whether that could be chance, and what the index costs beside it.</p>"
)

# visibility of the results, verdict, scores, figure, notes, errors, questions, chosen question and its id, downloads
ComparisonViews = tuple[Any, ...]
VIEWS = 10  # values in ComparisonViews


def stream_comparison_views(
    request: CompareRequest,
    ef: float,
    show: str,
    comparison_state: ComparisonState,
    session: Session,
    shared_samples: SharedSamples,
) -> Iterator[tuple[Any, ...]]:
    """Run a comparison; yield its progress, and in the last step everything that shows the result."""
    for written, progress, compared in stream_comparison(request, comparison_state, session, shared_samples):
        shown_result = (
            comparison_views(compared, SearchSettings.of(request.k, ef).ef, show) if compared else (gr.skip(),) * VIEWS
        )
        yield written, progress, *shown_result


def comparison_views(compared: FinishedComparison, ef: int, show: str) -> ComparisonViews:
    """Return everything that shows a result."""
    comparison = compared.comparison
    first = comparison.first
    coverage = first.judged.coverage(document_ids(first.indexed.retriever))
    notes = comparison_notes(comparison, coverage, compared.in_lower_case)
    kinds = kinds_sentence(comparison)
    if comparison.kinds:
        figure = kinds_figure(comparison.kinds, comparison.models, comparison.k)
    else:
        figure = ranks_figure(count_by_rank(comparison), comparison.models)
    return (
        gr.update(visible=True),
        f'<div class="lab-lesson">{verdict_sentence(comparison)} {kinds}</div>',
        scoreboard(comparison),
        figure,
        "".join(f'<p class="lab-remark">{note}</p>' for note in notes),
        error_section(compared, ef),
        question_table(comparison, show, ef),
        QUESTION_HINT,
        "",
        "",
    )


def error_section(compared: FinishedComparison, ef: int) -> str:
    """Return the HTML of what the model and the index lose at ef."""
    bars = error_bars(compared.comparison, ef)  # first: it computes both models' errors together
    costs, lucky = cost_sentence(compared.comparison, ef), lucky_sentence(compared.comparison, ef)
    return f'<p class="lab-costs">{costs}</p>{bars}<p class="lab-remark">{lucky}</p>'


def move_ef(ef: float, comparison_state: ComparisonState) -> Any:  # noqa: ANN401 - HTML, or Gradio's "no change"
    """Return both errors at this ef, or no change before anything is compared."""
    if comparison_state.compared is None:
        return gr.skip()
    return error_section(comparison_state.compared, comparison_state.lifted_ef(ef))


def follow_ef(show: str, query_id: str, ef: float, comparison_state: ComparisonState) -> tuple[Any, Any]:
    """Update what depends on ef: the list of questions that the index loses, and the open question."""
    if comparison_state.compared is None:
        return gr.skip(), gr.skip()
    compared, ef = comparison_state.compared.comparison, comparison_state.lifted_ef(ef)
    listed = question_table(compared, show, ef) if show == BY_INDEX else gr.skip()
    return listed, question_view(compared, query_id, ef) if query_id else gr.skip()


def list_questions(show: str, ef: float, comparison_state: ComparisonState) -> Any:  # noqa: ANN401 - a DataFrame, or Gradio's "no change"
    """Return the questions of the chosen list."""
    if comparison_state.compared is None:
        return gr.skip()
    return question_table(comparison_state.compared.comparison, show, comparison_state.lifted_ef(ef))


def choose_question(ef: float, comparison_state: ComparisonState, event: gr.SelectData) -> tuple[str, str]:
    """Return the id of the clicked question, and its rankings side by side."""
    compared = comparison_state.result().comparison
    query_id = str(event.row_value[-1])
    return query_id, question_view(compared, query_id, comparison_state.lifted_ef(ef))


def download_section(ef: float, comparison_state: ComparisonState) -> str:
    """Return the download links and the run record, which are made only on request."""
    result = comparison_state.result()
    record = comparison_record(result, comparison_state.lifted_ef(ef))
    return download_links(result.comparison) + record_section(record)


def show_uploads(collection: str) -> tuple[dict[str, Any], ...]:
    """Show only the file inputs that a collection needs."""
    shown_for = ((BEIR,), (LOADED,), (BEIR, LOADED))
    return tuple(gr.update(visible=collection in names) for names in shown_for)


def build_compare_tab(session: gr.State, shared_samples: SharedSamples) -> None:
    """Create the tab's components and connect their event listeners."""
    comparison_state, query_id = gr.State(ComparisonState()), gr.State("")
    controls, collection, uploads = _settings_controls()
    k = controls[3]
    with gr.Row(equal_height=True):
        start = gr.Button("Compare", variant="primary", scale=2, min_width=120)
        stop = gr.Button("Cancel", scale=1, min_width=90)
        with gr.Column(scale=9, min_width=320):
            progress = gr.HTML(COMPARE_HINT)
    lesson = gr.HTML()
    with gr.Column(visible=False) as results:
        with gr.Row():
            with gr.Column(scale=15, min_width=320):
                board, notes = gr.HTML(), gr.HTML()
            with gr.Column(scale=10, min_width=320):
                figure = gr.Plot(show_label=False, container=False)
        ef, errors = _error_controls()
        show, listed, view = _question_controls()
        with gr.Accordion("Downloads and run record", open=False) as downloads:
            files = gr.HTML()

    def run(*values: Any) -> Iterator[tuple[Any, ...]]:  # noqa: ANN401 - the values of all controls
        collection, first, second, k, graph, *files, at_ef, shown_questions, current_state, current_session = values
        request = comparison_request(collection, first, second, k, *COMPARED_GRAPHS[graph], *files)
        yield from stream_comparison_views(
            request, at_ef, shown_questions, current_state, current_session, shared_samples
        )

    collection.input(show_uploads, collection, uploads, **HIDDEN)
    outputs = [comparison_state, progress, results, lesson, board, figure, notes, errors, listed, view, query_id, files]
    compared = start.click(
        report_stream_errors(run), [*controls, ef, show, comparison_state, session], outputs, **HIDDEN
    )
    compared.then(keep_ef_above_k, [k, ef], ef, **HIDDEN)
    stop.click(cancel_comparison, comparison_state, progress, **UNQUEUED)
    moved = ef.input(move_ef, [ef, comparison_state], errors, **LATEST_UNQUEUED)
    moved.then(follow_ef, [show, query_id, ef, comparison_state], [listed, view], **LATEST_UNQUEUED)
    show.input(list_questions, [show, ef, comparison_state], listed, **HIDDEN)
    listed.select(report_errors(choose_question), [ef, comparison_state], [query_id, view], **HIDDEN)
    downloads.expand(report_errors(download_section), [ef, comparison_state], files, **HIDDEN)


def _settings_controls() -> tuple[list[gr.Component], gr.Dropdown, list[Any]]:
    """Create a comparison's controls; return them in order, the collection's dropdown, and the columns it shows."""
    with gr.Row():
        info = "Its answers are known."
        collection = gr.Dropdown(
            list(COLLECTIONS), value=COLLECTIONS[0], label="Judged collection", info=info, scale=3, min_width=200
        )
        names = list(MODELS)
        info = "Shown in green, ●."
        first = gr.Dropdown(names, value=FIRST_MODELS[0], label="First model", info=info, scale=3, min_width=200)
        info = "Shown in purple, ▲."
        second = gr.Dropdown(names, value=FIRST_MODELS[1], label="Second model", info=info, scale=3, min_width=200)
        info = "Results that count."
        k = gr.Slider(1, SLIDER_MAX_K, FIRST_K, step=1, label="k (results)", info=info, scale=3, min_width=200)
        info = "HNSW's M/efConstruction."
        graph = gr.Dropdown(
            list(COMPARED_GRAPHS), value=next(iter(COMPARED_GRAPHS)), label="Graph", info=info, scale=3, min_width=200
        )
    with gr.Row():
        with gr.Column(visible=False, min_width=300) as of_beir:
            label = "A .zip with corpus.jsonl, queries.jsonl and qrels/test.tsv"
            archive = gr.File(file_types=[".zip"], type="filepath", label=label, height=140, elem_classes="lab-archive")
            gr.HTML(f'<p class="lab-hint">{judged_limits(limits())}</p>')
        with gr.Column(visible=False, min_width=300) as of_loaded:
            with gr.Row():
                qrels = gr.File(type="filepath", label="Judgments: TREC or TSV", height=140)
                queries = gr.File(type="filepath", label="Queries: JSONL or TSV", height=140)
            gr.HTML('<p class="lab-hint">Leave both empty where the collection has its own.</p>')
        with gr.Column(visible=False, min_width=200) as of_both:
            info = "The grade in the judgments from which on a passage counts as an answer."
            level = gr.Number(1, precision=0, minimum=1, label="Answers have at least grade", info=info)
    controls = [collection, first, second, k, graph, archive, qrels, queries, level]
    return controls, collection, [of_beir, of_loaded, of_both]


def _error_controls() -> tuple[gr.Slider, gr.HTML]:
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


def _question_controls() -> tuple[gr.Radio, gr.Dataframe, gr.HTML]:
    """Create the list of questions and the view of the chosen one."""
    gr.HTML('<div class="lab-side">Question by question</div>')
    info = "Choose a question in the list to see both rankings side by side."
    show = gr.Radio(list(CHOICES), value=CHOICES[0], label="Show", info=info)
    listed = gr.Dataframe(
        headers=HEADERS,
        column_widths=WIDTHS,
        datatype="str",
        interactive=False,
        wrap=True,
        max_height=260,
        show_label=False,
        buttons=[],
        elem_classes="lab-questions",
    )
    view = gr.HTML(QUESTION_HINT)
    return show, listed, view
