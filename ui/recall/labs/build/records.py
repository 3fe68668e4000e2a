"""The run record of the build lab."""

from collections.abc import Sequence

from retriever.indexing.collection import IndexedCollection
from retriever.measurement.recall_and_latency import PROTOCOL
from retriever.measurement.sweeps import SAMPLE_SEED, BuildResult
from retriever.run_record import RunRecord
from ui.render.records import measurement_numbers, record_data, record_settings

VARIED = ("M", "ef_construction")


def build_lab_record(indexed: IndexedCollection, results: Sequence[BuildResult], n: int) -> RunRecord:
    """Return the run record of a build lab: every graph's settings, build seconds, bytes and search."""
    observed = {
        f"M={r.M} ef_construction={r.ef_construction}": {
            "build_seconds": r.build_seconds,
            "link_bytes": r.link_bytes,
            **measurement_numbers(r.measurement),
        }
        for r in results
    }
    fixed = {name: value for name, value in record_settings(indexed).items() if name not in VARIED}
    settings = fixed | {
        "k": results[0].measurement.k,
        "ef": results[0].measurement.ef,
        "sample_seed": SAMPLE_SEED,
    }
    data = record_data(indexed) | {"vectors_used": n}
    return RunRecord("Build lab", settings, data, observed, PROTOCOL, kind="build lab")
