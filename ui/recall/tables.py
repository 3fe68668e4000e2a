"""The numbers beside the ef slider as HTML: cards, distances, the histogram of recall, the worst queries."""

from typing import Any

import numpy as np

from retriever.documents.document import Passage
from retriever.graph.misses import mark_missed
from retriever.indexing.collection import IndexedCollection
from retriever.measurement.measurement import Measurement, PairedMeasurement
from retriever.shared_results import SharedResult
from ui.inputs import SLIDER_MAX_EF, SearchSettings
from ui.render.html import HINT, Html, explained, render
from ui.render.links import lab_link
from ui.render.numbers import CROWD, format_score, format_seconds, index_recall, speed_up_words

WORST = 5
SHOWN_MISSES = 4  # names of missed passages in a row of the worst queries
NEWS_SECONDS = 1.0  # seconds up to which a measurement is called new
BARS = 10  # of the histogram, besides the one for recall 1.0 exactly
DISTANCES = Html(
    '<p class="lab-distances">At ef={} a query computes <b>{:,.0f}</b> {}, exact search '
    '<span class="lab-exact-text">{:,.0f}</span>. {}</p>'
)
EACH = "One takes HNSW {:,.0f} ns, exact search {:,.0f} ns: HNSW jumps about in memory and sorts its candidates."


def measurement_cards(pair: PairedMeasurement, note: str = "") -> Html:
    """Return recall, latency and queries per second as cards, each with exact search's, and a note on all of them."""
    now, exact = pair.hnsw, pair.exact
    p50, exact_p50 = now.p50, exact.p50
    faster = speed_up_words(pair.speed_up, pair.speed_up_range)
    cards = [
        (index_recall(now.k), format_score(now.mean_recall), "of the nearest passages, mean", "1.000"),
        ("median latency", format_seconds(p50), f"a query, {faster}", format_seconds(exact_p50)),
        ("95th percentile", format_seconds(now.p95), "a query", format_seconds(exact.p95)),
        ("queries per second", f"{now.qps:,.0f}", "one thread", f"{exact.qps:,.0f}"),
    ]
    notes = [note, CROWD if pair.crowded else ""]
    return render("recall/cards.html", ef=now.ef, cards=cards, notes=[*filter(None, notes)], milvus=False)


def typed_note(ef: object, settings: SearchSettings) -> str:
    """Return at which ef was measured, if the number beside the slider is none that the slider has."""
    if ef == settings.ef:
        return ""
    return f"ef goes from k to {SLIDER_MAX_EF} here: measured at ef={settings.ef}."


def age_note(recent: SharedResult[Any]) -> str:
    """Return when a measurement was made, if it was not for this visitor alone."""
    if not recent.shared:
        return ""
    when = f"{recent.seconds_ago:.0f} s ago" if recent.seconds_ago >= NEWS_SECONDS else "just now"
    return f"Measured {when}, for all who asked."


def distance_sentence(pair: PairedMeasurement) -> Html:
    """Return how many distances a query takes, and how long each if that tells why HNSW is not as much faster.

    Empty until they are counted, which takes longer than measuring.
    """
    now, exact = pair.hnsw, pair.exact
    if not now.mean_distances or not exact.mean_distances:
        return Html()
    one, other = now.p50 / now.mean_distances * 1e9, exact.p50 / exact.mean_distances * 1e9
    words = EACH.format(one, other) if one > other else ""
    return DISTANCES.format(now.ef, now.mean_distances, explained("distance", "distances"), exact.mean_distances, words)


def recall_histogram(now: Measurement) -> Html:
    """Return how many queries have which recall: a bar for each tenth, and one for recall 1.0 exactly."""
    tenths = np.floor(now.recall * BARS + 1e-9).astype(int)  # (n_queries,); 7 of 10 found is 0.7, however it is rounded
    counts = np.bincount(tenths, minlength=BARS + 1).tolist()
    labels = [f"{low / BARS:.1f}–" for low in range(BARS)] + ["1.0"]
    return render("recall/histogram.html", counts=list(zip(labels, counts, strict=True)), most=max(counts))


def worst_queries(indexed: IndexedCollection, now: Measurement, *, linked: bool = True) -> Html:
    """Return a table of the queries with the lowest recall, and what was missed in each.

    linked: whether Search and the walk show what was measured; they know the graph of this process only.
    """
    worst = [row for row in np.argsort(now.recall, kind="stable")[:WORST] if now.recall[row] < 1 - 1e-9]
    if not worst:
        return HINT.format(f"At ef={now.ef} no query misses anything.")
    queries = [
        (now.recall[row], *_links(indexed.queries[row], now, linked=linked), _missed_passages(indexed, now, row))
        for row in worst
    ]
    return render("recall/worst_queries.html", queries=queries, k=now.k, shown=SHOWN_MISSES)


def _links(question: str, now: Measurement, *, linked: bool) -> tuple[Html | str, Html | str]:
    """Return links that ask a question in Search, and follow its walk, with the settings of a measurement."""
    if not linked:
        return question, ""
    asked = {"q": question, "k": now.k, "ef": now.ef}
    return lab_link(question, "search", **asked), lab_link("why?", "walk", **asked)


def _missed_passages(indexed: IndexedCollection, now: Measurement, row: int) -> list[Passage]:
    """Return the passages that a measurement missed in one query, nearest first."""
    truth = indexed.measurements.truth(now.k)
    marks, _ = mark_missed(truth, now.neighbors, row)
    return [indexed.retriever.passages[node] for node, missed in zip(truth.ids[row], marks, strict=False) if missed]
