"""The tables of docs/scaling.md, as Markdown, from a record of what was measured."""

import json
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.report import short
from benchmarks.scaling.plan import STORAGES, Plan, Rates, Setting, plan
from benchmarks.scaling.tail import expected_tail, scaled

RECORD = Path(__file__).with_name("last_run.json")
PLANNED = tuple(10**power for power in range(4, 11))  # vectors
Observed = dict[str, Any]


def observed_in(path: Path = RECORD) -> Observed:
    """Return what a record says was measured; of the last run, whose tables docs/scaling.md shows."""
    found: Observed = json.loads(path.read_text(encoding="utf-8"))["observed"]
    return found


def table(head: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """Return a Markdown table: the first column on the left, the others on the right."""
    lines = [head, *([written(cell) for cell in row] for row in rows)]
    first, *others = (f"| {' | '.join(line)} |" for line in lines)
    return "\n".join([first, "|---|" + "--:|" * (len(head) - 1), *others])


def written(cell: object) -> str:
    """Return a cell: whole numbers with commas, others to three digits."""
    if isinstance(cell, int):
        return f"{cell:,}"
    return short(cell) if isinstance(cell, float) else str(cell)


def rates_of(observed: Observed) -> Rates:
    """Return the rates that a plan rests on."""
    segment = observed["segment"]
    return Rates(observed["embedding"], 1 / segment["link_seconds"], segment["n"], observed["growth"]["link"])


def plans_of(observed: Observed, setting: Setting | None = None) -> list[Plan]:
    """Return the plans from 10 thousand to 10 billion vectors."""
    return [plan(vectors, rates_of(observed), setting) for vectors in PLANNED]


def plan_table(observed: Observed, plans: Sequence[Plan]) -> str:
    """Return what so many vectors of float32 take, how long a query waits for its segments, and how many there can be.

    A replica answers as many queries a second as its cores have seconds for: each takes a search of every segment.
    """
    head = ["vectors", "memory, GB", "object storage, GB", "nodes", "segments", "of them one core", "build, core hours"]
    head += ["p50, ms", "p95, ms", "p99, ms", "queries a second"]
    segment, growth = observed["segment"], observed["growth"]["search"]
    rows = []
    for one in plans:
        latencies = scaled(np.array(segment["search_seconds"]), segment["n"], one.segment_vectors, growth)
        tail = expected_tail(one, latencies)
        takes = [one.vectors, one.memory_gb, one.disk_gb, one.nodes["float32"], one.segments, one.on_a_core]
        waits = [1e3 * seconds for seconds in (tail.median, tail.p95, tail.p99)]
        rows.append([*takes, one.build_hours, *waits, one.cores / (one.segments * float(latencies.mean()))])
    return table(head, rows)


def storage_table(plans: Sequence[Plan]) -> str:
    """Return the nodes of a replica with each way to keep vectors, and which of them is taken."""
    return table(
        ["vectors", *STORAGES, "disks of *disk*, GB", "taken", "nodes of all replicas"],
        (
            [one.vectors, *(one.nodes[name] for name in STORAGES), one.nvme_gb, one.storage, one.nodes_in_all]
            for one in plans
        ),
    )


def embedding_table(plans: Sequence[Plan]) -> str:
    """Return the core hours of embedding with each model, and the machines that do it within the time wanted."""
    models = list(plans[0].embedding_hours)
    head = ["vectors", *(f"{model}, {what}" for model in models for what in ("core hours", "machines"))]
    rows = (
        [one.vectors, *(cost for model in models for cost in (one.embedding_hours[model], one.machines[model]))]
        for one in plans
    )
    return table(head, rows)


def link_table(observed: Observed) -> str:
    """Return the bytes of a vector's links, computed and in hnswlib."""
    rows = ([str(row["M"]), row["n"], row["computed"], row["measured"]] for row in observed["links"])
    return table(["M", "vectors", "computed, bytes", "in hnswlib, bytes"], rows)


def code_table(observed: Observed) -> str:
    """Return what shorter codes do to recall."""
    rows = ([row["codes"], row["bytes"], f"{row['recall']:.3f}", f"{row['refined']:.3f}"] for row in observed["codes"])
    return table(["vectors as", "bytes", "recall@10", "of the best 100, compared again"], rows)


def shard_table(observed: Observed) -> str:
    """Return the shard lab's measurement, and what the simulation expects of the slowest shard."""
    head = ["shards", "recall", "distances in all", "slowest shard, p50, µs", "p95", "p99"]
    head += ["simulated, p50", "p95", "p99"]
    rows = (
        [
            str(row["shards"]),
            f"{row['recall']:.3f}",
            round(row["distances"]),
            *(1e6 * seconds for kind in ("measured", "simulated") for seconds in row[kind]),
        ]
        for row in observed["shards"]
    )
    return table(head, rows)


def engine_table(rows: Sequence[Mapping[str, Any]]) -> str:
    """Return recall and latency of a server at each ef, beside the graph in this process."""
    head = ["ef", "recall here", "recall there", "here, p50, µs", "round trip, p50, µs", "p95", "p99"]
    head += ["without a search, p50", "the engine, p50"]
    lines = (
        [str(row["ef"]), f"{row['recall_here']:.3f}", f"{row['recall_there']:.3f}"]
        + [1e6 * row[part] for part in ("here", "trip", "trip_p95", "trip_p99", "empty")]
        + [1e6 * (row["trip"] - row["empty"])]
        for row in rows
    )
    return table(head, lines)


def tables_of(observed: Observed) -> dict[str, str]:
    """Return title -> table, in the order of the page."""
    plans = plans_of(observed)
    found = {
        "The plan": plan_table(observed, plans),
        "Vectors in fewer bytes": storage_table(plans),
        "What fewer bytes cost": code_table(observed),
        "Links": link_table(observed),
        "Embedding": embedding_table(plans),
        "Shards": shard_table(observed),
    }
    for name, engine in observed["engines"].items():
        found[f"Engine: {name}"] = engine_table(engine["rows"])
    return found
