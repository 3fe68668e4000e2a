"""The comparison state of one visitor."""

from dataclasses import dataclass, field

from retriever.errors import CollectionError
from retriever.evaluation.trec import Qrels
from ui.compare.job import FinishedComparison
from ui.compare.request import LOADED, OWN, CompareRequest
from ui.compare.retrievers.index_cache import IndexCache
from ui.inputs import SearchSettings
from ui.jobs.job import Job
from ui.session import Session

Loaded = tuple[int, Qrels]  # the identity of a collection, and own judgments of it


def loaded_now(session: Session) -> Loaded:
    """Return what of a session a comparison of the loaded collection depends on."""
    judged = session.own_judged()
    return id(session.indexed), judged.qrels if judged else {}


@dataclass(frozen=True, eq=False)
class ComparisonState:
    """One visitor's comparison state: the running comparison, the last result, and the indexes made for it.

    request: what the last result is of. loaded: the collection that was loaded then, and the visitor's own judgments.
    """

    index_cache: IndexCache = field(default_factory=IndexCache)
    job: Job[FinishedComparison] | None = None
    compared: FinishedComparison | None = None
    request: CompareRequest | None = None
    loaded: Loaded = (0, {})

    def result(self) -> FinishedComparison:
        """Return the last result. Raises CollectionError if there is none yet."""
        if self.compared is None:
            raise CollectionError("Nothing has been compared yet; press Compare.")
        return self.compared

    def fits(self, request: CompareRequest, loaded: Loaded) -> bool:
        """Return whether the last result is of this request, and of what is loaded and judged if it asks for that."""
        if self.request != request or request.collection != LOADED:
            return self.request == request
        return self.loaded[0] == loaded[0] and (self.result().judged_by != OWN or self.loaded == loaded)

    def lifted_ef(self, ef: float) -> int:
        """Return the ef that a slider's value stands for, at least the k of the last result."""
        return SearchSettings.nearest(self.result().comparison.k, ef).ef
