"""A heap that orders equal keys as C++'s std::priority_queue does, so that a walk ends where hnswlib's search ends.

Python's heapq would order equal distances by node, and with repeated texts that is another search. The largest key is
at the front. Source: the heap of GNU's libstdc++: a hole sinks to a leaf along the larger children, then the last item
rises from there; of equal children the right one moves up.
"""

QueueItem = tuple[float, int]  # key, node


def push(heap: list[QueueItem], item: QueueItem) -> None:
    """Put an item in."""
    heap.append(item)
    _sift_up(heap, len(heap) - 1, item)


def pop(heap: list[QueueItem]) -> QueueItem:
    """Take an item with the largest key out. Raises IndexError if there is none."""
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
    """Move smaller parents down until an item fits into the hole."""
    key = item[0]
    while hole:
        parent = (hole - 1) >> 1
        if not heap[parent][0] < key:
            break
        heap[hole] = heap[parent]
        hole = parent
    heap[hole] = item
