"""The build queue: a few builds run at once, the others wait in order and are told how many are before them."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from retriever.progress import Progress
from ui.settings import limits

LOOK_SECONDS = 0.2  # seconds between two progress reports of a waiting build; cancelled ones leave the queue then


class BuildQueue:
    """A first-come, first-served queue for heavy work, of which at most `places` pieces run at once."""

    def __init__(self, places: Callable[[], int]) -> None:
        """Create an empty queue; places: returns the number of places, called each time."""
        self._places = places
        self._changed = threading.Condition()
        self._waiting: list[object] = []
        self._working = 0

    @property
    def working(self) -> int:
        """The number of builds that have a place."""
        return self._working

    @property
    def waiting(self) -> int:
        """The number of builds that wait for a place."""
        return len(self._waiting)

    @contextmanager
    def place(self, progress: Progress) -> Iterator[None]:
        """Wait for a place, and hold it for the body of the with statement.

        While waiting, progress is told how many builds are before this one; what progress raises ends the wait.
        """
        self._wait(progress)
        try:
            yield
        finally:
            with self._changed:
                self._working -= 1
                self._changed.notify_all()

    def _wait(self, progress: Progress) -> None:
        ticket = object()
        with self._changed:
            self._waiting.append(ticket)
        try:
            while not self._take_place(ticket):
                progress(waiting_words(self._count_before(ticket)), 0.0)
        except BaseException:
            with self._changed:
                self._waiting.remove(ticket)
                self._changed.notify_all()
            raise

    def _take_place(self, ticket: object) -> bool:
        """Take a place if it is this ticket's turn, waiting LOOK_SECONDS at most; return whether it was taken."""
        with self._changed:
            if not self._changed.wait_for(lambda: self._may_work(ticket), timeout=LOOK_SECONDS):
                return False
            self._waiting.remove(ticket)
            self._working += 1
            self._changed.notify_all()  # there may be a place for the next one too
            return True

    def _may_work(self, ticket: object) -> bool:
        return self._working < self._places() and self._waiting[0] is ticket

    def _count_before(self, ticket: object) -> int:
        with self._changed:
            return self._waiting.index(ticket) + self._working


def waiting_words(before: int) -> str:
    """Return the stage of a waiting build: how many builds are before it."""
    return f"waiting in line: {before} {'build is' if before == 1 else 'builds are'} before yours"


def _allowed_builds() -> int:
    return limits().builds


BUILD_QUEUE = BuildQueue(_allowed_builds)  # one per process, as there is one machine
