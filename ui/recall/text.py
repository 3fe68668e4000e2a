"""Sentences about a curve of recall over ef: what it teaches, and which ef reaches a target.

They speak of recall and distances, which are the same at each measurement and on each machine; times are shown where
they were measured, beside those of exact search that took turns with them.
"""

import math
from collections.abc import Sequence

from retriever.measurement.recall_and_latency import Measurement, smallest_ef

GOOD_RECALL = 0.95
LITTLE_SAVED = 0.5  # of exact search's distances, from which on an index hardly pays


def curve_lesson(n: int, curve: Sequence[Measurement]) -> str:
    """Return what the curve of a collection of n vectors teaches, or why it teaches nothing."""
    first = curve[0]
    if min(step.mean_recall for step in curve) >= 0.9995:
        return (
            f"Recall is 1.0 at every ef: with {n:,} vectors the graph is so small that even ef={first.ef} "
            f"visits all that matters{_visited(first, n)}. Try the starved graph (M=4, efConstruction=20) "
            "or a larger collection, where the trade-off shows."
        )
    good = next((step for step in curve[1:] if step.mean_recall >= GOOD_RECALL), None)
    shown = [first] if good is None or first.mean_recall >= GOOD_RECALL else [first, good]
    reached = ", ".join(f"{step.mean_recall:.3f} at ef={step.ef}{_by(step)}" for step in shown)
    return f"HNSW reaches recall@{first.k} {reached}. {_saving(n, curve)}"


def _by(step: Measurement) -> str:
    """Return how many distances a recall takes; empty until they are counted."""
    return "" if step.mean_distances is None else f" ({step.mean_distances:,.0f} distances a query)"


def _saving(n: int, curve: Sequence[Measurement]) -> str:
    """Return what the index saves of exact search's distances, and from which ef on nothing."""
    least = curve[0].mean_distances
    if least is None:
        return f"Exact search misses nothing and computes all {n:,} distances; those of HNSW are being counted."
    if least > LITTLE_SAVED * n:
        return f"Exact search computes only {n:,} and misses nothing: for so few vectors an index hardly pays."
    more = next((step.ef for step in curve if step.mean_distances is not None and step.mean_distances >= n), None)
    words = f"Exact search misses nothing, and computes {n:,}: {n / least:,.0f} times as many as ef={curve[0].ef}"
    return f"{words}; from ef={more} on HNSW computes no fewer." if more else f"{words}."


def _visited(step: Measurement, n: int) -> str:
    """Return how much of the collection a search visits; empty if that was not counted."""
    if step.mean_distances is None:
        return ""
    return f": it computes {step.mean_distances:,.0f} distances, {min(step.mean_distances / n, 1):.0%} of all there are"


def target_sentence(curve: Sequence[Measurement], target: float) -> str:
    """Return which ef reaches a target recall."""
    ef = smallest_ef(curve, target)
    if ef is None:
        best = max(step.mean_recall for step in curve)
        return f"No ef measured here reaches recall {target:.2f}; the best is {math.floor(best * 1e4) / 1e4:.4f}."
    step = next(step for step in curve if step.ef == ef)
    return f"ef = {ef} is the smallest measured that reaches {target:.2f}: recall {step.mean_recall:.3f}{_by(step)}."
