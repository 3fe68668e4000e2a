"""The index cache: what one visitor had embedded for comparisons, kept so that nothing is embedded twice."""

from collections import OrderedDict
from collections.abc import Callable, Hashable
from typing import TypeVar, cast

from retriever.experiments.judged_index import JudgedIndex
from retriever.indexing.collection import IndexedCollection
from retriever.parameters import MEGABYTE
from ui.jobs.memory_budget import collection_bytes
from ui.settings import limits
from ui.uploads.parse import ParsedFiles, ParsedUpload

CachedIndex = TypeVar("CachedIndex", IndexedCollection, JudgedIndex)


class IndexCache:
    """A least-recently-used cache of indexes; the keys say what an index was made from."""

    def __init__(self, most_bytes: int | None = None) -> None:
        """Create an empty cache; most_bytes: its size, by default half of the memory that one visitor may have."""
        self.most_bytes = most_bytes
        self.parsed_files: ParsedFiles[ParsedUpload] = ParsedFiles()
        self._indexes: OrderedDict[Hashable, IndexedCollection | JudgedIndex] = OrderedDict()

    def get_or_make(self, key: Hashable, make: Callable[[], CachedIndex]) -> CachedIndex:
        """Return the index cached under a key, or make and cache it; if make raises, the cache stays as it was."""
        index = self._indexes.pop(key, None)
        if index is None:
            index = make()
        self._indexes[key] = index
        limit = self.most_bytes or limits().session_megabytes * MEGABYTE // 2
        # the least recently used go first; the newest stays, however large it is
        while len(self._indexes) > 1 and sum(map(index_bytes, list(self._indexes.values()))) > limit:
            self._indexes.popitem(last=False)
        return cast(CachedIndex, index)


def index_bytes(item: IndexedCollection | JudgedIndex) -> int:
    """Return the approximate number of bytes that an index takes, with the retrievers that were made beside it."""
    if isinstance(item, JudgedIndex):
        return collection_bytes(item.indexed) + sum(one.searched_bytes for one in item.beside.values())
    return collection_bytes(item)
