"""The header above the tabs, which shows what is loaded."""

from retriever.indexing.collection import IndexedCollection
from ui.render.html import Html, render
from ui.render.passages import passage_noun

NOTHING_LOADED = Html('<div class="lab-status">Nothing is loaded yet.</div>')


def collection_header(indexed: IndexedCollection | None) -> Html:
    """Return the header: collection, chunks, model, dimensions, M and efConstruction."""
    if indexed is None:
        return NOTHING_LOADED
    settings = indexed.settings
    facts = {
        "collection": indexed.name,
        passage_noun(indexed): f"{len(indexed):,}",
        "model": settings.model_name,
        "dimensions": indexed.retriever.dimension,
        "M": settings.M,
        "efConstruction": settings.ef_construction,
    }
    return render("header.html", facts=facts)
