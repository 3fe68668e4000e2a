"""The run record of a measurement at one ef, with the whole curve."""

from collections.abc import Sequence

from retriever.indexes.milvus.collection import MilvusLayout
from retriever.indexing.collection import IndexedCollection
from retriever.measurement.client_latency import CLIENT_PROTOCOL, ClientMeasurement
from retriever.measurement.measurement import Measurement, PairedMeasurement
from retriever.measurement.recall_and_latency import PROTOCOL
from retriever.run_record import RunRecord
from ui.render.records import measurement_numbers, pair_numbers, record_data, record_settings


def ef_record(indexed: IndexedCollection, now: PairedMeasurement, curve: list[Measurement] | None) -> RunRecord:
    """Return the run record of recall and latency at one ef, with exact search and the whole curve."""
    observed = pair_numbers(now)
    if curve:
        observed["curve"] = [measurement_numbers(step) for step in curve]
    settings = {**record_settings(indexed), "k": now.hnsw.k, "ef": now.hnsw.ef}
    return RunRecord("Recall against latency", settings, record_data(indexed), observed, PROTOCOL, kind="measurement")


def client_record(
    indexed: IndexedCollection,
    now: ClientMeasurement,
    curve: Sequence[Measurement],
    in_process: Sequence[Measurement],
    layout: MilvusLayout | None,
    address: str,
) -> RunRecord:
    """Return the run record of a measurement in Milvus, with both curves.

    address: of the server, without what it is asked with. layout: how it holds the vectors, None if that is not known.
    """
    both = pair_numbers(now)
    observed = {"milvus": both.pop("hnsw"), **both}
    observed["round_trip"] = {"p50_seconds": now.round_trip_p50, "queries_timed": len(now.round_trip)}
    observed["milvus_work_p50_seconds"] = now.engine_p50
    curves = {"curve": curve, "curve_in_process": in_process}
    observed |= {name: [measurement_numbers(step) for step in steps] for name, steps in curves.items() if steps}
    settings = {**record_settings(indexed), "k": now.hnsw.k, "ef": now.hnsw.ef}
    for of_this_process in ("seed", "search_threads"):
        settings.pop(of_this_process)
    settings |= {"engine": "Milvus", "graph_reproducible": False, "milvus_address": address}
    if layout is not None:
        segments = None if layout.segments is None else list(layout.segments)
        settings |= {"milvus_version": layout.server, "milvus_shards": layout.shards, "milvus_segments": segments}
    title = "Recall against latency in Milvus"
    return RunRecord(title, settings, record_data(indexed), observed, CLIENT_PROTOCOL, kind="milvus measurement")
