"""The run record of the size lab."""

from collections.abc import Sequence

from retriever.indexing.collection import IndexedCollection
from retriever.measurement.recall_and_latency import PROTOCOL
from retriever.measurement.sweeps import SAMPLE_SEED, SizeResult
from retriever.run_record import RunRecord
from ui.render.records import measurement_numbers, record_data, record_settings


def size_lab_record(indexed: IndexedCollection, results: Sequence[SizeResult]) -> RunRecord:
    """Return the run record of a size lab: both searches at every size."""
    observed = {
        f"n={r.n}": {"hnsw": measurement_numbers(r.hnsw), "exact": measurement_numbers(r.exact)} for r in results
    }
    measured_at = {"k": results[0].hnsw.k, "ef": results[0].hnsw.ef}
    settings = record_settings(indexed) | measured_at | {"sample_seed": SAMPLE_SEED}
    return RunRecord("Size lab", settings, record_data(indexed), observed, PROTOCOL, kind="size lab")
