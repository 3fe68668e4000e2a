"""The comparison state of one visitor."""

from dataclasses import dataclass, field

from retriever.errors import CollectionError
from ui.compare.index_cache import IndexCache
from ui.compare.job import FinishedComparison
from ui.inputs import SearchSettings
from ui.jobs.job import Job


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
        return SearchSettings.nearest(self.result().comparison.k, ef).ef
