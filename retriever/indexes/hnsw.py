"""Approximate nearest-neighbour search with the HNSW graph of hnswlib.

Source: Malkov and Yashunin, "Efficient and robust approximate nearest neighbor search using Hierarchical
Navigable Small World graphs", 2016 (arXiv:1603.09320); the implementation is hnswlib 0.8.0.
"""

import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, Self

import hnswlib
import numpy as np
from numpy.typing import ArrayLike, NDArray

from retriever.errors import StorageError
from retriever.fair_lock import MACHINE_LOCK
from retriever.indexes.base import Neighbors, clip_scores, empty_neighbors
from retriever.indexes.hnsw_file import read_checked_vectors
from retriever.parameters import MAX_K, check_count
from retriever.vectors import Float32, check_vectors, normalize, unit_queries

ONE_THREAD_UP_TO = 50_000  # vectors; several threads build a larger graph, which differs from run to run
VECTORS_PER_BATCH = 250  # most vectors inserted in one section, between two progress reports
QUERIES_PER_SECTION = 20  # of each thread of a batched search: more in one call would hold the index for too long
BATCH_SECONDS = 0.2  # seconds that a batch takes at most, about, however long one insertion does
MAX_M, MAX_EF, MAX_THREADS = 256, 100_000, 256  # far above useful values; a typing error must not take all memory
ROUNDING = 1e-5  # far above what normalizing a unit vector again changes in any of its numbers
MAX_SEED = 2**32 - 1  # hnswlib does not take arbitrarily large integers


def check_graph_settings(M: int, ef_construction: int, seed: int) -> None:
    """Raise ParameterError if M, ef_construction or seed is outside the range that HNSWIndex accepts."""
    check_count("M", M, 2, MAX_M)
    check_count("ef_construction", ef_construction, 1, MAX_EF)
    check_count("seed", seed, 0, MAX_SEED)


class HNSWIndex:
    """An approximate index: a search follows the links of an HNSW graph. Fast, but it may miss neighbours.

    M: the most links of a node on the upper layers (2M on the ground layer). More: higher recall, more memory.
    ef_construction: candidates considered when a node is inserted. More: better links, a longer build.
    seed: of the random layers. One thread inserts up to 50,000 vectors, so the same input gives the same graph.
    """

    def __init__(
        self,
        vectors: ArrayLike,
        *,
        M: int = 16,
        ef_construction: int = 200,
        seed: int = 42,
        progress: Callable[[float], None] | None = None,
    ) -> None:
        """Build the graph over vectors (n, dim), scaled to unit length.

        progress: called with the fraction of vectors inserted, in [0, 1]; an exception it raises ends the build.
        Raises VectorError for vectors that are not finite numbers, ParameterError for M outside 2 to 256, for
        ef_construction outside 1 to 100,000 and for a seed outside 0 to 2^32 - 1.
        """
        unit = normalize(check_vectors(vectors))
        check_graph_settings(M, ef_construction, seed)
        self.M, self.ef_construction, self.seed = int(M), int(ef_construction), int(seed)  # JSON takes no NumPy ints
        self.dimension = int(unit.shape[1])
        self._lock = threading.Lock()  # ef is set for the whole index: set and search under one lock
        self._index: Any = hnswlib.Index("ip", self.dimension)
        self._index.init_index(max(len(unit), 1), M=self.M, ef_construction=self.ef_construction, random_seed=self.seed)
        self._link(unit, progress)

    def __len__(self) -> int:
        """Return the number of stored vectors."""
        return int(self._index.get_current_count())

    @property
    def reproducible(self) -> bool:
        """Whether one thread built the graph, so that building it again gives the same graph."""
        return len(self) <= ONE_THREAD_UP_TO

    @property
    def link_bytes(self) -> int:
        """The size of the graph in bytes: all that hnswlib stores except the vectors and their 8-byte labels."""
        return int(self._index.index_file_size()) - len(self) * (4 * self.dimension + 8)

    def add(self, vectors: ArrayLike, *, progress: Callable[[float], None] | None = None) -> None:
        """Insert vectors (n, dim) into the graph; they get the next ids. Raises VectorError like the constructor."""
        unit = normalize(check_vectors(vectors, self.dimension))
        with self._lock:
            self._index.resize_index(max(len(self) + len(unit), 1))
        self._link(unit, progress)

    def _link(self, unit: Float32, progress: Callable[[float], None] | None) -> None:
        first = len(self)
        threads = 1 if first + len(unit) <= ONE_THREAD_UP_TO else -1
        start, size = 0, VECTORS_PER_BATCH
        while start < len(unit):
            batch = np.ascontiguousarray(unit[start : start + size])
            ids = np.arange(first + start, first + start + len(batch))
            with MACHINE_LOCK.shared(), self._lock:
                began = time.monotonic()
                self._index.add_items(batch, ids, num_threads=threads)
                took = time.monotonic() - began
            start += len(batch)
            size = max(1, min(VECTORS_PER_BATCH, int(len(batch) * BATCH_SECONDS / max(took, 1e-9))))
            if progress:
                progress(start / len(unit))

    def search(self, queries: ArrayLike, k: int, *, ef: int, threads: int = 1) -> Neighbors:
        """Return approximately the k nearest stored vectors of each query (n_queries, dim).

        ef: how many candidates the search keeps; hnswlib uses max(ef, k), so an ef below k has no effect.
        Where fewer than k vectors can be reached, the remaining places are empty (id -1, score -inf).
        threads: how many search a batch of queries at once, to the same results; one query takes one thread, and so
        does a batch unless more are asked for, because that is what is measured.
        Raises VectorError for queries of the wrong shape or content, ParameterError for k, ef or threads below 1.
        """
        k, ef = check_count("k", k, 1, MAX_K), check_count("ef", ef, 1, MAX_EF)
        threads = check_count("threads", threads, 1, MAX_THREADS)
        unit = unit_queries(queries, self.dimension)
        if len(unit) > QUERIES_PER_SECTION:
            return self._search_in_sections(unit, k, ef=ef, threads=threads)
        return self.search_unit(unit, k, ef=ef)

    def search_unit(self, unit: Float32, k: int, *, ef: int, threads: int = 1) -> Neighbors:
        """Return what search returns, for queries (n_queries, dim) already checked by unit_queries, in one section."""
        reachable = min(k, len(self))
        if reachable == 0 or len(unit) == 0:
            return empty_neighbors(len(unit), k)
        with self._lock:
            self._index.set_ef(max(ef, reachable))
            try:
                labels, distances = self._index.knn_query(unit, reachable, num_threads=threads)
            except RuntimeError:  # a query reaches fewer than k vectors: search each by itself
                result = empty_neighbors(len(unit), k)
                for row in range(len(unit)):
                    self._search_unreachable(unit[row : row + 1], result, row, reachable)
                return result
        found = _neighbors(labels, distances)
        if reachable == k:
            return found
        result = empty_neighbors(len(unit), k)
        result.ids[:, :reachable], result.scores[:, :reachable] = found.ids, found.scores
        return result

    def _search_in_sections(self, unit: Float32, k: int, *, ef: int, threads: int) -> Neighbors:
        """Return what search_unit returns; other threads may search, and time their searches, between the sections."""
        parts, size = [], QUERIES_PER_SECTION * threads
        for start in range(0, len(unit), size):
            with MACHINE_LOCK.shared():
                parts.append(self.search_unit(unit[start : start + size], k, ef=ef, threads=threads))
        return Neighbors(np.concatenate([part.ids for part in parts]), np.concatenate([part.scores for part in parts]))

    def _search_unreachable(self, query: Float32, result: Neighbors, row: int, max_k: int) -> None:
        """Fill one row of result with all neighbours that can be reached, at most max_k, by bisection on k."""
        low, high = 0, max_k  # a search for low (or 0) succeeded and is stored, one for more than high fails
        while low < high:
            k = (low + high + 1) // 2
            try:
                labels, distances = self._index.knn_query(query, k, num_threads=1)
            except RuntimeError:
                high = k - 1
                continue
            low, found = k, _neighbors(labels, distances)
            result.ids[row, :k], result.scores[row, :k] = found.ids[0], found.scores[0]

    def state(self) -> dict[str, Any]:
        """Return a copy of hnswlib's internal state, the memory of the graph included; HNSWGraph.of reads it."""
        with self._lock:
            state: dict[str, Any] = self._index.__getstate__()[0]
        return state

    def save(self, path: str | Path) -> None:
        """Write the graph and its vectors to a file in hnswlib's format.

        Raises StorageError if it cannot be written whole, of which hnswlib says nothing.
        """
        with self._lock:
            self._index.save_index(str(path))
            size = self._index.index_file_size()
        if not (Path(path).is_file() and Path(path).stat().st_size == size):
            raise StorageError(f"The graph file {Path(path).name} cannot be written whole: is there room on the disk?")

    @classmethod
    def load(
        cls,
        path: str | Path,
        *,
        dimension: int,
        M: int,
        ef_construction: int,
        seed: int,
        vectors: Float32 | None = None,
    ) -> Self:
        """Return the index that save wrote; hnswlib reads the file only after every number in it was checked.

        vectors: (n, dimension) unit rows that the graph must be over, if they are known. Raises StorageError if the
        file cannot be read, cannot be searched safely, or holds a graph of other settings or vectors.
        """
        self = cls(np.empty((0, dimension), np.float32), M=M, ef_construction=ef_construction, seed=seed)
        self._index = hnswlib.Index("ip", dimension)
        try:
            stored = read_checked_vectors(
                Path(path).read_bytes(), dimension=dimension, M=M, ef_construction=ef_construction
            )
            if vectors is not None and not _equal(stored, vectors):
                raise ValueError("it is over other vectors")
            self._index.load_index(str(path), max_elements=max(len(stored), 1))  # the file's capacity may be forged
        except (OSError, ValueError, RuntimeError, MemoryError) as error:
            raise StorageError(f"The graph file {Path(path).name} cannot be read ({error}); build it again.") from error
        return self


def _neighbors(labels: NDArray[np.uint64], distances: Float32) -> Neighbors:
    """Return hnswlib's results, (n_queries, k) of both, as neighbours; of scores of 1 the lower ids come first."""
    ids = labels.view(np.int64)
    nearest = distances[0, 0] if len(distances) == 1 else distances.min()  # a look, where a minimum takes microseconds
    if nearest < 0:  # products above 1, which are one score
        for row, near in zip(ids, (distances <= 0).sum(axis=1), strict=True):
            row[:near].sort()
    return Neighbors(ids, clip_scores(1 - distances))


def _equal(stored: Float32, vectors: Float32) -> bool:
    """Return whether two arrays of vectors are equal up to the rounding of normalizing them once more."""
    return stored.shape == vectors.shape and bool(np.abs(stored - vectors).max(initial=0) < ROUNDING)
