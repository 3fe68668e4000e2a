"""Numbers of list items and headings, which Word does not store but counts anew each time it shows a document."""

import re
from copy import copy
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from retriever.documents.readers.docx.styles import ListPlace, Styles
from retriever.documents.readers.docx.xml import attribute, child_of, children, is_on, number
from retriever.documents.readers.numerals import write_number

if TYPE_CHECKING:
    from lxml.etree import _Element

LEVELS = 9  # of a list
MAX_PATTERN = 100  # characters of the text around the numbers; Word's own dialog takes thirty
PLACE = re.compile("%([1-9])")  # in a pattern, of the number of a level
BULLET = "•"  # for all bullets: the characters of their fonts mean nothing in others


@dataclass(frozen=True)
class Level:
    """How one level of a list is numbered.

    pattern: text in which %1 stands for the number of the first level. restart: the level, counted from 1, whose items
    make this one begin anew, as do those of the levels above it; None for any level above, 0 for none. legal: all
    numbers in digits. style: of the paragraphs that are items of it. joined: no blank follows.
    """

    start: int = 1
    number_format: str = "decimal"
    pattern: str = ""
    restart: int | None = None
    legal: bool = False
    style: str = ""
    joined: bool = False


NO_LEVEL = Level()


@dataclass(frozen=True)
class List:
    """The levels of a list. counter: the key of its counts, which it may share; starts: given anew, by level."""

    counter: str
    levels: dict[int, Level]
    starts: dict[int, int]


class Numbering:
    """The lists of a document, counted item by item in the order in which they are asked for."""

    def __init__(self, root: "_Element | None", styles: Styles) -> None:
        self._styles = styles
        self._abstract: dict[str, _Element] = {}
        self._instances: dict[str, _Element] = {}
        for name, element in children(root) if root is not None else ():
            if name == "abstractNum":
                self._abstract[attribute(element, "abstractNumId")] = element
            elif name == "num":
                self._instances[attribute(element, "numId")] = element
        self._lists: dict[str, List | None] = {}
        self._levels: dict[str, dict[int, Level]] = {}
        self._counts: dict[str, list[int | None]] = {}
        self._started: set[tuple[str, int]] = set()

    def from_the_start(self) -> "Numbering":
        """Return the same lists, none of whose items was counted."""
        fresh = copy(self)
        fresh._counts, fresh._started = {}, set()
        return fresh

    def label(self, style_id: str, own: ListPlace) -> str:
        """Count a paragraph, if it is a list item, and return what stands before it, with the blank that follows.

        own: the list that the paragraph itself names; what it leaves open, its style says.
        """
        chain = self._styles.chain(style_id)
        places = [own, *(style.place for style in chain)]
        list_id = next((place.list_id for place in places if place.list_id is not None), None)
        found = self._list(list_id) if list_id else None
        if found is None:
            return ""
        linked = (depth for style in chain for depth, level in found.levels.items() if level.style == style.style_id)
        explicit = (place.level for place in places if place.level is not None)
        by_style = next(linked, None) if own.list_id is None and own.level is None else None
        depth = by_style if by_style is not None else next(explicit, 0)
        return self._count(str(list_id), found, depth) if depth in found.levels else ""

    def _count(self, list_id: str, found: List, depth: int) -> str:
        """Count an item of a list at a level and return its label."""
        counts = self._counts.setdefault(found.counter, [None] * LEVELS)
        level, count = found.levels[depth], counts[depth]
        if depth in found.starts and (list_id, depth) not in self._started:
            counts[depth] = found.starts[depth]
        else:
            counts[depth] = level.start if count is None else count + 1
        self._started.add((list_id, depth))
        for deeper in range(depth + 1, LEVELS):
            restart = found.levels[deeper].restart if deeper in found.levels else None
            if restart is None or depth < restart:
                counts[deeper] = None
        if level.number_format == "bullet":
            return f"{BULLET} "
        text = PLACE.sub(lambda match: _written(found, counts, int(match[1]) - 1, level), level.pattern, count=LEVELS)
        return text.strip() + ("" if level.joined or not text.strip() else " ")

    def _list(self, list_id: str) -> List | None:
        """Return a list by its id, or None if it is not defined; one that only names a style is that style's list."""
        if list_id not in self._lists:
            self._lists[list_id] = self._find(list_id)
        return self._lists[list_id]

    def _find(self, list_id: str) -> List | None:
        """Read the definition of a list."""
        instance = self._instances.get(list_id)
        counter = attribute(child_of(instance, "abstractNumId"))
        linked = attribute(child_of(self._abstract.get(counter), "numStyleLink"))
        if linked:
            ids = [style.place.list_id for style in self._styles.chain(linked) if style.place.list_id]
            target = self._instances.get(ids[0]) if ids else None
            counter = attribute(child_of(target, "abstractNumId"), default=counter)
        if instance is None or counter not in self._abstract:
            return None
        if counter not in self._levels:
            self._levels[counter] = _levels(self._abstract[counter])
        levels, starts = dict(self._levels[counter]), {}
        for name, override in children(instance):
            depth = number(override, "ilvl")
            if name != "lvlOverride" or depth is None or depth >= LEVELS:
                continue
            if (replaced := child_of(override, "lvl")) is not None:
                levels[depth] = _level(replaced)
            if (start := number(child_of(override, "startOverride"))) is not None:
                starts[depth] = start
        return List(counter, levels, starts)


def _written(found: List, counts: list[int | None], depth: int, shown_in: Level) -> str:
    """Return the number of a level as it stands in the label of another; its start if it has no item yet."""
    level, count = found.levels.get(depth, NO_LEVEL), counts[depth]
    value = level.start if count is None else count
    return write_number(value, "decimal" if shown_in.legal else level.number_format)


def _levels(abstract: "_Element") -> dict[int, Level]:
    """Return how the levels of a list are numbered."""
    depths = ((number(child, "ilvl", 0) or 0, child) for name, child in children(abstract) if name == "lvl")
    return {depth: _level(child) for depth, child in depths if depth < LEVELS}


def _level(element: "_Element") -> Level:
    """Return how a level is numbered."""
    formats = list(element.iter("{*}numFmt"))  # a format of the user's own comes with a choice of two
    own = attribute(formats[0], "format").partition(",")[0].strip() if formats else ""
    level = Level(
        number(child_of(element, "start"), default=0) or 0,
        own if own.isascii() and own.isdigit() else attribute(formats[-1]) if formats else "decimal",
        attribute(child_of(element, "lvlText"))[:MAX_PATTERN],
        number(child_of(element, "lvlRestart")),
        is_on(child_of(element, "isLgl")),
        attribute(child_of(element, "pStyle")),
        attribute(child_of(element, "suff")) == "nothing",
    )
    return replace(level, pattern="") if is_on(child_of(element, "rPr", "vanish")) else level
