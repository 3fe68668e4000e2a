"""The shard lab's sentences and tables: what was predicted beside what was measured, and why. Pure functions."""

from collections.abc import Mapping, Sequence

import numpy as np

from retriever.measurement.measurement import ratio_range
from retriever.measurement.sharding import ShardResult
from ui.recall.labs.shard.questions import EQUAL, LESS, MORE, QUESTIONS, outcomes
from ui.recall.labs.words import crowd_note
from ui.render.html import LESSON, Html, render
from ui.render.numbers import count_of, format_megabytes, format_score, format_seconds, index_recall, is_about_one
from ui.render.predictions import choice_outcome

GAINS = {"recall": "recall", "distances": "fewer distances", "wait": "a shorter wait"}
COSTS = {"recall": "recall", "distances": "more distances in all", "wait": "a longer wait"}
KEPT = {"recall": "recall", "distances": "the distances in all", "wait": "the wait"}


def prediction_table(predicted: Mapping[str, str], results: Sequence[ShardResult]) -> Html:
    """Return a table of what was predicted, by the questions' names, beside what was measured; none for one shard."""
    if len(results) < 2:
        return Html()
    rows = []
    for name, found in outcomes(results).items():
        words = QUESTIONS[name].prediction.words
        right = predicted[name] == found
        rows.append((name, words(predicted[name]), words(found), choice_outcome(predicted[name], found), right))
    return render("recall/shard_predictions.html", rows=rows, shards=results[-1].shards)


def shard_lab_table(results: Sequence[ShardResult]) -> Html:
    """Return a table of every number of shards: recall, distances, waits, the work of all and memory."""
    return render("recall/shard_lab.html", results=results)


def shard_lab_verdict(results: Sequence[ShardResult]) -> Html:
    """Return what the most shards gave and took beside one graph, with its reasons, as measured."""
    one, many = results[0], results[-1]
    n = sum(one.sizes)
    if len(results) < 2:
        return LESSON.format(f"{count_of(n, 'vector')} cannot be split: load a larger collection.")
    found = outcomes(results)
    points = [
        _recall_sentence(one, many, found["recall"]),
        _distances_sentence(one, many, found["distances"]),
        _wait_sentence(one, many, found["wait"]),
        _work_sentence(one, many),
        _memory_sentence(one, many),
        _few_vectors_sentence(many),
    ]
    lead = f"{count_of(n, 'vector')}, {index_recall(one.searches[0].k)}, ef={one.searches[0].ef} in every shard."
    items = Html(" ").join(Html("<li>{}</li>").format(point) for point in points if point)
    balance, crowd = _balance(one, many, found), crowd_note(results)
    return LESSON.format(Html("{} <b>{}</b>{} <ul>{}</ul>").format(lead, balance, crowd, items))


def _recall_sentence(one: ShardResult, many: ShardResult, outcome: str) -> str:
    """Return how recall changed, and what explains it."""
    before, after = format_score(one.mean_recall), format_score(many.mean_recall)
    shards, search = many.shards, many.searches[0]
    if outcome == MORE:
        ef = max(search.ef or 0, search.k)
        kept = sum(min(ef, size) for size in many.sizes)
        return (
            f"With {shards} shards recall is {after}, with one graph {before}: each shard keeps up to {ef} candidates "
            f"of its own, {kept:,} in all."
        )
    if outcome == LESS:
        inside = format_score(float(np.mean([search.mean_recall for search in many.searches])))
        return (
            f"With {shards} shards recall is {after}, with one graph {before}, which is not the usual outcome: of the "
            f"nearest in its own vectors a shard finds {inside}, so these small graphs miss more than the large one."
        )
    if before == after == format_score(1):
        return f"Recall is {after} with one graph and with {shards} shards: where nothing is missed, nothing is gained."
    same = f"Recall is {after} with one graph and with {shards} shards."
    moved = f"With {shards} shards recall is {after}, with one graph {before}: so small a difference may be chance."
    return same if before == after else moved


def _distances_sentence(one: ShardResult, many: ShardResult, outcome: str) -> str:
    """Return how many distances all shards compute together, and what explains it."""
    n, shards, before, after = sum(one.sizes), many.shards, one.mean_distances, many.mean_distances
    # a graph's upper layers hold some of its vectors, too
    again = " (some of its vectors are compared in several layers)" if after / shards > many.sizes[0] else ""
    why = {
        MORE: f"{after / before:.1f} times as many, as a shard of {count_of(many.sizes[0], 'vector')} still takes "
        f"{after / shards:,.0f}{again}",
        EQUAL: "about as many",
        LESS: "fewer, which is not the usual outcome",
    }[outcome]
    told = f"All shards together compute {after:,.0f} distances a query, one graph {before:,.0f}: {why}."
    return f"{told} Exact search computes {n:,} and misses nothing." if after >= n else told


def _wait_sentence(one: ShardResult, many: ShardResult, outcome: str) -> str:
    """Return how long a query waits for the slowest shard: measured, and simulated from one shard."""
    middle = f"{format_seconds(many.fan_out.median)} (median), with one graph {format_seconds(one.fan_out.median)}"
    said = QUESTIONS["wait"].prediction.words(outcome)
    return (
        f"With a machine for each shard, a query waits {middle}: {said}; 95 of 100 wait at most "
        f"{format_seconds(many.fan_out.p95)}, with one graph {format_seconds(one.fan_out.p95)}. Simulated from the "
        f"first shard alone, as if each shard were slow by chance, 95 of 100 wait at most "
        f"{format_seconds(many.simulated.p95)}."
    )


def _work_sentence(one: ShardResult, many: ShardResult) -> str:
    """Return how long one machine takes for all shards, one after the other."""
    before, after = one.work_p50, many.work_p50
    low, high = ratio_range(many.work, one.work)
    alike = low <= 1 <= high or is_about_one(after / before)
    times = "about as long as for one graph" if alike else f"{after / before:.1f} times as long as for one graph"
    return f"One machine takes {format_seconds(after)} for all of them, {times}."


def _memory_sentence(one: ShardResult, many: ShardResult) -> str:
    """Return how much memory vectors and links take in all, and in the largest shard."""
    whole, split = format_megabytes(one.total_bytes), format_megabytes(many.total_bytes)
    largest = format_megabytes(many.largest_bytes)
    both = f"All vectors and links take {whole} as one graph and {split} as {many.shards}"
    return f"{both}, the largest of which has {largest}."


def _few_vectors_sentence(many: ShardResult) -> str:
    """Return a note where shards are so small that k or ef covers them; empty if they are not."""
    search, largest = many.searches[0], max(many.sizes)
    if largest > max(search.k, search.ef or 0):
        return ""
    does = "returns" if largest <= search.k else "compares"
    why = f"k={search.k}" if largest <= search.k else f"ef={search.ef}"
    return f"No shard has more than {count_of(largest, 'vector')}: with {why} each {does} all that it reaches."


def _balance(one: ShardResult, many: ShardResult, found: Mapping[str, str]) -> str:
    """Return what sharding gives, what it costs and what stays about equal, by the outcomes."""
    gives = [GAINS[name] for name, outcome in found.items() if outcome == QUESTIONS[name].better]
    largest, whole = format_megabytes(many.largest_bytes), format_megabytes(one.total_bytes)
    if largest != whole:
        gives.append(f"room: {largest} a machine, not {whole}")
    costs = [COSTS[name] for name, outcome in found.items() if outcome not in (EQUAL, QUESTIONS[name].better)]
    kept = [KEPT[name] for name, outcome in found.items() if outcome == EQUAL]
    parts = {"Sharding gives": gives, "It costs": costs, "About equal:": kept}
    return " ".join(f"{words} {_listed(named)}." for words, named in parts.items() if named)


def _listed(named: Sequence[str]) -> str:
    """Return names as a list in a sentence."""
    return " and ".join([*filter(None, [", ".join(named[:-1])]), named[-1]])
