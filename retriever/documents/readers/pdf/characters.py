"""The characters of a PDF page with their places, for pages whose text PDFium alone gives wrongly."""

import ctypes
import math
import unicodedata
from collections.abc import Iterable, Sequence
from functools import cache
from itertools import groupby
from typing import Any, NamedTuple

from pypdfium2 import raw  # type: ignore[import-untyped] # it ships no types

BLANK, LINE_FEED = ord(" "), ord("\n")
BLANKS = (BLANK, LINE_FEED, ord("\r"), 0)


class Box(NamedTuple):
    """A rectangle on a page, in points; y grows upwards."""

    left: float
    bottom: float
    right: float
    top: float

    def meets(self, other: "Box") -> bool:
        """Return whether two boxes have a point in common."""
        across = self.left <= other.right and other.left <= self.right
        return across and self.bottom <= other.top and other.bottom <= self.top

    def turned(self, quarters: int) -> "Box":
        """Return the box on a page that was turned clockwise by so many quarters, whose corner is the origin."""
        left, bottom, right, top = self.left, self.bottom, self.right, self.top
        if quarters == 1:
            return Box(bottom, -right, top, -left)
        if quarters == 2:
            return Box(-right, -top, -left, -bottom)
        return Box(-top, left, -bottom, right) if quarters == 3 else self


class Character(NamedTuple):
    """A character of a page's text.

    box: None for blanks. quarters: the turns of the page, clockwise, by which the character stands upright; only where
    it was asked for.
    """

    text: str
    box: Box | None = None
    quarters: int = 0


Line = list[Character]


def read_lines(text_page: Any, *, turns: bool = False) -> list[Line]:  # noqa: ANN401 - pypdfium2 has no types
    """Return the characters of a text page, line by line in PDFium's order, without line ends.

    turns: whether to ask PDFium which way they stand, once for each word.
    """
    place = raw.FS_RECTF()
    given, read_box, code_of = ctypes.byref(place), raw.FPDFText_GetLooseCharBox, raw.FPDFText_GetUnicode
    lines: list[Line] = [[]]
    high, quarters, is_start = 0, 0, True
    for index in range(raw.FPDFText_CountChars(text_page)):
        code = code_of(text_page, index)
        if 0xD800 <= code < 0xDC00:  # the first half of a character beyond U+FFFF
            high = code
            continue
        if high and 0xDC00 <= code < 0xE000:
            code = 0x10000 + ((high - 0xD800) << 10) + code - 0xDC00
        high = 0
        if code in BLANKS:
            is_start = True
            if code == LINE_FEED:
                lines.append([])
            elif code == BLANK:
                lines[-1].append(Character(" "))
        elif read_box(text_page, index, given):
            if turns and is_start:
                quarters, is_start = quarter_turns(raw.FPDFText_GetCharAngle(text_page, index)), False
            lines[-1].append(Character(chr(code), Box(place.left, place.bottom, place.right, place.top), quarters))
    return lines


def box_of(text_page: Any, index: int) -> Box:  # noqa: ANN401
    """Return the box of one character; that of a blank may be anywhere."""
    place = raw.FS_RECTF()
    raw.FPDFText_GetLooseCharBox(text_page, index, ctypes.byref(place))
    return Box(place.left, place.bottom, place.right, place.top)


def quarter_turns(angle: float) -> int:
    """Return by how many quarters a page must be turned clockwise for a character at this angle to stand upright.

    angle: in radians, as FPDFText_GetCharAngle gives it, which is -1 for a character without one.
    """
    return int(-round(angle * 2 / math.pi) % 4)


def keep(lines: Iterable[Line], page: Box, quarters: int | None = None) -> list[Line]:
    """Return lines with the characters that stand on a page, at least in part, and upright after so many turns of it.

    Lines of which nothing is left are left out.
    """

    def is_wanted(one: Character) -> bool:
        return one.box is None or one.box.meets(page) and quarters in (None, one.quarters)

    kept = ([one for one in line if is_wanted(one)] for line in lines)
    return [line for line in kept if any(one.box for one in line)]


def in_reading_order(line: Sequence[Character]) -> Line:
    """Return the characters of a line with the letters of right-to-left ligatures in order.

    PDFium turns lines of right-to-left text round letter by letter, also the letters that one glyph stands for.
    """
    ordered: Line = []
    for box, glyph in groupby(line, lambda character: character.box):
        letters = list(glyph)
        if box and len(letters) > 1 and _is_reversed("".join(letter.text for letter in letters)):
            letters.reverse()
        ordered += letters
    return ordered


def _is_reversed(text: str) -> bool:
    """Return whether letters of one glyph stand in reverse order: of a known ligature, or a mark before its letter."""
    marked = unicodedata.category(text[0]) == "Mn" and unicodedata.category(text[-1]) == "Lo"
    return text not in _ligatures() and (text[::-1] in _ligatures() or marked)


@cache
def _ligatures() -> frozenset[str]:
    """Return the letters of the Arabic ligatures that Unicode knows, each as text in reading order."""
    forms = (chr(code) for start, end in ((0xFB50, 0xFDFC), (0xFE80, 0xFEFD)) for code in range(start, end))
    return frozenset(letters for form in forms if len(letters := unicodedata.normalize("NFKC", form)) > 1)
