"""How cost grows from 1,000 vectors on: latency, distances and memory of both searches, and their exponents.

In full to 1,000,000 vectors of 256 dimensions, where recall and latency are given at five ef, and the peak of memory.
"""

import gc
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from benchmarks.data import Vectors, text_vectors
from benchmarks.protocol import Comparison, Target
from benchmarks.report import Stage, main, short
from retriever.graph.traversal import HNSWGraph
from retriever.indexes.exact import ExactIndex
from retriever.indexes.hnsw import HNSWIndex
from retriever.measurement.measurement import Measurement
from retriever.measurement.recall_and_latency import count_distances, measure, measure_pair
from retriever.measurement.sweeps import growth_exponent

K, EF = 10, 50
EFS = (10, 20, 50, 100, 200)
SIZES = (1_000, 3_000, 10_000, 30_000, 100_000, 300_000, 1_000_000)
MOST_GIGABYTES = 16
COUNTED = 50  # queries whose distances are counted


@dataclass(frozen=True)
class Point:
    """Measurements at one size: seconds per query, distances per query, bytes."""

    n: int
    exact_seconds: float
    hnsw_seconds: float
    hnsw_recall: float
    hnsw_distances: float
    exact_bytes: int
    hnsw_bytes: int


def run(full: bool) -> Stage:
    """Grow one graph, and measure both searches at each size by the protocol of the app."""
    sizes = SIZES if full else SIZES[:3]
    data = text_vectors(sizes[-1])
    index = HNSWIndex(data.documents[:0].reshape(0, data.documents.shape[1]))
    points: list[Point] = []
    at_efs: list[Measurement] = []
    linking = peak = 0.0
    for n in sizes:
        began = time.perf_counter()
        index.add(data.documents[len(index) : n])
        linking += time.perf_counter() - began
        exact = ExactIndex(data.documents[:n])
        truth = exact.search(data.queries, K)
        pair = measure_pair(index, exact, data.queries, truth, k=K, ef=EF)
        if n == sizes[-1]:
            at_efs = [measure(index, data.queries, truth, k=K, ef=ef) for ef in EFS]
            peak = _peak_gigabytes()  # before the graph is read into arrays, which no search needs
        points.append(_point(exact, index, pair.exact, pair.hnsw, _mean_distances(pair.hnsw, index, data)))
        del exact
        gc.collect()
    comparisons = [*_slopes(points), *_last(points[-1], at_efs, linking, peak)]
    settings = {
        "k": K,
        "ef": EF,
        "M": 16,
        "ef_construction": 200,
        "threads": 1,
        "threads_building": "1 to 50,000, then all",
    }
    described = {"vectors": data.what, "points": [vars(point) for point in points]}
    return Stage("How cost grows", comparisons, described, settings, [_sizes(points)])


def _point(exact: ExactIndex, index: HNSWIndex, by_exact: Measurement, by_hnsw: Measurement, distances: float) -> Point:
    vector_bytes = exact.vectors.nbytes
    hnsw_bytes = vector_bytes + index.link_bytes
    return Point(len(index), by_exact.p50, by_hnsw.p50, by_hnsw.mean_recall, distances, vector_bytes, hnsw_bytes)


def _mean_distances(measured: Measurement, index: HNSWIndex, data: Vectors) -> float:
    """Return the mean distances of some queries, counted on the graph.

    Reading the graph into arrays takes several times the memory of a search.
    """
    return count_distances(measured, HNSWGraph.of(index), data.queries[:COUNTED]).mean_distances or 0.0


def _peak_gigabytes() -> float:
    """Return the most memory that this process has held so far."""
    lines = Path("/proc/self/status").read_text(encoding="utf-8").splitlines()
    return next(int(line.split()[1]) / 2**20 for line in lines if line.startswith("VmHWM"))


def _costs(points: Sequence[Point]) -> dict[str, list[float]]:
    """Return each cost at each size."""
    return {
        "exact latency, µs": [point.exact_seconds * 1e6 for point in points],
        f"HNSW latency at ef={EF}, µs": [point.hnsw_seconds * 1e6 for point in points],
        f"HNSW distances at ef={EF}": [point.hnsw_distances for point in points],
        "exact memory, MB": [point.exact_bytes / 2**20 for point in points],
        "HNSW memory, MB": [point.hnsw_bytes / 2**20 for point in points],
    }


def _slopes(points: Sequence[Point]) -> list[Comparison]:
    """Return the exponent of each cost: the slope of the straight line through the logarithms."""
    sizes = [point.n for point in points]
    return [
        Comparison(f"{name}: exponent", "", {"retriever": np.array([growth_exponent(sizes, values)])})
        for name, values in _costs(points).items()
    ]


def _sizes(points: Sequence[Point]) -> str:
    """Return the costs at all sizes as a table."""
    costs = _costs(points)
    lines = ["| vectors | " + " | ".join(costs) + f" | recall at ef={EF} |", "|--:|" + "--:|" * (len(costs) + 1)]
    for row, point in enumerate(points):
        cells = " | ".join(short(values[row]) for values in costs.values())
        lines.append(f"| {point.n:,} | {cells} | {point.hnsw_recall:.3f} |")
    return "\n".join(lines)


def _last(point: Point, at_efs: Sequence[Measurement], linking: float, peak: float) -> list[Comparison]:
    """Return the costs of the largest size, and its recall and latency at five ef."""
    found = [
        Comparison(f"{point.n:,} vectors linked", "s", {"retriever": np.array([linking])}),
        Comparison(
            f"{point.n:,} vectors, peak memory", "GB", {"retriever": np.array([peak])}, [Target(MOST_GIGABYTES)]
        ),
    ]
    return found + [
        Comparison(
            f"{point.n:,} vectors, ef={step.ef}: recall {step.mean_recall:.3f}",
            "µs",
            {"retriever": np.array([step.p50 * 1e6])},
        )
        for step in at_efs
    ]


if __name__ == "__main__":
    main(run)
