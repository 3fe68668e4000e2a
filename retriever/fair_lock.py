"""A fair lock: heavy work runs in shared sections, timed work in exclusive ones, and owners take turns.

A latency measured while another thread embeds documents on the same cores says more about that thread than
about the index. So long work (embedding, building a graph) enters a short shared section per batch, and timed
work enters an exclusive section, which waits until running batches end. Owners of work take turns (see turns), and the
sections of one owner are granted in the order of the requests: with thirty users at their sliders an exclusive section
is always waiting, and heavy work must still advance; and one user who asks for twenty measurements delays another's by
one of them. A long section is cut into turns by pause, so that nobody waits for the whole of another's work.
"""

import math
import os
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from retriever.turns import OWNER, Turns

CONTENDED_SECONDS = 2.0  # seconds after which nobody has waited for the machine to be called free again


@dataclass(eq=False)
class _Request:
    """A thread that waits for a section; admitted wakes it up."""

    exclusive: bool
    admitted: threading.Event = field(default_factory=threading.Event)


class FairLock:
    """Lock with shared sections, for heavy work, and exclusive sections, for timed work, granted to owners in turn.

    together: how many shared sections run at once. More than there are cores make each other slow, and an exclusive
    section has to wait for all of them.
    A section that a thread enters inside another of its sections is part of the outer one and does not wait.
    """

    def __init__(self, together: int | None = None) -> None:
        """Create a lock that nobody holds; together: None for the number of cores."""
        self._together = together or max(2, os.cpu_count() or 2)
        self._lock = threading.Lock()
        self._waiting: Turns[_Request] = Turns()
        self._working = 0  # shared sections in progress
        self._timing = False  # whether an exclusive section is in progress
        self._last_wait = -math.inf  # when a thread last had to wait, in seconds of time.monotonic
        # .depth: nested sections of this thread, of which only the outermost waits; .exclusive: what that one is
        self._local = threading.local()

    @contextmanager
    def shared(self) -> Iterator[None]:
        """Enter a shared section for one batch of heavy work; keep it short, an exclusive section may be waiting."""
        self._enter(exclusive=False)
        try:
            yield
        finally:
            self._leave()

    def yield_to_waiting(self) -> None:
        """Let waiting threads go first; for work that cannot be divided into batches, between its steps."""
        with self.shared():
            pass

    @contextmanager
    def exclusive(self) -> Iterator[None]:
        """Enter an exclusive section for timed work: no other section, shared or exclusive, runs at the same time."""
        self._enter(exclusive=True)
        try:
            yield
        finally:
            self._leave()

    def pause(self) -> bool:
        """Let waiting threads go first in the middle of a section: leave it, nested or not, and enter it again.

        Return whether that happened: nothing is done if no thread waits, or outside of a section. What the section
        protects must be complete at that point.
        """
        if not self._depth() or not self._waiting:
            return False
        self._give_back(exclusive=self._local.exclusive)
        self._take(exclusive=self._local.exclusive)
        return True

    @property
    def contended(self) -> bool:
        """Whether a thread waits for a section, or one had to wait in the last CONTENDED_SECONDS."""
        return bool(self._waiting) or time.monotonic() - self._last_wait < CONTENDED_SECONDS

    def _enter(self, *, exclusive: bool) -> None:
        self._local.depth = self._depth() + 1
        if self._depth() == 1:
            self._local.exclusive = exclusive
            self._take(exclusive=exclusive)

    def _leave(self) -> None:
        self._local.depth -= 1
        if not self._depth():
            self._give_back(exclusive=self._local.exclusive)

    def _take(self, *, exclusive: bool) -> None:
        """Wait for a section of this thread."""
        request = _Request(exclusive)
        with self._lock:
            self._waiting.add(request, OWNER.get())
            self._admit()
            if not request.admitted.is_set():
                self._last_wait = time.monotonic()
        request.admitted.wait()

    def _give_back(self, *, exclusive: bool) -> None:
        """End a section of this thread, and admit those who waited for its end."""
        with self._lock:
            if exclusive:
                self._timing = False
            else:
                self._working -= 1
            self._admit()

    def _depth(self) -> int:
        return getattr(self._local, "depth", 0)

    def _admit(self) -> None:
        """Admit waiting threads in turn, as long as each may run beside those inside; the caller holds the lock.

        Only admitted threads wake up: thirty that woke up just to wait again would slow down the one admitted.
        """
        while not self._timing and (request := self._waiting.next()):
            if self._working >= (1 if request.exclusive else self._together):
                return
            self._waiting.take(request)
            if request.exclusive:
                self._timing = True
            else:
                self._working += 1
            request.admitted.set()


MACHINE_LOCK = FairLock()  # one per process, since all its threads share one machine
