"""The header above the tabs, which shows what is loaded."""

from retriever.indexing.collection import IndexedCollection
from ui.render.html import escape
from ui.render.passages import passage_noun


def collection_header(indexed: IndexedCollection | None) -> str:
    """Return the header's HTML: collection, chunks, model, dimensions, M and efConstruction."""
    if indexed is None:
        return '<div class="lab-status">Nothing is loaded yet.</div>'
    settings = indexed.settings
    facts = {
        "collection": indexed.name,
        passage_noun(indexed): f"{len(indexed):,}",
        "model": settings.model_name,
        "dimensions": indexed.retriever.dimension,
        "M": settings.M,
        "efConstruction": settings.ef_construction,
    }
    items = "".join(f"<span><i>{escape(key)}</i> <b>{escape(value)}</b></span>" for key, value in facts.items())
    return f'<div class="lab-status">{items}</div>'
