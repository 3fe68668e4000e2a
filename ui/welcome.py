"""The first thing in Documents: what HNSW is, a question for which it misses passages, and the next step."""

import gradio as gr

from retriever.experiments.telling_question import TellingQuestion, telling_question
from ui.render.controls import FIRST_K
from ui.render.html import Html, render
from ui.render.links import lab_link
from ui.session import Session


def create_welcome() -> gr.HTML:
    """Create the component, as it is before anything is loaded."""
    return gr.HTML(render("welcome.html", n=0, told=None))


def show_welcome(session: Session) -> Html:
    """Return what HNSW misses of what is loaded, or that it misses nothing, and the next step."""
    indexed = session.indexed
    if indexed is None:
        return render("welcome.html", n=0, told=None)
    told = telling_question(indexed, FIRST_K)
    return render("welcome.html", n=len(indexed), told=told, next_step=_next_step(told, session))


def _next_step(told: TellingQuestion, session: Session) -> Html:
    """Return a link to what shows most next."""
    asked = {"q": told.question, "k": told.k, "ef": told.k}
    if told.found < told.k:
        slide = f", then slide ef to {told.enough}" if told.enough else ""
        return lab_link(f"Ask it{slide} →", "search", **asked)
    if session.sample and session.sample != "python_docs":
        return lab_link("Take Python docs, where HNSW misses some →", "documents", sample="python_docs")
    n_queries = len(session.loaded().queries)
    return lab_link(
        f"Measure {'the one question' if n_queries == 1 else f'all {n_queries:,} questions'} →", "recall", ef=told.k
    )
