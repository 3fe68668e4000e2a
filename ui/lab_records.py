"""Run records of the labs and of a walk on the graph."""

from collections.abc import Sequence
from typing import Any

from retriever.indexed import IndexedCollection
from retriever.labs import SAMPLE_SEED, BuildResult, SizeResult
from retriever.measurement import PROTOCOL
from retriever.record import RunRecord
from ui.records import data_of, numbers, settings_of
from ui.walking import Trip

WALK_PROTOCOL = (
    "hnswlib's search for one question, repeated step by step on hnswlib's own graph; a distance counts each time it "
    "is computed. A true neighbour is missed if it was not found and is nearer than the last one that was, by 1e-6."
)


def build_record(indexed: IndexedCollection, results: Sequence[BuildResult], n: int) -> RunRecord:
    """Record a build lab: every graph's settings, build seconds, bytes and search."""
    observed = {
        f"M={r.M} ef_construction={r.ef_construction}": {
            "build_seconds": round(r.build_seconds, 4),
            "link_bytes": r.link_bytes,
            **numbers(r.measurement),
        }
        for r in results
    }
    settings = _settings(indexed, ("M", "ef_construction")) | {
        "k": results[0].measurement.k,
        "sample_seed": SAMPLE_SEED,
    }
    return RunRecord("Build lab", settings, data_of(indexed) | {"vectors_used": n}, observed, PROTOCOL)


def size_record(indexed: IndexedCollection, results: Sequence[SizeResult]) -> RunRecord:
    """Record a size lab: both searches at every size."""
    observed = {f"n={r.n}": {"hnsw": numbers(r.hnsw), "exact": numbers(r.exact)} for r in results}
    settings = _settings(indexed, ()) | {"k": results[0].hnsw.k, "sample_seed": SAMPLE_SEED}
    return RunRecord("Size lab", settings, data_of(indexed), observed, PROTOCOL)


def walk_record(trip: Trip) -> RunRecord:
    """Record a walk: what was found, what it cost, and what was missed and why."""
    walk, metadata = trip.walk, trip.indexed.retriever.metadata
    observed: dict[str, Any] = {
        "true_neighbours": len(trip.true_ids),
        "found": trip.found,
        "distances": walk.distances,
        "steps": walk.hops,
        "ids": [str(metadata[row].get("chunk_id", metadata[row].get("doc_id", row))) for row in walk.ids.tolist()],
        "missed": [
            {"node": miss.node, "linking": len(miss.linking), "smallest_ef": miss.smallest_ef} for miss in trip.missed
        ],
    }
    settings = settings_of(trip.indexed) | {"k": walk.k, "ef": walk.ef, "question": trip.question}
    return RunRecord("A walk on the graph", settings, data_of(trip.indexed), observed, WALK_PROTOCOL)


def _settings(indexed: IndexedCollection, varied: Sequence[str]) -> dict[str, Any]:
    """Return a collection's settings without those that a lab varies."""
    return {name: value for name, value in settings_of(indexed).items() if name not in varied}
