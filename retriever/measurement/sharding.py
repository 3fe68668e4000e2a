"""Sharding: vectors split over shards, each with an HNSW graph of its own; a search asks all of them and merges.

This is how an index outgrows one machine. Every shard searches with the same k and ef and returns its k nearest
vectors; the k nearest of all that were returned are the result. Vector r goes to shard r modulo the number of shards.
A cluster takes a hash of the vector's id instead, so that nobody has to count; that too makes parts of nearly equal
size in which nothing belongs together.

Measured are the searches of the shards: neither the network between them nor the merging. All shards of all numbers of
shards take turns in one measurement, so that their times can be compared. Every query is timed ROUNDS times: how long
the slowest of many shards takes is a question of rare times, of which a hundred queries show few.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property, partial
from typing import Any

import numpy as np

from retriever.fair_lock import MACHINE_LOCK
from retriever.graph.traversal import HNSWGraph
from retriever.indexes.base import NO_ID, Neighbors
from retriever.indexes.exact import ExactIndex
from retriever.indexes.hnsw import HNSWIndex
from retriever.indexes.recall import knn_recall
from retriever.measurement.fan_out import FanOut, simulate_fan_out
from retriever.measurement.measurement import Measurement
from retriever.measurement.recall_and_latency import count_distances, measure_in_turns
from retriever.measurement.results import Results
from retriever.parameters import check_count
from retriever.progress import part_of, progress_bar
from retriever.vectors import Float32, Float64, Int64

SHARD_COUNTS = (1, 2, 4, 8, 16)
ASSIGNMENT = "vector r is in shard r modulo the number of shards"
ROUNDS = 4  # times that each query is timed on each shard
BUILDING = 0.6  # of the work of a sweep, about; the rest is searching and counting


@dataclass(frozen=True, eq=False)
class ShardResult:
    """The result of one number of shards: what each shard measured, and the merged search.

    searches: of each shard the first round, its recall against exact search over its own vectors. seconds: (shards,
    ROUNDS * n_queries), of all rounds. neighbors: the merged results, (n_queries, k), with row numbers of the
    collection. recall: (n_queries,) in [0, 1], of the merged results against exact search over all vectors. sizes,
    vector_bytes and link_bytes: of each shard. crowded: whether the machine worked for others meanwhile.
    """

    searches: Sequence[Measurement]
    seconds: Float64
    neighbors: Neighbors
    recall: Float64
    sizes: Sequence[int]
    vector_bytes: Sequence[int]
    link_bytes: Sequence[int]
    crowded: bool = False

    @property
    def shards(self) -> int:
        """The number of shards."""
        return len(self.searches)

    @cached_property
    def mean_recall(self) -> float:
        """The mean recall@k of the merged results, in [0, 1]."""
        return float(self.recall.mean())

    @cached_property
    def distances(self) -> Float64:
        """The distances that each query computed in all shards together, (n_queries,)."""
        counted = np.array([search.distances for search in self.searches], np.float64)  # (shards, n_queries)
        total: Float64 = counted.sum(axis=0)
        return total

    @cached_property
    def mean_distances(self) -> float:
        """The mean number of distances per query, in all shards together."""
        return float(self.distances.mean())

    @cached_property
    def waits(self) -> Float64:
        """The seconds of the slowest shard, (ROUNDS * n_queries,): how long a query waits if all search at once."""
        slowest: Float64 = self.seconds.max(axis=0)
        return slowest

    @cached_property
    def work(self) -> Float64:
        """The seconds of all shards together, (ROUNDS * n_queries,): how long one thread takes for a query."""
        total: Float64 = self.seconds.sum(axis=0)
        return total

    @cached_property
    def work_p50(self) -> float:
        """The median seconds of all shards together per query."""
        return float(np.median(self.work))

    @cached_property
    def fan_out(self) -> FanOut:
        """The percentiles of the waits, in seconds."""
        return FanOut.of(self.waits)

    @cached_property
    def simulated(self) -> FanOut:
        """The same simulated from the first shard's latencies alone, as simulate_fan_out says."""
        return simulate_fan_out(self.seconds[0], self.shards)

    @property
    def total_bytes(self) -> int:
        """The bytes of the vectors and links of all shards."""
        return sum(self.vector_bytes) + sum(self.link_bytes)

    @property
    def largest_bytes(self) -> int:
        """The bytes of the vectors and links of the largest shard: what one machine of a cluster must hold."""
        return max(vectors + links for vectors, links in zip(self.vector_bytes, self.link_bytes, strict=True))

    def rows(self) -> list[dict[str, Any]]:
        """Return the result as one row of a table."""
        row = {
            "shards": self.shards,
            "ef": self.searches[0].ef,
            "k": self.searches[0].k,
            "mean_recall": self.mean_recall,
            "mean_distances": self.mean_distances,
            "slowest_p50_seconds": self.fan_out.median,
            "slowest_p95_seconds": self.fan_out.p95,
            "simulated_p95_seconds": self.simulated.p95,
            "all_p50_seconds": self.work_p50,
            "total_bytes": self.total_bytes,
            "largest_bytes": self.largest_bytes,
            "crowded": self.crowded,
        }
        return [row]


def sweep_shards(
    vectors: Float32,
    queries: Float32,
    shard_counts: Sequence[int] = SHARD_COUNTS,
    *,
    k: int,
    ef: int,
    M: int,
    ef_construction: int,
    whole: HNSWIndex | None = None,
    progress: Callable[[float], None] | None = None,
    show_progress_bar: bool | None = None,
) -> Results[ShardResult]:
    """Return a result for every number of shards that vectors (n, dim) are split over, each searched at ef.

    Numbers of shards above n are left out: no shard is empty. queries: (n_queries, dim). whole: an index over all of
    the vectors with these settings, which is then the one shard and not built again. In memory are a copy of the
    vectors, and links, for each number of shards. progress: called with the fraction done, in [0, 1]; an exception it
    raises ends the sweep. show_progress_bar: None shows one in a notebook or at a prompt, without progress. Raises
    ParameterError for a number of shards below 1, and what HNSWIndex and measure raise.
    """
    exact = ExactIndex(vectors)
    truth = exact.search(queries, k)
    counts = [check_count("shards", count, 1) for count in shard_counts]
    counts = [count for count in counts if count <= max(len(exact), 1)]
    with progress_bar("Building and measuring", show_progress_bar, progress) as report:
        clusters = []
        for done, count in enumerate(counts):
            build = partial(HNSWIndex, M=M, ef_construction=ef_construction)
            share = part_of(report, done, len(counts) / BUILDING)
            clusters.append(_build_shards(exact.vectors, queries, count, k, build, whole, share))
        shards = [shard for cluster in clusters for shard in cluster]
        indexes, truths = [shard.index for shard in shards], [shard.truth for shard in shards]
        rounds = [measure_in_turns(indexes, queries, truths, k=k, ef=ef) for _ in range(ROUNDS)]
        for done, index in enumerate(indexes):
            with MACHINE_LOCK.shared():  # reading a graph is heavy work, too
                graph = HNSWGraph.of(index)
            rounds[0][done] = count_distances(rounds[0][done], graph, queries)
            if report:
                report(BUILDING + (1 - BUILDING) * (done + 1) / len(shards))
    results, begin = Results[ShardResult](), 0
    for cluster in clusters:
        end = begin + len(cluster)
        results.append(_merge_searches(cluster, [one_round[begin:end] for one_round in rounds], truth))
        begin = end
    return results


def split_rows(n: int, shards: int) -> list[Int64]:
    """Return the rows of each shard: of n vectors, every row r is in shard r modulo the number of shards."""
    return [np.arange(shard, n, shards) for shard in range(shards)]


def merge_shards(found: Sequence[Neighbors], rows: Sequence[Int64]) -> Neighbors:
    """Return the k nearest of what the shards found, (n_queries, k), nearest first, equal scores by lower row.

    found: of each shard, (n_queries, k), with row numbers of that shard. rows: the shard's vectors, as row numbers of
    the collection; those are the ids of the result.
    """
    k = found[0].ids.shape[1]
    own = [np.append(of_shard, NO_ID)[part.ids] for part, of_shard in zip(found, rows, strict=True)]  # -1 is the last
    ids, scores = np.concatenate(own, axis=1), np.concatenate([part.scores for part in found], axis=1)
    nearest = np.lexsort((ids, -scores), axis=1)[:, :k]  # empty places have a score of -inf, and so come last
    return Neighbors(np.take_along_axis(ids, nearest, axis=1), np.take_along_axis(scores, nearest, axis=1))


@dataclass(frozen=True, eq=False)
class _Shard:
    """One shard: the rows of its vectors, the graph over them, and the queries' exact neighbours among them."""

    rows: Int64
    index: HNSWIndex
    truth: Neighbors


def _build_shards(
    vectors: Float32,
    queries: Float32,
    count: int,
    k: int,
    build: Callable[..., HNSWIndex],
    whole: HNSWIndex | None,
    progress: Callable[[float], None] | None,
) -> list[_Shard]:
    """Return so many shards of the vectors; whole, if it is given, is the graph of a single one."""
    shards = []
    for number, rows in enumerate(split_rows(len(vectors), count)):
        part = vectors[rows]
        index = whole if whole is not None and count == 1 else build(part, progress=part_of(progress, number, count))
        shards.append(_Shard(rows, index, ExactIndex(part).search(queries, k)))
    return shards


def _merge_searches(shards: Sequence[_Shard], rounds: Sequence[Sequence[Measurement]], truth: Neighbors) -> ShardResult:
    """Return the result of shards, of which each round has a search; truth: the exact neighbours among all vectors."""
    first = rounds[0]
    merged = merge_shards([search.neighbors for search in first], [shard.rows for shard in shards])
    return ShardResult(
        searches=first,
        seconds=np.hstack([[search.seconds for search in one_round] for one_round in rounds]),
        neighbors=merged,
        recall=knn_recall(truth, merged),
        sizes=[len(shard.rows) for shard in shards],
        vector_bytes=[4 * len(shard.rows) * shard.index.dimension for shard in shards],
        link_bytes=[shard.index.link_bytes for shard in shards],
        crowded=any(search.crowded for one_round in rounds for search in one_round),
    )
