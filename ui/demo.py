"""The page, as a table of contents: session, header, tabs, and the links between the tabs."""

from dataclasses import replace
from typing import Any

import gradio as gr

from ui import api, documents_tab, ef_tab, graph_tab, models_tab, search_tab, text
from ui.curves import curve_steps
from ui.errors import shown, shown_steps
from ui.preparation import Preparation
from ui.session import Session

TICK = 1.0  # seconds between two looks at what is being prepared
INSIDE = "5 Inside HNSW"
TITLE = "Dense Retrieval Lab"
SUBTITLE = "Load documents, ask a question, slide ef, and see what approximate search gives up and what it buys."


def adopt(session: Session, preparation: Preparation) -> tuple[Any, Any, Any, str, Any]:
    """Give a visitor who has chosen nothing the best sample that is ready; say what is still being prepared.

    Otherwise the session is not written at all: a build may have ended since it was read.
    """
    best = preparation.best()
    taken: tuple[Any, Any, Any] = (gr.skip(), gr.skip(), gr.skip())
    if not session.chosen and best is not None and best is not session.indexed:
        session = replace(session, indexed=best, overlay=None)
        taken = (session, *changed(session))
    return *taken, text.preparation(preparation), gr.Timer(active=not preparation.ended)


def changed(session: Session) -> tuple[int, str]:
    """Return what differs if another collection is loaded than before, and the header."""
    return id(session.indexed), text.header(session.indexed)


def take_python_docs(session: Session, preparation: Preparation) -> Session:
    """Load Python docs, waiting for it if it is still being prepared."""
    return session.with_collection(preparation.wait_for("python_docs", lambda stage, done: None))


def which(event: gr.SelectData) -> str:
    """Return the name of the tab that was opened."""
    return str(event.value)


def inside(tab_open: str, drawn: int, k: float, ef: float, session: Session) -> tuple[Any, ...]:
    """Draw the fifth tab for what is loaded once somebody looks at it: it takes a while, and a class comes at once."""
    now = id(session.indexed)
    if tab_open != INSIDE or drawn == now:
        return gr.skip(), *(gr.skip(),) * graph_tab.REFRESHED
    return now, *graph_tab.refresh(k, ef, session)


def build_demo(preparation: Preparation | None = None) -> gr.Blocks:
    """Return the page; the shared samples are prepared once the first visitor has it, or by the caller before."""
    shared = preparation or Preparation()

    def tick(session: Session) -> tuple[Any, Any, Any, str, Any]:
        shared.start()
        return adopt(session, shared)

    def enlarge(session: Session) -> Session:
        return take_python_docs(session, shared)

    demo = gr.Blocks(title=TITLE, analytics_enabled=False, delete_cache=(600, 3600))
    with demo:
        session, revision, tab_open, timer = gr.State(Session()), gr.State(0), gr.State(""), gr.Timer(TICK)
        gr.HTML(f'<div class="lab-title"><h1>{TITLE}</h1><p>{SUBTITLE}</p></div>')
        header, note = gr.HTML(text.header(None)), gr.HTML('<div class="lab-note"></div>')
        with gr.Tab("1 Documents") as first:
            documents = documents_tab.build(session, shared)
        with gr.Tab("2 Search") as second:
            search = search_tab.build(session)
        with gr.Tab("3 Recall against latency") as third:
            ef = ef_tab.build(session)
        with gr.Tab("4 Compare models") as fourth:
            models_tab.build(session, shared)
        with gr.Tab(INSIDE) as fifth:
            graph = graph_tab.build(session)
        api.build(session, shared)

        hidden: dict[str, Any] = {"show_progress": "hidden", "api_visibility": "private", "concurrency_limit": None}
        gr.on([demo.load, timer.tick], tick, session, [session, revision, header, note, timer], **hidden)
        loaded = [
            documents.built,
            ef.starve.click(shown(ef_tab.starve), session, session, **hidden),
            ef.enlarge.click(shown(enlarge), session, session, **hidden),
        ]
        for event in loaded:
            event.success(changed, session, [revision, header], **hidden)
        revision.change(search_tab.refresh, search.inputs, search.refreshed, **hidden)
        revision.change(shown_steps(curve_steps), ef.inputs, ef.refreshed, **hidden)
        revision.change(ef_tab.overlay_choice, session, ef.overlay, **hidden)
        tabs, drawn = [first, second, third, fourth, fifth], gr.State(0)
        opened = gr.on([tab.select for tab in tabs], which, None, tab_open, **hidden | {"queue": False})
        views: dict[str, Any] = {"inputs": [tab_open, drawn, *graph.inputs], "outputs": [drawn, *graph.refreshed]}
        opened.then(shown(inside), **views, **hidden)
        revision.change(shown(inside), **views, **hidden)
        gr.on([ef.starve.click, ef.enlarge.click], ef_tab.waiting, None, ef.lesson, **hidden)
        revision.change(documents_tab.report, session, documents.report, **hidden)
    return demo
