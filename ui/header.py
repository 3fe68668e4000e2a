"""The header above the tabs, which shows what is loaded and copies the address of the page."""

from dataclasses import dataclass

import gradio as gr
from gradio.blocks import Block

from retriever.indexing.collection import IndexedCollection
from ui.jobs.shared_samples import ADOPTED_SAMPLES
from ui.render.controls import Updates
from ui.render.html import Html, render
from ui.render.links import loaded_query
from ui.render.passages import passage_noun
from ui.session import Session

NOTHING_LOADED = Html('<div class="lab-status">Nothing is loaded yet.</div>')


@dataclass(frozen=True, eq=False)
class CollectionHeader:
    """The header, and what changes with the loaded collection on the whole page.

    revision: changes with the loaded collection. loaded: the part of the address that names it; hidden.
    """

    revision: gr.State
    facts: gr.HTML
    loaded: gr.Textbox

    @property
    def shown(self) -> list[Block]:
        """The components that show updates."""
        return [self.revision, self.facts, self.loaded]

    def show(self, session: Session) -> Updates:
        """Show what is loaded, and change the revision if it is another collection."""
        named = session.chosen or session.sample == ADOPTED_SAMPLES[-1]  # a better sample may still come
        return {
            self.revision: id(session.indexed),
            self.facts: collection_header(session.indexed, own=session.indexed is not None and not session.sample),
            self.loaded: loaded_query(session.sample, session.indexed) if named else "",
        }


def create_header() -> CollectionHeader:
    """Create the header's components."""
    hidden = gr.Textbox(visible="hidden", label="what is loaded, as the address says it")
    return CollectionHeader(gr.State(0), gr.HTML(collection_header(None)), hidden)


def collection_header(indexed: IndexedCollection | None, *, own: bool = False) -> Html:
    """Return the header: collection, chunks, model, dimensions, M and efConstruction; own: of own documents."""
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
    return render("header.html", facts=facts, own=own)
