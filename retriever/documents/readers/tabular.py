"""Readers of CSV tables and JSON lines, in which every row is a document."""

import csv
import io
import json
import threading
from itertools import islice
from typing import Any

from retriever.documents.decoding import decode
from retriever.documents.document import Section
from retriever.errors import DocumentError

MAX_DEPTH = 50  # levels of nested lists and objects; Python itself can write and copy only some hundreds
_CSV_LOCK = threading.Lock()  # csv.field_size_limit is global to the process


def read_csv(data: bytes) -> list[Section]:
    """Read a table, one section per row: its `text` column, or else all columns as `name: value` lines.

    The columns `id` (or `_id`) and `title` are used as such; beside a `text` column the others become metadata. Row 1
    follows the header. Raises DocumentError if the table is damaged, no row has text or an id occurs twice.
    """
    header, *rows = _parse_table(decode(data).replace("\0", "")) or [[]]
    names = [name.strip() or f"column {n}" for n, name in enumerate(header, 1)]
    first_number = {name: n for n, name in reversed(list(enumerate(names)))}
    names = [name if first_number[name] == n else f"{name} {n + 1}" for n, name in enumerate(names)]
    by_lower_name = {name.lower(): name for name in reversed(names)}
    sections = []
    for number, row in enumerate(rows, 1):
        cells = dict(zip(names, row, strict=False))
        given_id = cells.get(by_lower_name.get("id") or by_lower_name.get("_id", ""), "").strip()
        title = cells.get(by_lower_name.get("title", ""), "").strip()
        if "text" in by_lower_name:
            text = cells.pop(by_lower_name["text"], "")
            extra = {name: cell for name, cell in cells.items() if name.lower() not in ("id", "_id", "title")}
        else:
            text = "\n".join(f"{name}: {cell}" for name, cell in cells.items() if cell.strip())
            extra = {}
        if text.strip():
            sections.append(Section(text, title, _row_metadata(extra, number), f"row={number}", given_id))
    if not sections:
        raise DocumentError("The table has no rows with text below its header: add a row, or a header if it has none.")
    return _check_unique_ids(sections, "row")


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


def read_jsonl(data: bytes) -> list[Section]:
    """Read JSON objects, one per line, each with `text` and optionally `_id` or `id`, `title` and `metadata`.

    Other keys become metadata. Raises DocumentError for a line of another form and for an id that occurs twice.
    """
    lines = enumerate(decode(data).split("\n"), 1)
    sections = [_parse_json_line(line, number) for number, line in lines if line.strip()]
    return _check_unique_ids(sections, "line")


def _parse_json_line(line: str, number: int) -> Section:
    """Return the section of one line of a JSONL file; raise DocumentError if the line has another form."""
    expected = 'an object like {"text": "..."} was expected'
    try:
        value = json.loads(line)
        if _is_deeper(value, MAX_DEPTH):
            raise RecursionError
        if "\\ud" in line.lower():  # a lone surrogate is legal JSON but cannot be saved: replace it by U+FFFD
            whole = json.dumps(value, ensure_ascii=False).encode("utf-16", "surrogatepass")
            value = json.loads(whole.decode("utf-16", "replace"))
    except RecursionError as error:
        raise DocumentError(f"Line {number} is nested too deeply to read; {expected}: flatten it.") from error
    except ValueError as error:
        reason = getattr(error, "msg", error)  # without the parser's own line number, which is always 1
        raise DocumentError(f"Line {number} is not JSON ({reason}); {expected}: correct or remove the line.") from error
    if not isinstance(value, dict):
        raise DocumentError(f"Line {number} holds the type {type(value).__name__}; {expected}: put one on each line.")
    text, title, extra = value.pop("text", None), value.pop("title", None) or "", value.pop("metadata", None) or {}
    ids = [one for one in (value.pop("_id", None), value.pop("id", None)) if one is not None]
    given_id = ids[0] if ids else ""
    if text is None:
        raise DocumentError(f'Line {number} has no "text"; {expected}: correct or remove the line.')
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
