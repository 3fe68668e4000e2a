"""The controls of the Compare models tab: what is compared, on which graph."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import gradio as gr
from gradio.blocks import Block

from ui.compare.archive_part import ArchivePart, build_archive_part, chosen_part
from ui.compare.request import BEIR, COLLECTIONS, LOADED, CompareRequest
from ui.compare.retrievers.choices import FIRST_CHOICES, RETRIEVERS
from ui.compare.shown.marks import COLOURS, MARKS, ORDINALS
from ui.inputs import check_whole_number
from ui.render.controls import FIRST_K, GRAPH_PRESETS, RICH_GRAPH, SLIDER_MAX_K, Updates, Values
from ui.render.html import HINT
from ui.render.limits import judged_limits
from ui.settings import limits

COMPARED_GRAPHS = {name: graph for name, graph in GRAPH_PRESETS.items() if graph != RICH_GRAPH}
NONE = ""  # the choice of no third or fourth retriever
WHOSE_JUDGMENTS = (
    "Files chosen here come first. Without files, your own judgments count if you have judged hits in Search; without "
    "those, the collection's own."
)


@dataclass(frozen=True, eq=False)
class ComparisonControls:
    """The components that say what is compared.

    retrievers: the first two, then those that may be empty; further: the row of those. of_beir, of_loaded and
    of_both: the columns of what only an uploaded collection needs, only the loaded one, or both.
    """

    collection: gr.Dropdown
    retrievers: Sequence[gr.Dropdown]
    further: gr.Row
    k: gr.Slider
    graph: gr.Dropdown
    archive: gr.File
    archive_part: ArchivePart
    qrels: gr.File
    queries: gr.File
    relevance_level: gr.Number
    of_beir: gr.Column
    of_loaded: gr.Column
    of_both: gr.Column

    @property
    def requested(self) -> list[Any]:
        """The components whose change makes another request."""
        files = [self.archive, self.qrels, self.queries]
        chosen = [self.collection, *self.retrievers, self.k, self.graph]
        return [*chosen, *files, self.archive_part.choice, self.relevance_level]

    @property
    def inputs(self) -> set[Block]:
        """The components whose values are a request."""
        chosen = {self.collection, *self.retrievers, self.k, self.graph}
        return {*chosen, self.archive, self.archive_part.choice, self.qrels, self.queries, self.relevance_level}

    @property
    def columns(self) -> list[gr.Column]:
        """The columns that show_files shows or hides."""
        return [self.of_beir, self.of_loaded, self.of_both]

    def request(self, values: Values) -> CompareRequest:
        """Return what the controls say, as one value. Raises ParameterError if a number is not whole."""
        M, ef_construction = COMPARED_GRAPHS[values[self.graph]]
        part, split = chosen_part(values[self.archive_part.choice])
        first, second, third, fourth = (values[control] or "" for control in self.retrievers)
        return CompareRequest(
            collection=values[self.collection],
            first=first,
            second=second,
            third=third,
            fourth=fourth,
            k=check_whole_number("k", values[self.k]),
            M=M,
            ef_construction=ef_construction,
            archive=values[self.archive] or "",
            part=part,
            split=split,
            qrels=values[self.qrels] or "",
            queries=values[self.queries] or "",
            relevance_level=check_whole_number("relevance_level", values[self.relevance_level]),
        )

    def show_files(self, collection: str) -> Updates:
        """Show only the file inputs that a collection needs."""
        shown_for = {self.of_beir: (BEIR,), self.of_loaded: (LOADED,), self.of_both: (BEIR, LOADED)}
        return {column: gr.update(visible=collection in names) for column, names in shown_for.items()}


def create_controls() -> ComparisonControls:
    """Create the controls."""
    with gr.Row():
        info = "Its answers are known."
        collection = gr.Dropdown(
            list(COLLECTIONS), value=COLLECTIONS[0], label="Judged collection", info=info, scale=3, min_width=200
        )
        first, second = (_create_choice(number, FIRST_CHOICES[number]) for number in (0, 1))
        info = "Results that count."
        k = gr.Slider(1, SLIDER_MAX_K, FIRST_K, step=1, label="k (results)", info=info, scale=3, min_width=200)
        info, graphs = "HNSW's M/efConstruction.", list(COMPARED_GRAPHS)
        graph = gr.Dropdown(graphs, value=graphs[0], label="Graph", info=info, scale=3, min_width=200)
    with gr.Row(visible=False) as further:
        third, fourth = (_create_choice(number, NONE) for number in (2, 3))
    with gr.Row():
        with gr.Column(visible=False, min_width=300) as of_beir:
            label = "A .zip with corpus.jsonl, queries.jsonl and qrels"
            archive = gr.File(file_types=[".zip"], type="filepath", label=label, height=140, elem_classes="lab-archive")
            archive_part = build_archive_part(archive)
            gr.HTML(HINT.format(judged_limits(limits())))
        with gr.Column(visible=False, min_width=300) as of_loaded:
            with gr.Row():
                qrels = gr.File(type="filepath", label="Judgments: TREC, TSV or CSV", height=140)
                queries = gr.File(type="filepath", label="Queries: JSONL, TSV or CSV", height=140)
            gr.HTML(HINT.format(WHOSE_JUDGMENTS))
        with gr.Column(visible=False, min_width=200) as of_both:
            info = "The grade in the judgments from which on a passage counts as an answer."
            level = gr.Number(1, precision=0, minimum=1, label="Answers have at least grade", info=info)
    chosen = (first, second, third, fourth)
    return ComparisonControls(
        collection,
        chosen,
        further,
        k,
        graph,
        archive,
        archive_part,
        qrels,
        queries,
        level,
        of_beir,
        of_loaded,
        of_both,
    )


def _create_choice(number: int, value: str) -> gr.Dropdown:
    """Create the choice of one retriever, by its number from 0; the third and the fourth may be empty."""
    choices = [("none", NONE)] * (number > 1) + [(name, name) for name in RETRIEVERS]
    label, info = f"{ORDINALS[number].capitalize()} model", f"Shown in {COLOURS[number]}, {MARKS[number]}."
    return gr.Dropdown(choices, value=value, label=label, info=info, scale=3, min_width=200)
