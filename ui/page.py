"""The page: session, header, tabs, and the event listeners that link the tabs."""

from dataclasses import replace
from typing import Any

import gradio as gr

from ui.api import build_api
from ui.compare.tab import build_compare_tab
from ui.documents.tab import build_documents_tab, loaded_report
from ui.header import collection_header
from ui.jobs.progress_text import samples_progress
from ui.jobs.shared_samples import SharedSamples
from ui.recall.curves import overlay_choice
from ui.recall.tab import build_recall_tab, starve_graph, waiting_note
from ui.render.controls import HIDDEN, UNQUEUED
from ui.render.errors import report_errors, report_stream_errors
from ui.search.tab import build_search_tab
from ui.session import Session
from ui.walk.tab import REFRESHED_VALUES, build_walk_tab, refresh_walk

TICK_SECONDS = 1.0  # seconds between two checks of what is being prepared
WALK_TAB = "5 Inside HNSW"
TITLE = "Dense Retrieval Lab"
SUBTITLE = "Load documents, ask a question, slide ef, and see what approximate search gives up and what it buys."


def adopt_best_sample(session: Session, shared_samples: SharedSamples) -> tuple[Any, Any, Any, str, Any]:
    """Load the best ready sample for a visitor who has chosen nothing; also return what is still being prepared.

    In any other case the session is not written: a build may have ended since it was read.
    """
    best = shared_samples.best()
    updates: tuple[Any, Any, Any] = (gr.skip(), gr.skip(), gr.skip())
    if not session.chosen and best is not None and best is not session.indexed:
        session = replace(session, indexed=best, overlay=None)
        updates = (session, *collection_revision(session))
    return *updates, samples_progress(shared_samples), gr.Timer(active=not shared_samples.ended)


def collection_revision(session: Session) -> tuple[int, str]:
    """Return a value that changes with the loaded collection, and the header."""
    return id(session.indexed), collection_header(session.indexed)


def take_python_docs(session: Session, shared_samples: SharedSamples) -> Session:
    """Return the session with Python docs loaded, waiting until the sample is prepared."""
    return session.with_collection(shared_samples.wait_for("python_docs", lambda stage, done: None))


def opened_tab(event: gr.SelectData) -> str:
    """Return the name of the tab that was opened."""
    return str(event.value)


def draw_walk_tab(tab_open: str, drawn: int, k: float, ef: float, session: Session) -> tuple[Any, ...]:
    """Draw the Inside HNSW tab for the loaded collection, but only once the tab is open.

    Drawing takes a while, and a class of visitors arrives all at once.
    """
    now = id(session.indexed)
    if tab_open != WALK_TAB or drawn == now:
        return gr.skip(), *(gr.skip(),) * REFRESHED_VALUES
    return now, *refresh_walk(k, ef, session)


def build_page(shared_samples: SharedSamples | None = None) -> gr.Blocks:
    """Return the page; its samples are prepared once a visitor arrives, unless the caller started that before."""
    shared = shared_samples or SharedSamples()

    def tick(session: Session) -> tuple[Any, Any, Any, str, Any]:
        shared.start()
        return adopt_best_sample(session, shared)

    def load_python_docs(session: Session) -> Session:
        return take_python_docs(session, shared)

    demo = gr.Blocks(title=TITLE, analytics_enabled=False, delete_cache=(600, 3600))
    with demo:
        session, revision, tab_open, timer = gr.State(Session()), gr.State(0), gr.State(""), gr.Timer(TICK_SECONDS)
        gr.HTML(f'<div class="lab-title"><h1>{TITLE}</h1><p>{SUBTITLE}</p></div>')
        header, note = gr.HTML(collection_header(None)), gr.HTML('<div class="lab-note"></div>')
        with gr.Tab("1 Documents") as first:
            documents = build_documents_tab(session, shared)
        with gr.Tab("2 Search") as second:
            search = build_search_tab(session)
        with gr.Tab("3 Recall against latency") as third:
            recall = build_recall_tab(session)
        with gr.Tab("4 Compare models") as fourth:
            build_compare_tab(session, shared)
        with gr.Tab(WALK_TAB) as fifth:
            graph = build_walk_tab(session)
        build_api(session, shared)

        gr.on([demo.load, timer.tick], tick, session, [session, revision, header, note, timer], **HIDDEN)
        loaded = [
            documents.built,
            recall.starve.click(report_errors(starve_graph), session, session, **HIDDEN),
            recall.enlarge.click(report_errors(load_python_docs), session, session, **HIDDEN),
        ]
        for event in loaded:
            event.success(collection_revision, session, [revision, header], **HIDDEN)
        asked = [search.question, search.offered, session]
        revision.change(report_errors(search.refresh), asked, search.refreshed, **HIDDEN)
        curves = recall.curves
        revision.change(report_stream_errors(curves.stream_curves), [curves.k, session], curves.refreshed, **HIDDEN)
        revision.change(overlay_choice, session, curves.overlay, **HIDDEN)
        tabs, drawn = [first, second, third, fourth, fifth], gr.State(0)
        opened = gr.on([tab.select for tab in tabs], opened_tab, None, tab_open, **UNQUEUED)
        views: dict[str, Any] = {"inputs": [tab_open, drawn, *graph.inputs], "outputs": [drawn, *graph.refreshed]}
        opened.then(report_errors(draw_walk_tab), **views, **HIDDEN)
        revision.change(report_errors(draw_walk_tab), **views, **HIDDEN)
        gr.on([recall.starve.click, recall.enlarge.click], waiting_note, None, curves.lesson, **HIDDEN)
        revision.change(loaded_report, session, documents.report, **HIDDEN)
    return demo
