"""What a reader makes of a file: pieces of text, each with its place in the file."""

from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Section:
    """Hold a stretch of a file's text: a page, a row, or all of it (then `place` is empty)."""

    text: str
    title: str = ""
    metadata: dict[str, Any] = field(default_factory=dict)
    place: str = ""  # "page=3" or "row=7"
    given_id: str = ""  # the id that the file itself names


@dataclass(frozen=True)
class Document:
    """Hold a text that can be searched, and where it came from.

    `metadata` names the file ("source") and, where it applies, the "page" or "row" in it, both counted from 1.
    """

    doc_id: str
    text: str
    title: str = ""
    metadata: dict[str, Any] = field(default_factory=dict)
