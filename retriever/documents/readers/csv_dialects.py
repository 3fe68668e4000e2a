"""The dialect of a CSV table: what separates its cells, and at which of its first rows the header stands."""

import csv
import io
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import islice, pairwise

from retriever.documents.readers.columns import TEXT_NAMES

SEPARATORS = "\t;,|"  # in a tie the earlier one: commas and bars also stand in texts, and commas in numbers
SAMPLE, HEAD_ROWS = 50_000, 50  # characters and rows that are looked at
TITLE_ROWS = 3  # above a header without a blank row between
SEPARATOR_LINE = re.compile(r'"?sep=([^"\n])"?[,;\t ]*(?:\n|$)', re.IGNORECASE)  # as spreadsheets write it
NUMBER = re.compile(r"[-+(]?[^\w\s]?[ ]?\d[\d.,' ]*(?:[eE][-+]?\d+)?[^\w\s]?")
PLAIN_NUMBER = re.compile(r"[-+]?\d{1,15}(?:[.,]\d{1,15})?")
YEAR = re.compile(r"(?:1[89]|20)\d\d")


@dataclass(frozen=True)
class Dialect:
    """Form of a table. width: cells of its header. spaced: blanks after separators are no part of the cells.

    rivals: separators that would have split the rows as evenly.
    """

    separator: str
    width: int
    spaced: bool = False
    rivals: Sequence[str] = ()


def find_dialect(text: str, separators: str = SEPARATORS, likely: str = "") -> Dialect:
    """Return the dialect of a table, by its first rows; likely: a separator that is taken if it splits the header.

    csv.Sniffer also considers letters, and takes an "e" for a delimiter if the text is prose.
    """
    sample, found = text[:SAMPLE], dict[str, tuple[tuple[bool, float, bool, bool, int, int], Dialect]]()
    for place, separator in enumerate(separators):
        quoted = re.search(rf'{re.escape(separator)} +"[^"]', sample) is not None
        lines = csv.reader(io.StringIO(sample), delimiter=separator, skipinitialspace=quoted)
        rows = list(islice(lines, HEAD_ROWS))
        begin = header_index(rows)
        header, *others = rows[begin:] or [[]]
        width = _extent(header)
        if width < 2:
            continue
        others = [row for row in others if _extent(row)]
        even = sum(len(row) == len(header) or _extent(row) == width for row in others)
        share = even / len(others) if others else 1.0
        blanks = sum(cell[:1] == " " for row in rows for cell in row[1:]) / sum(max(0, len(row) - 1) for row in rows)
        spaced = quoted or all(cell.startswith(" ") for cell in header[1:width])
        whole = not any(map(_extent, rows[:begin]))
        score = (separator == likely, share, quoted or blanks < 0.5, whole, width, -place)
        found[separator] = (score, Dialect(separator, len(header), spaced))
    if not found:
        return Dialect(likely or ",", 1)
    best = max(found, key=lambda separator: found[separator][0])
    score, dialect = found[best]
    rivals = [other for other in found if other != best and found[other][0][:-1] == score[:-1]]
    return Dialect(best, dialect.width, dialect.spaced, rivals)


def header_index(rows: Sequence[Sequence[str]]) -> int:
    """Return which of the first rows is the header: the first that is not blank, unless it is a title above a table.

    A title fills one cell, or a block of rows ends with a blank row; below it stand names of as many columns as the
    rows after them have.
    """
    rows = rows[:HEAD_ROWS]
    extents = [_extent(row) for row in rows]
    first = next((n for n, extent in enumerate(extents) if extent), 0)
    widths = Counter(extent for extent in extents if extent > 1)
    usual = max(widths, key=lambda width: (widths[width], width), default=1)
    comments = extents[first] != usual and _is_comment(rows[first])
    begins = (n for n, extent in enumerate(extents) if extent >= usual and not (comments and _is_comment(rows[n])))
    begin = next(begins, first)
    below = [extent for extent in extents[begin + 1 :] if extent]
    if begin == first or not below or sum(extent > 1 for extent in below) < 0.8 * len(below):
        return first
    parted = not extents[begin - 1]
    above = [row for row, extent in zip(rows[first:begin], extents[first:begin], strict=True) if extent]
    titles = all(sum(map(bool, map(str.strip, row))) == 1 or _is_comment(row) for row in above)
    names_one_column = "".join(rows[first]).strip().lower() in TEXT_NAMES
    if not parted and (not titles or len(above) > TITLE_ROWS and not comments or names_one_column):
        return first
    return begin if _is_header(rows[begin], parted=parted) else first


def lacks_header(first: Sequence[str], rows: Sequence[Sequence[str]]) -> bool:
    """Return whether the first row of a table is data: numbers stand in it above numbers, where names were expected.

    Years, and numbers that grow from column to column (0, 1, 2; 0.25, 0.5, 0.75), are names.
    """
    cells = [cell.strip() for cell in first]
    columns = [n for n, cell in enumerate(cells) if PLAIN_NUMBER.fullmatch(cell) and not YEAR.fullmatch(cell)]
    below = [row[n].strip() for row in rows[:HEAD_ROWS] for n in columns if n < len(row) and row[n].strip()]
    if not columns or not all(map(NUMBER.fullmatch, below)):
        return False
    numbers = [float(cells[n].replace(",", ".")) for n in columns]
    grow = all(a < b for a, b in pairwise(numbers)) and (len(numbers) > 1 or numbers[0] in (0, 1))
    return not grow or (columns[0] == 0 and len(columns) < len(cells))


def _is_comment(row: Sequence[str]) -> bool:
    return bool(row) and row[0].lstrip().startswith("#")


def _extent(row: Sequence[str]) -> int:
    """Return the number of cells up to the last that is not blank."""
    return next((n for n in range(len(row), 0, -1) if row[n - 1].strip()), 0)


def _is_header(row: Sequence[str], *, parted: bool) -> bool:
    """Return whether cells can be the names of columns.

    Below a blank row, parted from what is above, they may repeat, and begin with a blank, as parts of prose do.
    """
    cells = [cell.strip() for cell in row if cell.strip()]
    numbers = [cell for cell in cells if NUMBER.fullmatch(cell) and not YEAR.fullmatch(cell)]
    doubtful = any(cell[:1] == " " for cell in row[1:]) or len(set(cells)) < len(cells)
    return len(cells) > 1 and not numbers and (parted or not doubtful)
