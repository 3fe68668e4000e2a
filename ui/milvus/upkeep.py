"""What this lab has in a Milvus server: its lease is renewed, and what nobody needs any more is dropped."""

import gc
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from queue import Empty, SimpleQueue

from retriever.errors import StorageError
from retriever.indexes.milvus.connection import MilvusConnection, NoAnswer
from ui.log import log_event, log_failure
from ui.milvus.answers import Answers
from ui.milvus.leases import BEAT_SECONDS, Lease
from ui.settings import limits

COPIES_PER_VISITOR = 4  # on the average: a loaded collection, one that replaces it, and such as are not dropped yet
STOP_SECONDS = 3.0  # seconds for dropping all when the lab stops


class Upkeep:
    """The collections of this lab in a server, from their names to their end, and two threads.

    One renews the lease. The other drops collections: those whose copies nothing refers to any more, as soon as the
    server answers, and what killed labs have left. However long that takes, the lease is renewed.
    """

    def __init__(
        self, connection: Callable[[], MilvusConnection], answers: Answers, clock: Callable[[], float] = time.monotonic
    ) -> None:
        """Name this run; nothing is written yet. connection: returns one to the server. clock: returns seconds."""
        self.lease, self._connection, self._answers, self._clock = Lease(clock), connection, answers, clock
        self._live: set[str] = set()  # names of collections that are made, or in use
        self._freed: SimpleQueue[str] = SimpleQueue()  # of those that are no longer
        self._waiting: set[str] = set()  # to be dropped
        self._refused: set[str] = set()  # to be dropped, but the server has refused it
        self._stopping, self.renewed = threading.Event(), False

    def start(self) -> None:
        """Begin both threads."""
        for work in (self._keep_lease, self._keep_tidy):
            threading.Thread(target=work, name="milvus", daemon=True).start()

    def stop(self) -> None:
        """Drop all that this lab has put there, for at most some seconds; another lab drops what is left."""
        self._stopping.set()
        ending = threading.Thread(target=self._end, name="milvus", daemon=True)
        ending.start()
        ending.join(STOP_SECONDS)

    def new_name(self) -> str:
        """Renew the lease, and return the name of a collection that may be made. Raises StorageError.

        Without a lease what a killed lab has left would stay for ever.
        """
        held, most = len(self._live) + len(self._waiting) + len(self._refused), COPIES_PER_VISITOR * limits().sessions
        if held >= most:
            gc.collect()  # some may be in use by errors alone, which hold what their handlers had
            raise StorageError(
                f"Milvus holds {held:,} collections of this lab already, and should have dropped some. Try again in "
                "some minutes."
            )
        self.lease.renew(self._connection())
        name = self.lease.new_name()
        self._live.add(name)
        return name

    def free(self, name: str) -> None:
        """Have a collection dropped; may be called by the garbage collector."""
        self._freed.put(name)

    def _keep_lease(self) -> None:
        """Renew the lease until the lab stops; a thread that ended would have another lab drop all."""
        while not self._stopping.is_set():
            try:
                self._answers.check()
                self.lease.renew(self._connection())
                self.renewed = True
            except Exception as error:  # a server of another version may answer anything
                self.renewed = False
                log_failure("milvus", error, doing="renew the lease")
            self._stopping.wait(BEAT_SECONDS)

    def _keep_tidy(self) -> None:
        """Drop what is to be dropped until the lab stops."""
        looked = -BEAT_SECONDS
        while not self._stopping.is_set():
            try:
                if due := self._clock() - looked >= BEAT_SECONDS:
                    looked = self._clock()
                if due or self._waiting:
                    self._answers.check()
                if due:
                    self.drop_leftovers()
                self.drop_freed()
            except Exception as error:  # as above
                log_failure("milvus", error, doing="drop")
            self._await_freed()

    def drop_leftovers(self) -> None:
        """Drop what killed labs have left, and what of this one is there though nothing needs it. Raises StorageError.

        A call that was given up may make a collection after it was dropped.
        """
        connection = self._connection()
        strays = self.lease.strays(connection, self._live)
        self._waiting |= strays
        self._refused -= strays
        if dropped := self.lease.drop_leftovers(connection):
            log_event("milvus", outcome="leftovers dropped", collections=dropped)

    def drop_freed(self) -> None:
        """Drop what is to be dropped; what the server refuses is tried again later, after the others."""
        self._take_freed()
        for name in list(self._waiting):
            try:
                self._connection().call("dropping a collection", "drop_collection", name)
                log_event("milvus", outcome="dropped")
            except NoAnswer:
                raise
            except StorageError as error:
                self._refused.add(name)
                log_failure("milvus", error, doing="drop a collection")
            self._waiting.discard(name)

    def _await_freed(self) -> None:
        """Wait for the next collection that is freed, at most a second: also for the lab to stop."""
        with suppress(Empty):
            self._freed.put(self._freed.get(timeout=1.0))

    def _take_freed(self) -> None:
        """Take the names of all collections that were freed."""
        while not self._freed.empty():
            name = self._freed.get()
            self._waiting.add(name)
            self._live.discard(name)

    def _end(self) -> None:
        """Drop all that this lab has put there."""
        try:
            self.lease.end(self._connection())
        except StorageError as error:
            log_failure("milvus", error, doing="stop")
