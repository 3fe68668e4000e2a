"""The size lab's verdict and table: how each search grows, as measured. Pure functions."""

from collections.abc import Sequence

from retriever.measurement.sweeps import SizeResult, growth_exponent
from ui.recall.labs.words import crowd_note, drift_of, trend_of
from ui.render.html import LESSON, Html, render
from ui.render.numbers import ABOUT_EQUAL, count_of, format_score, index_recall, is_about_one, speed_up_words


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
    crowd = crowd_note([side for r in results for side in (r.hnsw, r.exact)])
    return LESSON.format(
        f"With twice the vectors, exact search takes {_longer(exact)} (exponent {_exponent(exact)}), HNSW at "
        f"ef={results[0].hnsw.ef} {_longer(hnsw)} ({_exponent(hnsw)}), with {_more(counted)} ({_exponent(counted)}); "
        f"{_crossing(results)}. {_recall_by_size(results)}{crowd}"
    )


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
    shown, trend = [format_score(step.mean_recall) for step in steps], trend_of(steps)
    what = f"At the same ef, {index_recall(steps[0].k)}"
    if len(set(shown)) == 1:
        return f"{what} is {shown[0]} at every size."
    if not trend:
        drifts = {1: "rises on the whole, not at each step", -1: "falls on the whole, not at each step"}
        return f"{what} {drifts.get(drift_of(steps), 'shows no clear change')}: {', '.join(shown)}."
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
