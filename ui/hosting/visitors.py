"""The registry of visitors: how many are admitted, and whose time has run out. Independent of page and web server."""

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass

from cachetools import FIFOCache

from ui.settings import limits

GRACE_SECONDS = 120.0  # seconds that a closed page is remembered: bad Wi-Fi breaks connections, and the page reconnects
MAX_ENDED = 10_000  # names of ended sessions that are remembered


@dataclass
class Visit:
    """The time of a visitor's last action, and the number of open connections of their page."""

    last: float
    pages: int = 0


class Visitors:
    """A registry of sessions by name, which only the visitor's page and the server know."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        """Create an empty registry; clock: returns seconds."""
        self._clock = clock
        self._lock = threading.Lock()
        self._visits: dict[str, Visit] = {}
        self._ended: FIFOCache[str, None] = FIFOCache(MAX_ENDED)

    def __len__(self) -> int:
        """Return the number of visitors."""
        return len(self._visits)

    @property
    def full(self) -> bool:
        """Whether no new visitor is admitted."""
        return len(self._visits) >= limits().sessions

    def admit(self, name: str) -> bool:
        """Record that a visitor acts, and return True; return False for a new visitor when the lab is full."""
        with self._lock:
            if name not in self._visits:
                if self.full:
                    return False
                self._visits[name] = Visit(self._clock())
            self._visits[name].last = self._clock()
            return True

    def connected(self, name: str) -> None:
        """Record that a visitor's page is open."""
        with self._lock:
            if name in self._visits:
                self._visits[name].pages += 1

    def disconnected(self, name: str) -> None:
        """Record that a visitor's page was closed, or that its connection broke."""
        with self._lock:
            if visit := self._visits.get(name):
                visit.pages = max(0, visit.pages - 1)
                visit.last = self._clock()

    def expired(self) -> list[str]:
        """Remove and return the sessions that were idle for too long, or whose page was closed."""
        now, lifetime = self._clock(), limits().session_minutes * 60.0
        with self._lock:
            ended = [
                name
                for name, visit in self._visits.items()
                if now - visit.last > (lifetime if visit.pages else min(GRACE_SECONDS, lifetime))
            ]
            for name in ended:
                del self._visits[name]
                self._ended[name] = None
        return ended

    def has_ended(self, name: str) -> bool:
        """Return whether a session's time has run out, so that its page has to be reloaded."""
        return name in self._ended
