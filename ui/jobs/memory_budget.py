"""The memory budget: visitors' collections are counted until they are freed; too large ones are refused beforehand."""

import threading
import weakref
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TypeVar

from retriever.encoders.catalogue import model_card
from retriever.encoders.loading import load_encoder
from retriever.errors import CollectionError
from retriever.indexing.collection import IndexedCollection, IndexSettings
from retriever.parameters import MEGABYTE
from ui.settings import limits

Held = TypeVar("Held")
BYTES_OF_WORD = 12  # of a word piece of a text in BM25: a score and a row of 4 bytes, and its part of the list of words
BYTES_OF_NUMBER = 2  # of a token vector, in half precision
BYTES_OF_TEXT = 2_000  # approximate, of a passage with its metadata; a chunk of 200 tokens has some 900 characters


class MemoryBudget:
    """A count of the bytes of collections, from the moment they are held until nothing refers to them."""

    def __init__(self) -> None:
        """Create an empty budget."""
        self._lock = threading.Lock()
        self._held = 0

    @property
    def held(self) -> int:
        """The bytes of all held collections."""
        return self._held

    def hold(self, indexed: IndexedCollection) -> IndexedCollection:
        """Count a collection until it is freed, and return it."""
        return self.count(indexed, collection_bytes(indexed))

    def count(self, held: Held, size: int) -> Held:
        """Count so many bytes of anything until it is freed, and return it."""
        with self._lock:
            self._held += size
        weakref.finalize(held, self._release, size).atexit = False
        return held

    @contextmanager
    def lent(self, needed: int) -> Iterator[None]:
        """Count so many bytes while a block runs. Raises CollectionError if they are too much for the lab."""
        with self._lock:
            self._check_room(needed)
            self._held += needed
        try:
            yield
        finally:
            self._release(needed)

    def check(self, needed: int) -> None:
        """Raise CollectionError if so many bytes more are too much for one visitor or for the lab."""
        largest = limits().session_megabytes * MEGABYTE // 2  # half for the loaded collection, the rest for comparisons
        if needed > largest:
            raise CollectionError(
                f"This needs about {needed / MEGABYTE:,.0f} MB of memory; at most {largest / MEGABYTE:,.0f} MB are "
                "given to one collection. Load less, choose larger chunks or a model with fewer dimensions."
            )
        self._check_room(needed)

    def _check_room(self, needed: int) -> None:
        """Raise CollectionError if so many bytes more are too much for the lab."""
        allowed = limits().memory_megabytes
        if self._held + needed > allowed * MEGABYTE:
            raise CollectionError(
                f"The lab's memory is in use: visitors' collections hold {self._held / MEGABYTE:,.0f} of "
                f"{allowed:,} MB. Try again in some minutes, load less, or take a sample: these are "
                "shared."
            )

    def _release(self, count: int) -> None:
        with self._lock:
            self._held -= count


def collection_bytes(indexed: IndexedCollection) -> int:
    """Return about how many bytes a collection takes: its vectors twice, as hnswlib keeps a copy, links and texts."""
    return 2 * indexed.retriever.vectors.nbytes + indexed.retriever.hnsw.link_bytes + BYTES_OF_TEXT * len(indexed)


def estimated_bytes(passages: int, dimension: int, M: int) -> int:
    """Return about how many bytes a collection will take: its vectors twice, a graph's links, and texts."""
    return graph_bytes(passages, dimension, M) + passages * (4 * dimension + BYTES_OF_TEXT)


def graph_bytes(vectors: int, dimension: int, M: int) -> int:
    """Return about how many bytes a graph takes with its vectors: 2 M links of 4 bytes each, and half as much besides.

    That is what hnswlib holds.
    """
    return vectors * (4 * dimension + 12 * M)


def bm25_bytes(indexed: IndexedCollection) -> int:
    """Return about how many bytes BM25 takes over the passages of a collection."""
    return BYTES_OF_WORD * indexed.n_tokens


def token_vector_bytes(indexed: IndexedCollection, dimension: int) -> int:
    """Return about how many bytes a vector of each token of a collection takes."""
    return BYTES_OF_NUMBER * dimension * indexed.n_tokens


MEMORY_BUDGET = MemoryBudget()  # one per process, as there is one machine


def check_passages_fit(settings: IndexSettings, passages: int) -> None:
    """Raise CollectionError if so many passages would take more memory than there is."""
    dimension = model_card(settings.model_name).dimension
    MEMORY_BUDGET.check(estimated_bytes(passages, dimension or load_encoder(settings.model_name).dimension, settings.M))
