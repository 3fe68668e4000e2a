"""HTML that is safe by construction: what is put into a template or a sentence is escaped, unless it is HTML itself."""

import re
from functools import cache
from pathlib import Path
from typing import Any, Self

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from ui.render.definitions import DEFINITIONS
from ui.render.numbers import count_of, format_megabytes, format_score, format_seconds
from ui.render.passages import passage_document, passage_place, passage_span, snippet

TEMPLATES = Path(__file__).with_name("templates")
UNWRITABLE_IN_HTML = re.compile("[\0\ud800-\udfff]")  # NUL and lone surrogates, which HTML or UTF-8 cannot hold
# directional formatting characters, which would also reorder the words after the text
DIRECTION_MARKS = re.compile("[\u202a-\u202e\u2066-\u2069]")


class Html(Markup):
    """HTML source; what its methods put into it, as in `Html("<b>{}</b>").format(name)`, is cleaned and escaped."""

    __slots__ = ()

    @classmethod
    def escape(cls, text: object, /) -> Self:
        """Return HTML as it is, and anything else escaped, without what a page cannot hold or what reorders a line."""
        return super().escape(_cleaned(text))


HINT = Html('<p class="lab-hint">{}</p>')  # what to do, or what happens
LESSON = Html('<div class="lab-lesson">{}</div>')  # what was measured, in words
TERM = Html('<button type="button" class="lab-term" popovertarget="{0}" aria-describedby="{0}">{1}</button>')


def render(template: str, **values: object) -> Html:
    """Return a file of templates/ filled with values, which are cleaned and escaped unless they are HTML."""
    return Html(_environment().get_template(template).render(values))


def explained(term: str, words: str = "") -> Html:
    """Return a term, or other words for it, as a button that shows the term's definition, which the page's foot holds.

    Raises KeyError for a term without a definition.
    """
    if term not in DEFINITIONS:
        raise KeyError(term)
    return TERM.format(definition_id(term), words or term)


def definition_id(term: str) -> str:
    """Return the id of the element that holds a term's definition."""
    return f"lab-term-{term.replace(' ', '-')}"


def writable_text(text: object) -> str:
    """Return text with U+FFFD for characters that no page can hold."""
    return UNWRITABLE_IN_HTML.sub("\ufffd", str(text))


def plotly_text(text: object) -> str:
    """Return text escaped for a figure: Plotly takes tags and entities for markup, dollars for TeX."""
    shown = DIRECTION_MARKS.sub("", writable_text(text)).replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    return shown.replace("$", "&#36;")


def _cleaned(value: object) -> Any:  # noqa: ANN401 - HTML of any kind, or text
    """Return HTML as it is, and anything else as text that a page can hold, without direction marks."""
    return value if hasattr(value, "__html__") else DIRECTION_MARKS.sub("", writable_text(value))


@cache
def _environment() -> Environment:
    """Return the environment of the templates: what they leave undefined is an error, and so is unescaped text."""
    environment = Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=True,
        finalize=_cleaned,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {"seconds": format_seconds, "megabytes": format_megabytes, "thousands": "{:,}".format}
    environment.filters |= {"place": passage_place, "document": passage_document, "span": passage_span}
    environment.filters |= {"snippet": snippet, "count_of": count_of, "score": format_score}
    environment.filters["definition_id"] = definition_id
    environment.globals |= {"term": explained, "definitions": DEFINITIONS}
    return environment
