"""A limit on how often something is said, so that no attack fills the disk with lines of the log."""

import threading
import time
from collections.abc import Callable, Hashable
from dataclasses import dataclass

from cachetools import LRUCache

MAX_KEYS = 1000  # keys that are remembered; the one that was not used for the longest time is forgotten first


@dataclass
class _Key:
    """What is known of one key: when its present minute began, and what it has had."""

    began: float
    lines: int = 0  # in this minute
    left_out: int = 0  # since the last line
    total: int = 0


class Throttle:
    """At most some lines a minute for each key, and a count of all that came."""

    def __init__(self, lines: int, *, seconds: float = 60.0, clock: Callable[[], float] = time.monotonic) -> None:
        """Allow a number of lines in so many seconds."""
        self.lines, self.seconds, self._clock = lines, seconds, clock
        self._lock = threading.RLock()  # an error in the garbage collector may be counted in the midst of a count
        self._keys: LRUCache[Hashable, _Key] = LRUCache(MAX_KEYS)

    def count(self, key: Hashable) -> int:
        """Count one more; return how many came since the last line if a line may be written now, else 0."""
        with self._lock:
            now = self._clock()
            known = self._keys.setdefault(key, _Key(now))
            if now - known.began >= self.seconds:
                known.began, known.lines = now, 0
            known.total += 1
            known.left_out += 1
            if known.lines >= self.lines:
                return 0
            known.lines += 1
            came, known.left_out = known.left_out, 0
            return came

    def totals(self) -> dict[Hashable, int]:
        """Return how many came of each key."""
        with self._lock:
            return {key: known.total for key, known in self._keys.items()}
