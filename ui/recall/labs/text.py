"""Verdicts and tables of the labs: what a setting gained and what it cost, as measured. Pure functions."""

from collections.abc import Sequence

from retriever.measurement.sweeps import BuildResult, SizeResult, growth_exponent
from ui.render.html import LESSON, Html, render
from ui.render.numbers import format_megabytes, format_seconds

EQUAL_SHARE = 0.02  # values that differ by less are called equal: builds of one graph differ by more than that in time


def build_lab_table(results: Sequence[BuildResult]) -> Html:
    """Return a table of all graphs: recall, build seconds, memory of the links, distances and latency of a query."""
    return render("recall/build_lab.html", results=results)


def build_lab_verdict(results: Sequence[BuildResult], n: int) -> Html:
    """Return what efConstruction and M changed, compared with what the course says of efConstruction."""
    k, ef = results[0].measurement.k, results[0].measurement.ef
    same_M = [r for r in results if r.M == _middle([r.M for r in results])]  # noqa: SIM300 - M is no constant
    same_width = [r for r in results if r.ef_construction == _middle([r.ef_construction for r in results])]
    low, high = same_M[0], same_M[-1]
    thin, thick = same_width[0], same_width[-1]
    sentence = Html("<b>{}</b> from {} to {} at {}={}: {}.")
    by_width = sentence.format(
        "efConstruction", low.ef_construction, high.ef_construction, "M", low.M, _change(low, high)
    )
    by_M = sentence.format("M", thin.M, thick.M, "efConstruction", thin.ef_construction, _change(thin, thick))
    return LESSON.format(
        Html("Over {:,} vectors, recall@{} at ef={}. {} {} <b>{}</b>").format(
            n, k, ef, by_width, by_M, _judgment(low, high, thin, thick)
        )
    )


def _judgment(low: BuildResult, high: BuildResult, thin: BuildResult, thick: BuildResult) -> str:
    """Return which parts of the course's sentence hold here."""
    recall = high.measurement.mean_recall - low.measurement.mean_recall
    better = "recall: yes" if recall > 0.005 else "recall: hardly, here"
    slower = "build time: yes" if high.build_seconds > low.build_seconds * (1 + EQUAL_SHARE) else "build time: no"
    heavier = "memory: yes" if high.link_bytes > low.link_bytes * (1 + EQUAL_SHARE) else "memory: no"
    by_M = "; M is what costs memory" if thick.link_bytes > thin.link_bytes * (1 + EQUAL_SHARE) else ""
    return f"Does efConstruction change it? {better}; {slower}; {heavier}{by_M}."


def size_lab_table(results: Sequence[SizeResult]) -> Html:
    """Return a table of all sizes: recall of HNSW, and distances and latency of both searches."""
    return render("recall/size_lab.html", results=results)


def size_lab_verdict(results: Sequence[SizeResult]) -> Html:
    """Return how each search grows, and from which size on HNSW is faster."""
    sizes = [r.n for r in results]
    if len(sizes) < 2:
        many = "1 vector is" if sizes[0] == 1 else f"{sizes[0]:,} vectors are"
        return LESSON.format(f"{many} too few to take parts of: load a larger collection.")
    exact = growth_exponent(sizes, [r.exact.p50 for r in results])
    hnsw = growth_exponent(sizes, [r.hnsw.p50 for r in results])
    counted = growth_exponent(sizes, [r.hnsw.mean_distances or 1 for r in results])
    last, first = results[-1].hnsw.mean_recall, results[0].hnsw.mean_recall
    larger = ": a larger collection wants a larger ef" if first - last > 0.005 else ""
    return LESSON.format(
        f"With twice the vectors, exact search takes {2**exact:.2f} times as long (exponent {exact:.2f}), HNSW at "
        f"ef={results[0].hnsw.ef} {2**hnsw:.2f} times ({hnsw:.2f}) and {2**counted:.2f} times the distances "
        f"({counted:.2f}); {_crossing(results)}. At the same ef recall goes from {first:.3f} to {last:.3f}{larger}."
    )


def _crossing(results: Sequence[SizeResult]) -> str:
    """Return from which size on HNSW is faster, if there is one."""
    faster = [r.n for r in results if r.hnsw.p50 < r.exact.p50]
    if not faster:
        return "exact search is the faster one up to all of them"
    if faster == [r.n for r in results][-len(faster) :]:
        return f"HNSW is faster from {faster[0]:,} vectors on"
    return "which one is faster changes with the size"


def _change(one: BuildResult, other: BuildResult) -> str:
    """Return recall, build time and memory of two graphs, from the one to the other."""
    return (
        f"recall {one.measurement.mean_recall:.3f} → {other.measurement.mean_recall:.3f}, build time "
        f"{format_seconds(one.build_seconds)} → {format_seconds(other.build_seconds)}, memory {_memory(one, other)}"
    )


def _memory(one: BuildResult, other: BuildResult) -> str:
    """Return the memory of two graphs' links, from the one to the other."""
    if other.link_bytes == one.link_bytes:
        return f"the same, {format_megabytes(one.link_bytes)}"
    return f"{format_megabytes(one.link_bytes)} → {format_megabytes(other.link_bytes)}"


def _middle(values: Sequence[int]) -> int:
    """Return the middle one of the distinct values."""
    different = sorted(set(values))
    return different[len(different) // 2]
