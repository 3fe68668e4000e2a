"""Reading of JSON lines, so that an error names the file and the line."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from retriever.errors import CollectionError
from retriever.evaluation.numbered_lines import numbered_lines
from retriever.json_text import read_json
from retriever.unicode import clean_text


def json_lines(path: Path) -> Iterator[tuple[int, dict[str, Any]]]:
    """Yield the line numbers and objects of a JSONL file."""
    for number, line in numbered_lines(path):
        try:
            row = read_json(line)
        except (ValueError, RecursionError) as error:
            raise CollectionError(f"{path.name}, line {number} is not JSON; wanted one object a line.") from error
        if not isinstance(row, dict):
            raise CollectionError(f"{path.name}, line {number} is not an object; wanted one with _id and text.")
        yield number, row


def required_field(row: Mapping[str, Any], key: str, path: Path, number: int) -> str:
    """Return the text or number of a key, cleaned. Raises CollectionError, naming the line, if there is none."""
    value = row.get(key)
    if not isinstance(value, str | int) or isinstance(value, bool):
        raise CollectionError(f"{path.name}, line {number} has no {key}; each line needs one.")
    return clean_text(str(value))


def text_of(row: Mapping[str, Any]) -> str:
    """Return the text of an object, cleaned; empty if it has none."""
    value = row.get("text")
    return clean_text(str(value)) if isinstance(value, str | int) and not isinstance(value, bool) else ""
