"""All measurements of the lessons by the name that a lesson's file calls them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

from retriever.errors import ParameterError
from retriever.progress import Progress
from ui.lessons.lesson import Step
from ui.lessons.measurements import again, costs, graphs, models, recall, walks
from ui.lessons.measurements.measured import Collections, Measure, Measured
from ui.lessons.measurements.one_question import passages_found


@dataclass(frozen=True)
class ListedMeasurement:
    """A measurement. options: the names that its value is one of, or an order of; none if it is a number."""

    measure: Measure
    options: Sequence[str] = ()


def _listed() -> dict[str, ListedMeasurement]:
    """Return all measurements by name."""
    numbers: list[Measure] = [
        passages_found,
        recall.recall_at,
        recall.ef_for_recall,
        recall.more_distances,
        costs.distances_at,
        costs.time_spread,
        costs.growth,
        walks.walk_distances,
        walks.ef_without_misses,
        graphs.build_time_ratio,
        graphs.memory_ratio,
        models.hit_rate,
        models.hit_rate_of_kind,
        again.measured_again,
    ]
    orders_and_choices: dict[Measure, Sequence[str]] = {
        recall.ef_below_k: (recall.SAME, recall.LESS, recall.REFUSED),
        costs.time_against_distances: (costs.LESS, costs.SAME, costs.MORE),
        costs.faster_search: (costs.HNSW, costs.EXACT, costs.EQUAL),
        walks.why_missed: (walks.UNSEEN, walks.DROPPED, walks.UNREACHABLE, walks.NOTHING),
        walks.copies_found: (walks.MISS, walks.NO_MISS, walks.SAME_COPIES),
        graphs.false_claim: (graphs.RECALL, graphs.TIME, graphs.MEMORY, graphs.NONE, graphs.SEVERAL),
        graphs.graphs_by_recall: ("4/20", "16/20", "16/200"),
        models.model_or_index: (models.MODEL, models.INDEX, models.EQUAL),
        models.ef_until_model_loses_more: (*models.EFS, models.NEVER),
        models.better_of_kind: (models.FIRST, models.SECOND, models.UNCLEAR),
        models.retrievers_by_hit_rate: ("bm25", "model", "fusion"),
        again.same_graph_again: (again.BOTH, again.SEED, again.NEITHER),
    }
    listed = {measure.__name__: ListedMeasurement(measure) for measure in numbers}
    return listed | {
        measure.__name__: ListedMeasurement(measure, options) for measure, options in orders_and_choices.items()
    }


MEASUREMENTS: Mapping[str, ListedMeasurement] = MappingProxyType(_listed())


def measure_step(step: Step, collections: Collections, progress: Progress) -> Measured:
    """Return what a step's measurement finds now. Raises ParameterError if there is no such measurement."""
    if step.measurement not in MEASUREMENTS:
        raise ParameterError(f"There is no measurement {step.measurement!r}; known: {', '.join(MEASUREMENTS)}.")
    return MEASUREMENTS[step.measurement].measure(collections, progress, **step.arguments)
