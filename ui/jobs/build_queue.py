"""The line: a few builds work at once, the others wait in the order they came and are told how many are before them."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from retriever.progress import Progress
from ui.settings import limits

LOOK_SECONDS = 0.2  # seconds between two looks of one who waits: progress is told, and who gave up is let go


class BuildQueue:
    """Let at most `places` pieces of heavy work run together, first come, first served."""

    def __init__(self, places: Callable[[], int]) -> None:
        """Take a function that tells the number of places, asked each time."""
        self._places = places
        self._changed = threading.Condition()
        self._waiting: list[object] = []
        self._working = 0

    @property
    def working(self) -> int:
        """How many are at work."""
        return self._working

    @property
    def waiting(self) -> int:
        """How many wait."""
        return len(self._waiting)

    @contextmanager
    def place(self, progress: Progress) -> Iterator[None]:
        """Work once there is a place; until then progress is told how many are before. What it raises ends the wait."""
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
        """Take a place if it is this one's turn; else wait a moment and say so."""
        with self._changed:
            if not self._changed.wait_for(lambda: self._may_work(ticket), timeout=LOOK_SECONDS):
                return False
            self._waiting.remove(ticket)
            self._working += 1
            self._changed.notify_all()  # there may be another place for the next
            return True

    def _may_work(self, ticket: object) -> bool:
        return self._working < self._places() and self._waiting[0] is ticket

    def _count_before(self, ticket: object) -> int:
        with self._changed:
            return self._waiting.index(ticket) + self._working


def waiting_words(before: int) -> str:
    """Say how many are before one who waits."""
    return f"waiting in line: {before} {'build is' if before == 1 else 'builds are'} before yours"


def _allowed_builds() -> int:
    return limits().builds


BUILD_QUEUE = BuildQueue(_allowed_builds)  # one for the process: there is one machine
