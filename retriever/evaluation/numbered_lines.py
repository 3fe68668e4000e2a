"""Numbered lines and rows of text files, so that an error message can name the line."""

import csv
import re
from collections.abc import Iterator
from pathlib import Path

from retriever.errors import CollectionError

# an apostrophe that stands before what a spreadsheet would take for a formula is no part of the value
MARKED_FORMULA = re.compile(r"^'(?=[\s\"\0\u200b-\u200f\ufeff]*[=+\-@＝＋－＠]|[\t\r])")


def numbered_lines(path: Path) -> Iterator[tuple[int, str]]:
    """Yield the number, from 1, and the text of each line that is not blank.

    Only line feeds end a line: JSON strings and ids may contain the other characters that Unicode counts as line ends.
    Raises CollectionError if the file does not exist or is not UTF-8.
    """
    for number, line in enumerate(_read_text(path).split("\n"), 1):
        if line.strip():
            yield number, line.rstrip("\r")


def numbered_rows(path: Path, separator: str) -> Iterator[tuple[int, list[str]]]:
    """Yield the number of the first line, and the cells, of each row that is not blank, as spreadsheets write CSV.

    Cells in quotes may contain separators, line ends and doubled quotes. Raises CollectionError as numbered_lines does
    and, naming the line, for quotes that do not match.
    """
    lines = (f"{line}\n" for line in _read_text(path).split("\n"))
    rows, start = csv.reader(lines, delimiter=separator, skipinitialspace=True, strict=True), 1
    try:
        for cells in rows:
            if any(cell.strip() for cell in cells):
                yield start, [MARKED_FORMULA.sub("", cell) for cell in cells]
            start = rows.line_num + 1
    except csv.Error as error:
        raise CollectionError(
            f"{path.name}, line {start} is not CSV ({error}); a cell with quotes in it must be in quotes, and its own "
            "quotes doubled."
        ) from error


def _read_text(path: Path) -> str:
    """Return a file's text without a byte order mark."""
    try:
        return path.read_text(encoding="utf-8-sig")
    except FileNotFoundError as error:
        raise CollectionError(f"{path.name} is missing in {path.parent.name}; see BEIR's layout.") from error
    except (OSError, UnicodeDecodeError) as error:
        raise CollectionError(f"{path.name} cannot be read as UTF-8; save it as UTF-8 text.") from error
