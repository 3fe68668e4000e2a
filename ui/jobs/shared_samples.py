"""Preparation: the samples every visitor may look at, indexed once per process and model, in the background."""

import threading
import time
from collections.abc import Callable

from retriever.encoders.loading import load_encoder
from retriever.errors import CollectionError
from retriever.experiments.judged_index import JudgedIndex, embed_judged_queries
from retriever.indexing.collection import IndexedCollection, IndexSettings
from retriever.indexing.sample_cache import cached_sample
from retriever.progress import Progress
from ui.jobs.job import Job, Status
from ui.jobs.memory_budget import MEMORY_BUDGET

SAMPLE_TITLES = {
    "documents": "Sample documents",
    "everyday_science": "Everyday science",
    "python_docs": "Python docs",
    "python_docs_large": "Python docs, large",
}
PREPARED_SAMPLES = (
    "documents",
    "python_docs",
    "everyday_science",
)  # in the order they are prepared; others when asked for
ADOPTED_SAMPLES = ("documents", "python_docs")  # in the order a visitor who has chosen nothing moves on to them
PREPARED_K = 10  # the k whose curve is measured beforehand
PREPARED_MODEL = IndexSettings().model_name  # that the samples are prepared with; others when somebody asks for them

SampleKey = tuple[str, str]  # sample, model


class SharedSamples:
    """Prepare the shared samples one after the other; they are read-only from then on."""

    def __init__(self, names: tuple[str, ...] = PREPARED_SAMPLES) -> None:
        """Take the names of the samples to prepare beforehand; nothing starts yet."""
        self.names = names
        self._ready: dict[SampleKey, IndexedCollection] = {}
        self._jobs: dict[SampleKey, Job[IndexedCollection]] = {
            (name, PREPARED_MODEL): self._job(name, PREPARED_MODEL) for name in names
        }
        self._judged: dict[SampleKey, JudgedIndex] = {}
        self._lock, self._judging = threading.Lock(), threading.Lock()
        self._started = self._stopped = False

    def start(self, delay: float = 0.0) -> None:
        """Start preparing, once, after some seconds: the page is to be served first."""
        with self._lock:
            if self._started:
                return
            self._started = True
        threading.Thread(target=self._run, args=(delay,), name="preparation", daemon=True).start()

    def stop(self) -> None:
        """Begin no further sample; the one under way is a job, which whoever stops all jobs cancels."""
        self._stopped = True

    @property
    def ended(self) -> bool:
        """Whether nothing is being prepared beforehand any more."""
        return all(self._jobs[name, PREPARED_MODEL].wait(0) for name in self.names)

    def ready(self, name: str) -> IndexedCollection | None:
        """Return a sample if it is there."""
        return self._ready.get((name, PREPARED_MODEL))

    def best(self) -> IndexedCollection | None:
        """Return the sample for a visitor who has chosen nothing: the last one that is there."""
        found = [self._ready[name, PREPARED_MODEL] for name in ADOPTED_SAMPLES if (name, PREPARED_MODEL) in self._ready]
        return found[-1] if found else None

    def status(self, name: str) -> Status:
        """Say how far one sample is."""
        return self._jobs[name, PREPARED_MODEL].status

    def failure(self, name: str) -> str:
        """Return why a sample could not be prepared; empty if nothing went wrong."""
        job = self._jobs[name, PREPARED_MODEL]
        if not job.wait(0) or (name, PREPARED_MODEL) in self._ready:
            return ""
        try:
            job.result()
        except Exception as error:  # shown to visitors in the place of the sample
            return str(error) or type(error).__name__
        return ""

    def wait_for(self, name: str, progress: Progress, *, model_name: str = PREPARED_MODEL) -> IndexedCollection:
        """Return a sample, waiting for it and passing its progress on; who cancels only stops waiting.

        What is not under way is prepared now, for all who ask meanwhile; anew if it failed before. Raises what its
        preparation raised.
        """
        if name not in SAMPLE_TITLES:
            raise CollectionError(f"There is no shared sample {name!r}; choose one of: {', '.join(SAMPLE_TITLES)}.")
        self.start()
        job = self._requested_job(name, model_name)
        while not job.wait(0.2):
            progress(job.status.stage, job.status.fraction)
        return job.result()

    def judged(self, name: str, progress: Progress, *, model_name: str) -> JudgedIndex:
        """Return a sample with its judged queries embedded, once per process and model; see wait_for."""
        indexed, key = self.wait_for(name, progress, model_name=model_name), (name, model_name)
        with self._judging:
            if key not in self._judged:
                self._judged[key] = embed_judged_queries(indexed)
            return self._judged[key]

    def _requested_job(self, name: str, model_name: str) -> Job[IndexedCollection]:
        """Return the job that makes a sample, started if it was still to come, a new one if it failed."""
        key = (name, model_name)
        with self._lock:
            failed = key in self._jobs and self._jobs[key].wait(0) and key not in self._ready
            if key not in self._jobs or failed:
                MEMORY_BUDGET.check(0)  # a model that nobody had until now takes memory for good
                self._jobs[key] = self._job(name, model_name)
            return self._jobs[key].start()

    def _run(self, delay: float) -> None:
        time.sleep(delay)
        for name in self.names:
            if self._stopped:
                return
            self._jobs[name, PREPARED_MODEL].start().wait()
            try:
                load_encoder(PREPARED_MODEL).encode_query(["warm-up"])  # the first question is quick then
            except Exception:
                continue  # said where the model is needed; whatever it is, the next sample is still to come

    def _job(self, name: str, model_name: str) -> Job[IndexedCollection]:
        return Job(self._work(name, model_name), kind=f"sample {name}")

    def _work(self, name: str, model_name: str) -> Callable[[Progress], IndexedCollection]:
        def work(progress: Progress) -> IndexedCollection:
            indexed = cached_sample(name, IndexSettings(model_name), progress=progress)
            if model_name == PREPARED_MODEL:
                indexed.measure_exact(PREPARED_K)
                indexed.counted_curve(PREPARED_K, progress=lambda done: progress("measuring", done))
            self._ready[name, model_name] = MEMORY_BUDGET.hold(indexed)
            return indexed

        return work
