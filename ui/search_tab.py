"""Search: one question answered twice, exactly and by HNSW at the chosen ef, side by side."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import gradio as gr

from retriever.indexed import IndexedCollection
from retriever.models import is_loaded
from retriever.side_by_side import SideBySide
from ui import tables, text
from ui.asking import answer, result_rows
from ui.errors import shown, shown_steps
from ui.records import search_record
from ui.session import Session
from ui.sliders import LARGEST_EF, LARGEST_K, keep_ef_above

EXAMPLES = 5
FIRST_QUESTION = "how do lighthouses reach ships far out at sea?"
EMPTY = '<p class="lab-hint">Press <b>Search</b> to see both answers here.</p>'

Answer = tuple[str, str, str, str, str]  # time bar, exact column, HNSW column, downloads, run record


@dataclass(frozen=True)
class SearchTab:
    """Hold what demo.py links: the question, its examples and the places of the answer."""

    question: gr.Textbox
    examples: gr.Dataset
    inputs: list[gr.Component]
    refreshed: list[gr.Component]


def search(question: str, k: float, ef: float, session: Session) -> Answer:
    """Answer a question exactly and by HNSW, marked where they differ."""
    indexed, k = session.loaded(), int(k)
    ef = max(int(ef), k)  # what hnswlib searches with; the slider follows k a moment later
    both = answer(question, k, ef, indexed)
    rows = result_rows(both)
    links = tables.download("results.csv", "text/csv", tables.results_csv(rows), "CSV")
    links += tables.download("results.json", "application/json", tables.results_json(rows), "JSON")
    return (
        summary(both, k, ef, indexed),
        tables.hits(both.exact, both.missed, side="exact"),
        tables.hits(both.hnsw, both.extra, side="hnsw"),
        f'<div class="lab-downloads">Download these results: {links}</div>',
        tables.record(search_record(indexed, question, k, ef, both)),
    )


def search_steps(question: str, k: float, ef: float, session: Session) -> Iterator[Answer]:
    """Answer a question; where the model must be loaded first, say so meanwhile."""
    if session.indexed is not None and not is_loaded(session.indexed.settings.model_name):
        wait = '<p class="lab-hint">Loading the embedding model, once: this takes about ten seconds …</p>'
        yield wait, gr.skip(), gr.skip(), gr.skip(), gr.skip()
    yield search(question, k, ef, session)


def summary(both: SideBySide, k: int, ef: int, indexed: IndexedCollection) -> str:
    """Draw the times of one question and say what HNSW missed."""
    parts = {
        "embedding the question": (both.seconds["embedding"], "lab-part-embed"),
        f"HNSW at ef={ef}": (both.seconds["HNSW"], "lab-part-hnsw"),
        "exact": (both.seconds["exact"], "lab-part-exact"),
    }
    found, missed = len(both.exact), sum(both.missed)
    words = f"HNSW found {found - missed} of the {found} true neighbours (recall@{min(k, found)} = {both.recall:.2f})."
    if found < k:
        words += f" k is {k}, but the collection has only {found} {text.unit(indexed)}: all are shown."
    return f"{tables.time_bar(parts)}<p>{words}</p>"


def search_again(question: str, k: float, ef: float, session: Session) -> Answer:
    """Answer again after a slider moved; before there is anything to ask, leave the page as it is."""
    if session.indexed is None or not question.strip():
        return gr.skip(), gr.skip(), gr.skip(), gr.skip(), gr.skip()
    return search(question, k, ef, session)


def refresh(question: str, offered: Sequence[str], session: Session) -> tuple[Any, ...]:
    """Fit the tab to a newly loaded collection: its examples, and the first of them unless the visitor typed another.

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


def build(session: gr.State) -> SearchTab:
    """Lay the tab out and wire it."""
    with gr.Row(equal_height=True):
        question = gr.Textbox(
            FIRST_QUESTION,
            label="Question",
            info="Ask in your own words: the model looks for texts that mean the same, not for the same words.",
            scale=8,
            lines=1,
            max_lines=2,
        )
        go = gr.Button("Search", variant="primary", scale=1, min_width=110)
    examples = gr.Dataset(
        components=[gr.Textbox(visible=False)],
        samples=[[FIRST_QUESTION]],
        label="Example questions of this collection",
        samples_per_page=EXAMPLES,
    )
    with gr.Row():
        k = gr.Slider(
            1, LARGEST_K, 10, step=1, min_width=240, label="k (neighbours)", info="How many nearest texts to find."
        )
        info = "Candidates HNSW keeps while it searches: more find more and take longer."
        ef = gr.Slider(10, LARGEST_EF, 10, step=1, min_width=240, label="ef (candidates)", info=info)
    bar = gr.HTML(EMPTY)
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
    inputs, outputs = [question, k, ef, session], [bar, exact, hnsw, downloads, record]
    gr.on([go.click, question.submit], shown_steps(search_steps), inputs, outputs, show_progress="hidden", **_PRIVATE)
    chosen = examples.click(take_example, examples, question, show_progress="hidden", **_PRIVATE)
    chosen.then(shown_steps(search_steps), inputs, outputs, show_progress="hidden", **_PRIVATE)
    k.input(keep_ef_above, [k, ef], ef, show_progress="hidden", trigger_mode="always_last", **_PRIVATE)
    gr.on(
        [k.input, ef.input],
        shown(search_again),
        inputs,
        outputs,
        show_progress="hidden",
        trigger_mode="always_last",
        **_PRIVATE,
    )
    offered = gr.State([FIRST_QUESTION])
    return SearchTab(question, examples, [question, offered, session], [question, offered, examples, *outputs])


_PRIVATE: dict[str, Any] = {"api_visibility": "private", "concurrency_limit": None}
