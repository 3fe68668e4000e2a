"""Reader of CSV and TSV tables, in which every row is a document."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial

from retriever.documents.decoding import decode
from retriever.documents.document import FileContent, TableColumns
from retriever.documents.parts import name_parts
from retriever.documents.readers.columns import OWN_NAMES, Row, chosen_text, find_columns, lines_of, sections_of
from retriever.documents.readers.csv_dialects import (
    NUMBER,
    SEPARATOR_LINE,
    Dialect,
    find_dialect,
    header_index,
    lacks_header,
)
from retriever.documents.readers.csv_records import read_records
from retriever.errors import DocumentError

NO_HEADER = (
    "There is no header: the first row holds data, and was read as such. The columns are called by their numbers; put "
    "a row of names above them."
)
MAX_SHOWN = 120  # characters of what stands above a header or of units, in a note
UNIT_ROWS = 20  # rows below a row of units, whose cells must be numbers
UNIT = re.compile(
    r"[\[(][^\[\]()]{0,15}[\])]|%|‰|°|°?[CFK]|[€$£¥]|EUR|USD|GBP|CHF|JPY|[kMG]?B|[kcmµμn]?m[23²³]?|[kmµμ]?g|t|[mcdh]?l|"
    r"[mµμn]?s|min|h|d|a|[kMG]?Hz|[kmM]?[VAWJN]|[kMG]?Wh|[hkM]?Pa|m?bar|[km]?m/[sh]|m?mol|ppm|ppb|lx|dB"
)


@dataclass(frozen=True)
class Table:
    """Table of cells. names: of its columns, "" for one that is left out. notes: on how it was read."""

    names: Sequence[str]
    rows: Sequence[Sequence[str]]
    notes: Sequence[str]
    units: Sequence[str] = ()

    @property
    def shown(self) -> list[str]:
        """The names of the columns that are not left out."""
        return [name for name in self.names if name]

    def cells(self, row: Sequence[str]) -> dict[str, str]:
        """Return the cells of a row by column; a number is followed by its unit."""
        cells = dict(zip(self.names, row, strict=False))
        if "" in cells:
            del cells[""]
        for name, unit in zip(self.names, self.units, strict=False):
            if unit and cells.get(name, "").strip():
                cells[name] = f"{cells[name].strip()} {unit}"
        return cells


def read_csv(data: bytes, columns: TableColumns | None = None, *, likely: str = "") -> FileContent:
    """Read a table, one section per row: its `text` column, or else all columns as `name: value` lines.

    The columns `id` (or `_id`) and `title` are used as such; beside a `text` column the others become metadata.
    columns: those that are read as text and title instead. likely: the separator, if the header holds it. Row 1 follows
    the header. Raises DocumentError if no row has text, ColumnError if the table lacks a column that was chosen.
    """
    decoded = decode(data)
    table = _parse_table(decoded.text, likely)
    names = table.shown
    chosen = find_columns(columns or TableColumns(), names)
    by_lower_name = {name.lower(): name for name in reversed(names)}
    id_column = by_lower_name.get("id") or by_lower_name.get("_id", "")
    title_column = chosen.title or by_lower_name.get("title", "")
    if not chosen.text and "text" in by_lower_name:
        chosen = TableColumns((by_lower_name["text"],), chosen.title)
    used = {id_column, title_column, *chosen.text, *(name for name in names if name.lower() in OWN_NAMES)}

    def rows() -> Iterator[Row]:
        for number, row in enumerate(table.rows, 1):
            if not "".join(row).strip():
                continue
            cells = table.cells(row)
            text = chosen_text(cells, chosen.text) if chosen.text else lines_of(cells, names)
            extra = {name: cell for name, cell in cells.items() if name not in used} if chosen.text else {}
            given_id = cells.get(id_column, "").strip()
            yield Row(number, text, cells.get(title_column, "").strip(), given_id, id_column, extra)

    sections, notes = sections_of(rows())
    if not sections:
        raise DocumentError("The table has no rows with text below its header: add a row, or a header if it has none.")
    return FileContent(sections, notes=(*decoded.notes, *table.notes, *notes))


read_tsv = partial(read_csv, likely="\t")


def csv_columns(data: bytes, *, likely: str = "") -> list[str]:
    """Return the names of a table's columns."""
    return _parse_table(decode(data).text, likely).shown


tsv_columns = partial(csv_columns, likely="\t")


def _parse_table(text: str, likely: str) -> Table:
    """Split a table into rows of cells; cells beyond the header are joined to the last column (an unquoted comma)."""
    text, first_line = text.replace("\r\n", "\n").replace("\r", "\n").replace("\0", "").lstrip("\ufeff"), 1
    told = SEPARATOR_LINE.match(text)
    if told:
        text, first_line = text[told.end() :], 2
        dialect = find_dialect(text, told[1], told[1])
    else:
        dialect = find_dialect(text, likely=likely)
    records = read_records(text, dialect, first_line)
    begin = header_index(records.rows)
    header, *rows = records.rows[begin:] or [[]]
    notes = _notes(dialect, records.rows[:begin], records.stray)
    if lacks_header(header, rows):
        header, rows = [""] * len(header), records.rows[begin:]
        notes.append(NO_HEADER)
    units = _units(header, rows)
    if units:
        rows = [[], *rows[1:]]
        notes.append(f"Row 1 holds units, which were put after the numbers: {_shown([units])}.")
    width, joint = max(1, len(header)), dialect.separator + " " * dialect.spaced
    rows = [
        row if len(row) <= width else [*row[: width - 1], joint.join(row[width - 1 :]).rstrip(joint)] for row in rows
    ]
    return Table(_names(header, rows), rows, notes, units)


def _notes(dialect: Dialect, above: Sequence[Sequence[str]], stray: Sequence[int]) -> list[str]:
    """Return sentences on what was guessed and left out."""
    notes = []
    if dialect.rivals:
        taken, *others = ("the tab" if mark == "\t" else f'"{mark}"' for mark in (dialect.separator, *dialect.rivals))
        notes.append(f"The separator is a guess: {taken}, though {' and '.join(others)} would split the rows as well.")
    if words := _shown(above):
        notes.append(f"What stands above the header was left out: {words}.")
    if stray:
        lines = name_parts("Line", stray)
        notes.append(f"{lines}: a quote there has no match, so the line was read as it stands; check its cells.")
    return notes


def _shown(rows: Sequence[Sequence[str]]) -> str:
    """Return the cells of rows for a note, shortened."""
    words = ", ".join(cell.strip() for row in rows for cell in row if cell.strip())
    return words if len(words) <= MAX_SHOWN else f"{words[:MAX_SHOWN]}…"


def _names(header: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    """Return the names in a header; one that is empty or occurs again gets its number; "" for an empty column."""
    names = [name.strip() for name in header]
    unnamed = {n for n, name in enumerate(names) if not name}
    for row in rows:
        if not unnamed:
            break
        looked_at = unnamed if len(unnamed) < len(row) else range(len(row))
        unnamed -= {n for n in looked_at if n in unnamed and n < len(row) and row[n].strip()}
    taken = {""}
    for n, name in enumerate(names):
        if n not in unnamed:
            names[n] = name or f"column {n + 1}"
            while names[n] in taken:
                names[n] = f"{names[n]} {n + 1}"
            taken.add(names[n])
    return names


def _units(header: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    """Return the units in the first row, "" for columns without one; none at all if it is a row like the others.

    Each of its cells is a unit, and what stands below a unit is a number.
    """
    first, *below = rows[: UNIT_ROWS + 1] or [[]]
    units = [cell.strip() for cell in first[: len(header)]]
    columns = [n for n, unit in enumerate(units) if unit not in ("", "-", "–")]
    if not (columns and all(UNIT.fullmatch(units[n]) for n in columns)):
        return []
    cells = [row[n].strip() for row in below for n in columns if n < len(row) and row[n].strip()]
    if not (cells and all(map(NUMBER.fullmatch, cells))):
        return []
    return [unit.strip("[]() -–") for unit in units]
