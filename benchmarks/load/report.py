"""The report of a load test: tables in Markdown."""

import math
from statistics import median

SHOWN = 8  # of failures and of wrong answers
SHARES = (0.5, 0.95, 0.99, 1)
ANSWERS = {  # action -> the answers that it brings
    "slide": ("recall",),
    "all of a slide": ("spread", "worst queries", "distances", "record"),
    "search": ("search",),
    "measure": ("measure",),
    "build, all shown": ("header",),
}


def percentile(values, share):
    """Return the smallest value that is not exceeded by this share of all values."""
    ordered = sorted(values)
    return ordered[max(0, math.ceil(share * len(ordered)) - 1)]


def actions(notes, wrong, *, requests=True):
    """Return a table with a row for each action and request: count, times, errors and wrong answers."""
    failed = [where for _, where, _ in notes.failures]
    lines = [
        "| action | count | p50 s | p95 s | p99 s | most s | errors | wrong |",
        "|---|--:|--:|--:|--:|--:|--:|--:|",
    ]
    for name, seconds in sorted(notes.seconds.items(), key=lambda item: (item[0].startswith("request"), item[0])):
        if name.startswith("request") and not requests:
            continue
        times = " | ".join(f"{percentile(seconds, share):.3f}" for share in SHARES)
        errors = failed.count(name.removeprefix("request "))
        mistakes = sum(what in ANSWERS[name] for _, what, *_ in wrong) if name in ANSWERS else ""
        lines.append(f"| {name} | {len(seconds)} | {times} | {errors} | {mistakes} |")
    return "\n".join(lines)


def mistakes(notes, wrong):
    """Return the number of failures and wrong answers, with the first of them in words."""
    stale = sum(bool(like) for *_, like in wrong)
    lines = [
        f"Failures: {len(notes.failures)}. Wrong answers: {len(wrong)} of {len(notes.answers)} compared, {stale} of "
        f"them right for another ef. Values of ef that the slider had left before they were shown: {notes.superseded}."
    ]
    lines += [f"- failed: {failure}" for failure in notes.failures[:SHOWN]]
    for collection, what, asked, right, answer, like in wrong[:SHOWN]:
        words = f"as for {like[:3]}" if like else f"wanted {str(right)[:160]}, got {str(answer)[:160]}"
        lines.append(f"- wrong: {what} of {collection} at {asked}: {words}")
    if notes.waits:
        lines.append("Words to those who waited: " + "; ".join(sorted(notes.waits)))
    return "\n".join(lines)


def ratios(alone, notes):
    """Return the 95th percentile of slide and search in a crowd, as a multiple of that of one visitor alone."""
    return {
        action: percentile(notes.seconds[action], 0.95) / percentile(alone.seconds[action], 0.95)
        for action in ("slide", "search")
    }


def latencies(alone, notes):
    """Return how the latencies shown in a crowd differ from those that one visitor alone sees, ef by ef, as ratios.

    The first row is how they differ when that visitor looks a second time: so much is the machine's.
    """
    hnsw, exact = {}, {}
    for collection, ef, seconds, other, _ in alone.shown:
        hnsw.setdefault((collection, ef), []).append(seconds)
        exact.setdefault(collection, []).append(other)
    shown = [row for row in notes.shown if row[:2] in hnsw]
    ratios = {
        "HNSW, alone, a second time": [times[-1] / times[0] for times in hnsw.values()],
        "HNSW": [seconds / median(hnsw[collection, ef]) for collection, ef, seconds, *_ in shown],
        "HNSW, not marked": [row[2] / median(hnsw[row[:2]]) for row in shown if not row[4]],
        "exact": [other / median(exact[collection]) for collection, _, _, other, _ in shown],
    }
    marked = sum(row[4] for row in shown) / max(len(shown), 1)
    lines = [
        f"{marked:.0%} of the latencies shown in the crowd were marked as measured in one.\n",
        "| median latency shown, in the crowd / alone | p5 | p50 | p95 | most | above 1.25 |",
        "|---|--:|--:|--:|--:|--:|",
    ]
    for name, values in ratios.items():
        if not values:
            continue
        row = " | ".join(f"{percentile(values, share):.2f}" for share in (0.05, 0.5, 0.95, 1))
        lines.append(f"| {name} | {row} | {sum(value > 1.25 for value in values) / len(values):.0%} |")
    return "\n".join(lines)
