"""The build lab's verdict and table: what M and efConstruction gained and cost, as measured. Pure functions."""

from collections.abc import Sequence

from retriever.measurement.sweeps import BuildResult
from ui.recall.labs.words import crowd_note, trend_of
from ui.render.html import LESSON, Html, render
from ui.render.numbers import (
    ABOUT_EQUAL,
    count_of,
    format_megabytes,
    format_score,
    format_seconds,
    index_recall,
    is_about_one,
)


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
        Html("Over {}, {} at ef={}. {} {} <b>{}</b>{}").format(
            count_of(n, "vector"),
            index_recall(k),
            ef,
            by_width,
            by_M,
            _judgment(same_M, thin, thick),
            crowd_note([r.measurement for r in results]),
        )
    )


def _judgment(widths: Sequence[BuildResult], thin: BuildResult, thick: BuildResult) -> str:
    """Return which parts of the course's sentence hold here; widths: the graphs that differ in efConstruction."""
    low, high = widths[0], widths[-1]
    better = {1: "yes", 0: "no clear change", -1: "it falls"}[trend_of([r.measurement for r in widths])]
    slower = _growth(low.build_seconds, high.build_seconds)
    heavier = _growth(low.link_bytes, high.link_bytes)
    by_M = "; M is what costs memory" if _growth(thin.link_bytes, thick.link_bytes) == "yes" else ""
    return f"Does efConstruction change it? recall: {better}; build time: {slower}; memory: {heavier}{by_M}."


def _growth(low: float, high: float) -> str:
    """Return whether a cost grew from the one to the other."""
    if low == high:
        return "no"
    return ABOUT_EQUAL if is_about_one(high / low) else "yes" if high > low else "it falls"


def _change(one: BuildResult, other: BuildResult) -> str:
    """Return recall, build time and memory of two graphs, from the one to the other."""
    recall = " → ".join(format_score(result.measurement.mean_recall) for result in (one, other))
    seconds = " → ".join(format_seconds(result.build_seconds) for result in (one, other))
    return f"recall {recall}, build time {seconds}, memory {_memory(one, other)}"


def _memory(one: BuildResult, other: BuildResult) -> str:
    """Return the memory of two graphs' links, from the one to the other."""
    if other.link_bytes == one.link_bytes:
        return f"the same, {format_megabytes(one.link_bytes)}"
    return f"{format_megabytes(one.link_bytes)} → {format_megabytes(other.link_bytes)}"


def _middle(values: Sequence[int]) -> int:
    """Return the middle one of the distinct values."""
    different = sorted(set(values))
    return different[len(different) // 2]
