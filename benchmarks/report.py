"""What a stage prints: a table of medians with quartiles and ratios, and the run record."""

import argparse
import gc
import inspect
import json
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.protocol import Comparison, Values
from retriever.run_record import RunRecord, versions, versions_of

PEERS = (
    *("faiss-cpu", "usearch", "pypdf", "pypdfium2", "gradio", "playwright"),
    *("pdfplumber", "markitdown", "trafilatura", "python-docx"),
)
INSTALL = "The peers come with pip install -r tests/requirements.txt -r benchmarks/requirements.txt."
PROTOCOL = (
    "Peers take turns in every round of one process; medians over rounds with the quartiles, ratios within a round."
)


@dataclass(frozen=True, eq=False)
class Stage:
    """The results of one stage. title: in words. data, settings: for the record. notes: printed below the table."""

    title: str
    comparisons: Sequence[Comparison]
    data: Mapping[str, Any] = field(default_factory=dict)
    settings: Mapping[str, Any] = field(default_factory=dict)
    notes: Sequence[str] = ()


class Unavailable(Exception):
    """Raised when a stage needs something that is not on this machine."""


Run = Callable[[bool], Stage]  # whether in full -> what was measured


def main(run: Run) -> None:
    """Run one stage from the command line and print its table and record."""
    run_all([run], sys.modules[run.__module__].__doc__)


def run_all(runs: Sequence[Run], about: str | None) -> None:
    """Run stages one after the other, as the command line says, and print the table and the record of each.

    A stage that lacks a peer or a browser says so, and the others run; the exit code is then 1.
    """
    parser = argparse.ArgumentParser(description=about)
    parser.add_argument("--full", action="store_true", help="the real sizes and more rounds, not the quick form")
    parser.add_argument("--out", type=Path, help="a folder to write the tables and the records into as well")
    options = parser.parse_args()
    load_libraries()
    left_out = False
    for run in runs:
        began, name = time.perf_counter(), Path(inspect.getfile(run)).stem
        try:
            stage = run(options.full)
        except (ModuleNotFoundError, Unavailable) as error:
            left_out = True
            print(f"{name} was left out: {error}. {INSTALL}", file=sys.stderr, flush=True)
            continue
        table, record = table_of(stage), record_of(stage, full=options.full)
        print(f"\n## {stage.title}\n\n{table}\n\n{record.to_json()}", flush=True)
        print(f"({time.perf_counter() - began:.0f} s for this stage)", file=sys.stderr, flush=True)
        if options.out:
            options.out.mkdir(parents=True, exist_ok=True)
            (options.out / f"{name}.json").write_text(record.to_json(), encoding="utf-8")
            (options.out / f"{name}.md").write_text(f"## {stage.title}\n\n{table}\n", encoding="utf-8")
    if left_out:
        sys.exit(1)


def load_libraries() -> None:
    """Load the large libraries and exclude them from garbage collection, as the app does once its model is loaded."""
    import sentence_transformers  # noqa: F401 - so that no timed section loads it

    gc.collect()
    gc.freeze()


def table_of(stage: Stage) -> str:
    """Return a stage's comparisons as a Markdown table, a line a peer, and its notes."""
    lines = [
        "| case | median | peer | its median | ratio (quartiles) | target | met |",
        "|---|--:|---|--:|--:|---|---|",
    ]
    for found in stage.comparisons:
        ours = spread(found.values[found.ours], found.unit)
        if found.targets_of() or not found.peers:
            lines.append(f"| {found.case} | {ours} | – | – | – | {aims(found)} |")
        for peer in found.peers:
            ratio, theirs = spread(found.ratio(peer)), spread(found.values[peer], found.unit)
            lines.append(f"| {found.case} | {ours} | {peer} | {theirs} | {ratio} | {aims(found, peer)} |")
    return "\n".join([*lines, *(f"\n{note}" for note in stage.notes)])


def aims(found: Comparison, peer: str = "") -> str:
    """Return the last two cells of a line: the target, by a peer or in the unit, and whether it was met."""
    targets = found.targets_of(peer)
    if not targets:
        return "– | –"
    wanted = ", ".join(f"≤ {target.most:.3g} {'' if peer else found.unit}".strip() for target in targets)
    return f"{wanted} | {'yes' if all(found.met(target) for target in targets) else '**no**'}"


def spread(values: Values, unit: str = "") -> str:
    """Write a median with its quartiles, to three digits; a dash for ratios to a peer's 0."""
    if not np.isfinite(values).all():
        return "–"
    low, middle, high = (short(float(value)) for value in np.percentile(values, [25, 50, 75]))
    return " ".join(part for part in (middle, unit, f"({low}–{high})" if len(values) > 1 else "") if part)


def short(value: float) -> str:
    """Write a number to three digits, without an exponent."""
    if value == 0:
        return "0"
    if value >= 100:
        return f"{value:,.0f}"
    return f"{value:.1f}" if value >= 10 else f"{value:.2f}" if value >= 0.095 else f"{value:.4f}"


def record_of(stage: Stage, *, full: bool) -> RunRecord:
    """Return the run record: every round of every case, the versions of the peers as well."""
    observed: dict[str, Any] = {
        found.case: {
            "unit": found.unit,
            "rounds": {name: [float(f"{value:.6g}") for value in values] for name, values in found.values.items()},
            "targets": {str(target): "met" if found.met(target) else "missed" for target in found.targets},
        }
        for found in stage.comparisons
    }
    settings = {"mode": "full" if full else "quick", **stage.settings}
    if stage.notes:
        observed["notes"] = list(stage.notes)
    return RunRecord(
        stage.title, settings, stage.data, observed, PROTOCOL, versions={**versions(), **versions_of(PEERS)}
    )


def read_record(path: Path) -> dict[str, Any]:
    """Return a record that a stage has written."""
    found: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return found
