"""The comparison state of one visitor."""

from dataclasses import dataclass, field

from retriever.errors import CollectionError
from ui.compare.job import FinishedComparison
from ui.compare.request import LOADED, CompareRequest
from ui.compare.retrievers.index_cache import IndexCache
from ui.inputs import SearchSettings
from ui.jobs.job import Job


@dataclass(frozen=True, eq=False)
class ComparisonState:
    """One visitor's comparison state: the running comparison, the last result, and the indexes made for it.

    request: what the last result is of; loaded: the revision of the collection that was loaded then.
    """

    index_cache: IndexCache = field(default_factory=IndexCache)
    job: Job[FinishedComparison] | None = None
    compared: FinishedComparison | None = None
    request: CompareRequest | None = None
    loaded: int = 0

    def result(self) -> FinishedComparison:
        """Return the last result. Raises CollectionError if there is none yet."""
        if self.compared is None:
            raise CollectionError("Nothing has been compared yet; press Compare.")
        return self.compared

    def fits(self, request: CompareRequest, loaded: int) -> bool:
        """Return whether the last result is of this request, and of what is loaded if it asks for that."""
        return self.request == request and (request.collection != LOADED or self.loaded == loaded)

    def lifted_ef(self, ef: float) -> int:
        """Return the ef that a slider's value stands for, at least the k of the last result."""
        return SearchSettings.nearest(self.result().comparison.k, ef).ef
