"""Judging the hits of a search: the buttons, what they say of the judgments so far, and the files made of them."""

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Self

import gradio as gr

from retriever.documents.document import ScoredPassage
from retriever.errors import CollectionError, ParameterError
from retriever.evaluation.judged_queries import JudgedQueries
from retriever.evaluation.trec import qrels_text
from ui.judgments import NOT_RELEVANT, RELEVANT, OwnJudgments
from ui.render.controls import HIDDEN, Updates
from ui.render.errors import report_errors
from ui.render.export import download_link, downloads
from ui.render.html import HINT, Html, render
from ui.render.numbers import count_of
from ui.search.template import queries_link, template_links
from ui.session import Session

JUDGE_HINT = (
    "Which documents answer the question? Press relevant or not relevant at their hits: Compare models can then score "
    "two models by your judgments."
)
# of a list of hits: a press of one of its buttons becomes an event with the button's data
ON_PRESS = """element.addEventListener('click', event => {
  const button = event.target.closest('.lab-judge button');
  if (button) trigger('judge', {key: button.dataset.key, grade: Number(button.dataset.grade)});
});"""
# of what says how much was judged: the buttons of both lists follow it, while texts that were opened stay open
ON_JUDGED = """watch('value', () => {
  const told = element.querySelector('[data-judged]');
  const grades = told ? JSON.parse(told.dataset.judged) : {};
  for (const button of document.querySelectorAll('.lab-judge button'))
    button.setAttribute('aria-pressed', String(grades[button.dataset.key] === Number(button.dataset.grade)));
});"""


@dataclass(frozen=True)
class ShownHits:
    """The question that was answered, and the documents among its hits by the keys of their buttons."""

    question: str
    documents: Mapping[str, str]

    @classmethod
    def of(cls, question: str, hits: Iterable[ScoredPassage]) -> Self:
        """Return the documents of some hits; a passage without a document cannot be judged."""
        doc_ids = [hit.passage.doc_id for hit in hits if hit.passage.doc_id]
        return cls(question, {button_key(question, doc_id): doc_id for doc_id in doc_ids})

    def buttons(self, judgments: OwnJudgments) -> dict[str, tuple[str, int | None]]:
        """Return the key of each document's buttons, and its judgment: None if it is not judged."""
        grades = judgments.grades(self.question)
        return {doc_id: (key, grades.get(doc_id)) for key, doc_id in self.documents.items()}


def button_key(question: str, doc_id: str) -> str:
    """Return a short name of a question and a document: ids may be of any length and hold any character."""
    return hashlib.sha256(f"{question}\0{doc_id}".encode("utf-8", "surrogatepass")).hexdigest()[:24]


@dataclass(frozen=True, eq=False)
class JudgingPanel:
    """The components below the hits: how much was judged, with downloads, and a template to fill in elsewhere."""

    told: gr.HTML
    shown: gr.State  # the ShownHits, or None
    template: gr.Accordion
    files: gr.HTML

    async def judge(self, shown: ShownHits | None, session: Session, event: gr.EventData) -> Html:
        """Judge the document whose button was pressed, and return how much was judged.

        On the event loop: presses that follow one another quickly are handled one after the other.
        """
        pressed = event._data if isinstance(event._data, dict) else {}
        doc_id = shown.documents.get(str(pressed.get("key"))) if shown else None
        if shown is None or doc_id is None or pressed.get("grade") not in (RELEVANT, NOT_RELEVANT):
            raise ParameterError("This hit is no longer shown; press Search, and judge it again.")
        session.judgments.judge(shown.question, doc_id, int(pressed["grade"]))
        return judged_section(session, shown)

    def refresh(self, session: Session) -> Updates:
        """Adapt the panel to a newly loaded collection, which may have kept the judgments."""
        return {self.told: judged_section(session, None), self.shown: None, self.files: ""}

    def offer_template(self, session: Session) -> Html:
        """Return the links to the template, which is made only on request."""
        return template_links(session.loaded())


def judged_section(session: Session, shown: ShownHits | None) -> Html:
    """Return how much a visitor has judged and what it is good for, with links to the files."""
    judged = session.own_judged()
    grades = json.dumps(dict(shown.buttons(session.judgments).values()) if shown else {})
    if judged is None:
        return Html('<div data-judged="{}">{}</div>').format(grades, HINT.format(JUDGE_HINT))
    counts = count_of(len(session.judgments), "document"), count_of(len(judged.queries), "question")
    return render("search/judged.html", grades=grades, counts=counts, links=_links(judged))


def _links(judged: JudgedQueries) -> Html:
    """Return links to judgments and their questions, or why their ids cannot be written in TREC's format."""
    try:
        qrels = qrels_text(judged.qrels)
    except CollectionError as error:
        return HINT.format(error)
    links = [download_link("qrels.txt", "text/plain", qrels, "judgments, TREC qrels"), queries_link(judged.queries)]
    return downloads("Download", links)


def build_judging_panel(session: gr.State) -> JudgingPanel:
    """Create the panel's components, and connect the listener of its own."""
    told = gr.HTML(Html('<div data-judged="{{}}">{}</div>').format(HINT.format(JUDGE_HINT)), js_on_load=ON_JUDGED)
    with gr.Accordion("Judge in a spreadsheet instead", open=False) as template:
        files = gr.HTML()
    panel = JudgingPanel(told, gr.State(None), template, files)
    template.expand(report_errors(panel.offer_template), session, files, **HIDDEN)
    return panel


def connect_hits(panel: JudgingPanel, lists: list[gr.HTML], session: gr.State) -> None:
    """Let the buttons in lists of hits judge."""
    for hits in lists:
        hits.judge(report_errors(panel.judge), [panel.shown, session], panel.told, **HIDDEN)
