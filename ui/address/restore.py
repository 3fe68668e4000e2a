"""What an address says, brought back on the page: controls first, then the collection, then the answers."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import dataclass, replace
from typing import Any

import gradio as gr
from gradio.blocks import Block

from retriever.errors import Cancelled, RetrieverError
from ui.address.bar import Controls
from ui.address.place import Place
from ui.compare.tab import CompareTab
from ui.documents.job import SAMPLE, BuildRequest, plan_build
from ui.header import CollectionHeader
from ui.jobs.progress_text import progress_bar
from ui.jobs.shared_samples import SAMPLE_TITLES, SharedSamples
from ui.jobs.watching import watch
from ui.recall.curves import refresh_token
from ui.render.controls import NO_CHANGE, Updates, Values
from ui.render.html import Html
from ui.search.tab import SearchTab
from ui.session import Session
from ui.walk.tab import WalkTab

NOTE = Html('<div class="lab-warning" role="status">{}</div>')
OWN_IS_GONE = (
    "This address was made beside somebody's own documents. They were kept only for that page, so no address brings "
    "them back: load them again, or the zip that was saved of them. A sample is shown until then."
)
OWN_STAYS = "Your own documents stay loaded. The address names {}: take it in Documents if you want it instead."
NOT_LOADED = "The address names {}, which could not be loaded: {} What was loaded before stays."


@dataclass(frozen=True, eq=False)
class Restorer:
    """The components that an address can set, and the handlers that set them.

    place: what the address said last. note: what of it could not be brought back. controls: by tab and parameter.
    """

    session: gr.State
    shared_samples: SharedSamples
    header: CollectionHeader
    tabs: gr.Tabs
    place: gr.State
    note: gr.HTML
    controls: Controls
    search: SearchTab
    recall_token: gr.State
    compare: CompareTab
    walk: WalkTab

    @property
    def restored(self) -> list[Block]:
        """The components that stream updates."""
        controls = [control for of_tab in self.controls.values() for control in of_tab.values()]
        parts = [self.session, *self.header.shown, self.tabs, self.place, self.note, *controls]
        return [*dict.fromkeys([*parts, self.search.offered, self.search.asked, self.walk.wanted, self.walk.drawn])]

    async def stream(self, address: str, session: Session) -> AsyncGenerator[Updates, None]:
        """Set the controls to what an address says, then load the collection it names; yield what changes."""
        place = Place.of(str(address or ""))
        notes = [*place.problems]
        own = session.indexed is not None and session.chosen and not session.sample
        if place.own and not own:
            notes.append(OWN_IS_GONE)
        if place.sample and own:
            notes.append(OWN_STAYS.format(SAMPLE_TITLES[place.sample]))
        yield {self.place: place, self.note: _notes(notes), **self._set_controls(place)}
        if not place.sample or own:
            return
        try:
            async with aclosing(self._load(place, session)) as steps:
                async for step in steps:
                    yield step
        except Cancelled:
            yield {self.note: _notes(notes)}
        except RetrieverError as error:
            notes.append(NOT_LOADED.format(SAMPLE_TITLES[place.sample], error))
            yield {self.session: session, self.note: _notes(notes)}

    def _set_controls(self, place: Place) -> Updates:
        """Open the tab that a place names, and set its controls."""
        if not place.tab:
            return {}
        controls, values = self.controls.get(place.tab, {}), dict(place.values)
        shown: Updates = {controls[name]: value for name, value in values.items() if name in controls}
        k, ef = values.get("k"), values.get("ef")
        if "ef" in controls and ef is not None:
            lowest = {} if k is None else {"minimum": k}
            shown[controls["ef"]] = gr.update(value=max(ef, k or 1), **lowest)
        if place.tab == "search" and "q" in values:
            shown[self.search.offered] = []  # what the address asks is as if it was typed
        if place.tab == "walk":
            shown |= {self.walk.wanted: values.get("q", ""), self.walk.drawn: 0}
        return {**shown, self.tabs: gr.Tabs(selected=place.tab)}

    async def _load(self, place: Place, session: Session) -> AsyncGenerator[Updates, None]:
        """Load the sample that a place names, unless it is loaded; yield the progress and the new session."""
        request = BuildRequest(SAMPLE, place.sample, settings=place.settings)
        graph, loaded = (place.settings.M, place.settings.ef_construction), session.indexed
        same_vectors = session.source == request.source_key(session.parsed_files)
        if loaded is not None and same_vectors and (loaded.settings.M, loaded.settings.ef_construction) == graph:
            return
        planned = await asyncio.to_thread(plan_build, request, session, self.shared_samples)
        job = planned.submit()
        written: Updates = {self.session: replace(session, job=job, chosen=True)}
        async with aclosing(watch(job)) as statuses:
            async for status in statuses:
                yield {**written, self.note: NOTE.format(progress_bar(status))}
                written = {}
        done = session.with_collection(job.result(), planned.source, sample=place.sample)
        asked = place.values.get("q", "") if place.tab == "search" else ""
        shown = {self.search.asked: asked, self.note: _notes(place.problems), **self.header.show(done)}
        yield {self.session: done, **shown}

    @property
    def asked_again(self) -> set[Block]:
        """The components whose values stream_again needs."""
        search, walk = self.search, self.walk
        asked = {*search.addressed.values(), walk.drawn, walk.k, walk.ef, walk.wanted}
        return {self.place, self.session, *asked, *self.compare.inputs}

    @property
    def shown_again(self) -> list[Block]:
        """The components that stream_again updates."""
        answers = [*self.search.answers, self.recall_token, *self.compare.outputs, *self.walk.refreshed]
        return [*dict.fromkeys(answers)]

    async def stream_again(self, values: Values) -> AsyncGenerator[Updates, None]:
        """Answer, measure, compare or walk as an address says, once the controls of its tab say it too."""
        place, session, search, walk = values[self.place] or Place(), values[self.session], self.search, self.walk
        if place.tab == "search" and place.values.get("q"):
            asked = (values[part] for part in (search.question, search.k, search.ef, self.session, search.beside))
            yield search.answer_again(*asked)
        elif place.tab == "recall":
            yield {self.recall_token: refresh_token()}
        elif place.tab == "compare" and place.values.get("compared"):
            async with aclosing(self.compare.stream_comparison(values)) as steps:
                async for step in steps:
                    yield step
        elif place.tab == "walk":
            yield walk.refresh(values[walk.drawn], values[walk.k], values[walk.ef], session, values[walk.wanted])
        else:
            yield NO_CHANGE


def _notes(sentences: Any) -> Updates:  # noqa: ANN401 - any sequence of texts
    """Return the note with some sentences, or without any hide it."""
    return gr.update(value=NOTE.format(" ".join(sentences)), visible=bool(sentences))
