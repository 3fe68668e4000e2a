"""The curve of an HNSW index: its measurement at each of several efs, and the smallest that reaches a recall."""

from collections.abc import Callable, Sequence

from retriever.indexes.base import Neighbors
from retriever.indexes.exact import ExactIndex
from retriever.indexes.hnsw import HNSWIndex
from retriever.measurement.measurement import Measurement
from retriever.measurement.recall_and_latency import measure, measure_pair
from retriever.measurement.results import Results
from retriever.progress import progress_bar
from retriever.vectors import Float32

CURVE_STEPS = (1, 1.5, 2, 3, 4, 6, 8, 10, 15, 20, 30, 40)  # ef as multiples of k


def ef_curve(
    index: HNSWIndex,
    queries: Float32,
    exact: Neighbors,
    *,
    k: int,
    efs: Sequence[int] | None = None,
    beside: ExactIndex | None = None,
    progress: Callable[[float], None] | None = None,
    show_progress_bar: bool | None = None,
) -> Results[Measurement]:
    """Return a measurement of an HNSWIndex at each ef, lowest first; efs=None takes those of default_efs.

    beside: an exact index over the same vectors that takes turns with it, as in measure_pair: it drives the graph out
    of the processor's caches, so that times of a curve and of a pair can be compared.
    progress: called with the fraction done, in [0, 1], after each ef; an exception it raises ends the work.
    show_progress_bar: None shows one in a notebook or at a prompt, without progress.
    """
    steps = sorted(set(default_efs(k, len(index)) if efs is None else efs))
    curve: Results[Measurement] = Results()
    with progress_bar("Measuring", show_progress_bar, progress) as report:
        for done, ef in enumerate(steps, 1):
            if beside is None:
                curve.append(measure(index, queries, exact, k=k, ef=ef))
            else:
                curve.append(measure_pair(index, beside, queries, exact, k=k, ef=ef).hnsw)
            if report:
                report(done / len(steps))
    return curve


def default_efs(k: int, n_vectors: int) -> list[int]:
    """Return k and up to eleven multiples of it, to 40 k, without those above the first that is at least n_vectors."""
    efs = sorted({int(k * step) for step in CURVE_STEPS})
    covering = [ef for ef in efs if ef >= n_vectors]
    return [ef for ef in efs if not covering or ef <= covering[0]]


def smallest_ef(curve: Sequence[Measurement], target: float) -> int | None:
    """Return the smallest measured ef whose mean recall is at least target, in [0, 1]; None if there is none."""
    step = first_reaching(curve, target)
    return step.ef if step else None


def first_reaching(curve: Sequence[Measurement], target: float) -> Measurement | None:
    """Return the measurement at the smallest ef whose mean recall is at least target, in [0, 1], or None."""
    reached = [step for step in curve if step.ef is not None and step.mean_recall >= target]
    return min(reached, key=lambda step: step.ef or 0, default=None)
