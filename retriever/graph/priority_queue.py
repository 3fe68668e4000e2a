"""A max-heap that orders equal keys as C++'s std::priority_queue does, so that a walk returns what hnswlib returns.

Python's heapq would order equal distances by node, and with repeated texts that gives another search. The largest key
is at the front. Source: the heap of GNU's libstdc++: a hole sinks to a leaf along the larger children, then the last
item rises from there; of equal children the right one moves up.
"""

QueueItem = tuple[float, int]  # key, node


def push(heap: list[QueueItem], item: QueueItem) -> None:
    """Add an item."""
    heap.append(item)
    _sift_up(heap, len(heap) - 1, item)


def pop(heap: list[QueueItem]) -> QueueItem:
    """Remove and return an item with the largest key. Raises IndexError if the heap is empty."""
    last = heap.pop()
    size = len(heap)
    if not size:
        return last
    top, hole, child = heap[0], 0, 2
    while child < size:
        if heap[child][0] < heap[child - 1][0]:
            child -= 1
        heap[hole] = heap[child]
        hole, child = child, 2 * child + 2
    if child == size:  # a left child without a right one
        heap[hole] = heap[child - 1]
        hole = child - 1
    _sift_up(heap, hole, last)
    return top


def _sift_up(heap: list[QueueItem], hole: int, item: QueueItem) -> None:
    """Move smaller parents down into the hole until the item fits there, and store it."""
    key = item[0]
    while hole:
        parent = (hole - 1) >> 1
        if not heap[parent][0] < key:
            break
        heap[hole] = heap[parent]
        hole = parent
    heap[hole] = item
