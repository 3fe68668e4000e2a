"""Turns: heavy work shares the machine, a timed section has it alone.

A latency measured while another thread embeds documents on the same cores says more about that thread than
about the index. So long work (embedding, building a graph) asks for a short shared turn per batch, and a
timed section asks for the machine alone: it waits until running batches end, and no new one starts meanwhile.
"""

import threading
from collections.abc import Iterator
from contextlib import contextmanager


class Turns:
    """Let many batches of work run together, or one timed section alone."""

    def __init__(self) -> None:
        self._condition = threading.Condition()
        self._working = 0  # batches under way
        self._waiting = 0  # timed sections that wait for their turn
        self._timing = False

    @contextmanager
    def work(self) -> Iterator[None]:
        """Run one batch of heavy work beside others; keep it short, a timed section may be waiting for its end."""
        with self._condition:
            self._condition.wait_for(lambda: not self._timing and not self._waiting)
            self._working += 1
        try:
            yield
        finally:
            with self._condition:
                self._working -= 1
                self._condition.notify_all()

    def give_way(self) -> None:
        """Wait while a timed section runs or waits; for work that cannot be cut into batches, between its steps."""
        with self._condition:
            self._condition.wait_for(lambda: not self._timing and not self._waiting)

    @contextmanager
    def alone(self) -> Iterator[None]:
        """Run one timed section with no other timed section and no batch of heavy work beside it."""
        with self._condition:
            self._waiting += 1
            try:
                self._condition.wait_for(lambda: not self._timing and not self._working)
            finally:
                self._waiting -= 1
            self._timing = True
        try:
            yield
        finally:
            with self._condition:
                self._timing = False
                self._condition.notify_all()


TURNS = Turns()  # one for the process: there is one machine
