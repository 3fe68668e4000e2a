"""Prose: numbers with their units, and sentences about what is loaded and measured. Pure functions."""

import html
import re

UNWRITABLE_IN_HTML = re.compile("[\0\ud800-\udfff]")  # NUL and half surrogate pairs, which HTML or UTF-8 cannot hold
DIRECTION_MARKS = re.compile(
    "[\u202a-\u202e\u2066-\u2069]"
)  # directions that would turn round the words after the text, too


def writable_text(text: object) -> str:
    """Return text with U+FFFD for what no page can hold."""
    return UNWRITABLE_IN_HTML.sub("\ufffd", str(text))


def escape(text: object) -> str:
    """Return text that is shown as text in HTML, whatever markup it holds, and that changes no other text's order."""
    return html.escape(DIRECTION_MARKS.sub("", writable_text(text)), quote=True)


def plotly_text(text: object) -> str:
    """Return text that is shown as text in a figure: Plotly takes tags and entities for markup, dollars for TeX."""
    shown = DIRECTION_MARKS.sub("", writable_text(text)).replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    return shown.replace("$", "&#36;")


def without_tags(markup: str) -> str:
    """Return the words of a sentence made for the page, without its markup."""
    return html.unescape(re.sub(r"<[^>]*>", "", markup))
