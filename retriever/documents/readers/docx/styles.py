"""Styles of a Word document, as far as they say what is a heading, a list item or raised."""

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from retriever.documents.readers.docx.xml import OFF, attribute, child_of, children, number

if TYPE_CHECKING:
    from lxml.etree import _Element

MAX_CHAIN = 50  # styles that a style may be based on, one on the other
BODY_LEVEL = 9  # the outline level of what is no heading
HEADING = re.compile(r"heading( \d+)?", re.IGNORECASE)
NO_HEADING = re.compile(r"toc\b|table of|index\b", re.IGNORECASE)  # headings of lists of contents


@dataclass(frozen=True)
class ListPlace:
    """The list that a style or a paragraph is an item of, and at which level; None for what it does not say."""

    list_id: str | None = None
    level: int | None = None


@dataclass(frozen=True)
class Style:
    """What one style says itself. shift: of raised or lowered characters; font: of the characters."""

    style_id: str
    name: str
    based_on: str
    place: ListPlace
    outline_level: int | None
    shift: str
    font: str


NO_PLACE = ListPlace()


def list_place(numbers: "_Element | None") -> ListPlace:
    """Return the list that the numbering properties of a paragraph or style name."""
    if numbers is None:
        return NO_PLACE
    named = child_of(numbers, "numId")
    return ListPlace(None if named is None else attribute(named).strip(), number(child_of(numbers, "ilvl")))


class Styles:
    """The styles of a document by id, each with those that it is based on."""

    def __init__(self, root: "_Element | None" = None) -> None:
        self._elements: dict[str, _Element] = {}
        self._chains: dict[str, tuple[Style, ...]] = {}
        self._headings: dict[str, tuple[bool, bool]] = {}
        self.default = ""  # id of the style of paragraphs that name none
        for name, element in children(root) if root is not None else ():
            if name != "style":
                continue
            style_id = attribute(element, "styleId")
            self._elements[style_id] = element
            if attribute(element, "type") == "paragraph" and attribute(element, "default", "0").lower() not in OFF:
                self.default = style_id

    def chain(self, style_id: str) -> tuple[Style, ...]:
        """Return a style and those that it is based on, nearest first; empty for an unknown one."""
        if style_id not in self._chains:
            found: dict[str, Style] = {}
            following = style_id
            while following in self._elements and following not in found and len(found) < MAX_CHAIN:
                found[following] = _style(self._elements[following])
                following = found[following].based_on
            self._chains[style_id] = tuple(found.values())
        return self._chains[style_id]

    def is_title(self, style_id: str) -> bool:
        """Return whether this is the style of a document's title."""
        return self._heading(style_id)[0]

    def is_heading(self, style_id: str) -> bool:
        """Return whether paragraphs of a style are headings, but not that of a table of contents."""
        return self._heading(style_id)[1]

    def _heading(self, style_id: str) -> tuple[bool, bool]:
        """Return whether a style is that of titles, and that of headings."""
        if style_id not in self._headings:
            chain = self.chain(style_id)
            levels = (style.outline_level for style in chain if style.outline_level is not None)
            is_heading = any(HEADING.fullmatch(style.name) for style in chain) or next(levels, BODY_LEVEL) < BODY_LEVEL
            is_heading = is_heading and not NO_HEADING.match(chain[0].name)
            self._headings[style_id] = any(style.name.lower() == "title" for style in chain), is_heading
        return self._headings[style_id]


def _style(element: "_Element") -> Style:
    """Return what a style says."""
    paragraph, run = child_of(element, "pPr"), child_of(element, "rPr")
    return Style(
        attribute(element, "styleId"),
        attribute(child_of(element, "name")),
        attribute(child_of(element, "basedOn")),
        list_place(child_of(paragraph, "numPr")),
        number(child_of(paragraph, "outlineLvl")),
        attribute(child_of(run, "vertAlign")),
        attribute(child_of(run, "rFonts"), "ascii"),
    )
