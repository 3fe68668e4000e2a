"""Sections, which readers extract from files, and documents, which are searched."""

from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Section:
    """Section of a file's text: a page, a row, or all of it (then `place` is empty)."""

    text: str
    title: str = ""
    metadata: dict[str, Any] = field(default_factory=dict)
    place: str = ""  # "page=3" or "row=7"
    given_id: str = ""  # the id given in the file itself


@dataclass(frozen=True)
class Document:
    """Text that can be searched, with its origin.

    `metadata` names the file ("source") and, where it applies, the "page" or "row" in it, both counted from 1.
    """

    doc_id: str
    text: str
    title: str = ""
    metadata: dict[str, Any] = field(default_factory=dict)
