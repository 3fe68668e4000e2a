"""A fair lock: heavy work runs in shared sections, timed work in exclusive ones, first come, first served.

A latency measured while another thread embeds documents on the same cores says more about that thread than
about the index. So long work (embedding, building a graph) enters a short shared section per batch, and timed
work enters an exclusive section, which waits until running batches end. Sections are granted in the order of the
requests: with thirty users at their sliders an exclusive section is always waiting, and heavy work must still advance.
"""

import threading
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager


class FairLock:
    """Lock with shared sections, for heavy work, and exclusive sections, for timed work, granted in order of request.

    A section that a thread enters inside another of its sections is part of the outer one and does not wait.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._waiting: deque[tuple[threading.Event, bool]] = deque()  # event to wake a thread, exclusive or not
        self._working = 0  # shared sections in progress
        self._timing = False  # whether an exclusive section is in progress
        self._local = threading.local()  # .depth: nested sections of this thread; only the outermost waits

    @contextmanager
    def shared(self) -> Iterator[None]:
        """Enter a shared section for one batch of heavy work; keep it short, an exclusive section may be waiting."""
        self._enter(exclusive=False)
        try:
            yield
        finally:
            self._leave(exclusive=False)

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
            self._leave(exclusive=True)

    def _enter(self, *, exclusive: bool) -> None:
        self._local.depth = self._depth() + 1
        if self._depth() > 1:
            return
        event = threading.Event()
        with self._lock:
            self._waiting.append((event, exclusive))
            self._admit()
        event.wait()

    def _leave(self, *, exclusive: bool) -> None:
        self._local.depth -= 1
        if self._depth():
            return
        with self._lock:
            if exclusive:
                self._timing = False
            else:
                self._working -= 1
            self._admit()

    def _depth(self) -> int:
        return getattr(self._local, "depth", 0)

    def _admit(self) -> None:
        """Admit waiting threads in order, as long as each may run beside those inside; the caller holds the lock.

        Only admitted threads wake up: thirty that woke up just to wait again would slow down the one admitted.
        """
        while self._waiting and not self._timing:
            event, exclusive = self._waiting[0]
            if exclusive and self._working:
                return
            self._waiting.popleft()
            if exclusive:
                self._timing = True
            else:
                self._working += 1
            event.set()


MACHINE_LOCK = FairLock()  # one per process, since all its threads share one machine
