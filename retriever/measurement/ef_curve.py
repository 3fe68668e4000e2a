"""The curve of recall and latency over ef, and what can be read from it."""

from collections.abc import Callable, Sequence

import numpy as np

from retriever.indexes.base import Neighbors
from retriever.indexes.exact import ExactIndex
from retriever.indexes.hnsw import HNSWIndex
from retriever.measurement.recall_and_latency import Measurement, measure
from retriever.vectors import Float32

CURVE_STEPS = (1, 1.5, 2, 3, 4, 6, 8, 10, 15, 20, 30, 40)  # ef as multiples of k


def ef_curve(
    index: HNSWIndex,
    queries: Float32,
    exact: Neighbors,
    *,
    k: int,
    efs: Sequence[int] | None = None,
    progress: Callable[[float], None] | None = None,
) -> list[Measurement]:
    """Return a measurement of an HNSWIndex at each ef, lowest first; efs=None takes those of default_efs.

    progress: called with the fraction done, in [0, 1], after each ef; an exception it raises ends the work.
    """
    steps = sorted(set(default_efs(k, len(index)) if efs is None else efs))
    curve = []
    for done, ef in enumerate(steps, 1):
        curve.append(measure(index, queries, exact, k=k, ef=ef))
        if progress:
            progress(done / len(steps))
    return curve


def default_efs(k: int, n_vectors: int) -> list[int]:
    """Return k and up to eleven multiples of it, to 40 k, without those above the first that is at least n_vectors."""
    efs = sorted({int(k * step) for step in CURVE_STEPS})
    covering = [ef for ef in efs if ef >= n_vectors]
    return [ef for ef in efs if not covering or ef <= covering[0]]


def smallest_ef(curve: Sequence[Measurement], target: float) -> int | None:
    """Return the smallest measured ef whose mean recall is at least target, in [0, 1]; None if there is none."""
    reached = [step.ef for step in curve if step.ef is not None and step.mean_recall >= target]
    return min(reached, default=None)


def break_even(dimension: int, seconds: float, *, k: int, most: int = 1 << 18) -> int:
    """Return about how many vectors exact search needs `seconds` per query for, measured on this machine.

    The number of random unit vectors (exact search does the same work on any) is doubled until the median reaches
    `seconds`, and interpolated between the last two sizes. most: the number at which the doubling ends.
    """
    rng = np.random.default_rng(0)
    queries = rng.standard_normal((50, dimension), dtype=np.float32)
    below, n = (0, 0.0), 256
    while True:
        index = ExactIndex(rng.standard_normal((n, dimension), dtype=np.float32))
        p50 = measure(index, queries, index.search(queries, k), k=k).p50
        if p50 >= seconds or n >= most:
            share = (seconds - below[1]) / (p50 - below[1]) if p50 >= seconds > below[1] else float(p50 < seconds)
            return int(below[0] + max(0.0, share) * (n - below[0]))
        below, n = (n, p50), 2 * n
