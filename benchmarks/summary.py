"""Put a run's records together: python -m benchmarks.summary FOLDER prints the README's table and writes one record."""

import json
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.report import read_record, short, spread

RECORD = Path(__file__).parent / "last_full_run.json"


def lines(record: Mapping[str, Any]) -> Iterator[str]:
    """Give a line of the table for each peer of each case, and for each case with a target but no peer."""
    for case, found in record["observed"].items():
        if case == "notes":
            continue
        values = {name: np.array(rounds) for name, rounds in found["rounds"].items()}
        ours, *peers = values
        median = f"{short(float(np.median(values[ours])))} {found['unit']}".strip()
        targets = [(target, kept) for target, kept in found["targets"].items() if "×" not in target]
        for target, kept in targets:
            yield f"| {case} | {median} | – | – | {target} {found['unit']} | {_mark(kept)} |"
        for peer in peers:
            targets = [(target, kept) for target, kept in found["targets"].items() if target.endswith(f"× {peer}")]
            theirs = f"{peer} {short(float(np.median(values[peer])))} {found['unit']}"
            wanted = f"{targets[0][0].split(' ×')[0]} | {_mark(targets[0][1])}" if targets else "– | –"
            yield f"| {case} | {median} | {theirs} | {spread(values[ours] / values[peer])} | {wanted} |"


def _mark(kept: str) -> str:
    return "yes" if kept == "met" else "**no**"


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
