"""What follows the loaded collection on all tabs.

It is one event: each costs the server ten milliseconds or more, whatever it does, and a class of visitors arrives all
at once.
"""

from dataclasses import dataclass

import gradio as gr
from gradio.blocks import Block

from ui.compare.tab import CompareTab
from ui.documents.tab import DocumentsTab
from ui.recall.curves import overlay_choice
from ui.recall.tab import RecallTab
from ui.render.controls import NO_CHANGE, Updates, Values
from ui.render.links import TAB_TITLES
from ui.search.tab import SearchTab
from ui.session import Session
from ui.walk.tab import WalkTab
from ui.welcome import show_welcome


@dataclass(frozen=True, eq=False)
class TabRefresher:
    """The tabs, and what of them shows or depends on what is loaded. tab_open: the name of the open tab."""

    session: gr.State
    tab_open: gr.State
    welcome: gr.HTML
    documents: DocumentsTab
    search: SearchTab
    recall: RecallTab
    compare: CompareTab
    walk: WalkTab

    @property
    def inputs(self) -> set[Block]:
        """The components whose values refresh needs."""
        chunks, search = self.documents.chunks, self.search
        labs = [lab.running for lab in self.recall.labs]
        answered = {*search.addressed.values(), search.offered, search.asked, search.judging.shown}
        own = {self.session, chunks.opened, chunks.sought, *answered, *labs}
        return own | set(self.documents.inputs) | {self.documents.shown} | set(self.compare.inputs) | self.walk_inputs

    @property
    def walk_inputs(self) -> set[Block]:
        """The components whose values draw_walk needs."""
        walk = self.walk
        return {self.session, self.tab_open, walk.drawn, walk.k, walk.ef, walk.wanted}

    @property
    def outputs(self) -> list[Block]:
        """The components that refresh updates."""
        labs = [component for lab in self.recall.labs for component in lab.outputs]
        documents, recall = self.documents, self.recall
        of_documents = [*documents.refreshed, *documents.chunks.shown, *documents.followed]
        of_recall = [recall.curves.overlay, recall.starve, recall.enlarge, *labs]
        others = [*self.search.refreshed, self.compare.stale, *self.walk.refreshed]
        return [*dict.fromkeys([self.welcome, *of_documents, *of_recall, *others])]

    def refresh(self, values: Values) -> Updates:
        """Adapt all tabs to what is loaded now."""
        session: Session = values[self.session]
        chunks, search = self.documents.chunks, self.search
        return _merged(
            {self.welcome: show_welcome(session)},
            self.documents.refresh(session),
            chunks.refresh(values[chunks.opened], values[chunks.sought], session),
            self.documents.follow_loaded(values),
            search.refresh(values[search.question], values[search.offered], session, values[search.judging.shown]),
            search.answer_asked(
                values[search.asked], values[search.k], values[search.ef], session, values[search.beside]
            ),
            {self.recall.curves.overlay: overlay_choice(session), self.compare.stale: self.compare.note_stale(values)},
            self.recall.offer_graphs(session),
            *(lab.clear(values[lab.running]) for lab in self.recall.labs),
            self.draw_walk(values),
        )

    def draw_walk(self, values: Values) -> Updates:
        """Draw the Inside HNSW tab for the loaded collection, but only once the tab is open: drawing takes a while."""
        walk = self.walk
        if values[self.tab_open] != TAB_TITLES["walk"]:
            return NO_CHANGE
        given = (values[one] for one in (walk.drawn, walk.k, walk.ef, self.session, walk.wanted))
        return walk.refresh(*given)


def _merged(*parts: Updates) -> Updates:
    """Return all updates as one; a part may be no change."""
    return {component: value for part in parts if part is not NO_CHANGE for component, value in part.items()}
