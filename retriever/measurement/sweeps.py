"""Sweeps: one property of an index is varied and everything else kept fixed, to measure its effect and its cost.

sweep_graph_settings varies M and ef_construction over the same vectors; sweep_sizes varies the number of vectors.
The number of shards is varied in retriever.measurement.sharding.
"""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from retriever.graph.traversal import HNSWGraph
from retriever.indexes.exact import ExactIndex
from retriever.indexes.hnsw import HNSWIndex
from retriever.measurement.measurement import Measurement, PairedMeasurement
from retriever.measurement.recall_and_latency import count_distances, measure, measure_pair
from retriever.measurement.results import Results
from retriever.progress import part_of, progress_bar
from retriever.vectors import Float32

SAMPLE_SEED = 42
SMALLEST_SIZE = 50  # vectors below which a size is left out: k would be most of the collection


@dataclass(frozen=True, eq=False)
class BuildResult:
    """The result of one M and one ef_construction: seconds of the build, bytes of the links, the search at ef."""

    M: int
    ef_construction: int
    build_seconds: float
    link_bytes: int
    measurement: Measurement

    def rows(self) -> list[dict[str, Any]]:
        """Return the result as one row of a table."""
        build = {"build_seconds": self.build_seconds, "link_bytes": self.link_bytes}
        return [{"M": self.M, "ef_construction": self.ef_construction, **build, **self.measurement.rows()[0]}]


@dataclass(frozen=True, eq=False)
class SizeResult:
    """The measurements of both searches, which took turns, over n vectors of a collection."""

    n: int
    hnsw: Measurement
    exact: Measurement

    @property
    def pair(self) -> PairedMeasurement:
        """Both measurements as one, which says how much faster HNSW is."""
        return PairedMeasurement(self.hnsw, self.exact)

    def rows(self) -> list[dict[str, Any]]:
        """Return the result as two rows of a table, one for each search."""
        searches = {"hnsw": self.hnsw, "exact": self.exact}
        return [{"n": self.n, "search": name, **measured.rows()[0]} for name, measured in searches.items()]


def sample_vectors(vectors: Float32, most: int) -> Float32:
    """Return at most `most` of the vectors (n, dim), drawn with a fixed seed; smaller samples are parts of larger ones.

    They keep their order, so that a graph over all of them is the one that the collection has with the same settings.
    """
    rows = np.random.default_rng(SAMPLE_SEED).permutation(len(vectors))[:most]
    return np.ascontiguousarray(vectors[np.sort(rows)])


def sweep_graph_settings(
    vectors: Float32,
    queries: Float32,
    Ms: Sequence[int],
    ef_constructions: Sequence[int],
    *,
    k: int,
    ef: int,
    progress: Callable[[float], None] | None = None,
    show_progress_bar: bool | None = None,
) -> Results[BuildResult]:
    """Return a result for every pair of M and ef_construction: a graph over vectors (n, dim), searched at ef.

    queries: (n_queries, dim). progress: called with the fraction done, in [0, 1]; an exception it raises ends the
    sweep. show_progress_bar: None shows one in a notebook or at a prompt, without progress. Raises what HNSWIndex and
    measure raise.
    """
    exact = ExactIndex(vectors).search(queries, k)
    pairs = [(M, ef_construction) for M in Ms for ef_construction in ef_constructions]
    results: Results[BuildResult] = Results()
    with progress_bar("Building and measuring", show_progress_bar, progress) as report:
        for done, (M, ef_construction) in enumerate(pairs):
            part = part_of(report, done, len(pairs))
            start = time.perf_counter()
            index = HNSWIndex(vectors, M=M, ef_construction=ef_construction, progress=part)
            seconds = time.perf_counter() - start
            measurement = count_distances(measure(index, queries, exact, k=k, ef=ef), HNSWGraph.of(index), queries)
            results.append(BuildResult(M, ef_construction, seconds, index.link_bytes, measurement))
    return results


def sweep_sizes(
    vectors: Float32,
    queries: Float32,
    *,
    k: int,
    ef: int,
    M: int,
    ef_construction: int,
    whole: HNSWIndex | None = None,
    progress: Callable[[float], None] | None = None,
    show_progress_bar: bool | None = None,
) -> Results[SizeResult]:
    """Return a result for n/16, n/8, n/4, n/2 and all n vectors (n, dim): exact search, and HNSW at ef.

    Smallest size first; each is a part of the larger ones, drawn with a fixed seed; sizes below 50 are
    left out if there are larger ones. whole: an index over all of the vectors with these settings, which is then not
    built again. progress, show_progress_bar and errors as in sweep_graph_settings.
    """
    sizes = [size for size in sorted({len(vectors) // part for part in (16, 8, 4, 2, 1)}) if size >= SMALLEST_SIZE]
    sizes = sizes or [max(len(vectors), 1)]
    results: Results[SizeResult] = Results()
    done, total = 0, sum(sizes) - (0 if whole is None else len(vectors))
    with progress_bar("Building and measuring", show_progress_bar, progress) as report:
        for size in sizes:
            part = sample_vectors(vectors, size)
            if whole is not None and size == len(vectors):
                index = whole
            else:
                share = part_of(report, done / size, total / size)
                index = HNSWIndex(part, M=M, ef_construction=ef_construction, progress=share)
            exact_index = ExactIndex(part)
            truth = exact_index.search(queries, k)
            pair = measure_pair(index, exact_index, queries, truth, k=k, ef=ef, exact_queries=len(queries))
            results.append(SizeResult(size, count_distances(pair.hnsw, HNSWGraph.of(index), queries), pair.exact))
            done += size
    return results


def growth_exponent(sizes: Sequence[float], values: Sequence[float]) -> float:
    """Return the exponent b of the power law a * size^b that fits best: 1 for linear growth, 0 for none.

    Fitted as a straight line through the logarithms by least squares. Raises ValueError for fewer than two sizes.
    """
    if len(set(sizes)) < 2:
        raise ValueError("growth needs at least two sizes")
    slope, _ = np.polyfit(np.log(np.asarray(sizes, float)), np.log(np.asarray(values, float)), 1)
    return float(slope)
