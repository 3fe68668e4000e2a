"""Rows of tables as sections: which columns are read, titles without a text, and ids that repeat."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from retriever.documents.document import Section, TableColumns
from retriever.documents.parts import name_parts
from retriever.errors import ColumnError
from retriever.unicode import clean_text

TEXT_NAMES = {  # of columns whose cells are most likely texts
    *("text", "texts", "content", "contents", "body", "passage", "paragraph", "document", "article", "abstract"),
    *("sentence", "description", "message", "comment", "review", "answer", "page_content", "raw_text", "full_text"),
}
OWN_NAMES = ("id", "_id", "title")  # of columns that are used as such where no others are chosen
RESERVED = ("source", "page", "row")  # keys of metadata that loading sets
MAX_NAMES, MAX_NAME = 30, 60  # columns that are named, and characters of a name


@dataclass(slots=True)
class Row:
    """Row of a table. number: from 1. id_name: of the column that gave the id. extra: cells that become metadata."""

    number: int
    text: str
    title: str = ""
    given_id: str = ""
    id_name: str = "id"
    extra: dict[str, Any] = field(default_factory=dict)


def sections_of(rows: Iterable[Row], unit: str = "row") -> tuple[list[Section], list[str]]:
    """Return the sections of rows, and notes on them.

    A row without text has its title as its text, and is left out if it has none. If ids repeat they are no key, but
    values like others: then all ids are made of the row numbers. unit: what a row is called.
    """
    sections, id_names = list[Section](), list[str]()
    empty, title_only, first_with, repeated = list[int](), list[int](), dict[str, int](), ""
    for row in rows:
        text, number = row.text, row.number
        if not text.strip():
            text = " ".join(clean_text(row.title).split())
            (title_only if text else empty).append(number)
            if not text:
                continue
        sections.append(Section(text, row.title, _metadata(row.extra, number), f"row={number}", row.given_id))
        id_names.append(row.id_name)
        earlier = first_with.setdefault(row.given_id, number) if row.given_id else number
        if earlier != number and not repeated:
            repeated = (
                f'The "{row.id_name[:MAX_NAME]}" of {unit} {number:,}, "{row.given_id[:MAX_NAME]}", is that of {unit} '
                f"{earlier:,} as well, so it is no key: ids were made of the {unit} numbers."
            )
    if repeated:
        sections = [_without_id(section, name) for section, name in zip(sections, id_names, strict=True)]
    notes = [
        f"{name_parts(unit, numbers).capitalize()}: {said}."
        for numbers, said in (
            (title_only, "there is a title but no text, so the title is read as the text"),
            (empty, "left out, as there is no text"),
        )
        if numbers
    ]
    return sections, [*notes, *filter(None, [repeated])]


def find_columns(columns: TableColumns, names: Iterable[str]) -> TableColumns:
    """Return the chosen columns as a table spells them. Raises ColumnError if it lacks one."""
    names = list(names)
    by_lower_name = {name.strip().lower(): name for name in reversed(names)}
    for name in filter(None, (*columns.text, columns.title)):
        if name.strip().lower() not in by_lower_name:
            raise ColumnError(
                f'There is no column "{name[:MAX_NAME]}"; choose among those found: {quoted_names(names)}.'
            )
    text, title = (by_lower_name[name.strip().lower()] for name in columns.text), columns.title.strip().lower()
    return TableColumns(tuple(text), by_lower_name[title] if title else "")


def quoted_names(names: Sequence[str]) -> str:
    """Return the names of columns for a message, the first of many."""
    listed = ", ".join(f'"{found[:MAX_NAME]}"' for found in names[:MAX_NAMES])
    return f"{listed} and {len(names) - MAX_NAMES:,} more" if len(names) > MAX_NAMES else listed


def chosen_text(cells: Mapping[str, str], names: Sequence[str]) -> str:
    """Return the cell of one column as it is, and those of several as lines."""
    return cells.get(names[0], "") if len(names) == 1 else lines_of(cells, names)


def lines_of(cells: Mapping[str, str], names: Sequence[str]) -> str:
    """Return the cells of columns as lines `name: cell`, without the empty ones."""
    return "\n".join(f"{name}: {cells[name]}" for name in names if cells.get(name, "").strip())


def _without_id(section: Section, name: str) -> Section:
    """Return a section whose id is a value of its metadata like others. name: of the id's column."""
    if not section.given_id:
        return section
    return replace(section, given_id="", metadata={name: section.given_id, **section.metadata})


def _metadata(extra: Mapping[str, Any], number: int) -> dict[str, Any]:
    """Return a row's number and its other values; a key that this package uses itself gets an underscore appended."""
    return {"row": number, **{f"{name}_" if name in RESERVED else name: value for name, value in extra.items()}}
