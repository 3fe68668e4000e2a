"""The shelf: what one visitor had embedded for comparisons, kept so that nothing is embedded twice."""

from collections import OrderedDict
from collections.abc import Callable, Hashable
from typing import TypeVar, cast

from retriever.indexed import IndexedCollection
from retriever.judged_index import JudgedIndex

MOST_BYTES = 400_000_000  # of vectors and graphs; the least recently used go first

Item = TypeVar("Item", IndexedCollection, JudgedIndex)


class Shelf:
    """Keep indexes by what they were made from."""

    def __init__(self, most_bytes: int = MOST_BYTES) -> None:
        """Begin empty."""
        self.most_bytes = most_bytes
        self._kept: OrderedDict[Hashable, IndexedCollection | JudgedIndex] = OrderedDict()

    def take(self, key: Hashable, make: Callable[[], Item]) -> Item:
        """Return what is kept under a key, or make it and keep it; what raises leaves nothing behind."""
        item = self._kept.pop(key, None)
        if item is None:
            item = make()
        self._kept[key] = item
        while len(self._kept) > 1 and sum(map(size, list(self._kept.values()))) > self.most_bytes:
            self._kept.popitem(last=False)
        return cast(Item, item)


def size(item: IndexedCollection | JudgedIndex) -> int:
    """Return about how many bytes an index holds: its vectors twice, as hnswlib keeps a copy, and its links."""
    indexed = item.indexed if isinstance(item, JudgedIndex) else item
    return 2 * indexed.retriever.vectors.nbytes + indexed.retriever.hnsw.link_bytes
