"""The choice of the engine that is measured: HNSW in this process, or in the operator's Milvus server."""

from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing
from dataclasses import dataclass
from functools import partial
from typing import Any

import gradio as gr

from retriever.errors import Cancelled, RetrieverError
from retriever.indexing.collection import IndexedCollection
from retriever.progress import Progress
from ui.jobs.build_queue import MILVUS_QUEUE
from ui.jobs.job import Job
from ui.jobs.progress_text import progress_bar
from ui.jobs.watching import watch
from ui.milvus.copies import copy_of
from ui.milvus.server import LabMilvus
from ui.recall.client_text import no_curve_note, not_stored_note
from ui.render.controls import Updates
from ui.render.html import Html

IN_PROCESS, MILVUS = "process", "milvus"  # values of the choice, and of the address
LABELS = [("in this process", IN_PROCESS), ("Milvus", MILVUS)]
INFO = (
    "Where HNSW searches: in this lab's memory, or in Milvus, a database of vectors on a server. Same vectors, same M "
    "and efConstruction."
)
KIND = "milvus"  # of the jobs that put vectors there, in the log
REFRESH: Updates = {}  # asks for a new token: the numbers are to be shown anew
CANCEL = Html("{}" + '<p class="lab-hint">To cancel, choose <b>in this process</b>.</p>')


@dataclass(frozen=True, eq=False)
class EngineChoice:
    """The choice, which is there only if the operator named a Milvus server, and a note below it."""

    milvus: LabMilvus
    chosen: gr.Radio
    note: gr.HTML

    async def stream_copy(self, indexed: IndexedCollection) -> AsyncGenerator[Updates, None]:
        """Put a collection into Milvus unless it is there; yield the progress, then REFRESH; say it if that fails."""
        if copy_of(indexed) is None:
            async with aclosing(self._watch(partial(self.milvus.put, indexed), not_stored_note)) as steps:
                async for shown in steps:
                    yield {self.note: shown}
            yield REFRESH

    async def stream_curve(self, indexed: IndexedCollection, k: int) -> AsyncGenerator[Updates, None]:
        """Measure the curve of a collection's copy, if there is one and its curve is not known, as stream_copy does."""
        copy = copy_of(indexed)
        if copy is not None and copy.measurements.known_curve(k) is None:
            work = partial(self.milvus.measure_curve, indexed, k)
            async with aclosing(self._watch(work, no_curve_note)) as steps:
                async for shown in steps:
                    yield {self.note: shown}
            yield REFRESH

    async def _watch(
        self, work: Callable[[Progress], Any], failed: Callable[[str], Html]
    ) -> AsyncGenerator[Html, None]:
        """Submit work and yield what the note says until it ends; failed says why it failed, and nothing is raised."""
        try:
            job = MILVUS_QUEUE.submit(Job(work, kind=KIND))
            async with aclosing(watch(job)) as statuses:
                async for status in statuses:
                    yield CANCEL.format(progress_bar(status))
            job.result()
        except Cancelled:
            yield Html()
        except RetrieverError as error:
            yield failed(str(error))
        else:
            yield Html()


def create_engine_choice(milvus: LabMilvus | None) -> EngineChoice | None:
    """Create the choice, or nothing without a server."""
    if milvus is None:
        return None
    chosen = gr.Radio(LABELS, value=IN_PROCESS, label="Engine", info=INFO)
    return EngineChoice(milvus, chosen, gr.HTML())
