"""The build lab: graphs with every M and efConstruction over the same vectors."""

from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import dataclass
from typing import Any

import gradio as gr
import plotly.graph_objects as go

from retriever.measurement.sweeps import BuildResult, sample_vectors, sweep_graph_settings
from retriever.progress import Progress, stage_progress
from ui.jobs.job import Job
from ui.jobs.memory_budget import graph_bytes
from ui.recall.labs.build.figures import heat_figure
from ui.recall.labs.build.records import build_lab_record
from ui.recall.labs.build.text import build_lab_table, build_lab_verdict
from ui.recall.labs.lab import Lab, lab_bytes, lab_settings, result_components
from ui.render.controls import HIDDEN, Updates
from ui.render.errors import report_stream_errors
from ui.render.export import folded_record
from ui.render.html import HINT, Html
from ui.session import Session

MS, EF_CONSTRUCTIONS = (4, 8, 16, 32), (20, 100, 400)
SAMPLED_VECTORS = 5_000  # vectors of the build lab, unless all are requested
BUILD_HINT = HINT.format(
    Html(
        "The course says: <i>higher efConstruction improves recall at the cost of memory and build time</i>. Build "
        "twelve graphs over the same vectors and see which part of that is so."
    )
)


@dataclass(frozen=True, eq=False)
class BuildLab(Lab):
    """The build lab: graphs with every M and efConstruction over the same vectors."""

    every: gr.Checkbox

    async def stream(
        self, k: float, ef: float, every: bool, session: Session, running: Job[Any] | None
    ) -> AsyncGenerator[Updates, None]:
        """Run the lab over a fixed sample of the loaded vectors, or over all of them."""
        indexed = session.loaded()
        settings, n = lab_settings(k, ef, indexed), len(indexed) if every else min(SAMPLED_VECTORS, len(indexed))

        def work(progress: Progress) -> list[BuildResult]:
            vectors = sample_vectors(indexed.retriever.vectors, n)
            report = stage_progress(progress, "building twelve graphs")
            return sweep_graph_settings(
                vectors, indexed.query_vectors, MS, EF_CONSTRUCTIONS, k=settings.k, ef=settings.ef, progress=report
            )

        def show(results: list[BuildResult]) -> tuple[go.Figure, Html]:
            words = build_lab_verdict(results, n) + build_lab_table(results)
            return heat_figure(results), words + folded_record(build_lab_record(indexed, results, n))

        dimension = indexed.retriever.dimension
        needed = lab_bytes(n, dimension, graphs=graph_bytes(n, dimension, max(MS)))  # one after the other
        async with aclosing(self.stream_job(work, show, running, needed=needed)) as steps:
            async for step in steps:
                yield step


def create_build_lab(session: gr.State, k: gr.Slider, ef: gr.Slider) -> BuildLab:
    """Create the lab, folded, and connect its button; it measures at the sliders' k and ef."""
    with gr.Accordion("Build lab: what M and efConstruction buy", open=False):
        hint = gr.HTML(BUILD_HINT)
        with gr.Row():
            start, cancel = gr.Button("Build twelve graphs", size="sm"), gr.Button("Cancel", size="sm")
            label = f"all vectors, not {SAMPLED_VECTORS:,} drawn with a fixed seed"
            every = gr.Checkbox(False, label=label, min_width=240)
        lab = BuildLab(start, cancel, hint, *result_components(), every)
    start.click(report_stream_errors(lab.stream), [k, ef, every, session, lab.running], lab.outputs, **HIDDEN)
    return lab
