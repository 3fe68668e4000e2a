"""The question that shows best what HNSW misses: the one it does worst on at ef=k, and which ef finds all of it."""

from dataclasses import dataclass

import numpy as np

from retriever.indexing.collection import IndexedCollection

STEPS = (1.0, 1.1, 1.2, 1.3, 1.5, 2, 3, 4, 6, 10, 20, 40)  # ef as multiples of k


@dataclass(frozen=True)
class TellingQuestion:
    """A measuring query, and how many of its k nearest passages HNSW finds.

    found: with ef=k. enough: the smallest ef tried that finds all, None if none does.
    """

    question: str
    k: int
    found: int
    enough: int | None


def telling_question(indexed: IndexedCollection, k: int) -> TellingQuestion:
    """Return the measuring query with the most misses at ef=k; of equal ones that for which the least larger ef helps.

    k is at most the number of passages.
    """
    k = min(k, len(indexed))
    efs = sorted({round(step * k) for step in STEPS})
    table = np.array([indexed.measurements.recalls(k, ef) for ef in efs])  # (efs, queries)
    all_found = table > 1 - 1e-9
    first = np.where(all_found.any(axis=0), all_found.argmax(axis=0), len(efs))  # (queries,)
    row = int(np.lexsort((first, table[0].round(6)))[0])
    enough = efs[first[row]] if first[row] < len(efs) else None
    return TellingQuestion(indexed.queries[row], k, round(table[0, row] * k), enough)
