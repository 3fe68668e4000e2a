"""Untrusted text made safe to show in HTML and in Plotly figures."""

import html
import re

UNWRITABLE_IN_HTML = re.compile("[\0\ud800-\udfff]")  # NUL and lone surrogates, which HTML or UTF-8 cannot hold
# directional formatting characters, which would also reorder the words after the text
DIRECTION_MARKS = re.compile("[\u202a-\u202e\u2066-\u2069]")


def writable_text(text: object) -> str:
    """Return text with U+FFFD for characters that no page can hold."""
    return UNWRITABLE_IN_HTML.sub("\ufffd", str(text))


def escape(text: object) -> str:
    """Return text escaped for HTML, without direction marks, which would reorder other text."""
    return html.escape(DIRECTION_MARKS.sub("", writable_text(text)), quote=True)


def plotly_text(text: object) -> str:
    """Return text escaped for a figure: Plotly takes tags and entities for markup, dollars for TeX."""
    shown = DIRECTION_MARKS.sub("", writable_text(text)).replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    return shown.replace("$", "&#36;")


def without_tags(markup: str) -> str:
    """Return the plain text of a sentence made for the page."""
    return html.unescape(re.sub(r"<[^>]*>", "", markup))
