"""Placing of what was entered in a page's form, or typed on the page, into the lines of its text."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import replace

from retriever.documents.readers.pdf.annotations import Entry
from retriever.documents.readers.pdf.characters import Box, Line

NEAR = 3.0  # points by which a label may reach into the field beside it
FIRST_LINE = 24.0  # points from the top of a field of several lines within which its label stands
MAX_PAIRS = 3_000_000  # of entries and characters: beyond it entries are not placed, but follow the text


def place_entries(lines: Sequence[Line], entries: Sequence[Entry], quarters: int) -> list[str]:
    """Return the text of lines with the entries: beside the label on their line, else on lines of their own.

    quarters: the turns of the page, clockwise, by which the text stands upright.
    """
    texts = ["".join(character.text for character in line).rstrip() for line in lines]
    if not entries:
        return texts
    upright = [replace(entry, box=entry.box.turned(quarters)) for entry in entries]
    upright.sort(key=lambda entry: (-entry.box.top, entry.box.left))
    if len(entries) * sum(map(len, lines)) > MAX_PAIRS:
        return [*texts, *_rows(upright)]
    page = _Boxes(lines, quarters)
    beside: dict[int, list[tuple[int, str]]] = defaultdict(list)  # line: (offset, text)
    below: dict[int, list[Entry]] = defaultdict(list)  # line, or -1 for the top: entries
    for entry in upright:
        if (place := page.beside(entry)) is not None:
            line, offset, is_before = place
            beside[line].append((offset, f"{entry.text} " if is_before else f" {entry.text}"))
        else:
            below[page.above(entry)].append(entry)
    found = _rows(below[-1])
    for number, text in enumerate(texts):
        placed = [(_between_words(text, offset, added), added) for offset, added in reversed(beside[number])]
        for offset, added in sorted(placed, key=lambda one: -one[0]):  # from the end, the last first
            text = text[:offset] + added + text[offset:]
        found += [text, *_rows(below[number])]
    return found


def _between_words(text: str, offset: int, added: str) -> int:
    """Return the offset nearest to another at which a text stands between words: before one if it ends with a blank."""
    if added.endswith(" "):
        return text.rfind(" ", 0, offset) + 1
    end = text.find(" ", offset)
    return len(text) if end < 0 else end


def _rows(entries: Sequence[Entry]) -> list[str]:
    """Return the texts of entries, from the top, those side by side on one line."""
    rows: list[list[Entry]] = []
    for entry in entries:
        if rows and _side_by_side(rows[-1][-1].box, entry.box):
            rows[-1].append(entry)
        else:
            rows.append([entry])
    return [" ".join(entry.text for entry in sorted(row, key=lambda entry: entry.box.left)) for row in rows]


def _side_by_side(one: Box, other: Box) -> bool:
    """Return whether the middle of one box is as high as a part of the other, on their first lines."""
    middles = [(max(box.bottom, box.top - FIRST_LINE) + box.top) / 2 for box in (one, other)]
    return other.bottom <= middles[0] <= other.top or one.bottom <= middles[1] <= one.top


class _Boxes:
    """The places of the characters of a page's lines, upright."""

    def __init__(self, lines: Sequence[Line], quarters: int) -> None:
        self._lines = [[(n, one.box.turned(quarters)) for n, one in enumerate(line) if one.box] for line in lines]
        self._around = [_around([box for _, box in line]) for line in self._lines]

    def beside(self, entry: Entry) -> tuple[int, int, bool] | None:
        """Return the line and offset of the nearest text on an entry's left, or right for a mark, and if it is right.

        Returns None if its line holds no such text.
        """
        found: list[tuple[float, int, int, bool]] = []  # distance, line, offset, whether the entry comes before
        first_line = entry.box._replace(bottom=max(entry.box.bottom, entry.box.top - FIRST_LINE))
        for number, line in enumerate(self._lines):
            if not line or not _side_by_side(self._around[number], first_line):
                continue
            left = [(entry.box.left - box.right, n) for n, box in line if box.right <= entry.box.left + NEAR]
            right = [(box.left - entry.box.right, n) for n, box in line if box.left >= entry.box.right - NEAR]
            if left:
                distance, offset = min(left)
                found.append((distance, number, offset + 1, False))
            if right and entry.is_mark:
                distance, offset = min(right)
                found.append((distance, number, offset, True))
        return min(found)[1:] if found else None

    def above(self, entry: Entry) -> int:
        """Return the line that is nearest above an entry, or -1 if there is none."""
        distances = [(around.bottom - entry.box.top, n) for n, around in enumerate(self._around)]
        return min(((distance, n) for distance, n in distances if distance >= -NEAR), default=(0.0, -1))[1]


def _around(boxes: Sequence[Box]) -> Box:
    """Return the smallest box around others."""
    if not boxes:
        return Box(0, 0, 0, 0)
    return Box(
        min(box.left for box in boxes),
        min(box.bottom for box in boxes),
        max(box.right for box in boxes),
        max(box.top for box in boxes),
    )
