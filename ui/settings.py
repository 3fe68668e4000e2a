"""The operator's settings, read from environment variables: a table of limits, and the password."""

import os
import re
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from retriever.errors import ParameterError


def _limit(variable: str, default: int, limits: str) -> Any:  # noqa: ANN401 - of any type, as pydantic's fields are
    """Describe a limit: the environment variable that sets it, its default, and what it limits, with the unit."""
    return Field(default=default, gt=0, alias=variable, description=limits)


class Limits(BaseModel):
    """The limits in force, read from the environment; its fields are the table of all limits."""

    model_config = ConfigDict(frozen=True)

    files: int = _limit("LAB_MAX_FILES", 50, "files in one upload")
    file_megabytes: int = _limit("LAB_MAX_FILE_MB", 20, "megabytes of one file")
    total_megabytes: int = _limit("LAB_MAX_TOTAL_MB", 50, "megabytes of one upload")
    paste_megabytes: int = _limit("LAB_MAX_PASTE_MB", 2, "megabytes of pasted text")
    saved_megabytes: int = _limit("LAB_MAX_SAVED_MB", 200, "megabytes of a saved collection's .zip")
    pages: int = _limit("LAB_MAX_PAGES", 3_000, "pages of one PDF")
    chunks: int = _limit("LAB_MAX_CHUNKS", 50_000, "chunks, or passages, of one collection")
    question_characters: int = _limit("LAB_MAX_QUESTION", 2_000, "characters of a question")
    unpacked_megabytes: int = _limit("LAB_MAX_UNPACKED_MB", 500, "megabytes of an uploaded .zip, unpacked")
    questions: int = _limit("LAB_MAX_QUESTIONS", 5_000, "judged questions of one comparison")
    read_seconds: int = _limit("LAB_READ_SECONDS", 60, "seconds that reading one file may take")
    read_megabytes: int = _limit("LAB_READ_MB", 2_000, "megabytes of memory that reading files may take")
    sessions: int = _limit("LAB_MAX_SESSIONS", 60, "visitors at once")
    address_sessions: int = _limit("LAB_MAX_ADDRESS_SESSIONS", 45, "visitors at once from one network address")
    session_minutes: int = _limit("LAB_SESSION_MINUTES", 60, "minutes that a visitor's data outlasts its last use")
    session_megabytes: int = _limit("LAB_SESSION_MB", 600, "megabytes of memory for one visitor's collections")
    memory_megabytes: int = _limit("LAB_MEMORY_MB", 6_000, "megabytes of memory for all collections together")
    disk_megabytes: int = _limit("LAB_DISK_MB", 2_000, "megabytes of uploads on disk, of all visitors")
    builds: int = _limit("LAB_MAX_BUILDS", 2, "builds, comparisons and labs at work at once; others wait in a queue")
    jobs: int = _limit("LAB_MAX_JOBS", 3, "builds, comparisons and labs of one visitor at once, waiting ones included")
    classes: int = _limit("LAB_MAX_CLASSES", 6, "classes under way at once")
    class_students: int = _limit("LAB_CLASS_STUDENTS", 200, "students of one class")
    class_minutes: int = _limit("LAB_CLASS_MINUTES", 120, "minutes after which a class ends by itself")

    @property
    def upload_megabytes(self) -> int:
        """The most megabytes that an upload of any kind may have."""
        return max(self.total_megabytes, self.saved_megabytes)


def limits() -> Limits:
    """Return the limits in force. Raises ParameterError if a variable is not a whole number above 0."""
    try:
        return Limits.model_validate(
            {name: value for name in list(os.environ) if (value := os.environ.get(name, "")).strip()}
        )
    except ValidationError as error:
        found = " and ".join(f"{bad['loc'][0]} is {bad['input']!r}" for bad in error.errors())
        raise ParameterError(
            f"The setting {found}; a limit must be a whole number above 0. Correct it, or unset it for the default."
        ) from error


def password() -> str:
    """Return the password of page and API, or "" if none is set."""
    return os.environ.get("LAB_PASSWORD", "")


def serves_tools() -> bool:
    """Return whether programs that speak MCP are served: LAB_MCP, unless it is 0. Raises ParameterError for others."""
    value = os.environ.get("LAB_MCP", "").strip() or "1"
    if value not in ("0", "1"):
        raise ParameterError(f"The setting LAB_MCP is {value!r}; it must be 1, which is the default, or 0.")
    return value == "1"


def trusted_proxies() -> int:
    """Return how many proxies in front of the lab report the address they were asked from: LAB_TRUSTED_PROXIES.

    Without it none are trusted, or one on Spaces. Raises ParameterError if it is not a whole number.
    """
    value = os.environ.get("LAB_TRUSTED_PROXIES", "").strip() or ("1" if os.environ.get("SPACE_ID") else "0")
    if not (value.isdecimal() and len(value) < 3):
        raise ParameterError(f"The setting LAB_TRUSTED_PROXIES is {value!r}; it must be a whole number below 100.")
    return int(value)


def framing_sites() -> str:
    """Return the sites whose pages may show the lab in a frame, separated by spaces: LAB_FRAMED_BY.

    Raises ParameterError if it holds anything but addresses that begin with https.
    """
    value = os.environ.get("LAB_FRAMED_BY", "https://huggingface.co").split()
    if wrong := [site for site in value if not re.fullmatch(r"https://[A-Za-z0-9.*:-]+", site)]:
        raise ParameterError(
            f"The setting LAB_FRAMED_BY holds {wrong[0]!r}; it must hold addresses such as https://huggingface.co."
        )
    return " ".join(value)


def source_address() -> str:
    """Return the address where the lab's source can be read: LAB_SOURCE, or on Spaces the files of the Space, or "".

    Raises ParameterError if LAB_SOURCE is no address that begins with https.
    """
    value, space = os.environ.get("LAB_SOURCE", "").strip(), os.environ.get("SPACE_ID", "")
    if value and not re.fullmatch(r"https://[^\s\"'<>]+", value):
        raise ParameterError(f"The setting LAB_SOURCE is {value!r}; it must be an address that begins with https://.")
    return value or (f"https://huggingface.co/spaces/{space}/tree/main" if space else "")
