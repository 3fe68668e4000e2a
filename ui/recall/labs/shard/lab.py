"""The shard lab: the loaded vectors over 1 to 16 shards, each with a graph of its own; predicted, then measured."""

from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import dataclass
from typing import Any

import gradio as gr
import plotly.graph_objects as go

from retriever.measurement.sharding import SHARD_COUNTS, ShardResult, sweep_shards
from retriever.progress import Progress, stage_progress
from ui.jobs.job import Job
from ui.jobs.memory_budget import graph_bytes
from ui.recall.labs.lab import Lab, lab_bytes, lab_settings, result_components
from ui.recall.labs.shard.figures import shard_figure
from ui.recall.labs.shard.questions import QUESTIONS
from ui.recall.labs.shard.records import shard_lab_record
from ui.recall.labs.shard.text import prediction_table, shard_lab_table, shard_lab_verdict
from ui.render.controls import HIDDEN, NO_CHANGE, Updates
from ui.render.errors import report_stream_errors
from ui.render.export import folded_record
from ui.render.html import HINT, Html, explained
from ui.render.predictions import FIRST_PREDICT
from ui.session import Session

SHARD_HINT = HINT.format(
    Html(
        "An index that outgrows one machine is split into {}, each with a graph of its own. Here the loaded vectors "
        "are split over 1, 2, 4, 8 and 16, searched at the same k and ef, and merged. What does that give, and what "
        "does it take? Predict it, then measure."
    ).format(explained("shard", "shards"))
)
FIGURE_SCALE = 5  # twelfths of the width: the table has many columns
PREDICT = HINT.format(FIRST_PREDICT)


@dataclass(frozen=True, eq=False)
class ShardLab(Lab):
    """The shard lab. asked: the control of each question that is predicted before anything is measured, by its name."""

    asked: dict[str, gr.Radio]

    @property
    def outputs(self) -> list[gr.Component]:
        """The components that a run, or another collection, updates."""
        return [*super().outputs, *self.asked.values()]

    def clear(self, running: Job[Any] | None) -> Updates:
        """Take away a result and what was predicted of it: both are of a collection that is no longer loaded."""
        cleared = super().clear(running)
        return cleared if cleared is NO_CHANGE else cleared | dict.fromkeys(self.asked.values())

    async def stream(
        self,
        k: float,
        ef: float,
        recall: str | None,
        distances: str | None,
        wait: str | None,
        session: Session,
        running: Job[Any] | None,
    ) -> AsyncGenerator[Updates, None]:
        """Run the lab over the loaded vectors, with the settings of their graph, once everything is predicted."""
        indexed, given = session.loaded(), {"recall": recall, "distances": distances, "wait": wait}
        if None in given.values():
            yield {self.hint: PREDICT}
            return
        predicted = {name: QUESTIONS[name].prediction.read(answer) for name, answer in given.items()}
        settings, graph = lab_settings(k, ef, indexed), indexed.settings

        def work(progress: Progress) -> list[ShardResult]:
            return sweep_shards(
                indexed.retriever.vectors,
                indexed.query_vectors,
                k=settings.k,
                ef=settings.ef,
                M=graph.M,
                ef_construction=graph.ef_construction,
                whole=indexed.retriever.hnsw,
                progress=stage_progress(progress, "building graphs of every shard"),
            )

        def show(results: list[ShardResult]) -> tuple[go.Figure, Html]:
            told = prediction_table(predicted, results) + shard_lab_verdict(results) + shard_lab_table(results)
            return shard_figure(results), told + folded_record(shard_lab_record(indexed, results))

        n, dimension = len(indexed), indexed.retriever.dimension
        built = len(SHARD_COUNTS) - 1  # the loaded graph is the one shard
        needed = lab_bytes(n, dimension, graphs=built * graph_bytes(n, dimension, graph.M))
        async with aclosing(self.stream_job(work, show, running, needed=needed)) as steps:
            async for step in steps:
                yield step


def create_shard_lab(session: gr.State, k: gr.Slider, ef: gr.Slider) -> ShardLab:
    """Create the lab, folded, and connect its button; it measures at the sliders' k and ef."""
    with gr.Accordion("Shard lab: what splitting a collection gives and takes", open=False):
        hint = gr.HTML(SHARD_HINT)
        with gr.Row():
            asked = {name: _ask(name) for name in QUESTIONS}
        with gr.Row():
            start, cancel = gr.Button("Measure 1 to 16 shards", size="sm"), gr.Button("Cancel", size="sm")
        lab = ShardLab(start, cancel, hint, *result_components(FIGURE_SCALE), asked)
    inputs = [k, ef, *asked.values(), session, lab.running]
    start.click(report_stream_errors(lab.stream), inputs, lab.outputs, **HIDDEN)
    return lab


def _ask(name: str) -> gr.Radio:
    """Create the control of a question."""
    question = QUESTIONS[name]
    options = [(words, option) for option, words in question.prediction.options.items()]
    return gr.Radio(options, value=None, label=question.label, min_width=260)
