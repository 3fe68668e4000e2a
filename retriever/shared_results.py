"""Results that are made once for all who ask for the same: while one is being made, and for a while after."""

import math
import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Hashable
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar

Key = TypeVar("Key", bound=Hashable)
Value = TypeVar("Value")
PATIENCE_SECONDS = 1.0  # seconds to wait for a result that another is making; then it is made without them
POLL_SECONDS = 0.1  # seconds between two looks at whether it is made


@dataclass(frozen=True, eq=False)
class SharedResult(Generic[Value]):
    """A result, how many seconds ago it was made, and whether by another call than the one that got it."""

    value: Value
    seconds_ago: float = 0.0
    shared: bool = False


@dataclass(eq=False)
class _Making:
    """A result being made, since a time of the clock; ended wakes up those who wait for it."""

    since: float
    ended: threading.Event = field(default_factory=threading.Event)


class SharedResults(Generic[Key, Value]):
    """Results by key. Concurrent callers wait for the one that makes a result, and later ones get it while it is kept.

    seconds: for which a result is kept, None for ever. most: results kept at once; the oldest goes first. max_age:
    returns for how many of these seconds a result serves others now; asked each time. patience: seconds to wait for
    another caller, who may be one of many things' owner and get few turns at the machine.
    """

    def __init__(
        self,
        seconds: float | None = None,
        *,
        most: int | None = None,
        max_age: Callable[[], float] | None = None,
        patience: float = PATIENCE_SECONDS,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Start without results."""
        self._seconds, self._most, self._max_age = seconds, most, max_age
        self._patience, self._clock = patience, clock
        self._lock = threading.Lock()
        self._kept: OrderedDict[Key, tuple[Value, float]] = OrderedDict()  # and when they were made, oldest first
        self._making: dict[Key, _Making] = {}

    def get(
        self, key: Key, make: Callable[[], Value], *, meanwhile: Callable[[], object] | None = None
    ) -> SharedResult[Value]:
        """Return the result kept for a key, or the one that is being made, or a new one.

        meanwhile: called now and then while the caller waits for another; an exception it raises ends the waiting. What
        make raises reaches its own caller alone: one of those who waited then makes the result.
        """
        while True:
            with self._lock:
                known = self._find(key)
                if known is not None:
                    return known
                making, now = self._making.get(key), self._clock()
                if making is None or now - making.since >= self._patience:
                    making = self._making[key] = _Making(now)
                    break
            if meanwhile:
                meanwhile()
            making.ended.wait(POLL_SECONDS)
        try:
            value = make()
            self.keep(key, value)
            return SharedResult(value)
        finally:
            with self._lock:
                if self._making.get(key) is making:
                    del self._making[key]
            making.ended.set()

    def known(self, key: Key) -> Value | None:
        """Return the result kept for a key, or None."""
        with self._lock:
            found = self._find(key)
        return None if found is None else found.value

    def values(self) -> list[Value]:
        """Return all results that are kept."""
        with self._lock:
            return [value for value, made in self._kept.values() if not self._expired(made, self._clock())]

    def forget(self, key: Key) -> None:
        """Keep the result of a key no longer."""
        with self._lock:
            self._kept.pop(key, None)

    def keep(self, key: Key, value: Value) -> None:
        """Keep a result as of now, in place of an older one."""
        with self._lock:
            now = self._clock()
            self._kept[key] = value, now
            self._kept.move_to_end(key)
            for old, (_, made) in list(self._kept.items()):
                if not self._expired(made, now) and (self._most is None or len(self._kept) <= self._most):
                    break
                del self._kept[old]

    def _find(self, key: Key) -> SharedResult[Value] | None:
        """Return the result kept for a key, unless it is too old; the caller holds the lock."""
        found, now = self._kept.get(key), self._clock()
        if found is None or self._expired(found[1], now):
            return None
        if self._max_age is not None and now - found[1] >= self._max_age():
            return None
        return SharedResult(found[0], now - found[1], shared=True)

    def _expired(self, made: float, now: float) -> bool:
        return self._seconds is not None and now - made >= self._seconds


def once_per_process() -> SharedResults[Any, Any]:
    """Return results that are kept for ever, and for which callers wait however long another takes to make them."""
    return SharedResults(patience=math.inf)
