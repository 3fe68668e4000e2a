"""The text of a PDF page: as PDFium gives it, with what it loses, mixes up or does not read put right."""

import re
from collections import Counter
from collections.abc import Sequence
from typing import Any

from pypdfium2 import raw  # type: ignore[import-untyped] # it ships no types

from retriever.documents.readers.pdf.annotations import Entry
from retriever.documents.readers.pdf.characters import (
    Box,
    Line,
    box_of,
    in_reading_order,
    keep,
    quarter_turns,
    read_lines,
)
from retriever.documents.readers.pdf.handles import area_of, text_page_of, whole_text
from retriever.documents.readers.pdf.placing import place_entries

MAX_ASKED = 16  # lines of a page whose direction is looked at: all if there are no more, else evenly spread
FAR = 1e7  # points, beyond every page
LINE_ENDS = re.compile("\n")
RIGHT_TO_LEFT = re.compile("[\u0590-\u08ff]")


def page_text(page: Any, entries: Sequence[Entry]) -> str:  # noqa: ANN401 - pypdfium2 has no types
    """Return the text on a page with the entries at their places.

    PDFium's own text is used where it is right, because the way by single characters takes longer.
    """
    with text_page_of(page) as text_page:
        text = whole_text(text_page)
        box, shown = area_of(page), raw.FPDFPage_GetRotation(page)
        is_mixed_up = _is_mixed_up(text_page, text, shown)
        if not (is_mixed_up or entries or not text.isascii() and RIGHT_TO_LEFT.search(text)):
            if not _reaches_out(text_page, box):
                return text
            if len(text) == raw.FPDFText_CountChars(text_page):
                return _cut_lines(text_page, text, box)
        lines = keep(read_lines(text_page, turns=is_mixed_up or bool(entries)), box)
    quarters = Counter(character.quarters for line in lines for character in line if character.box)
    upright = quarters.most_common(1)[0][0] if quarters else shown
    if is_mixed_up:
        lines = [line for turn, _ in quarters.most_common() for line in _turned_lines(page, box, turn)]
    if not text.isascii():
        lines = [in_reading_order(line) for line in lines]
    return "\n".join(place_entries(lines, entries, upright))


def _cut_lines(text_page: Any, text: str, page: Box) -> str:  # noqa: ANN401
    """Return the text on a page without what lies outside, where PDFium counts the same characters as the text has.

    Only lines whose first or last character lies outside are looked at character by character.
    """
    found, start = [], 0
    for line in text.split("\n"):
        shown = line.rstrip()
        ends = (start, start + len(shown) - 1) if shown else ()
        if not all(box_of(text_page, index).meets(page) for index in ends):
            placed = enumerate(shown, start)
            shown = "".join(one for n, one in placed if one == " " or box_of(text_page, n).meets(page)).strip()
        if shown:
            found.append(shown)
        start += len(line) + 1
    return "\n".join(found)


def _turned_lines(page: Any, box: Box, quarters: int) -> list[Line]:  # noqa: ANN401
    """Return the lines of the text that stands upright when the page is turned so."""
    raw.FPDFPage_SetRotation(page, quarters)
    with text_page_of(page) as text_page:
        return keep(read_lines(text_page, turns=True), box, quarters)


def _is_mixed_up(text_page: Any, text: str, shown: int) -> bool:  # noqa: ANN401
    """Return whether a line begins with a character that stands on its head, or runs downwards, on the page as shown.

    PDFium mixes up the order of such lines; those that run upwards it keeps.
    """
    starts = [0, *(match.end() for match in LINE_ENDS.finditer(text))]
    starts = starts[:: len(starts) // MAX_ASKED + 1]
    angles = {raw.FPDFText_GetCharAngle(text_page, start) for start in starts if start < len(text)}
    return any((quarter_turns(angle) - shown) % 4 > 1 for angle in angles)


def _reaches_out(text_page: Any, page: Box) -> bool:  # noqa: ANN401
    """Return whether any character reaches over an edge of the page."""
    strips = (
        (-FAR, FAR, page.left, -FAR),  # left, top, right, bottom
        (page.right, FAR, FAR, -FAR),
        (page.left, FAR, page.right, page.top),
        (page.left, page.bottom, page.right, -FAR),
    )
    return any(raw.FPDFText_GetBoundedText(text_page, *strip, None, 0) > 0 for strip in strips)
