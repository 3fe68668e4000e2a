"""The run record of a walk on the graph."""

from typing import Any

import numpy as np

from retriever.run_record import RunRecord
from ui.render.records import record_data, record_settings
from ui.walk.trace import WalkTrace

WALK_PROTOCOL = (
    "hnswlib's search for one question, repeated step by step on hnswlib's own graph; a distance counts each time it "
    "is computed. One of the nearest passages is missed if it was not found and is nearer than the last one found, "
    "by 1e-6."
)


def walk_record(trace: WalkTrace) -> RunRecord:
    """Return the run record of a walk: what was found, what it cost, and what was missed and why."""
    walk, passages = trace.walk, trace.indexed.retriever.passages
    observed: dict[str, Any] = {
        "nearest_passages": len(trace.true_ids),
        "found": trace.found,
        "distances": walk.distances,
        "steps": walk.hops,
        "ids": [passages[row].passage_id or str(row) for row in walk.ids.tolist()],
        "missed": [
            {"node": miss.node, "linking": len(miss.linking), "smallest_ef": miss.smallest_ef} for miss in trace.missed
        ],
    }
    if trace.tokens:
        observed |= {"question_tokens": trace.tokens, "question_tokens_read": trace.tokens_read}
    settings = record_settings(trace.indexed) | {"k": walk.k, "ef": walk.ef, "question": trace.question}
    settings["embedded"] = "with the measuring queries" if _is_measuring_query(trace) else "alone"
    data = record_data(trace.indexed)
    return RunRecord("A walk on the graph", settings, data, observed, WALK_PROTOCOL, kind="walk")


def _is_measuring_query(trace: WalkTrace) -> bool:
    """Return whether the vector is that of a measuring query: embedded alone, its last digits may be others."""
    queries = trace.indexed.queries
    rows = [row for row, query in enumerate(queries) if query == trace.question]
    return any(np.array_equal(trace.indexed.query_vectors[row], trace.query) for row in rows)
