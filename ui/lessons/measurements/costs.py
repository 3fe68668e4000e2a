"""Measurements of what a search costs: distances, which are the same everywhere, and times, which are not."""

from collections.abc import Sequence
from dataclasses import replace
from functools import partial

from retriever.fair_lock import MACHINE_LOCK
from retriever.indexing.collection import IndexedCollection
from retriever.measurement.measurement import PairedMeasurement
from retriever.measurement.recommendation import LITTLE_SAVED
from retriever.measurement.sweeps import SizeResult, sweep_sizes
from retriever.progress import Progress, stage_progress
from retriever.run_record import RunRecord
from ui.lessons.measurements.measured import Collections, Measured
from ui.lessons.measurements.recall import measured_pair, recall_place
from ui.recall.labs.size.records import size_lab_record
from ui.recall.records import ef_record
from ui.render.numbers import CROWD, format_score, format_seconds, is_about_one
from ui.render.records import measurement_numbers

HNSW, EXACT, EQUAL = "hnsw", "exact", "equal"
LESS, SAME, MORE = "less", "same", "more"


def distances_at(collections: Collections, progress: Progress, *, sample: str, k: int, ef: int) -> Measured:
    """Measure with how many passages HNSW compares a question at ef."""
    progress("counting distances", 0.0)
    indexed, pair = collections.indexed(sample), measured_pair(collections, sample, k, ef)
    n, distances = len(indexed), pair.hnsw.mean_distances or 0.0
    first = (
        f"At ef={ef} HNSW compares a question with {distances:,.0f} of the {n:,} passages, as a mean over "
        f"{len(indexed.queries)} questions, and finds {format_score(pair.hnsw.mean_recall)} of the {k} nearest."
    )
    if distances > LITTLE_SAVED * n:
        second = "That is more than half of them, which is not the usual outcome: so small a collection needs no index."
    else:
        second = f"Exact search compares it with {n / distances:.0f} times as many, and misses nothing."
    why = (
        "These numbers were counted, not timed: the same graph and the same question give the same count on every "
        "computer, however busy it is."
    )
    return Measured(
        value=distances,
        unit="passages",
        sentences=[first, second, why],
        record=ef_record(indexed, pair, None),
        place=recall_place(sample, k, ef) | {"axis": "distances"},
        numbers={"HNSW": f"{distances:,.0f} distances", "exact search": f"{n:,} distances"},
    )


def time_against_distances(collections: Collections, progress: Progress, *, sample: str, k: int, ef: int) -> Measured:
    """Measure whether HNSW is as many times faster than exact search as it computes fewer distances."""
    progress("timing both searches in turns", 0.0)
    indexed, pair = collections.indexed(sample), measured_pair(collections, sample, k, ef)
    distances = pair.hnsw.mean_distances or 1.0
    fewer, (low, high) = len(indexed) / distances, pair.speed_up_range
    value = LESS if high < fewer else MORE if low > fewer else SAME
    first = (
        f"Exact search computes {fewer:.1f} times as many distances as HNSW here, and takes "
        f"{format_seconds(pair.exact.p50)} where HNSW takes {format_seconds(pair.hnsw.p50)}: {_longer(pair)}."
    )
    one, other = pair.hnsw.p50 / distances, pair.exact.p50 / len(indexed)
    each = f"One distance takes HNSW {one * 1e9:,.0f} ns, and exact search {other * 1e9:,.0f} ns"
    why = {
        LESS: f"{each}: HNSW jumps about in memory and sorts its candidates, exact search reads one row after the "
        "other.",
        SAME: f"{each}. The spread contains the ratio of the distances, so the two ratios cannot be told apart here.",
        MORE: f"{each}: here the vectors of the walk came faster than those of a whole pass, which is not usual.",
    }[value]
    third = "On another processor both times differ, and so does their ratio; the distances stay the same."
    return Measured(
        value=value,
        unit="",
        sentences=[first, why, third, *([CROWD] if pair.crowded else [])],
        record=ef_record(indexed, pair, None),
        place=recall_place(sample, k, ef),
        numbers={
            "distances, exact search to HNSW": f"{fewer:.1f} times as many",
            "time, exact search to HNSW": f"{pair.speed_up:.1f} times as long ({low:.1f} to {high:.1f})",
        },
        crowded=pair.crowded,
    )


def time_spread(
    collections: Collections, progress: Progress, *, sample: str, k: int, ef: int, times: int = 5
) -> Measured:
    """Measure by how many percent the medians of the same search differ when it is timed several times."""
    indexed = collections.indexed(sample)
    pairs: list[PairedMeasurement] = []
    for number in range(times):
        progress("timing the same search again and again", number / times)
        pairs.append(indexed.measurements.measure(k, ef))
    counted = {count_again(indexed, pair) for pair in pairs[:2]}
    medians = sorted(pair.hnsw.p50 for pair in pairs)
    spread = (medians[-1] / medians[0] - 1) * 100
    shown = ", ".join(format_seconds(pair.hnsw.p50) for pair in pairs)
    first = (
        f"The medians are {shown}: the slowest is {spread:.0f} % above the fastest, with the same questions and graph."
    )
    if len(counted) == 1:
        second = f"The distances were counted twice as well: {counted.pop():,.2f} a question, both times."
    else:
        second = "The distances differ too, which must not be: please report it."
    third = (
        "So a time belongs together with its spread and its machine. Where the spreads of two times overlap, this page "
        "calls the times about equal."
    )
    crowded = any(pair.crowded for pair in pairs)
    return Measured(
        value=spread,
        unit="%",
        sentences=[first, second, third, *([CROWD] if crowded else [])],
        record=with_repeats(ef_record(indexed, pairs[-1], None), pairs),
        place=recall_place(sample, k, ef),
        numbers={f"median {number}": format_seconds(pair.hnsw.p50) for number, pair in enumerate(pairs, 1)},
        crowded=crowded,
    )


def with_repeats(record: RunRecord, pairs: Sequence[PairedMeasurement]) -> RunRecord:
    """Return a record with what was measured each time."""
    return replace(
        record, observed={**record.observed, "each_time": [measurement_numbers(pair.hnsw) for pair in pairs]}
    )


def count_again(indexed: IndexedCollection, pair: PairedMeasurement) -> float:
    """Return the mean distances of a measurement's questions, counted anew on the graph."""
    graph, k, ef = indexed.measurements.graph, pair.hnsw.k, pair.hnsw.ef or pair.hnsw.k
    total = 0
    with MACHINE_LOCK.shared():
        for query in indexed.query_vectors:
            total += graph.walk(query, k, ef, beams=False).distances
            MACHINE_LOCK.pause()
    return total / len(indexed.query_vectors)


def faster_search(collections: Collections, progress: Progress, *, sample: str, k: int, ef: int) -> Measured:
    """Measure which search answers faster, or that both are about equal."""
    progress("timing both searches in turns", 0.0)
    indexed, pair = collections.indexed(sample), measured_pair(collections, sample, k, ef)
    n, distances, (low, high) = len(indexed), pair.hnsw.mean_distances or 0.0, pair.speed_up_range
    equal = low <= 1 <= high or is_about_one(pair.speed_up)
    value = EQUAL if equal else HNSW if pair.speed_up > 1 else EXACT
    first = (
        f"HNSW at ef={ef} takes {format_seconds(pair.hnsw.p50)}, exact search {format_seconds(pair.exact.p50)}: "
        f"{_longer(pair)}. So {_WORDS[value]}."
    )
    saved = (
        f"HNSW compares a question with {distances:,.0f} of the {n:,} passages and has a recall@{k} of "
        f"{format_score(pair.hnsw.mean_recall)}."
    )
    if distances > LITTLE_SAVED * n:
        apart = format_seconds(abs(pair.exact.p50 - pair.hnsw.p50))
        gain = {HNSW: f"saves {apart}", EXACT: f"takes {apart} more", EQUAL: "takes about as long"}[value]
        why = (
            f"It saves {max(n - distances, 0):,.0f} of {n:,} comparisons, and {gain} by the clock: too little for what "
            "must be built and can miss."
        )
    elif value == HNSW:
        why = "That is what an index is for; what it costs is what it misses, and the memory of its links."
    else:
        why = "It computes far fewer distances and still is not faster on this machine, which is not the usual outcome."
    return Measured(
        value=value,
        unit="",
        sentences=[first, saved, why, *([CROWD] if pair.crowded else [])],
        record=ef_record(indexed, pair, None),
        place=recall_place(sample, k, ef),
        numbers={
            "HNSW": f"{format_seconds(pair.hnsw.p50)}, {distances:,.0f} distances",
            "exact search": f"{format_seconds(pair.exact.p50)}, {n:,} distances",
        },
        crowded=pair.crowded,
    )


def _longer(pair: PairedMeasurement) -> str:
    """Return how many times as long as HNSW exact search takes, with its spread."""
    low, high = pair.speed_up_range
    return (
        f"by these medians exact search takes {pair.speed_up:.1f} times as long (spread: {low:.1f} to {high:.1f}, "
        "between the quicker and the slower quarter of the questions)"
    )


_WORDS = {HNSW: "HNSW is faster", EXACT: "exact search is faster", EQUAL: "the two are about equal"}


def growth(collections: Collections, progress: Progress, *, sample: str, k: int, ef: int) -> Measured:
    """Measure how many times as many distances HNSW computes over all passages as over a sixteenth of them."""
    indexed = collections.indexed(sample)
    report = stage_progress(progress, "building graphs of every size")
    sweep = partial(
        sweep_sizes,
        indexed.retriever.vectors,
        indexed.query_vectors,
        k=k,
        ef=ef,
        M=indexed.settings.M,
        ef_construction=indexed.settings.ef_construction,
        whole=indexed.retriever.hnsw,
        progress=report,
    )
    results = collections.once(("sizes", sample, k, ef), sweep)
    small, large = results[0], results[-1]
    times, grown = _distances(large) / _distances(small), large.n / small.n
    first = (
        f"From {small.n:,} to {large.n:,} passages, {grown:.0f} times as many, exact search computes {grown:.0f} times "
        f"as many distances, and HNSW at ef={ef} {times:.1f} times: {_distances(small):,.0f} and then "
        f"{_distances(large):,.0f}."
    )
    if len(results) < 2:
        why = f"That is no growth: {large.n:,} passages are too few to be divided. Take a larger collection."
    elif times < 0.75 * grown:
        shares = [_distances(one) / one.n for one in (small, large)]
        why = (
            f"So {grown:.0f} times the passages took {times:.1f} times the distances: HNSW compares a question with "
            f"{shares[0] * 100:.0f} % of the smaller collection and with {shares[1] * 100:.0f} % of the larger. "
            f"{_rule(results)}"
        )
    else:
        why = (
            "HNSW grew nearly as fast as the collection, which is not the usual outcome: at these sizes it saves "
            "little."
        )
    return Measured(
        value=times,
        unit="times as many",
        sentences=[first, why],
        record=size_lab_record(indexed, results),
        place=recall_place(sample, k, ef) | {"axis": "distances"},
        numbers={f"HNSW over {one.n:,} passages": f"{_distances(one):,.0f} distances" for one in results},
    )


def _rule(results: Sequence[SizeResult]) -> str:
    """Return from which of the measured sizes on an index pays, and what follows for choosing one."""
    paying = [one.n for one in results if _distances(one) <= LITTLE_SAVED * one.n]
    if not paying:
        return "At none of these sizes it saves half of the comparisons: use exact search."
    return (
        f"Of the sizes measured, {paying[0]:,} passages are the first at which it saves half of the comparisons or "
        "more: use exact search for fewer, and HNSW from there on if its recall is enough for you."
    )


def _distances(result: SizeResult) -> float:
    return result.hnsw.mean_distances or 1.0
