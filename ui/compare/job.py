"""The job of a comparison: what was requested in the Compare models tab -> the work that compares the retrievers."""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from retriever.errors import CollectionError
from retriever.experiments.comparison import RetrieverComparison, compare_retrievers, queries_in_capitals
from retriever.experiments.judged_index import JudgedIndex
from retriever.experiments.search_costs import SearchCost, measure_costs
from retriever.indexing.collection import IndexedCollection
from retriever.progress import Progress
from ui.compare.request import JUDGED_SAMPLES, CompareRequest
from ui.compare.retrievers.by_name import ComparedRetrievers
from ui.compare.retrievers.choices import dense_models, late_models
from ui.compare.retrievers.index_cache import IndexCache
from ui.compare.retrievers.model_indexes import ModelIndexes
from ui.jobs.build_queue import BUILD_QUEUE
from ui.jobs.job import Job
from ui.jobs.shared_samples import SharedSamples
from ui.session import Session


@dataclass(frozen=True, eq=False)
class FinishedComparison:
    """A finished comparison, the seconds it took, and the hit rates with the questions in lower case.

    costs: what each retriever costs. in_lower_case: of all of them, if the questions are written in capitals and the
    documents are not; else empty. judged_by: who judged what is loaded; empty for other collections. notes: uploaded
    file -> what was chosen or passed over while it was read. base: the index whose passages were searched.
    """

    comparison: RetrieverComparison
    seconds: float
    costs: Sequence[SearchCost] = ()
    in_lower_case: Sequence[float] = ()
    judged_by: str = ""
    notes: Mapping[str, Sequence[str]] = field(default_factory=dict)
    base: JudgedIndex | None = None

    @property
    def indexed(self) -> IndexedCollection:
        """The collection that was searched: of the first retriever that has an index, else of the base."""
        own = [side for side in self.comparison.sides if isinstance(side, JudgedIndex)]
        index = own[0] if own else self.base
        if index is None:
            raise CollectionError("No retriever of this comparison has an index; pass the base index.")
        return index.indexed


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
    """Return the work that compares the retrievers; cached and shared indexes are not embedded again.

    Raises a RetrieverError if the request is refused.
    """
    request.check(index_cache.parsed_files)
    indexes = ModelIndexes(request, session, index_cache, shared_samples, session.own_judged())
    names = request.retrievers
    retrievers = ComparedRetrievers(indexes, names)

    def work(progress: Progress) -> FinishedComparison:
        start = time.perf_counter()
        sides = [retrievers.of(name, progress) for name in names]
        for side in sides:
            progress(f"searching ({side.name})", 0.0)
            side.evaluation(request.k)
        progress("comparing", 0.0)
        comparison = compare_retrievers(sides, request.k)
        in_lower_case: list[float] = []
        if queries_in_capitals(sides[0]):
            lowered = [retrievers.in_lower_case(side, progress) for side in sides]
            in_lower_case = [side.evaluation(request.k).hit_rate for side in lowered]
        base = retrievers.base(progress)
        notes = indexes.notes_on_reading(base, progress)
        progress("timing", 0.0)
        costs = measure_costs(sides, request.k)
        seconds = time.perf_counter() - start
        return FinishedComparison(comparison, seconds, costs, in_lower_case, indexes.judged_by, notes, base)

    # a missing model is known before any work, and a slow download blocks nobody
    return ComparisonPlan(work, [*_model_loads(request, shared_samples), *_samples(indexes, names)])


def _model_loads(request: CompareRequest, shared_samples: SharedSamples) -> list[Job[Any]]:
    """Return the jobs that load the models of a request."""
    loads = shared_samples.models
    return [*loads.needed(*dense_models(request.retrievers)), *loads.needed_late(*late_models(request.retrievers))]


def _samples(indexes: ModelIndexes, names: Sequence[str]) -> list[Job[IndexedCollection]]:
    """Return the jobs that index the requested sample with the models that are compared, or that passages come from."""
    models = dense_models(names)
    if indexes.request.collection in JUDGED_SAMPLES:
        models = list(dict.fromkeys([*models, indexes.passages_model(names)]))
    return indexes.needed_samples(models)
