"""Recorded numbers beside those measured again: which are equal, and which depend on the machine and may differ."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from retriever.run_record import machine, versions

TOLERANCE = 1e-5  # of a score: the last digits of a sum depend on the processor
EQUAL, DIFFERS = "equal", "DIFFERS"
TIME, GRAPH = "time, may differ", "built by several threads, may differ"
LONGEST = 30  # characters of a value in the table


@dataclass(frozen=True)
class RepeatedNumber:
    """One number of a record, measured again; a time is in words. verdict: EQUAL, DIFFERS, TIME or GRAPH."""

    name: str
    recorded: Any
    now: Any
    verdict: str


@dataclass(frozen=True)
class Reproduction:
    """A record's numbers, measured again. changes: what of versions and machine is not as recorded, as sentences."""

    numbers: Sequence[RepeatedNumber]
    changes: Sequence[str]

    @property
    def different(self) -> list[str]:
        """The names of the numbers that had to be equal and are not."""
        return [number.name for number in self.numbers if number.verdict == DIFFERS]

    def __str__(self) -> str:
        """Return the changes, a table of all numbers, and a sentence that sums it up."""
        rows = [("what", "recorded", "now", "")]
        rows += [(one.name, _shown(one.recorded), _shown(one.now), one.verdict) for one in self.numbers]
        widths = [max(len(row[column]) for row in rows) for column in range(3)]
        table = [
            "   ".join([*(cell.ljust(width) for cell, width in zip(row, widths, strict=False)), row[3]]).rstrip()
            for row in rows
        ]
        n_equal = sum(number.verdict in (EQUAL, DIFFERS) for number in self.numbers)
        said = f"{len(self.different)} of {n_equal} numbers that must be equal differ: {', '.join(self.different)}."
        good = f"All {n_equal} numbers that must be equal are equal."
        return "\n".join([*self.changes, "", *table, "", said if self.different else good])


def compare_with_record(
    record: Mapping[str, Any], numbers: Mapping[str, Any], seconds: Mapping[str, float] | None = None
) -> Reproduction:
    """Return what a record holds beside what was measured again, by the names that the record has.

    record: "numbers", which must be equal, and "seconds", which may differ, both name -> value; "versions" and
    "machine", as a RunRecord has them; "graph_reproducible", without which what names HNSW may differ. A number of the
    record that was not measured again differs.
    """
    fixed, seconds = record.get("graph_reproducible", True), seconds or {}
    rows = []
    for name, recorded in record["numbers"].items():
        same = name in numbers and _is_equal(recorded, numbers[name])
        verdict = EQUAL if same else GRAPH if not fixed and "HNSW" in name else DIFFERS
        rows.append(RepeatedNumber(name, recorded, numbers.get(name, "not measured"), verdict))
    for name, recorded in record.get("seconds", {}).items():
        now = seconds.get(name)
        times = (_in_units(recorded), "not measured" if now is None else _in_units(now))
        rows.append(RepeatedNumber(f"time, {name}", *times, TIME))
    return Reproduction(rows, _changes(record))


def _changes(record: Mapping[str, Any]) -> list[str]:
    """Return what of a record's versions and machine is not as it is here, as sentences."""
    parts = [(record.get("versions", {}), versions()), (record.get("machine", {}), machine())]
    changes = [
        f"{name}: recorded with {recorded}, now {here.get(name, 'not installed')}."
        for then, here in parts
        for name, recorded in then.items()
        if here.get(name) != recorded
    ]
    return changes or ["Versions and machine are the recorded ones."]


def _is_equal(recorded: Any, now: Any) -> bool:  # noqa: ANN401 - any value of a record
    """Return whether two values are equal, numbers within the tolerance."""
    if isinstance(recorded, bool) or isinstance(now, bool) or recorded is None:
        return recorded is now
    if isinstance(recorded, list | tuple) and isinstance(now, list | tuple):
        return len(recorded) == len(now) and all(map(_is_equal, recorded, now))
    if isinstance(recorded, str) or isinstance(now, str):
        return bool(recorded == now)
    try:
        return math.isclose(recorded, now, rel_tol=0, abs_tol=TOLERANCE)
    except TypeError:
        return False


def _in_units(seconds: float) -> str:
    """Return a time in the unit that suits it."""
    factor, unit = (1e6, "µs") if seconds < 1e-3 else (1e3, "ms") if seconds < 1 else (1, "s")
    return f"{seconds * factor:.3g} {unit}"


def _shown(value: Any) -> str:  # noqa: ANN401 - any value of a record
    """Return a value as a cell of the table."""
    if isinstance(value, float):
        return f"{value:.6g}"
    if isinstance(value, list | tuple):
        text = f"[{', '.join(map(_shown, value))}]"
    else:
        text = value if isinstance(value, str) else str(value)
    text = "".join(character if character.isprintable() else "?" for character in text)
    return text if len(text) <= LONGEST else f"{text[: LONGEST - 1]}…"
