"""Measurements of walks on the graph: how far a search goes, why it misses, and what counts as a miss."""

from collections import Counter

import numpy as np

from retriever.experiments.telling_question import telling_question
from retriever.graph.miss_reasons import Miss
from retriever.indexes.exact import ExactIndex
from retriever.indexes.hnsw import HNSWIndex
from retriever.indexes.recall import knn_recall
from retriever.measurement.recall_and_latency import PROTOCOL
from retriever.progress import Progress
from retriever.run_record import RunRecord
from ui.inputs import SLIDER_MAX_EF, SearchSettings
from ui.lessons.measurements.measured import Collections, Measured
from ui.lessons.measurements.recall import few_passages, measured_pair, recall_place, smallest_ef
from ui.recall.records import ef_record
from ui.render.numbers import count_of, format_score
from ui.render.passages import passage_place
from ui.render.records import record_data, record_settings
from ui.walk.records import walk_record
from ui.walk.trace import WalkTrace, hardest_queries, trace_walk

UNSEEN, DROPPED, UNREACHABLE, NOTHING = "unseen", "dropped", "unreachable", "nothing"
MISS, NO_MISS, SAME_COPIES = "miss", "no_miss", "same_copies"
MOST_DOUBLED = 2_000  # passages that are stored twice
WIDE_EF = 100  # at which the doubled passages are searched, so that a difference is one of copies


def walk_distances(collections: Collections, progress: Progress, *, sample: str, k: int, ef: int) -> Measured:
    """Measure with how many passages the walk of the hardest question compares it."""
    progress("walking the graph", 0.0)
    trace = hardest_walk(collections, sample, k, ef)
    walk, n = trace.walk, len(trace.indexed)
    layers = max(step.layer for step in walk.steps) + 1
    first = (
        f"The question is “{trace.question}”. The walk begins on the top layer (there are {layers}), follows the "
        f"links of {count_of(walk.hops, 'passage')}, and compares the question with {walk.distances:,} of the {n:,}."
    )
    if walk.distances > n / 2:
        second = f"That is more than half of them, which is not the usual outcome: {few_passages(trace.indexed)}."
    else:
        second = (
            f"It keeps the {walk.ef} nearest passages that it has met as candidates. Each step follows the links of "
            "the nearest candidate whose links were not followed yet; when there is none left, the walk stops. Here it "
            f"has found {trace.found} of the {len(trace.true_ids)} nearest by then."
        )
    return Measured(
        value=walk.distances,
        unit="passages",
        sentences=[first, second],
        record=walk_record(trace),
        place=walk_place(sample, trace),
        numbers={
            "compared": f"{walk.distances:,} of {n:,} passages",
            "steps": f"{walk.hops:,}",
            "found": f"{trace.found} of {len(trace.true_ids)} nearest",
        },
    )


def why_missed(collections: Collections, progress: Progress, *, sample: str, k: int, ef: int) -> Measured:
    """Measure why the walk of the hardest question misses what it misses: the most frequent reason."""
    progress("looking for the reasons", 0.0)
    trace = hardest_walk(collections, sample, k, ef)
    reasons = Counter(_reason(trace, miss) for miss in trace.missed)
    value = reasons.most_common(1)[0][0] if reasons else NOTHING
    missed = len(trace.missed)
    if not trace.missed:
        sentences = [
            f"Nothing is missed at ef={ef}, not even by the hardest question, “{trace.question}”. That is not the "
            "usual "
            f"outcome: {few_passages(trace.indexed)}."
        ]
    else:
        nearest = trace.missed[0]
        linking, seen = len(nearest.linking), len(nearest.looked_at)
        name = passage_place(trace.indexed.retriever.passages[nearest.node])
        sentences = [
            f"Of “{trace.question}” the walk misses {count_of(missed, 'passage')}: "
            f"{', '.join(f'{count} {_REASONS[reason]}' for reason, count in reasons.most_common())}.",
            f"The nearest one missed is “{name}”. {_linked(linking)}; the walk compared the question with {seen} of "
            "these and followed the links of none.",
            "“Compared, but not kept” cannot happen to one of the nearest: once the walk compares it, it is near "
            "enough to stay. So what is missed was not seen, because nothing that was kept led there.",
        ]
        if value != UNSEEN:
            sentences[-1] = "That is not the usual outcome, which is that a missed passage was never compared."
        sentences += _found_by(trace)
    counts = {_REASONS[reason]: f"{count} of {missed} missed" for reason, count in reasons.most_common()}
    place = walk_place(sample, trace)
    return Measured(value, "", sentences, walk_record(trace), place, counts or {"missed": f"0 of {k}"})


def ef_without_misses(
    collections: Collections, progress: Progress, *, sample: str, k: int, questions: int = 10
) -> Measured:
    """Measure the smallest ef at which none of the hardest questions misses anything."""
    progress("searching at one ef after the other", 0.0)
    indexed = collections.indexed(sample)
    k = min(k, len(indexed))
    rows = hardest_queries(indexed, SearchSettings(k, k), questions)

    def missed(ef: int) -> int:
        return int((indexed.measurements.recalls(k, ef)[rows] < 1 - 1e-9).sum())

    ef = smallest_ef(lambda ef: not missed(ef), k)
    found = ef or SLIDER_MAX_EF
    pair = measured_pair(collections, sample, k, found)
    steps = [one for one in (k, 2 * k, 4 * k, 8 * k) if one < found] + [found]
    still = ", ".join(f"{missed(one)} at ef={one}" for one in steps)
    first = f"Of the {len(rows)} questions that HNSW does worst on at ef={k}, this many still miss something: {still}."
    distances = pair.hnsw.mean_distances or 0.0
    cost = f"At ef={found} a question is compared with {distances:,.0f} of {len(indexed):,} passages."
    if ef is None:
        end = f"No ef up to {found} is enough for all of them, so this is where the sliders end, not an answer."
    elif ef == k:
        end = f"That is not the usual outcome: nothing is missed even at the smallest ef, as {few_passages(indexed)}."
    else:
        end = (
            "The last misses cost the most: an ef that is enough for the hardest questions is far more than most need."
        )
    return Measured(
        value=found,
        unit="candidates",
        sentences=[first, cost, end],
        record=ef_record(indexed, pair, None),
        place=recall_place(sample, k, found),
        numbers={f"still missing something at ef={one}": f"{missed(one)} of {len(rows)}" for one in steps},
    )


def copies_found(collections: Collections, progress: Progress, *, sample: str, k: int) -> Measured:
    """Measure whether finding another copy of a passage counts as a miss: every passage is stored twice."""
    progress("storing every passage twice", 0.0)
    indexed = collections.indexed(sample)
    vectors = indexed.retriever.vectors[:MOST_DOUBLED]
    doubled = np.concatenate([vectors, vectors])
    exact, hnsw = ExactIndex(doubled), HNSWIndex(doubled)
    k = min(k, len(doubled))
    truth, found = exact.search(indexed.query_vectors, k), hnsw.search(indexed.query_vectors, k, ef=WIDE_EF)
    recall = float(knn_recall(truth, found).mean())
    rows = [len(set(one.tolist()) & set(other.tolist())) for one, other in zip(truth.ids, found.ids, strict=True)]
    by_number, differing, asked = float(np.mean(rows)) / k, sum(row < k for row in rows), len(rows)
    value = SAME_COPIES if not differing else NO_MISS if recall > by_number + 1e-9 else MISS
    first = (
        f"{count_of(len(vectors), 'passage')} stored twice are {len(doubled):,}. For {differing} of "
        f"{count_of(asked, 'question')} HNSW named another copy than exact search did."
    )
    second = (
        f"If only the very same copy counts as found, HNSW finds {format_score(by_number)} of the {k} nearest. If any "
        f"passage counts that is as near as the last of them, it finds {format_score(recall)}: this page counts so."
    )
    third = {
        NO_MISS: "Both copies are equally near and have the same text: whoever is shown one of them misses nothing.",
        SAME_COPIES: "So this time both searches named the same copies, which is not the usual outcome.",
        MISS: "So here the differences were misses, not ties, which is not the usual outcome.",
    }[value]
    observed = {"recall_by_score": recall, "recall_by_id": by_number, "questions_with_other_copies": differing}
    settings = record_settings(indexed) | {"k": k, "ef": WIDE_EF, "M": hnsw.M, "ef_construction": hnsw.ef_construction}
    data = record_data(indexed) | {"vectors_stored": len(doubled), "each_stored": 2}
    return Measured(
        value=value,
        unit="",
        sentences=[first, second, third],
        record=RunRecord("Every passage stored twice", settings, data, observed, PROTOCOL, kind="copies"),
        place=recall_place(sample, k, max(k, 10)),
        numbers={
            "recall if only the same copy counts": format_score(by_number),
            "recall if either copy counts": format_score(recall),
        },
    )


def hardest_walk(collections: Collections, sample: str, k: int, ef: int) -> WalkTrace:
    """Return the walk of the question that HNSW does worst on at ef=k."""
    indexed = collections.indexed(sample)

    def make() -> WalkTrace:
        told = telling_question(indexed, k)
        query = indexed.query_vectors[list(indexed.queries).index(told.question)]
        return trace_walk(told.question, query, SearchSettings(told.k, max(ef, told.k)), indexed)

    return collections.once(("walk", sample, k, ef), make)


def walk_place(sample: str, trace: WalkTrace) -> dict[str, object]:
    """Return the address of a walk."""
    return {"tab": "walk", "sample": sample, "q": trace.question, "k": trace.walk.k, "ef": trace.walk.ef}


_REASONS = {
    UNSEEN: "never compared with the question",
    DROPPED: "compared, but not kept",
    UNREACHABLE: "out of reach of any link",
}


def _reason(trace: WalkTrace, miss: Miss) -> str:
    """Return why one of the nearest passages was missed."""
    if miss.smallest_ef is None:
        return UNREACHABLE
    return DROPPED if miss.node in trace.walk.looked_at else UNSEEN


def _linked(count: int) -> str:
    return "1 passage links to it" if count == 1 else f"{count} passages link to it"


def _found_by(trace: WalkTrace) -> list[str]:
    """Return the ef that finds all that was missed, as a sentence, if there is one."""
    efs = [miss.smallest_ef for miss in trace.missed]
    known = [ef for ef in efs if ef is not None]
    if len(known) < len(efs):
        return ["Some of them no ef finds."]
    return [f"ef={max(known)} finds all of them: keeping more candidates keeps one that leads there."]
