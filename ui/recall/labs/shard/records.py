"""The run record of the shard lab."""

from collections.abc import Sequence
from typing import Any

from retriever.indexing.collection import IndexedCollection
from retriever.measurement.fan_out import FanOut
from retriever.measurement.recall_and_latency import PROTOCOL
from retriever.measurement.sharding import ASSIGNMENT, ROUNDS, ShardResult
from retriever.run_record import RunRecord
from ui.render.records import record_data, record_settings

SHARD_PROTOCOL = (
    f"{PROTOCOL} All shards take turns in one measurement, in {ROUNDS} rounds of all queries. The wait of a query is "
    "the time of its slowest shard, without network and merging; simulated is that of independent draws from the first "
    "shard's times."
)


def shard_lab_record(indexed: IndexedCollection, results: Sequence[ShardResult]) -> RunRecord:
    """Return the run record of a shard lab: recall, distances, times and bytes of every number of shards."""
    first = results[0].searches[0]
    settings = record_settings(indexed) | {"k": first.k, "ef": first.ef, "assignment": ASSIGNMENT}
    observed = {f"shards={result.shards}": _numbers(result) for result in results}
    return RunRecord("Shard lab", settings, record_data(indexed), observed, SHARD_PROTOCOL, kind="shard lab")


def _numbers(result: ShardResult) -> dict[str, Any]:
    """Return what was measured of one number of shards."""
    return {
        "mean_recall": result.mean_recall,
        "mean_distances": result.mean_distances,
        "vectors_by_shard": list(result.sizes),
        "bytes": result.total_bytes,
        "bytes_of_largest_shard": result.largest_bytes,
        "wait_seconds": _percentiles(result.fan_out),
        "wait_seconds_simulated": _percentiles(result.simulated),
        "p50_seconds_of_all_shards": result.work_p50,
        **({"measured_in_a_crowd": True} if result.crowded else {}),
    }


def _percentiles(found: FanOut) -> dict[str, float]:
    """Return the percentiles of waits."""
    return {"p50": found.median, "p95": found.p95, "p99": found.p99}
