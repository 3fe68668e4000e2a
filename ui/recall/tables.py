"""The numbers beside the ef slider as HTML: cards, distances, the histogram of recall, the worst queries."""

import numpy as np

from retriever.graph.misses import mark_missed
from retriever.indexing.collection import IndexedCollection
from retriever.measurement.recall_and_latency import Measurement
from ui.render.html import escape
from ui.render.numbers import format_seconds, latency_ratio
from ui.render.passages import passage_place

WORST = 5
BARS = 10  # of the histogram, besides the one for recall 1.0 exactly


def measurement_cards(now: Measurement, exact: Measurement) -> str:
    """Return recall, latency and queries per second as cards, each with exact search's for comparison."""
    rows = [
        (f"mean recall@{now.k}", f"{now.mean_recall:.3f}", "of the true neighbours found", "1.000"),
        (
            "median latency",
            format_seconds(now.p50),
            f"a query, {latency_ratio(exact.p50, now.p50)}",
            format_seconds(exact.p50),
        ),
        ("95th percentile", format_seconds(now.p95), "a query", format_seconds(exact.p95)),
        ("queries per second", f"{now.qps:,.0f}", "one thread", f"{exact.qps:,.0f}"),
    ]
    body = "".join(
        f'<div class="lab-card"><i>{name}</i><b>{value}</b><small>{unit}</small>'
        f'<small class="lab-exact-text">exact: {other}</small></div>'
        for name, value, unit, other in rows
    )
    return f'<div class="lab-cards" data-ef="{now.ef}">{body}</div>'


def distance_sentence(now: Measurement, exact: Measurement) -> str:
    """Return how many distances a query takes; empty until they are counted, which takes longer than measuring."""
    if now.mean_distances is None or exact.mean_distances is None:
        return ""
    return (
        f'<p class="lab-distances">At ef={now.ef} a query computes <b>{now.mean_distances:,.0f}</b> distances; exact '
        f'search computes <span class="lab-exact-text">{exact.mean_distances:,.0f}</span>.</p>'
    )


def recall_histogram(now: Measurement) -> str:
    """Return how many queries have which recall: a bar for each tenth, and one for recall 1.0 exactly."""
    tenths = np.floor(now.recall * BARS + 1e-9).astype(int)  # (n_queries,); 7 of 10 found is 0.7, however it is rounded
    counts = np.bincount(tenths, minlength=BARS + 1).tolist()
    labels = [f"{low / BARS:.1f}–" for low in range(BARS)] + ["1.0"]
    most = max(counts)
    bars = "".join(
        f'<div title="{count} queries with recall {label}"><span>{count or ""}</span>'
        f'<i class="{"lab-full" if label == "1.0" else ""}" style="height:{100 * count / most:.0f}%"></i>'
        f"<small>{label}</small></div>"
        for label, count in zip(labels, counts, strict=True)
    )
    return f'<div class="lab-spread" role="img" aria-label="queries by recall">{bars}</div>'


def worst_queries(indexed: IndexedCollection, now: Measurement) -> str:
    """Return a table of the queries with the lowest recall, and what was missed in each."""
    truth = indexed.measurements.truth(now.k)
    order = np.argsort(now.recall, kind="stable")[:WORST]
    items = []
    for row in order:
        if now.recall[row] >= 1 - 1e-9:
            continue
        marks, _ = mark_missed(truth, now.neighbors, row)
        missed = [int(number) for number, mark in zip(truth.ids[row], marks, strict=False) if mark]
        names = ", ".join(escape(passage_place(indexed.retriever.passages[number])) for number in missed[:4])
        more = f" and {len(missed) - 4} more" if len(missed) > 4 else ""
        items.append(
            f"<tr><td><b>{now.recall[row]:.1f}</b></td><td>{escape(indexed.queries[row])}</td>"
            f'<td class="lab-missed-text">{names}{more}</td></tr>'
        )
    if not items:
        return f'<p class="lab-hint">At ef={now.ef} no query misses anything.</p>'
    head = "<tr><th>recall</th><th>question</th><th>missed</th></tr>"
    return f'<div class="lab-scroll"><table class="lab-table">{head}{"".join(items)}</table></div>'
