"""A million passages in the embedded Milvus server: memory, time and recall, another process, and a killed server.

python -m benchmarks.milvus [--size N] [--killed-size N] [--out FILE]: texts are embedded with wordllama and
streamed into a collection by one client; two others ask 200 pinned questions. A second collection is then filled by a
client whose server is killed three times on the way. Half an hour and 8 GB in full; --size 20000 takes a minute.
"""

import argparse
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.data import N_QUERIES, WORDLLAMA, described
from benchmarks.milvus.client import K
from benchmarks.milvus.server import MilvusServer
from retriever.errors import StorageError
from retriever.indexes.base import SCORE_TIE
from retriever.run_record import RunRecord, versions, versions_of

SIZE, KILLED_SIZE = 1_000_000, 20_000
KILLS, PAUSE = 3, 0.1  # of the server; seconds, more at each
PATIENCE = 4 * 3600  # seconds for one client
PROTOCOL = (
    "The server, the client that indexes and the clients that ask are processes of their own on one machine. Truth is "
    "exact search over the client's own vectors; recall counts scores, less 1e-6."
)

Report = dict[str, Any]


class Client:
    """A client in a process of its own, and what it reports line by line."""

    def __init__(self, part: str, server: MilvusServer, collection: str, size: int) -> None:
        """Start it."""
        command = [sys.executable, "-m", "benchmarks.milvus.client", part, server.uri, collection, str(size)]
        self._process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)

    def reports(self) -> Iterator[Report]:
        """Yield what it reports; its standard output ends with it."""
        assert self._process.stdout
        for line in self._process.stdout:
            yield json.loads(line)

    def error(self) -> str:
        """Return the last line of what it wrote to standard error when it ended; "" if it ended well."""
        _, written = self._process.communicate(timeout=PATIENCE)
        return written.strip().splitlines()[-1] if self._process.returncode else ""

    def all_reports(self) -> list[Report]:
        """Return all that it reports. Raises StorageError if it ends with an error."""
        found = list(self.reports())
        if error := self.error():
            raise StorageError(f"A client failed: {error}")
        return found


def measure(server: MilvusServer, size: int) -> Report:
    """Fill a collection by one client and ask it from two others."""
    marks: list[Report] = []
    client = Client("index", server, "passages", size)
    for found in client.reports():
        if "row" in found:
            found["server"] = server.megabytes()
            print(found, file=sys.stderr, flush=True)
        marks.append(found)
    if error := client.error():
        raise StorageError(f"The client that indexes failed: {error}")
    built = marks.pop()
    truth = np.array(built.pop("truth"))
    first, second = (Client("ask", server, "passages", size).all_reports() for _ in range(2))
    answers, again = ([[step["rows"], step["scores"]] for step in one[:-1]] for one in (first, second))
    return {
        "vectors": size,
        "marks": marks,
        "built": built,
        "searches": [_searched(step, truth) for step in first[:-1]],
        "asking_client": first[-1]["client"],
        "two_processes_get_the_same_hits": answers == again,
        "server": server.megabytes(),
        "disk_megabytes": server.disk_megabytes(),
    }


def _searched(answers: Report, truth: np.ndarray) -> Report:
    """Return the recall and the latency of the answers at one ef."""
    scores = np.array(answers["scores"])  # (n_queries, k)
    found = scores >= truth[:, -1:] - SCORE_TIE
    milliseconds = np.array(answers["seconds"]) * 1e3
    p50, p95 = np.percentile(milliseconds, [50, 95])
    return {
        "ef": answers["ef"],
        "recall": float(found.mean()),
        "together_ms_a_query": 1e3 * answers["together"] / len(scores),
        "p50_ms": float(p50),
        "p95_ms": float(p95),
    }


def kill_on_the_way(server: MilvusServer, size: int) -> Report:
    """Kill the server some times while a client fills a collection, go on after each, and compare what is stored."""
    said: list[str] = []
    stored: list[Report] = []
    for kill in range(1, KILLS + 1):
        client = Client("index", server, "killed", size)
        for found in client.reports():
            if found.get("row", 0) >= size * kill // (KILLS + 1):
                time.sleep(PAUSE * kill)  # not between two calls each time
                server.stop(kill=True)
                break
        said.append(client.error())
        server.start()
        stored += Client("check", server, "killed", size).all_reports()
    *_, last = Client("index", server, "killed", size).all_reports()
    [in_the_end] = Client("check", server, "killed", size).all_reports()
    return {
        "vectors": size,
        "clients_said": said,
        "after_each_kill": stored,
        "embedded_by_the_last": last["embedded"],
        "in_the_end": in_the_end,
    }


def table(found: Mapping[str, Any]) -> str:
    """Return the figures as Markdown tables."""
    lines = ["| texts given | seconds | client, MB | most | server, MB | most |", "|--:|--:|--:|--:|--:|--:|"]
    for mark in found["marks"]:
        memory = [mark[side][when] for side in ("client", "server") for when in ("now", "most")]
        lines.append(f"| {mark['row']:,} | {mark['seconds']:,.0f} | " + " | ".join(f"{one:,}" for one in memory) + " |")
    lines += ["", "| ef | recall@10 | all in one call, ms a query | one at a time, p50 ms | p95 ms |"]
    lines.append("|--:|--:|--:|--:|--:|")
    for step in found["searches"]:
        times = [f"{step[name]:.1f}" for name in ("together_ms_a_query", "p50_ms", "p95_ms")]
        lines.append(f"| {step['ef']} | {step['recall']:.3f} | {' | '.join(times)} |")
    return "\n".join(lines)


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure as the command line says, print the tables, and write the record."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--size", type=int, default=SIZE, help="texts in the collection that is measured")
    parser.add_argument(
        "--killed-size", type=int, default=KILLED_SIZE, help="texts in the one whose server is killed; 0: none"
    )
    parser.add_argument("--out", type=Path, help="a file for the record, as JSON")
    options = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory() as folder, MilvusServer(Path(folder) / "data") as server:
        found = measure(server, options.size)
        print(table(found), flush=True)
        if options.killed_size:
            found["killed"] = kill_on_the_way(server, options.killed_size)
    print(json.dumps({key: value for key, value in found.items() if key != "marks"}, indent=1))
    record = RunRecord(
        "A million passages in the embedded Milvus server",
        {"k": K, "M": 16, "ef_construction": 200, "model": WORDLLAMA},
        {"vectors": described(options.size), "queries": N_QUERIES},
        found,
        PROTOCOL,
        versions={**versions(), **versions_of(("milvus-lite", "pymilvus"))},
    )
    if options.out:
        options.out.write_text(record.to_json(), encoding="utf-8")


if __name__ == "__main__":
    main()
