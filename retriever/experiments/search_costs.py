"""What searches cost: how long indexing took, how many bytes a search reads, and how long one question takes.

A question is timed from its text to its ranking: what a visitor waits for, the embedding of the question included. The
clock is that of the wall, as models compute in several threads. The searches take turns question by question, one at a
time, in a section in which no other timed or heavy work of this process runs.
"""

import time
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median

from retriever.experiments.judged_search import JudgedSearch
from retriever.fair_lock import MACHINE_LOCK

MOST_TIMED = 20  # questions
MOST_SECONDS = 5.0  # after which no further question is timed, so that slow retrievers keep nobody waiting


@dataclass(frozen=True)
class SearchCost:
    """What one search costs.

    seconds_to_index: of all passages; None where that was not measured here. searched_bytes: without the texts.
    query_seconds: of each timed question.
    """

    seconds_to_index: float | None
    searched_bytes: int
    query_seconds: Sequence[float]

    @property
    def p50(self) -> float:
        """The median of the seconds that a question takes."""
        return median(self.query_seconds)


def measure_costs(sides: Sequence[JudgedSearch], k: int) -> list[SearchCost]:
    """Return what each search costs, by the first judged questions, of which at least one is timed."""
    questions = list(sides[0].judged.asked.values())[:MOST_TIMED]
    seconds: list[list[float]] = [[] for _ in sides]
    with MACHINE_LOCK.exclusive():
        for side in sides:
            side.search_once(questions[0], k)  # what is loaded or compiled at first use is not timed
        ends = time.monotonic() + MOST_SECONDS
        for question in questions:
            MACHINE_LOCK.pause()
            for number, side in enumerate(sides):
                start = time.perf_counter()
                side.search_once(question, k)
                seconds[number].append(time.perf_counter() - start)
            if time.monotonic() > ends:
                break
    return [
        SearchCost(side.seconds_to_index, side.searched_bytes, tuple(of_side))
        for side, of_side in zip(sides, seconds, strict=True)
    ]
