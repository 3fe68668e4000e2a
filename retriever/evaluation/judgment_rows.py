"""The rows of a file of judgments, whose columns spaces, tabs, commas or semicolons may part."""

import re
from collections.abc import Iterator, Sequence
from pathlib import Path

from retriever.errors import CollectionError
from retriever.evaluation.numbered_lines import Comments, numbered_lines, numbered_rows

GRADE = re.compile(r"[+-]?[0-9]{1,9}")
TREC_LINE = re.compile(r"\s*\S+\s+[Qq]?0\s+\S+\s+\S+\s*")


def judgment_rows(path: Path, comments: Comments) -> Iterator[tuple[int, list[str]]]:
    """Yield the line numbers and the cells of judgments. Raises CollectionError for a wrong number of cells."""
    rows: Iterator[tuple[int, list[str], bool]]
    separator = next((_list_separator(line) for _, line in numbered_lines(path, comments)), "")
    if separator:
        rows = ((number, cells, len(cells) > 2) for number, cells in numbered_rows(path, separator, comments))
    else:
        lines = list(numbered_lines(path, comments))
        rows = _parted_by_space(lines) if lines else iter(())
    for number, cells, complete in rows:
        if not complete:
            raise CollectionError(
                f"{path.name}, line {number} has {len(cells)} columns; wanted query id, document id and grade parted "
                "by tabs or commas, or TREC's four columns."
            )
        yield number, cells


def _parted_by_space(lines: Sequence[tuple[int, str]]) -> Iterator[tuple[int, list[str], bool]]:
    """Yield the line numbers, the cells, and whether they are complete, of judgments parted by tabs or spaces.

    Between tabs BEIR's ids may contain spaces, unless the second word of all lines is TREC's 0 or Q0: then tabs and
    spaces are mixed. Doubled tabs count once; the grade is empty if a line ends in a tab, with fewer cells than others.
    """
    mixed = all(TREC_LINE.fullmatch(line) for _, line in lines[1:] or lines) and len(lines[0][1].split()) == 4
    open_ended = not mixed and any(line.rstrip(" ").endswith("\t") for _, line in lines)
    width = max(len(cells_between_tabs(line)) for _, line in lines) if open_ended else 0
    for number, line in lines:
        cells, tabs = line.split(), line.count("\t")
        if tabs > 1 and not mixed:
            parted = cells_between_tabs(line)
            if open_ended and len(parted) < width and line.rstrip(" ").endswith("\t"):
                parted.append("")
            cells = parted if len(parted) in (3, 4) else cells
        yield number, cells, len(cells) == 4 or tabs > 0 and len(cells) == 3


def cells_between_tabs(line: str) -> list[str]:
    """Return the cells between the tabs of a line that are not empty, without the spaces around them."""
    return [cell for part in line.split("\t") if (cell := part.strip(" "))]


def _list_separator(line: str) -> str:
    """Return what separates the cells of a comma-separated file, by its first line; empty for the other formats.

    A line of TREC's four columns, whose ids may contain commas, is not taken for comma-separated.
    """
    columns = line.split()
    if line.count("\t") > 1 or len(columns) == 4 and GRADE.fullmatch(columns[-1]) and columns[1][-1] not in ",;":
        return ""
    separator = max(",;", key=line.count)
    return separator if separator in line else ""
