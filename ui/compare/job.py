"""The job of a comparison: what was requested in the Compare models tab -> the work that compares two models."""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from retriever.experiments.model_comparison import ModelComparison, compare_models, queries_in_capitals
from retriever.progress import Progress
from ui.compare.index_cache import IndexCache
from ui.compare.model_indexes import ModelIndexes
from ui.compare.request import CompareRequest
from ui.jobs.build_queue import BUILD_QUEUE
from ui.jobs.job import Job
from ui.jobs.shared_samples import SharedSamples
from ui.session import Session


@dataclass(frozen=True, eq=False)
class FinishedComparison:
    """A finished comparison, the seconds it took, and the hit rates with the questions in lower case.

    in_lower_case: of both models, if the questions are written in capitals and the documents are not; else empty.
    judged_by: who judged what is loaded; empty for other collections. notes: uploaded file -> what was chosen or passed
    over while it was read.
    """

    comparison: ModelComparison
    seconds: float
    in_lower_case: Sequence[float] = ()
    judged_by: str = ""
    notes: Mapping[str, Sequence[str]] = field(default_factory=dict)


@dataclass(frozen=True)
class ComparisonPlan:
    """The work of a comparison, and the jobs that must end before it: those of its models and of a shared sample."""

    work: Callable[[Progress], FinishedComparison]
    needs: Sequence[Job[Any]] = ()

    def submit(self) -> Job[FinishedComparison]:
        """Add it to the build queue and return its job. Raises RetrieverError if there is no room for it."""
        return BUILD_QUEUE.submit(Job(self.work, kind="comparison", needs=self.needs))


def plan_comparison(
    request: CompareRequest, session: Session, index_cache: IndexCache, shared_samples: SharedSamples
) -> ComparisonPlan:
    """Return the work that compares two models; cached and shared indexes are not embedded again.

    Raises a RetrieverError if the request is refused.
    """
    request.check(index_cache.parsed_files)
    indexes = ModelIndexes(request, session, index_cache, shared_samples, session.own_judged())
    names = request.first, request.second

    def work(progress: Progress) -> FinishedComparison:
        start = time.perf_counter()
        first, second = (indexes.of_model(name, _of_model(name, progress)) for name in names)
        progress("comparing", 0.0)
        comparison = compare_models(first, second, request.k)
        in_lower_case: list[float] = []
        if queries_in_capitals(first):
            lowered = [indexes.in_lower_case(index, progress) for index in (first, second)]
            in_lower_case = [index.evaluation(request.k).hit_rate for index in lowered]
        notes = indexes.notes_on_reading(first, progress)
        return FinishedComparison(comparison, time.perf_counter() - start, in_lower_case, indexes.judged_by, notes)

    # a missing model is known before any work, and a slow download blocks nobody
    return ComparisonPlan(work, [*shared_samples.models.needed(*names), *indexes.needed_samples(names)])


def _of_model(name: str, progress: Progress) -> Progress:
    """Return a progress function that adds the model's name to the stage."""
    return lambda stage, fraction: progress(f"{stage} ({name})", fraction)
