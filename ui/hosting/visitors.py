"""Visitors: who is here, how many may be, and whose time has run out. It knows of no page and no web server."""

import threading
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass

from ui.settings import limits

GRACE_SECONDS = 120.0  # seconds that a closed page is remembered: bad Wi-Fi breaks connections, and the page comes back
MOST_ENDED = 10_000  # names of ended sessions that are remembered


@dataclass
class Visit:
    """Hold when a visitor last did something, and how many connections of their page are open."""

    last: float
    pages: int = 0


class Visitors:
    """Keep account of sessions by their name, which only the visitor's page and the server know."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        """Begin with nobody; clock gives seconds."""
        self._clock = clock
        self._lock = threading.Lock()
        self._visits: dict[str, Visit] = {}
        self._ended: OrderedDict[str, None] = OrderedDict()

    def __len__(self) -> int:
        """Count who is here."""
        return len(self._visits)

    @property
    def full(self) -> bool:
        """Whether no new visitor is let in."""
        return len(self._visits) >= limits().sessions

    def admit(self, name: str) -> bool:
        """Note that a visitor does something; return False for a new one when the lab is full."""
        with self._lock:
            if name not in self._visits:
                if self.full:
                    return False
                self._visits[name] = Visit(self._clock())
            self._visits[name].last = self._clock()
            return True

    def connected(self, name: str) -> None:
        """Note that a visitor's page is open."""
        with self._lock:
            if name in self._visits:
                self._visits[name].pages += 1

    def disconnected(self, name: str) -> None:
        """Note that a visitor's page was closed, or its connection broke."""
        with self._lock:
            if visit := self._visits.get(name):
                visit.pages = max(0, visit.pages - 1)
                visit.last = self._clock()

    def expired(self) -> list[str]:
        """Take out, and return, who has done nothing for so long, or has left."""
        now, kept = self._clock(), limits().session_minutes * 60.0
        with self._lock:
            gone = [
                name
                for name, visit in self._visits.items()
                if now - visit.last > (kept if visit.pages else min(GRACE_SECONDS, kept))
            ]
            for name in gone:
                del self._visits[name]
                self._ended[name] = None
            while len(self._ended) > MOST_ENDED:
                self._ended.popitem(last=False)
        return gone

    def has_ended(self, name: str) -> bool:
        """Return whether a session's time ran out: its page has to be loaded anew."""
        return name in self._ended
