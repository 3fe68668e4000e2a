"""The log: one JSON object per line, with counts and seconds, never a visitor's words or names."""

import json
import logging
import sys
import traceback
from collections import Counter
from pathlib import Path
from typing import TextIO

from retriever.run_record import utc_timestamp

LOGGER = logging.getLogger("lab")
REFUSED: Counter[str] = Counter()
APP_FOLDER = Path(__file__).resolve().parent.parent


def log_event(event: str, **facts: str | int | float | bool) -> None:
    """Log an event with its facts: numbers, and words of this program's own (a stage, a model of the catalogue)."""
    LOGGER.info(json.dumps({"time": utc_timestamp(), "event": event, **facts}))


def log_failure(event: str, error: BaseException, **facts: str | int | float | bool) -> None:
    """Log an unexpected error by type and place, without its message, which may quote a visitor's text."""
    places = [
        f"{_own_name(frame.filename)}:{frame.lineno} {frame.name}"
        for frame in traceback.extract_tb(error.__traceback__)
    ]
    log_event(event, error=type(error).__name__, where=" < ".join(reversed(places[-6:])), **facts)


def refused(reason: str) -> None:
    """Count a refused request by its reason, a word of this program's own."""
    REFUSED[reason] += 1


def start_logging(stream: TextIO = sys.stdout) -> None:
    """Write the log to a stream; before this call nothing is written."""
    handler = logging.StreamHandler(stream)
    handler.setFormatter(logging.Formatter("%(message)s"))
    LOGGER.handlers = [handler]
    LOGGER.setLevel(logging.INFO)
    LOGGER.propagate = False


def _own_name(file: str) -> str:
    """Return a file's path below the app's folder, or its last two parts, so that no machine's paths are logged."""
    path = Path(file)
    return str(path.relative_to(APP_FOLDER)) if path.is_relative_to(APP_FOLDER) else "/".join(path.parts[-2:])
