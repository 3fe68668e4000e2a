"""What can stand beside the two searches: another retriever over the same passages, made once for all who ask."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from types import MappingProxyType
from typing import Any

from retriever.encoders.multi_vector.catalogue import LATE_INTERACTION_MODELS
from retriever.errors import CollectionError, ParameterError
from retriever.indexing.collection import IndexedCollection
from retriever.progress import Progress, stage_progress
from retriever.retrievers.bm25 import BM25Retriever
from retriever.retrievers.late_interaction import LateInteractionRetriever
from ui.jobs.build_queue import BUILD_QUEUE
from ui.jobs.job import Job
from ui.jobs.memory_budget import MEMORY_BUDGET, bm25_bytes, token_vector_bytes
from ui.render.numbers import format_megabytes

Made = BM25Retriever | LateInteractionRetriever
NOTHING = ""  # the choice that the page begins with
LATE_MODEL = next(name for name, card in LATE_INTERACTION_MODELS.items() if card.packaged)
MOST_TOKENS = 300_000  # of a collection for late interaction: 230 MB, and on two cores about two minutes of embedding


@dataclass(frozen=True)
class Beside:
    """A retriever that can be chosen.

    label: its name among the choices; title: in its column, in records and in results. term: the word that explains it.
    does, scale: what it does and how its scores are read, as sentences. size: about how many bytes it takes. make:
    returns it.
    """

    label: str
    title: str
    term: str
    does: str
    scale: str
    size: Callable[[IndexedCollection], int]
    make: Callable[[IndexedCollection, Progress], Made]


def check_beside(name: object) -> str:
    """Return the name of a choice. Raises ParameterError for any other value."""
    if name is None or name == NOTHING:
        return NOTHING
    if not isinstance(name, str) or name not in CHOICES:
        raise ParameterError(f"beside is {name!r}; it must be one of: {', '.join(CHOICES)}, or empty for nothing.")
    return name


def ready(indexed: IndexedCollection, name: str) -> Made | None:
    """Return a retriever over the passages of a collection if it was made already."""
    return indexed.measurements.retrievers.known(name)


def check_fits(indexed: IndexedCollection, name: str) -> None:
    """Raise CollectionError if a retriever takes too much time or memory for this page."""
    MEMORY_BUDGET.check(CHOICES[name].size(indexed))


def prepare(indexed: IndexedCollection, name: str) -> Job[Made]:
    """Submit and return a visitor's job that makes a retriever, or waits for the visitor who is making it."""
    return BUILD_QUEUE.submit(Job(partial(_take, indexed, name), kind=f"beside {name}"))


def settings_of(retriever: Made) -> dict[str, Any]:
    """Return what a retriever's scores depend on beside the texts, for a run record."""
    if isinstance(retriever, LateInteractionRetriever):
        found: dict[str, Any] = {"model_fingerprint": retriever.fingerprint, "token_vectors": retriever.n_tokens}
        return {**found, "token_vectors_bytes": retriever.nbytes, "scores_every_passage": retriever.exhaustive}
    return retriever.settings


def _take(indexed: IndexedCollection, name: str, progress: Progress) -> Made:
    """Return a retriever, made unless it is there. Raises CollectionError if it takes too much time or memory."""
    choice = CHOICES[name]

    def make() -> Made:
        check_fits(indexed, name)
        made = choice.make(indexed, progress)
        return MEMORY_BUDGET.count(made, made.nbytes)

    def wait() -> None:
        progress(f"waiting for {choice.label}, which another visitor prepares", 0.0)

    made: Made = indexed.measurements.retrievers.get(name, make, meanwhile=wait).value
    return made


def _make_bm25(indexed: IndexedCollection, progress: Progress) -> Made:
    """Return BM25 over the passages of a collection."""
    retriever = BM25Retriever()
    retriever.add(indexed.retriever.passages, progress=stage_progress(progress, "counting the words of the passages"))
    return retriever


def _late_bytes(indexed: IndexedCollection) -> int:
    """Return how many bytes the token vectors take. Raises CollectionError if they are too many for this page."""
    size = token_vector_bytes(indexed, LATE_INTERACTION_MODELS[LATE_MODEL].dimension)
    if indexed.n_tokens > MOST_TOKENS:
        raise CollectionError(
            f"Late interaction needs a vector of each word piece: {indexed.n_tokens:,} of this collection, which would "
            f"take {format_megabytes(size)} and minutes to embed. This page does it for at most {MOST_TOKENS:,}: load "
            "a smaller collection, or use LateInteractionRetriever of the library."
        )
    return size


def _make_late(indexed: IndexedCollection, progress: Progress) -> Made:
    """Return late interaction over the passages of a collection."""
    progress(f"loading the model ({LATE_MODEL})", 0.0)
    retriever = LateInteractionRetriever(LATE_MODEL)
    retriever.add(indexed.retriever.passages, progress=stage_progress(progress, "embedding each word of the passages"))
    return retriever


CHOICES: Mapping[str, Beside] = MappingProxyType(
    {
        "bm25": Beside(
            BM25Retriever.name,
            BM25Retriever.name,
            "BM25",
            "looks for the question's own words, the rarest first",
            "Its scores are sums over these words: higher is better, and they cannot be compared with a cosine.",
            bm25_bytes,
            _make_bm25,
        ),
        "late": Beside(
            "late interaction",
            LATE_MODEL,
            "late interaction",
            "compares each word with each word; the model was not trained for it",
            "Its scores are sums of cosines, one for each word piece of the question: not to be compared with one.",
            _late_bytes,
            _make_late,
        ),
    }
)
