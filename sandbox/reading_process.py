"""Reading strangers' files in a process apart: whatever a file does to its reader, only that file fails.

The child is confined (confinement.py) and knows a few tasks (apart_child.py). What it answers is JSON of bounded
size, and checked: nothing that a file could make of the child can harm this process.
"""

import json
import os
import signal
import sys
import tempfile
import time
from collections.abc import Callable, Iterable
from dataclasses import asdict
from pathlib import Path
from typing import Any, Self

from retriever.documents.document import Section
from retriever.errors import CollectionError, DocumentError, RetrieverError, StorageError
from retriever.parameters import MEGABYTE
from sandbox.json_process import AnswerTooLong, JsonProcess
from sandbox.restrictions import Restrictions
from sandbox.worker import OUT_OF_MEMORY

START_SECONDS = 60.0  # seconds a child may take until it is ready: a machine under load starts nothing quickly
EXIT_SECONDS = 1.0  # seconds from closing its pipe to its end
MOST_VALUES = 3_000_000  # in all answers together; each takes about a hundred bytes here, however short it is there
MEMORY_SHARE = 0.6  # of its memory: a child that has taken so much and fails, fails for want of more
LONGEST_MESSAGE = 500  # characters of a message
WORKER = Path(__file__).with_name("worker.py")
ERRORS = {kind.__name__: kind for kind in (DocumentError, CollectionError, StorageError)}
SECTION_FIELDS = [str, str, dict, str, str]  # of a piece
BROKEN_FILE = "The program that reads files broke down on it, so it is probably damaged: save it anew, or convert it."


class ReadingProcess:
    """Read files in a child process, one after another, within limits; a new child takes over where one had to end.

    files: the only files and folders it may open, where the system can see to that; None for any. seconds: for one
    file; total_seconds: for all of them. megabytes: of the child's address space. max_pages: of a PDF.
    text_megabytes: of what all files give back, as JSON. progress: called about ten times a second, and whatever it
    raises ends the child and is raised on. All of it belongs to one thread; nothing is left after the with block.
    """

    def __init__(
        self,
        files: Iterable[str | Path] | None = None,
        *,
        seconds: float = 60,
        total_seconds: float = 300,
        megabytes: int = 1500,
        max_pages: int | None = None,
        text_megabytes: int = 100,
        progress: Callable[[], None] | None = None,
    ) -> None:
        self.missing: list[str] = []  # what this system could not take away from the child
        self._files = None if files is None else [os.path.abspath(path) for path in files]
        self._seconds, self._total_seconds, self._seconds_left = seconds, total_seconds, total_seconds
        self._megabytes, self._max_pages = megabytes, max_pages
        self._text_megabytes, self._bytes_left = text_megabytes, text_megabytes * MEGABYTE
        self._values_left = MOST_VALUES
        self._progress = progress
        self._child: JsonProcess | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self._end()

    def read(self, path: Path) -> list[Section]:
        """Read one file's pieces, see documents.read_file. Raises DocumentError, also where a limit was reached."""
        rows = self._ask("read", path=os.path.abspath(path), max_pages=self._max_pages)
        if type(rows) is not list or not all(type(row) is list and [*map(type, row)] == SECTION_FIELDS for row in rows):
            raise DocumentError(BROKEN_FILE)
        return [Section(*row) for row in rows]

    def check(self, task: str, path: str | Path, *, max_bytes: int = 0) -> None:
        """Try whether a file can be read within the limits, as one of the child's tasks other than "read".

        max_bytes: what may be unpacked of an archive, into a folder that is then deleted. Raises what the reader
        raises, and DocumentError where a limit was reached.
        """
        if not max_bytes:
            self._ask(task, path=os.path.abspath(path))
            return
        with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
            self._end()
            try:
                self._start(folder, max_bytes)
                self._ask(task, path=os.path.abspath(path), folder=folder, max_bytes=max_bytes)
            finally:
                self._end()  # only this one could write

    def _ask(self, task: str, **arguments: Any) -> Any:  # noqa: ANN401 - JSON
        """Have a task done and return what it gives. Raises the error that it names, DocumentError for a limit."""
        allowed = min(self._seconds, self._seconds_left)
        if allowed <= 0:
            raise self._failure(TimeoutError())
        child, begin = self._child or self._start(), time.monotonic()
        try:
            request = {"task": task, **arguments}
            answer = child.ask(request, seconds=allowed, most=self._bytes_left, progress=self._progress)
        except (TimeoutError, AnswerTooLong, EOFError) as error:
            used_up = self._used_up(child)
            raise self._failure(error, self._end(ended=isinstance(error, EOFError)), used_up) from None
        except BaseException:  # what progress raised
            self._end()
            raise
        finally:
            self._seconds_left -= time.monotonic() - begin
        if not self._used_up(child):
            return self._result(answer)
        self._end()  # so that the next file has all of the memory
        try:
            return self._result(answer)
        except RetrieverError:  # parsers call it damage when they are refused memory
            raise self._failure(MemoryError()) from None

    def _used_up(self, child: JsonProcess) -> bool:
        """Tell whether a child has taken most of its memory."""
        return child.peak > MEMORY_SHARE * self._megabytes * MEGABYTE

    def _start(self, folder: str = "", max_bytes: int = 0) -> JsonProcess:
        """Start a child that may write so many bytes into a folder. Raises DocumentError if there can be none."""
        restrictions = Restrictions(
            self._megabytes, int(self._total_seconds) + 60, os.getpid(), self._files, folder, max_bytes
        )
        try:
            self._child = JsonProcess(WORKER)
            first = {"path": [os.path.abspath(path) for path in sys.path], "restrictions": asdict(restrictions)}
            ready = self._child.ask(first, seconds=START_SECONDS, most=10_000, progress=self._progress)
        except (OSError, AnswerTooLong, EOFError) as error:
            self._end()
            reason = getattr(error, "strerror", None) or type(error).__name__
            raise DocumentError(f"The process that reads files did not start ({reason}): try again later.") from error
        except BaseException:  # somebody cancelled
            self._end()
            raise
        self.missing = json.loads(ready)["missing"]
        return self._child

    def _end(self, *, ended: bool = False) -> int:
        """End the child, if there is one, and return its exit status; wait for that of one that ended by itself."""
        child, self._child = self._child, None
        return child.end(EXIT_SECONDS if ended else 0) if child else 0

    def _result(self, answer: bytes) -> Any:  # noqa: ANN401 - JSON
        """Return what an answer holds. Raises the error that it names, DocumentError if it is none or too much."""
        values = sum(map(answer.count, (b",", b"[", b"{")))  # there are no more than these
        if values > self._values_left:
            raise DocumentError(
                f"The files hold more than {MOST_VALUES:,} rows and values: upload fewer at once, or leave columns out."
            )
        try:
            found = json.loads(answer)
            if "error" in found:
                error = ERRORS.get(str(found["error"]), RetrieverError)(str(found["message"])[:LONGEST_MESSAGE])
            else:
                error, result = None, found["done"]
        except (ValueError, TypeError, LookupError, RecursionError):
            raise DocumentError(BROKEN_FILE) from None
        if error:
            raise error
        self._bytes_left -= len(answer)
        self._values_left -= values
        return result

    def _failure(self, error: Exception, status: int = 0, used_up: bool = False) -> DocumentError:
        """Say why there is no answer: status tells how a child ended, used_up whether its memory was used up then."""
        ended = isinstance(error, EOFError)  # by itself; after any other error it was killed here
        if isinstance(error, AnswerTooLong):
            reason = (
                f"The files give more than {self._text_megabytes:,} MB of text: split them, or upload fewer at once."
            )
        elif isinstance(error, MemoryError) or ended and (used_up or status in (OUT_OF_MEMORY, -signal.SIGKILL)):
            reason = f"Reading the file needs more than {self._megabytes:,} MB of memory, so it was stopped: split it."
        elif ended and status != -signal.SIGXCPU:
            reason = BROKEN_FILE
        elif self._seconds_left < self._seconds:
            reason = (
                f"Reading the files took {self._total_seconds:g} s together, so it was stopped: upload fewer at once."
            )
        else:
            reason = (
                f"Reading the file took longer than {self._seconds:g} s, so it was stopped: split it, or save it anew."
            )
        return DocumentError(reason)
