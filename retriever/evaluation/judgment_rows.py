"""The rows of a file of judgments, whose columns spaces, tabs, commas or semicolons may part."""

import re
from collections.abc import Iterable, Iterator, Sequence
from itertools import chain
from pathlib import Path

from retriever.errors import CollectionError
from retriever.evaluation.numbered_lines import Comments, numbered_lines, numbered_rows

GRADE = re.compile(r"[+-]?[0-9]{1,9}(?:\.0+)?")  # 1.0 as pandas writes it
COLUMN_NAMES = (  # of the query id, the document id and the grade, without "-", "_" and blanks
    {"q", "queryid", "qid", "query", "topic", "topicid", "topicno"},
    {"corpusid", "docid", "docno", "did", "documentid", "document", "doc", "pid", "passageid"},
    {"score", "relevance", "grade", "rel", "label", "judgment", "judgement", "relevancy", "qrel"},
)
USUAL_COLUMNS = [0, -2, -1]  # of query id, document id and grade, where no header names them
TREC_UNUSED = ("0", "Q0", "q0")  # what stands in the second of its four columns
TREC_LINE = re.compile(r"\s*\S+\s+[Qq]?0\s+\S+\s+\S+\s*")


def judgment_rows(path: Path, comments: Comments) -> Iterator[tuple[int, list[str]]]:
    """Yield the line numbers and the cells of judgments. Raises CollectionError for a wrong number of cells."""
    rows: Iterator[tuple[int, list[str], bool]]
    separator = next((_list_separator(line) for _, line in numbered_lines(path, comments)), "")
    if separator:
        listed = list(numbered_rows(path, separator, comments))
        while listed and all(len(cells) > 3 and not cells[-1].strip() for _, cells in listed):
            for _, cells in listed:
                cells.pop()
        rows = ((number, cells, len(cells) > 2) for number, cells in listed)
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


def judgment_cells(rows: Iterable[tuple[int, list[str]]], guessed: list[str]) -> Iterator[tuple[int, str, str, str]]:
    """Yield line number, query id, document id and grade of each row below the header; guessed: gets what was guessed.

    A first row whose grade has no digit is taken for a header, also if its names are not known.
    """
    numbered = iter(rows)
    first = next(numbered, None)
    if first is None:
        return
    header, columns = first[1], _columns_of_header(first[1])
    if columns:
        second = next(numbered, None)
        numbered = chain([second] if second else [], numbered)
        if second and len(second[1]) != len(header) and second[1][1] in TREC_UNUSED:
            columns = USUAL_COLUMNS
    else:
        columns = USUAL_COLUMNS
        if re.search("[0-9]", header[-1]):
            numbered = chain([first], numbered)
        else:
            guessed.append(f"Line {first[0]} was taken for the header: {', '.join(header)[:80]}.")
    for number, cells in numbered:
        query_id, doc_id, grade = (cells[n] if -len(cells) <= n < len(cells) else "" for n in columns)
        yield number, query_id, doc_id, grade.strip()


def _columns_of_header(cells: Sequence[str]) -> list[int] | None:
    """Return where a header says that query id, document id and grade stand, counted from the end; None if it does not.

    So they are found where rows have one cell more, as pandas writes an index that has no name.
    """
    names = [re.sub("[-_ ]", "", cell).lower() for cell in cells]
    places = [next((n for n, name in enumerate(names) if name in known), None) for known in COLUMN_NAMES]
    return [place - len(names) for place in places if place is not None] if None not in places else None


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
