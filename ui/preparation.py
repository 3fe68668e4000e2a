"""Preparation: the samples every visitor may look at, indexed once per process, in the background."""

import threading
import time
from collections.abc import Callable

from retriever.cache import cached_sample
from retriever.errors import CollectionError
from retriever.indexed import IndexedCollection, IndexSettings, Progress
from retriever.models import load_encoder
from ui.job import Job, Status

SHARED = ("documents", "python_docs")  # in the order they are prepared, and in which a visitor moves on to them
SHARED_K = 10  # the k whose curve is measured beforehand
TITLES = {"documents": "Sample documents", "python_docs": "Python docs"}


class Preparation:
    """Prepare the shared samples one after the other; they are read-only from then on."""

    def __init__(self, names: tuple[str, ...] = SHARED) -> None:
        """Take the names of the samples; nothing starts yet."""
        self.names = names
        self._ready: dict[str, IndexedCollection] = {}
        self._jobs: dict[str, Job[IndexedCollection]] = {name: Job(self._work(name)) for name in names}
        self._lock = threading.Lock()
        self._started = False

    def start(self, delay: float = 0.0) -> None:
        """Start preparing, once, after some seconds: the page is to be served first."""
        with self._lock:
            if self._started:
                return
            self._started = True
        threading.Thread(target=self._run, args=(delay,), name="preparation", daemon=True).start()

    @property
    def ended(self) -> bool:
        """Whether nothing is being prepared any more."""
        return all(job.wait(0) for job in self._jobs.values())

    def ready(self, name: str) -> IndexedCollection | None:
        """Return a sample if it is there."""
        return self._ready.get(name)

    def best(self) -> IndexedCollection | None:
        """Return the sample for a visitor who has chosen nothing: the last one that is there."""
        found = [self._ready[name] for name in self.names if name in self._ready]
        return found[-1] if found else None

    def status(self, name: str) -> Status:
        """Say how far one sample is."""
        return self._jobs[name].status

    def failure(self, name: str) -> str:
        """Return why a sample could not be prepared; empty if nothing went wrong."""
        if not self._jobs[name].wait(0) or name in self._ready:
            return ""
        try:
            self._jobs[name].result()
        except Exception as error:  # shown to visitors in the place of the sample
            return str(error) or type(error).__name__
        return ""

    def wait_for(self, name: str, progress: Progress) -> IndexedCollection:
        """Return a sample, waiting for it and passing its progress on. Raises what its preparation raised."""
        if name not in self._jobs:
            raise CollectionError(f"There is no shared sample {name!r}; choose one of: {', '.join(self.names)}.")
        self.start()
        job = self._jobs[name]
        while not job.wait(0.2):
            progress(job.status.stage, job.status.fraction)
        return job.result()

    def _run(self, delay: float) -> None:
        time.sleep(delay)
        for name in self.names:
            self._jobs[name].start().wait()
            try:
                load_encoder(IndexSettings().model_name).encode_query(["warm-up"])  # the first question is quick then
            except Exception:
                continue  # said where the model is needed; whatever it is, the next sample is still to come

    def _work(self, name: str) -> Callable[[Progress], IndexedCollection]:
        def work(progress: Progress) -> IndexedCollection:
            indexed = cached_sample(name, progress=progress)
            indexed.measure_exact(SHARED_K)
            indexed.curve(SHARED_K, progress=lambda done: progress("measuring", done))
            self._ready[name] = indexed
            return indexed

        return work
