"""The choice to put what is built into Milvus too, which is there only if the operator named a server."""

from collections.abc import Callable
from dataclasses import dataclass

import gradio as gr

from retriever.errors import Cancelled, RetrieverError
from retriever.indexing.collection import IndexedCollection
from retriever.progress import Progress
from ui.documents.job import BuildPlan
from ui.jobs.build_queue import MILVUS_QUEUE
from ui.jobs.job import Job
from ui.milvus.copies import copy_of
from ui.milvus.server import LabMilvus
from ui.render.html import HINT, Html
from ui.render.numbers import format_seconds

INFO = (
    "Milvus is a database of vectors on a server; the third tab then searches there too. Only vectors are put there, "
    "into a collection of your own, which ends with your session; those of a sample once for all visitors."
)
NOT_PUT = HINT.format(Html("Press <b>Build</b> to put the vectors of {} into Milvus."))
STORED = HINT.format("The vectors are in Milvus too, which took {}: choose it in the third tab.")
NOT_STORED = Html(
    '<div class="lab-warning" role="status"><b>Not in Milvus:</b> {} What was built is loaded, and searched in this '
    "process. Choose Milvus in the third tab to try again.</div>"
)


@dataclass(frozen=True, eq=False)
class MilvusChoice:
    """The choice beside the button that builds."""

    milvus: LabMilvus
    wanted: gr.Checkbox

    def submit(self, plan: BuildPlan) -> Job[IndexedCollection]:
        """Submit a build, and a job that puts what it builds into Milvus; return the latter, which ends the former.

        While that waits for Milvus, others can build. Raises RetrieverError if there is no room.
        """
        built = plan.submit()
        job = Job(putting(built.result, self.milvus), kind="build", needs=[built])
        job.listen(built.cancel)
        try:
            return MILVUS_QUEUE.submit(job)
        except RetrieverError:
            built.cancel()
            raise

    def outcome(self, indexed: IndexedCollection) -> Html:
        """Return whether what was built is in Milvus, and if not, why."""
        copy = copy_of(indexed)
        if copy is None:
            return NOT_STORED.format(self.milvus.failure(indexed))
        return STORED.format(format_seconds(copy.seconds))


def putting(built: Callable[[], IndexedCollection], milvus: LabMilvus) -> Callable[[Progress], IndexedCollection]:
    """Return work that puts what was built into Milvus, and returns it, also where Milvus fails."""

    def work(progress: Progress) -> IndexedCollection:
        indexed = built()
        try:
            milvus.put(indexed, progress)
        except Cancelled:
            raise
        except RetrieverError:
            pass  # milvus.failure says why
        return indexed

    return work


def create_milvus_choice(milvus: LabMilvus | None) -> MilvusChoice | None:
    """Create the choice, or nothing without a server."""
    if milvus is None:
        return None
    return MilvusChoice(milvus, gr.Checkbox(False, label="Put the vectors into Milvus too", info=INFO))
