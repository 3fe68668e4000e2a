"""The comparison state of one visitor, and the handlers that run and cancel a comparison."""

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import Any

import gradio as gr

from retriever.errors import Cancelled, CollectionError, RetrieverError
from ui.compare.index_cache import IndexCache
from ui.compare.job import FinishedComparison, plan_comparison
from ui.compare.request import CompareRequest
from ui.inputs import SearchSettings
from ui.jobs.job import Job, watch
from ui.jobs.progress_text import progress_bar
from ui.jobs.shared_samples import SharedSamples
from ui.render.numbers import format_seconds
from ui.session import Session


@dataclass(frozen=True, eq=False)
class ComparisonState:
    """One visitor's comparison state: the running comparison, the last result, and the indexes made for it."""

    index_cache: IndexCache = field(default_factory=IndexCache)
    job: Job[FinishedComparison] | None = None
    compared: FinishedComparison | None = None

    def result(self) -> FinishedComparison:
        """Return the last result. Raises CollectionError if there is none yet."""
        if self.compared is None:
            raise CollectionError("Nothing has been compared yet; press Compare.")
        return self.compared

    def lifted_ef(self, ef: float) -> int:
        """Return the ef that a slider's value stands for, at least the k of the last result."""
        return SearchSettings.of(self.result().comparison.k, ef).ef


def stream_comparison(
    request: CompareRequest, comparison_state: ComparisonState, session: Session, shared_samples: SharedSamples
) -> Iterator[tuple[Any, str, FinishedComparison | None]]:
    """Run a comparison; yield the state (or Gradio's "no change"), the progress, and in the last step the result.

    If the comparison fails or is cancelled, the last result stays.
    """
    if comparison_state.job is not None:
        comparison_state.job.cancel()  # a second click restarts
    job = Job(
        plan_comparison(request, session, comparison_state.index_cache, shared_samples), kind="comparison"
    ).start()
    comparison_state = replace(comparison_state, job=job)
    written: Any = comparison_state
    try:
        for status in watch(job):
            yield written, progress_bar(status), None
            written = gr.skip()
        compared = job.result()
    except Cancelled:
        yield gr.skip(), '<p class="lab-hint">Cancelled. The last result is unchanged.</p>', None
        return
    except RetrieverError:
        yield gr.skip(), '<p class="lab-hint">Nothing was compared. The last result is unchanged.</p>', None
        raise
    message = (
        f'<p class="lab-hint">Done in {format_seconds(compared.seconds)}. Now move ef, or choose a question below.</p>'
    )
    yield replace(comparison_state, compared=compared), message, compared


def cancel_comparison(comparison_state: ComparisonState) -> str:
    """Ask the running comparison to stop, and return a message."""
    if comparison_state.job is None or comparison_state.job.wait(0):
        return '<p class="lab-hint">No comparison is running.</p>'
    comparison_state.job.cancel()
    return '<p class="lab-hint">Cancelling: the step under way is finished first …</p>'
