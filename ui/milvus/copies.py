"""The copy of a collection's vectors in Milvus: an index there, its measurements, and how Milvus holds it."""

from dataclasses import dataclass, field

from retriever.errors import StorageError
from retriever.indexes.milvus.collection import MilvusLayout
from retriever.indexes.milvus.index import MilvusIndex
from retriever.indexing.client_measurements import ClientMeasurements
from retriever.indexing.collection import IndexedCollection
from retriever.shared_results import SharedResults

ENGINE = "milvus"  # names the copy among those of a collection's vectors in other engines
LAYOUT_SECONDS = 30.0  # seconds for which it is not asked again how Milvus holds a copy


@dataclass(frozen=True, eq=False)
class MilvusCopy:
    """A collection's vectors in Milvus, indexed there with the same M and efConstruction; no text is in it.

    Whoever shares the collection shares the copy; when nothing refers to the collection any more, the copy is dropped.
    name: of its collection there. seconds: that it took to put the vectors there and index them.
    """

    name: str = field(repr=False)  # whoever knows it could search there
    index: MilvusIndex
    measurements: ClientMeasurements
    seconds: float
    _layouts: SharedResults[None, MilvusLayout] = field(default_factory=lambda: SharedResults(LAYOUT_SECONDS))

    def layout(self) -> MilvusLayout | None:
        """Return how Milvus holds the copy: its version, segments and shards; None if it does not answer."""
        try:
            return self._layouts.get(None, self.index.layout).value
        except StorageError:
            return None


def copy_of(indexed: IndexedCollection) -> MilvusCopy | None:
    """Return the copy of a collection in Milvus, or None if there is none."""
    found: MilvusCopy | None = indexed.measurements.elsewhere.known(ENGINE)
    return found
