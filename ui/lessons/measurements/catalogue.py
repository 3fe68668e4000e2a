"""All measurements of the lessons by the name that a lesson's file calls them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

from retriever.errors import ParameterError
from retriever.progress import Progress
from ui.lessons.lesson import Step
from ui.lessons.measurements.measured import Collections, Measure, Measured
from ui.lessons.measurements.one_question import passages_found


@dataclass(frozen=True)
class ListedMeasurement:
    """A measurement. options: the names that its value is one of, or an order of; none if it is a number."""

    measure: Measure
    options: Sequence[str] = ()


MEASUREMENTS: Mapping[str, ListedMeasurement] = MappingProxyType({"passages_found": ListedMeasurement(passages_found)})


def measure_step(step: Step, collections: Collections, progress: Progress) -> Measured:
    """Return what a step's measurement finds now. Raises ParameterError if there is no such measurement."""
    if step.measurement not in MEASUREMENTS:
        raise ParameterError(f"There is no measurement {step.measurement!r}; known: {', '.join(MEASUREMENTS)}.")
    return MEASUREMENTS[step.measurement].measure(collections, progress, **step.arguments)
