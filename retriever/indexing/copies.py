"""Copies among passages: those that share their vector, or their text, with another."""

from collections import Counter
from collections.abc import Hashable, Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from retriever.documents.document import Passage
from retriever.fair_lock import MACHINE_LOCK
from retriever.vectors import Float32

ROWS_PER_TURN = 2_000  # rows looked at before others go first, some milliseconds


@dataclass(frozen=True)
class Copies:
    """The number of passages whose vector, or whose text, another has too. largest: the most with one vector."""

    vectors: int
    texts: int
    largest: int


def count_copies(vectors: Float32, passages: Sequence[Passage]) -> Copies:
    """Return the copies among passages with these vectors, (n, dim); the texts are those that the model reads."""
    hashes: list[int] = []
    with MACHINE_LOCK.shared():
        for start in range(0, len(vectors), ROWS_PER_TURN):
            rows = np.ascontiguousarray(vectors[start : start + ROWS_PER_TURN])
            hashes += [hash(row.tobytes()) for row in rows]
            MACHINE_LOCK.pause()
        shared, largest = _count_shared(hashes)
        return Copies(shared, _count_shared(passage.encoded_text for passage in passages)[0], largest)


def _count_shared(values: Iterable[Hashable]) -> tuple[int, int]:
    """Return how many of the values occur more than once, each occurrence counted, and how often one does at most."""
    counts = Counter(values).values()
    return sum(count for count in counts if count > 1), max(counts, default=0)
