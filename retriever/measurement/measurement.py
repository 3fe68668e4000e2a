"""What was measured: recall, latency and results of one index, and of two searches that took turns."""

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from pandas import DataFrame

from retriever.indexes.base import Neighbors
from retriever.vectors import Float64


@dataclass(frozen=True, eq=False)
class Measurement:
    """The recall, the latency and the results of one index at one k and one ef.

    ef: None for exact search. recall: (n_queries,) in [0, 1]. seconds: (n_queries,) CPU time of each query.
    distances: (n_queries,) distance computations, n for exact search; None for HNSW until count_distances adds them.
    neighbors: the results, (n_queries, k). crowded: whether the machine worked for others meanwhile: the clock does not
    count that, but searches share caches and memory with it, and take longer than alone.
    """

    ef: int | None
    k: int
    recall: Float64
    seconds: Float64
    distances: Float64 | None
    neighbors: Neighbors
    crowded: bool = False

    @cached_property
    def mean_recall(self) -> float:
        """The mean recall@k over the queries, in [0, 1]."""
        return float(self.recall.mean())

    @cached_property
    def p50(self) -> float:
        """The median seconds per query."""
        return float(np.percentile(self.seconds, 50))

    @cached_property
    def p95(self) -> float:
        """The 95th percentile of the seconds per query."""
        return float(np.percentile(self.seconds, 95))

    @cached_property
    def mean_distances(self) -> float | None:
        """The mean number of distance computations per query; None if they were not counted."""
        return None if self.distances is None else float(self.distances.mean())

    @cached_property
    def qps(self) -> float:
        """The queries per second of one thread, one query after another."""
        return float(len(self.seconds) / self.seconds.sum())

    def rows(self) -> list[dict[str, Any]]:
        """Return the summary as one row of a table."""
        summary = {
            "ef": self.ef,
            "k": self.k,
            "mean_recall": self.mean_recall,
            "p50_seconds": self.p50,
            "p95_seconds": self.p95,
            "queries_per_second": self.qps,
            "mean_distances": np.nan if self.mean_distances is None else self.mean_distances,
            "crowded": self.crowded,
        }
        return [summary]

    def to_frame(self) -> "DataFrame":
        """Return a data frame of pandas with a row for each query: its number from 0, recall, seconds and distances.

        distances is NaN where they were not counted.
        """
        from pandas import DataFrame

        distances = np.full(len(self.recall), np.nan) if self.distances is None else self.distances
        columns = {"recall": self.recall, "seconds": self.seconds, "distances": distances}
        return DataFrame({"query": np.arange(len(self.recall)), **columns})


@dataclass(frozen=True, eq=False)
class PairedMeasurement:
    """HNSW at one ef and exact search over the same vectors, in one measurement in which both took turns.

    exact: of some of the queries of hnsw, with their recall, which is 1.
    """

    hnsw: Measurement
    exact: Measurement

    @property
    def crowded(self) -> bool:
        """Whether the machine worked for others meanwhile."""
        return self.hnsw.crowded or self.exact.crowded

    @property
    def speed_up(self) -> float:
        """How many times as long as HNSW exact search takes, by the medians."""
        return self.exact.p50 / self.hnsw.p50

    @cached_property
    def speed_up_range(self) -> tuple[float, float]:
        """The spread of the speed-up: of the slower quarter of HNSW's queries to the quicker of exact, and reversed."""
        return ratio_range(self.exact.seconds, self.hnsw.seconds)


def ratio_range(seconds: Float64, others: Float64) -> tuple[float, float]:
    """Return the spread of a ratio of times: the quicker quarter of the first over the slower of others, and reversed.

    Where it contains 1, the two are about equal. Both must come from one measurement in which they took turns.
    """
    low, high = (np.percentile(seconds, share) for share in (25, 75))
    quick, slow = (np.percentile(others, share) for share in (25, 75))
    return float(low / slow), float(high / quick)
