"""Measurements of graphs with other settings over the same vectors: what M and efConstruction buy and cost."""

from collections.abc import Sequence
from functools import partial

from retriever.indexing.collection import IndexedCollection
from retriever.measurement.sweeps import BuildResult, sample_vectors, sweep_graph_settings
from retriever.progress import Progress, stage_progress
from ui.lessons.measurements.measured import Collections, Measured
from ui.recall.labs.build.records import build_lab_record
from ui.render.numbers import format_megabytes, format_score

MS, EF_CONSTRUCTIONS = (4, 16, 32), (20, 200)
MOST_VECTORS = 5_000  # of the graphs, drawn with a fixed seed
DEFAULT = (16, 200)
NOTICEABLE_RECALL, NOTICEABLE_TIMES = 0.005, 1.1  # from which on a difference of recall, or a ratio, counts as one
RECALL, TIME, MEMORY, NONE, SEVERAL = "recall", "time", "memory", "none", "several"


def false_claim(collections: Collections, progress: Progress, *, sample: str, k: int, ef: int) -> Measured:
    """Measure which of three claims on a higher efConstruction is false: more recall, more build time, more memory."""
    graphs = _Graphs.of(collections, progress, sample, k, ef)
    low, high = (graphs.result(DEFAULT[0], ef_construction) for ef_construction in EF_CONSTRUCTIONS)
    true = {
        RECALL: _recall(high) > _recall(low) + NOTICEABLE_RECALL,
        TIME: high.build_seconds > NOTICEABLE_TIMES * low.build_seconds,
        MEMORY: high.link_bytes > low.link_bytes,
    }
    false = [name for name, holds in true.items() if not holds]
    value = NONE if not false else SEVERAL if len(false) > 1 else false[0]
    sizes = [format_megabytes(one.link_bytes) for one in (low, high)]
    outcomes = {
        f"recall@{k} at ef={ef}": "rose" if true[RECALL] else "did not rise",
        "time to build": "rose" if true[TIME] else "hardly changed",
        "memory of the links": f"rose from {sizes[0]} to {sizes[1]}" if true[MEMORY] else f"stayed at {sizes[0]}",
    }
    told = [f"the {name} {outcome}" for name, outcome in outcomes.items()]  # by how much, later steps let predict
    first = (
        f"Two graphs were built over the same {graphs.n:,} vectors, with M={DEFAULT[0]}. From "
        f"efConstruction={EF_CONSTRUCTIONS[0]} to {EF_CONSTRUCTIONS[1]} {', '.join(told[:-1])}, and {told[-1]}."
    )
    why = {
        MEMORY: "Memory is the false one: efConstruction says how many candidates are looked at while a passage is "
        "linked, not how many links are kept. M sets that number.",
        RECALL: "Here recall did not gain, which is not the usual outcome: the poorer graph already misses little.",
        TIME: "Here the time to build hardly changed, which is not the usual outcome: see the numbers.",
        NONE: "Here all three claims hold, which is not the usual outcome: memory should not depend on it.",
        SEVERAL: "Here more than one does not hold, which is not the usual outcome: so few vectors are linked at once, "
        "and hardly any is missed.",
    }[value]
    return graphs.measured(value, "", [first, why], EF_CONSTRUCTIONS[0], outcomes)


def build_time_ratio(collections: Collections, progress: Progress, *, sample: str, k: int, ef: int) -> Measured:
    """Measure how many times as long a graph takes to build with the higher efConstruction."""
    graphs = _Graphs.of(collections, progress, sample, k, ef)
    low, high = (graphs.result(DEFAULT[0], ef_construction) for ef_construction in EF_CONSTRUCTIONS)
    times, grown = high.build_seconds / low.build_seconds, EF_CONSTRUCTIONS[1] / EF_CONSTRUCTIONS[0]
    first = (
        f"Building took {low.build_seconds:.3f} s and {high.build_seconds:.3f} s: {times:.1f} times as long, for "
        f"{grown:g} times the efConstruction."
    )
    if times > NOTICEABLE_TIMES:
        why = "Each passage that is added searches the graph with that many candidates before it is linked."
    else:
        why = (
            "That is not the usual outcome: with so few passages the searches end before they have that many "
            "candidates."
        )
    paid = "It is paid once, when the index is built; ef is paid with every question."
    numbers = {f"efConstruction={one.ef_construction}": f"{one.build_seconds:.3f} s" for one in (low, high)}
    return graphs.measured(times, "times as long", [first, why, paid], EF_CONSTRUCTIONS[1], numbers)


def memory_ratio(collections: Collections, progress: Progress, *, sample: str, k: int, ef: int) -> Measured:
    """Measure how many times as much memory the links take with twice the M."""
    graphs = _Graphs.of(collections, progress, sample, k, ef)
    one, two = (graphs.result(M, DEFAULT[1]) for M in (16, 32))
    times = two.link_bytes / one.link_bytes
    vectors = 4 * graphs.n * graphs.indexed.retriever.dimension
    first = (
        f"The links take {format_megabytes(one.link_bytes)} with M=16 and {format_megabytes(two.link_bytes)} with "
        f"M=32: {times:.1f} times as much. The vectors take {format_megabytes(vectors)}, whatever M is."
    )
    second = (
        f"M limits the links that a passage may have, so their memory follows M. Recall@{k} at ef={ef} is "
        f"{format_score(_recall(one))} with 16 and {format_score(_recall(two))} with 32."
    )
    if _recall(two) <= _recall(one) + NOTICEABLE_RECALL:
        second += " Here the larger M buys hardly anything."
    numbers = {f"links with M={result.M}": format_megabytes(result.link_bytes) for result in (one, two)}
    return graphs.measured(times, "times as much", [first, second], DEFAULT[1], numbers, M=32)


def graphs_by_recall(
    collections: Collections, progress: Progress, *, sample: str, k: int, ef: int, graphs: Sequence[str]
) -> Measured:
    """Measure which of some graphs, written as M/efConstruction, have the highest recall, best first."""
    found = _Graphs.of(collections, progress, sample, k, ef)
    results = {name: found.result(*map(int, name.split("/"))) for name in graphs}
    order = tuple(sorted(results, key=lambda name: -_recall(results[name])))
    pairs = zip(order, order[1:], strict=False)
    close = [(one, other) for one, other in pairs if _recall(results[one]) - _recall(results[other]) < 1e-9]
    shown = ", ".join(f"{name} with {format_score(_recall(results[name]))}" for name in order)
    first = f"Recall@{k} at ef={ef}, best first: {shown}."
    best, last = results[order[0]], results[order[-1]]
    if _recall(best) - _recall(last) < NOTICEABLE_RECALL:
        second = f"That is not the usual outcome: {found.n:,} vectors are so few that any of these graphs finds them."
    else:
        second = (
            "Where links are few, or were chosen in a hurry, hardly any link leads to some of the passages, and a "
            "search misses these. A larger ef makes up for a poor graph, but each question pays for it."
        )
    equally = [_swapped(order, one, other) for one, other in close]
    numbers = {
        name: f"recall@{k} {format_score(_recall(one))}, links {format_megabytes(one.link_bytes)}"
        for name, one in ((name, results[name]) for name in order)
    }
    return found.measured(order, "", [first, second], last.ef_construction, numbers, M=last.M, equally=equally)


class _Graphs:
    """The graphs with every M and efConstruction over some vectors of a sample, built once for all steps."""

    def __init__(self, sample: str, indexed: IndexedCollection, results: Sequence[BuildResult], n: int) -> None:
        self.sample, self.indexed, self.results, self.n = sample, indexed, results, n

    @classmethod
    def of(cls, collections: Collections, progress: Progress, sample: str, k: int, ef: int) -> "_Graphs":
        """Return the graphs, built now unless another step has had them built."""
        indexed = collections.indexed(sample)
        vectors = sample_vectors(indexed.retriever.vectors, MOST_VECTORS)
        report = stage_progress(progress, "building six graphs")
        queries = indexed.query_vectors
        sweep = partial(sweep_graph_settings, vectors, queries, MS, EF_CONSTRUCTIONS, k=k, ef=ef, progress=report)
        return cls(sample, indexed, collections.once(("graphs", sample, k, ef), sweep), len(vectors))

    def result(self, M: int, ef_construction: int) -> BuildResult:
        """Return the graph with these settings."""
        return next(one for one in self.results if (one.M, one.ef_construction) == (M, ef_construction))

    def measured(
        self,
        value: float | str | tuple[str, ...],
        unit: str,
        sentences: Sequence[str],
        ef_construction: int,
        numbers: dict[str, str],
        *,
        M: int = DEFAULT[0],
        equally: Sequence[tuple[str, ...]] = (),
    ) -> Measured:
        """Return what was measured, with a place that builds one of the graphs over the whole collection."""
        search = self.results[0].measurement
        graph = {"M": M, "efConstruction": ef_construction}
        place = {"tab": "recall", "sample": self.sample, **graph, "k": search.k, "ef": search.ef}
        record = build_lab_record(self.indexed, self.results, self.n)
        return Measured(value, unit, sentences, record, place, numbers, equally=equally)


def _recall(result: BuildResult) -> float:
    return result.measurement.mean_recall


def _swapped(order: tuple[str, ...], one: str, other: str) -> tuple[str, ...]:
    """Return an order with two names in each other's place."""
    return tuple({one: other, other: one}.get(name, name) for name in order)
