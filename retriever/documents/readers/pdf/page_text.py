"""The text of a PDF page: as PDFium gives it, with what it loses, mixes up or does not read put right."""

import re
from collections import Counter
from collections.abc import Sequence
from typing import Any

from retriever.documents.readers.pdf.annotations import Entry
from retriever.documents.readers.pdf.characters import Box, Line, in_reading_order, keep, quarter_turn, read_lines
from retriever.documents.readers.pdf.placing import place_entries

FAR = 1e7  # points, beyond every page
RIGHT_TO_LEFT = re.compile("[\u0590-\u08ff]")


def page_text(page: Any, entries: Sequence[Entry]) -> str:  # noqa: ANN401 - pypdfium2 has no types
    """Return the text on a page with the entries at their places.

    PDFium's own text is used where it is right, because the way by single characters takes longer.
    """
    text_page = page.get_textpage()
    try:
        text: str = text_page.get_text_range()
        box, shown = Box(*page.get_bbox()), page.get_rotation() // 90
        turned = _is_turned(text_page, text, shown)
        if not turned and not entries and not RIGHT_TO_LEFT.search(text) and not _reaches_out(text_page, box):
            return text
        lines = keep(read_lines(text_page), box)
    finally:
        text_page.close()
    quarters = Counter(character.quarters for line in lines for character in line if character.box)
    upright = quarters.most_common(1)[0][0] if quarters else shown
    if turned:
        lines = [
            line
            for turn in sorted(quarters, key=lambda turn: turn != upright)
            for line in _turned_lines(page, box, turn)
        ]
    return "\n".join(place_entries([in_reading_order(line) for line in lines], entries, upright))


def _turned_lines(page: Any, box: Box, quarters: int) -> list[Line]:  # noqa: ANN401
    """Return the lines of the text that stands upright when the page is turned so; PDFium mixes up the others."""
    page.set_rotation(90 * quarters)
    text_page = page.get_textpage()
    try:
        return keep(read_lines(text_page), box, quarters)
    finally:
        text_page.close()


def _is_turned(text_page: Any, text: str, shown: int) -> bool:  # noqa: ANN401
    """Return whether a line begins with a character that does not stand upright on the page as it is shown."""
    starts = [0, *(match.end() for match in re.finditer("\n", text))]
    return any(quarter_turn(text_page, start) != shown for start in starts if start < len(text))


def _reaches_out(text_page: Any, page: Box) -> bool:  # noqa: ANN401
    """Return whether any character reaches over an edge of the page."""
    from pypdfium2 import raw  # type: ignore[import-untyped]

    strips = (
        (-FAR, FAR, page.left, -FAR),  # left, top, right, bottom
        (page.right, FAR, FAR, -FAR),
        (page.left, FAR, page.right, page.top),
        (page.left, page.bottom, page.right, -FAR),
    )
    return any(raw.FPDFText_GetBoundedText(text_page, *strip, None, 0) > 0 for strip in strips)
