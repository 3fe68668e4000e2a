"""What a lesson's measurement returns, and what it takes its collections from."""

from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol, TypeVar

from retriever.indexing.collection import IndexedCollection
from retriever.progress import Progress
from retriever.run_record import RunRecord
from ui.compare.job import FinishedComparison
from ui.compare.request import CompareRequest
from ui.render.predictions import Answer

Made = TypeVar("Made")


@dataclass(frozen=True, eq=False)
class Measured:
    """What was measured.

    value: comparable with the prediction: a number in its unit, an option's name, or the names of all in their order.
    unit: of a number, empty for others. sentences: what was found and what explains it; each follows from what was
    measured. record: its run record. place: parameters of the address that shows the same on a tab, "tab" first.
    numbers: what was measured -> with its unit, for a small table. crowded: whether the machine worked for others while
    something was timed, so that it should be measured again. equally: further values that are as right, as of an order
    in which two are equal. shown: a number as the tabs write it, with its unit; empty for others.
    """

    value: Answer
    unit: str
    sentences: Sequence[str]
    record: RunRecord
    place: Mapping[str, object]
    numbers: Mapping[str, str] = field(default_factory=dict)
    crowded: bool = False
    equally: Sequence[Answer] = ()
    shown: str = ""


class Collections(Protocol):
    """Where measurements take their collections from: the samples, as the tabs have them."""

    def indexed(self, sample: str) -> IndexedCollection:
        """Return a sample indexed with the model and the graph that the page begins with."""
        ...

    def compared(self, request: CompareRequest, progress: Progress) -> FinishedComparison:
        """Return the comparison that was requested, made once for all steps that ask for it."""
        ...

    def once(self, key: Hashable, make: Callable[[], Made]) -> Made:
        """Return what was made under a key for another step a while ago, or make it: one number for one thing."""
        ...


Measure = Callable[..., Measured]  # (collections, progress, **the step's arguments)
