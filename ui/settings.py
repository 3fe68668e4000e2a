"""What the operator may set by environment variables: the limits of one visitor, and the address."""

import os
from dataclasses import dataclass

from retriever.errors import ParameterError


@dataclass(frozen=True)
class Limits:
    """Say how much one visitor may load; bytes are counted in megabytes of 1,000,000 bytes."""

    files: int
    file_megabytes: int
    total_megabytes: int
    chunks: int
    question_characters: int
    unpacked_megabytes: int
    questions: int


def limits() -> Limits:
    """Return the limits in force. Raises ParameterError for a variable that is not a whole number above 0."""
    return Limits(
        files=_positive("LAB_MAX_FILES", 50),
        file_megabytes=_positive("LAB_MAX_FILE_MB", 20),
        total_megabytes=_positive("LAB_MAX_TOTAL_MB", 50),
        chunks=_positive("LAB_MAX_CHUNKS", 50_000),
        question_characters=_positive("LAB_MAX_QUESTION", 2_000),
        unpacked_megabytes=_positive("LAB_MAX_UNPACKED_MB", 200),
        questions=_positive("LAB_MAX_QUESTIONS", 5_000),
    )


def _positive(name: str, default: int) -> int:
    value = os.environ.get(name, "").strip()
    if not value:
        return default
    if not value.isascii() or not value.isdigit() or int(value) < 1:
        raise ParameterError(f"The setting {name} is {value!r}; it must be a whole number above 0.")
    return int(value)
