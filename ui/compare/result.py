"""The result of a comparison on the page: its components, and the handlers that update them."""

from dataclasses import dataclass

import gradio as gr
from gradio.blocks import Block

from retriever.experiments.comparison import RetrieverComparison
from retriever.parameters import check_count
from ui.compare.job import FinishedComparison
from ui.compare.records import comparison_record
from ui.compare.sentences.losses import cost_sentence, lucky_sentence, no_index_sentence
from ui.compare.sentences.notes import comparison_notes, judged_by_notes, reading_notes
from ui.compare.sentences.verdict import kinds_sentence, verdict_sentence
from ui.compare.shown.downloads import download_links
from ui.compare.shown.figures import comparison_figure
from ui.compare.shown.question_view import QUESTION_HINT, question_view
from ui.compare.shown.questions import BY_INDEX, list_choices, question_list
from ui.compare.shown.tables import costs_table, error_bars, pairs_table, scoreboard
from ui.compare.state import ComparisonState
from ui.render.controls import NO_CHANGE, Updates
from ui.render.export import record_section
from ui.render.html import LESSON, Html


@dataclass(frozen=True, eq=False)
class ComparisonResult:
    """The components that show a finished comparison, and the handlers that update them."""

    shown: gr.Column
    stale: gr.HTML  # says that the results are not of what the controls say
    lesson: gr.HTML
    board: gr.HTML
    figure: gr.Plot
    notes: gr.HTML
    pairs: gr.HTML
    ef: gr.Slider
    errors: gr.HTML
    costs: gr.HTML
    show: gr.Radio
    listed: gr.HTML
    query_id: gr.State  # of the question that is open, or empty
    question: gr.HTML
    downloads: gr.Accordion
    files: gr.HTML
    record: gr.HTML

    @property
    def outputs(self) -> list[Block]:
        """The components that show_result updates."""
        measured: list[Block] = [self.shown, self.stale, self.lesson, self.board, self.figure, self.notes, self.pairs]
        asked: list[Block] = [self.errors, self.costs, self.show, self.listed, self.query_id, self.question]
        return [*measured, *asked, self.files, self.record, self.downloads]

    def show_result(self, result: FinishedComparison, ef: int, show: str) -> Updates:
        """Return everything that shows a result; no question is open, and no file is offered."""
        compared = result.comparison
        verdict, kinds = verdict_sentence(compared), kinds_sentence(compared)
        notes = [*judged_by_notes(compared, result.judged_by), *reading_notes(result.notes)]
        notes += comparison_notes(compared, result.in_lower_case)
        lists, pairs = list_choices(len(compared.sides)), pairs_table(compared)
        listed = show if show in lists else lists[0]
        return {
            self.shown: gr.update(visible=True),
            self.stale: "",
            self.lesson: LESSON.format(Html("{} {}").format(verdict, kinds)),
            self.board: scoreboard(compared),
            self.figure: comparison_figure(compared),
            self.notes: Html().join(Html('<p class="lab-remark">{}</p>').format(note) for note in notes),
            self.pairs: gr.update(value=pairs, visible=bool(pairs)),
            self.errors: error_section(compared, ef),
            self.costs: costs_table(compared, result.costs),
            self.show: gr.update(choices=lists, value=listed),
            self.listed: question_list(compared, listed, ef),
            self.question: QUESTION_HINT,
            self.query_id: "",
            self.files: "",
            self.record: "",
            self.downloads: gr.update(open=False),  # what it offers is made when it is opened
        }

    def move_ef(self, ef: float, comparison_state: ComparisonState) -> Html | Updates:
        """Return all errors at this ef, or no change before anything is compared."""
        if comparison_state.compared is None:
            return NO_CHANGE
        return error_section(comparison_state.compared.comparison, comparison_state.lifted_ef(ef))

    def follow_ef(
        self, show: str, query_id: str, record: str | None, ef: float, comparison_state: ComparisonState
    ) -> Updates:
        """Update what depends on ef: the list of questions that the index loses, the open question, an open record."""
        if comparison_state.compared is None:
            return NO_CHANGE
        compared, ef = comparison_state.compared.comparison, comparison_state.lifted_ef(ef)
        listed = {self.listed: question_list(compared, show, ef)} if show == BY_INDEX else {}
        opened = {self.question: question_view(compared, query_id, ef)} if query_id else {}
        recorded = {self.record: _record(comparison_state, ef)} if record else {}
        return {**listed, **opened, **recorded} or NO_CHANGE

    def list_questions(self, show: str, ef: float, comparison_state: ComparisonState) -> Html | Updates:
        """Return the questions of the chosen list, or no change before anything is compared."""
        if comparison_state.compared is None:
            return NO_CHANGE
        return question_list(comparison_state.compared.comparison, show, comparison_state.lifted_ef(ef))

    def open_question(self, ef: float, comparison_state: ComparisonState, event: gr.EventData) -> Updates:
        """Show the rankings of the clicked question side by side."""
        compared = comparison_state.result().comparison
        queries = compared.query_ids
        query_id = queries[check_count("question", event.number, 1, len(queries)) - 1]
        return {
            self.query_id: query_id,
            self.question: question_view(compared, query_id, comparison_state.lifted_ef(ef)),
        }

    def offer_files(self, ef: float, comparison_state: ComparisonState) -> Updates:
        """Return the download links and the run record, which are made only on request."""
        links = download_links(comparison_state.result().comparison)
        return {self.files: links, self.record: _record(comparison_state, comparison_state.lifted_ef(ef))}


def _record(comparison_state: ComparisonState, ef: int) -> Html:
    """Return the run record of the last result at ef."""
    return record_section(comparison_record(comparison_state.result(), ef))


def error_section(compared: RetrieverComparison, ef: int) -> Html:
    """Return the HTML of what each retriever and the index lose at ef, and why some have no index."""
    bars = error_bars(compared, ef)  # first: it computes all errors together
    words = Html('<p class="lab-costs">{}</p>{}<p class="lab-remark">{} {}</p>')
    return words.format(cost_sentence(compared, ef), bars, no_index_sentence(compared), lucky_sentence(compared, ef))
