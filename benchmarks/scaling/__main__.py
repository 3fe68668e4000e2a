"""The figures of docs/scaling.md: python -m benchmarks.scaling --full --milvus NAME=ADDRESS ...

Measures here what a plan rests on, writes a record, and prints a table of each part: from 10 thousand to 10 billion
vectors, what links and shorter codes take and cost, embedding, shards, and each Milvus server that is named beside the
graph in this process. --record FILE takes what was measured from a record, where only the servers named are measured.
"""

import argparse
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.data import text_vectors
from benchmarks.scaling.plan import link_bytes
from benchmarks.scaling.quantization import measure_codes
from benchmarks.scaling.rates import EF, K, calibrate, embedding_rates, graph_costs
from benchmarks.scaling.tables import RECORD, observed_in, tables_of
from retriever.indexes.hnsw import HNSWIndex
from retriever.indexing.sample_cache import cached_sample
from retriever.measurement.sharding import sweep_shards
from retriever.measurement.sweeps import growth_exponent
from retriever.run_record import RunRecord, versions, versions_of
from retriever.vectors import Float32

PROTOCOL = (
    "Core seconds by the processor's clock; round trips by the wall clock; one query at a time; searches that are "
    "compared take turns query by query."
)
QUICK, FULL = (3_000, 10_000), (3_000, 10_000, 30_000, 100_000)  # vectors of the growing graphs
MS = (8, 16, 32)
ROUNDS = 10  # of all queries, for a tail of which one in a thousand is seen


def python_docs() -> tuple[Float32, Float32]:
    """Return the MiniLM vectors of the Python docs, (n, dim), and of their fixed queries, (n_queries, dim)."""
    sample = cached_sample("python_docs")
    return np.ascontiguousarray(sample.retriever.exact.vectors), sample.query_vectors


def measure_here(sizes: tuple[int, ...]) -> dict[str, Any]:
    """Return all that the tables need but for the servers."""
    observed: dict[str, Any] = {"calibration_before": calibrate()}
    vectors, queries = python_docs()
    observed["embedding"] = embedding_rates()
    observed["segment"] = graph_costs(vectors, queries, ROUNDS)
    data = text_vectors(max(sizes))
    growing = [graph_costs(data.documents[:n], data.queries) for n in sizes]
    observed["growing"] = [{**graph, "search_seconds": float(np.median(graph["search_seconds"]))} for graph in growing]
    observed["growth"] = {
        "link": growth_exponent(sizes, [graph["link_seconds"] for graph in growing]),
        "search": growth_exponent(sizes, [float(np.median(graph["search_seconds"])) for graph in growing]),
    }
    observed["links"] = [_links(vectors, M) for M in MS]
    observed["codes"] = [
        {"codes": row.codes, "bytes": row.code_bytes, "recall": row.recall, "refined": row.refined}
        for row in measure_codes(vectors, queries)
    ]
    observed["shards"] = _shards(vectors, queries)
    return {**observed, "calibration_after": calibrate(), "engines": {}}


def _links(vectors: Float32, M: int) -> dict[str, float]:
    index = HNSWIndex(vectors, M=M, ef_construction=20)  # what links take does not depend on how well they are chosen
    return {"M": M, "n": len(index), "computed": link_bytes(M), "measured": index.link_bytes / len(index)}


def _shards(vectors: Float32, queries: Float32) -> list[dict[str, Any]]:
    results = sweep_shards(vectors, queries, k=K, ef=EF, M=16, ef_construction=200)
    return [
        {
            "shards": result.shards,
            "recall": result.mean_recall,
            "distances": result.mean_distances,
            "crowded": result.crowded,
            **{
                kind: [tail.median, tail.p95, tail.p99]
                for kind, tail in (("measured", result.fan_out), ("simulated", result.simulated))
            },
        }
        for result in results
    ]


def measure_servers(servers: Mapping[str, str]) -> dict[str, Any]:
    """Return what is measured of each Milvus server, name -> address, beside the graph in this process."""
    from benchmarks.scaling.engines import measure_engine

    vectors, queries = python_docs()
    here, found = HNSWIndex(vectors), {}
    for name, address in servers.items():
        before = calibrate()
        found[name] = {
            **measure_engine(address, vectors, queries, here),
            "calibration_before": before,
            "calibration_after": calibrate(),
        }
    return found


def main() -> None:
    """Measure as the command line says, write the record, and print the tables."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--milvus", nargs="*", default=[], metavar="NAME=ADDRESS", help="servers to measure")
    parser.add_argument("--full", action="store_true", help="graphs of up to 100,000 vectors, not 10,000")
    parser.add_argument("--out", type=Path, default=RECORD, help="where the record is written")
    parser.add_argument("--record", type=Path, help="a record that holds what was measured here")
    options = parser.parse_args()
    sizes = FULL if options.full else QUICK
    observed = observed_in(options.record) if options.record else measure_here(sizes)
    servers = dict(server.split("=", 1) for server in options.milvus)
    observed["engines"] |= measure_servers(servers) if servers else {}
    settings = {"k": K, "ef": EF, "M": 16, "ef_construction": 200, "sizes": [row["n"] for row in observed["growing"]]}
    data = {"segment": "Python docs, all-MiniLM-L6-v2", "growing": "stretches of docstrings, wordllama-256"}
    packages = {**versions(), **versions_of(("faiss-cpu", "pymilvus", "milvus-lite"))}
    record = RunRecord("From one machine to many", settings, data, observed, PROTOCOL, versions=packages)
    options.out.write_text(record.to_json(), encoding="utf-8")
    for title, table in tables_of(observed).items():
        print(f"\n## {title}\n\n{table}")


if __name__ == "__main__":
    main()
