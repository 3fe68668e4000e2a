"""Measurements made twice: which numbers are the same again, and what must be the same for that."""

import numpy as np

from retriever.graph.traversal import HNSWGraph
from retriever.indexes.exact import ExactIndex
from retriever.indexes.hnsw import HNSWIndex
from retriever.measurement.measurement import Measurement
from retriever.measurement.recall_and_latency import PROTOCOL, count_distances, measure
from retriever.measurement.sweeps import sample_vectors
from retriever.progress import Progress
from retriever.run_record import RunRecord
from ui.lessons.measurements.costs import count_again, with_repeats
from ui.lessons.measurements.measured import Collections, Measured
from ui.lessons.measurements.recall import recall_place
from ui.recall.records import ef_record
from ui.render.numbers import CROWD, format_score, format_seconds
from ui.render.records import measurement_numbers, record_data, record_settings

BOTH, SEED, NEITHER = "both", "seed", "neither"
MOST_VECTORS = 3_000  # of the graphs that are built again
OTHER_SEED = 7


def measured_again(collections: Collections, progress: Progress, *, sample: str, k: int, ef: int) -> Measured:
    """Measure how many of five numbers of a record are the same, to the last digit shown, when it is measured again."""
    indexed = collections.indexed(sample)
    rows: list[dict[str, str]] = []
    pairs = []
    for number in range(2):
        progress("measuring twice", number / 2)
        pair = indexed.measurements.measure(k, ef)
        pairs.append(pair)
        rows.append(
            {
                f"recall@{k}": format_score(pair.hnsw.mean_recall),
                "distances a question": f"{count_again(indexed, pair):,.2f}",
                "median": format_seconds(pair.hnsw.p50),
                "95th percentile": format_seconds(pair.hnsw.p95),
                "queries per second": f"{pair.hnsw.qps:,.0f}",
            }
        )
    same = [name for name in rows[0] if rows[0][name] == rows[1][name]]
    differ = [name for name in rows[0] if name not in same]
    counted = list(rows[0])[:2]
    first = f"The same again: {_listed(same)}. Not the same: {_listed(differ)}."
    if set(counted) - set(same):
        second = "Recall or distances differ, which must not be: please report it."
    elif differ:
        second = (
            "What was counted must be equal, on any computer with the same versions, data and settings; what was timed "
            "need not be. A record names the numbers together with versions, data and settings, so that others can "
            "measure again and check what was counted."
        )
    else:
        second = "This time even the times agree, to the digits shown, which is not the usual outcome: measure again."
    crowded = any(pair.crowded for pair in pairs)
    return Measured(
        value=len(same),
        unit="of 5 numbers",
        sentences=[first, second, *([CROWD] if crowded else [])],
        record=with_repeats(ef_record(indexed, pairs[0], None), pairs),
        place=recall_place(sample, k, ef),
        numbers={name: f"{rows[0][name]}, then {rows[1][name]}" for name in rows[0]},
        crowded=crowded,
    )


def same_graph_again(collections: Collections, progress: Progress, *, sample: str, k: int, ef: int) -> Measured:
    """Measure whether a graph that is built again finds the same passages: with the same seed, and with another."""
    indexed = collections.indexed(sample)
    vectors, queries = sample_vectors(indexed.retriever.vectors, MOST_VECTORS), indexed.query_vectors
    seed, graph = indexed.retriever.seed, indexed.settings
    truth = ExactIndex(vectors).search(queries, k)
    found: list[Measurement] = []
    graphs: list[HNSWGraph] = []
    for number, one in enumerate((seed, seed, OTHER_SEED)):
        progress("building three graphs", number / 3)
        index = HNSWIndex(vectors, M=graph.M, ef_construction=graph.ef_construction, seed=one)
        measured = measure(index, queries, truth, k=k, ef=ef)
        graphs.append(HNSWGraph.of(index))
        found.append(count_distances(measured, graphs[-1], queries))
    same, other = (_equal(found[0], one) for one in found[1:])
    value = BOTH if same and other else SEED if same else NEITHER
    shown = [f"{format_score(one.mean_recall)} and {one.mean_distances:,.2f} distances" for one in found]
    first = (
        f"Three graphs over the same {len(vectors):,} vectors at ef={ef}: with seed {seed} recall@{k} is "
        f"{shown[0]}; built "
        f"again with seed {seed} {shown[1]}; with seed {OTHER_SEED} {shown[2]}."
    )
    moved = [int((graphs[0].levels != one.levels).sum()) for one in graphs[1:]]
    new_results, other_results = (f"{_other_results(found[0], one)} of {len(queries)} questions" for one in found[1:])
    why = {
        SEED: f"The seed decides on which layers a passage stands. With the same one {moved[0]:,} passages stand on "
        f"other layers, and {new_results} have other results; with seed {OTHER_SEED} {moved[1]:,} passages stand on "
        f"others, so that a walk comes another way, and {other_results} have other results. A record needs the seed.",
        BOTH: "Here even another seed finds the same, which is not the usual outcome: nothing is left to miss.",
        NEITHER: "Even the same seed gave another graph, which must not be below 50,000 vectors: please report it.",
    }[value]
    observed = {
        name: measurement_numbers(one)
        for name, one in zip(("first", "same_seed", f"seed_{OTHER_SEED}"), found, strict=True)
    }
    settings = record_settings(indexed) | {"k": k, "ef": ef, "other_seed": OTHER_SEED}
    data = record_data(indexed) | {"vectors_used": len(vectors)}
    return Measured(
        value=value,
        unit="",
        sentences=[first, why],
        record=RunRecord("The same graph built again", settings, data, observed, PROTOCOL, kind="graph again"),
        place=recall_place(sample, k, ef),
        numbers=dict(zip((f"seed {seed}", f"seed {seed} again", f"seed {OTHER_SEED}"), shown, strict=True))
        | {f"other results, seed {seed} again": new_results, f"other results, seed {OTHER_SEED}": other_results},
    )


def _equal(one: Measurement, other: Measurement) -> bool:
    """Return whether two measurements found the same passages by the same number of distances."""
    assert one.distances is not None and other.distances is not None
    same = np.array_equal(one.neighbors.ids, other.neighbors.ids)
    return same and np.array_equal(one.distances, other.distances)


def _other_results(one: Measurement, other: Measurement) -> int:
    """Return for how many queries other passages were found."""
    return int((np.sort(one.neighbors.ids, axis=1) != np.sort(other.neighbors.ids, axis=1)).any(axis=1).sum())


def _listed(names: list[str]) -> str:
    return ", ".join(names) or "none"
