"""Jobs: long work in threads of their own, which can be watched and cancelled."""

import contextvars
import threading
import time
import weakref
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import Any, Generic, TypeVar

from retriever.errors import Cancelled, RetrieverError
from retriever.fair_lock import MACHINE_LOCK
from retriever.progress import Progress
from retriever.turns import OWNER
from ui.log import log_event, log_failure

Result = TypeVar("Result")
POLL_SECONDS = 0.2  # seconds between two checks of a job


@dataclass(frozen=True)
class Status:
    """The progress of a job: its stage, the fraction of it done in [0, 1], and the seconds since the stage began."""

    stage: str = "waiting"
    fraction: float = 0.0
    elapsed: float = 0.0

    @property
    def seconds_left(self) -> float | None:
        """Seconds until the stage ends at its present rate; None while too little is done to estimate."""
        if self.fraction < 0.02 or self.elapsed < 1:
            return None
        return self.elapsed * (1 - self.fraction) / self.fraction


class Job(Generic[Result]):
    """Work that runs as `work(progress)` in a thread; progress raises Cancelled after cancel was called."""

    def __init__(self, work: Callable[[Progress], Result], *, kind: str = "job") -> None:
        """Store the work; kind: the word for it in the log."""
        self._work, self.kind, self.owner = work, kind, OWNER.get()
        self._starting = threading.Lock()
        self._cancelled = threading.Event()
        self._ended = threading.Event()
        self._result: Result | None = None
        self._error: BaseException | None = None
        self._stage, self._fraction, self._stage_start = "waiting", 0.0, time.monotonic()
        run = partial(contextvars.copy_context().run, self._run)  # threads begin with an empty context, without OWNER
        self._thread = threading.Thread(target=run, name="job", daemon=True)

    def start(self) -> "Job[Result]":
        """Start the thread unless it was started before, and return the job."""
        with self._starting:
            if self._thread.ident is None:
                RUNNING.add(self)
                self._thread.start()
        return self

    def cancel(self) -> None:
        """Ask the work to stop at its next progress report."""
        self._cancelled.set()

    def wait(self, seconds: float | None = None) -> bool:
        """Wait for the end of the work, for at most some seconds; return whether it has ended."""
        return self._ended.wait(seconds)

    @property
    def status(self) -> Status:
        """The job's stage and progress."""
        return Status(self._stage, self._fraction, time.monotonic() - self._stage_start)

    def result(self) -> Result:
        """Wait for the end of the work and return its result, or raise what it raised."""
        self._ended.wait()
        if self._error is not None:
            raise self._error
        return self._result  # type: ignore[return-value] # set by _run whenever there is no error

    def _run(self) -> None:
        start = time.monotonic()
        try:
            self._result = self._work(self._report)
        except Exception as error:  # of whatever type, the visitor's page has to show it
            self._error = error
        finally:
            RUNNING.discard(self)
            self._ended.set()
            self._log(round(time.monotonic() - start, 3))

    def _log(self, seconds: float) -> None:
        """Log how the work ended; an error's message may quote a visitor's text, its type does not."""
        error = self._error
        if error is not None and not isinstance(error, RetrieverError):
            log_failure(self.kind, error, seconds=seconds)
            return
        outcome = "done" if error is None else "cancelled" if isinstance(error, Cancelled) else "refused"
        log_event(self.kind, outcome=outcome, seconds=seconds, error=type(error).__name__ if error else "")

    def _report(self, stage: str, fraction: float) -> None:
        """Record the progress, and give way to timed sections. Raises Cancelled if the job was cancelled."""
        if self._cancelled.is_set():
            raise Cancelled("The work was cancelled; what was loaded before is unchanged.")
        if stage != self._stage:
            self._stage, self._stage_start = stage, time.monotonic()
        self._fraction = fraction
        MACHINE_LOCK.yield_to_waiting()


def watch(job: Job[Any]) -> Iterator[Status]:
    """Yield the status of a job at once and every POLL_SECONDS until it ends; cancel it if the caller stops listening.

    A visitor who leaves the page closes the generator that a handler iterates over.
    """
    try:
        yield job.status
        while not job.wait(POLL_SECONDS):
            yield job.status
    finally:
        job.cancel()  # without effect on a job that has ended


def cancel_running(job: Job[Any] | None) -> bool:
    """Cancel a visitor's job, if there is one that has not ended; return whether there was."""
    if job is None or job.wait(0):
        return False
    job.cancel()
    return True


RUNNING: "weakref.WeakSet[Job[Any]]" = weakref.WeakSet()  # all jobs of the process that have not ended


def cancel_all(seconds: float) -> bool:
    """Cancel all running jobs and wait at most some seconds for their end; return whether all have ended."""
    jobs, end = list(RUNNING), time.monotonic() + seconds
    for job in jobs:
        job.cancel()
    return all([job.wait(max(0.0, end - time.monotonic())) for job in jobs])


def cancel_jobs_of(visitor: str) -> None:
    """Cancel all jobs that a visitor has asked for."""
    for job in list(RUNNING):
        if job.owner.visitor == visitor:
            job.cancel()
