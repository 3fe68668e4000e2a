"""The log: one JSON object a line on standard output, with counts and seconds, never a visitor's words or names.

What libraries log, print, warn of or raise becomes an event too: by its place and type, without its words, which may
quote a visitor's. What comes often is counted, and not written each time.
"""

import errno
import logging
import traceback
from pathlib import Path
from types import TracebackType
from typing import Literal

from retriever.json_text import write_json
from retriever.run_record import utc_timestamp
from ui.throttle import Throttle

Fact = str | int | float | bool
Reason = Literal[  # why something was refused; docs/hosting.md says what each means
    "bodies",
    "busy session",
    "chunked body",
    "class code",
    "classes",
    "connections",
    "disk full",
    "ended session",
    "file",
    "foreign site",
    "full",
    "idle connection",
    "incomplete body",
    "large body",
    "login",
    "login attempts",
    "malformed upload",
    "no answer",
    "not JSON",
    "not logged in",
    "parameter",
    "session name",
    "shape",
    "shortage",
    "slow body",
    "too many files",
    "too many uploads",
    "unexpected body",
    "unknown route",
    "upload of unknown size",
    "visitor's share",
]

LOGGER = logging.getLogger("lab")
APP_FOLDER = Path(__file__).resolve().parent.parent
PACKAGES = "site-packages"  # may lie below the app's folder
MAX_LINES = 100  # lines a minute of one event; of one failure, and of refusals for one reason, a single line
MAX_PLACES = 6  # frames of a traceback that are logged, the innermost first

_EVENTS, _FAILURES, _REFUSALS = Throttle(MAX_LINES), Throttle(1), Throttle(1)


def log_event(event: str, **facts: Fact) -> None:
    """Log an event with its facts: numbers, and words of this program's own (a stage, a model of the catalogue)."""
    _write(event, facts, _EVENTS.count(event))


def log_failure(event: str, error: BaseException, **facts: Fact) -> None:
    """Log an unexpected error by type and place, without its message, which may quote a visitor's text."""
    found: dict[str, Fact] = {"error": type(error).__name__, "where": _places(error.__traceback__)}
    if isinstance(error, OSError) and error.errno:
        found["errno"] = errno.errorcode.get(error.errno, error.errno)  # ENOSPC, EMFILE: an operator must know
    _write(event, {**found, **facts}, _FAILURES.count((event, *found.values())))


def log_place(event: str, file: str, line: int, **facts: Fact) -> None:
    """Log what a library said by the place where it said it, and without its words."""
    where = f"{_own_name(file)}:{line}"
    _write(event, {**facts, "where": where}, _FAILURES.count((event, where, *facts.values())))


def refused(reason: Reason) -> None:
    """Count a refusal by its reason.

    At most once a minute a line says how often something was refused for this reason.
    """
    count = _REFUSALS.count(reason)
    _write("refused", {"reason": reason, "total": refused_counts()[reason]}, count)


def refused_counts() -> dict[str, int]:
    """Return how often something was refused since the start, by reason."""
    return {str(reason): total for reason, total in _REFUSALS.totals().items()}


def _write(event: str, facts: dict[str, Fact], count: int) -> None:
    """Write the line of what came so many times since the last line of its kind; none if that is 0."""
    if count:
        counted = {"count": count} if count > 1 else {}
        LOGGER.info(write_json({"time": utc_timestamp(), "event": event, **facts, **counted}, ensure_ascii=True))


def _places(trace: TracebackType | None) -> str:
    """Return the places of a traceback, the innermost first."""
    frames = traceback.extract_tb(trace)[-MAX_PLACES:]
    return " < ".join(f"{_own_name(frame.filename)}:{frame.lineno} {frame.name}" for frame in reversed(frames))


def _own_name(file: str) -> str:
    """Return a file's path below the app's folder or that of the packages, so that no machine's paths are logged."""
    path = Path(file)
    if path.is_relative_to(APP_FOLDER) and PACKAGES not in path.parts:
        return str(path.relative_to(APP_FOLDER))
    return file.rpartition(f"/{PACKAGES}/")[2] if PACKAGES in path.parts else "/".join(path.parts[-2:])
