"""Comparison of two runs on the same queries: the size of the difference, and whether it could be chance.

Both are estimated from the queries themselves. The bootstrap draws as many queries, with replacement, many times: the
middle 95 % of their means is the interval. The randomization test swaps the two runs' values of each query at
random: p is the share of swaps whose mean difference is at least as large as the one observed.
Source: Smucker, Allan and Carterette, "A comparison of statistical significance tests for information retrieval
evaluation", CIKM 2007; computed by SciPy. Where several p stand beside one another, each is corrected by Holm's method:
chance alone gives any of them below 0.05 in at most 5 of 100 cases.
"""

from collections.abc import Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, TypeVar

import numpy as np

if TYPE_CHECKING:
    from pandas import DataFrame

from retriever.errors import CollectionError
from retriever.evaluation.measures import Evaluation
from retriever.vectors import Float64

RESAMPLES = 10_000
SEED = 42
VALUES_PER_BATCH = 2_000_000  # resampled values in memory at once
SIGNIFICANT = 0.05
TIE_TOLERANCE = 1e-9  # values of a query that differ by less are a tie
Key = TypeVar("Key", bound=Hashable)


@dataclass(frozen=True)
class Interval:
    """Mean and the 95 % bootstrap confidence interval around it; low and high are NaN for a single query."""

    mean: float
    low: float
    high: float


@dataclass(frozen=True, eq=False)
class Comparison:
    """Comparison of a first and a second run by one measure; differences, by query id, are first minus second.

    p: of the paired randomization test, two-sided. corrected_p: the same for what was tested together with others, see
    correct_together. wins, ties, losses: of the first run, in queries.
    """

    measure: str
    first: Interval
    second: Interval
    difference: Interval
    p: float
    corrected_p: float
    differences: Mapping[str, float]

    @property
    def wins(self) -> int:
        """The number of queries for which the first run is better."""
        return sum(value > TIE_TOLERANCE for value in self.differences.values())

    @property
    def losses(self) -> int:
        """The number of queries for which the second run is better."""
        return sum(value < -TIE_TOLERANCE for value in self.differences.values())

    @property
    def ties(self) -> int:
        """The number of queries for which both runs are equal."""
        return len(self.differences) - self.wins - self.losses

    @property
    def significant(self) -> bool:
        """Whether chance alone would produce so large a difference among those tested in fewer than 5 of 100 cases."""
        return self.corrected_p < SIGNIFICANT

    def to_frame(self) -> "DataFrame":
        """Return a data frame of pandas with a row for each query: query_id, measure, and the difference."""
        from pandas import DataFrame

        columns = {"query_id": list(self.differences), "measure": self.measure}
        return DataFrame({**columns, "difference": list(self.differences.values())})


def compare(first: Evaluation, second: Evaluation, measure: str) -> Comparison:
    """Compare two evaluations of the same queries by one measure.

    Raises CollectionError if the queries, k or the relevance level differ.
    """
    if list(first.per_query) != list(second.per_query):
        raise CollectionError("The two evaluations have different queries; evaluate both runs with the same qrels.")
    if (first.k, first.relevance_level) != (second.k, second.relevance_level):
        raise CollectionError("The two evaluations have another k or relevance level; evaluate both runs alike.")
    a, b = first.values(measure), second.values(measure)  # (n_queries,)
    differences = a - b
    p = _randomization_p(differences)
    return Comparison(
        measure,
        bootstrap_interval(a),
        bootstrap_interval(b),
        bootstrap_interval(differences),
        p,
        p,
        dict(zip(first.per_query, differences.tolist(), strict=True)),
    )


def correct_together(comparisons: Mapping[Key, Comparison]) -> dict[Key, Comparison]:
    """Return comparisons of which all are tested: their p corrected for that by Holm's method."""
    corrected = holm([found.p for found in comparisons.values()])
    return {
        name: replace(found, corrected_p=p) for (name, found), p in zip(comparisons.items(), corrected, strict=True)
    }


def comparison_table(comparisons: Iterable[Comparison]) -> "DataFrame":
    """Return a data frame of pandas with a row for each comparison: its means, its difference, and how sure that is.

    low, high: the 95 % interval of the difference; wins, ties, losses: of the first run, in queries.
    """
    from pandas import DataFrame

    rows = [
        {
            "measure": found.measure,
            "first": found.first.mean,
            "second": found.second.mean,
            "difference": found.difference.mean,
            "low": found.difference.low,
            "high": found.difference.high,
            "p": found.p,
            "corrected_p": found.corrected_p,
            "wins": found.wins,
            "ties": found.ties,
            "losses": found.losses,
        }
        for found in comparisons
    ]
    return DataFrame(rows)


def holm(ps: Sequence[float]) -> list[float]:
    """Return p values corrected by Holm's step-down method: the i-th smallest of m times m - i + 1, never falling.

    Source: Holm, "A simple sequentially rejective multiple test procedure", Scandinavian Journal of Statistics 6, 1979.
    """
    order = np.argsort(ps, kind="stable")
    scaled = np.asarray(ps, float)[order] * np.arange(len(ps), 0, -1)
    corrected = np.empty(len(ps))
    corrected[order] = np.minimum(np.maximum.accumulate(scaled), 1.0)
    return corrected.tolist()


def bootstrap_interval(values: Float64) -> Interval:
    """Return the mean of values (n_queries,) and its 95 % bootstrap interval, by percentiles, with a fixed seed."""
    from scipy.stats import bootstrap

    mean = float(values.mean())
    if len(values) < 2:
        return Interval(mean, float("nan"), float("nan"))
    batch = max(1, VALUES_PER_BATCH // len(values))
    rng = np.random.default_rng(SEED)
    result = bootstrap((values,), np.mean, n_resamples=RESAMPLES, batch=batch, method="percentile", rng=rng)
    return Interval(mean, float(result.confidence_interval.low), float(result.confidence_interval.high))


def _randomization_p(differences: Float64) -> float:
    """Return p of the paired randomization test; swapping a query's two values changes the sign of its difference."""
    from scipy.stats import permutation_test

    if len(differences) < 2:
        return 1.0
    batch = max(1, VALUES_PER_BATCH // len(differences))
    test = permutation_test(
        (differences,),
        np.mean,
        permutation_type="samples",
        n_resamples=RESAMPLES,
        batch=batch,
        rng=np.random.default_rng(SEED),
    )
    return float(test.pvalue)
