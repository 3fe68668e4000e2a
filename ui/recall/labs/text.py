"""Verdicts and tables of the labs: what a setting gained and what it cost, as measured. Pure functions."""

from collections.abc import Sequence

import numpy as np

from retriever.evaluation.significance import TIE_TOLERANCE, bootstrap_interval
from retriever.measurement.recall_and_latency import Measurement
from retriever.measurement.sweeps import BuildResult, SizeResult, growth_exponent
from ui.render.html import LESSON, Html, render
from ui.render.numbers import (
    ABOUT_EQUAL,
    CROWD,
    count_of,
    format_megabytes,
    format_score,
    format_seconds,
    index_recall,
    is_about_one,
    speed_up_words,
)

MUCH_MORE = 3  # times the largest step back from which on a series that goes up and down has a direction


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
            _crowd([r.measurement for r in results]),
        )
    )


def _judgment(widths: Sequence[BuildResult], thin: BuildResult, thick: BuildResult) -> str:
    """Return which parts of the course's sentence hold here; widths: the graphs that differ in efConstruction."""
    low, high = widths[0], widths[-1]
    better = {1: "yes", 0: "no clear change", -1: "it falls"}[_trend([r.measurement for r in widths])]
    slower = _growth(low.build_seconds, high.build_seconds)
    heavier = _growth(low.link_bytes, high.link_bytes)
    by_M = "; M is what costs memory" if _growth(thin.link_bytes, thick.link_bytes) == "yes" else ""
    return f"Does efConstruction change it? recall: {better}; build time: {slower}; memory: {heavier}{by_M}."


def _growth(low: float, high: float) -> str:
    """Return whether a cost grew from the one to the other."""
    if low == high:
        return "no"
    return ABOUT_EQUAL if is_about_one(high / low) else "yes" if high > low else "it falls"


def _trend(steps: Sequence[Measurement]) -> int:
    """Return 1 or -1 if recall rises or falls at each step and by more than chance between the ends, else 0.

    The queries are the same at each step, so chance is judged by their differences.
    """
    changes = np.diff([step.mean_recall for step in steps])
    ends = bootstrap_interval(steps[-1].recall - steps[0].recall)
    if (changes >= -TIE_TOLERANCE).all() and ends.low > TIE_TOLERANCE:
        return 1
    return -1 if (changes <= TIE_TOLERANCE).all() and ends.high < -TIE_TOLERANCE else 0


def _drift(steps: Sequence[Measurement]) -> int:
    """Return 1 or -1 if recall rises or falls by more than chance and by much more than any step back, else 0."""
    changes = np.diff([step.mean_recall for step in steps])
    whole, ends = changes.sum(), bootstrap_interval(steps[-1].recall - steps[0].recall)
    back = (-np.sign(whole) * changes).max()
    clear = max(ends.low, -ends.high) > TIE_TOLERANCE and abs(whole) > MUCH_MORE * back
    return int(np.sign(whole)) if clear else 0


def size_lab_table(results: Sequence[SizeResult]) -> Html:
    """Return a table of all sizes: recall of HNSW, and distances and latency of both searches."""
    return render("recall/size_lab.html", results=results)


def size_lab_verdict(results: Sequence[SizeResult]) -> Html:
    """Return how each search grows, and from which size on HNSW is faster."""
    sizes = [r.n for r in results]
    if len(sizes) < 2:
        many = f"{count_of(sizes[0], 'vector')} {'is' if sizes[0] == 1 else 'are'}"
        return LESSON.format(f"{many} too few to take parts of: load a larger collection.")
    exact = growth_exponent(sizes, [r.exact.p50 for r in results])
    hnsw = growth_exponent(sizes, [r.hnsw.p50 for r in results])
    counted = growth_exponent(sizes, [r.hnsw.mean_distances or 1 for r in results])
    crowd = _crowd([side for r in results for side in (r.hnsw, r.exact)])
    return LESSON.format(
        f"With twice the vectors, exact search takes {_longer(exact)} (exponent {_exponent(exact)}), HNSW at "
        f"ef={results[0].hnsw.ef} {_longer(hnsw)} ({_exponent(hnsw)}), with {_more(counted)} ({_exponent(counted)}); "
        f"{_crossing(results)}. {_recall_by_size(results)}{crowd}"
    )


def _crowd(measurements: Sequence[Measurement]) -> str:
    """Return a note on times that others' work may have lengthened; empty if there are none."""
    return f" {CROWD}" if any(measured.crowded for measured in measurements) else ""


def _longer(exponent: float) -> str:
    """Return how many times as long a search takes with twice the vectors."""
    return "about as long" if is_about_one(2**exponent) else f"{2**exponent:.2f} times as long"


def _more(exponent: float) -> str:
    """Return how many times the distances a search computes with twice the vectors."""
    return "about as many distances" if is_about_one(2**exponent) else f"{2**exponent:.2f} times the distances"


def _exponent(value: float) -> str:
    """Format an exponent of growth."""
    return f"{round(value, 2) + 0.0:.2f}".replace("-", "−")  # + 0.0 avoids a minus zero


def _recall_by_size(results: Sequence[SizeResult]) -> str:
    """Return whether recall rises or falls with the size, at the same ef; the full size is the loaded graph."""
    steps = [r.hnsw for r in results]
    shown, trend = [format_score(step.mean_recall) for step in steps], _trend(steps)
    what = f"At the same ef, {index_recall(steps[0].k)}"
    if len(set(shown)) == 1:
        return f"{what} is {shown[0]} at every size."
    if not trend:
        drifts = {1: "rises on the whole, not at each step", -1: "falls on the whole, not at each step"}
        return f"{what} {drifts.get(_drift(steps), 'shows no clear change')}: {', '.join(shown)}."
    moved = "falls" if trend < 0 else "rises"
    larger = ": a larger collection wants a larger ef" if trend < 0 else ""
    return f"{what} {moved} from {shown[0]} to {shown[-1]}{larger}."


def _crossing(results: Sequence[SizeResult]) -> str:
    """Return from which size on HNSW is faster, if there is one."""
    words = [speed_up_words(r.pair.speed_up, r.pair.speed_up_range) for r in results]
    if all(word == ABOUT_EQUAL for word in words):
        return "the two are about equal at every size"
    faster = [word.endswith("faster") for word in words]
    if not any(faster):
        return "HNSW is faster at no size"
    first = faster.index(True)
    if all(faster[first:]):
        return f"HNSW is clearly faster from {count_of(results[first].n, 'vector')} on"
    return "which one is faster changes with the size"


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
