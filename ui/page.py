"""The page: session, header, tabs, and the event listeners that link the tabs."""

from dataclasses import dataclass, replace

import gradio as gr
from gradio.blocks import Block

from ui.api import build_api
from ui.blocks import LabBlocks
from ui.compare.tab import build_compare_tab
from ui.documents.tab import build_documents_tab
from ui.footer import build_footer
from ui.header import collection_header
from ui.jobs.progress_text import samples_progress
from ui.jobs.shared_samples import SharedSamples
from ui.jobs.watching import result_of
from ui.recall.curves import overlay_choice
from ui.recall.tab import build_recall_tab, starve_graph, waiting_note
from ui.render.controls import HIDDEN, NO_CHANGE, UNQUEUED, Updates
from ui.render.errors import report_errors, report_stream_errors
from ui.render.html import Html
from ui.search.tab import build_search_tab
from ui.session import Session
from ui.walk.tab import WalkTab, build_walk_tab

TICK_SECONDS = 1.0  # seconds between two checks of what is being prepared
WALK_TAB = "5 Inside HNSW"
TITLE = "Dense Retrieval Lab"
SUBTITLE = "Load documents, ask a question, slide ef, and see what approximate search gives up and what it buys."
HEADING = Html('<div class="lab-title"><h1>{}</h1><p>{}</p></div>').format(TITLE, SUBTITLE)
PANEL = Html('<h2 class="lab-unseen">{}</h2>')  # for who goes from heading to heading
NO_NOTE = Html('<div class="lab-note"></div>')


@dataclass(frozen=True, eq=False)
class Page:
    """The components above the tabs, the states that several tabs share, and the handlers that link the tabs.

    revision: changes with the loaded collection. note: which samples are still being prepared. tab_open: the name of
    the open tab.
    """

    shared_samples: SharedSamples
    session: gr.State
    revision: gr.State
    tab_open: gr.State
    timer: gr.Timer
    header: gr.HTML
    note: gr.HTML
    walk: WalkTab

    @property
    def ticked(self) -> list[Block]:
        """The components that tick updates."""
        return [self.session, self.revision, self.header, self.note, self.timer]

    def tick(self, session: Session) -> Updates:
        """Start the preparation of the samples, once, and adopt the best one that is ready."""
        self.shared_samples.start()
        return self.adopt_best_sample(session)

    def adopt_best_sample(self, session: Session) -> Updates:
        """Load the best ready sample for a visitor who has chosen or judged nothing; show what is being prepared.

        In any other case the session is not written: a build may have ended since it was read.
        """
        best, adopted = self.shared_samples.best(), {}
        settled = session.chosen or bool(session.judgments)
        if not settled and best is not None and best is not session.indexed:
            session = replace(session, indexed=best, overlay=None)
            adopted = {self.session: session, **self.show_loaded(session)}
        note, timer = samples_progress(self.shared_samples), gr.Timer(active=not self.shared_samples.ended)
        return {**adopted, self.note: note, self.timer: timer}

    def show_loaded(self, session: Session) -> Updates:
        """Show what is loaded in the header, and change the revision if it is another collection."""
        return {self.revision: id(session.indexed), self.header: collection_header(session.indexed)}

    async def take_python_docs(self, session: Session) -> Session:
        """Return the session with Python docs loaded, waiting until the sample is prepared."""
        return session.with_collection(await result_of(self.shared_samples.take("python_docs")))

    def draw_walk_tab(self, tab_open: str, drawn: int, k: float, ef: float, session: Session) -> Updates:
        """Draw the Inside HNSW tab for the loaded collection, but only once the tab is open.

        Drawing takes a while, and a class of visitors arrives all at once.
        """
        return self.walk.refresh(drawn, k, ef, session) if tab_open == WALK_TAB else NO_CHANGE


def opened_tab(event: gr.SelectData) -> str:
    """Return the name of the tab that was opened."""
    return str(event.value)


def build_page(shared_samples: SharedSamples | None = None) -> gr.Blocks:
    """Return the page; its samples are prepared once a visitor arrives, unless the caller started that before."""
    shared = shared_samples or SharedSamples()
    demo = LabBlocks(title=TITLE, analytics_enabled=False, delete_cache=(600, 3600))
    with demo:
        session, revision, tab_open, timer = gr.State(Session()), gr.State(0), gr.State(""), gr.Timer(TICK_SECONDS)
        gr.HTML(HEADING)
        header, note = gr.HTML(collection_header(None)), gr.HTML(NO_NOTE)
        with gr.Tab("1 Documents") as first:
            gr.HTML(PANEL.format("Documents"))
            documents, built = build_documents_tab(session, shared)
        with gr.Tab("2 Search") as second:
            gr.HTML(PANEL.format("Search"))
            search = build_search_tab(session)
        with gr.Tab("3 Recall against latency") as third:
            gr.HTML(PANEL.format("Recall against latency"))
            recall = build_recall_tab(session)
        with gr.Tab("4 Compare models") as fourth:
            gr.HTML(PANEL.format("Compare models"))
            build_compare_tab(session, shared)
        with gr.Tab(WALK_TAB) as fifth:
            gr.HTML(PANEL.format("Inside HNSW"))
            walk = build_walk_tab(session)
        build_footer()
        build_api(session, shared)

        page = Page(shared, session, revision, tab_open, timer, header, note, walk)
        gr.on([demo.load, timer.tick], page.tick, session, page.ticked, **HIDDEN)
        starved = recall.starve.click(report_errors(starve_graph), session, session, **HIDDEN)
        enlarged = recall.enlarge.click(report_errors(page.take_python_docs), session, session, **HIDDEN)
        for loaded in (built, starved, enlarged):
            loaded.success(page.show_loaded, session, [revision, header], **HIDDEN)
        asked = [search.question, search.offered, session]
        revision.change(report_errors(search.refresh), asked, search.refreshed, **HIDDEN)
        curves = recall.curves
        revision.change(report_stream_errors(curves.stream_curves), [curves.k, session], curves.refreshed, **HIDDEN)
        revision.change(overlay_choice, session, curves.overlay, **HIDDEN)
        opened = gr.on(
            [tab.select for tab in (first, second, third, fourth, fifth)], opened_tab, None, tab_open, **UNQUEUED
        )
        shown = [tab_open, walk.drawn, walk.k, walk.ef, session]
        opened.then(report_errors(page.draw_walk_tab), shown, walk.refreshed, **HIDDEN)
        revision.change(report_errors(page.draw_walk_tab), shown, walk.refreshed, **HIDDEN)
        gr.on([recall.starve.click, recall.enlarge.click], waiting_note, None, curves.lesson, **HIDDEN)
        revision.change(documents.refresh, session, documents.refreshed, **HIDDEN)
        chunks = documents.chunks
        looked = [chunks.opened, chunks.sought, session]
        revision.change(report_errors(chunks.refresh), looked, chunks.shown, **HIDDEN)
    return demo
