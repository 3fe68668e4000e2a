"""The Search tab: one question answered twice, exactly and by HNSW at the chosen ef; a third answer can be added."""

import uuid
from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing, suppress
from dataclasses import dataclass

import gradio as gr

from retriever.encoders.loading import is_loaded
from retriever.errors import Cancelled, CollectionError, RetrieverError
from retriever.experiments.search_comparison import answer_question
from retriever.indexing.collection import IndexedCollection
from ui.inputs import SearchSettings, check_question
from ui.jobs.job import Job, Status, cancel_running
from ui.jobs.watching import watch
from ui.render.controls import (
    EACH,
    HIDDEN,
    LATEST,
    NO_CHANGE,
    RAW,
    SLIDER_MAX_EF,
    SLIDER_MAX_K,
    UNQUEUED,
    Updates,
    keep_ef_above_k,
)
from ui.render.definitions import first_sentence
from ui.render.errors import report_errors, report_stream_errors
from ui.render.export import record_section, result_downloads
from ui.render.html import HINT, Html, explained
from ui.render.links import lab_link
from ui.search.beside import CHOICES, NOTHING, Made, check_beside, check_fits, prepare, ready
from ui.search.judging import ON_PRESS, JudgingPanel, ShownHits, build_judging_panel, connect_hits
from ui.search.records import result_rows, search_record
from ui.search.text import hit_list, search_summary
from ui.search.third import answer_beside, preparing_column, refused_column, third_column
from ui.session import Session

EXAMPLES = 5
FIRST_QUESTION = "how do lighthouses reach ships far out at sea?"
SIDE = Html('<h3 class="lab-side {}">{} <small>{}</small></h3>')
EMPTY = HINT.format(Html("Press <b>Search</b> to see both answers here."))
CHANGED = HINT.format(Html("The collection has changed: press <b>Search</b>."))
LOADING = HINT.format("Loading the embedding model, once: this takes about ten seconds …")
BESIDE = "A third answer: BM25 looks for the same words, late interaction compares word with word."
# of the third column: a press of its button cancels the work on it
ON_STOP = """element.addEventListener('click', event => event.target.closest('.lab-stop') && trigger('stop'));"""


@dataclass(frozen=True, eq=False)
class SearchTab:
    """The components of the Search tab, and the handlers that update them."""

    question: gr.Textbox
    search: gr.Button
    examples: gr.Dataset
    k: gr.Slider
    ef: gr.Slider
    beside: gr.Radio
    summary: gr.HTML
    exact: gr.HTML
    hnsw: gr.HTML
    third: gr.HTML
    wanted: gr.Textbox  # the third column's choice while its retriever has to be made, else empty
    making: gr.State  # the job that makes it
    made: gr.Textbox  # a new value each time that one was made
    downloads: gr.HTML
    record: gr.HTML
    judging: JudgingPanel
    offered: gr.State  # the example questions until now
    asked: gr.State  # what an address asks of the collection that it has just loaded, until the tabs follow that

    @property
    def addressed(self) -> dict[str, gr.Component]:
        """The controls whose values the address has."""
        return {"q": self.question, "k": self.k, "ef": self.ef, "beside": self.beside}

    @property
    def answers(self) -> list[gr.Component]:
        """The components that show the answers to a question."""
        lists = [self.exact, self.hnsw, self.third]
        return [self.summary, *lists, self.downloads, self.record, self.wanted, self.judging.shown]

    @property
    def prepared(self) -> list[gr.Component]:
        """The components that stream_preparation updates."""
        return [self.third, self.wanted, self.making, self.made]

    @property
    def refreshed(self) -> list[gr.Component]:
        """The components that refresh updates."""
        judged = [self.judging.told, self.judging.files]
        return [self.question, self.offered, self.asked, self.examples, *self.answers, *judged]

    def answer(
        self, question: str | None, k: float, ef: float, session: Session, beside: str | None = NOTHING
    ) -> Updates:
        """Return both answers to a question, marked where they differ, and a third one once its retriever is made."""
        # the slider of ef follows that of k a moment later
        indexed, settings, asked = session.loaded(), SearchSettings.nearest(k, ef), check_question(question)
        name = check_beside(beside)
        both = answer_question(indexed, asked, settings.k, ef=settings.ef)
        retriever = ready(indexed, name) if name else None
        third = answer_beside(indexed, name, retriever, asked, settings.k, both) if retriever else None
        shown = ShownHits.of(asked, (*both.exact, *both.hnsw, *(third.found.hits if third else ())))
        buttons = shown.buttons(session.judgments)
        why = lab_link("why?", "walk", q=asked, k=settings.k, ef=settings.ef)
        column, wanted = (third_column(third, buttons), "") if third else _awaited(indexed, name)
        return {
            self.summary: search_summary(asked, both, settings, indexed),
            self.exact: hit_list(both.exact, both.missed, side="exact", buttons=buttons, why=why),
            self.hnsw: hit_list(both.hnsw, both.extra, side="hnsw", buttons=buttons),
            self.third: column,
            self.wanted: wanted,
            self.downloads: result_downloads(result_rows(both, third)),
            self.record: record_section(search_record(indexed, asked, settings, both, third)),
            self.judging.shown: shown,
        }

    async def stream_preparation(
        self, wanted: str, beside: str | None, making: Job[Made] | None, session: Session
    ) -> AsyncGenerator[Updates, None]:
        """Make the third column's retriever; yield the progress, and at the end a new value of made."""
        cancel_running(making)
        yield NO_CHANGE if beside else {self.third: ""}  # without a step Gradio would empty all of them
        if not wanted or session.indexed is None:
            return
        try:
            job = prepare(session.indexed, check_beside(wanted))
            written: Updates = {self.making: job}
            async with aclosing(watch(job)) as statuses:
                async for status in statuses:
                    if not job.cancelled:
                        yield {**written, self.third: preparing_column(wanted, status)}
                    written = {}
            job.result()
            yield {self.made: uuid.uuid4().hex}
        except Cancelled:
            return
        except RetrieverError as error:
            yield {self.third: refused_column(wanted, error), self.wanted: ""}
            raise

    def cancel(self, making: Job[Made] | None) -> Updates:
        """Ask the work on the third column's retriever to stop; it is no longer chosen."""
        cancel_running(making)
        return {self.third: "", self.beside: NOTHING, self.wanted: ""}

    def note_loading(self, session: Session) -> Html | Updates:
        """Return a note if the model must be loaded before the question is answered."""
        loading = session.indexed is not None and not is_loaded(session.indexed.settings.model_name)
        return LOADING if loading else NO_CHANGE

    def answer_again(
        self, question: str | None, k: float, ef: float, session: Session, beside: str | None = NOTHING
    ) -> Updates:
        """Return the answers after a slider moved, or no change before there is anything to ask."""
        if session.indexed is None or not str(question or "").strip():
            return NO_CHANGE
        return self.answer(question, k, ef, session, beside)

    def answer_asked(self, asked: str, k: float, ef: float, session: Session, beside: str | None) -> Updates:
        """Return the answers to what an address asks, once, while the tabs follow the collection that it loaded.

        It is answered beside that too, and would be taken away again if its answers came first.
        """
        if not asked:
            return {}
        with suppress(RetrieverError):  # it is told where it is answered beside
            return {self.asked: "", **self.answer(asked, k, ef, session, beside)}
        return {self.asked: ""}

    def answer_prepared(
        self, wanted: str, question: str | None, k: float, ef: float, session: Session, beside: str | None
    ) -> Updates:
        """Return the answers once the third column's retriever was made, or is no longer wanted."""
        return self.answer_again(question, k, ef, session, beside) if wanted else NO_CHANGE

    def refresh(
        self, question: str | None, offered: Sequence[str], session: Session, answered: object = None
    ) -> Updates:
        """Adapt the tab to a newly loaded collection: its examples, the first as the question unless one was typed.

        answered: what was answered before, None if nothing was.
        """
        if session.indexed is None:
            return NO_CHANGE
        examples = list(session.indexed.queries[:EXAMPLES])
        cleared = {**dict.fromkeys(self.answers, ""), **self.judging.refresh(session)}
        asked = {} if str(question or "").strip() and question not in offered else {self.question: examples[0]}
        shown = gr.Dataset(samples=[[example] for example in examples])
        return {
            **cleared,
            **asked,
            self.summary: CHANGED if answered else EMPTY,
            self.offered: examples,
            self.examples: shown,
        }


def _awaited(indexed: IndexedCollection, name: str) -> tuple[Html, str]:
    """Return the third column before its retriever is made, and the choice if it has to be made now."""
    if not name:
        return Html(), ""
    try:
        check_fits(indexed, name)
    except CollectionError as error:
        return refused_column(name, error), ""
    return preparing_column(name, Status()), name


def take_example(chosen: Sequence[str]) -> str:
    """Return the example that was chosen."""
    return chosen[0]


def build_search_tab(session: gr.State) -> SearchTab:
    """Create the tab's components and connect their event listeners."""
    tab = _create_components(session)
    inputs = [tab.question, tab.k, tab.ef, session, tab.beside]
    answer, asked = report_errors(tab.answer), [tab.search.click, tab.question.submit]
    gr.on(asked, tab.note_loading, session, tab.summary, **UNQUEUED)
    gr.on(asked, answer, inputs, tab.answers, **HIDDEN | RAW)  # queued: Gradio shows only the errors of such events
    connect_hits(tab.judging, [tab.exact, tab.hnsw, tab.third], session)
    chosen = tab.examples.click(report_errors(take_example), tab.examples, tab.question, **HIDDEN)
    chosen.then(answer, inputs, tab.answers, **HIDDEN | RAW)
    tab.k.input(report_errors(keep_ef_above_k), [tab.k, tab.ef], tab.ef, **EACH)
    moved = [tab.k.input, tab.ef.input, tab.beside.input]
    gr.on(moved, report_errors(tab.answer_again), inputs, tab.answers, **LATEST | RAW)
    waits, stop = [tab.wanted, tab.beside, tab.making, session], [tab.third, tab.beside, tab.wanted]
    tab.wanted.change(report_stream_errors(tab.stream_preparation), waits, tab.prepared, **HIDDEN)
    tab.made.change(report_errors(tab.answer_prepared), [tab.wanted, *inputs], tab.answers, **LATEST | RAW)
    tab.third.stop(tab.cancel, tab.making, stop, **UNQUEUED)
    return tab


def _create_components(session: gr.State) -> SearchTab:
    """Create the tab's components."""
    with gr.Row(equal_height=True):
        question = gr.Textbox(
            FIRST_QUESTION,
            label="Question",
            info="Ask in your own words: the model looks for texts that mean the same, not for the same words.",
            scale=8,
            lines=1,
            max_lines=2,
        )
        search = gr.Button("Search", variant="primary", scale=1, min_width=110)
    examples = gr.Dataset(
        components=[gr.Textbox(visible=False)],
        samples=[[FIRST_QUESTION]],
        label="Example questions of this collection",
        samples_per_page=EXAMPLES,
    )
    with gr.Row():
        info = first_sentence("k")
        k = gr.Slider(1, SLIDER_MAX_K, 10, step=1, min_width=240, label="k (nearest passages)", info=info)
        info = first_sentence("ef")
        ef = gr.Slider(10, SLIDER_MAX_EF, 10, step=1, min_width=240, label="ef (candidates)", info=info)
        choices = [("nothing", NOTHING), *((choice.label, name) for name, choice in CHOICES.items())]
        beside = gr.Radio(choices, value=NOTHING, min_width=240, label="Beside them", info=BESIDE)
    summary = gr.HTML(EMPTY)
    with gr.Row():
        with gr.Column(min_width=320):
            gr.HTML(SIDE.format("lab-exact", explained("exact search", "Exact search"), "compares with every vector"))
            exact = gr.HTML(js_on_load=ON_PRESS)
        with gr.Column(min_width=320):
            gr.HTML(SIDE.format("lab-hnsw", explained("HNSW"), "walks a graph of near neighbours"))
            hnsw = gr.HTML(js_on_load=ON_PRESS)
        third = gr.HTML(js_on_load=ON_PRESS + ON_STOP, elem_classes="lab-third")
    judging = build_judging_panel(session)
    downloads = gr.HTML()
    with gr.Accordion("Run record", open=False):
        record = gr.HTML()
    offered, told = gr.State([FIRST_QUESTION]), gr.State("")
    wanted, made = (gr.Textbox("", visible="hidden", label=label) for label in ("wanted", "made"))
    asked, third_parts = (question, search, examples, k, ef, beside), (third, wanted, gr.State(), made)
    return SearchTab(*asked, summary, exact, hnsw, *third_parts, downloads, record, judging, offered, told)
