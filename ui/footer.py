"""The foot of the page: the words it uses, the lessons, the source, and what Gradio's widgets lack for everybody."""

import re
from pathlib import Path

import gradio as gr

from ui.render.html import Html, render
from ui.render.styles import PAGE_SCRIPT
from ui.settings import source_address

LESSONS = Path(__file__).parents[1] / "docs" / "lessons.md"
LINK_TO_FILE = re.compile(r"\[([^\]]+)\]\((?!https?:)[^)]*\)")


def build_footer() -> None:
    """Create the foot of the page; its script runs once it is shown."""
    if lessons := lesson_text():
        with gr.Accordion("For teachers: a guide to the lessons", open=False):
            gr.Markdown(lessons)
    gr.HTML(glossary(), js_on_load=PAGE_SCRIPT.read_text(encoding="utf-8"))


def glossary() -> Html:
    """Return all definitions, as a list and each by itself for the buttons that show it, and where the source is."""
    return render("glossary.html", source=source_address())


def lesson_text() -> str:
    """Return docs/lessons.md without what the page cannot show, or "" where the page was installed without it.

    That is its title, its pictures, and its links to other files.
    """
    if not LESSONS.exists():
        return ""
    lines = LESSONS.read_text(encoding="utf-8").splitlines()
    text = "\n".join(line for line in lines if not line.lstrip().startswith(("# ", "!["))).strip()
    return LINK_TO_FILE.sub(r"\1", text)
