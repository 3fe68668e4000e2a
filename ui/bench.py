"""The bench: what one visitor compares, the comparison under way and the last result."""

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import Any

import gradio as gr

from retriever.errors import Cancelled, CollectionError, RetrieverError
from ui import text
from ui.compare_request import CompareRequest
from ui.comparing import Compared, plan
from ui.job import Job
from ui.preparation import Preparation
from ui.session import Session
from ui.shelf import Shelf

POLL = 0.2  # seconds between two looks at a running comparison


@dataclass(frozen=True, eq=False)
class Bench:
    """Hold what one visitor compares: a comparison under way, the last result, and what was embedded for it."""

    shelf: Shelf = field(default_factory=Shelf)
    job: Job[Compared] | None = None
    compared: Compared | None = None

    def result(self) -> Compared:
        """Return the last result, or raise CollectionError if there is none yet."""
        if self.compared is None:
            raise CollectionError("Nothing has been compared yet; press Compare.")
        return self.compared


def steps(
    request: CompareRequest, bench: Bench, session: Session, preparation: Preparation
) -> Iterator[tuple[Any, str, Compared | None]]:
    """Compare: give the bench (or Gradio's "no change"), the progress, and in the last step the result.

    Whatever fails or is cancelled, the last result stays.
    """
    if bench.job is not None:
        bench.job.cancel()  # a second click starts anew
    job = Job(plan(request, session, bench.shelf, preparation), kind="comparison").start()
    bench = replace(bench, job=job)
    try:
        yield bench, text.progress_bar(job.status), None
        while not job.wait(POLL):
            yield gr.skip(), text.progress_bar(job.status), None
        compared = job.result()
    except Cancelled:
        yield gr.skip(), '<p class="lab-hint">Cancelled. The last result is unchanged.</p>', None
        return
    except RetrieverError:
        yield gr.skip(), '<p class="lab-hint">Nothing was compared. The last result is unchanged.</p>', None
        raise
    finally:
        job.cancel()  # also when the visitor has left the page
    done = f'<p class="lab-hint">Done in {text.seconds(compared.seconds)}. Now move ef, or choose a question below.</p>'
    yield replace(bench, compared=compared), done, compared


def cancel(bench: Bench) -> str:
    """Ask a running comparison to stop."""
    if bench.job is None or bench.job.wait(0):
        return '<p class="lab-hint">No comparison is running.</p>'
    bench.job.cancel()
    return '<p class="lab-hint">Cancelling: the step under way is finished first …</p>'
