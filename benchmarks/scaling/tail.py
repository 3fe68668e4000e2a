"""How long the slowest of many searches takes, from the measured latencies of one.

A query waits for its slowest segment. simulate_fan_out says what is assumed of that, and the shard lab's measurement,
in which the shards are real, says how far the assumption is wrong.
"""

import math

import numpy as np

from benchmarks.scaling.plan import Plan
from retriever.measurement.fan_out import FanOut, simulate_fan_out
from retriever.vectors import Float64

DRAWS = 10_000
SEED = 42


def scaled(latencies: Float64, measured_at: int, vectors: int, growth: float) -> Float64:
    """Return the latencies (n,) of a graph of measured_at vectors as they are expected of one of so many."""
    return latencies * float((vectors / measured_at) ** growth)


def expected_tail(plan: Plan, latencies: Float64) -> FanOut:
    """Return how long a query waits for all segments of a plan, without networks and merging, in the latencies' unit.

    latencies: (n,) of searches of one segment. A core that has several segments searches them one after the other.
    """
    drawn = np.random.default_rng(SEED).choice(latencies, (DRAWS, plan.on_a_core))
    return simulate_fan_out(drawn.sum(axis=1), math.ceil(plan.segments / plan.on_a_core), draws=DRAWS, seed=SEED)
