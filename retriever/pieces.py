"""What a reader makes of a file: pieces of text, each with its place in the file."""

from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Piece:
    """Hold a stretch of a file's text: a page, a row, or all of it (then `place` is empty)."""

    text: str
    title: str = ""
    metadata: dict[str, Any] = field(default_factory=dict)
    place: str = ""  # "page=3" or "row=7"
    given_id: str = ""  # the id that the file itself names
