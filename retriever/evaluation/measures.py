"""Measures of retrieval quality, per query and their means, computed by trec_eval's own code.

trec_eval's names are kept. success_k: 1 if a relevant document is among the first k, else 0; its mean is the hit rate.
recall_k: the share of all relevant documents that is among the first k. ndcg_cut_k: the sum of the grades of the first
k, discounted by rank, relative to that of the ideal ranking. recip_rank: 1 / rank of the first relevant document. map:
the precision at the rank of each relevant document, averaged.
Source: trec_eval 9 (NIST) through pytrec-eval-terrier.
"""

import reprlib
import threading
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from numbers import Integral
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from pandas import DataFrame

from retriever.errors import CollectionError
from retriever.evaluation.trec import MAX_GRADE, Qrels, Run, in_rank_order, judged_only
from retriever.parameters import MAX_K, check_count
from retriever.vectors import Float64

# trec_eval's C code keeps its rankings in static memory. A garbage collection inside of it may let another thread run,
# and an evaluation there would free that memory under the first.
_TREC_EVAL_LOCK = threading.Lock()


@dataclass(frozen=True, eq=False)
class Evaluation:
    """Measures of one run: per_query is query id -> measure -> value in [0, 1], in the order of the qrels."""

    k: int
    relevance_level: int
    per_query: Mapping[str, Mapping[str, float]]

    @cached_property
    def mean(self) -> Mapping[str, float]:
        """The mean of each measure over the judged queries."""
        return {measure: float(self.values(measure).mean()) for measure in measure_names(self.k)}

    def values(self, measure: str) -> Float64:
        """Return one measure of each judged query, (n_queries,)."""
        return np.array([values[measure] for values in self.per_query.values()])

    @property
    def hit_rate(self) -> float:
        """The share of the judged queries with a relevant document among the first k."""
        return self.mean[f"success_{self.k}"]

    @property
    def hits(self) -> Mapping[str, bool]:
        """Whether a relevant document is among the first k, by query id."""
        return {query_id: values[f"success_{self.k}"] == 1 for query_id, values in self.per_query.items()}

    def to_frame(self) -> "DataFrame":
        """Return a data frame of pandas with a row for each judged query: query_id, and a column for each measure."""
        from pandas import DataFrame

        columns = {measure: self.values(measure) for measure in measure_names(self.k)}
        return DataFrame({"query_id": list(self.per_query), **columns})


def measure_names(k: int) -> tuple[str, ...]:
    """Return trec_eval's names of the measures at k; the first is that of the hit rate."""
    return f"success_{k}", f"ndcg_cut_{k}", f"recall_{k}", "recip_rank", "map"


def evaluate(qrels: Qrels, run: Run, *, k: int = 10, relevance_level: int = 1) -> Evaluation:
    """Return trec_eval's measures of a run.

    A document is relevant if its grade is at least relevance_level (trec_eval's -l; ndcg_cut uses every grade above 0).
    A judged query that is missing from the run or has no documents there counts as 0 (trec_eval's -c), queries without
    judgments are left out. Documents rank by score, equal scores in the run's order: trec_eval would order those by id,
    so it gets ranks as scores. Threads take turns. Raises CollectionError if nothing is judged, ParameterError if k or
    relevance_level is below 1 or above MAX_K or MAX_GRADE.
    """
    import pytrec_eval

    k = check_count("k", k, 1, MAX_K)
    level = check_count("relevance_level", relevance_level, 1, MAX_GRADE)
    judged = judged_only(qrels)
    if not judged:
        raise CollectionError("There are no judgments; pass qrels with at least one judged document.")
    names = measure_names(k)
    requested = {name.replace(f"_{k}", f".{k}") for name in names}
    grades, ranks = _with_numeric_ids(judged, run)
    with _TREC_EVAL_LOCK:
        results = pytrec_eval.RelevanceEvaluator(grades, requested, relevance_level=level).evaluate(ranks)
    zeros = dict.fromkeys(names, 0.0)
    return Evaluation(k, level, {query_id: results.get(f"{n}", zeros) for n, query_id in enumerate(judged)})


def _grade(grade: object) -> int:
    """Return a grade as an int. Raises CollectionError unless it is a whole number up to MAX_GRADE."""
    if isinstance(grade, bool) or not isinstance(grade, Integral) or abs(int(grade)) > MAX_GRADE:
        raise CollectionError(f"A grade is {reprlib.repr(grade)}; it must be a whole number up to {MAX_GRADE:,}.")
    return int(grade)


def _with_numeric_ids(judged: Qrels, run: Run) -> tuple[dict[str, dict[str, int]], dict[str, dict[str, float]]]:
    """Return grades and rankings with numbers instead of ids, and ranks instead of scores.

    trec_eval is written in C: an id with a NUL ends there, and one that UTF-8 cannot encode ends the process. So does a
    query whose grades are all below -1; no measure here tells a grade below 0 from 0.
    """
    grades: dict[str, dict[str, int]] = {}
    ranks: dict[str, dict[str, float]] = {}
    for n, (query_id, documents) in enumerate(judged.items()):
        ranking = in_rank_order(run.get(query_id, {}))
        number = {doc_id: f"{position}" for position, doc_id in enumerate(dict.fromkeys([*ranking, *documents]))}
        grades[f"{n}"] = {number[doc_id]: max(0, _grade(grade)) for doc_id, grade in documents.items()}
        if ranking:
            ranks[f"{n}"] = {number[doc_id]: float(-rank) for rank, doc_id in enumerate(ranking)}
    return grades, ranks
