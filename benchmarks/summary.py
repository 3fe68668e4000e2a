"""Put a run's records together: python -m benchmarks.summary FOLDER.

Prints the table of docs/performance.md and writes one record.
"""

import json
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.protocol import Comparison, Target
from benchmarks.report import aims, read_record, short, spread

RECORD = Path(__file__).parent / "last_full_run.json"


def lines(record: Mapping[str, Any]) -> Iterator[str]:
    """Return a line of the table for each peer of each case, and for each case with a target but no peer."""
    for case, observed in record["observed"].items():
        if case == "notes":
            continue
        found = comparison_of(case, observed)
        median = f"{short(float(np.median(found.values[found.ours])))} {found.unit}".strip()
        if found.targets_of():
            yield f"| {case} | {median} | – | – | {aims(found)} |"
        for peer in found.peers:
            theirs = f"{peer} {short(float(np.median(found.values[peer])))} {found.unit}".strip()
            yield f"| {case} | {median} | {theirs} | {spread(found.ratio(peer))} | {aims(found, peer)} |"


def comparison_of(case: str, observed: Mapping[str, Any]) -> Comparison:
    """Return one case of a record."""
    values = {name: np.array(rounds) for name, rounds in observed["rounds"].items()}
    return Comparison(case, observed["unit"], values, [Target.read(written) for written in observed["targets"]])


def main(folder: Path) -> None:
    """Print the table, a heading row a stage, and write all records into one file."""
    records = {path.stem: read_record(path) for path in sorted(folder.glob("*.json"))}
    print("| case | retriever | peer | ratio (quartiles) | target | met |\n|---|--:|--:|--:|---|---|")
    for record in records.values():
        found = list(lines(record))
        if found:
            print("\n".join([f"| **{record['title']}** | | | | | |", *found]))
    RECORD.write_text(json.dumps(records, ensure_ascii=False, separators=(",", ":")) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
