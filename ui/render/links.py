"""Addresses of places of the page: what is loaded, and a tab with some of its controls set."""

from urllib.parse import urlencode

from retriever.chunking.chunker import default_chunk_size
from retriever.encoders.catalogue import model_card
from retriever.indexing.collection import IndexedCollection
from ui.render.html import Html

TAB_TITLES = {  # by the name that addresses use, in the page's order
    "learn": "Learn",
    "documents": "1 Documents",
    "search": "2 Search",
    "recall": "3 Recall against latency",
    "compare": "4 Compare models",
    "walk": "5 Inside HNSW",
}
OWN = "own"  # names documents that are the visitor's own, which no address can bring back


def lab_link(words: object, tab: str, **values: object) -> Html:
    """Return a link that opens a tab with values set; what it does not name stays as it is, the collection too.

    values: parameters of the address, such as k, ef and q. The page is not loaded again.
    """
    return Html('<a class="lab-go" href="?{}">{}</a>').format(urlencode({"tab": tab} | values), words)


def loaded_query(sample: str, indexed: IndexedCollection | None) -> str:
    """Return the part of the address that names what is loaded; sample: its name, empty for the visitor's own."""
    if indexed is None:
        return ""
    if not sample:
        return f"{OWN}=1"
    settings = indexed.settings
    said: dict[str, object] = {"sample": sample, "model": settings.model_name}
    said |= {"M": settings.M, "efConstruction": settings.ef_construction}
    if indexed.chunked and settings.chunk_size not in (None, default_chunk_size(model_card(settings.model_name))):
        said["chunk"] = settings.chunk_size
    if indexed.chunked and settings.chunk_overlap:
        said["overlap"] = settings.chunk_overlap
    return urlencode(said)
