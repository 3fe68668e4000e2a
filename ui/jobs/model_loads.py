"""Loading of models by jobs, one a model for all who need it, so that nobody's place or thread waits for a download."""

import threading
from collections.abc import Callable
from functools import partial
from typing import Any

from retriever.encoders.loading import is_loaded, load_encoder
from retriever.encoders.multi_vector_loading import load_multi_vector_encoder, loaded_multi_vector_encoder
from retriever.progress import Progress
from retriever.turns import LAB
from ui.jobs.job import Job


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

    def _loading(self, name: str, load: Callable[[str], object]) -> Job[None]:
        """Return the job that loads a model, a new one if the last one has ended."""
        with self._lock:
            self._jobs = {known: job for known, job in self._jobs.items() if not job.ended}
            job = self._jobs.setdefault(name, Job(partial(_load, name, load), kind="model", owner=LAB))
            return job.start()


def _load(name: str, load: Callable[[str], object], progress: Progress) -> None:
    """Load a model, which the library keeps."""
    progress(f"loading the model ({name})", 0.0)
    load(name)
