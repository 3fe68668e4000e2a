"""Tables and lists as HTML: hits, bars of time, cards, downloads. Pure functions; all text is escaped."""

import base64
import csv
import io
import json
import re
from collections.abc import Mapping, Sequence

import numpy as np

from retriever.dense import Hit
from retriever.index import NO_ID
from retriever.indexed import IndexedCollection
from retriever.measurement import Measurement
from retriever.record import RunRecord
from ui.text import chunked, escape, megabytes, place, ratio, seconds, unit

SNIPPET = 170  # characters of a hit's text that are shown
SHOWN_CHUNKS = 100
WORST = 5
BARS = 10  # of the spread of recall, besides the one for recall 1.0 exactly
SIGN, BLANK = r"[=+\-@＝＋－＠]", r"\s\"\0\u200b-\u200f\ufeff"  # what begins a formula, and what may stand before it
FORMULA = re.compile(rf"[{BLANK}]*{SIGN}|[\t\r]")  # at the beginning of a cell
INNER_FORMULA = re.compile(rf"(?<![{BLANK};])[{BLANK};]+(?={SIGN})")


def hits(found: Sequence[Hit], marked: Sequence[bool], *, side: str) -> str:
    """List hits; marked ones are missed by HNSW (side "exact") or extra in it (side "hnsw")."""
    tag = "missed by HNSW" if side == "exact" else "not among the true ones"
    items = []
    for rank, (hit, mark) in enumerate(zip(found, marked, strict=True), 1):
        badge = f'<span class="lab-tag">{tag}</span>' if mark else ""
        items.append(
            f'<li class="{"lab-marked" if mark else ""}"><div class="lab-hit-head"><span class="lab-rank">{rank}</span>'
            f"<b>{escape(place(hit['metadata']))}</b>{badge}"
            f'<span class="lab-score" title="cosine similarity">{hit["score"]:.3f}</span></div>'
            f"{foldable(body(hit['text'], hit['metadata']))}</li>"
        )
    return f'<ol class="lab-hits lab-{side}">{"".join(items)}</ol>'


def body(text: str, metadata: Mapping[str, object]) -> str:
    """Return a passage without the title it was embedded with, as the title is shown above it."""
    title = str(metadata.get("title") or "")
    return text if chunked(metadata) or not title else text.removeprefix(f"{title} ")  # a chunk has no title in it


def foldable(text: str) -> str:
    """Show a text, a long one as its beginning that opens to the whole."""
    if len(text) <= SNIPPET:
        return f"<p>{escape(text)}</p>"
    begin = text[:SNIPPET].rsplit(" ", 1)[0]
    return f"<details><summary>{escape(begin)} …</summary><p>{escape(text)}</p></details>"


def time_bar(parts: Mapping[str, tuple[float, str]]) -> str:
    """Draw one bar that splits time; parts: label -> seconds and CSS class."""
    total = sum(value for value, _ in parts.values()) or 1
    bars = "".join(
        f'<div class="{css}" style="flex-grow:{value / total:.4f}" title="{escape(label)}: {seconds(value)}"></div>'
        for label, (value, css) in parts.items()
    )
    legend = "".join(
        f'<span><i class="{css}"></i>{escape(label)} <b>{seconds(value)}</b></span>'
        for label, (value, css) in parts.items()
    )
    return f'<div class="lab-time"><div class="lab-bar">{bars}</div><div class="lab-legend">{legend}</div></div>'


def cards(now: Measurement, exact: Measurement) -> str:
    """Show the numbers beside the ef slider: recall, latency, queries a second, and exact search's for comparison."""
    rows = [
        (f"mean recall@{now.k}", f"{now.mean_recall:.3f}", "of the true neighbours found", "1.000"),
        ("median latency", seconds(now.p50), f"a query, {ratio(exact.p50, now.p50)}", seconds(exact.p50)),
        ("95th percentile", seconds(now.p95), "a query", seconds(exact.p95)),
        ("queries per second", f"{now.qps:,.0f}", "one thread", f"{exact.qps:,.0f}"),
    ]
    body = "".join(
        f'<div class="lab-card"><i>{name}</i><b>{value}</b><small>{unit}</small>'
        f'<small class="lab-exact-text">exact: {other}</small></div>'
        for name, value, unit, other in rows
    )
    return f'<div class="lab-cards" data-ef="{now.ef}">{body}</div>'


def distances(now: Measurement, exact: Measurement) -> str:
    """Show how many distances a query takes; counted apart, as that takes longer than measuring."""
    if now.mean_distances is None or exact.mean_distances is None:
        return ""
    return (
        f'<p class="lab-distances">At ef={now.ef} a query computes <b>{now.mean_distances:,.0f}</b> distances; exact '
        f'search computes <span class="lab-exact-text">{exact.mean_distances:,.0f}</span>.</p>'
    )


def spread(now: Measurement) -> str:
    """Draw how recall is spread over the queries: a bar for each tenth, and one for recall 1.0 exactly."""
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


def worst(indexed: IndexedCollection, now: Measurement) -> str:
    """List the queries with the lowest recall, and what was missed in each."""
    truth = indexed.truth(now.k)
    order = np.argsort(now.recall, kind="stable")[:WORST]
    items = []
    for row in order:
        if now.recall[row] >= 1 - 1e-9:
            continue
        found = set(now.neighbors.ids[row].tolist())
        missed = [int(number) for number in truth.ids[row] if number not in found and number != NO_ID]
        names = ", ".join(escape(place(indexed.retriever.metadata[number])) for number in missed[:4])
        more = f" and {len(missed) - 4} more" if len(missed) > 4 else ""
        items.append(
            f"<tr><td><b>{now.recall[row]:.1f}</b></td><td>{escape(indexed.queries[row])}</td>"
            f'<td class="lab-missed-text">{names}{more}</td></tr>'
        )
    if not items:
        return f'<p class="lab-hint">At ef={now.ef} no query misses anything.</p>'
    head = "<tr><th>recall</th><th>question</th><th>missed</th></tr>"
    return f'<div class="lab-scroll"><table class="lab-table">{head}{"".join(items)}</table></div>'


def chunks(indexed: IndexedCollection) -> str:
    """Show the first chunks with their places."""
    retriever = indexed.retriever
    shown = list(zip(retriever.texts[:SHOWN_CHUNKS], retriever.metadata[:SHOWN_CHUNKS], strict=True))
    rows = "".join(
        f"<tr><td>{number}</td><td>{escape(place(metadata))}</td><td>{escape(text)}</td></tr>"
        for number, (text, metadata) in enumerate(shown, 1)
    )
    part = f"The first {len(shown)} of" if len(indexed) > len(shown) else "All"
    table = f'<table class="lab-table"><tr><th>#</th><th>place</th><th>text</th></tr>{rows}</table>'
    note = f'<p class="lab-hint">{part} {len(indexed):,} {unit(indexed)}.</p>'
    return f'{note}<div class="lab-scroll lab-tall">{table}</div>'


def record(run: RunRecord) -> str:
    """Show a run record and offer it as JSON and as Markdown."""
    links = download("run-record.json", "application/json", run.to_json(), "JSON")
    links += download("run-record.md", "text/markdown", run.to_markdown(), "Markdown")
    return f'<div class="lab-downloads">Download: {links}</div><pre class="lab-record">{escape(run.to_json())}</pre>'


def folded_record(run: RunRecord) -> str:
    """Show a run record behind a line that opens it."""
    return f"<details><summary>Run record</summary>{record(run)}</details>"


def download(name: str, kind: str, content: str, label: str) -> str:
    """Return a link that carries its file with it: nothing is kept on the server, nobody else can fetch it."""
    raw = content.encode("utf-8", "replace")  # half a surrogate pair, which UTF-8 cannot hold, becomes a question mark
    data = base64.b64encode(raw).decode()
    size = megabytes(len(data)) if len(data) > 100_000 else f"{len(raw) / 1000:.1f} kB"
    return f'<a class="lab-download" download="{escape(name)}" href="data:{kind};base64,{data}">{label} ({size})</a>'


def results_csv(rows: Sequence[Mapping[str, object]]) -> str:
    """Write rows as CSV that a spreadsheet opens without taking a text for a formula."""
    file = io.StringIO()
    if rows:
        writer = csv.DictWriter(file, list(rows[0]), quoting=csv.QUOTE_NONNUMERIC)
        writer.writeheader()
        for row in rows:
            writer.writerow({key: _harmless(value) for key, value in row.items()})
    return file.getvalue()


def results_json(rows: Sequence[Mapping[str, object]]) -> str:
    """Write rows as JSON."""
    return json.dumps(list(rows), indent=2, ensure_ascii=False, default=str) + "\n"


def _harmless(value: object) -> object:
    """Put an apostrophe in front of what would be a formula; numbers stay numbers.

    Where the list separator is a semicolon, spreadsheets part cells there and at line ends, whatever the quotes say, so
    a formula may also begin inside a text. Source: OWASP, CSV injection.
    """
    if not isinstance(value, str):
        return value
    marked = INNER_FORMULA.sub(_marked, value)
    return f"'{marked}" if FORMULA.match(value) else marked


def _marked(before: re.Match[str]) -> str:
    """Put an apostrophe between the end of a cell or a line and a formula."""
    return f"{before[0]}'" if set(before[0]) & set(";\r\n") else before[0]
