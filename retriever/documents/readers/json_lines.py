"""Reader of JSON lines, in which every object is a document."""

from collections.abc import Iterable, Mapping
from itertools import islice
from typing import Any

from retriever.documents.decoding import decode
from retriever.documents.document import FileContent, TableColumns
from retriever.documents.readers.columns import (
    MAX_NAME,
    TEXT_NAMES,
    Row,
    chosen_text,
    find_columns,
    quoted_names,
    sections_of,
)
from retriever.documents.readers.json_values import EXPECTED, JsonObjects, json_objects
from retriever.errors import DocumentError
from retriever.json_text import write_json

HEADER_LINES = 50  # whose keys are the columns
LOOKED_AT, FEWEST_WORDS = 200, 5  # objects, and the words of their values on average, that make a key one of texts
NO_TEXTS = ("id", "_id", "title", "url", "uri", "link", "href", "metadata")  # keys


def read_jsonl(data: bytes, columns: TableColumns | None = None) -> FileContent:
    """Read JSON objects, one per line, each with `text` and optionally `_id` or `id`, `title` and `metadata`.

    Other keys become metadata. A JSON array is read item by item. Where no object has a `text`, the only key that holds
    texts is read. columns: keys that are read as text and title instead. Raises DocumentError if no object can be read,
    ColumnError if none has a key that was chosen.
    """
    decoded = decode(data)
    objects = json_objects(decoded.text)
    keys, notes = _keys_of(objects.found.values()), [*decoded.notes]
    chosen, text_key = find_columns(columns or TableColumns(), keys), ""
    if not chosen.text:
        text_key = _text_key(objects, keys)
        chosen = TableColumns(tuple(filter(None, [text_key])), chosen.title)
    if objects.unit == "item":
        notes.append("The file is one JSON array; its items were read as lines are.")
    if text_key.lower() not in ("", "text"):
        notes.append(f'No {objects.unit} has a "text"; "{text_key[:MAX_NAME]}" was read as the text.')
    if objects.missing:
        missing = " or ".join(dict.fromkeys(digits[:MAX_NAME] for digits in objects.missing[:3]))
        notes.append(f"JSON has no number {missing}; nothing was read where it stands.")
    rows = []
    for number, value in objects.found.items():
        row = _row(number, value, chosen)
        if not text_key or text_key in value or row.title.strip():
            rows.append(row)
        else:
            objects.fail(number, "text", f'has no "{text_key}"; {EXPECTED}: correct or remove the {objects.unit}.')
    sections, more_notes = sections_of(rows, objects.unit)
    return FileContent(sections, objects.unread(), (*notes, *more_notes))


def jsonl_columns(data: bytes) -> list[str]:
    """Return the keys of the first objects in a file of JSON lines. Raises DocumentError if there are none."""
    return _keys_of(json_objects(decode(data).text, HEADER_LINES).found.values())


def _keys_of(objects: Iterable[dict[str, Any]]) -> list[str]:
    """Return all keys of some objects, in their order."""
    return list(dict.fromkeys(key for value in objects for key in value))


def _text_key(objects: JsonObjects, keys: list[str]) -> str:
    """Return the key of the texts; "" if there are only titles.

    Raises DocumentError, naming the keys, if several could be it, or none.
    """
    if own := [key for key in keys if key.lower() == "text"]:
        return "text" if "text" in own else own[0]
    words = dict.fromkeys(keys, 0)
    looked_at = list(islice(objects.found.values(), LOOKED_AT))
    for value in looked_at:
        for key, part in value.items():
            words[key] += len(_cell_text(part)[:1000].split()) if isinstance(part, (str, list)) else 0
    possible = [key for key in keys if words[key] and key.lower() not in NO_TEXTS]
    likely = [key for key in possible if key.lower() in TEXT_NAMES]
    likely = likely or [key for key in possible if words[key] >= FEWEST_WORDS * len(looked_at)]
    if len(likely) == 1:
        return likely[0]
    if not likely and any(words[key] for key in keys if key.lower() == "title"):
        return ""
    found = f"{quoted_names(likely)} could be it" if likely else f"the keys are {quoted_names(keys) or 'none'}"
    raise DocumentError(
        f'No {objects.unit} has a "text", and {found}: choose the columns to read, or rename the key of the texts.'
    )


def _row(number: int, value: Mapping[str, Any], chosen: TableColumns) -> Row:
    """Return an object as a row."""
    title_key = chosen.title or next((key for key in value if key.lower() == "title"), "")
    text = chosen_text({name: _cell_text(value.get(name)) for name in chosen.text}, chosen.text) if chosen.text else ""
    id_name = next((name for name in ("_id", "id") if value.get(name) is not None), "id")
    given_id = value.get(id_name)
    if isinstance(given_id, dict) and len(given_id) == 1:  # {"$oid": "..."}, as a database writes it
        (given_id,) = given_id.values()
    used = {title_key, *chosen.text, "text", "title", "id", "_id", "metadata"}
    extra, more = {key: part for key, part in value.items() if key not in used}, value.get("metadata")
    if more is not None:
        extra |= more if isinstance(more, dict) else {"metadata": more}
    return Row(number, text, _cell_text(value.get(title_key)), _cell_text(given_id).strip(), id_name, extra)


def _cell_text(value: object) -> str:
    """Return a value of JSON as text; the texts in a list as paragraphs."""
    if isinstance(value, str):
        return value
    if isinstance(value, list) and value and all(isinstance(part, str) for part in value):
        return "\n\n".join(value)
    return "" if value is None else write_json(value)
