"""Turns: heavy work shares the machine, a timed section has it alone, and all come in the order they asked.

A latency measured while another thread embeds documents on the same cores says more about that thread than
about the index. So long work (embedding, building a graph) asks for a short shared turn per batch, and a
timed section asks for the machine alone: it waits until running batches end. In order: with thirty people at
their sliders there is always a timed section that waits, and work must get on all the same.
"""

import threading
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager


class FairLock:
    """Let many batches of work run together, or one timed section alone, first come, first served."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._waiting: deque[tuple[threading.Event, bool]] = deque()  # who is to be let in, and whether alone
        self._working = 0  # batches under way
        self._timing = False
        self._inside = threading.local()  # .depth: turns within turns that this thread has; the inner ones are free

    @contextmanager
    def shared(self) -> Iterator[None]:
        """Run one batch of heavy work beside others; keep it short, a timed section may be waiting for its end."""
        self._enter(alone=False)
        try:
            yield
        finally:
            self._leave(alone=False)

    def yield_to_waiting(self) -> None:
        """Let those go first who wait; for work that cannot be cut into batches, between its steps."""
        with self.shared():
            pass

    @contextmanager
    def exclusive(self) -> Iterator[None]:
        """Run one timed section with no other timed section and no batch of heavy work beside it."""
        self._enter(alone=True)
        try:
            yield
        finally:
            self._leave(alone=True)

    def _enter(self, *, alone: bool) -> None:
        self._inside.depth = self._depth() + 1
        if self._depth() > 1:
            return
        ticket = threading.Event()
        with self._lock:
            self._waiting.append((ticket, alone))
            self._let_in()
        ticket.wait()

    def _leave(self, *, alone: bool) -> None:
        self._inside.depth -= 1
        if self._depth():
            return
        with self._lock:
            if alone:
                self._timing = False
            else:
                self._working -= 1
            self._let_in()

    def _depth(self) -> int:
        return getattr(self._inside, "depth", 0)

    def _let_in(self) -> None:
        """Let in the first of those who wait, and the next, as long as they may run beside who is in; under the lock.

        Only who is let in wakes up: thirty who wake to find that it is another's turn would slow that one down.
        """
        while self._waiting and not self._timing:
            ticket, alone = self._waiting[0]
            if alone and self._working:
                return
            self._waiting.popleft()
            if alone:
                self._timing = True
            else:
                self._working += 1
            ticket.set()


MACHINE_LOCK = FairLock()  # one for the process: there is one machine
