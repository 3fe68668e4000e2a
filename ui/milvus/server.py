"""The Milvus server that the operator named: copies of collections are put there, searched, and dropped at the end."""

import threading
import time
import weakref
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from queue import Empty, SimpleQueue

import numpy as np

from retriever.errors import Cancelled, RetrieverError, StorageError
from retriever.indexes.milvus.connection import MilvusConnection
from retriever.indexes.milvus.index import MilvusIndex
from retriever.indexing.client_measurements import ClientMeasurements
from retriever.indexing.collection import IndexedCollection
from retriever.measurement.client_latency import ClientMeasurement
from retriever.progress import Progress
from retriever.shared_results import SharedResult, SharedResults, once_per_process
from retriever.vectors import Float32
from ui.log import log_event, log_failure
from ui.milvus.copies import ENGINE, MilvusCopy, copy_of
from ui.milvus.leases import BEAT_SECONDS, Lease
from ui.settings import MilvusAddress, milvus_address

STAGE = "putting the vectors into Milvus"
SEARCH_SECONDS = 5.0  # seconds until a search is given up: others wait while one is timed
STORE_SECONDS = 60.0  # and a call that stores vectors, or indexes them
MOST_SECONDS = 600.0  # seconds that one collection may take
STOP_SECONDS = 3.0  # seconds for a call when the lab stops
REST_SECONDS = 10.0  # seconds for which a server that was asked in vain for SLOW_SECONDS is left alone
SLOW_SECONDS = 1.0


class LabMilvus:
    """One Milvus server, for all visitors of this lab; nothing is imported or connected before it is used.

    A copy is dropped when nothing refers to its collection any more, in the thread that start begins, as soon as the
    server answers. A server that is away costs a visitor nothing but its numbers: every method raises StorageError in
    plain words, for a while without asking if it was asked in vain for long, and works again when the server does.
    """

    def __init__(self, address: MilvusAddress, *, clock: Callable[[], float] = time.monotonic) -> None:
        """Store where the server is. clock: returns seconds."""
        self.uri, self._address, self._clock = address.uri, address, clock
        self._lease = Lease(clock)
        self._connections: SharedResults[float, MilvusConnection] = once_per_process()  # by their time limit
        self._lone: SharedResults[int, MilvusIndex] = once_per_process()  # by dimension
        self._freed: SimpleQueue[str] = SimpleQueue()  # names of collections that nothing refers to any more
        self._failures: weakref.WeakKeyDictionary[IndexedCollection, str] = weakref.WeakKeyDictionary()
        self._rests_until, self._reason = 0.0, ""
        self._stopping, self._answered = threading.Event(), False

    @property
    def answers(self) -> bool:
        """Whether the server answered when this lab's lease was to be renewed last."""
        return self._answered

    def start(self) -> None:
        """Begin to renew this lab's lease, and to drop what ended sessions and killed labs have left, in a thread."""
        threading.Thread(target=self._keep, name="milvus", daemon=True).start()

    def stop(self) -> None:
        """Drop all that this lab has put into Milvus, if the server answers."""
        self._stopping.set()
        try:
            if self._connections.values():  # else nothing was put there
                self._lease.end(self._connection(STOP_SECONDS))
        except StorageError as error:
            log_failure("milvus", error, doing="stop")

    def put(self, indexed: IndexedCollection, progress: Progress) -> MilvusCopy:
        """Return the copy of a collection in Milvus; it is made by the first who asks, while others wait for it.

        progress: called with the stage and the fraction stored; an exception it raises ends the work. Raises
        StorageError if that fails or takes longer than MOST_SECONDS; what was stored then is dropped.
        """

        def waiting() -> None:
            progress(STAGE, 0.0)

        def make() -> MilvusCopy:
            return self._make_copy(indexed, progress)

        waiting()
        try:
            self.check_answers()
            copy: MilvusCopy = indexed.measurements.elsewhere.get(ENGINE, make, meanwhile=waiting).value
        except RetrieverError as error:
            if not isinstance(error, Cancelled):
                self._failures[indexed] = str(error)
            raise
        self._failures.pop(indexed, None)
        return copy

    def failure(self, indexed: IndexedCollection) -> str:
        """Return why a collection could not be put into Milvus when that was tried last; empty if it has not failed."""
        return self._failures.get(indexed, "")

    def recent(self, indexed: IndexedCollection, k: int, ef: int) -> SharedResult[ClientMeasurement] | None:
        """Return a measurement of the last seconds at this ef, or a new one; None if the collection is not in Milvus.

        A copy that is gone from the server is forgotten, so that it can be made again. Raises StorageError.
        """
        copy = copy_of(indexed)
        if copy is None:
            return None
        self.check_answers()
        try:
            with self._asking():
                return copy.measurements.recent(k, ef)
        except StorageError:
            self._forget_if_gone(indexed, copy)
            raise

    def check_answers(self) -> None:
        """Raise StorageError if the server does not answer, or has just been asked in vain for long."""
        if self._clock() < self._rests_until:
            raise StorageError(self._reason)
        with self._asking():
            self._connection(SEARCH_SECONDS).knock()

    @contextmanager
    def _asking(self) -> Iterator[None]:
        """Leave the server alone for a while if it is asked in vain for long: others should not wait for it too."""
        began = self._clock()
        try:
            yield
        except StorageError as error:
            if self._clock() - began >= SLOW_SECONDS:
                self._reason, self._rests_until = str(error), self._clock() + REST_SECONDS
            raise

    def _make_copy(self, indexed: IndexedCollection, progress: Progress) -> MilvusCopy:
        """Put a collection's vectors into a collection of its own in Milvus, and index them."""
        began, name = self._clock(), self._lease.new_name()
        settings, vectors = indexed.settings, indexed.retriever.vectors

        def report(fraction: float) -> None:
            progress(STAGE, fraction)
            if self._clock() - began > MOST_SECONDS:
                raise StorageError(
                    f"Milvus has not taken {len(vectors):,} vectors within {MOST_SECONDS / 60:.0f} minutes; what was "
                    "stored is dropped. Try again when it has less to do, or load less."
                )

        self._lease.renew(
            self._connection(SEARCH_SECONDS)
        )  # first: what a killed lab leaves without one stays for ever
        try:
            graph = settings.M, settings.ef_construction
            store = self._open(name, vectors.shape[1], STORE_SECONDS, *graph)
            store.add(vectors, progress=report)
            index, lone = self._open(name, vectors.shape[1], SEARCH_SECONDS, *graph), self._lone_index(vectors)
        except BaseException:  # a cancelled one too
            self._freed.put(name)
            raise
        seconds = self._clock() - began
        measurements = ClientMeasurements(index, lone, indexed.retriever.exact, indexed.query_vectors)
        copy = MilvusCopy(name, index, measurements, seconds)
        weakref.finalize(copy, self._freed.put, name).atexit = False
        log_event("milvus", outcome="stored", vectors=len(vectors), seconds=round(seconds, 3))
        return copy

    def _lone_index(self, vectors: Float32) -> MilvusIndex:
        """Return the index of one vector of the same dimension, which shows what every search takes."""
        dimension = vectors.shape[1]

        def make() -> MilvusIndex:
            index = self._open(self._lease.lone_name(dimension), dimension, SEARCH_SECONDS)
            if not len(index):
                index.add(np.asarray(vectors[:1]))
            return index

        return self._lone.get(dimension, make).value

    def _open(self, name: str, dimension: int, timeout: float, M: int = 16, ef_construction: int = 200) -> MilvusIndex:
        """Open a collection of the server, or make it."""
        address = self._address
        return MilvusIndex(
            address.uri,
            name,
            dimension=dimension,
            M=M,
            ef_construction=ef_construction,
            token=address.token,
            exact=False,
            timeout=timeout,
        )

    def _connection(self, timeout: float) -> MilvusConnection:
        """Return the connection whose calls are given up after so many seconds."""
        address = self._address
        return self._connections.get(
            timeout, lambda: MilvusConnection(address.uri, token=address.token, timeout=timeout)
        ).value

    def _forget_if_gone(self, indexed: IndexedCollection, copy: MilvusCopy) -> None:
        """Forget a copy whose collection is no longer in Milvus, with the one of one vector."""
        if self._clock() < self._rests_until:
            return  # it does not answer: nobody should wait for that a second time
        try:
            there = self._connection(SEARCH_SECONDS).call("looking for a collection", "has_collection", copy.name)
        except StorageError:
            return
        if not there:
            indexed.measurements.elsewhere.forget(ENGINE)
            self._lone.forget(copy.index.dimension)

    def _keep(self) -> None:
        """Renew the lease, drop leftovers, and drop what was freed meanwhile, until the lab stops."""
        freed: set[str] = set()
        beat = -BEAT_SECONDS
        while not self._stopping.is_set():
            try:
                if self._clock() - beat >= BEAT_SECONDS:
                    beat = self._clock()
                    self._tend()
                if freed:
                    self.check_answers()
                    self._drop(freed)
            except StorageError as error:
                log_failure("milvus", error, doing="keep")
            self._await_freed(freed)

    def _tend(self) -> None:
        """Renew the lease, and drop what killed labs have left."""
        self._answered = False
        self.check_answers()
        connection = self._connection(SEARCH_SECONDS)
        self._lease.renew(connection)
        self._answered = True
        if dropped := self._lease.drop_leftovers(connection):
            log_event("milvus", outcome="leftovers dropped", collections=dropped)

    def _drop(self, freed: set[str]) -> None:
        """Drop what was freed; each name leaves the set when that is done."""
        while freed:
            name = next(iter(freed))
            self._connection(SEARCH_SECONDS).call("dropping a collection", "drop_collection", name)
            freed.discard(name)
            log_event("milvus", outcome="dropped")

    def _await_freed(self, freed: set[str]) -> None:
        """Wait for the next collection that is freed, at most a second: also for the lab to stop."""
        try:
            freed.add(self._freed.get(timeout=1.0))
            while True:
                freed.add(self._freed.get_nowait())
        except Empty:
            pass


def lab_milvus() -> LabMilvus | None:
    """Return the Milvus server of the operator's settings, or None without them. Raises ParameterError as they do."""
    address = milvus_address()
    return None if address is None else LabMilvus(address)


def putting(
    work: Callable[[Progress], IndexedCollection], milvus: LabMilvus
) -> Callable[[Progress], IndexedCollection]:
    """Return work that builds a collection and then puts it into Milvus; where that fails, the collection is built."""

    def both(progress: Progress) -> IndexedCollection:
        indexed = work(progress)
        try:
            milvus.put(indexed, progress)
        except Cancelled:
            raise
        except RetrieverError:
            pass  # milvus.failure says why
        return indexed

    return both
