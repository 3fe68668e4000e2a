"""What stands before the items of a page's lists: a dash, or the number that a browser shows."""

import re

from lxml import etree

from retriever.documents.readers.numerals import MAX_ROMAN, roman

TYPES = {"1": "decimal", "a": "lower-alpha", "A": "upper-alpha", "i": "lower-roman", "I": "upper-roman"}
STYLE = re.compile(
    r"list-style(?:-type)?\s*:[^;]*?\b(decimal|lower-alpha|upper-alpha|lower-latin|upper-latin|lower-roman|upper-roman|"
    r"none)\b",
    re.IGNORECASE,
)


class ListNumbers:
    """The numbers of a page's lists, counted as its items are read in their order."""

    def __init__(self) -> None:
        self._last: dict[etree._Element, int] = {}  # of the items read so far, by list

    def marker(self, item: etree._Element) -> str:
        """Return what stands before a list item: its number in a numbered list, else a dash."""
        parent = item.getparent()
        if parent is None or parent.tag != "ol":
            return "- "
        step = 1 if parent.get("reversed") is None else -1
        if parent not in self._last:
            first = 1 if step == 1 else sum(1 for _ in parent.iterchildren("li"))
            self._last[parent] = _number(parent.get("start"), first) - step
        self._last[parent] = value = _number(item.get("value"), self._last[parent] + step)
        kind = _kind(item, parent)
        return "- " if kind == "none" else f"{_written(value, kind)}. "


def _kind(item: etree._Element, parent: etree._Element) -> str:
    """Return the kind of numbers of a list item, of which a style counts more than an attribute."""
    for node in (item, parent):
        if style := STYLE.search(node.get("style") or ""):
            return style[1].lower()
        if (given := node.get("type")) in TYPES:
            return TYPES[given]
    return "decimal"


def _written(value: int, kind: str) -> str:
    """Return a number as a browser writes it; in digits where letters or Roman numbers do not go that far."""
    if value < 1 or kind == "decimal" or (kind.endswith("roman") and value > MAX_ROMAN):
        return str(value)
    text = roman(value) if kind.endswith("roman") else _letters(value)
    return text.upper() if kind.startswith("upper") else text


def _letters(value: int) -> str:
    """Return the letters of a number; after z come aa, ab, ac."""
    text = ""
    while value:
        value, letter = divmod(value - 1, 26)
        text = chr(ord("a") + letter) + text
    return text


def _number(given: str | None, otherwise: int) -> int:
    """Return an attribute's number, or another if it is none."""
    return int(given) if given and re.fullmatch(r"-?[0-9]{1,9}", given) else otherwise
