"""Whether a server answers: one asks at a time and all hear the answer; one that hangs is left alone for a while."""

import math
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from retriever.errors import StorageError
from retriever.indexes.milvus.connection import NoAnswer

GOOD_SECONDS = 0.5  # seconds for which an answer serves all who ask
SLOW_SECONDS = 0.9  # seconds from which on a server that does not answer is not asked again at once
REST_SECONDS = 10.0  # but after these


class Answers:
    """Whether a server answers. However many ask, none waits longer than one question takes."""

    def __init__(self, ask: Callable[[], object], clock: Callable[[], float] = time.monotonic) -> None:
        """Ask nothing yet. ask: asks the server, and raises NoAnswer. clock: returns seconds."""
        self._ask, self._clock = ask, clock
        self._asked = threading.Lock()  # held by the one who asks
        self._good_until = self._rests_until = -math.inf
        self._reason = ""

    @property
    def resting(self) -> bool:
        """Whether the server is left alone, since it was asked in vain for long."""
        return self._clock() < self._rests_until

    def check(self) -> None:
        """Raise StorageError if the server does not answer, or was asked in vain for long just now."""
        with self._asked:
            if self._clock() < self._good_until:
                return
            with self.asking():
                self._ask()
            self._good_until = self._clock() + GOOD_SECONDS

    @contextmanager
    def asking(self) -> Iterator[None]:
        """Ask the server for something in this block; where that is in vain for long, others need not wait for it too.

        Raises StorageError at once while the server is left alone.
        """
        if self.resting:
            raise StorageError(self._reason)
        began = self._clock()
        try:
            yield
        except NoAnswer as error:
            now, self._good_until = self._clock(), -math.inf
            if now - began >= SLOW_SECONDS:
                self._reason, self._rests_until = str(error), now + REST_SECONDS
            raise
