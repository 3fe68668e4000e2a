"""The start of the log, and the capture of whatever else would be written to standard output or error.

Gradio prints tracebacks, uvicorn logs requests that it cannot read, Python prints the errors of threads: each of these
becomes an event of the log.
"""

import contextlib
import io
import logging
import sys
import threading
import warnings
from types import FrameType, TracebackType
from typing import TextIO

from ui.log import LOGGER, log_failure, log_place

# Modules that print for others: the place that is logged is that of their caller.
PRINTERS = {"contextlib", "logging", "traceback", "warnings", __name__}
MAX_MESSAGE = 1000  # characters


def start_logging(stream: TextIO | None = None) -> None:
    """Write the log to a stream, standard output by default, and capture what libraries say; before, nothing is logged.

    What the machine itself says when it ends the process (out of memory, a fault in compiled code) is not captured: it
    goes to standard error.
    """
    _remove_handlers(sys.stdout, sys.stderr)
    LOGGER.handlers, LOGGER.propagate = [_LineHandler(stream or sys.stdout)], False
    LOGGER.setLevel(logging.INFO)
    sys.stdout, sys.stderr = Printed("stdout"), Printed("stderr")
    logging.root.handlers = [_LibraryHandler(logging.WARNING)]
    warnings.showwarning = _log_warning
    sys.excepthook = _log_crash
    threading.excepthook = _log_end_of_thread
    sys.unraisablehook = _log_ignored_error


class Printed(io.TextIOBase):
    """A text stream in place of standard output or error: what is printed is logged by its place, without its words.

    An error that is printed while it is handled, as `traceback.print_exc` does, is logged as a failure.
    """

    encoding = "utf-8"

    def __init__(self, name: str) -> None:
        """Name the stream that this one replaces."""
        self._name, self._thread = name, threading.local()

    def writable(self) -> bool:
        """Return that this stream can be written to."""
        return True

    def write(self, text: str) -> int:
        """Log that something was printed, unless it is a line's end, or is said about writing the log itself."""
        if text.strip() and not getattr(self._thread, "logging", False):
            self._thread.logging = True
            with contextlib.suppress(Exception):  # whoever prints must not fail because of the log
                self._log(sys.exc_info()[1])
            self._thread.logging = False
        return len(text)

    def _log(self, error: BaseException | None) -> None:
        if error is None:
            frame = _caller()
            log_place("printed", frame.f_code.co_filename, frame.f_lineno, stream=self._name)
        elif not vars(error).get("_logged"):  # a traceback is printed line by line
            vars(error)["_logged"] = True  # also where the class is frozen
            log_failure("error printed", error, stream=self._name)


class _LineHandler(logging.StreamHandler[TextIO]):
    """The handler that writes the log's lines; a full disk or a closed pipe disturbs nobody."""

    def handleError(self, record: logging.LogRecord) -> None:
        pass


class _LibraryHandler(logging.Handler):
    """The handler of all other loggers: it logs a record's level and place, or its error, without the message."""

    def emit(self, record: logging.LogRecord) -> None:
        said = {"level": record.levelname, "logger": record.name}
        error = record.exc_info[1] if record.exc_info else record.msg
        if isinstance(error, BaseException):
            log_failure("library", error, **said)
        else:
            log_place("library", record.pathname, record.lineno, **said)


def _remove_handlers(*streams: TextIO) -> None:
    """Remove the handlers that libraries have made for these streams; their records go to the root logger."""
    for logger in logging.root.manager.loggerDict.values():
        if isinstance(logger, logging.Logger):
            for handler in logger.handlers:
                if isinstance(handler, logging.StreamHandler) and handler.stream in streams:
                    logger.removeHandler(handler)
                    logger.propagate = True


def _log_warning(
    message: Warning | str, category: type[Warning], filename: str, lineno: int, *_: object, **__: object
) -> None:
    """Log a warning of Python's by category and place; in place of warnings.showwarning."""
    log_place("warning", filename, lineno, category=category.__name__)


def _log_crash(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
    """Log the error that ends the program, with its message: the main thread starts and stops, and serves nobody."""
    log_failure("crash", error, message=str(error)[:MAX_MESSAGE])


def _log_end_of_thread(found: threading.ExceptHookArgs) -> None:
    """Log the error that ends a thread."""
    if found.exc_value is not None and not isinstance(found.exc_value, SystemExit):
        log_failure("thread ended", found.exc_value)


def _log_ignored_error(found: "sys.UnraisableHookArgs") -> None:
    """Log an error that Python can raise nowhere, in a finalizer for example."""
    if found.exc_value is not None:
        log_failure("error ignored", found.exc_value)


def _caller() -> FrameType:
    """Return the frame of who prints."""
    frame = sys._getframe(1)
    while frame.f_globals.get("__name__") in PRINTERS and frame.f_back:
        frame = frame.f_back
    return frame
