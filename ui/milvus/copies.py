"""The copy of a collection's vectors in Milvus: an index there, and its measurements."""

import time
from dataclasses import dataclass, field

from retriever.errors import StorageError
from retriever.indexes.base import Neighbors
from retriever.indexes.milvus.collection import MilvusLayout
from retriever.indexes.milvus.connection import NoAnswer
from retriever.indexes.milvus.index import MilvusIndex
from retriever.indexing.client_measurements import ClientMeasurements
from retriever.indexing.collection import IndexedCollection
from retriever.shared_results import SharedResults
from retriever.vectors import Float32
from ui.milvus.answers import Answers

ENGINE = "milvus"  # names the copy among those of a collection's vectors in other engines
LAYOUT_SECONDS = 30.0  # seconds for which it is not asked again how Milvus holds a copy
WHOLE_SECONDS = 10.0  # seconds for which a copy's vectors are not counted again
TIMED_SECONDS = 1.0  # seconds until a search that is timed is given up: everybody else waits meanwhile
SLOW_SECONDS = 0.5  # seconds of two searches in a row from which on a server is too slow to be timed here


class NotWhole(StorageError):
    """Error raised when a server has lost, or changed, what was put there."""


class TimedIndex:
    """An index of the server, whose searches are given up soon: while one is timed, nothing else is."""

    def __init__(self, index: MilvusIndex, answers: Answers) -> None:
        """Store the index, and who knows whether its server answers."""
        self._index, self.dimension, self._answers, self._slow = index, index.dimension, answers, 0

    def __len__(self) -> int:
        """Return the number of stored vectors."""
        return len(self._index)

    def search_unit(self, unit: Float32, k: int, *, ef: int) -> Neighbors:
        """Return what the index finds. Raises StorageError if it does not in time, or is slow again and again.

        Of all that are being measured, one waits for a server that begins to hang.
        """
        with self._answers.asking():
            return self._search(unit, k, ef)

    def _search(self, unit: Float32, k: int, ef: int) -> Neighbors:
        began = time.monotonic()
        found = self._index.search_unit(unit, k, ef=ef, timeout=TIMED_SECONDS)
        seconds = time.monotonic() - began
        self._slow = self._slow + 1 if seconds > SLOW_SECONDS else 0
        if self._slow > 1:
            raise NoAnswer(
                f"Milvus takes {seconds:.1f} seconds for a search; this lab measures it up to {SLOW_SECONDS:g}, since "
                "all others wait while one search is timed. Try again when it has less to do."
            )
        return found


@dataclass(frozen=True, eq=False)
class MilvusCopy:
    """A collection's vectors in Milvus, indexed there with the same M and efConstruction; no text is in it.

    Whoever shares the collection shares the copy; when nothing refers to the collection any more, the copy is dropped.
    name: of its collection there. size: the number of vectors. seconds: that it took to put them there and index them.
    lone: the index of one vector.
    """

    name: str = field(repr=False)  # whoever knows it could search there
    index: MilvusIndex
    lone: MilvusIndex
    size: int
    measurements: ClientMeasurements
    seconds: float
    layouts: SharedResults[None, MilvusLayout] = field(default_factory=lambda: SharedResults(LAYOUT_SECONDS))
    _counts: SharedResults[None, None] = field(default_factory=lambda: SharedResults(WHOLE_SECONDS))

    def check_whole(self) -> None:
        """Raise NotWhole if Milvus does not hold all vectors: what it then finds says nothing of its graph."""
        self._counts.get(None, self._count)

    def _count(self) -> None:
        for index, size in ((self.index, self.size), (self.lone, 1)):
            if (found := len(index)) != size:
                raise NotWhole(
                    f"Milvus has lost what this lab has put there: of {size:,} vectors it holds {found:,}. Choose "
                    "Milvus again, and they are put there anew."
                )


def copy_of(indexed: IndexedCollection) -> MilvusCopy | None:
    """Return the copy of a collection in Milvus, or None if there is none."""
    found: MilvusCopy | None = indexed.measurements.elsewhere.known(ENGINE)
    return found
