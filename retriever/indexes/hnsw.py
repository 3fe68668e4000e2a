"""Approximate nearest neighbours by hnswlib's HNSW graph.

Source: Malkov and Yashunin, "Efficient and robust approximate nearest neighbor search using Hierarchical
Navigable Small World graphs", 2016 (arXiv:1603.09320); the implementation is hnswlib 0.8.0.
"""

import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any, Self

import hnswlib
import numpy as np
from numpy.typing import ArrayLike

from retriever.errors import StorageError
from retriever.fair_lock import MACHINE_LOCK
from retriever.indexes.base import Neighbors, empty_neighbors
from retriever.indexes.hnsw_file import read_checked_vectors
from retriever.parameters import LARGEST_K, check_count
from retriever.vectors import Float32, check_vectors, normalize, unit_queries

ONE_THREAD_UP_TO = 50_000  # vectors; a graph built by several threads differs from run to run
VECTORS_A_BATCH = 250  # vectors added between two reports of progress, about a tenth of a second
LARGEST_M, LARGEST_EF = 256, 100_000  # far above what is of use; they keep a slip of the pen from taking all memory
ROUNDING = 1e-5  # far above what scaling a unit vector again changes in a number of it
LARGEST_SEED = 2**32 - 1  # hnswlib takes no arbitrarily long number


def check_graph_settings(M: int, ef_construction: int, seed: int) -> None:
    """Raise ParameterError unless a graph can be built with these settings."""
    check_count("M", M, 2, LARGEST_M)
    check_count("ef_construction", ef_construction, 1, LARGEST_EF)
    check_count("seed", seed, 0, LARGEST_SEED)


class HNSWIndex:
    """Walk a graph of near neighbours instead of comparing with every vector: fast, and sometimes wrong.

    M: links a node keeps on the upper layers (2M on the ground layer). More links: better recall, more memory.
    ef_construction: candidates weighed when a node is linked. More: better links, a longer build.
    seed: of the random layers. One thread builds up to 50,000 vectors, so the same input gives the same graph.
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

        progress: called with the fraction of vectors linked so far, in [0, 1]; what it raises ends the build.
        Raises VectorError for vectors that are not finite numbers, ParameterError for M outside 2 to 256, for
        ef_construction outside 1 to 100,000 and for a seed outside 0 to 2^32 - 1.
        """
        unit = normalize(check_vectors(vectors))
        check_graph_settings(M, ef_construction, seed)
        self.M, self.ef_construction, self.seed = int(M), int(ef_construction), int(seed)  # numpy's ints are no JSON
        self.dimension = int(unit.shape[1])
        self._lock = threading.Lock()  # set_ef is shared by the whole index: set and search under one lock
        self._index: Any = hnswlib.Index("ip", self.dimension)
        self._index.init_index(max(len(unit), 1), M=self.M, ef_construction=self.ef_construction, random_seed=self.seed)
        self._link(unit, progress)

    def __len__(self) -> int:
        """Count the stored vectors."""
        return int(self._index.get_current_count())

    @property
    def reproducible(self) -> bool:
        """Whether one thread built the graph, so that building it again gives the same one."""
        return len(self) <= ONE_THREAD_UP_TO

    @property
    def link_bytes(self) -> int:
        """Bytes of the graph itself: all that hnswlib stores except the vectors and their 8-byte labels."""
        return int(self._index.index_file_size()) - len(self) * (4 * self.dimension + 8)

    def add(self, vectors: ArrayLike, *, progress: Callable[[float], None] | None = None) -> None:
        """Link more vectors (n, dim) into the graph; they get the next ids. Raises VectorError like the constructor."""
        unit = normalize(check_vectors(vectors, self.dimension))
        with self._lock:
            self._index.resize_index(max(len(self) + len(unit), 1))
        self._link(unit, progress)

    def _link(self, unit: Float32, progress: Callable[[float], None] | None) -> None:
        first = len(self)
        threads = 1 if first + len(unit) <= ONE_THREAD_UP_TO else -1
        for start in range(0, len(unit), VECTORS_A_BATCH):
            batch = np.ascontiguousarray(unit[start : start + VECTORS_A_BATCH])
            ids = np.arange(first + start, first + start + len(batch))
            with MACHINE_LOCK.shared(), self._lock:
                self._index.add_items(batch, ids, num_threads=threads)
            if progress:
                progress((start + len(batch)) / len(unit))

    def search(self, queries: ArrayLike, k: int, *, ef: int) -> Neighbors:
        """Return about the k nearest stored vectors for each query (n_queries, dim), searching with width ef.

        ef: how many candidates the search keeps; hnswlib uses max(ef, k), so an ef below k does nothing.
        Where fewer than k vectors can be reached, the missing places are padded (id -1, score -inf).
        Raises VectorError for queries of the wrong shape or content, ParameterError for k or ef below 1.
        """
        k, ef = check_count("k", k, 1, LARGEST_K), check_count("ef", ef, 1, LARGEST_EF)
        return self.search_unit(unit_queries(queries, self.dimension), k, ef=ef)

    def search_unit(self, unit: Float32, k: int, *, ef: int) -> Neighbors:
        """Search for what unit_queries has returned, (n_queries, dim), without checking it again."""
        reachable = min(k, len(self))
        if reachable == 0 or len(unit) == 0:
            return empty_neighbors(len(unit), k)
        with self._lock:
            self._index.set_ef(max(ef, reachable))
            try:
                labels, distances = self._index.knn_query(unit, reachable, num_threads=1)
            except RuntimeError:  # some query reaches fewer than k: each by itself
                found = empty_neighbors(len(unit), k)
                for row in range(len(unit)):
                    self._search_unreachable(unit[row : row + 1], found, row, reachable)
                return found
        if reachable == k:
            return Neighbors(labels.view(np.int64), 1 - distances)
        found = empty_neighbors(len(unit), k)
        found.ids[:, :reachable], found.scores[:, :reachable] = labels, 1 - distances
        return found

    def _search_unreachable(self, query: Float32, found: Neighbors, row: int, most: int) -> None:
        """Fill one row of found with as many neighbours as can be reached, at most `most`, by bisection on k."""
        low, high = 0, most  # low works and is written (0 trivially), above high nothing does
        while low < high:
            k = (low + high + 1) // 2
            try:
                labels, distances = self._index.knn_query(query, k, num_threads=1)
            except RuntimeError:
                high = k - 1
                continue
            low = k
            found.ids[row, :k], found.scores[row, :k] = labels[0], 1 - distances[0]

    def state(self) -> dict[str, Any]:
        """Return hnswlib's own memory of the graph and what describes it, as a copy; graph.py reads it."""
        with self._lock:
            found: dict[str, Any] = self._index.__getstate__()[0]
        return found

    def save(self, path: str | Path) -> None:
        """Write the graph and its vectors in hnswlib's own format."""
        with self._lock:
            self._index.save_index(str(path))

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
        """Read what save wrote; hnswlib gets the file once every number in it was checked.

        vectors: (n, dimension) unit rows that the graph must be over, if they are known. Raises StorageError if the
        file cannot be read or searched without harm, or if it holds another graph than said.
        """
        self = cls(np.empty((0, dimension), np.float32), M=M, ef_construction=ef_construction, seed=seed)
        self._index = hnswlib.Index("ip", dimension)
        try:
            stored = read_checked_vectors(
                Path(path).read_bytes(), dimension=dimension, M=M, ef_construction=ef_construction
            )
            if vectors is not None and not _equal(stored, vectors):
                raise ValueError("it is over other vectors")
            self._index.load_index(str(path), max_elements=max(len(stored), 1))  # the room in the file may be forged
        except (OSError, ValueError, RuntimeError, MemoryError) as error:
            raise StorageError(f"The graph file {Path(path).name} cannot be read ({error}); build it again.") from error
        return self


def _equal(stored: Float32, vectors: Float32) -> bool:
    """Whether a graph's vectors are these, up to the rounding of scaling them to unit length once more."""
    return stored.shape == vectors.shape and bool(np.abs(stored - vectors).max(initial=0) < ROUNDING)
