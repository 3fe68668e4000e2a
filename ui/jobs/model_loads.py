"""Loading of models by jobs, one a model for all who need it, so that nobody's place or thread waits for a download.

A model that nobody needs any more is not fetched to the end.
"""

import threading
from functools import partial
from typing import Any, Protocol

from retriever.encoders.loading import LOADING, is_loaded, load_encoder
from retriever.encoders.multi_vector.loading import load_multi_vector_encoder, loaded_multi_vector_encoder
from retriever.progress import DETAIL, Progress, stage_and_detail
from retriever.turns import LAB
from ui.jobs.job import Job


class Load(Protocol):
    """A function of the library that loads a model and keeps it."""

    def __call__(self, name: str, /, *, progress: Progress) -> object:
        """Load a model by its name; progress: told of a fetch."""
        ...


class ModelLoads:
    """The jobs of the lab itself that load models, whoever asks for a model first."""

    def __init__(self) -> None:
        """Start without jobs."""
        self._lock = threading.Lock()
        self._jobs: dict[str, Job[None]] = {}

    def needed(self, *names: str) -> list[Job[Any]]:
        """Return the running jobs that load some models; none for a model that is loaded already."""
        return [self._loading(name, load_encoder) for name in dict.fromkeys(names) if not is_loaded(name)]

    def needed_late(self, *names: str) -> list[Job[Any]]:
        """Return the running jobs that load some late-interaction models, as needed does."""
        missing = [name for name in dict.fromkeys(names) if loaded_multi_vector_encoder(name) is None]
        return [self._loading(name, load_multi_vector_encoder) for name in missing]

    def _loading(self, name: str, load: Load) -> Job[None]:
        """Return the job that loads a model, a new one if the last one has ended or was cancelled."""
        with self._lock:
            self._jobs = {known: job for known, job in self._jobs.items() if not job.ended and not job.cancelled}
            new = Job(partial(_load, name, load), kind="model", owner=LAB, while_needed=True)
            return self._jobs.setdefault(name, new).start()


def _load(name: str, load: Load, progress: Progress) -> None:
    """Load a model, which the library keeps; what is reported of it gets the model's name."""

    def report(stage: str, fraction: float) -> None:
        what, detail = stage_and_detail(stage)
        progress(f"{what} ({name}){DETAIL}{detail}" if detail else f"{what} ({name})", fraction)

    report(LOADING, 0.0)
    load(name, progress=report)
