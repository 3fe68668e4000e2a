"""The records of a CSV table, also where quotes do not match: then a line is read by itself, and its number told."""

import csv
import io
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from functools import partial
from itertools import product

from retriever.documents.readers.csv_dialects import Dialect

RUNAWAY_LINES = 20  # of a cell: if so many lines look like rows, an open quote has swallowed them
LIKE_ROWS = 0.9  # the share of its lines that must do so
ESCAPED_QUOTE = re.compile(r'(?<!\\)((?:\\\\)*)\\"')  # after a backslash that is not escaped itself
_CSV_LOCK = threading.Lock()  # csv.field_size_limit is global to the process


@dataclass(frozen=True)
class Records:
    """Rows of cells. stray: the numbers of lines in which a quote has no match."""

    rows: list[list[str]] = field(default_factory=list)
    stray: list[int] = field(default_factory=list)


def read_records(text: str, dialect: Dialect, first_line: int = 1) -> Records:
    """Split text, whose lines end with line feeds, into rows; first_line: the number of its first line.

    Where backslashes may escape quotes, or blanks stand before quotes, that reading is tried as well; the one with the
    fewest stray quotes and rows that are too wide is taken.
    """
    spaces = [dialect.spaced]
    if dialect.width > 1 and (dialect.spaced or re.search(rf'{re.escape(dialect.separator)} +"[^"]', text)):
        spaces.append(not dialect.spaced)
    escapes = [False, True] if '\\"' in text else [False]
    best, fewest, best_escaped = Records(), -1, False
    with _unlimited_fields(len(text)):
        for escaped, spaced in product(escapes, spaces):
            # NUL stands for an escaped quote while cells are split: the text has no other
            records = _split(ESCAPED_QUOTE.sub("\\1\0", text) if escaped else text, dialect, spaced, first_line)
            faults = len(records.stray) + sum(len(row) > dialect.width for row in records.rows)
            if fewest < 0 or faults < fewest:
                best, fewest, best_escaped = records, faults, escaped
            if not fewest:
                break
    if best_escaped:
        best = Records([[cell.replace("\0", '"') for cell in row] for row in best.rows], best.stray)
    return best


def _split(text: str, dialect: Dialect, spaced: bool, first_line: int) -> Records:
    """Return the records of a text; where one cannot be right, its first line is read by itself.

    Each further reading of a line begins after a line with an odd number of quotes, and ends at the next such line, so
    that no line is read often.
    """
    buffer, records, cells_of = io.StringIO(text), Records(), _LenientLine(dialect)

    parser = partial(csv.reader, buffer, delimiter=dialect.separator, skipinitialspace=spaced, strict=True)
    rows, done, line, start = parser(), 0, first_line, 0
    with suppress(csv.Error):
        records.rows.extend(rows)
        if rows.line_num == len(records.rows):
            return records  # as in most tables: a line is a record
    records.rows.clear()
    buffer.seek(0)
    rows = parser()
    while True:
        try:
            row, wrong = next(rows, None), False
        except csv.Error:
            row, wrong = [], True
        if row is None:
            return records
        n_lines, end = rows.line_num - done, buffer.tell()
        if wrong or n_lines > 1 and cells_of.suspects(row, text[start:end]):
            row, length, matched = cells_of.first_of(text[start:end], whole_too=wrong)
            if not matched:
                records.stray.append(line)
            n_lines, end = (n_lines, end) if length == end - start else (1, start + length)
            buffer.seek(end)
            rows = parser()
        records.rows.append(row)
        done, line, start = rows.line_num, line + n_lines, end


class _LenientLine:
    """Splitting of lines whose quotes do not match. width: the number of cells that is expected."""

    def __init__(self, dialect: Dialect) -> None:
        self.separator, self.width = dialect.separator, dialect.width
        self.blank_follows = f"{dialect.separator} "  # as in prose
        self.spaced = dialect.spaced
        ends = rf"[ ]*(?:{re.escape(self.separator)}|\Z)"
        self.quoted = re.compile(rf'[ ]*"((?:[^"]+|""|"(?!{ends}))*+)"(?={ends})[ ]*')

    def suspects(self, row: list[str], record: str) -> bool:
        """Return whether a record of several lines is probably of a quote that was not closed."""
        first, *inner = record.rstrip("\n").split("\n")
        if self.width < 2:
            return False
        if len(row) != self.width and len(self._cells(first)[0]) == self.width:
            return True
        like_rows = sum(
            line.count(self.separator) == self.width - 1 and (self.spaced or self.blank_follows not in line)
            for line in inner
        )
        return len(inner) > RUNAWAY_LINES and like_rows >= LIKE_ROWS * len(inner)

    def first_of(self, record: str, *, whole_too: bool) -> tuple[list[str], int, bool]:
        """Return the cells of a record's first line, its characters, and whether its quotes match.

        whole_too: all of the record is taken if that gives the number of cells, and the first line does not.
        """
        line = record.split("\n", 1)[0]
        cells, matched = self._cells(line)
        lines = record.rstrip("\n")
        if whole_too and len(cells) != self.width and lines != line:
            more, _ = self._cells(lines)
            if len(more) == self.width:
                return more, len(record), False
        return cells, min(len(line) + 1, len(record)), matched and whole_too

    def _cells(self, line: str) -> tuple[list[str], bool]:
        """Return the cells of a line, a quote without match as a character, and whether all quotes match."""
        cells, place, matched, quotes = list[str](), 0, True, True
        while True:
            found = self.quoted.match(line, place) if quotes else None
            if found:
                cells.append(found[1].replace('""', '"'))
                matched &= '"' not in found[1].replace('""', "")
                place = found.end()
            else:
                end = line.find(self.separator, place)
                cells.append(line[place : end if end >= 0 else len(line)])
                if quotes and cells[-1].lstrip(" ").startswith('"'):
                    quotes = matched = False  # no later quote ends a cell either
                place = end if end >= 0 else len(line)
            if place == len(line):
                return cells, matched
            place += 1


@contextmanager
def _unlimited_fields(length: int) -> Iterator[None]:
    """Let cells be as long as a text."""
    with _CSV_LOCK:
        limit = csv.field_size_limit()
        csv.field_size_limit(max(limit, length))
        try:
            yield
        finally:
            csv.field_size_limit(limit)
