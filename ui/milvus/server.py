"""The Milvus server that the operator named: copies of collections are put there, searched, and dropped at the end."""

import time
import weakref
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TypeVar

import numpy as np

from retriever.errors import Cancelled, RetrieverError, StorageError
from retriever.indexes.milvus.collection import MilvusLayout
from retriever.indexes.milvus.connection import MilvusConnection, NoCollection, tls_context
from retriever.indexes.milvus.index import MilvusIndex
from retriever.indexing.client_measurements import ClientMeasurements
from retriever.indexing.collection import IndexedCollection
from retriever.measurement.client_latency import ClientMeasurement
from retriever.progress import Progress, stage_progress
from retriever.shared_results import SharedResult, SharedResults, once_per_process
from retriever.vectors import Float32
from ui.log import log_event
from ui.milvus.answers import Answers
from ui.milvus.copies import ENGINE, MilvusCopy, NotWhole, TimedIndex, copy_of
from ui.milvus.leases import NAME
from ui.milvus.upkeep import Upkeep
from ui.settings import MilvusAddress, milvus_address

Result = TypeVar("Result")
STAGE, CURVE_STAGE = "putting the vectors into Milvus", "measuring the curve in Milvus"
ASK_SECONDS = 5.0  # seconds until a call is given up
STORE_SECONDS = 60.0  # and one that stores vectors
MOST_SECONDS = 600.0  # seconds that one collection may take


class LabMilvus:
    """One Milvus server, for all visitors of this lab; nothing is imported or connected before it is used.

    A copy is dropped when nothing refers to its collection any more. A server that is away costs a visitor nothing but
    its numbers: every method raises StorageError in plain words, and works again when the server does.
    """

    def __init__(self, address: MilvusAddress, *, clock: Callable[[], float] = time.monotonic) -> None:
        """Store where the server is. clock: returns seconds."""
        self.uri, self._address, self._clock = address.uri, address, clock
        self.answering = Answers(self._ask, clock)
        self.upkeep = Upkeep(self._connection, self.answering, clock)
        self._connections: SharedResults[None, MilvusConnection] = once_per_process()
        self._lone: SharedResults[int, MilvusIndex] = once_per_process()  # by dimension
        self._failures: weakref.WeakKeyDictionary[IndexedCollection, str] = weakref.WeakKeyDictionary()

    @property
    def answers(self) -> bool:
        """Whether the server answered when this lab's lease was to be renewed last."""
        return self.upkeep.renewed

    def start(self) -> None:
        """Begin to renew this lab's lease, and to drop what ended sessions and killed labs have left, in threads."""
        self.upkeep.start()

    def stop(self) -> None:
        """Drop all that this lab has put into Milvus, if the server answers."""
        if self._connections.known(None):  # else nothing was put there
            self.upkeep.stop()

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
            with _nameless():
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
        return None if copy is None else self._asked(indexed, copy, lambda: copy.measurements.recent(k, ef))

    def measure_curve(self, indexed: IndexedCollection, k: int, progress: Progress) -> None:
        """Measure the curve of a collection's copy, which keeps it; nothing without a copy. Raises as recent does."""
        copy = copy_of(indexed)
        if copy is not None:
            report = stage_progress(progress, CURVE_STAGE)
            self._asked(indexed, copy, lambda: copy.measurements.curve(k, progress=report))

    def layout(self, copy: MilvusCopy) -> MilvusLayout | None:
        """Return how Milvus holds a copy: its version, segments and shards; None if it does not answer."""
        try:
            with self.answering.asking():
                return copy.layouts.get(None, copy.index.layout).value
        except StorageError:
            return None

    def _asked(self, indexed: IndexedCollection, copy: MilvusCopy, ask: Callable[[], Result]) -> Result:
        """Return what a copy is asked for; forget a copy of which Milvus has lost something."""
        self.answering.check()
        try:
            with _nameless(), self.answering.asking():
                copy.check_whole()
                return ask()
        except (NoCollection, NotWhole):
            if copy_of(indexed) is copy:
                indexed.measurements.elsewhere.forget(ENGINE)
                self._lone.forget(copy.index.dimension)
            raise

    def _make_copy(self, indexed: IndexedCollection, progress: Progress) -> MilvusCopy:
        """Put a collection's vectors into a collection of its own in Milvus, and index them."""
        self.answering.check()
        began, name = self._clock(), self.upkeep.new_name()
        settings, vectors = indexed.settings, indexed.retriever.vectors

        def left() -> float:
            return MOST_SECONDS - (self._clock() - began)

        def report(fraction: float) -> None:
            progress(STAGE, fraction)
            if left() < 0:
                raise StorageError(
                    f"Milvus has not taken {len(vectors):,} vectors within {MOST_SECONDS / 60:.0f} minutes; what was "
                    "stored is dropped. Try again when it has less to do, or load less."
                )

        try:
            graph = settings.M, settings.ef_construction
            store = self._open(name, vectors.shape[1], STORE_SECONDS, *graph)
            store.add(vectors, progress=report, longest=left())
            index, lone = self._open(name, vectors.shape[1], ASK_SECONDS, *graph), self._lone_index(vectors)
        except BaseException:  # a cancelled one too
            self.upkeep.free(name)
            raise
        seconds = self._clock() - began
        timed, timed_lone = TimedIndex(index, self.answering), TimedIndex(lone, self.answering)
        measurements = ClientMeasurements(timed, timed_lone, indexed.retriever.exact, indexed.query_vectors)
        copy = MilvusCopy(name, index, lone, len(vectors), measurements, seconds)
        weakref.finalize(copy, self.upkeep.free, name).atexit = False
        log_event("milvus", outcome="stored", vectors=len(vectors), seconds=round(seconds, 3))
        return copy

    def _lone_index(self, vectors: Float32) -> MilvusIndex:
        """Return the index of one vector of the same dimension, which shows what every search takes."""
        dimension = vectors.shape[1]

        def make() -> MilvusIndex:
            index = self._open(self.upkeep.lease.lone_name(dimension), dimension, ASK_SECONDS)
            if not len(index):
                index.add(np.asarray(vectors[:1]), longest=STORE_SECONDS)
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
            ca=address.ca,
            exact=False,
            timeout=timeout,
        )

    def _connection(self) -> MilvusConnection:
        """Return the connection that all share."""
        address = self._address

        def connect() -> MilvusConnection:
            return MilvusConnection(address.uri, token=address.token, timeout=ASK_SECONDS, ca=address.ca)

        return self._connections.get(None, connect).value

    def _ask(self) -> None:
        """Ask the server for as little as possible. Raises StorageError if it does not answer."""
        connection = self._connection()
        connection.knock()  # at once where nothing listens, for which gRPC would wait
        connection.call("asking for the version", "get_server_version")


@contextmanager
def _nameless() -> Iterator[None]:
    """Raise a StorageError of this block without names of collections: whoever knows one could search there."""
    try:
        yield
    except StorageError as error:
        raise type(error)(NAME.sub("a collection of this lab", str(error))) from None


def lab_milvus() -> LabMilvus | None:
    """Return the Milvus server of the operator's settings, or None without them. Raises ParameterError as they do."""
    address = milvus_address()
    if address is None:
        return None
    tls_context(address.ca)  # a bad setting is told now, not to the first visitor
    return LabMilvus(address)
