"""Read tables and JSON lines, in which every row is a document of its own."""

import csv
import io
import json
import threading
from itertools import islice
from typing import Any

from retriever.documents.decoding import decode
from retriever.documents.document import Section
from retriever.errors import DocumentError

MAX_DEPTH = 50  # lists and objects in one another; Python itself writes and copies no more than some hundreds
_CSV = threading.Lock()  # csv.field_size_limit is one number for the whole process


def read_csv(data: bytes) -> list[Section]:
    """Read a table, a piece a row: its `text` column, or else all columns as `name: value` lines.

    `id` and `title` are used as such; beside a `text` column the others become metadata. Row 1 follows the header.
    """
    header, *rows = _parse_table(decode(data).replace("\0", "")) or [[]]
    names = [name.strip() or f"column {n}" for n, name in enumerate(header, 1)]
    first = {name: n for n, name in reversed(list(enumerate(names)))}
    names = [name if first[name] == n else f"{name} {n + 1}" for n, name in enumerate(names)]
    known = {name.lower(): name for name in reversed(names)}
    pieces = []
    for number, row in enumerate(rows, 1):
        cells = dict(zip(names, row, strict=False))
        given_id = cells.get(known.get("id") or known.get("_id", ""), "").strip()
        title = cells.get(known.get("title", ""), "").strip()
        if "text" in known:
            text = cells.pop(known["text"], "")
            extra = {name: cell for name, cell in cells.items() if name.lower() not in ("id", "_id", "title")}
        else:
            text = "\n".join(f"{name}: {cell}" for name, cell in cells.items() if cell.strip())
            extra = {}
        if text.strip():
            pieces.append(Section(text, title, _row_metadata(extra, number), f"row={number}", given_id))
    if not pieces:
        raise DocumentError("The table has no rows with text below its header: add a row, or a header if it has none.")
    return _check_unique_ids(pieces, "row")


def _parse_table(text: str) -> list[list[str]]:
    """Split a table into rows of cells; what exceeds the header goes to the last column (an unquoted comma)."""
    with _CSV:
        limit = csv.field_size_limit()
        csv.field_size_limit(max(limit, len(text)))
        try:
            mark = _delimiter(text[:50_000])
            reader = csv.reader(io.StringIO(text, newline=""), delimiter=mark, strict=True)
            rows = list(reader)
        except csv.Error as error:
            raise DocumentError(
                f"The table breaks off at line {reader.line_num} ({error}): close every quoted cell with a quote,"
                " and double the quotes inside it."
            ) from error
        finally:
            csv.field_size_limit(limit)
    width = max(1, len(rows[0])) if rows else 1
    return [row if len(row) <= width else [*row[: width - 1], mark.join(row[width - 1 :]).rstrip(mark)] for row in rows]


def _delimiter(sample: str) -> str:
    """Choose the delimiter that cuts most of the first rows like the header, into most columns; else the comma.

    csv.Sniffer looks at letters too, and takes an "e" for a delimiter where the text is prose.
    """
    scores = {",": (0.0, 0)}
    for mark in ",;\t|":
        rows = [row for row in islice(csv.reader(io.StringIO(sample, newline=""), delimiter=mark), 20) if row]
        if rows and (width := len(rows[0])) > 1:
            scores[mark] = (sum(len(row) == width for row in rows) / len(rows), width)
    return max(scores, key=lambda mark: scores[mark])


def read_jsonl(data: bytes) -> list[Section]:
    """Read JSON objects, one a line: `text`, and if given `_id` or `id`, `title`, `metadata`; others are metadata."""
    lines = enumerate(decode(data).split("\n"), 1)
    pieces = [_parse_json_line(line, number) for number, line in lines if line.strip()]
    return _check_unique_ids(pieces, "line")


def _parse_json_line(line: str, number: int) -> Section:
    """Read one line of a JSONL file."""
    wanted = 'an object like {"text": "..."} was expected'
    try:
        value = json.loads(line)
        if _is_deeper(value, MAX_DEPTH):
            raise RecursionError
        if "\\ud" in line.lower():  # half a surrogate pair is legal here but cannot be saved: make it U+FFFD
            whole = json.dumps(value, ensure_ascii=False).encode("utf-16", "surrogatepass")
            value = json.loads(whole.decode("utf-16", "replace"))
    except RecursionError as error:
        raise DocumentError(f"Line {number} is nested too deeply to read; {wanted}: flatten it.") from error
    except ValueError as error:
        reason = getattr(error, "msg", error)  # without the parser's own line number, which is always 1
        raise DocumentError(f"Line {number} is not JSON ({reason}); {wanted}: correct or remove the line.") from error
    if not isinstance(value, dict):
        raise DocumentError(f"Line {number} holds the type {type(value).__name__}; {wanted}: put one on each line.")
    text, title, extra = value.pop("text", None), value.pop("title", None) or "", value.pop("metadata", None) or {}
    ids = [one for one in (value.pop("_id", None), value.pop("id", None)) if one is not None]
    given_id = ids[0] if ids else ""
    if text is None:
        raise DocumentError(f'Line {number} has no "text"; {wanted}: correct or remove the line.')
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


def _is_deeper(value: object, most: int) -> bool:
    """Tell whether more than so many lists and objects are in one another, a level at a time."""
    level = [value]
    for _ in range(most):
        parts = [part.values() if isinstance(part, dict) else part for part in level if isinstance(part, (dict, list))]
        level = [inner for part in parts for inner in part]
    return any(isinstance(part, (dict, list)) for part in level)


def _row_metadata(extra: dict[str, Any], number: int) -> dict[str, Any]:
    """Join a row's number and its other values; a name this package uses itself gets an underscore."""
    own = ("source", "page", "row")
    return {"row": number, **{f"{name}_" if name in own else name: value for name, value in extra.items()}}


def _check_unique_ids(pieces: list[Section], unit: str) -> list[Section]:
    """Refuse a file that gives one id twice, naming both places."""
    first: dict[str, Any] = {}
    for piece in pieces:
        number = piece.metadata["row"]
        earlier = first.setdefault(piece.given_id, number) if piece.given_id else number
        if earlier != number:
            raise DocumentError(
                f'The id "{piece.given_id[:80]}" of {unit} {number} was already given in {unit} {earlier}:'
                " every id must differ, so correct it or leave ids out."
            )
    return pieces
