"""The registry of visitors: who is admitted, and whose time has run out. Independent of page and web server."""

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass

from cachetools import FIFOCache

from ui.settings import limits

GRACE_SECONDS = 100.0  # seconds that a closed page is remembered: bad Wi-Fi breaks connections, and the page reconnects
MAX_ENDED = 100_000  # names of ended sessions that are remembered
MAX_CALLS = 16  # calls without a session from one address at once
FULL_MESSAGE = "The lab is full: {sessions} visitors are here. Try again in a minute or two; nothing of yours is lost."
ADDRESS_MESSAGE = (
    "{sessions} visitors are here from your network, as many as one network may have. Close pages that are not used "
    "any more, and try again in two minutes."
)
CALLS_MESSAGE = "{calls} calls without a session are under way from your network; try again once one has ended."


@dataclass
class Visit:
    """The time of a visitor's last action, where from, the number of open connections of their page.

    once: whether it is the visit of a single call without a session.
    """

    last: float
    address: str = ""
    once: bool = False
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

    def __contains__(self, name: str) -> bool:
        """Return whether a session is admitted."""
        return name in self._visits

    @property
    def names(self) -> list[str]:
        """The names of all sessions that are admitted."""
        return list(self._visits)

    def refusal(self, address: str, *, once: bool = False) -> str:
        """Return why a new visitor from an address is not admitted, in words; empty if there is room."""
        allowed = limits()
        visits = list(self._visits.values())
        if len(visits) >= allowed.sessions:
            return FULL_MESSAGE.format(sessions=allowed.sessions)
        near = [visit for visit in visits if visit.address == address]
        if len(near) >= allowed.address_sessions:
            return ADDRESS_MESSAGE.format(sessions=len(near))
        if once and sum(visit.once for visit in near) >= MAX_CALLS:
            return CALLS_MESSAGE.format(calls=MAX_CALLS)
        return ""

    def admit(self, name: str, address: str = "", *, once: bool = False) -> str:
        """Record that a visitor acts; return why a new one is not admitted, in words, else an empty string."""
        with self._lock:
            if name not in self._visits:
                if words := self.refusal(address, once=once):
                    return words
                self._visits[name] = Visit(self._clock(), address, once)
            self._visits[name].last = self._clock()
            return ""

    def connected(self, name: str) -> None:
        """Record that a visitor's page is open, or that an answer is waited for."""
        with self._lock:
            if name in self._visits:
                self._visits[name].pages += 1

    def disconnected(self, name: str) -> None:
        """Record that a visitor's page was closed, or that its connection broke."""
        with self._lock:
            if visit := self._visits.get(name):
                visit.pages = max(0, visit.pages - 1)
                visit.last = self._clock()

    def end(self, name: str) -> None:
        """End a session; its page has to be reloaded."""
        with self._lock:
            visit = self._visits.pop(name, None)
            if visit and not visit.once:  # the name of a call is asked for by nobody
                self._ended[name] = None

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
