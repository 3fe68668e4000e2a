"""Numbered lines of text files, so that an error message can name the line."""

from collections.abc import Iterator
from pathlib import Path

from retriever.errors import CollectionError


def numbered_lines(path: Path) -> Iterator[tuple[int, str]]:
    """Yield the number, from 1, and the text of each line that is not blank.

    Only line feeds end a line: JSON strings and ids may contain the other characters that Unicode counts as line ends.
    Raises CollectionError if the file does not exist or is not UTF-8.
    """
    try:
        text = path.read_text(encoding="utf-8-sig")
    except FileNotFoundError as error:
        raise CollectionError(f"{path.name} is missing in {path.parent.name}; see BEIR's layout.") from error
    except (OSError, UnicodeDecodeError) as error:
        raise CollectionError(f"{path.name} cannot be read as UTF-8; save it as UTF-8 text.") from error
    for number, line in enumerate(text.split("\n"), 1):
        if line.strip():
            yield number, line.rstrip("\r")
