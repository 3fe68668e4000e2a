"""The classes of this lab, in memory only: found by their codes, few at once, and ended when their time is over."""

import time
from collections.abc import Callable

from retriever.errors import RetrieverError
from ui.classroom.classroom import Classroom
from ui.classroom.codes import WrongCodes, new_code, new_token
from ui.lessons.lesson import Lesson
from ui.settings import limits

KEPT_SECONDS = 900.0  # seconds that the results of a class which is over can still be downloaded
ABANDONED_SECONDS = 600.0  # seconds without teacher and students after which a class makes room for another
NO_ROOM = (
    "{classes} classes are under way in this lab, as many as it takes; nothing was started. Try again once one has "
    "ended, or in ten minutes."
)
NO_ROOM_NEARBY = "{classes} classes are under way from your network; nothing was started. End one of them first."


class NoRoom(RetrieverError):
    """No further class can be started; the message says why."""


class Classrooms:
    """All classes by their codes."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        """Start without classes; clock: returns seconds."""
        self.clock, self.wrong_codes = clock, WrongCodes(clock)
        self.stopping = False  # whether no request may wait any more
        self._by_code: dict[str, Classroom] = {}

    @property
    def under_way(self) -> list[Classroom]:
        """The classes that have not ended."""
        return [classroom for classroom in self._by_code.values() if not classroom.over]

    def facts(self) -> dict[str, int]:
        """Return how many classes are under way, and how many students they have."""
        return {"under_way": len(self.under_way), "students": sum(classroom.students for classroom in self.under_way)}

    def start(self, lesson: Lesson, address: str) -> tuple[Classroom, str]:
        """Start a class and return it with the teacher's secret. Raises NoRoom if there are as many as there may be."""
        self.sweep()
        most = limits().classes
        if len(self.under_way) >= most:
            self._drop_abandoned()
        if len(self.under_way) >= most:
            raise NoRoom(NO_ROOM.format(classes=most))
        nearby = sum(classroom.address == address for classroom in self.under_way)
        if nearby >= max(2, most - most // 2):
            raise NoRoom(NO_ROOM_NEARBY.format(classes=nearby))
        code, secret = new_code(), new_token()
        while code in self._by_code:
            code = new_code()
        self._by_code[code] = Classroom(code, lesson, secret, self.clock(), address=address)
        self._drop_oldest_ended(most)
        return self._by_code[code], secret

    def find(self, code: str) -> Classroom | None:
        """Return a class by its code, for a while after its end too; None if there is none, or none any more."""
        return self._by_code.get(code)

    def sweep(self) -> None:
        """End the classes whose time is over, and forget those that ended some time ago."""
        now, lifetime = self.clock(), 60.0 * limits().class_minutes
        for code, classroom in list(self._by_code.items()):
            if now - classroom.began >= lifetime:
                classroom.end(now)
            if classroom.ended is not None and now - classroom.ended >= KEPT_SECONDS:
                del self._by_code[code]

    def stop(self) -> None:
        """Let all requests that wait for a change be answered now, as the lab stops."""
        self.stopping = True
        for classroom in self._by_code.values():
            classroom.wake()

    def _drop_abandoned(self) -> None:
        now = self.clock()
        for classroom in self.under_way:
            if now - classroom.last_seen() >= ABANDONED_SECONDS:
                classroom.end(now)

    def _drop_oldest_ended(self, most: int) -> None:
        """Keep as many classes that are over as may be under way."""
        ended = sorted((each for each in self._by_code.values() if each.ended is not None), key=_end_of)
        for classroom in ended[: max(0, len(ended) - most)]:
            del self._by_code[classroom.code]


def _end_of(classroom: Classroom) -> float:
    return classroom.ended or 0.0
