"""Exact and approximate search in a Milvus server, a cluster or milvus-lite, with the calls of the other indexes."""

import threading
from collections.abc import Callable
from contextlib import nullcontext
from functools import partial

from numpy.typing import ArrayLike

from retriever.errors import StorageError
from retriever.indexes.base import Neighbors
from retriever.indexes.milvus.collection import MilvusLayout
from retriever.indexes.milvus.connection import MilvusConnection
from retriever.indexes.milvus.design import ID, VECTOR, Design
from retriever.indexes.milvus.vectors import MAX_DIMENSION, GraphSettings, MilvusVectors
from retriever.parameters import MAX_K, check_count
from retriever.vectors import Float32, check_vectors, normalize, unit_queries

MAX_EF = 32_768  # that Milvus takes
ROWS_PER_BATCH = 5_000  # stored between two progress reports


class MilvusIndex:
    """An index in a Milvus server: HNSW for searches with an ef, FLAT over the same vectors for exact ones.

    Milvus builds one index over a vector field, so the vectors of exact search are stored a second time, in a
    collection whose name ends with "_exact": 20,000 of 256 numbers take 83 MB of milvus-lite's disk instead of 43 MB.
    exact=False leaves it out, and then a search needs an ef.

    M, ef_construction: of the graphs, as of HNSWIndex. Milvus cuts a collection into segments, each with a graph of its
    own that is searched with the whole ef: the more there are, the more a search finds, and costs; see layout.
    One process adds at a time; any number may search. A server that stops and comes back is found by the next call.
    """

    def __init__(
        self,
        uri: str,
        collection: str,
        *,
        dimension: int,
        M: int = 16,
        ef_construction: int = 200,
        token: str = "",
        shards: int = 1,
        exact: bool = True,
        timeout: float = 30.0,
        ca: str = "",
    ) -> None:
        """Connect, and open the collection, or make it where it is missing.

        uri, token, timeout, ca: see MilvusConnection. shards: of a collection that is made. Raises ParameterError for a
        setting outside its range, StorageError if the server cannot be used or the collection is of other settings.
        """
        self.dimension = check_count("dimension", dimension, 1, MAX_DIMENSION)
        settings = GraphSettings(M, ef_construction, shards, exact).checked()
        self.M, self.ef_construction = settings.M, settings.ef_construction
        self._connection = MilvusConnection(uri, token=token, timeout=timeout, ca=ca)
        design = Design(self.dimension, "HNSW", {"M": self.M, "efConstruction": self.ef_construction})
        self._vectors = MilvusVectors(self._connection, collection, design, settings)
        self._adding = threading.Lock()

    def __len__(self) -> int:
        """Return the number of stored vectors, asked of the server."""
        return self._vectors.count()

    def add(
        self,
        vectors: ArrayLike,
        *,
        progress: Callable[[float], None] | None = None,
        longest: float | None = None,
    ) -> None:
        """Store vectors (n, dim), scaled to unit length, under the next ids; return once they are in the graphs.

        progress: called with the fraction stored, in [0, 1], and with 1 while a server (not milvus-lite) builds its
        graphs; an exception it raises ends the work, and what was stored stays. longest: seconds after which
        waiting for the graphs is given up; without it, storing waits for as long as the server works, too.
        Raises VectorError like HNSWIndex, and StorageError, which says how many were stored.
        """
        unit = normalize(check_vectors(vectors, self.dimension))
        stored = 0
        try:
            with self._adding, nullcontext() if longest else self._connection.patient():
                first = self._vectors.complete()
                while stored < len(unit):
                    batch = unit[stored : stored + ROWS_PER_BATCH]
                    self._vectors.insert([{ID: first + stored + row, VECTOR: one} for row, one in enumerate(batch)])
                    stored += len(batch)
                    if progress:
                        progress(stored / len(unit))
                self._vectors.settle(partial(progress, 1.0) if progress else None, longest)
        except StorageError as error:
            raise StorageError(f"{error} Of {len(unit):,} vectors {stored:,} were stored, and stay.") from error

    def search(self, queries: ArrayLike, k: int, *, ef: int | None = None, threads: int = 1) -> Neighbors:
        """Return the k nearest stored vectors of each query (n_queries, dim), equal scores ordered by lower id.

        ef: None for exact search, else how many candidates HNSW keeps in each segment; one below k is raised to k, as
        Milvus refuses it. threads: as HNSWIndex takes it; it has no effect, since the server decides.
        Raises VectorError for queries of the wrong shape or content, StorageError if the server fails, and
        ParameterError for k or ef outside its range, or for more than 16,384 results where there are as many.
        """
        k = check_count("k", k, 1, MAX_K)
        if ef is not None:
            ef = check_count("ef", ef, 1, MAX_EF)
        return self.search_unit(unit_queries(queries, self.dimension), k, ef=ef)

    def search_unit(self, unit: Float32, k: int, *, ef: int | None = None, timeout: float | None = None) -> Neighbors:
        """Return what search returns, for queries (n_queries, dim) already checked by unit_queries.

        timeout: seconds until the search is given up; None for those of the connection.
        """
        return self._vectors.neighbors(unit, k, ef=ef, timeout=timeout)

    def layout(self) -> MilvusLayout:
        """Return how the server holds the graphs: segments, shards and its version, for a record."""
        return self._vectors.layout()

    def drop(self) -> None:
        """Delete the vectors from the server."""
        self._vectors.drop()

    def close(self) -> None:
        """Close the connection; what is stored stays."""
        self._connection.close()
