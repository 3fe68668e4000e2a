"""Measurements of recall over all measuring questions: what ef buys, and what it costs in distances."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np

from retriever.errors import RetrieverError
from retriever.indexing.collection import IndexedCollection
from retriever.measurement.measurement import PairedMeasurement
from retriever.measurement.recall_and_latency import PROTOCOL
from retriever.measurement.recommendation import LITTLE_SAVED
from retriever.progress import Progress
from retriever.run_record import RunRecord
from ui.inputs import SLIDER_MAX_EF
from ui.lessons.measurements.measured import Collections, Measured
from ui.recall.records import ef_record
from ui.render.numbers import count_of, format_score
from ui.render.records import record_data, record_settings

SAME, LESS, REFUSED = "same", "less", "refused"


def measured_pair(collections: Collections, sample: str, k: int, ef: int) -> PairedMeasurement:
    """Return HNSW at ef with its distances counted, and exact search, which took turns with it."""
    measurements = collections.indexed(sample).measurements
    pair = measurements.recent(k, ef).value
    return replace(pair, hnsw=measurements.counted(pair.hnsw))


def recall_at(collections: Collections, progress: Progress, *, sample: str, k: int, ef: int) -> Measured:
    """Measure recall@k at ef."""
    progress("measuring recall", 0.0)
    indexed, pair = collections.indexed(sample), measured_pair(collections, sample, k, ef)
    recall, asked = pair.hnsw.recall, len(pair.hnsw.recall)
    complete, half = int((recall > 1 - 1e-9).sum()), int((recall < 0.5 - 1e-9).sum())
    head = (
        f"At ef={ef} HNSW finds {format_score(pair.hnsw.mean_recall)} of the {k} nearest passages, as a mean over "
        f"{count_of(asked, 'question')}: its recall@{k}. Exact search says which ones are the nearest, so its own is 1."
    )
    if complete == asked:
        spread = (
            f"That is not the usual outcome: nothing is missed in any question, as {len(indexed):,} passages are few."
        )
    else:
        worst = round(float(recall.min()) * k)
        spread = (
            f"A mean hides how uneven that is: {complete} of the {asked} questions miss nothing, {half} miss more than "
            f"half, and the worst finds {worst} of {k}."
        )
    return Measured(
        value=pair.hnsw.mean_recall,
        unit=f"recall@{k}",
        sentences=[head, spread],
        record=ef_record(indexed, pair, None),
        place=recall_place(sample, k, ef),
        numbers={
            f"recall@{k}": format_score(pair.hnsw.mean_recall),
            "questions that miss nothing": f"{complete} of {asked}",
            "questions that miss more than half": f"{half} of {asked}",
        },
        shown=f"{format_score(pair.hnsw.mean_recall)} recall@{k}",
    )


def ef_for_recall(collections: Collections, progress: Progress, *, sample: str, k: int, target: float) -> Measured:
    """Measure the smallest ef of the page's sliders that reaches a recall@k."""
    progress("searching at one ef after the other", 0.0)
    indexed = collections.indexed(sample)

    def recall(ef: int) -> float:
        return float(indexed.measurements.recalls(k, ef).mean())

    ef = smallest_ef(lambda ef: recall(ef) >= target, k)
    reached, found = ef is not None, ef or SLIDER_MAX_EF
    pair = measured_pair(collections, sample, k, found)
    compared = round(pair.hnsw.mean_distances or 0)
    cost = f"A search then compares the question with {compared:,} of the {len(indexed):,} passages."
    if not reached:
        first = f"No ef up to {found} reaches a recall of {target}: at {found} it is {format_score(recall(found))}."
    elif found == k:
        first = (
            f"That is not the usual outcome: the smallest ef there is, {k}, already has a recall of "
            f"{format_score(recall(k))}; {len(indexed):,} passages are few for HNSW."
        )
    else:
        first = (
            f"ef={found} is the smallest that reaches {target}: with it recall is {format_score(recall(found))}. With "
            f"ef={found - 1} it is {format_score(recall(found - 1))}"
            + (f", and with ef={k} only {format_score(recall(k))}." if found - 1 > k else ".")
        )
    twice = min(2 * found, SLIDER_MAX_EF)
    more = (
        f"Twice that ef, {twice}, reaches {format_score(recall(twice))}: each further gain of recall costs more."
        if reached
        else ""
    )
    return Measured(
        value=found,
        unit="candidates",
        sentences=[first, cost, *filter(None, [more if recall(twice) > recall(found) else ""])],
        record=ef_record(indexed, pair, None),
        place=recall_place(sample, k, found) | {"target": target},
        numbers={f"recall@{k} at ef={one}": format_score(recall(one)) for one in sorted({k, found, twice})},
    )


def more_distances(
    collections: Collections, progress: Progress, *, sample: str, k: int, low: int, high: int
) -> Measured:
    """Measure how many times as many distances a search computes at a high ef as at a low one."""
    progress("counting distances", 0.0)
    indexed = collections.indexed(sample)
    few, many = (measured_pair(collections, sample, k, ef) for ef in (low, high))
    one, other = few.hnsw.mean_distances or 1.0, many.hnsw.mean_distances or 1.0
    times, grown = other / one, high / low
    first = (
        f"At ef={low} a search compares the question with {one:,.0f} passages, at ef={high} with {other:,.0f}: "
        f"{times:.1f} times as many. Exact search compares it with all {len(indexed):,}."
    )
    if one > LITTLE_SAVED * len(indexed):
        why = f"That is not the usual outcome: at ef={low} it compares most of them already, as they are few."
    elif times < 0.95 * grown:
        why = (
            f"That is less than the {grown:g} times that ef grew: the way to the right region costs the same at any "
            "ef, and many links lead to passages that were compared before."
        )
    else:
        why = f"That is no less than the {grown:g} times that ef grew, which is not the usual outcome."
    gained = many.hnsw.mean_recall - few.hnsw.mean_recall
    bought = (
        f"For that, recall rose from {format_score(few.hnsw.mean_recall)} to {format_score(many.hnsw.mean_recall)}."
        if gained > 1e-9
        else f"It bought nothing here: recall is {format_score(few.hnsw.mean_recall)} at both."
    )
    return Measured(
        value=times,
        unit="times as many",
        sentences=[first, why, bought],
        record=ef_record(indexed, many, [few.hnsw, many.hnsw]),
        place=recall_place(sample, k, high) | {"axis": "distances"},
        numbers={f"passages compared at ef={ef}": f"{count:,.0f}" for ef, count in ((low, one), (high, other))},
    )


def ef_below_k(collections: Collections, progress: Progress, *, sample: str, k: int, ef: int) -> Measured:
    """Measure what a search does whose ef is below k."""
    progress("searching", 0.0)
    indexed = collections.indexed(sample)
    hnsw, queries, truth = indexed.retriever.hnsw, indexed.query_vectors, indexed.measurements.truth(k)
    at_k = hnsw.search(queries, k, ef=k)
    usual = float(indexed.measurements.recalls(k, k).mean())
    try:
        below = hnsw.search(queries, k, ef=ef)
    except RetrieverError as error:
        value, words = REFUSED, f"The search was refused: {error}"
    else:
        same = sum(bool(np.array_equal(*rows)) for rows in zip(below.ids, at_k.ids, strict=True))
        value = SAME if same == len(queries) else LESS
        words = (
            f"With ef={ef} and {k} results wanted, the results are those of ef={k} for {same} of "
            f"{count_of(len(queries), 'question')}, passage by passage: a recall@{k} of {format_score(usual)}."
        )
    why = {
        SAME: f"Whoever wants {k} results must keep {k} candidates: hnswlib searches with ef or with the number of "
        f"results, whichever is larger. So ef={ef} in somebody's settings may not mean what it says.",
        LESS: "That is not what hnswlib does, which searches with the larger of ef and the number of results.",
        REFUSED: "That is not what hnswlib does, which searches with the larger of ef and the number of results.",
    }[value]
    observed = {f"recall_at_{k}": usual, "outcome": value, "questions": len(truth.ids)}
    settings = record_settings(indexed) | {"k": k, "ef": ef}
    return Measured(
        value=value,
        unit="",
        sentences=[words, why],
        record=RunRecord("An ef below k", settings, record_data(indexed), observed, PROTOCOL, kind="ef below k"),
        place=recall_place(sample, k, k),
        numbers={f"recall@{k} at ef={k}": format_score(usual)},
    )


def recall_place(sample: str, k: int, ef: int) -> dict[str, object]:
    """Return the address of the Recall against latency tab with a sample, k and ef."""
    return {"tab": "recall", "sample": sample, "k": k, "ef": ef}


def smallest_ef(enough: Callable[[int], bool], lowest: int, highest: int = SLIDER_MAX_EF) -> int | None:
    """Return an ef that is enough while the one below is not, by halving; the lowest if it is, None if none is."""
    if enough(lowest):
        return lowest
    if not enough(highest):
        return None
    while highest - lowest > 1:
        middle = (lowest + highest) // 2
        lowest, highest = (lowest, middle) if enough(middle) else (middle, highest)
    return highest


def few_passages(indexed: IndexedCollection) -> str:
    """Return that a collection is small, as a reason why nothing is missed."""
    return f"{len(indexed):,} passages are few for HNSW"
