"""The size lab: both searches over growing parts of the vectors."""

from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import dataclass
from typing import Any

import gradio as gr
import plotly.graph_objects as go

from retriever.measurement.sweeps import SizeResult, sweep_sizes
from retriever.progress import Progress, stage_progress
from ui.jobs.job import Job
from ui.jobs.memory_budget import graph_bytes
from ui.recall.labs.lab import Lab, lab_bytes, lab_settings, result_components
from ui.recall.labs.size.figures import growth_figure
from ui.recall.labs.size.records import size_lab_record
from ui.recall.labs.size.text import size_lab_table, size_lab_verdict
from ui.render.controls import HIDDEN, Updates
from ui.render.errors import report_stream_errors
from ui.render.export import folded_record
from ui.render.html import HINT, Html
from ui.session import Session

SIZE_HINT = HINT.format(
    "A sixteenth of the vectors, an eighth, and so on up to all of them, which is the loaded graph: how does each "
    "search grow, and from where on does an index pay?"
)


@dataclass(frozen=True, eq=False)
class SizeLab(Lab):
    """The size lab: both searches over growing parts of the vectors."""

    async def stream(
        self, k: float, ef: float, session: Session, running: Job[Any] | None
    ) -> AsyncGenerator[Updates, None]:
        """Run the lab over the loaded vectors, with the settings of their graph."""
        indexed = session.loaded()
        settings, graph = lab_settings(k, ef, indexed), indexed.settings

        def work(progress: Progress) -> list[SizeResult]:
            return sweep_sizes(
                indexed.retriever.vectors,
                indexed.query_vectors,
                k=settings.k,
                ef=settings.ef,
                M=graph.M,
                ef_construction=graph.ef_construction,
                whole=indexed.retriever.hnsw,
                progress=stage_progress(progress, "building graphs of every size"),
            )

        def show(results: list[SizeResult]) -> tuple[go.Figure, Html]:
            words = size_lab_verdict(results) + size_lab_table(results)
            return growth_figure(results), words + folded_record(size_lab_record(indexed, results))

        n, dimension = len(indexed), indexed.retriever.dimension
        half = graph_bytes(n // 2, dimension, graph.M)  # the largest part is the loaded graph
        needed = lab_bytes(n, dimension, graphs=half)
        async with aclosing(self.stream_job(work, show, running, needed=needed)) as steps:
            async for step in steps:
                yield step


def create_size_lab(session: gr.State, k: gr.Slider, ef: gr.Slider) -> SizeLab:
    """Create the lab, folded, and connect its button; it measures at the sliders' k and ef."""
    with gr.Accordion("Size lab: how each search grows", open=False):
        hint = gr.HTML(SIZE_HINT)
        with gr.Row():
            start, cancel = gr.Button("Measure every size", size="sm"), gr.Button("Cancel", size="sm")
        lab = SizeLab(start, cancel, hint, *result_components())
    start.click(report_stream_errors(lab.stream), [k, ef, session, lab.running], lab.outputs, **HIDDEN)
    return lab
