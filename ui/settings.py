"""The operator's settings, read from environment variables: a table of limits, and the password."""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from retriever.errors import ParameterError


@dataclass(frozen=True)
class Setting:
    """A whole number that an environment variable sets: its default, and what it limits, with the unit."""

    variable: str
    default: int
    limits: str


@dataclass(frozen=True)
class Limits:
    """The limits in force; SETTINGS describes each of them."""

    files: int
    file_megabytes: int
    total_megabytes: int
    paste_megabytes: int
    saved_megabytes: int
    pages: int
    chunks: int
    question_characters: int
    unpacked_megabytes: int
    questions: int
    read_seconds: int
    read_megabytes: int
    sessions: int
    session_minutes: int
    session_megabytes: int
    memory_megabytes: int
    disk_megabytes: int
    builds: int

    @property
    def upload_megabytes(self) -> int:
        """The most megabytes that an upload of any kind may have."""
        return max(self.total_megabytes, self.saved_megabytes)


SETTINGS: Mapping[str, Setting] = MappingProxyType(
    {
        "files": Setting("LAB_MAX_FILES", 50, "files in one upload"),
        "file_megabytes": Setting("LAB_MAX_FILE_MB", 20, "megabytes of one file"),
        "total_megabytes": Setting("LAB_MAX_TOTAL_MB", 50, "megabytes of one upload"),
        "paste_megabytes": Setting("LAB_MAX_PASTE_MB", 2, "megabytes of pasted text"),
        "saved_megabytes": Setting("LAB_MAX_SAVED_MB", 200, "megabytes of a saved collection's .zip"),
        "pages": Setting("LAB_MAX_PAGES", 3_000, "pages of one PDF"),
        "chunks": Setting("LAB_MAX_CHUNKS", 50_000, "chunks, or passages, of one collection"),
        "question_characters": Setting("LAB_MAX_QUESTION", 2_000, "characters of a question"),
        "unpacked_megabytes": Setting("LAB_MAX_UNPACKED_MB", 500, "megabytes of an uploaded .zip, unpacked"),
        "questions": Setting("LAB_MAX_QUESTIONS", 5_000, "judged questions of one comparison"),
        "read_seconds": Setting("LAB_READ_SECONDS", 60, "seconds that reading one file may take"),
        "read_megabytes": Setting("LAB_READ_MB", 2_000, "megabytes of memory that reading files may take"),
        "sessions": Setting("LAB_MAX_SESSIONS", 60, "visitors at once"),
        "session_minutes": Setting("LAB_SESSION_MINUTES", 60, "minutes that a visitor's data outlasts its last use"),
        "session_megabytes": Setting("LAB_SESSION_MB", 600, "megabytes of memory for one visitor's collections"),
        "memory_megabytes": Setting("LAB_MEMORY_MB", 6_000, "megabytes of memory for all collections together"),
        "disk_megabytes": Setting("LAB_DISK_MB", 2_000, "megabytes of uploads on disk, of all visitors"),
        "builds": Setting("LAB_MAX_BUILDS", 2, "builds, comparisons and labs at work at once; others wait in a queue"),
    }
)


def limits() -> Limits:
    """Return the limits in force. Raises ParameterError if a variable is not a whole number above 0."""
    return Limits(**{name: _positive(setting) for name, setting in SETTINGS.items()})


def password() -> str:
    """Return the password of page and API, or "" if none is set."""
    return os.environ.get("LAB_PASSWORD", "")


def _positive(setting: Setting) -> int:
    """Return a setting's value. Raises ParameterError if it is not a whole number above 0."""
    value = os.environ.get(setting.variable, "").strip()
    if not value:
        return setting.default
    if not value.isascii() or not value.isdigit() or int(value) < 1:
        raise ParameterError(f"The setting {setting.variable} is {value!r}; it must be a whole number above 0.")
    return int(value)
