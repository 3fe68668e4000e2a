"""Prose: numbers with their units, and sentences about what is loaded and measured. Pure functions."""

import html
import math
import re
from collections.abc import Mapping, Sequence

from retriever.indexed import IndexedCollection
from retriever.measurement import Measurement, smallest_ef
from ui.job import Status
from ui.preparation import TITLES, Preparation

AS_FAST = 1.25  # a ratio of latencies that is not worth a graph
UNWRITABLE = re.compile("[\0\ud800-\udfff]")  # NUL and half surrogate pairs, which HTML or UTF-8 cannot hold
TURNING = re.compile("[\u202a-\u202e\u2066-\u2069]")  # directions that would turn round the words after the text, too


def writable(text: object) -> str:
    """Return text with U+FFFD for what no page can hold."""
    return UNWRITABLE.sub("\ufffd", str(text))


def escape(text: object) -> str:
    """Return text that is shown as text in HTML, whatever markup it holds, and that changes no other text's order."""
    return html.escape(TURNING.sub("", writable(text)), quote=True)


def literal(text: object) -> str:
    """Return text that is shown as text in a figure: Plotly takes tags and entities for markup, dollars for TeX."""
    shown = TURNING.sub("", writable(text)).replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    return shown.replace("$", "&#36;")


def plain(markup: str) -> str:
    """Return the words of a sentence made for the page, without its markup."""
    return html.unescape(re.sub(r"<[^>]*>", "", markup))


def seconds(value: float) -> str:
    """Write seconds in the unit that reads best: µs, ms, s or min."""
    if value < 999.5e-6:  # what would round to 1000 µs is 1 ms
        return f"{value * 1e6:.0f} µs"
    if value < 999.5e-3:
        return f"{value * 1e3:.3g} ms"
    return f"{value:.1f} s" if value < 120 else f"{value / 60:.1f} min"


def megabytes(count: int) -> str:
    """Write bytes in megabytes of 1,000,000 bytes."""
    return f"{count / 1e6:.2f} MB" if count < 10e6 else f"{count / 1e6:,.0f} MB"


def share(recall: float) -> str:
    """Write a recall in percent, rounded down: all of them is 100 % only where none is missed."""
    return f"{math.floor(recall * 100 + 1e-9)}%"


def ratio(exact: float, other: float) -> str:
    """Say in words how one latency compares with exact search's."""
    if not other or not exact:
        return "–"
    return f"{exact / other:.1f}× faster" if exact >= other else f"{other / exact:.1f}× slower"


def unit(indexed: IndexedCollection) -> str:
    """Return the word for what a vector stands for."""
    return "chunks" if indexed.chunked else "entries"


def header(indexed: IndexedCollection | None) -> str:
    """Say what is loaded: collection, chunks, model, dimension, M, efConstruction."""
    if indexed is None:
        return '<div class="lab-status">Nothing is loaded yet.</div>'
    settings = indexed.settings
    facts = {
        "collection": indexed.name,
        unit(indexed): f"{len(indexed):,}",
        "model": settings.model_name,
        "dimensions": indexed.retriever.dimension,
        "M": settings.M,
        "efConstruction": settings.ef_construction,
    }
    items = "".join(f"<span><i>{escape(key)}</i> <b>{escape(value)}</b></span>" for key, value in facts.items())
    return f'<div class="lab-status">{items}</div>'


def preparation(state: Preparation) -> str:
    """Say what is still being prepared, or what could not be; empty once all is there."""
    lines = []
    for name in state.names:
        if state.ready(name) is not None:
            continue
        failure = state.failure(name)
        if failure:
            lines.append(f"{TITLES[name]} could not be prepared: {escape(failure)}")
        else:
            lines.append(f"Preparing <b>{TITLES[name]}</b>: {progress_words(state.status(name))}")
    return f'<div class="lab-note">{" · ".join(lines)}</div>' if lines else ""


def progress_words(status: Status) -> str:
    """Write how far a job is: stage, percent, time left."""
    if status.stage == "waiting":
        return "waiting for its turn"
    left = status.seconds_left
    words = escape(status.stage) + (f" {status.fraction:.0%}" if status.fraction else "")
    return words + (f", about {seconds(max(left, 1))} left" if left is not None and status.fraction < 1 else "")


def progress_bar(status: Status) -> str:
    """Draw how far a job is."""
    words = progress_words(status)
    return (
        f'<div class="lab-progress" role="progressbar" aria-valuenow="{status.fraction * 100:.0f}">'
        f'<div style="width:{status.fraction * 100:.1f}%"></div></div><p>{words[:1].upper()}{words[1:]}</p>'
    )


def build_report(indexed: IndexedCollection) -> str:
    """Say what a build made: counts, megabytes, seconds by stage, files that failed and why."""
    vectors = indexed.retriever.vectors.nbytes
    facts = {
        "documents": f"{indexed.n_documents:,}",
        unit(indexed): f"{len(indexed):,}",
        "tokens": f"{indexed.n_tokens:,}",
        "vectors": f"{len(indexed):,} × {indexed.retriever.dimension} = {megabytes(vectors)}",
        "graph links": megabytes(indexed.retriever.hnsw.link_bytes),
        "measuring queries": f"{len(indexed.queries)}, {'drawn from the documents' if indexed.drawn else 'its own'}",
    }
    if indexed.n_kept:
        facts["not embedded again"] = f"{indexed.n_kept:,}: the same text was loaded before, with the same model"
    rows = "".join(f"<tr><th>{escape(key)}</th><td>{escape(value)}</td></tr>" for key, value in facts.items())
    stages = "".join(
        f"<tr><th>{escape(key)}</th><td>{seconds(value)}</td></tr>" for key, value in indexed.seconds.items()
    )
    failed = "".join(f"<li><b>{escape(name)}</b>: {escape(reason)}</li>" for name, reason in indexed.failed.items())
    failures = f'<div class="lab-warning">Not read:<ul>{failed}</ul></div>' if failed else ""
    return (
        f'{failures}<div class="lab-columns"><table class="lab-facts"><caption>What was built</caption>{rows}</table>'
        f'<table class="lab-facts"><caption>Time by stage</caption>{stages}</table></div>'
    )


def lesson(indexed: IndexedCollection, exact: Measurement, curve: Sequence[Measurement]) -> str:
    """Say what this curve teaches, or why it teaches nothing; every number in it was measured just there."""
    first = curve[0]
    if min(step.mean_recall for step in curve) >= 0.9995:
        return (
            f"Recall is 1.0 at every ef: with {len(indexed):,} vectors the graph is so small that even ef={first.ef} "
            f"visits all that matters{_visited(first, len(indexed))}. Try the starved graph (M=4, efConstruction=20) "
            "or a larger collection, where the trade-off shows."
        )
    if exact.p50 <= first.p50 * AS_FAST:
        return (
            f"Exact search is as fast here: {seconds(exact.p50)} a query against {seconds(first.p50)} for HNSW at "
            f"ef={first.ef}, because comparing with {len(indexed):,} vectors is little work{_each(first, exact)}. On "
            "this machine exact "
            f"search takes longer than that from about {indexed.break_even(first):,} vectors on; there an index pays."
        )
    words = f"At ef={first.ef} HNSW is {ratio(exact.p50, first.p50)} than exact search and finds "
    words += f"{share(first.mean_recall)} of the true neighbours"
    good = next((step for step in curve if step.mean_recall >= 0.95), None)
    if good and good.ef != first.ef and good.p50 < exact.p50:
        words += f"; at ef={good.ef} it finds {share(good.mean_recall)} and is still {ratio(exact.p50, good.p50)}"
    quicker = [number for number, step in enumerate(curve) if step.p50 < exact.p50]
    slower = curve[quicker[-1] + 1 :] if quicker else curve
    if slower:
        words += f". From ef={slower[0].ef} on, exact search is as fast, and it misses nothing"
    return words + "."


def _visited(step: Measurement, n: int) -> str:
    """Say how much of the collection a search looks at, where that was counted."""
    if step.mean_distances is None:
        return ""
    return f": it computes {step.mean_distances:,.0f} distances, {min(step.mean_distances / n, 1):.0%} of all there are"


def _each(hnsw: Measurement, exact: Measurement) -> str:
    """Compare what one distance costs in both searches, where they were counted."""
    if not hnsw.mean_distances or not exact.mean_distances:
        return ""
    one, other = hnsw.p50 / hnsw.mean_distances * 1e9, exact.p50 / exact.mean_distances * 1e9
    if one <= other:
        return ""
    return (
        f": HNSW computes {hnsw.mean_distances:,.0f} distances, but each takes {one:,.0f} ns against {other:,.0f} ns, "
        "as it jumps about in memory and keeps its candidates in order"
    )


def target_words(curve: Sequence[Measurement], target: float) -> str:
    """Answer which ef reaches a target recall."""
    ef = smallest_ef(curve, target)
    if ef is None:
        best = max(step.mean_recall for step in curve)
        return f"No ef measured here reaches recall {target:.2f}; the best is {math.floor(best * 1e4) / 1e4:.4f}."
    step = next(step for step in curve if step.ef == ef)
    found = f"recall {step.mean_recall:.3f}, {seconds(step.p50)} a query"
    return f"ef = {ef} is the smallest measured that reaches {target:.2f} ({found})."


def chunked(metadata: Mapping[str, object]) -> bool:
    """Return whether a passage is a chunk; rows of visitors' files may have a value called start of their own."""
    return all(isinstance(metadata.get(key), int) for key in ("start", "end"))


def place(metadata: Mapping[str, object]) -> str:
    """Say where a hit stands: its document, and the page, row or characters in it."""
    parts = [str(metadata.get("title") or metadata.get("doc_id") or "")]
    source = metadata.get("source")
    if source and source != parts[0]:
        parts.append(str(source))
    parts += [f"{key} {metadata[key]}" for key in ("page", "row") if key in metadata]
    if chunked(metadata):
        parts.append(f"characters {metadata['start']}–{metadata['end']}")
    return " · ".join(part for part in parts if part)
