"""The shelf: what one visitor had embedded for comparisons, kept so that nothing is embedded twice."""

from collections import OrderedDict
from collections.abc import Callable, Hashable
from typing import TypeVar, cast

from retriever.experiments.judged_index import JudgedIndex
from retriever.indexing.collection import IndexedCollection
from retriever.parameters import MEGABYTE
from ui.jobs.memory_budget import collection_bytes
from ui.settings import limits
from ui.uploads.parse import ParsedUpload
from ui.uploads.parsed_files import ParsedFiles

CachedIndex = TypeVar("CachedIndex", IndexedCollection, JudgedIndex)


class IndexCache:
    """Keep indexes by what they were made from."""

    def __init__(self, most_bytes: int | None = None) -> None:
        """Begin empty; most_bytes: of all that is kept, else half of what one visitor may have."""
        self.most_bytes = most_bytes
        self.parsed_files: ParsedFiles[ParsedUpload] = ParsedFiles()
        self._kept: OrderedDict[Hashable, IndexedCollection | JudgedIndex] = OrderedDict()

    def get_or_make(self, key: Hashable, make: Callable[[], CachedIndex]) -> CachedIndex:
        """Return what is kept under a key, or make it and keep it; what raises leaves nothing behind."""
        item = self._kept.pop(key, None)
        if item is None:
            item = make()
        self._kept[key] = item
        most = self.most_bytes or limits().session_megabytes * MEGABYTE // 2
        while (
            len(self._kept) > 1 and sum(map(index_bytes, list(self._kept.values()))) > most
        ):  # least recently used go first
            self._kept.popitem(last=False)
        return cast(CachedIndex, item)


def index_bytes(item: IndexedCollection | JudgedIndex) -> int:
    """Return about how many bytes an index holds."""
    return collection_bytes(item.indexed if isinstance(item, JudgedIndex) else item)
