"""What a lesson's measurement returns, and what it takes its collections from."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from retriever.experiments.judged_index import JudgedIndex
from retriever.indexing.collection import IndexedCollection
from retriever.run_record import RunRecord
from ui.lessons.predictions import Answer


@dataclass(frozen=True, eq=False)
class Measured:
    """What was measured.

    value: comparable with the prediction: a number in its unit, an option's name, or the names of all in their order.
    unit: of a number, empty for others. sentences: what was found and what explains it; each follows from what was
    measured. record: its run record. place: parameters of the address that shows the same on a tab, "tab" first.
    numbers: what was measured -> with its unit, for a small table. crowded: whether the machine worked for others while
    something was timed, so that it should be measured again.
    """

    value: Answer
    unit: str
    sentences: Sequence[str]
    record: RunRecord
    place: Mapping[str, object]
    numbers: Mapping[str, str] = field(default_factory=dict)
    crowded: bool = False


class Collections(Protocol):
    """Where measurements take their collections from: a sample by its name, as the tabs have it."""

    def indexed(self, sample: str) -> IndexedCollection:
        """Return a sample indexed with the model and the graph that the page begins with."""
        ...

    def judged(self, sample: str, model: str) -> JudgedIndex:
        """Return a sample indexed with a model, with its judged questions embedded."""
        ...


Measure = Callable[..., Measured]  # (collections, progress, **the step's arguments)
