"""The page: session, header, tabs, and the event listeners that link the tabs."""

from dataclasses import dataclass, replace

import gradio as gr
from gradio.blocks import Block
from gradio.events import Dependency

from retriever.indexing.collection import IndexSettings
from ui.address.bar import address_script, connect_address
from ui.address.restore import Restorer
from ui.api import build_api
from ui.blocks import LabBlocks
from ui.compare.layout import build_compare_tab
from ui.documents.job import SAMPLE, BuildRequest
from ui.documents.tab import build_documents_tab
from ui.footer import build_footer
from ui.header import CollectionHeader, create_header
from ui.jobs.progress_text import samples_progress
from ui.jobs.shared_samples import SharedSamples
from ui.jobs.watching import result_of
from ui.learn.tab import build_learn_tab
from ui.lessons.measuring import LessonMeasurements
from ui.milvus.server import LabMilvus
from ui.programs.words import ENDPOINT_WORDS
from ui.recall.tab import RecallTab, build_recall_tab, starve_graph, take_graph, waiting_note
from ui.refresh import TabRefresher
from ui.render.controls import HIDDEN, LATEST, LATEST_UNQUEUED, UNQUEUED, Updates
from ui.render.errors import report_errors, report_stream_errors
from ui.render.html import Html
from ui.render.links import TAB_TITLES
from ui.search.tab import build_search_tab
from ui.session import Session
from ui.walk.tab import build_walk_tab
from ui.welcome import create_welcome

TICK_SECONDS = 1.0  # seconds between two checks of what is being prepared
TITLE = "Dense Retrieval Lab"
SUBTITLE = "Load documents, ask a question, slide ef, and see what approximate search gives up and what it buys."
HEADING = Html('<div class="lab-title"><h1>{}</h1><p>{}</p></div>').format(TITLE, SUBTITLE)
PANEL = Html('<h2 class="lab-unseen">{}</h2>')  # for who goes from heading to heading
NO_NOTE = Html('<div class="lab-note"></div>')


@dataclass(frozen=True, eq=False)
class Page:
    """The components above the tabs, the states that several tabs share, and the handlers that link the tabs.

    note: which samples are still being prepared.
    """

    shared_samples: SharedSamples
    session: gr.State
    timer: gr.Timer
    header: CollectionHeader
    note: gr.HTML

    @property
    def ticked(self) -> list[Block]:
        """The components that tick updates."""
        return [self.session, *self.header.shown, self.note, self.timer]

    def tick(self, session: Session) -> Updates:
        """Start the preparation of the samples, once, and adopt the best one that is ready."""
        self.shared_samples.start()
        return self.adopt_best_sample(session)

    def adopt_best_sample(self, session: Session) -> Updates:
        """Load the best ready sample for a visitor who has chosen or judged nothing; show what is being prepared.

        In any other case the session is not written: a build may have ended since it was read.
        """
        name, adopted = self.shared_samples.best_name(), {}
        best = self.shared_samples.ready(name)
        settled = session.chosen or bool(session.judgments)
        if not settled and best is not None and best is not session.indexed:
            source = BuildRequest(SAMPLE, name, settings=IndexSettings()).source_key(session.parsed_files)
            session = replace(session, indexed=best, sample=name, source=source, overlay=None)
            adopted = {self.session: session, **self.header.show(session)}
        note, timer = samples_progress(self.shared_samples), gr.Timer(active=not self.shared_samples.ended)
        return {**adopted, self.note: note, self.timer: timer}

    async def take_python_docs(self, session: Session) -> Session:
        """Return the session with Python docs loaded, waiting until the sample is prepared."""
        request = BuildRequest(SAMPLE, "python_docs", settings=IndexSettings())
        indexed = await result_of(self.shared_samples.take(request.sample))
        return session.with_collection(indexed, request.source_key(session.parsed_files), sample=request.sample)


def opened_tab(event: gr.SelectData) -> str:
    """Return the name of the tab that was opened."""
    return str(event.value)


def build_page(
    shared_samples: SharedSamples | None = None,
    lessons: LessonMeasurements | None = None,
    milvus: LabMilvus | None = None,
) -> gr.Blocks:
    """Return the page; its samples are prepared once a visitor arrives, unless the caller started that before.

    lessons: the measurements of its lessons, if classes share them. milvus: a server that can be searched too.
    """
    shared = shared_samples or SharedSamples()
    demo = LabBlocks(title=TITLE, analytics_enabled=False, delete_cache=(600, 3600))
    with demo:
        session, tab_open, timer = gr.State(Session()), gr.State(""), gr.Timer(TICK_SECONDS, active=False)
        gr.HTML(HEADING)
        header, restored_note, note = create_header(), gr.HTML(visible=False), gr.HTML(NO_NOTE)
        with gr.Tabs() as tabs:
            # else what an address sets in Documents is set when it is opened, and looks like a visitor's change
            parts = {
                name: gr.Tab(title, id=name, render_children=name == "documents") for name, title in TAB_TITLES.items()
            }
        for name, part in parts.items():
            with part:
                gr.HTML(PANEL.format(TAB_TITLES[name].lstrip("0123456789 ")))
        with parts["learn"]:
            build_learn_tab(lessons or LessonMeasurements(shared))
        with parts["documents"]:
            welcome = create_welcome()
            documents, built = build_documents_tab(session, shared, milvus)
        with parts["search"]:
            search = build_search_tab(session)
        with parts["recall"]:
            recall = build_recall_tab(session, milvus)
        with parts["compare"]:
            compare = build_compare_tab(session, shared)
        with parts["walk"]:
            walk = build_walk_tab(session)
        build_footer()
        demo.words = ENDPOINT_WORDS
        build_api(session, shared)
        controls = {
            "search": search.addressed,
            "recall": recall.addressed,
            "compare": compare.addressed,
            "walk": walk.addressed,
        }
        page = Page(shared, session, timer, header, note)
        refresher = TabRefresher(session, tab_open, welcome, documents, search, recall, compare, walk)
        restorer = Restorer(
            session=session,
            shared_samples=shared,
            header=header,
            tabs=tabs,
            place=gr.State(),
            note=restored_note,
            controls=controls,
            search=search,
            recall_token=recall.curves.token,
            compare=compare,
            walk=walk,
        )
        restored = _connect_address(restorer, parts, demo)
        restored.then(page.tick, session, page.ticked, **HIDDEN)
        timer.tick(page.tick, session, page.ticked, **HIDDEN)
        _connect_loading(page, built, recall)
        changed = header.revision.change
        changed(report_errors(refresher.refresh), refresher.inputs, refresher.outputs, **HIDDEN)
        curves = recall.curves
        asked = [curves.k, session, *curves.engines]
        wanted = changed(report_errors(curves.want), asked, None, **LATEST_UNQUEUED)
        wanted.then(report_stream_errors(curves.stream_curves), asked, curves.refreshed, **LATEST)
        opened = gr.on([part.select for part in parts.values()], opened_tab, None, tab_open, **UNQUEUED)
        opened.then(report_errors(refresher.draw_walk), refresher.walk_inputs, walk.refreshed, **HIDDEN)
        compared = parts["compare"].select  # what was judged in Search may have changed
        compared(report_errors(compare.note_stale), compare.inputs, compare.stale, **HIDDEN)
    return demo


def _connect_address(restorer: Restorer, tabs: dict[str, gr.Tab], demo: gr.Blocks) -> Dependency:
    """Let the address follow the page and the page the address; return the event that restores it at the arrival."""
    address, go = gr.Textbox(visible="hidden", label="address"), gr.Button("go", visible="hidden", elem_id="lab-go")
    search, compare, walk = restorer.search, restorer.compare, restorer.walk
    asked = [search.search.click, search.question.submit, compare.start.click, walk.start.click]
    connect_address(restorer.header.loaded, restorer.controls, tabs, asked)
    demo.load(None, None, None, js=address_script(), **HIDDEN)
    stream, again = report_stream_errors(restorer.stream), report_stream_errors(restorer.stream_again)
    arrived, gone = [
        event(stream, [address, restorer.session], restorer.restored, js=script, **LATEST)
        for event, script in (
            (demo.load, "() => [location.search, null]"),
            (go.click, "() => [window.lab.wanted, null]"),
        )
    ]
    for restored in (arrived, gone):
        restored.then(None, None, None, js="() => window.lab?.restored()", **HIDDEN)
        answered = restored.then(again, restorer.asked_again, restorer.shown_again, **HIDDEN)
        answered.then(None, None, None, js="() => window.lab?.answered()", **HIDDEN)
    return arrived


def _connect_loading(page: Page, built: Dependency, recall: RecallTab) -> None:
    """Show in the header what is loaded, from wherever it was."""
    session, header = page.session, page.header
    made = gr.State()
    built_graph = recall.starve.click(report_errors(starve_graph), session, made, **HIDDEN)
    starved = built_graph.success(take_graph, [made, session], [session, made], **HIDDEN)
    enlarged = recall.enlarge.click(report_errors(page.take_python_docs), session, session, **HIDDEN)
    gr.on([recall.starve.click, recall.enlarge.click], waiting_note, None, recall.curves.lesson, **HIDDEN)
    for loaded in (built, starved, enlarged):
        loaded.success(header.show, session, header.shown, **HIDDEN)
