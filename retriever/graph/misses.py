"""Misses: for every true neighbour that a walk did not find, why it did not.

With k at most ef a true neighbour can be missed in one way only: its distance was never computed on the ground layer.
Had it been, it would have been kept, as fewer than k nodes are nearer. So what matters is who links to it, and how near
the search came to them.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from retriever.graph.traversal import HNSWGraph, Walk, one_query
from retriever.indexes.base import SCORE_TIE
from retriever.indexes.hnsw import LARGEST_EF
from retriever.parameters import LARGEST_K, check_count


@dataclass(frozen=True)
class Miss:
    """Hold why one true neighbour was not found.

    linking: the nodes that link to it on the ground layer; of these, looked_at were seen and expanded had their links
    followed (a node that is expanded shows all it links to, so for a miss there are none). smallest_ef: the smallest ef
    at which the walk finds it; None if no ef up to the number of nodes does.
    """

    node: int
    linking: tuple[int, ...]
    looked_at: tuple[int, ...]
    expanded: tuple[int, ...]
    smallest_ef: int | None


def explain_misses(graph: HNSWGraph, query: ArrayLike, walk: Walk, true_ids: Sequence[int]) -> list[Miss]:
    """Explain each of true_ids that a walk for this query did not find, in the order given.

    A node as far as the last one that was found is no miss: of equally near ones any may be returned.
    """
    unit = one_query(query, graph.vectors.shape[1])
    found = set(walk.ids.tolist())
    last = walk.to_all[walk.ids[-1]] if len(walk.ids) == walk.k else np.inf
    lost = [int(node) for node in true_ids if node >= 0 and int(node) not in found]
    return [_explain(graph, unit, walk, node) for node in lost if walk.to_all[node] < last - SCORE_TIE]


def smallest_ef_for(graph: HNSWGraph, query: ArrayLike, k: int, node: int, *, above: int) -> int | None:
    """Return the smallest ef above `above` at which a walk finds a node; None if none up to the number of nodes does.

    ef is doubled until one finds it, then halved in: a wider search expands what a narrower one does and more.
    """
    query = one_query(query, graph.vectors.shape[1])
    check_count("k", k, 1, LARGEST_K)
    if node in graph.unreachable:
        return None
    most = min(len(graph), LARGEST_EF)
    low, high = above, min(max(2 * above, 1), most)
    while node not in graph.walk(query, k, high, beams=False).ids:
        if high >= most:
            return None
        low, high = high, min(2 * high, most)
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
