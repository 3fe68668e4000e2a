"""The shared samples: indexed in the background, once per process and model, for all visitors."""

import threading
import time
from collections.abc import Callable

from retriever.encoders.loading import load_encoder
from retriever.errors import CollectionError
from retriever.experiments.judged_index import JudgedIndex, embed_judged_queries
from retriever.indexing.collection import IndexedCollection, IndexSettings
from retriever.indexing.sample_cache import begin_sample, cached_sample
from retriever.progress import Progress, stage_progress
from retriever.turns import LAB
from ui.jobs.build_queue import BUILD_QUEUE
from ui.jobs.job import Job, Status
from ui.jobs.memory_budget import MEMORY_BUDGET
from ui.jobs.model_loads import ModelLoads
from ui.log import log_event

SAMPLE_TITLES = {
    "documents": "Sample documents",
    "everyday_science": "Everyday science",
    "python_docs": "Python docs",
    "python_docs_large": "Python docs, large",
}
# in the order in which they are prepared beforehand; others are prepared on request
PREPARED_SAMPLES = ("python_docs", "documents", "everyday_science")
ADOPTED_SAMPLES = ("documents", "python_docs")  # in the order in which a visitor who has chosen nothing gets them
PREPARED_K = 10  # the k whose curve is measured beforehand
PREPARED_MODEL = IndexSettings().model_name  # the model of samples prepared beforehand; others on request

SampleKey = tuple[str, str]  # sample, model


class SharedSamples:
    """The samples that all visitors share, prepared one after the other and read-only from then on.

    models: the jobs that load models, which visitors share as well.
    """

    def __init__(self, names: tuple[str, ...] = PREPARED_SAMPLES) -> None:
        """Store the names of the samples to prepare beforehand; nothing is started yet."""
        self.names, self.models = names, ModelLoads()
        self._ready: dict[SampleKey, IndexedCollection] = {}
        self._jobs: dict[SampleKey, Job[IndexedCollection]] = {
            (name, PREPARED_MODEL): self._job(name, PREPARED_MODEL) for name in names
        }
        self._judged: dict[SampleKey, JudgedIndex] = {}
        self._lock, self._judging = threading.Lock(), threading.Lock()
        self._started = self._stopped = False

    def begin(self) -> None:
        """Let another process begin to read the first sample; this one has time to build the page meanwhile."""
        begin_sample(self.names[0])

    def start(self, delay: float = 0.0) -> None:
        """Start the preparation once, after some seconds, so that the page is served first."""
        with self._lock:
            if self._started:
                return
            self._started = True
        threading.Thread(target=self._run, args=(delay,), name="preparation", daemon=True).start()

    def stop(self) -> None:
        """Start no further sample; the running one is a job, which cancel_all ends."""
        self._stopped = True

    @property
    def ended(self) -> bool:
        """Whether no sample is being prepared beforehand any more."""
        return all(self._jobs[name, PREPARED_MODEL].wait(0) for name in self.names)

    def ready(self, name: str) -> IndexedCollection | None:
        """Return a sample, or None if it is not ready."""
        return self._ready.get((name, PREPARED_MODEL))

    def best_name(self) -> str:
        """Return the name of the sample for a visitor who has chosen nothing: the last ready one of ADOPTED_SAMPLES."""
        return next((name for name in reversed(ADOPTED_SAMPLES) if self.ready(name)), "")

    def best(self) -> IndexedCollection | None:
        """Return that sample, or None if none is ready."""
        return self.ready(self.best_name())

    def status(self, name: str) -> Status:
        """Return the status of a sample's preparation."""
        return self._jobs[name, PREPARED_MODEL].status

    def failure(self, name: str) -> str:
        """Return why a sample could not be prepared; empty if it has not failed."""
        error = self._jobs[name, PREPARED_MODEL].error  # of any type: visitors see it in place of the sample
        return (str(error) or type(error).__name__) if error else ""

    def prepare(self, name: str, *, model_name: str = PREPARED_MODEL) -> Job[IndexedCollection]:
        """Return the lab's own job that prepares a sample, which is under way or has ended.

        It is one for all who request the sample, and a new one if the last one failed. Raises CollectionError if there
        is no such sample or no memory for it.
        """
        if name not in SAMPLE_TITLES:
            raise CollectionError(f"There is no shared sample {name!r}; choose one of: {', '.join(SAMPLE_TITLES)}.")
        self.start()
        key = name, model_name
        with self._lock:
            if key not in self._jobs or self._jobs[key].error:
                MEMORY_BUDGET.check(0)  # what a further model embeds stays in memory for good
                self._jobs[key] = self._job(name, model_name)
                if not self._is_beforehand(key):
                    BUILD_QUEUE.submit(self._jobs[key])
            return self._jobs[key].start() if self._is_beforehand(key) else self._jobs[key]

    def take(self, name: str) -> Job[IndexedCollection]:
        """Submit and return a visitor's job that waits for a sample; to cancel it ends only the wait."""
        sample = self.prepare(name)
        return BUILD_QUEUE.submit(Job(lambda _: sample.result(), kind="sample", needs=[sample], takes_place=False))

    def judged(self, name: str, *, model_name: str) -> JudgedIndex:
        """Return a prepared sample with its judged queries embedded, once per process and model."""
        indexed, key = self.prepare(name, model_name=model_name).result(), (name, model_name)
        with self._judging:
            if key not in self._judged:
                self._judged[key] = embed_judged_queries(indexed)
            return self._judged[key]

    def _run(self, delay: float) -> None:
        time.sleep(delay)
        for name in self.names:
            if self._stopped:
                return
            self._jobs[name, PREPARED_MODEL].start().wait()
            try:
                load_encoder(PREPARED_MODEL).encode_query(["warm-up"])  # so that the first question is answered quickly
            except Exception:
                continue  # reported where the model is needed; the next sample has to be prepared all the same

    def _is_beforehand(self, key: SampleKey) -> bool:
        """Return whether a sample is one of those prepared beforehand, which take no place from visitors' builds."""
        return key[0] in self.names and key[1] == PREPARED_MODEL

    def _job(self, name: str, model_name: str) -> Job[IndexedCollection]:
        """Return a new job of the lab itself, whoever asks for the sample first; not started."""
        needs = () if model_name == PREPARED_MODEL else self.models.needed(model_name)
        return Job(self._work(name, model_name), kind=f"sample {name}", needs=needs, owner=LAB)

    def _work(self, name: str, model_name: str) -> Callable[[Progress], IndexedCollection]:
        def work(progress: Progress) -> IndexedCollection:
            indexed = cached_sample(name, IndexSettings(model_name), progress=progress)
            log_event("vectors", sample=name, vectors=len(indexed), from_pack=indexed.n_packed)
            MEMORY_BUDGET.hold(indexed)
            if model_name == PREPARED_MODEL:
                report = stage_progress(progress, "measuring")
                indexed.measurements.curve(PREPARED_K, progress=report)
                self._ready[name, model_name] = indexed  # to count the distances takes as long as all before it
                indexed.measurements.counted_curve(PREPARED_K, progress=report)
            self._ready[name, model_name] = indexed
            return indexed

        return work
