"""The Search tab: one question answered twice, exactly and by HNSW at the chosen ef, side by side."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import gradio as gr

from retriever.encoders.loading import is_loaded
from ui.inputs import SearchSettings
from ui.render.controls import HIDDEN, LATEST, SLIDER_MAX_EF, SLIDER_MAX_K, keep_ef_above_k
from ui.render.errors import report_errors, report_stream_errors
from ui.render.export import download_link, record_section, rows_to_csv, rows_to_json
from ui.search.answer import answer_question, result_rows
from ui.search.records import search_record
from ui.search.text import hit_list, search_summary
from ui.session import Session

EXAMPLES = 5
FIRST_QUESTION = "how do lighthouses reach ships far out at sea?"
EMPTY = '<p class="lab-hint">Press <b>Search</b> to see both answers here.</p>'

SearchOutputs = tuple[str, str, str, str, str]  # time bar, exact column, HNSW column, downloads, run record


@dataclass(frozen=True)
class SearchTab:
    """Components of the Search tab that page.py links.

    inputs and refreshed: inputs and outputs of the update after a collection was loaded.
    """

    question: gr.Textbox
    examples: gr.Dataset
    inputs: list[gr.Component]
    refreshed: list[gr.Component]


def answer_search(question: str, k: float, ef: float, session: Session) -> SearchOutputs:
    """Return both answers to a question, marked where they differ."""
    indexed, settings = session.loaded(), SearchSettings.of(k, ef)  # the slider of ef follows that of k a moment later
    both = answer_question(question, settings, indexed)
    rows = result_rows(both)
    links = download_link("results.csv", "text/csv", rows_to_csv(rows), "CSV")
    links += download_link("results.json", "application/json", rows_to_json(rows), "JSON")
    return (
        search_summary(both, settings.k, settings.ef, indexed),
        hit_list(both.exact, both.missed, side="exact"),
        hit_list(both.hnsw, both.extra, side="hnsw"),
        f'<div class="lab-downloads">Download these results: {links}</div>',
        record_section(search_record(indexed, question, settings.k, settings.ef, both)),
    )


def stream_search(question: str, k: float, ef: float, session: Session) -> Iterator[SearchOutputs]:
    """Yield both answers to a question, after a note if the model must be loaded first."""
    if session.indexed is not None and not is_loaded(session.indexed.settings.model_name):
        wait = '<p class="lab-hint">Loading the embedding model, once: this takes about ten seconds …</p>'
        yield wait, gr.skip(), gr.skip(), gr.skip(), gr.skip()
    yield answer_search(question, k, ef, session)


def search_again(question: str, k: float, ef: float, session: Session) -> SearchOutputs:
    """Return the answers after a slider moved, or no change before there is anything to ask."""
    if session.indexed is None or not question.strip():
        return gr.skip(), gr.skip(), gr.skip(), gr.skip(), gr.skip()
    return answer_search(question, k, ef, session)


def refresh_search(question: str, offered: Sequence[str], session: Session) -> tuple[Any, ...]:
    """Adapt the tab to a newly loaded collection: its examples, the first of them as the question unless one was typed.

    offered: the example questions until now.
    """
    indexed = session.indexed
    if indexed is None:
        return (gr.skip(),) * 8
    examples = list(indexed.queries[:EXAMPLES])
    cleared = ('<p class="lab-hint">The collection has changed: press <b>Search</b>.</p>', "", "", "", "")
    first = gr.skip() if question.strip() and question not in offered else examples[0]
    return (first, examples, gr.Dataset(samples=[[example] for example in examples]), *cleared)


def take_example(chosen: Sequence[str]) -> str:
    """Return the example that was chosen."""
    return chosen[0]


def build_search_tab(session: gr.State) -> SearchTab:
    """Create the tab's components and connect their event listeners."""
    with gr.Row(equal_height=True):
        question = gr.Textbox(
            FIRST_QUESTION,
            label="Question",
            info="Ask in your own words: the model looks for texts that mean the same, not for the same words.",
            scale=8,
            lines=1,
            max_lines=2,
        )
        search_button = gr.Button("Search", variant="primary", scale=1, min_width=110)
    examples = gr.Dataset(
        components=[gr.Textbox(visible=False)],
        samples=[[FIRST_QUESTION]],
        label="Example questions of this collection",
        samples_per_page=EXAMPLES,
    )
    with gr.Row():
        k = gr.Slider(
            1, SLIDER_MAX_K, 10, step=1, min_width=240, label="k (neighbours)", info="How many nearest texts to find."
        )
        info = "Candidates HNSW keeps while it searches: more find more and take longer."
        ef = gr.Slider(10, SLIDER_MAX_EF, 10, step=1, min_width=240, label="ef (candidates)", info=info)
    summary = gr.HTML(EMPTY)
    with gr.Row():
        with gr.Column(min_width=320):
            gr.HTML('<div class="lab-side lab-exact">Exact search <small>compares with every vector</small></div>')
            exact = gr.HTML()
        with gr.Column(min_width=320):
            gr.HTML('<div class="lab-side lab-hnsw">HNSW <small>walks a graph of near neighbours</small></div>')
            hnsw = gr.HTML()
    downloads = gr.HTML()
    with gr.Accordion("Run record", open=False):
        record = gr.HTML()
    inputs, outputs = [question, k, ef, session], [summary, exact, hnsw, downloads, record]
    gr.on(
        [search_button.click, question.submit],
        report_stream_errors(stream_search),
        inputs,
        outputs,
        **HIDDEN,
    )
    chosen = examples.click(take_example, examples, question, **HIDDEN)
    chosen.then(report_stream_errors(stream_search), inputs, outputs, **HIDDEN)
    k.input(keep_ef_above_k, [k, ef], ef, **LATEST)
    gr.on(
        [k.input, ef.input],
        report_errors(search_again),
        inputs,
        outputs,
        **LATEST,
    )
    offered = gr.State([FIRST_QUESTION])
    return SearchTab(question, examples, [question, offered, session], [question, offered, examples, *outputs])
