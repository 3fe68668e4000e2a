"""Reading of untrusted files in a worker process: whatever a file does to its reader, only that file fails.

The worker is restricted (restrictions.py) and does only a few tasks (worker.py). Its answers are JSON of limited size
and are checked, so that even a compromised worker cannot harm this process.
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

from retriever.documents.document import FileContent, Section, TableColumns
from retriever.errors import (
    CollectionError,
    ColumnError,
    DocumentError,
    PartError,
    RetrieverError,
    StorageError,
    shortage,
)
from retriever.parameters import MEGABYTE
from sandbox.json_process import AnswerTooLong, JsonProcess
from sandbox.restrictions import Restrictions
from sandbox.worker import OUT_OF_MEMORY

START_SECONDS = 60.0  # until a worker must be ready: a machine under load starts it slowly
EXIT_SECONDS = 1.0  # from the closing of its pipe to the end of a worker
MAX_VALUES = 3_000_000  # in all answers together; each takes about a hundred bytes once parsed, however short its JSON
MEMORY_SHARE = 0.6  # of its memory: a worker that has taken more and fails is out of memory
MAX_MESSAGE_LENGTH = 500  # characters of an error message
WORKER = Path(__file__).with_name("worker.py")
ERRORS = {kind.__name__: kind for kind in (ColumnError, DocumentError, PartError, CollectionError, StorageError)}
SECTION_FIELDS = [str, str, dict, str, str]  # types of the fields of Section
BROKEN_FILE = "The program that reads files broke down on it, so it is probably damaged: save it anew, or convert it."


class ReadingProcess:
    """A reader of untrusted files in a worker process with limits; a new worker replaces one that had to be ended.

    files: the only files and folders the worker may open, if the system can enforce that; None for any. seconds: for
    one file. total_seconds: for all files. megabytes: of the worker's address space. max_pages: of a PDF.
    text_megabytes: of all answers, as JSON. progress: called about ten times a second; an exception it raises ends the
    worker and is passed on. For one thread, as a context manager, at whose end the worker is ended.
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
        self.missing: list[str] = []  # restrictions that the system does not support
        self._files = None if files is None else [os.path.abspath(path) for path in files]
        self._seconds, self._total_seconds, self._seconds_left = seconds, total_seconds, total_seconds
        self._megabytes, self._max_pages = megabytes, max_pages
        self._text_megabytes, self._bytes_left = text_megabytes, text_megabytes * MEGABYTE
        self._values_left = MAX_VALUES
        self._progress = progress
        self._worker: JsonProcess | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self._end()

    def read(self, path: Path, columns: TableColumns | None = None) -> FileContent:
        """Return a file's content, see documents.loading.read_file. Raises DocumentError, also at a limit."""
        chosen = columns or TableColumns()
        asked = {"text_columns": chosen.text, "title_column": chosen.title}
        parts = self._ask("read", path=os.path.abspath(path), max_pages=self._max_pages, **asked)
        if type(parts) is not list or [*map(type, parts)] != [list, dict, list]:
            raise DocumentError(BROKEN_FILE)
        rows, unread, notes = parts
        if not all(type(row) is list and [*map(type, row)] == SECTION_FIELDS for row in rows):
            raise DocumentError(BROKEN_FILE)
        if not all(
            type(words) is str and len(words) <= MAX_MESSAGE_LENGTH for words in (*unread, *unread.values(), *notes)
        ):
            raise DocumentError(BROKEN_FILE)
        return FileContent([Section(*row) for row in rows], unread, tuple(notes))

    def read_column_names(self, path: Path, most: int) -> list[str]:
        """Return the names of a table's first columns. Raises DocumentError, also at a limit."""
        names = self._ask("columns", path=os.path.abspath(path), most=most)
        if type(names) is not list or not all(type(name) is str for name in names):
            raise DocumentError(BROKEN_FILE)
        return names[:most]

    def read_archive_parts(self, path: Path) -> dict[str, list[str]]:
        """Return the collections in a BEIR archive, each with its splits. Raises what archive_parts raises."""
        parts = self._ask("parts", path=os.path.abspath(path))
        if type(parts) is not list or not all(
            type(part) is list and [*map(type, part)] == [str, list] for part in parts
        ):
            raise DocumentError(BROKEN_FILE)
        if not all(type(split) is str for _, splits in parts for split in splits):
            raise DocumentError(BROKEN_FILE)
        return dict(parts)

    def check(self, task: str, path: str | Path, *, max_bytes: int = 0, **part: str) -> None:
        """Check that a file can be read within the limits, with one of the worker's tasks other than "read".

        max_bytes: of what an archive unpacks to, in a folder that is deleted afterwards. part: what of it is read.
        Raises what the reader raises, and DocumentError if a limit is reached.
        """
        if not max_bytes:
            self._ask(task, path=os.path.abspath(path), **part)
            return
        with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
            self._end()
            try:
                self._start(folder, max_bytes)
                self._ask(task, path=os.path.abspath(path), folder=folder, max_bytes=max_bytes, **part)
            finally:
                self._end()  # only this worker may write

    def _ask(self, task: str, **arguments: Any) -> Any:  # noqa: ANN401 - JSON
        """Have the worker do a task and return the result. Raises the error it answers, DocumentError for a limit."""
        allowed = min(self._seconds, self._seconds_left)
        if allowed <= 0:
            raise self._failure(TimeoutError())
        worker, begin = self._worker or self._start(), time.monotonic()
        try:
            request = {"task": task, **arguments}
            answer = worker.ask(request, seconds=allowed, most=self._bytes_left, progress=self._progress)
        except (TimeoutError, AnswerTooLong, EOFError) as error:
            used_up = self._used_up(worker)
            raise self._failure(error, self._end(ended=isinstance(error, EOFError)), used_up) from None
        except BaseException:  # raised by progress
            self._end()
            raise
        finally:
            self._seconds_left -= time.monotonic() - begin
        if not self._used_up(worker):
            return self._result(answer)
        self._end()  # so that the next file has all the memory
        try:
            return self._result(answer)
        except RetrieverError:  # parsers report damage when they are refused memory
            raise self._failure(MemoryError()) from None

    def _used_up(self, worker: JsonProcess) -> bool:
        """Return whether a worker has taken most of its memory."""
        return worker.peak > MEMORY_SHARE * self._megabytes * MEGABYTE

    def _start(self, folder: str = "", max_bytes: int = 0) -> JsonProcess:
        """Start a worker, which may write files of max_bytes into folder.

        Raises DocumentError if that fails, RetrieverError if the machine lacks what a process needs.
        """
        restrictions = Restrictions(
            self._megabytes, int(self._total_seconds) + 60, os.getpid(), self._files, folder, max_bytes
        )
        try:
            self._worker = JsonProcess(WORKER)
            first = {"path": [os.path.abspath(path) for path in sys.path], "restrictions": asdict(restrictions)}
            ready = self._worker.ask(first, seconds=START_SECONDS, most=10_000, progress=self._progress)
        except (OSError, AnswerTooLong, EOFError) as error:
            self._end()
            if lacking := shortage(error):  # of no file: the next one would fail too
                raise RetrieverError(
                    f"The process that reads files did not start: {lacking}. Try again in a minute."
                ) from error
            reason = getattr(error, "strerror", None) or type(error).__name__
            raise DocumentError(f"The process that reads files did not start ({reason}): try again later.") from error
        except BaseException:  # raised by progress
            self._end()
            raise
        self.missing = json.loads(ready)["missing"]
        return self._worker

    def _end(self, *, ended: bool = False) -> int:
        """End the worker, if there is one, and return its exit status; ended: whether it is ending by itself."""
        worker, self._worker = self._worker, None
        return worker.end(EXIT_SECONDS if ended else 0) if worker else 0

    def _result(self, answer: bytes) -> Any:  # noqa: ANN401 - JSON
        """Return the result in an answer. Raises the error it names, DocumentError if it is invalid or too large."""
        values = sum(map(answer.count, (b",", b"[", b"{")))  # an upper bound
        if values > self._values_left:
            raise DocumentError(
                f"The files hold more than {MAX_VALUES:,} rows and values: upload fewer at once, or leave columns out."
            )
        try:
            parsed = json.loads(answer)
            if "error" in parsed:
                error = ERRORS.get(str(parsed["error"]), RetrieverError)(str(parsed["message"])[:MAX_MESSAGE_LENGTH])
            else:
                error, result = None, parsed["done"]
        except (ValueError, TypeError, LookupError, RecursionError):
            raise DocumentError(BROKEN_FILE) from None
        if error:
            raise error
        self._bytes_left -= len(answer)
        self._values_left -= values
        return result

    def _failure(self, error: Exception, status: int = 0, used_up: bool = False) -> DocumentError:
        """Return the error for a missing answer.

        status: the exit status of the worker. used_up: whether it had used up its memory.
        """
        ended = isinstance(error, EOFError)  # by itself; after any other error it was killed by this class
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
