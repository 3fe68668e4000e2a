"""The parts that all run records share: settings, data and measurements.

A record holds numbers as they were measured. Only what people read is rounded: a number that is rounded twice, in the
record and on the page, may read differently there.
"""

from typing import Any

from retriever.datasets.collection import Origin
from retriever.encoders.loading import loaded_device, loaded_prompts, loaded_revision
from retriever.indexing.collection import IndexedCollection
from retriever.measurement.measurement import Measurement, PairedMeasurement

LONGEST_TEXT = 5_000  # characters of a pasted text that a record holds; a longer one would be most of the page


def record_settings(indexed: IndexedCollection) -> dict[str, Any]:
    """Return the settings that produced a collection's numbers.

    Of a model of the Hub also the commit that was loaded, and what it puts before queries and documents, if anything.
    model_device: the one that a loaded model runs on; the index is searched on the CPU in any case.
    """
    retriever, settings = indexed.retriever, indexed.settings
    fingerprint = retriever.fingerprint  # loads the model if its weights are not known otherwise
    device, revision = loaded_device(settings.model_name), loaded_revision(settings.model_name)
    prompts = dict(zip(("query_prompt", "document_prompt"), loaded_prompts(settings.model_name), strict=True))
    return {
        "model": settings.model_name,
        "model_fingerprint": fingerprint,
        **({"model_device": device} if device else {}),
        **({"model_revision": revision} if revision else {}),
        **(prompts if any(prompts.values()) else {}),
        "dimension": retriever.dimension,
        "chunk_size_tokens": settings.chunk_size if indexed.chunked else "one passage a document",
        "chunk_overlap_tokens": settings.chunk_overlap,
        "M": settings.M,
        "ef_construction": settings.ef_construction,
        "seed": retriever.seed,
        "graph_reproducible": retriever.hnsw.reproducible,
        "search_threads": 1,
    }


def record_data(indexed: IndexedCollection) -> dict[str, Any]:
    """Return the data that the numbers were measured on."""
    return {
        "collection": indexed.name,
        "documents": indexed.n_documents,
        "vectors": len(indexed),
        "vectors_from_pack": indexed.n_packed,
        "tokens": indexed.n_tokens,
        "measuring_queries": len(indexed.queries),
        "queries_drawn_from_documents": indexed.drawn,
        "texts_sha256": indexed.texts_sha256,
        **({"chunked_with": indexed.chunked_with} if indexed.chunked_with else {}),
        **({"origin": _origin(indexed.origin)} if indexed.origin else {}),
    }


def _origin(origin: Origin) -> dict[str, Any]:
    """Return where documents come from. A pasted text stands there if it is short, of files their SHA-256."""
    found: dict[str, Any] = {"kind": origin.kind}
    if origin.kind == "text":
        short = len(origin.text) <= LONGEST_TEXT
        return found | ({"text": origin.text} if short else {"characters": len(origin.text)})
    if origin.files:
        found["files"] = [{"name": name, "sha256": digest} for name, digest in origin.files]
    columns = {"text_columns": list(origin.columns.text), "title_column": origin.columns.title}
    parts = {"name": origin.name, **columns, "part": origin.part, "split": origin.split}
    return found | {name: value for name, value in parts.items() if value}


def pair_numbers(pair: PairedMeasurement) -> dict[str, Any]:
    """Return the summary of HNSW and exact search that took turns, and how many times as long exact search took."""
    return {
        "hnsw": measurement_numbers(pair.hnsw),
        "exact": measurement_numbers(pair.exact) | {"queries_timed": len(pair.exact.seconds)},
        "speed_up": pair.speed_up,
        "speed_up_range": list(pair.speed_up_range),
    }


def measurement_numbers(step: Measurement) -> dict[str, Any]:
    """Return a measurement's summary."""
    summary: dict[str, Any] = {} if step.ef is None else {"ef": step.ef}
    if step.mean_distances is not None:
        summary["mean_distances"] = step.mean_distances
    if step.crowded:
        summary["measured_in_a_crowd"] = True
    return summary | {
        "mean_recall": step.mean_recall,
        "p50_seconds": step.p50,
        "p95_seconds": step.p95,
        "queries_per_second": step.qps,
    }
