"""What a load test says at its end: tables in Markdown."""

import math
from statistics import median

SHOWN = 8  # of failures and of wrong answers


def percentile(values, share):
    """Return the smallest value that this share of all values does not exceed."""
    ordered = sorted(values)
    return ordered[max(0, math.ceil(share * len(ordered)) - 1)]


def actions(notes, wrong):
    """One row an action: how often, how long, how many failed, how many answers were wrong."""
    of_action = {"search": ("search",), "measure": ("measure",), "slide": ("recall",)}
    of_action["all of a slide"] = ("spread", "worst queries", "distances", "record")
    of_action["build, all shown"] = ("header",)
    failed = [where for _, where, _ in notes.failures]
    lines = [
        "| action | count | p50 s | p95 s | p99 s | most s | errors | wrong |",
        "|---|--:|--:|--:|--:|--:|--:|--:|",
    ]
    for name, seconds in sorted(notes.seconds.items(), key=lambda item: (item[0].startswith("request"), item[0])):
        kinds = of_action.get(name, ())
        row = [percentile(seconds, share) for share in (0.5, 0.95, 0.99, 1)]
        errors = sum(where == name.removeprefix("request ") for where in failed)
        mistakes = sum(what in kinds for _, what, *_ in wrong) if kinds else ""
        lines.append(
            f"| {name} | {len(seconds)} | {' | '.join(f'{value:.3f}' for value in row)} | {errors} | {mistakes} |"
        )
    return "\n".join(lines)


def mistakes(notes, wrong):
    """Failures and wrong answers, the first of them in words."""
    stale = sum(bool(like) for *_, like in wrong)
    lines = [
        f"Failures: {len(notes.failures)}. Wrong answers: {len(wrong)} of {len(notes.answers)} compared, {stale} of them "
        f"are right for another ef. Superseded while ef moved on: {notes.superseded}."
    ]
    lines += [f"- failed: {failure}" for failure in notes.failures[:SHOWN]]
    for collection, what, asked, right, answer, like in wrong[:SHOWN]:
        words = f"as for {like[:3]}" if like else f"wanted {str(right)[:160]}, got {str(answer)[:160]}"
        lines.append(f"- wrong: {what} of {collection} at {asked}: {words}")
    return "\n".join(lines)


def latencies(alone, notes):
    """How the latencies on the screen differ from those that one visitor alone sees, ef by ef, as ratios."""
    hnsw, exact = {}, {}
    for collection, ef, seconds, other in alone.shown:
        hnsw.setdefault((collection, ef), []).append(seconds)
        exact.setdefault(collection, []).append(other)
    ratios = [
        seconds / median(hnsw[collection, ef]) for collection, ef, seconds, _ in notes.shown if (collection, ef) in hnsw
    ]
    others = [other / median(exact[collection]) for collection, _, _, other in notes.shown if collection in exact]
    lines = ["| median shown, under load / alone | p5 | p50 | p95 | most | above 1.25 |", "|---|--:|--:|--:|--:|--:|"]
    for name, values in (("HNSW", ratios), ("exact", others)):
        if values:
            row = " | ".join(f"{percentile(values, share):.2f}" for share in (0.05, 0.5, 0.95, 1))
            lines.append(f"| {name} | {row} | {sum(value > 1.25 for value in values) / len(values):.0%} |")
    return "\n".join(lines)
