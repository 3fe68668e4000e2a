"""Fan-out: the simulated percentiles are those that the distribution of one shard implies."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from retriever.errors import ParameterError
from retriever.measurement.fan_out import FanOut, simulate_fan_out


@pytest.mark.parametrize("shards", [1, 2, 16, 100])
def test_the_largest_of_independent_draws_has_the_percentiles_of_a_power_of_one_shards_distribution(shards):
    latencies = np.random.default_rng(3).lognormal(-10, 0.4, 50_000)
    found = simulate_fan_out(latencies, shards, draws=100_000)
    for value, share in ((found.median, 0.5), (found.p95, 0.95), (found.p99, 0.99)):
        assert value == pytest.approx(np.quantile(latencies, share ** (1 / shards)), rel=0.02)


def test_a_hundred_shards_make_most_queries_wait_for_a_slow_one():
    latencies = np.array([1.0] * 99 + [20.0])
    assert simulate_fan_out(latencies, 1) == FanOut(1, 1, pytest.approx(1, abs=19))
    assert simulate_fan_out(latencies, 100) == FanOut(20, 20, 20)  # 1 - 0.99^100 = 63 % wait for it


@given(st.lists(st.floats(0, 1e6), min_size=1, max_size=30), st.integers(1, 40))
def test_no_wait_is_longer_than_the_slowest_and_more_shards_are_never_quicker(latencies, shards):
    few, many = (simulate_fan_out(np.array(latencies), count, draws=500) for count in (shards, shards + 1))
    assert min(latencies) <= few.median <= few.p95 <= few.p99 <= max(latencies)
    assert few.median <= many.median and few.p95 <= many.p95, "the same draws, and one more"
    assert few == simulate_fan_out(np.array(latencies), shards, draws=500), "with a fixed seed"


@pytest.mark.parametrize(
    ("latencies", "options"),
    [([], {}), ([[1.0]], {}), ([1, np.nan], {}), ([-1], {}), ([1], {"shards": 0}), ([1], {"draws": 0})],
)
def test_what_cannot_be_simulated_is_refused(latencies, options):
    with pytest.raises(ParameterError):
        simulate_fan_out(np.array(latencies), **{"shards": 2} | options)
