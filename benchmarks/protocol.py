"""How the benchmarks measure: peers take turns in every round, so that a noisy machine is noisy for all of them.

A ratio is taken within each round, and the median of the rounds is given with the quartiles: what changes from one
round to the next, such as a neighbour on the same machine, changes both sides of a ratio.
"""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray

from retriever.vectors import Float32

Values = NDArray[np.float64]


@dataclass(frozen=True)
class Target:
    """The largest first value wanted: at most `most` times a peer's, or without a peer `most` in its unit."""

    most: float
    peer: str = ""

    @classmethod
    def read(cls, written: str) -> Self:
        """Parse a target as the table shows it."""
        most, _, peer = written.removeprefix("≤ ").partition(" × ")
        return cls(float(most), peer)

    def __str__(self) -> str:
        """Write it as the table shows it."""
        return f"≤ {self.most:.3g} × {self.peer}" if self.peer else f"≤ {self.most:.3g}"


@dataclass(frozen=True, eq=False)
class Comparison:
    """One line of a table: the values of each round, this project's first.

    case: what was done. unit: of the values. values: name -> (rounds,), the first name is this project's.
    """

    case: str
    unit: str
    values: Mapping[str, Values]
    targets: Sequence[Target] = ()

    @property
    def ours(self) -> str:
        """The name of this project's values."""
        return next(iter(self.values))

    @property
    def peers(self) -> list[str]:
        """The names of the others' values."""
        return list(self.values)[1:]

    def targets_of(self, peer: str = "") -> list[Target]:
        """Return the targets that name a peer, or those that name none."""
        return [target for target in self.targets if target.peer == peer]

    def ratio(self, peer: str) -> Values:
        """Return the ratio of this project's value to a peer's in each round, (rounds,); 1 where both are 0."""
        ours, theirs = self.values[self.ours], self.values[peer]
        with np.errstate(divide="ignore", invalid="ignore"):
            return np.where(ours == theirs, 1.0, ours / theirs)

    def met(self, target: Target) -> bool:
        """Whether the median is within a target."""
        found = self.ratio(target.peer) if target.peer else self.values[self.ours]
        return float(np.median(found)) <= target.most


def interleaved(cases: Mapping[str, Callable[[], float]], rounds: int) -> dict[str, Values]:
    """Run every case once per round, starting with another one in each; a warm-up round before them is discarded."""
    names = list(cases)
    values: dict[str, list[float]] = {name: [] for name in names}
    for number in range(-1, rounds):
        start = number % len(names)
        for name in names[start:] + names[:start]:
            value = cases[name]()
            if number >= 0:
                values[name].append(value)
    return {name: np.array(found) for name, found in values.items()}


def wall(work: Callable[[], object], *, scale: float = 1.0) -> Callable[[], float]:
    """Return a function that measures the wall-clock seconds of a call, times scale."""

    def measured() -> float:
        start = time.perf_counter()
        work()
        return (time.perf_counter() - start) * scale

    return measured


def one_at_a_time(search: Callable[[Float32], object], queries: Float32) -> Callable[[], float]:
    """Return a function that searches each query, (1, dim), by itself and returns the median microseconds."""
    each = [queries[row : row + 1] for row in range(len(queries))]

    def measured() -> float:
        nanoseconds = []
        for query in each:
            start = time.perf_counter_ns()
            found = search(query)  # kept until the next one, as a user would
            nanoseconds.append(time.perf_counter_ns() - start)
        del found
        return float(np.median(nanoseconds)) / 1e3

    return measured
