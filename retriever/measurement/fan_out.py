"""Fan-out: a query goes to all shards at once, and waits for the slowest of them.

The more shards, the more often one of them is slow: with 100 shards, of which each is slow for 1 query of 100, 63 of
100 queries wait for a slow one.
Source: Dean and Barroso, "The tail at scale", Communications of the ACM 56 (2), 2013.
"""

from dataclasses import dataclass
from typing import Self

import numpy as np

from retriever.errors import ParameterError
from retriever.parameters import check_count
from retriever.vectors import Float64

MAX_SHARDS, MAX_DRAWS = 100_000, 10_000_000


@dataclass(frozen=True)
class FanOut:
    """How long queries wait for the slowest of their shards: the median, the 95th and the 99th percentile.

    In the unit of the latencies that it is computed from.
    """

    median: float
    p95: float
    p99: float

    @classmethod
    def of(cls, waits: Float64) -> Self:
        """Return the percentiles of waits, one a query."""
        return cls(*(float(np.percentile(waits, share)) for share in (50, 95, 99)))


def simulate_fan_out(latencies: Float64, shards: int, *, draws: int = 10_000, seed: int = 42) -> FanOut:
    """Return how long a query waits for the slowest of some shards, simulated from the latencies (n,) of one.

    Each of `draws` queries draws a latency for every shard, with replacement, and takes the largest of them.

    It assumes that all shards are like the measured one, and that how long one shard takes says nothing of the others.
    The second is not so: a query that is hard for one shard is often hard for all. So the simulation is an upper bound
    as far as the queries cause the spread, and nearly right where chance does, such as interrupts or a busy machine;
    the distribution of one shard, shards=1, is the lower bound. What no query met is not simulated either: of n
    latencies the largest is that of a tail of 1/n, and with many shards most queries wait that long.

    Raises ParameterError for no latencies, for one that is negative or no number, and for shards or draws below 1.
    """
    values = np.asarray(latencies, dtype=np.float64)
    if values.ndim != 1 or not len(values) or not np.isfinite(values).all() or values.min() < 0:
        raise ParameterError(f"The latencies, of shape {values.shape}, must be numbers of at least 0, one a query.")
    shards, draws = check_count("shards", shards, 1, MAX_SHARDS), check_count("draws", draws, 1, MAX_DRAWS)
    random = np.random.default_rng(seed)
    slowest = np.zeros(draws)
    for _ in range(shards):  # one after the other: all draws at once would take memory for shards times draws
        np.maximum(slowest, random.choice(values, draws), out=slowest)
    return FanOut.of(slowest)
