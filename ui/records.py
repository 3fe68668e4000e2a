"""Run records of what the page shows."""

from typing import Any

from retriever.indexed import IndexedCollection
from retriever.measurement import PROTOCOL, Measurement
from retriever.record import RunRecord
from retriever.side_by_side import REPEATS, SideBySide


def settings_of(indexed: IndexedCollection) -> dict[str, Any]:
    """Return the settings that produced a collection's numbers."""
    retriever, settings = indexed.retriever, indexed.settings
    return {
        "model": settings.model_name,
        "model_fingerprint": retriever.fingerprint,
        "dimension": retriever.dimension,
        "chunk_size_tokens": settings.chunk_size if indexed.chunked else "one passage a document",
        "chunk_overlap_tokens": settings.chunk_overlap,
        "M": settings.M,
        "ef_construction": settings.ef_construction,
        "seed": retriever.seed,
        "graph_reproducible": retriever.hnsw.reproducible,
        "search_threads": 1,
    }


def data_of(indexed: IndexedCollection) -> dict[str, Any]:
    """Return what the numbers were measured on."""
    return {
        "collection": indexed.name,
        "documents": indexed.n_documents,
        "vectors": len(indexed),
        "tokens": indexed.n_tokens,
        "measuring_queries": len(indexed.queries),
        "queries_drawn_from_documents": indexed.drawn,
    }


def build_record(indexed: IndexedCollection) -> RunRecord:
    """Record a build: seconds by stage, megabytes, files that failed."""
    observed = {f"seconds_{stage.replace(' ', '_')}": round(value, 4) for stage, value in indexed.seconds.items()}
    observed["vector_bytes"] = indexed.retriever.vectors.nbytes
    observed["graph_link_bytes"] = indexed.retriever.hnsw.link_bytes
    failed = {"files_not_read": dict(indexed.failed)} if indexed.failed else {}
    return RunRecord("Build of a collection", settings_of(indexed), data_of(indexed), {**observed, **failed})


def search_record(indexed: IndexedCollection, question: str, k: int, ef: int, both: SideBySide) -> RunRecord:
    """Record one question answered by both searches."""
    observed: dict[str, Any] = {f"seconds_{name}": value for name, value in both.seconds.items()}
    observed[f"recall_at_{k}"] = both.recall
    observed["exact"] = [
        [hit["metadata"].get("chunk_id", hit["metadata"].get("doc_id")), hit["score"]] for hit in both.exact
    ]
    observed["hnsw"] = [
        [hit["metadata"].get("chunk_id", hit["metadata"].get("doc_id")), hit["score"]] for hit in both.hnsw
    ]
    settings = {**settings_of(indexed), "k": k, "ef": ef, "question": question}
    protocol = f"{PROTOCOL} A single question: searched {REPEATS} times, the median is given; embedded once."
    return RunRecord("One question, exact and HNSW", settings, data_of(indexed), observed, protocol)


def ef_record(
    indexed: IndexedCollection, now: Measurement, exact: Measurement, curve: list[Measurement] | None
) -> RunRecord:
    """Record recall and latency at one ef, exact search beside it and the whole curve."""
    observed: dict[str, Any] = {"hnsw": numbers(now), "exact": numbers(exact)}
    if curve:
        observed["curve"] = [numbers(step) for step in curve]
    settings = {**settings_of(indexed), "k": now.k, "ef": now.ef}
    return RunRecord("Recall against latency", settings, data_of(indexed), observed, PROTOCOL)


def numbers(step: Measurement) -> dict[str, Any]:
    """Return a measurement's summary."""
    summary: dict[str, Any] = {} if step.ef is None else {"ef": step.ef}
    return summary | {
        "mean_recall": round(step.mean_recall, 6),
        "p50_seconds": round(step.p50, 9),
        "p95_seconds": round(step.p95, 9),
        "queries_per_second": round(step.qps, 2),
    }
