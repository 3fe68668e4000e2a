"""Vectors in a Milvus server twice: in HNSW graphs, and in a FLAT index for exact search."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace

from retriever.errors import ParameterError
from retriever.indexes.base import Neighbors, empty_neighbors
from retriever.indexes.milvus.collection import MAX_HITS, Found, MilvusLayout, VectorCollection
from retriever.indexes.milvus.connection import MilvusConnection
from retriever.indexes.milvus.design import ID, ROW, VECTOR, Design, Fields
from retriever.parameters import check_count
from retriever.vectors import Float32

MAX_DIMENSION, MAX_M, MAX_EF_CONSTRUCTION, MAX_SHARDS = 32_768, 2_048, 100_000, 16
EXACT = "_exact"  # what the name of the collection for exact search ends with
ROWS_PER_COPY = 1_000


@dataclass(frozen=True)
class GraphSettings:
    """What Milvus builds. M, ef_construction: as of HNSWIndex. shards: of each collection. exact: whether FLAT, too."""

    M: int = 16
    ef_construction: int = 200
    shards: int = 1
    exact: bool = True

    def checked(self) -> "GraphSettings":
        """Return the settings with plain ints; raise ParameterError if Milvus does not take one of them."""
        return GraphSettings(
            check_count("M", self.M, 2, MAX_M),
            check_count("ef_construction", self.ef_construction, 1, MAX_EF_CONSTRUCTION),
            check_count("shards", self.shards, 1, MAX_SHARDS),
            bool(self.exact),
        )


class MilvusVectors:
    """Rows with vectors in a collection of graphs, and the same vectors in a collection with a FLAT index.

    Milvus builds one index over a vector field, and versions before 2.4 take one vector field a collection. Rows are
    stored in the graphs first, which therefore say what is there; complete copies what an interruption kept from FLAT.
    """

    def __init__(self, connection: MilvusConnection, name: str, design: Design, settings: GraphSettings) -> None:
        """Open both collections, or make them. design: of the graphs. Raises StorageError as VectorCollection does."""
        self.graphs = VectorCollection(connection, name, design, shards=settings.shards)
        self.flat: VectorCollection | None = None
        if settings.exact:
            flat = replace(design, index="FLAT", parameters={}, texts={}, settings={})
            self.flat = VectorCollection(connection, f"{name}{EXACT}", flat, shards=settings.shards)

    def count(self) -> int:
        """Return the number of rows."""
        return self.graphs.count()

    def insert(self, rows: Sequence[Fields]) -> None:
        """Store rows, whose ids must be new, field -> value."""
        self.graphs.insert(rows)
        if self.flat:
            self.flat.insert([{name: row[name] for name in (ID, ROW, VECTOR) if name in row} for row in rows])

    def complete(self) -> int:
        """Copy rows that only the graphs have, as after an interruption, to FLAT; return the number of rows."""
        count = self.graphs.count()
        if self.flat:
            for start in range(self.flat.count(), count, ROWS_PER_COPY):
                self.flat.insert(self.graphs.read_rows(range(start, min(start + ROWS_PER_COPY, count)), [ID, VECTOR]))
        return count

    def settle(self, waiting: Callable[[], None] | None = None, longest: float | None = None) -> None:
        """Wait until all rows are indexed, and searched through the indexes; waiting, longest: see settling."""
        self.graphs.settle(waiting, longest)
        if self.flat:
            self.flat.settle(waiting, longest)

    def search(
        self, unit: Float32, k: int, *, ef: int | None, fields: Sequence[str] = (), timeout: float | None = None
    ) -> Iterator[list[Found]]:
        """Yield the at most k nearest rows of each query, unit (n_queries, dim); ef: None for exact search.

        timeout: seconds until a call is given up, None for those of the connection. Raises ParameterError for more
        results than Milvus returns, or for exact search where there is no FLAT index.
        """
        if k > MAX_HITS and self.count() > MAX_HITS:
            raise ParameterError(f"k is {k:,}, and Milvus returns {MAX_HITS:,} results at most; lower k.")
        k = min(k, MAX_HITS)
        if ef is not None:
            yield from self.graphs.search(unit, k, ef=ef, fields=fields, timeout=timeout)
        elif self.flat is None:
            raise ParameterError("ef is None, for exact search, but exact=False left its index out; pass an ef.")
        else:
            for hits in self.flat.search(unit, k, timeout=timeout):
                held = self.graphs.get([hit.id for hit in hits], fields, all_there=True) if fields else {}
                yield [replace(hit, fields=held[hit.id]) for hit in hits] if fields else hits

    def neighbors(self, unit: Float32, k: int, *, ef: int | None, timeout: float | None = None) -> Neighbors:
        """Return what search yields as row numbers and scores, (n_queries, k)."""
        result = empty_neighbors(len(unit), k)
        for row, hits in enumerate(self.search(unit, k, ef=ef, timeout=timeout)):
            result.ids[row, : len(hits)] = [hit.row for hit in hits]
            result.scores[row, : len(hits)] = [hit.score for hit in hits]
        return result

    def layout(self) -> MilvusLayout:
        """Return how the server holds the graphs."""
        return self.graphs.layout()

    def drop(self) -> None:
        """Delete both collections from the server."""
        self.graphs.drop()
        if self.flat:
            self.flat.drop()
