"""Why a walk missed one of the nearest nodes.

If k is at most ef, one of them can be missed in one way only: its distance was never computed on the ground layer. Had
it been computed, the node would have been kept, as fewer than k nodes are nearer. So an explanation names the nodes
that link to the missed one, and how far the search came with them.
"""

from dataclasses import dataclass

from numpy.typing import ArrayLike

from retriever.graph.misses import mark_missed
from retriever.graph.smallest_ef import smallest_efs
from retriever.graph.traversal import HNSWGraph, Walk
from retriever.indexes.base import Neighbors
from retriever.indexes.hnsw import HNSWIndex


@dataclass(frozen=True)
class Miss:
    """An explanation of why one of the nearest nodes was not found.

    node: its id. linking: the nodes that link to it on the ground layer. looked_at: those of them whose distance was
    computed. expanded: those of them whose links were followed; empty for a miss, because expanding a node computes the
    distance of all it links to. smallest_ef: the smallest ef at which it is no longer missed; None if it is at any ef
    up to the number of nodes.
    """

    node: int
    linking: tuple[int, ...]
    looked_at: tuple[int, ...]
    expanded: tuple[int, ...]
    smallest_ef: int | None


def explain_misses(index: HNSWIndex, graph: HNSWGraph, query: ArrayLike, walk: Walk, exact: Neighbors) -> list[Miss]:
    """Return an explanation of each node in exact, (1, k), that mark_missed calls missed, nearest first.

    graph: that of the index. walk: on it, for this query. Raises VectorError for a query that does not fit.
    """
    marks, _ = mark_missed(exact, walk.neighbors)
    missed = [int(node) for node, mark in zip(exact.ids[0], marks, strict=False) if mark]
    efs = smallest_efs(index, graph, query, exact, missed, above=max(walk.ef, walk.k))
    return [_explain(graph, walk, node, efs[node]) for node in missed]


def _explain(graph: HNSWGraph, walk: Walk, node: int, smallest_ef: int | None) -> Miss:
    linking = [int(other) for other in graph.linking_to(node)]
    looked_at, expanded = (tuple(filter(nodes.__contains__, linking)) for nodes in (walk.looked_at, walk.expanded))
    return Miss(node, tuple(linking), looked_at, expanded, smallest_ef)
