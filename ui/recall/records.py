"""The run record of a measurement at one ef, with the whole curve."""

from typing import Any

from retriever.indexing.collection import IndexedCollection
from retriever.measurement.recall_and_latency import PROTOCOL, Measurement
from retriever.run_record import RunRecord
from ui.render.records import measurement_numbers, record_data, record_settings


def ef_record(
    indexed: IndexedCollection, now: Measurement, exact: Measurement, curve: list[Measurement] | None
) -> RunRecord:
    """Return the run record of recall and latency at one ef, with exact search and the whole curve."""
    observed: dict[str, Any] = {"hnsw": measurement_numbers(now), "exact": measurement_numbers(exact)}
    if curve:
        observed["curve"] = [measurement_numbers(step) for step in curve]
    settings = {**record_settings(indexed), "k": now.k, "ef": now.ef}
    return RunRecord("Recall against latency", settings, record_data(indexed), observed, PROTOCOL)
