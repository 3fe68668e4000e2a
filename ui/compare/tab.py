"""The Compare models tab: retrievers on one judged collection, with the model's losses beside the index's."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import dataclass, replace

import gradio as gr
from gradio.blocks import Block

from retriever.errors import Cancelled, RetrieverError
from ui.compare.controls import ComparisonControls
from ui.compare.job import plan_comparison
from ui.compare.result import ComparisonResult
from ui.compare.state import ComparisonState, loaded_now
from ui.jobs.job import cancel_running
from ui.jobs.progress_text import progress_bar
from ui.jobs.shared_samples import SharedSamples
from ui.jobs.watching import watch
from ui.render.controls import NO_CHANGE, Updates, Values, keep_ef_above_k
from ui.render.html import HINT, Html
from ui.render.numbers import format_seconds
from ui.session import Session

DONE = "Done in {}. Now move ef, or choose a question below."
CANCELLED = HINT.format("Cancelled. The last result is unchanged.")
FAILED = HINT.format("Nothing was compared. The last result is unchanged.")
STALE = Html(
    '<p class="lab-warning">The results below are of {}, {}, k={}, graph {}: not of what the controls say '
    "now. Press <b>Compare</b> for those.</p>"
)
JUDGED_SINCE = Html(
    '<p class="lab-warning">The results below do not count what you have judged since in Search. Press <b>Compare</b> '
    "to count it.</p>"
)
NOT_RUNNING = HINT.format("No comparison is running.")
CANCELLING = HINT.format("Cancelling: the step under way is finished first …")


@dataclass(frozen=True, eq=False)
class CompareTab:
    """The components of the Compare models tab, and the handlers that run a comparison."""

    session: gr.State
    shared_samples: SharedSamples
    comparison_state: gr.State
    controls: ComparisonControls
    start: gr.Button
    stop: gr.Button
    add: gr.Button  # shows the third and the fourth model
    progress: gr.HTML
    result: ComparisonResult

    @property
    def addressed(self) -> dict[str, gr.Component]:
        """The controls whose values the address has."""
        controls = self.controls
        models = dict(zip(("first", "second", "third", "fourth"), controls.retrievers, strict=True))
        return {"on": controls.collection, **models, "k": controls.k, "graph": controls.graph, "ef": self.result.ef}

    @property
    def stale(self) -> gr.HTML:
        """What says that the results are not of what the controls say."""
        return self.result.stale

    @property
    def inputs(self) -> set[Block]:
        """The components that stream_comparison reads."""
        return {*self.controls.inputs, self.result.ef, self.result.show, self.comparison_state, self.session}

    @property
    def outputs(self) -> list[Block]:
        """The components that stream_comparison updates."""
        return [self.comparison_state, self.progress, *self.result.outputs]

    async def stream_comparison(self, values: Values) -> AsyncGenerator[Updates, None]:
        """Run a comparison; yield its progress, and in the last step everything that shows the result.

        If the comparison fails or is cancelled, the last result stays.
        """
        request = self.controls.request(values)
        state: ComparisonState = values[self.comparison_state]
        session: Session = values[self.session]
        loaded = loaded_now(session)
        cancel_running(state.job)  # a second click restarts
        planned = await asyncio.to_thread(plan_comparison, request, session, state.index_cache, self.shared_samples)
        job = planned.submit()
        state = replace(state, job=job)
        started: Updates = {self.comparison_state: state}
        try:
            async with aclosing(watch(job)) as statuses:
                async for status in statuses:
                    yield {**started, self.progress: progress_bar(status)}
                    started = {}  # written once
            result = job.result()
        except Cancelled:
            yield {self.progress: CANCELLED}
            return
        except RetrieverError:
            yield {self.progress: FAILED}
            raise
        state = replace(state, compared=result, request=request, loaded=loaded)
        done = HINT.format(DONE.format(format_seconds(result.seconds)))
        ef, show = state.lifted_ef(values[self.result.ef]), values[self.result.show]
        shown = await asyncio.to_thread(self.result.show_result, result, ef, show)
        yield {self.comparison_state: state, self.progress: done, **shown}

    def add_further(self) -> Updates:
        """Show the third and the fourth model, and no longer the button that asks for them."""
        return {self.controls.further: gr.update(visible=True), self.add: gr.update(visible=False)}

    def show_further(self, chosen: str | None) -> Updates:
        """Show the third and the fourth model if one of them was chosen, as an address may."""
        return self.add_further() if chosen else NO_CHANGE

    def note_stale(self, values: Values) -> Html:
        """Say that the results are not of what the controls say; nothing if they are, or before there are any."""
        state: ComparisonState = values[self.comparison_state]
        session: Session = values[self.session]
        was, request = state.request, self.controls.request(values)
        if was is None or state.fits(request, loaded_now(session)):
            return Html()
        if was == request and state.loaded[0] == id(session.indexed):
            return JUDGED_SINCE
        named, against = state.result().indexed.name, " against ".join(was.retrievers)
        return STALE.format(named, against, was.k, f"{was.M}/{was.ef_construction}")

    def keep_ef(self, ef: float, comparison_state: ComparisonState) -> Updates:
        """Keep the ef slider at the k of what is shown or above."""
        compared = comparison_state.compared
        return {self.result.ef: keep_ef_above_k(compared.comparison.k, ef)} if compared else NO_CHANGE

    def cancel(self, comparison_state: ComparisonState) -> Html:
        """Ask the running comparison to stop, and return a message."""
        return CANCELLING if cancel_running(comparison_state.job) else NOT_RUNNING
