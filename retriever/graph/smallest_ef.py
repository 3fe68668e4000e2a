"""The smallest ef at which hnswlib finds what it missed, with ties by score.

A search expands the nearest node it has seen, until that is farther than the ef nearest ones seen. So a search with a
larger ef does the same and goes on, and the ef that a step takes is one more than the number of nearer nodes seen by
then: one search without limit tells the smallest ef of all nodes. Ties break this rule. A search whose candidates are
all equally near takes no further one at that distance, so with many copies of one vector a larger ef may lose what a
smaller one finds. From the first tie on there is only a bound, until all that is as near was expanded; and each ef from
the bound on is tried, with hnswlib itself.
"""

import math
from bisect import bisect_left, bisect_right, insort
from collections.abc import Collection, Mapping, Sequence

import numpy as np
from numpy.typing import ArrayLike

from retriever.fair_lock import MACHINE_LOCK
from retriever.graph.traversal import HNSWGraph, one_query
from retriever.indexes.base import NO_ID, SCORE_TIE, Neighbors
from retriever.indexes.hnsw import MAX_EF, HNSWIndex
from retriever.vectors import Float32, Int64

ROUNDING = 2 * SCORE_TIE  # hnswlib adds up the terms of a distance in another order than NumPy does
SEARCHES_PER_TURN = 20  # after which others go first


def smallest_efs(
    index: HNSWIndex, graph: HNSWGraph, query: ArrayLike, exact: Neighbors, nodes: Sequence[int], *, above: int
) -> dict[int, int | None]:
    """Return for each node the smallest ef above `above` at which hnswlib finds it; None if none does.

    A result finds a node if it holds it, or as many nodes of its score as exact search does: of equally near ones any
    may be returned. graph: that of the index. exact: the nearest of one query, (1, k). nodes: ids in it that a search
    at ef `above`, at least k, does not find. Raises VectorError for a query that does not fit.
    """
    unit = one_query(query, graph.vectors.shape[1])
    distances, nearest, k = graph.distances(unit), exact.ids[exact.ids != NO_ID], exact.ids.shape[1]
    largest, kept = min(len(graph), MAX_EF), dict[int, Int64]()

    def finds(ef: int, node: int) -> bool:
        if ef not in kept:
            ids = index.search_unit(unit, k, ef=ef).ids[0]
            kept[ef] = ids[ids != NO_ID]
            if not len(kept) % SEARCHES_PER_TURN:
                MACHINE_LOCK.pause()
        return node in kept[ef] or _count_ties(distances, kept[ef], node) >= _count_ties(distances, nearest, node)

    efs: dict[int, int | None] = dict.fromkeys(nodes)
    sought = [node for node in nodes if above < largest and finds(largest, node)]
    lowest = _lower_bounds(graph, unit, distances, {node: _alternatives(distances, nearest, node) for node in sought})
    for node in sought:
        efs[node] = next(ef for ef in range(max(above + 1, lowest[node]), largest + 1) if finds(ef, node))
    return efs


def _count_ties(distances: Float32, ids: Int64, node: int) -> int:
    """Return how many of ids are as far as a node; distances: (n,) of the query to every vector."""
    return int((np.abs(distances[ids] - distances[node]) <= SCORE_TIE).sum())


def _alternatives(distances: Float32, nearest: Int64, node: int) -> frozenset[int]:
    """Return the nodes that may be found in place of one: itself, or all as far as it if there are more than places."""
    ties = np.flatnonzero(np.abs(distances - distances[node]) <= ROUNDING)
    return frozenset([node] if np.isin(ties, nearest).all() else ties.tolist())


def _lower_bounds(
    graph: HNSWGraph, unit: Float32, distances: Float32, awaited: Mapping[int, Collection[int]]
) -> dict[int, int]:
    """Return for each key an ef that a search needs to see any of its nodes: one with less sees none of them."""
    if not awaited or _start_is_doubtful(graph, unit, distances):
        return dict.fromkeys(awaited, 1)
    wanted: dict[int, list[int]] = {}
    for key, nodes in awaited.items():
        for node in nodes:
            wanted.setdefault(node, []).append(key)
    bounds, bound, seen, tied_up_to = dict[int, int](), 1, list[float](), -math.inf
    for distance, new in graph.explore(unit):
        nearer, as_near = bisect_left(seen, distance - ROUNDING), bisect_right(seen, distance + ROUNDING)
        if distance > tied_up_to + ROUNDING:  # all that tied was expanded: in which order does not matter any more
            bound, tied_up_to = max(bound, nearer + 1), -math.inf
        if as_near - nearer > 1 or tied_up_to > -math.inf:  # another may be expanded in its place, or none
            tied_up_to = max(tied_up_to, distance)
        for node in new:
            insort(seen, distances[node])
            bounds |= {key: bound for key in wanted.get(node, ()) if key not in bounds}
        if len(bounds) == len(awaited):
            break
    return dict.fromkeys(awaited, 1) | bounds


def _start_is_doubtful(graph: HNSWGraph, unit: Float32, distances: Float32) -> bool:
    """Return whether rounding may let hnswlib enter the ground layer at another node than a walk does."""
    for step in graph.walk(unit, 1, 1, beams=False).steps:
        if step.layer:
            behind = distances[[step.node, *step.looked_at]] - distances[step.kept[0]]
            if ((behind > 0) & (behind <= ROUNDING)).any():
                return True
    return False
