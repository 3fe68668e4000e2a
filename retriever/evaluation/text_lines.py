"""The lines of a collection's text files, numbered, so that an error can name the line."""

from collections.abc import Iterator
from pathlib import Path

from retriever.errors import CollectionError


def numbered_lines(path: Path) -> Iterator[tuple[int, str]]:
    """Give number, from 1, and text of each line that is not blank.

    Only line feeds end a line: JSON strings and ids may hold the other characters that Unicode counts as line ends.
    Raises CollectionError if there is no such file or it is not UTF-8.
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
