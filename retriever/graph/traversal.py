"""The graph of an HNSW index as arrays, and a search of it that records every step.

Nothing is simulated: the links, the levels and the entry point are those of the built index, and a walk repeats the
search of hnswlib 0.8.0 step by step, with the same ids as the result.
Source: Malkov and Yashunin, 2016 (arXiv:1603.09320), algorithms 2 and 5; hnswlib's search without deletions.
"""

import heapq
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray

from retriever.errors import VectorError
from retriever.fair_lock import MACHINE_LOCK
from retriever.graph.priority_queue import pop, push
from retriever.indexes.base import Neighbors, clip_scores, empty_neighbors
from retriever.indexes.hnsw import MAX_EF, HNSWIndex
from retriever.parameters import MAX_K, check_count
from retriever.vectors import Float32, Int64, unit_queries

Int32 = NDArray[np.int32]
STEPS_PER_TURN = 2_000  # steps of a walk after which it lets others go first, some 20 milliseconds
ROWS_PER_TURN = 5_000  # nodes whose links become lists between two such pauses, likewise


@dataclass(frozen=True)
class Step:
    """One expansion of a search: the links of a node are followed.

    layer: 0 is the ground layer. looked_at: the neighbours whose distance was computed, in hnswlib's order: on the
    upper layers all of them, on the ground layer those not visited before. heap: (distance, node) of the nodes kept
    after the step, unordered; on the upper layers the one nearest node so far. distances: the number computed so far.
    """

    layer: int
    node: int
    looked_at: tuple[int, ...]
    heap: tuple[tuple[float, int], ...]
    distances: int

    @property
    def kept(self) -> list[int]:
        """The nodes kept after the step (the beam), nearest first."""
        return [node for _, node in sorted(self.heap)]


@dataclass(frozen=True, eq=False)
class Walk:
    """One search of the graph, step by step.

    ids: (found,) the at most k nearest nodes visited, nearest first, as hnswlib returns them. distances: how many were
    computed in all. to_all: (n,) distance of the query to every vector, 1 - cosine, as the walk uses them; rounding
    makes some of them less than 0.
    """

    k: int
    ef: int
    steps: Sequence[Step]
    ids: Int64
    distances: int
    to_all: Float32

    @property
    def hops(self) -> int:
        """The number of expansions, over all layers."""
        return len(self.steps)

    @cached_property
    def scores(self) -> Float32:
        """The score of every vector, (n,)."""
        return clip_scores(1 - self.to_all)

    @cached_property
    def neighbors(self) -> Neighbors:
        """The result as a search returns it, of one query and k places."""
        found = empty_neighbors(1, self.k)
        found.ids[0, : len(self.ids)], found.scores[0, : len(self.ids)] = self.ids, self.scores[self.ids]
        return found

    @cached_property
    def looked_at(self) -> frozenset[int]:
        """The nodes whose distance was computed on the ground layer, where results come from."""
        ground = [step for step in self.steps if step.layer == 0]
        return frozenset(node for step in ground for node in (step.node, *step.looked_at))

    @cached_property
    def expanded(self) -> frozenset[int]:
        """The nodes whose links were followed on the ground layer."""
        return frozenset(step.node for step in self.steps if step.layer == 0)


class HNSWGraph:
    """The graph of an HNSW index as arrays; its nodes are the index's ids.

    vectors: (n, dim) unit rows. levels: (n,) int32, the top layer of each node. links[layer]: (n, max_links) int32, -1
    where a node has fewer links or is not on the layer. entry_point: the node where a search starts, -1 without nodes.
    """

    def __init__(self, vectors: Float32, levels: Int32, links: Sequence[Int32], entry_point: int) -> None:
        """Store vectors (n, dim) of unit length and the arrays that of() reads."""
        self.vectors, self.levels, self.links, self.entry_point = vectors, levels, links, entry_point
        self._neighbours = [_neighbour_lists(layer) for layer in links]

    @classmethod
    def of(cls, index: HNSWIndex) -> Self:
        """Return the graph of an index as it is now; vectors added later are not in it."""
        state = index.state()
        n, stride = state["cur_element_count"], state["size_data_per_element"]
        ground = state["data_level0"][: n * stride].view(np.uint8).reshape(n, stride)
        labels = _field(ground, state["label_offset"], np.uint64, 1)[:, 0].astype(np.int64)  # (n,) ids of the rows
        vectors, levels = np.empty((n, index.dimension), np.float32), np.empty(n, np.int32)
        vectors[labels] = _field(ground, state["offset_data"], np.float32, index.dimension)
        levels[labels] = state["element_levels"][:n]
        links = [_read_links(ground, state["max_M0"], labels)]
        links += _read_upper_links(state, labels, int(levels.max(initial=0)))
        entry_point = int(labels[state["enterpoint_node"]]) if n else -1
        return cls(vectors, levels, links, entry_point)

    def __len__(self) -> int:
        """Return the number of nodes."""
        return len(self.levels)

    @cached_property
    def in_degree(self) -> Int64:
        """The number of nodes that link to each node on the ground layer, (n,)."""
        targets = self.links[0][self.links[0] >= 0]
        return np.bincount(targets, minlength=len(self)).astype(np.int64)

    @cached_property
    def nodes_per_level(self) -> tuple[int, ...]:
        """The number of nodes on each layer, ground layer first."""
        return tuple(int((self.levels >= layer).sum()) for layer in range(len(self.links)))

    @cached_property
    def unreachable(self) -> Int64:
        """The nodes that no path of links from the entry point reaches: no search finds them, at any ef."""
        seen: set[int] = set()
        frontier = {self.entry_point} if len(self) else set[int]()
        for neighbours in reversed(self._neighbours):  # nodes reached on a layer are starting points on the next
            seen |= frontier
            while frontier:
                frontier = {other for node in frontier for other in neighbours[node]} - seen
                seen |= frontier
            frontier = set(seen)
            seen = set()
        reached = np.zeros(len(self), bool)
        reached[list(frontier)] = True
        return np.flatnonzero(~reached)

    def linking_to(self, node: int) -> Int64:
        """Return the nodes that link to a node on the ground layer."""
        return np.flatnonzero((self.links[0] == node).any(axis=1))

    def walk(self, query: ArrayLike, k: int, ef: int, *, beams: bool = True) -> Walk:
        """Return hnswlib's search for one query, (dim,) or (1, dim), repeated step by step.

        Like hnswlib it searches with max(ef, k). beams: whether to store the kept nodes after each step, which takes
        memory for steps times ef. Raises VectorError for a query of the wrong shape or content, ParameterError for k or
        ef below 1.
        """
        unit = one_query(query, self.vectors.shape[1])
        k, ef = check_count("k", k, 1, MAX_K), check_count("ef", ef, 1, MAX_EF)
        to_all = self.distances(unit)
        if not len(self):
            return Walk(k, ef, (), np.empty(0, np.int64), 0, to_all)
        distance = to_all.tolist()
        steps = self._descend(distance)
        start = steps[-1].heap[0][1] if steps else self.entry_point
        beam = self._search_ground(distance, start, max(ef, k), steps, beams=beams)
        nearest = sorted((max(far, 0.0), node) for far, node in beam[:k])  # equal scores by id, as HNSWIndex
        ids = np.array([node for _, node in nearest], dtype=np.int64)
        return Walk(k, ef, steps, ids, steps[-1].distances, to_all)

    def explore(self, query: ArrayLike) -> Iterator[tuple[float, list[int]]]:
        """Search the ground layer as with an unlimited ef; yield each expansion, nearest candidate first.

        Yields the distance of the expanded node, and the nodes seen for the first time; first of all the node where the
        search enters the layer, at minus infinity. Raises VectorError as walk does.
        """
        to_all = self.distances(one_query(query, self.vectors.shape[1]))
        if not len(self):
            return
        distance, neighbours = to_all.tolist(), self._neighbours[0]
        steps = self._descend(distance)
        start = steps[-1].heap[0][1] if steps else self.entry_point
        candidates, seen = [(distance[start], start)], {start}
        yield -math.inf, [start]
        while candidates:
            nearest, node = heapq.heappop(candidates)
            new = [other for other in neighbours[node] if other not in seen]
            seen.update(new)
            for other in new:
                heapq.heappush(candidates, (distance[other], other))
            yield nearest, new

    def distances(self, unit: Float32) -> Float32:
        """Return the distance of a unit query (1, dim) to every vector, (n,): equal for equal vectors."""
        distances: Float32 = 1 - np.einsum("ij,j->i", self.vectors, unit[0])
        return distances

    def _descend(self, distance: list[float]) -> list[Step]:
        """Return the steps on the upper layers, each of which moves to the nearest neighbour until none is nearer."""
        steps: list[Step] = []
        node, computed = self.entry_point, 1
        for layer in range(len(self.links) - 1, 0, -1):
            while True:
                looked_at = self._neighbours[layer][node]
                computed += len(looked_at)
                best = node
                for other in looked_at:
                    if distance[other] < distance[best]:
                        best = other
                steps.append(Step(layer, node, tuple(looked_at), ((distance[best], best),), computed))
                if best == node:
                    break
                node = best
        return steps

    def _search_ground(
        self, distance: list[float], start: int, width: int, steps: list[Step], *, beams: bool
    ) -> list[tuple[float, int]]:
        """Expand the nearest candidate until it is farther than the farthest of `width` kept; return those, sorted.

        Appends a step for each expansion to steps.
        """
        neighbours = self._neighbours[0]
        computed = (steps[-1].distances if steps else 1) + 1  # hnswlib computes the start's distance again
        visited = {start}
        candidates = [(-distance[start], start)]  # nearest first
        kept = [(distance[start], start)]  # farthest first
        while candidates and -candidates[0][0] <= kept[0][0]:
            _, node = pop(candidates)
            looked_at = [other for other in neighbours[node] if other not in visited]
            visited.update(looked_at)
            computed += len(looked_at)
            for other in looked_at:
                other_distance = distance[other]
                if len(kept) < width or other_distance < kept[0][0]:
                    push(candidates, (-other_distance, other))
                    push(kept, (other_distance, other))
                    if len(kept) > width:
                        pop(kept)
            steps.append(Step(0, node, tuple(looked_at), tuple(kept) if beams else (), computed))
            if not len(steps) % STEPS_PER_TURN:
                MACHINE_LOCK.pause()
        return [pop(kept) for _ in range(len(kept))][::-1]  # of equal distances the same ones go first as in hnswlib


def one_query(query: ArrayLike, dimension: int) -> Float32:
    """Return a query as a unit row, (1, dimension). Raises VectorError for anything but one query of that dimension."""
    try:
        rows = np.atleast_2d(np.asarray(query))
    except ValueError as error:  # a ragged list
        raise VectorError(f"The query is no array of numbers ({error}); pass ({dimension},).") from error
    if len(rows) != 1:
        raise VectorError(f"There are {len(rows)} queries; a walk is for one, of shape ({dimension},).")
    return unit_queries(rows, dimension)


def _field(ground: NDArray[np.uint8], offset: int, dtype: Any, count: int) -> NDArray[Any]:  # noqa: ANN401 - a NumPy type
    """Return one field of every element, (n, count), from hnswlib's packed memory."""
    size = np.dtype(dtype).itemsize * count
    return np.ascontiguousarray(ground[:, offset : offset + size]).view(dtype)


def _read_links(packed: NDArray[np.uint8], max_links: int, labels: Int64) -> Int32:
    """Return link lists (each a count, then max_links numbers) as ids, (n, max_links), rows in order of id."""
    counts = _field(packed, 0, np.uint16, 1)[:, 0]
    targets = _field(packed, 4, np.uint32, max_links)
    filled = np.arange(max_links) < counts[:, None]
    links = np.full((len(labels), max_links), -1, np.int32)
    links[labels] = np.where(filled, labels[np.where(filled, targets, 0)], -1)
    return links


def _read_upper_links(state: dict[str, Any], labels: Int64, top: int) -> list[Int32]:
    """Return the links of each upper layer; an element stores the lists of its own layers one after the other."""
    levels, size, max_links = state["element_levels"][: len(labels)], state["size_links_per_element"], state["max_M"]
    packed = state["link_lists"].view(np.uint8).reshape(-1, size)
    first = np.concatenate([[0], np.cumsum(levels)])[:-1]  # (n,) where each element's lists begin
    layers = []
    for layer in range(1, top + 1):
        on_layer = np.flatnonzero(levels >= layer)
        links = np.full((len(labels), max_links), -1, np.int32)
        rows = packed[first[on_layer] + layer - 1]
        counts, targets = _field(rows, 0, np.uint16, 1)[:, 0], _field(rows, 4, np.uint32, max_links)
        filled = np.arange(max_links) < counts[:, None]
        links[labels[on_layer]] = np.where(filled, labels[np.where(filled, targets, 0)], -1)
        layers.append(links)
    return layers


def _neighbour_lists(links: Int32) -> list[list[int]]:
    """Return each node's neighbours as a list of ints, which Python iterates over faster than arrays."""
    counts, lists = (links >= 0).sum(axis=1).tolist(), list[list[int]]()
    for start in range(0, len(links), ROWS_PER_TURN):
        rows = links[start : start + ROWS_PER_TURN].tolist()
        lists += [row[:count] for row, count in zip(rows, counts[start : start + ROWS_PER_TURN], strict=True)]
        MACHINE_LOCK.pause()
    return lists
