"""The report of a build and the table of its chunks, as HTML."""

from retriever.indexing.collection import IndexedCollection
from ui.render.html import escape
from ui.render.numbers import format_megabytes, format_seconds
from ui.render.passages import passage_noun, passage_place


def build_report(indexed: IndexedCollection) -> str:
    """Return what a build made: counts, megabytes, seconds by stage, and the files that failed and why."""
    vectors = indexed.retriever.vectors.nbytes
    facts = {
        "documents": f"{indexed.n_documents:,}",
        passage_noun(indexed): f"{len(indexed):,}",
        "tokens": f"{indexed.n_tokens:,}",
        "vectors": f"{len(indexed):,} × {indexed.retriever.dimension} = {format_megabytes(vectors)}",
        "graph links": format_megabytes(indexed.retriever.hnsw.link_bytes),
        "measuring queries": f"{len(indexed.queries)}, {'drawn from the documents' if indexed.drawn else 'its own'}",
    }
    if indexed.n_kept:
        facts["not embedded again"] = f"{indexed.n_kept:,}: the same text was loaded before, with the same model"
    rows = "".join(f"<tr><th>{escape(key)}</th><td>{escape(value)}</td></tr>" for key, value in facts.items())
    stages = "".join(
        f"<tr><th>{escape(key)}</th><td>{format_seconds(value)}</td></tr>" for key, value in indexed.seconds.items()
    )
    failed = "".join(f"<li><b>{escape(name)}</b>: {escape(reason)}</li>" for name, reason in indexed.failed.items())
    failures = f'<div class="lab-warning">Not read:<ul>{failed}</ul></div>' if failed else ""
    return (
        f'{failures}<div class="lab-columns"><table class="lab-facts"><caption>What was built</caption>{rows}</table>'
        f'<table class="lab-facts"><caption>Time by stage</caption>{stages}</table></div>'
    )


SHOWN_CHUNKS = 100


def chunk_table(indexed: IndexedCollection) -> str:
    """Return a table of the first chunks with their places."""
    shown = indexed.retriever.passages[:SHOWN_CHUNKS]
    rows = "".join(
        f"<tr><td>{number}</td><td>{escape(passage_place(passage))}</td><td>{escape(passage.text)}</td></tr>"
        for number, passage in enumerate(shown, 1)
    )
    part = f"The first {len(shown)} of" if len(indexed) > len(shown) else "All"
    table = f'<table class="lab-table"><tr><th>#</th><th>place</th><th>text</th></tr>{rows}</table>'
    note = f'<p class="lab-hint">{part} {len(indexed):,} {passage_noun(indexed)}.</p>'
    return f'{note}<div class="lab-scroll lab-tall">{table}</div>'
