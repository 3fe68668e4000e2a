"""The choice to put what is built into Milvus too, which is there only if the operator named a server."""

from dataclasses import dataclass, replace

import gradio as gr

from retriever.indexing.collection import IndexedCollection
from ui.documents.job import BuildPlan
from ui.milvus.copies import copy_of
from ui.milvus.server import LabMilvus, putting
from ui.render.html import HINT, Html
from ui.render.numbers import format_seconds

INFO = (
    "Only the vectors, into a collection of your own, which ends with your session; samples are put there once for "
    "all. The third tab then searches both."
)
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

    def extended(self, plan: BuildPlan) -> BuildPlan:
        """Return a plan that also puts what is built into Milvus."""
        return replace(plan, work=putting(plan.work, self.milvus), takes_place=True)

    def outcome(self, indexed: IndexedCollection) -> Html:
        """Return whether what was built is in Milvus, and if not, why."""
        copy = copy_of(indexed)
        if copy is None:
            return NOT_STORED.format(self.milvus.failure(indexed))
        return STORED.format(format_seconds(copy.seconds))


def create_milvus_choice(milvus: LabMilvus | None) -> MilvusChoice | None:
    """Create the choice, or nothing without a server."""
    if milvus is None:
        return None
    return MilvusChoice(milvus, gr.Checkbox(False, label="Put the vectors into Milvus too", info=INFO))
