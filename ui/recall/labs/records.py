"""Run records of the build lab and the size lab."""

from collections.abc import Sequence
from typing import Any

from retriever.indexing.collection import IndexedCollection
from retriever.measurement.recall_and_latency import PROTOCOL
from retriever.measurement.sweeps import SAMPLE_SEED, BuildResult, SizeResult
from retriever.run_record import RunRecord
from ui.render.records import measurement_numbers, record_data, record_settings


def build_lab_record(indexed: IndexedCollection, results: Sequence[BuildResult], n: int) -> RunRecord:
    """Return the run record of a build lab: every graph's settings, build seconds, bytes and search."""
    observed = {
        f"M={r.M} ef_construction={r.ef_construction}": {
            "build_seconds": round(r.build_seconds, 4),
            "link_bytes": r.link_bytes,
            **measurement_numbers(r.measurement),
        }
        for r in results
    }
    settings = _fixed_settings(indexed, ("M", "ef_construction")) | {
        "k": results[0].measurement.k,
        "ef": results[0].measurement.ef,
        "sample_seed": SAMPLE_SEED,
    }
    data = record_data(indexed) | {"vectors_used": n}
    return RunRecord("Build lab", settings, data, observed, PROTOCOL, kind="build lab")


def size_lab_record(indexed: IndexedCollection, results: Sequence[SizeResult]) -> RunRecord:
    """Return the run record of a size lab: both searches at every size."""
    observed = {
        f"n={r.n}": {"hnsw": measurement_numbers(r.hnsw), "exact": measurement_numbers(r.exact)} for r in results
    }
    measured_at = {"k": results[0].hnsw.k, "ef": results[0].hnsw.ef}
    settings = _fixed_settings(indexed, ()) | measured_at | {"sample_seed": SAMPLE_SEED}
    return RunRecord("Size lab", settings, record_data(indexed), observed, PROTOCOL, kind="size lab")


def _fixed_settings(indexed: IndexedCollection, varied: Sequence[str]) -> dict[str, Any]:
    """Return a collection's settings without those that a lab varies."""
    return {name: value for name, value in record_settings(indexed).items() if name not in varied}
