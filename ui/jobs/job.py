"""Jobs: long work in threads of their own, which can be cancelled; a job that waits holds no thread."""

import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from retriever.errors import Cancelled, RetrieverError
from retriever.fair_lock import MACHINE_LOCK
from retriever.progress import Progress, stage_and_detail
from retriever.turns import OWNER, Owner
from ui.log import log_event, log_failure

Result = TypeVar("Result")
CANCELLED = "The work was cancelled; what was loaded before is unchanged."
NO_THREAD = "The lab has too much to do: the system gives it no further thread. Try again in a minute."


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
    """Work that runs as `work(progress)` in a thread; progress raises Cancelled after cancel was called.

    It has a thread only while it runs: start runs it at once, a queue when its turn has come.
    """

    def __init__(
        self,
        work: Callable[[Progress], Result],
        *,
        kind: str = "job",
        needs: Sequence["Job[Any]"] = (),
        takes_place: bool = True,
        while_needed: bool = False,
        owner: Owner | None = None,
    ) -> None:
        """Store the work.

        kind: the word for it in the log. needs: jobs whose end a queue awaits before it runs this one. takes_place:
        whether a queue counts it among its heavy jobs. while_needed: whether it ends with the last job that needs it.
        owner: whom it is for; by default, whom the present work is for.
        """
        self._work: Callable[[Progress], Result] | None = work
        self.kind, self.needs, self.takes_place, self.while_needed = kind, tuple(needs), takes_place, while_needed
        self.owner = OWNER.get() if owner is None else owner
        self.created = self._begun_at = time.monotonic()
        self._lock, self._begun = threading.Lock(), False
        self._cancelled, self._ended = threading.Event(), threading.Event()
        self._listeners: set[Callable[[], None]] = set()
        self._result: Result | None = None
        self._error: Exception | None = None
        self._stage, self._fraction, self._stage_start = "waiting", 0.0, self.created

    def start(self) -> "Job[Result]":
        """Run the work in a thread unless that has begun before, and return the job."""
        if self._begin():
            RUNNING.add(self)
            try:
                threading.Thread(target=self._run, name="job", daemon=True).start()
            except RuntimeError:
                self._end(error=RetrieverError(NO_THREAD))
        return self

    def drop(self, error: Exception) -> None:
        """End with an error without running the work, unless that has begun."""
        if self._begin():
            self._end(error=error)

    def cancel(self) -> None:
        """Ask the work to stop at its next progress report; a job that still waits in a queue ends at once."""
        self._cancelled.set()
        self._tell_listeners()

    def listen(self, listener: Callable[[], None]) -> None:
        """Have a function called whenever the job is cancelled, and when it has ended."""
        self._listeners.add(listener)

    def wait(self, seconds: float | None = None) -> bool:
        """Wait for the end of the work, for at most some seconds; return whether it has ended."""
        return self._ended.wait(seconds)

    @property
    def ended(self) -> bool:
        """Whether the job has ended."""
        return self._ended.is_set()

    @property
    def begun(self) -> bool:
        """Whether the work has begun, or the job has ended without it."""
        return self._begun

    @property
    def cancelled(self) -> bool:
        """Whether the job was asked to stop."""
        return self._cancelled.is_set()

    @property
    def error(self) -> Exception | None:
        """What the work raised; None if it has not ended, or ended well."""
        return self._error

    @property
    def status(self) -> Status:
        """The job's stage and progress; before it runs, that of the job for which it waits."""
        for need in self.needs:
            if not need.ended:
                return need.status
        return Status(self._stage, self._fraction, time.monotonic() - self._stage_start)

    def tell(self, stage: str, fraction: float = 0.0) -> None:
        """Record the stage and its progress."""
        if stage_and_detail(stage)[0] != stage_and_detail(self._stage)[0]:
            self._stage_start = time.monotonic()
        self._stage, self._fraction = stage, fraction

    def result(self) -> Result:
        """Wait for the end of the work and return its result, or raise what it raised."""
        self._ended.wait()
        if self._error is not None:
            raise self._error.with_traceback(None)  # else it grows with each visitor who is told of it
        return self._result  # type: ignore[return-value] # set by _run whenever there is no error

    def _begin(self) -> bool:
        """Return whether this is the first call."""
        with self._lock:
            first, self._begun = not self._begun, True
        self._begun_at = time.monotonic() if first else self._begun_at
        return first

    def _run(self) -> None:
        OWNER.set(self.owner)  # a thread begins with an empty context
        result, failed = None, None
        try:
            assert self._work is not None  # it has not ended
            self._check_cancelled()
            result = self._work(self._report)
        except Exception as error:  # of whatever type, the visitor's page has to show it
            failed = error
        self._end(result, failed)

    def _end(self, result: Result | None = None, error: Exception | None = None) -> None:
        """Keep the outcome, and let go of what the work needed: a collection that was replaced must not stay."""
        self._log(error, round(time.monotonic() - self._begun_at, 3))
        if error is not None:
            error.__traceback__ = None  # it refers to all that the work had; the log has it
        self._result, self._error = result, error
        self._work, self.needs = None, ()
        RUNNING.discard(self)
        self._ended.set()
        self._tell_listeners()
        self._listeners.clear()

    def _tell_listeners(self) -> None:
        for listener in list(self._listeners):
            listener()

    def _log(self, error: Exception | None, seconds: float) -> None:
        """Log how the work ended; an error's message may quote a visitor's text, its type does not."""
        if error is not None and not isinstance(error, RetrieverError):
            log_failure(self.kind, error, seconds=seconds)
            return
        outcome = "done" if error is None else "cancelled" if isinstance(error, Cancelled) else "refused"
        log_event(self.kind, outcome=outcome, seconds=seconds, error=type(error).__name__ if error else "")

    def _check_cancelled(self) -> None:
        if self.cancelled:
            raise Cancelled(CANCELLED)

    def _report(self, stage: str, fraction: float) -> None:
        """Record the progress, and give way to timed sections. Raises Cancelled if the job was cancelled."""
        self._check_cancelled()
        self.tell(stage, fraction)
        MACHINE_LOCK.yield_to_waiting()


def cancel_running(job: Job[Any] | None) -> bool:
    """Cancel a visitor's job, if there is one that has not ended; return whether there was."""
    if job is None or job.ended:
        return False
    job.cancel()
    return True


RUNNING: set[Job[Any]] = set()  # all jobs of the process that run, or wait in a queue


def cancel_jobs_of(visitor: str) -> None:
    """Cancel all jobs of a visitor whose session has ended; those of the lab itself go on."""
    for job in _newest_first():
        if visitor and job.owner.visitor == visitor:
            job.cancel()


def _newest_first() -> list[Job[Any]]:
    """Return all jobs: those that wait come before those that run, and so are not started for a moment."""
    return sorted(RUNNING, key=lambda job: job.created, reverse=True)


def cancel_all(seconds: float) -> bool:
    """Cancel all jobs and wait at most some seconds for their end; return whether all have ended."""
    jobs, end = _newest_first(), time.monotonic() + seconds
    for job in jobs:
        job.cancel()
    return all([job.wait(max(0.0, end - time.monotonic())) for job in jobs])
