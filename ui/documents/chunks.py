"""The chunks of the loaded collection, a page at a time, with a search: its controls, handlers and HTML.

A page is rendered when somebody asks for it, and only while the accordion is open: a class has many pages open at once.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

import gradio as gr
from gradio.blocks import Block

from retriever.documents.document import Passage
from retriever.indexing.collection import IndexedCollection
from retriever.unicode import clean_text
from ui.render.controls import HIDDEN, Updates
from ui.render.errors import report_errors
from ui.render.html import Html, render
from ui.render.passages import count_passages, passage_place
from ui.session import Session

ROWS = 50  # chunks a page
MAX_SOUGHT = 200  # characters that are searched for
MAX_SHOWN = 4_000  # characters of one text; a chunk has fewer, a whole document may have any number
LAST_PAGE = 1_000_000_000  # more than there are: the last one is shown


@dataclass(frozen=True)
class ChunkPage:
    """A page of the chunks that contain what is sought.

    rows: of its chunks in the collection, from 0. number: of the page, from 1. n_pages: at least 1. found: how many
    chunks there are on all pages.
    """

    rows: Sequence[int]
    number: int
    n_pages: int
    found: int


def chunk_page(indexed: IndexedCollection, sought: str, number: int) -> ChunkPage:
    """Return a page of the chunks whose text or place contains what is sought, without regard to case.

    A number beyond the first or the last page gives that one.
    """
    passages, words = indexed.retriever.passages, sought.lower()
    found: Sequence[int] = range(len(passages))
    if words:
        found = [row for row in found if _contains(passages[row], words)]
    n_pages = max(1, -(-len(found) // ROWS))
    shown = min(max(number, 1), n_pages)
    return ChunkPage(found[(shown - 1) * ROWS : shown * ROWS], shown, n_pages, len(found))


def chunk_table(indexed: IndexedCollection, sought: str, page: ChunkPage) -> Html:
    """Return a page of chunks as a table, with what is sought marked in their texts."""
    rows = [(row + 1, indexed.retriever.passages[row]) for row in page.rows]
    return render(
        "documents/chunks.html",
        counted=_counted(indexed, sought, page),
        rows=[(number, passage, marked(passage.text[:MAX_SHOWN], sought)) for number, passage in rows],
        most=MAX_SHOWN,
    )


def marked(text: str, sought: str) -> Html:
    """Return a text as HTML with every occurrence of what is sought marked."""
    if not sought:
        return Html.escape(text)
    parts = re.split(f"({re.escape(sought)})", text, flags=re.IGNORECASE)
    return Html("").join(Html("<mark>{}</mark>").format(part) if n % 2 else part for n, part in enumerate(parts))


def _contains(passage: Passage, words: str) -> bool:
    return words in passage.text.lower() or words in passage_place(passage).lower()


def _counted(indexed: IndexedCollection, sought: str, page: ChunkPage) -> str:
    """Return in words how many chunks there are, how many contain what is sought, and which are shown."""
    counted = count_passages(indexed, len(indexed))
    if sought:
        counted = f"{page.found:,} of {counted} {'contains' if page.found == 1 else 'contain'} “{sought}”"
    if page.n_pages == 1:
        return f"{counted}."
    begin = (page.number - 1) * ROWS + 1
    shown = f"{begin:,} to {begin + len(page.rows) - 1:,}"
    return f"{counted}. Shown are {shown}: page {page.number:,} of {page.n_pages:,}."


@dataclass(frozen=True, eq=False)
class ChunkBrowser:
    """The components that show the chunks, and its handlers. opened: whether the accordion is open."""

    session: gr.State
    opened: gr.State
    sought: gr.Textbox
    number: gr.Number
    back: Sequence[gr.Button]
    forward: Sequence[gr.Button]
    table: gr.HTML

    @property
    def asked(self) -> list[Block]:
        """The components that show reads."""
        return [self.sought, self.number, self.session]

    @property
    def shown(self) -> list[Block]:
        """The components that show updates."""
        return [self.table, self.number, *self.back, *self.forward]

    def clear(self) -> Updates:
        """Show nothing: what was shown is of a collection that is no longer loaded."""
        return {self.table: ""}

    def refresh(self, opened: bool, sought: str | None, session: Session) -> Updates:
        """Show the first page of what is loaded if the accordion is open, and nothing otherwise."""
        return self.show(sought, 1, session) if opened else self.clear()

    def open(self, sought: str | None, number: float | None, session: Session) -> Updates:
        """Show a page because the accordion was opened."""
        return {self.opened: True, **self.show(sought, number, session)}

    def close(self) -> Updates:
        """Show nothing because the accordion was closed."""
        return {self.opened: False, **self.clear()}

    def show(self, sought: str | None, number: float | None, session: Session) -> Updates:
        """Show the page of this number, or the nearest that there is; which buttons lead to others follows from it."""
        indexed = session.indexed
        if indexed is None:
            return self.clear()
        words = clean_text(sought or "").strip()[:MAX_SOUGHT]
        page = chunk_page(indexed, words, 1 if number is None else int(number))
        turning = {
            button: gr.update(interactive=page.number != end)
            for end, buttons in ((1, self.back), (page.n_pages, self.forward))
            for button in buttons
        }
        shown = gr.update(value=page.number, label=f"Page (of {page.n_pages:,})")
        return {self.table: chunk_table(indexed, words, page), self.number: shown, **turning}

    def turn(self, steps: int, sought: str | None, number: float | None, session: Session) -> Updates:
        """Show the page that is so many pages further on."""
        return self.show(sought, (1 if number is None else int(number)) + steps, session)


def build_chunk_browser(session: gr.State) -> ChunkBrowser:
    """Create the accordion with its components and connect their event listeners."""
    opened = gr.State(False)
    with gr.Accordion("Look at the chunks", open=False) as accordion:
        with gr.Row():
            sought = gr.Textbox(
                "",
                label="Search the chunks",
                info="In their texts and places.",
                placeholder="Type some words and press Enter.",
                max_length=MAX_SOUGHT,
                submit_btn="Find",
                scale=3,
                min_width=210,
            )
            number = gr.Number(1, precision=0, label="Page", min_width=110)
        with gr.Row():
            back = [gr.Button(words, size="sm", min_width=64) for words in ("First page", "Previous")]
            forward = [gr.Button(words, size="sm", min_width=64) for words in ("Next", "Last page")]
        table = gr.HTML()
    browser = ChunkBrowser(session, opened, sought, number, back, forward, table)
    asked, shown = browser.asked, browser.shown
    accordion.expand(report_errors(browser.open), asked, [opened, *shown], **HIDDEN)
    accordion.collapse(browser.close, None, [opened, table], **HIDDEN)
    sought.submit(report_errors(partial(browser.refresh, True)), [sought, session], shown, **HIDDEN)
    gr.on([number.submit, number.blur], report_errors(browser.show), asked, shown, **HIDDEN)
    for button, steps in zip([*back, *forward], (-LAST_PAGE, -1, 1, LAST_PAGE), strict=True):
        button.click(report_errors(partial(browser.turn, steps)), asked, shown, **HIDDEN)
    return browser
