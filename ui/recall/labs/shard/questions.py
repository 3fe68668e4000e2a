"""What is predicted of sharding before it is measured, and what was measured of it, as the same options."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from retriever.evaluation.significance import TIE_TOLERANCE, bootstrap_interval
from retriever.measurement.measurement import ratio_range
from retriever.measurement.sharding import ShardResult
from ui.render.numbers import is_about_one
from ui.render.predictions import ChoicePrediction

LESS, EQUAL, MORE = "less", "equal", "more"


@dataclass(frozen=True)
class Question:
    """A question on many shards beside one. label: what it asks for. better: the option that is a gain."""

    label: str
    prediction: ChoicePrediction
    better: str


QUESTIONS: Mapping[str, Question] = {
    "recall": Question(
        "Recall, each of 16 shards searched at the same ef, beside one graph",
        ChoicePrediction({MORE: "higher", EQUAL: "about equal", LESS: "lower"}),
        MORE,
    ),
    "distances": Question(
        "Distances, computed in all 16 shards together",
        ChoicePrediction({LESS: "fewer", EQUAL: "about as many", MORE: "more"}),
        LESS,
    ),
    "wait": Question(
        "Latency, if 16 machines search at once and a query waits for the slowest",
        ChoicePrediction({LESS: "shorter", EQUAL: "about equal", MORE: "longer"}),
        LESS,
    ),
}


def outcomes(results: Sequence[ShardResult]) -> dict[str, str]:
    """Return the option of each question that was measured: of the most shards beside one.

    Recall differs if the 95 % bootstrap interval of the queries' differences does not contain 0; distances if their
    ratio does not read as 1.0; latency if that holds and the spread of the ratio does not contain 1.
    """
    one, many = results[0], results[-1]
    gain = bootstrap_interval(many.recall - one.recall)
    low, high = ratio_range(many.waits, one.waits)
    wait = many.fan_out.median / one.fan_out.median
    return {
        "recall": MORE if gain.low > TIE_TOLERANCE else LESS if gain.high < -TIE_TOLERANCE else EQUAL,
        "distances": _compared(many.mean_distances / max(one.mean_distances, 1)),
        "wait": EQUAL if low <= 1 <= high else _compared(wait),
    }


def _compared(ratio: float) -> str:
    """Return the option that a ratio of many shards to one stands for."""
    return EQUAL if is_about_one(ratio) else MORE if ratio > 1 else LESS
