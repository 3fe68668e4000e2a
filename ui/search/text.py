"""One question's answers as HTML: hits, times and a summary."""

from collections.abc import Mapping, Sequence

from retriever.documents.passage import ScoredPassage
from retriever.experiments.search_comparison import SearchComparison
from retriever.indexing.collection import IndexedCollection
from ui.render.html import escape
from ui.render.numbers import format_seconds
from ui.render.passages import foldable_text, passage_noun, passage_place


def search_summary(both: SearchComparison, k: int, ef: int, indexed: IndexedCollection) -> str:
    """Return the times of one question as a bar, and what HNSW missed."""
    parts = {
        "embedding the question": (both.seconds["embedding"], "lab-part-embed"),
        f"HNSW at ef={ef}": (both.seconds["HNSW"], "lab-part-hnsw"),
        "exact": (both.seconds["exact"], "lab-part-exact"),
    }
    found, missed = len(both.exact), sum(both.missed)
    words = f"HNSW found {found - missed} of the {found} true neighbours (recall@{min(k, found)} = {both.recall:.2f})."
    if found < k:
        words += f" k is {k}, but the collection has only {found} {passage_noun(indexed)}: all are shown."
    return f"{time_bar(parts)}<p>{words}</p>"


def hit_list(found: Sequence[ScoredPassage], marked: Sequence[bool], *, side: str) -> str:
    """Return a list of hits; marked ones are missed by HNSW (side "exact") or extra in it (side "hnsw")."""
    tag = "missed by HNSW" if side == "exact" else "not among the true ones"
    items = []
    for rank, (hit, mark) in enumerate(zip(found, marked, strict=True), 1):
        badge = f'<span class="lab-tag">{tag}</span>' if mark else ""
        items.append(
            f'<li class="{"lab-marked" if mark else ""}"><div class="lab-hit-head"><span class="lab-rank">{rank}</span>'
            f"<b>{escape(passage_place(hit.passage))}</b>{badge}"
            f'<span class="lab-score" title="cosine similarity">{hit.score:.3f}</span></div>'
            f"{foldable_text(hit.passage.text)}</li>"
        )
    return f'<ol class="lab-hits lab-{side}">{"".join(items)}</ol>'


def time_bar(parts: Mapping[str, tuple[float, str]]) -> str:
    """Return one bar that splits the time; parts: label -> seconds and CSS class."""
    total = sum(value for value, _ in parts.values()) or 1
    bars = "".join(
        f'<div class="{css}" style="flex-grow:{value / total:.4f}" '
        f'title="{escape(label)}: {format_seconds(value)}"></div>'
        for label, (value, css) in parts.items()
    )
    legend = "".join(
        f'<span><i class="{css}"></i>{escape(label)} <b>{format_seconds(value)}</b></span>'
        for label, (value, css) in parts.items()
    )
    return f'<div class="lab-time"><div class="lab-bar">{bars}</div><div class="lab-legend">{legend}</div></div>'
