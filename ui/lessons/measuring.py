"""Measuring a step once for all who ask: jobs in the build queue, and results that serve everybody for a while."""

import threading
from collections.abc import Callable, Hashable
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from cachetools import TTLCache

from retriever.fair_lock import MACHINE_LOCK
from retriever.indexing.collection import IndexedCollection
from retriever.progress import Progress
from retriever.shared_results import SharedResults
from retriever.turns import LAB
from ui.compare.job import FinishedComparison, plan_comparison
from ui.compare.request import CompareRequest
from ui.compare.retrievers.choices import dense_models
from ui.compare.retrievers.index_cache import IndexCache
from ui.jobs.build_queue import BUILD_QUEUE
from ui.jobs.job import Job
from ui.jobs.shared_samples import PREPARED_MODEL, SharedSamples
from ui.lessons.lesson import Lesson, Step
from ui.lessons.measurements.catalogue import measure_step
from ui.lessons.measurements.measured import Made, Measured
from ui.session import Session

KEPT_SECONDS = 600.0  # for which a measurement serves all who take the same step
MOST_KEPT = 100  # measurements
PATIENCE = 600.0  # seconds to wait for another step that makes the same


@dataclass(frozen=True, eq=False)
class SampleCollections:
    """The samples that all visitors share, as measurements take them; they wait until a sample is prepared."""

    shared_samples: SharedSamples
    _made: SharedResults[Hashable, Any] = field(
        default_factory=lambda: SharedResults(KEPT_SECONDS, most=MOST_KEPT, patience=PATIENCE), repr=False
    )

    def indexed(self, sample: str) -> IndexedCollection:
        """Return a sample indexed with the model and the graph that the page begins with."""
        return self.shared_samples.prepare(sample).result()

    def compared(self, request: CompareRequest, progress: Progress) -> FinishedComparison:
        """Return the comparison that was requested, made once for all steps that ask for it."""
        plan = plan_comparison(request, Session(), IndexCache(), self.shared_samples)
        for need in plan.needs:  # the step's own needs, as a rule: then they have ended
            need.result()
        return self.once(request, lambda: plan.work(progress))

    def once(self, key: Hashable, make: Callable[[], Made]) -> Made:
        """Return what was made under a key for another step a while ago, or make it: one number for one thing."""
        made: Made = self._made.get(key, make).value
        return made


class LessonMeasurements:
    """The measurements of all lessons, each made once for all who take its step within KEPT_SECONDS.

    One that was made while the machine worked for others is made again, once, for the next who asks when it does not.
    """

    def __init__(self, shared_samples: SharedSamples) -> None:
        """Start without measurements."""
        self._shared_samples = shared_samples
        self._collections = SampleCollections(shared_samples)
        self._lock = threading.Lock()
        self._repeated: set[Hashable] = set()  # the keys of those that were made again
        self._jobs: TTLCache[Hashable, Job[Measured]] = TTLCache(MOST_KEPT, KEPT_SECONDS)

    def submit(self, lesson: Lesson, step: Step) -> Job[Measured]:
        """Return a job of the one who asks, whose result is the step's measurement; to cancel it ends only the wait.

        Raises RetrieverError if its visitor has too many jobs already, or CollectionError for want of memory.
        """
        measuring = self._measuring(lesson, step)
        waiting = Job(lambda _: measuring.result(), kind="lesson", needs=[measuring], takes_place=False)
        return BUILD_QUEUE.submit(waiting)

    def known(self, lesson: Lesson, step: Step) -> Measured | None:
        """Return a step's measurement if it was made within KEPT_SECONDS."""
        with self._lock:
            job = self._jobs.get((lesson.name, step.name))
        return job.result() if job is not None and job.ended and job.error is None else None

    def _measuring(self, lesson: Lesson, step: Step) -> Job[Measured]:
        """Return the lab's own job that measures a step: the one under way or ended, or a new one."""
        key = lesson.name, step.name
        with self._lock:
            job = self._jobs.get(key)
            if job is not None and self._was_crowded(job) and key not in self._repeated:
                self._repeated.add(key)
                job = None
            if job is None or job.cancelled or job.error:
                needs = self._needed(step)
                job = Job(partial(self._measure, step), kind="lesson measurement", needs=needs, owner=LAB)
                self._jobs[key] = job
                BUILD_QUEUE.submit(job)
            return job

    def _was_crowded(self, job: Job[Measured]) -> bool:
        """Return whether a measurement was made in a crowd which has gone."""
        return job.ended and job.error is None and job.result().crowded and not MACHINE_LOCK.contended

    def _needed(self, step: Step) -> list[Job[Any]]:
        """Return the lab's jobs that must end before a step is measured: its samples, with each model that it names."""
        given = step.arguments
        if "sample" not in given:
            return []
        named = dense_models([*given.get("models", ()), *given.get("retrievers", {}).values()])
        loads = self._shared_samples.models.needed(*named)
        models = dict.fromkeys([PREPARED_MODEL, *named])
        return [*loads, *(self._shared_samples.prepare(given["sample"], model_name=model) for model in models)]

    def _measure(self, step: Step, progress: Progress) -> Measured:
        return measure_step(step, self._collections, progress)
