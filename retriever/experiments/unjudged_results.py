"""Unjudged results: how many of the first results nobody judged, and how far the hit rates could change with them.

trec_eval counts a document without a judgment as no answer. Where few of the results were judged that says more about
the judging than about the search, so the bounds say what would hold if all or none of the unjudged were answers.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from retriever.evaluation.judged_queries import JudgedQueries
from retriever.evaluation.trec import Run, judged_only


@dataclass(frozen=True)
class UnjudgedResults:
    """What the unjudged of the first k results of two runs leave open.

    judged: the share of the first k results that is judged, of both runs. highest: both hit rates if each unjudged
    result were an answer. difference: the lowest and the highest difference of the hit rates, first minus second; a
    document that both found is an answer in both or in none.
    """

    judged: tuple[float, float]
    highest: tuple[float, float]
    difference: tuple[float, float]

    @property
    def could_change(self) -> bool:
        """Whether the difference of the hit rates could be another one."""
        return self.difference[0] < self.difference[1]


def unjudged_results(first: Run, second: Run, judged: JudgedQueries, k: int) -> UnjudgedResults:
    """Return what the unjudged of the first k results of two runs leave open; queries without judgments do not count.

    Runs are in the order of their ranks. Raises ZeroDivisionError if nothing is judged.
    """
    counted = judged_only(judged.qrels)
    lowest = most = 0
    could_hit = [0, 0]
    for query_id, grades in counted.items():
        tops = [list(run.get(query_id, {}))[:k] for run in (first, second)]
        hits = [any(grades.get(doc_id, 0) >= judged.relevance_level for doc_id in top) for top in tops]
        unknown = [[doc_id for doc_id in top if doc_id not in grades] for top in tops]
        most += _best(hits, unknown)
        lowest -= _best(hits[::-1], unknown[::-1])
        for side in (0, 1):
            could_hit[side] += hits[side] or bool(unknown[side])
    n = len(counted)
    shares = judged_share(first, judged.qrels, k), judged_share(second, judged.qrels, k)
    return UnjudgedResults(shares, (could_hit[0] / n, could_hit[1] / n), (lowest / n, most / n))


def judged_share(run: Run, qrels: Mapping[str, Mapping[str, int]], k: int) -> float:
    """Return the fraction of the first k documents that are judged, over all queries, in [0, 1]."""
    seen = [doc_id in qrels[query_id] for query_id, ranking in run.items() for doc_id in list(ranking)[:k]]
    return sum(seen) / max(len(seen), 1)


def _best(hits: Sequence[bool], unknown: Sequence[Sequence[str]]) -> int:
    """Return the largest difference that one query can have, first minus second: 1, 0 or -1."""
    if hits[0] or set(unknown[0]) - set(unknown[1]):  # found by the first alone: no answer of the second
        return 1 - hits[1]
    return bool(unknown[0]) - 1 if hits[1] else 0
