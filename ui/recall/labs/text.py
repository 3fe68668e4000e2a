"""Verdicts and tables of the labs: what a setting gained and what it cost, as measured. Pure functions."""

from collections.abc import Sequence

from retriever.measurement.sweeps import BuildResult, SizeResult, growth_exponent
from ui.render.numbers import format_megabytes, format_seconds

EQUAL_SHARE = 0.02  # values that differ by less are called equal: builds of one graph differ by more than that in time


def build_lab_table(results: Sequence[BuildResult]) -> str:
    """Return a table of all graphs: recall, build seconds, memory of the links, distances and latency of a query."""
    rows = "".join(
        f"<tr><td>{r.M}</td><td>{r.ef_construction}</td><td>{r.measurement.mean_recall:.3f}</td>"
        f"<td>{format_seconds(r.build_seconds)}</td><td>{format_megabytes(r.link_bytes)}</td>"
        f"<td>{r.measurement.mean_distances:,.0f}</td><td>{format_seconds(r.measurement.p50)}</td></tr>"
        for r in results
    )
    heads = ("M", "efConstruction", "recall", "build", "links", "distances a query", "median latency")
    return _table(heads, rows)


def build_lab_verdict(results: Sequence[BuildResult], n: int) -> str:
    """Return what efConstruction and M changed, compared with what the course says of efConstruction."""
    k, ef = results[0].measurement.k, results[0].measurement.ef
    same_M = [r for r in results if r.M == _middle([r.M for r in results])]  # noqa: SIM300 - M is no constant
    same_width = [r for r in results if r.ef_construction == _middle([r.ef_construction for r in results])]
    low, high = same_M[0], same_M[-1]
    thin, thick = same_width[0], same_width[-1]
    return (
        f'<div class="lab-lesson">Over {n:,} vectors, recall@{k} at ef={ef}. <b>efConstruction</b> from '
        f"{low.ef_construction} to {high.ef_construction} at M={low.M}: recall {_change(low, high)}, build time "
        f"{format_seconds(low.build_seconds)} → {format_seconds(high.build_seconds)}, memory "
        f"{_memory(low, high)}. <b>M</b> from {thin.M} to {thick.M} at efConstruction={thin.ef_construction}: recall "
        f"{_change(thin, thick)}, build time {format_seconds(thin.build_seconds)} → "
        f"{format_seconds(thick.build_seconds)}, memory {_memory(thin, thick)}. "
        f"{_judgment(low, high, thin, thick)}</div>"
    )


def _judgment(low: BuildResult, high: BuildResult, thin: BuildResult, thick: BuildResult) -> str:
    """Return which parts of the course's sentence hold here."""
    recall = high.measurement.mean_recall - low.measurement.mean_recall
    better = "recall: yes" if recall > 0.005 else "recall: hardly, here"
    slower = "build time: yes" if high.build_seconds > low.build_seconds * (1 + EQUAL_SHARE) else "build time: no"
    heavier = "memory: yes" if high.link_bytes > low.link_bytes * (1 + EQUAL_SHARE) else "memory: no"
    by_M = "; M is what costs memory" if thick.link_bytes > thin.link_bytes * (1 + EQUAL_SHARE) else ""
    return f"<b>Does efConstruction change it? {better}; {slower}; {heavier}{by_M}.</b>"


def size_lab_table(results: Sequence[SizeResult]) -> str:
    """Return a table of all sizes: recall of HNSW, and distances and latency of both searches."""
    rows = "".join(
        f"<tr><td>{r.n:,}</td><td>{r.hnsw.mean_recall:.3f}</td><td>{r.hnsw.mean_distances:,.0f}</td>"
        f"<td>{format_seconds(r.hnsw.p50)}</td><td>{format_seconds(r.exact.p50)}</td></tr>"
        for r in results
    )
    return _table(("vectors", "recall", "distances, HNSW", "latency, HNSW", "latency, exact"), rows)


def size_lab_verdict(results: Sequence[SizeResult]) -> str:
    """Return how each search grows, and from which size on HNSW is faster."""
    ef = results[0].hnsw.ef
    sizes = [r.n for r in results]
    if len(sizes) < 2:
        many = "1 vector is" if sizes[0] == 1 else f"{sizes[0]:,} vectors are"
        few = f"{many} too few to take parts of: load a larger collection."
        return f'<div class="lab-lesson">{few}</div>'
    exact, hnsw = (
        growth_exponent(sizes, [r.exact.p50 for r in results]),
        growth_exponent(sizes, [r.hnsw.p50 for r in results]),
    )
    counted = growth_exponent(sizes, [r.hnsw.mean_distances or 1 for r in results])
    faster = [r.n for r in results if r.hnsw.p50 < r.exact.p50]
    crossing = (
        f"HNSW is faster from {faster[0]:,} vectors on"
        if faster and faster == sizes[-len(faster) :]
        else "exact search is the faster one up to all of them"
        if not faster
        else "which one is faster changes with the size"
    )
    last, first = results[-1].hnsw.mean_recall, results[0].hnsw.mean_recall
    lesson = ": a larger collection wants a larger ef" if first - last > 0.005 else ""
    return (
        f'<div class="lab-lesson">With twice the vectors, exact search takes {2**exact:.2f} times as long (exponent '
        f"{exact:.2f}), HNSW at ef={ef} {2**hnsw:.2f} times ({hnsw:.2f}) and {2**counted:.2f} times the distances "
        f"({counted:.2f}); {crossing}. At the same ef recall goes from {first:.3f} to {last:.3f}{lesson}.</div>"
    )


def _change(one: BuildResult, other: BuildResult) -> str:
    """Return the recall of two graphs, from the one to the other."""
    return f"{one.measurement.mean_recall:.3f} → {other.measurement.mean_recall:.3f}"


def _memory(one: BuildResult, other: BuildResult) -> str:
    """Return the memory of two graphs' links, from the one to the other."""
    if other.link_bytes == one.link_bytes:
        return f"the same, {format_megabytes(one.link_bytes)}"
    return f"{format_megabytes(one.link_bytes)} → {format_megabytes(other.link_bytes)}"


def _middle(values: Sequence[int]) -> int:
    """Return the middle one of the distinct values."""
    different = sorted(set(values))
    return different[len(different) // 2]


def _table(heads: Sequence[str], rows: str) -> str:
    head = "".join(f"<th>{name}</th>" for name in heads)
    return f'<div class="lab-scroll lab-whole"><table class="lab-table lab-numbers"><tr>{head}</tr>{rows}</table></div>'
