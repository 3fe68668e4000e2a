"""The run record of a measurement at one ef, with the whole curve."""

from retriever.indexing.collection import IndexedCollection
from retriever.measurement.recall_and_latency import PROTOCOL, Measurement, PairedMeasurement
from retriever.run_record import RunRecord
from ui.render.records import measurement_numbers, pair_numbers, record_data, record_settings


def ef_record(indexed: IndexedCollection, now: PairedMeasurement, curve: list[Measurement] | None) -> RunRecord:
    """Return the run record of recall and latency at one ef, with exact search and the whole curve."""
    observed = pair_numbers(now)
    if curve:
        observed["curve"] = [measurement_numbers(step) for step in curve]
    settings = {**record_settings(indexed), "k": now.hnsw.k, "ef": now.hnsw.ef}
    return RunRecord("Recall against latency", settings, record_data(indexed), observed, PROTOCOL, kind="measurement")
