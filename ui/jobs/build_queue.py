"""The queues of heavy jobs: a few run at once, visitors take turns, and waiting jobs hold no thread."""

import threading
import time
from collections.abc import Callable, Iterable
from typing import Any, TypeVar

from retriever.errors import Cancelled, RetrieverError
from retriever.turns import LAB, Owner, Turns
from ui.jobs.job import CANCELLED, RUNNING, Job
from ui.settings import limits

Result = TypeVar("Result")
MAX_WAITING = 100  # jobs that wait in one queue
MAX_WAITING_FROM_ADDRESS = 50  # of those: the jobs of one address, so that others find room


class BuildQueue:
    """A queue of jobs of which at most `places` run at once; addresses take turns, and their visitors.

    A job waits, without a thread, for the jobs that it needs, and then for a place. One visitor never gets all places,
    if there are several. Jobs that take no place run as soon as those that they need have ended.
    """

    def __init__(self, places: Callable[[], int], share: Callable[[], int], noun: str, kinds: str) -> None:
        """Create an empty queue.

        places: returns the number of places, share: the most jobs of one visitor, waiting or running; both are called
        each time. noun: the word for a job that others wait for; kinds: the words for all that are in the queue.
        """
        self._places, self._share, self._noun, self._kinds = places, share, noun, kinds
        self._lock = threading.Lock()
        self._needing: list[Job[Any]] = []  # wait for the jobs that they need
        self._ready: Turns[Job[Any]] = Turns()  # wait for a place
        self._running: list[Job[Any]] = []

    @property
    def working(self) -> int:
        """The number of jobs that have a place."""
        return sum(job.takes_place and not job.ended for job in self._running)

    @property
    def waiting(self) -> int:
        """The number of jobs that wait for a place, or for a job that they need."""
        return len(self._needing) + len(self._ready)

    @property
    def longest_wait(self) -> float:
        """The seconds that the longest waiting job has waited; 0 if none waits."""
        with self._lock:
            waiting = [*self._needing, *self._ready]
        return time.monotonic() - min(job.created for job in waiting) if waiting else 0.0

    def submit(self, job: Job[Result]) -> Job[Result]:
        """Add a job and return it; it is started in its turn, and leaves the queue at once if it is cancelled.

        Raises RetrieverError if its visitor has too many jobs already, or if the queue is full.
        """
        with self._lock:
            self._check_room(job.owner)
            RUNNING.add(job)
            self._needing.append(job)
        for awaited in (job, *job.needs):
            awaited.listen(self._advance)
        self._advance()
        return job

    def _check_room(self, owner: Owner) -> None:
        """Raise RetrieverError if there is no room for a further job of an owner; the lab's own are not refused."""
        if owner == LAB:
            return
        waiting, share = [*self._needing, *self._ready], self._share()
        mine = sum(job.owner == owner and not job.cancelled for job in (*waiting, *self._running))
        if mine >= share:
            raise RetrieverError(
                f"{mine} of your {self._kinds} are waiting or running already; at most {share} may at once. Wait until "
                "one has ended, or cancel one."
            )
        nearby = sum(job.owner.address == owner.address for job in waiting)
        if len(waiting) >= MAX_WAITING or nearby >= MAX_WAITING_FROM_ADDRESS:
            raise RetrieverError(f"{len(waiting)} {self._kinds} are waiting already. Try again in some minutes.")

    def _advance(self) -> None:
        """Let jobs leave that were cancelled or whose needs failed, and start those whose turn has come."""
        with self._lock:
            self._running = [job for job in self._running if not job.ended]
            left = [(job, error) for job in (*self._needing, *self._ready) if (error := _reason_to_leave(job))]
            for job, _ in left:
                (self._needing if job in self._needing else self._ready).remove(job)
            started = self._take_placeless() + self._fill_places()
            for before, job in enumerate(self._ready.order(), self.working):
                job.tell(waiting_words(before, self._noun))
        for job, error in left:
            needs = job.needs
            job.drop(error)
            _let_go(needs)
        for job in started:
            job.start()

    def _take_placeless(self) -> list[Job[Any]]:
        """Have jobs that need nothing more wait for a place; return those that take none."""
        able = [job for job in self._needing if all(need.ended and not need.error for need in job.needs)]
        for job in able:
            self._needing.remove(job)
            if job.takes_place:
                self._ready.add(job, job.owner)
        placeless = [job for job in able if not job.takes_place]
        self._running += placeless
        return placeless

    def _fill_places(self) -> list[Job[Any]]:
        """Give the free places to the jobs whose turn it is, and return these."""
        places, started = self._places(), []
        while self._ready and self.working < places and (job := self._next_job(places)):
            self._ready.take(job)
            self._running.append(job)
            started.append(job)
        return started

    def _next_job(self, places: int) -> Job[Any] | None:
        """Return the job whose turn it is; no owner gets all of several places."""
        most = max(1, places - 1)
        owners = [job.owner for job in self._running if job.takes_place]
        return next((job for job in self._ready.order() if owners.count(job.owner) < most), None)


def _reason_to_leave(job: Job[Any]) -> Exception | None:
    """Return the error with which a waiting job ends; None if it goes on waiting."""
    if job.cancelled:
        return Cancelled(CANCELLED)
    return next((need.error for need in job.needs if need.error), None)


def _let_go(needs: Iterable[Job[Any]]) -> None:
    """Cancel those of the lab's own jobs, such as fetching a model, which only a job that has left has needed.

    One that has begun goes on for the next who needs it, unless it is to run only while it is needed.
    """
    needed = {need for job in tuple(RUNNING) if not job.cancelled for need in job.needs}
    for need in needs:
        if need.owner == LAB and need not in needed and (need.while_needed or not need.begun):
            need.cancel()


def waiting_words(before: int, noun: str) -> str:
    """Return the stage of a waiting job: how many are before it, unless somebody comes whose turn is earlier."""
    builds = f"{noun} is" if before == 1 else f"{noun}s are"
    return f"waiting in line: {before} {builds} before yours at present"


def _allowed_builds() -> int:
    return limits().builds


def _allowed_jobs() -> int:
    return limits().jobs


def _measured_at_once() -> int:
    return 2  # one is timed while the other counts


# one of each per process, as there is one machine
BUILD_QUEUE = BuildQueue(_allowed_builds, _allowed_jobs, "build", "builds, comparisons and labs")
CURVE_QUEUE = BuildQueue(_measured_at_once, _allowed_jobs, "curve", "measured curves")
# what waits for a server that hangs delays nobody who does not use it
MILVUS_QUEUE = BuildQueue(_measured_at_once, _allowed_jobs, "job in Milvus", "jobs in Milvus")
