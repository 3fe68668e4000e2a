"""What to use for a collection: exact search, or HNSW at an ef, by what was measured of its graphs.

It rests on recall and on counted distances, which are the same on each machine.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from retriever.errors import ParameterError
from retriever.measurement.curve import first_reaching
from retriever.measurement.measurement import Measurement

LITTLE_SAVED = 0.5  # of exact search's distances, from which on an index hardly pays
RICH_GRAPH = (32, 400)  # M and ef_construction to try where another graph misses too much


@dataclass(frozen=True, eq=False)
class MeasuredGraph:
    """A graph and its curve of recall over ef, lowest ef first, with counted distances.

    link_bytes: the size of its links. build_seconds: what building it took, None if that is not known.
    """

    M: int
    ef_construction: int
    curve: Sequence[Measurement]
    link_bytes: int
    build_seconds: float | None = None


@dataclass(frozen=True, eq=False)
class Recommendation:
    """What to use for n vectors of a dimension, if a recall of `wanted` is to be reached.

    graph and step: the graph to use and its measurement at the ef to use; without a graph, exact search is to be used,
    and step is what speaks for it: the step of the curve that reaches the recall, or else comes nearest. reached:
    whether any graph reaches it. try_next: M and ef_construction of a graph that may reach it; None if there is no
    reason to think so, or no need.
    """

    n: int
    dimension: int
    wanted: float
    graph: MeasuredGraph | None
    step: Measurement
    reached: bool
    try_next: tuple[int, int] | None = None

    @property
    def vector_bytes(self) -> int:
        """The size of the vectors, float32."""
        return 4 * self.n * self.dimension

    @property
    def link_bytes(self) -> int:
        """The size of the graph's links; 0 for exact search, which has none."""
        return self.graph.link_bytes if self.graph else 0


def recommend(
    graphs: Sequence[MeasuredGraph], n: int, dimension: int, wanted: float, *, held_by_copies: bool = False
) -> Recommendation:
    """Return what to use for n vectors, by the curves of graphs over them; the first that reaches the recall is taken.

    wanted: mean recall, in [0, 1]. held_by_copies: whether copies of vectors keep recall down, which no richer graph
    mends. Raises ParameterError if there is no curve, or one without distances.
    """
    if not graphs or not all(graph.curve for graph in graphs):
        raise ParameterError("There is no curve to recommend by; measure one with ef_curve.")
    if any(step.mean_distances is None for graph in graphs for step in graph.curve):
        raise ParameterError("The curve has no distances; count them with count_distances.")
    for graph in graphs:
        step = first_reaching(graph.curve, wanted)
        if step is not None:
            return Recommendation(n, dimension, wanted, graph if _saves(step, n) else None, step, reached=True)
    best = max(graphs[0].curve, key=lambda step: step.mean_recall)
    M, ef_construction = RICH_GRAPH
    rich = any(graph.M >= M and graph.ef_construction >= ef_construction for graph in graphs)
    hopeless = rich or held_by_copies or not _saves(graphs[0].curve[0], n)
    return Recommendation(n, dimension, wanted, None, best, reached=False, try_next=None if hopeless else RICH_GRAPH)


def _saves(step: Measurement, n: int) -> bool:
    """Return whether HNSW computes clearly fewer distances than exact search over n vectors."""
    return (step.mean_distances or 0) <= LITTLE_SAVED * n
