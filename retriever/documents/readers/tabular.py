"""Readers of CSV tables and JSON lines, in which every row is a document."""

import csv
import io
import json
import threading
from collections.abc import Iterable, Mapping, Sequence
from itertools import islice
from typing import Any

from retriever.documents.decoding import decode
from retriever.documents.document import FileContent, Section, TableColumns
from retriever.errors import ColumnError, DocumentError

OWN_COLUMNS = ("id", "_id", "title")  # used as such where no others are chosen
MAX_NAMES, MAX_NAME = 30, 60  # columns that are named, and characters of a name
EXPECTED_LINE = 'an object like {"text": "..."} was expected'
HEADER_LINES = 50  # lines of JSON whose keys are the columns
MAX_DEPTH = 50  # levels of nested lists and objects; Python itself can write and copy only some hundreds
_CSV_LOCK = threading.Lock()  # csv.field_size_limit is global to the process


def read_csv(data: bytes, columns: TableColumns | None = None) -> FileContent:
    """Read a table, one section per row: its `text` column, or else all columns as `name: value` lines.

    The columns `id` (or `_id`) and `title` are used as such; beside a `text` column the others become metadata.
    columns: those that are read as text and title instead. Row 1 follows the header. Raises DocumentError if the table
    is damaged, no row has text or an id occurs twice, ColumnError if it lacks a column that was chosen.
    """
    decoded = decode(data)
    header, *rows = _parse_table(decoded.text.replace("\0", "")) or [[]]
    names = _distinct_names(header)
    chosen = _find_columns(columns or TableColumns(), names)
    by_lower_name = {name.lower(): name for name in reversed(names)}
    id_column = by_lower_name.get("id") or by_lower_name.get("_id", "")
    title_column = chosen.title or by_lower_name.get("title", "")
    if not chosen.text and "text" in by_lower_name:
        chosen = TableColumns((by_lower_name["text"],), chosen.title)
    used = {id_column, title_column, *chosen.text, *(name for name in names if name.lower() in OWN_COLUMNS)}
    sections = []
    for number, row in enumerate(rows, 1):
        cells = dict(zip(names, row, strict=False))
        given_id, title = cells.get(id_column, "").strip(), cells.get(title_column, "").strip()
        text = _chosen_text(cells, chosen.text) if chosen.text else _lines_of(cells, names)
        extra = {name: cell for name, cell in cells.items() if name not in used} if chosen.text else {}
        if text.strip():
            sections.append(Section(text, title, _row_metadata(extra, number), f"row={number}", given_id))
    if not sections:
        raise DocumentError("The table has no rows with text below its header: add a row, or a header if it has none.")
    return FileContent(_check_unique_ids(sections, "row"), notes=decoded.notes)


def csv_columns(data: bytes) -> list[str]:
    """Return the names of a table's columns. Raises DocumentError if the table is damaged."""
    return _distinct_names((_parse_table(decode(data).text.replace("\0", "")) or [[]])[0])


def _distinct_names(header: list[str]) -> list[str]:
    """Return the names in a header; one that is empty or occurs again gets its number."""
    names = [name.strip() or f"column {n}" for n, name in enumerate(header, 1)]
    first_number = {name: n for n, name in reversed(list(enumerate(names)))}
    return [name if first_number[name] == n else f"{name} {n + 1}" for n, name in enumerate(names)]


def _find_columns(columns: TableColumns, names: list[str]) -> TableColumns:
    """Return the chosen columns as a table spells them. Raises ColumnError if it lacks one."""
    by_lower_name = {name.strip().lower(): name for name in reversed(names)}
    for name in filter(None, (*columns.text, columns.title)):
        if name.strip().lower() not in by_lower_name:
            listed = ", ".join(f'"{found[:MAX_NAME]}"' for found in names[:MAX_NAMES])
            more = f" and {len(names) - MAX_NAMES:,} more" if len(names) > MAX_NAMES else ""
            raise ColumnError(f'There is no column "{name[:MAX_NAME]}"; choose among those found: {listed}{more}.')
    text, title = (by_lower_name[name.strip().lower()] for name in columns.text), columns.title.strip().lower()
    return TableColumns(tuple(text), by_lower_name[title] if title else "")


def _chosen_text(cells: Mapping[str, str], names: Sequence[str]) -> str:
    """Return the cell of one column as it is, and those of several as lines."""
    return cells.get(names[0], "") if len(names) == 1 else _lines_of(cells, names)


def _lines_of(cells: Mapping[str, str], names: Sequence[str]) -> str:
    """Return the cells of columns as lines `name: cell`, without the empty ones."""
    return "\n".join(f"{name}: {cells[name]}" for name in names if cells.get(name, "").strip())


def _parse_table(text: str) -> list[list[str]]:
    """Split a table into rows of cells; cells beyond the header are joined to the last column (an unquoted comma)."""
    with _CSV_LOCK:
        limit = csv.field_size_limit()
        csv.field_size_limit(max(limit, len(text)))
        try:
            sep = _delimiter(text[:50_000])
            reader = csv.reader(io.StringIO(text, newline=""), delimiter=sep, strict=True)
            rows = list(reader)
        except csv.Error as error:
            raise DocumentError(
                f"The table breaks off at line {reader.line_num} ({error}): close every quoted cell with a quote,"
                " and double the quotes inside it."
            ) from error
        finally:
            csv.field_size_limit(limit)
    width = max(1, len(rows[0])) if rows else 1
    return [row if len(row) <= width else [*row[: width - 1], sep.join(row[width - 1 :]).rstrip(sep)] for row in rows]


def _delimiter(sample: str) -> str:
    """Return the delimiter that splits most of the first rows like the header, into most columns; else the comma.

    csv.Sniffer also considers letters, and takes an "e" for a delimiter if the text is prose.
    """
    scores = {",": (0.0, 0)}
    for sep in ",;\t|":
        rows = [row for row in islice(csv.reader(io.StringIO(sample, newline=""), delimiter=sep), 20) if row]
        if rows and (width := len(rows[0])) > 1:
            scores[sep] = (sum(len(row) == width for row in rows) / len(rows), width)
    return max(scores, key=lambda sep: scores[sep])


def read_jsonl(data: bytes, columns: TableColumns | None = None) -> FileContent:
    """Read JSON objects, one per line, each with `text` and optionally `_id` or `id`, `title` and `metadata`.

    Other keys become metadata. columns: keys that are read as text and title instead. Raises DocumentError for a line
    of another form and for an id that occurs twice, ColumnError if no line has a key that was chosen.
    """
    decoded = decode(data)
    objects = _parse_lines(decoded.text)
    chosen = columns or TableColumns()
    if chosen != TableColumns():
        chosen = _find_columns(chosen, _keys_of(objects.values()))
    sections = [_json_section(value, number, chosen) for number, value in objects.items()]
    return FileContent(_check_unique_ids(sections, "line"), notes=decoded.notes)


def jsonl_columns(data: bytes) -> list[str]:
    """Return the keys of the first objects in a file of JSON lines. Raises DocumentError for a line of another form."""
    return _keys_of(_parse_lines(decode(data).text, HEADER_LINES).values())


def _keys_of(objects: Iterable[dict[str, Any]]) -> list[str]:
    """Return all keys of some objects, in their order."""
    return list(dict.fromkeys(key for value in objects for key in value))


def _parse_lines(text: str, most: int | None = None) -> dict[int, dict[str, Any]]:
    """Return the objects of a JSONL file by the numbers of their lines. most: lines that are read."""
    lines = islice(enumerate(text.split("\n"), 1), most)
    return {number: _parse_json_line(line, number) for number, line in lines if line.strip()}


def _parse_json_line(line: str, number: int) -> dict[str, Any]:
    """Return the object in one line of a JSONL file; raise DocumentError if the line has another form."""
    try:
        value = json.loads(line)
        if _is_deeper(value, MAX_DEPTH):
            raise RecursionError
        if "\\ud" in line.lower():  # a lone surrogate is legal JSON but cannot be saved: replace it by U+FFFD
            whole = json.dumps(value, ensure_ascii=False).encode("utf-16", "surrogatepass")
            value = json.loads(whole.decode("utf-16", "replace"))
    except RecursionError as error:
        raise DocumentError(f"Line {number} is nested too deeply to read; {EXPECTED_LINE}: flatten it.") from error
    except ValueError as error:
        reason = getattr(error, "msg", error)  # without the parser's own line number, which is always 1
        raise DocumentError(
            f"Line {number} is not JSON ({reason}); {EXPECTED_LINE}: correct or remove the line."
        ) from error
    if not isinstance(value, dict):
        raise DocumentError(
            f"Line {number} holds the type {type(value).__name__}; {EXPECTED_LINE}: put one on each line."
        )
    return value


def _json_section(value: dict[str, Any], number: int, chosen: TableColumns) -> Section:
    """Return the section of an object; raise DocumentError if it has no text, or a value of another kind."""
    if chosen.title:
        value["title"] = _cell_text(value.pop(chosen.title, None))
    if chosen.text:
        value["text"] = _chosen_text({name: _cell_text(value.pop(name, None)) for name in chosen.text}, chosen.text)
    text, title, extra = value.pop("text", None), value.pop("title", None) or "", value.pop("metadata", None) or {}
    ids = [one for one in (value.pop("_id", None), value.pop("id", None)) if one is not None]
    given_id = ids[0] if ids else ""
    if text is None:
        raise DocumentError(f'Line {number} has no "text"; {EXPECTED_LINE}: correct or remove the line.')
    for name, found, kind in (("text", text, str), ("title", title, str), ("metadata", extra, dict)):
        if not isinstance(found, kind):
            raise DocumentError(
                f'Line {number} has the type {type(found).__name__} as "{name}", but {kind.__name__} was expected:'
                " correct the line."
            )
    if isinstance(given_id, bool) or not isinstance(given_id, (str, int, float)):
        raise DocumentError(
            f"Line {number} has the type {type(given_id).__name__} as its id: give it a text or a number."
        )
    return Section(text, title, _row_metadata({**value, **extra}, number), f"row={number}", str(given_id))


def _cell_text(value: object) -> str:
    """Return a value of JSON as text."""
    if isinstance(value, str):
        return value
    return "" if value is None else json.dumps(value, ensure_ascii=False)


def _is_deeper(value: object, max_depth: int) -> bool:
    """Return whether lists and objects are nested more than max_depth levels deep, without recursion."""
    level = [value]
    for _ in range(max_depth):
        parts = [part.values() if isinstance(part, dict) else part for part in level if isinstance(part, (dict, list))]
        level = [inner for part in parts for inner in part]
    return any(isinstance(part, (dict, list)) for part in level)


def _row_metadata(extra: dict[str, Any], number: int) -> dict[str, Any]:
    """Return a row's number and its other values; a key that this package uses itself gets an underscore appended."""
    reserved = ("source", "page", "row")
    return {"row": number, **{f"{name}_" if name in reserved else name: value for name, value in extra.items()}}


def _check_unique_ids(sections: list[Section], unit: str) -> list[Section]:
    """Return the sections; raise DocumentError, naming both places, if two have the same id."""
    first_number: dict[str, Any] = {}
    for section in sections:
        number = section.metadata["row"]
        earlier = first_number.setdefault(section.given_id, number) if section.given_id else number
        if earlier != number:
            raise DocumentError(
                f'The id "{section.given_id[:80]}" of {unit} {number} was already given in {unit} {earlier}:'
                " every id must differ, so correct it or leave ids out."
            )
    return sections
