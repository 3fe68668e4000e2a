"""Reading of JSON lines, so that an error names the file and the line."""

from collections.abc import Collection, Iterator, Mapping
from pathlib import Path
from typing import Any

from retriever.errors import CollectionError
from retriever.evaluation.numbered_lines import numbered_lines
from retriever.json_text import read_json
from retriever.unicode import clean_text

MAX_LISTED = 120  # characters of names in a note; the rest are counted


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


def listed(names: Collection[str], most: int = MAX_LISTED) -> str:
    """Return names with commas between, about `most` characters of them, and how many more there are."""
    shown: list[str] = []
    for name in names:
        shown.append(name if len(name) <= 60 else f"{name[:60]}…")
        if sum(map(len, shown)) > most:
            break
    rest = len(names) - len(shown)
    return ", ".join(shown) + (f" and {rest:,} more" if rest else "")
