"""Missed neighbours: which of the exact neighbours a search did not find, and why.

If k is at most ef, one of the nearest nodes can be missed in one way only: its distance was never computed on the
ground layer. Had it been computed, the node would have been kept, as fewer than k nodes are nearer. So an explanation
names the nodes that link to the missed one, and how far the search came with them.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from retriever.graph.traversal import HNSWGraph, Walk, one_query
from retriever.indexes.base import NO_ID, SCORE_TIE, Neighbors
from retriever.indexes.hnsw import MAX_EF
from retriever.indexes.recall import knn_recall
from retriever.parameters import MAX_K, check_count
from retriever.vectors import Int64


@dataclass(frozen=True)
class Miss:
    """An explanation of why one of the nearest nodes was not found.

    node: its id. linking: the nodes that link to it on the ground layer. looked_at: those of them whose distance was
    computed. expanded: those of them whose links were followed; empty for a miss, because expanding a node computes the
    distance of all it links to. smallest_ef: the smallest ef at which a search finds the node; None if no ef up to the
    number of nodes does.
    """

    node: int
    linking: tuple[int, ...]
    looked_at: tuple[int, ...]
    expanded: tuple[int, ...]
    smallest_ef: int | None


def explain_misses(graph: HNSWGraph, query: ArrayLike, walk: Walk, true_ids: Sequence[int]) -> list[Miss]:
    """Return an explanation for each of true_ids that a walk for this query did not find, in the order given.

    A node as far as the last one found is no miss: of equally near nodes any may be returned.
    """
    unit = one_query(query, graph.vectors.shape[1])
    found = set(walk.ids.tolist())
    last = walk.to_all[walk.ids[-1]] if len(walk.ids) == walk.k else np.inf
    missed = [int(node) for node in true_ids if node >= 0 and int(node) not in found]
    return [_explain(graph, unit, walk, node) for node in missed if walk.to_all[node] < last - SCORE_TIE]


def smallest_ef_for(graph: HNSWGraph, query: ArrayLike, k: int, node: int, *, above: int) -> int | None:
    """Return the smallest ef above `above` at which a walk finds a node; None if none up to the number of nodes does.

    ef is doubled until a walk finds the node, then bisected: a wider search expands all that a narrower one does.
    """
    query = one_query(query, graph.vectors.shape[1])
    check_count("k", k, 1, MAX_K)
    if node in graph.unreachable:
        return None
    max_ef = min(len(graph), MAX_EF)
    low, high = above, min(max(2 * above, 1), max_ef)
    while node not in graph.walk(query, k, high, beams=False).ids:
        if high >= max_ef:
            return None
        low, high = high, min(2 * high, max_ef)
    while high - low > 1:
        middle = (low + high) // 2
        if node in graph.walk(query, k, middle, beams=False).ids:
            high = middle
        else:
            low = middle
    return high


def _explain(graph: HNSWGraph, query: ArrayLike, walk: Walk, node: int) -> Miss:
    linking = [int(other) for other in graph.linking_to(node)]
    return Miss(
        node,
        tuple(linking),
        tuple(other for other in linking if other in walk.looked_at),
        tuple(other for other in linking if other in walk.expanded),
        smallest_ef_for(graph, query, walk.k, node, above=max(walk.ef, walk.k)),
    )


def mark_missed(exact: Neighbors, found: Neighbors, row: int = 0) -> tuple[list[bool], list[bool]]:
    """Return marks of one query's exact neighbours that a search missed, and of its results that are not among them.

    exact and found: results of the same queries at the same k. Every list and mark of missed neighbours comes from
    here, so their number agrees with recall. Places that no vector fills get no mark.
    """
    recall = float(knn_recall(exact, found)[row])
    return mark_differences(exact.ids[row], found.ids[row], recall)


def mark_differences(true: Int64, found: Int64, recall: float) -> tuple[list[bool], list[bool]]:
    """Return marks of the missed ids in true and of the extra ids in found, as many as recall implies.

    Recall is by score, so a tie with the k-th score is no miss. Of the ids that differ, only the first are marked as
    missed, and only the last as extra, until their number fits.
    """
    true, found = true[true != NO_ID], found[found != NO_ID]
    n_missed = round((1 - recall) * len(true))
    missed, extra = [bool(row not in found) for row in true], [bool(row not in true) for row in found]
    n_extra = max(0, n_missed - (len(true) - len(found)))
    return _keep_first(missed, n_missed), _keep_first(extra[::-1], n_extra)[::-1]


def _keep_first(marks: list[bool], count: int) -> list[bool]:
    """Return the marks with only the first `count` of those set kept."""
    kept = []
    for mark in marks:
        kept.append(mark and count > 0)
        count -= mark
    return kept
