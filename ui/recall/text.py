"""Sentences about a curve of recall over latency: what it teaches, and which ef reaches a target."""

import math
from collections.abc import Sequence

from retriever.indexing.collection import IndexedCollection
from retriever.measurement.recall_and_latency import Measurement, smallest_ef
from ui.render.numbers import format_percent_down, format_seconds, latency_ratio

AS_FAST = 1.25  # a ratio of latencies up to which a graph is not worthwhile


def curve_lesson(indexed: IndexedCollection, exact: Measurement, curve: Sequence[Measurement]) -> str:
    """Return what this curve teaches, or why it teaches nothing; every number in it comes from this measurement."""
    first = curve[0]
    if min(step.mean_recall for step in curve) >= 0.9995:
        return (
            f"Recall is 1.0 at every ef: with {len(indexed):,} vectors the graph is so small that even ef={first.ef} "
            f"visits all that matters{_visited(first, len(indexed))}. Try the starved graph (M=4, efConstruction=20) "
            "or a larger collection, where the trade-off shows."
        )
    if exact.p50 <= first.p50 * AS_FAST:
        return (
            f"Exact search is as fast here: {format_seconds(exact.p50)} a query against {format_seconds(first.p50)} "
            f"for HNSW at ef={first.ef}, because comparing with {len(indexed):,} vectors is little work"
            f"{_cost_of_each(first, exact)}. On this machine exact search takes longer than that from about "
            f"{indexed.measurements.break_even(first):,} vectors on; there an index pays."
        )
    words = f"At ef={first.ef} HNSW is {latency_ratio(exact.p50, first.p50)} than exact search and finds "
    words += f"{format_percent_down(first.mean_recall)} of the true neighbours"
    good = next((step for step in curve if step.mean_recall >= 0.95), None)
    if good and good.ef != first.ef and good.p50 < exact.p50:
        words += f"; at ef={good.ef} it finds {format_percent_down(good.mean_recall)} and is still "
        words += latency_ratio(exact.p50, good.p50)
    quicker = [number for number, step in enumerate(curve) if step.p50 < exact.p50]
    slower = curve[quicker[-1] + 1 :] if quicker else curve
    if slower:
        words += f". From ef={slower[0].ef} on, exact search is as fast, and it misses nothing"
    return words + "."


def _visited(step: Measurement, n: int) -> str:
    """Return how much of the collection a search visits; empty if that was not counted."""
    if step.mean_distances is None:
        return ""
    return f": it computes {step.mean_distances:,.0f} distances, {min(step.mean_distances / n, 1):.0%} of all there are"


def _cost_of_each(hnsw: Measurement, exact: Measurement) -> str:
    """Return how much longer one distance takes HNSW than exact search; empty if it does not, or none were counted."""
    if not hnsw.mean_distances or not exact.mean_distances:
        return ""
    one, other = hnsw.p50 / hnsw.mean_distances * 1e9, exact.p50 / exact.mean_distances * 1e9
    if one <= other:
        return ""
    return (
        f": HNSW computes {hnsw.mean_distances:,.0f} distances, but each takes {one:,.0f} ns against {other:,.0f} ns, "
        "as it jumps about in memory and keeps its candidates in order"
    )


def target_sentence(curve: Sequence[Measurement], target: float) -> str:
    """Return which ef reaches a target recall."""
    ef = smallest_ef(curve, target)
    if ef is None:
        best = max(step.mean_recall for step in curve)
        return f"No ef measured here reaches recall {target:.2f}; the best is {math.floor(best * 1e4) / 1e4:.4f}."
    step = next(step for step in curve if step.ef == ef)
    found = f"recall {step.mean_recall:.3f}, {format_seconds(step.p50)} a query"
    return f"ef = {ef} is the smallest measured that reaches {target:.2f} ({found})."
