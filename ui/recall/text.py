"""Sentences about a curve of recall over ef: what it teaches, and which ef reaches a target.

They speak of recall and distances, which are the same at each measurement and on each machine; times are shown where
they were measured, beside those of exact search that took turns with them.
"""

import math
from collections.abc import Sequence

from retriever.indexing.copies import Copies
from retriever.measurement.curve import first_reaching
from retriever.measurement.measurement import Measurement
from retriever.measurement.recommendation import LITTLE_SAVED
from ui.render.numbers import count_of, format_score, index_recall

GOOD_RECALL = 0.95


def curve_lesson(n: int, curve: Sequence[Measurement], copies: Copies) -> str:
    """Return what the curve of a collection of n vectors teaches, or why it teaches nothing."""
    first = curve[0]
    if format_score(min(step.mean_recall for step in curve)) == "1.000":
        return (
            f"The {index_recall(first.k)} is 1.000 at every ef: with {count_of(n, 'vector')} the graph is so small "
            f"that even ef={first.ef} visits all that matters{_visited(first, n)}. Try the starved graph (M=4, "
            "efConstruction=20) or a larger collection, where the trade-off shows."
        )
    good = next((step for step in curve[1:] if step.mean_recall >= GOOD_RECALL), None)
    shown = [first] if good is None or first.mean_recall >= GOOD_RECALL else [first, good]
    reached = ", ".join(f"{format_score(step.mean_recall)} at ef={step.ef}{_by(step)}" for step in shown)
    return f"HNSW reaches a {index_recall(first.k)} of {reached}. {_saving(n, curve)}{_copies(n, curve, copies)}"


def _copies(n: int, curve: Sequence[Measurement], copies: Copies) -> str:
    """Return how many passages are copies, if so many have one vector that they keep recall below 1 at each ef."""
    last, best = curve[-1], max(step.mean_recall for step in curve)
    if best > 1 - 1e-9 or copies.largest <= (last.ef or 0):
        return ""
    return (
        f" {copies.vectors:,} of the {n:,} passages are copies of another (same vector), {copies.largest:,} of them of "
        f"one: a search whose ef places are filled by copies goes no further, so recall stays at {format_score(best)} "
        f"up to ef={last.ef}."
    )


def _by(step: Measurement) -> str:
    """Return how many distances a recall takes; empty until they are counted."""
    return "" if step.mean_distances is None else f" ({count_of(round(step.mean_distances), 'distance')} a query)"


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
    return f": it computes {count_of(round(step.mean_distances), 'distance')}, exact search {n:,}"


def target_sentence(curve: Sequence[Measurement], target: float) -> str:
    """Return which ef reaches a target recall."""
    step = first_reaching(curve, target)
    if step is None:
        return f"No ef measured here reaches recall {target:.3f}; the best is {best_recall(curve):.3f}."
    found = f"recall {format_score(step.mean_recall)}{_by(step)}"
    return f"ef = {step.ef} is the smallest on the curve that reaches {target:.3f}: {found}.{_between(curve, step)}"


def _between(curve: Sequence[Measurement], step: Measurement) -> str:
    """Return that the curve has points, between which a smaller ef may do; empty where there is none between."""
    below = max((one.ef or 0 for one in curve if (one.ef or 0) < (step.ef or 0)), default=0)
    return f" The curve's point before is ef = {below}: one between may do." if 0 < below < (step.ef or 0) - 1 else ""


def best_recall(curve: Sequence[Measurement]) -> float:
    """Return the best recall of a curve, with three decimals and not rounded up: what is short of a target stays so."""
    return math.floor(max(step.mean_recall for step in curve) * 1000 + 1e-9) / 1000
