"""Retrieval quality by trec_eval's own code: measures a query and their means.

trec_eval's names are kept. success_k: 1 if an answer is among the first k, else 0; its mean is the hit rate. recall_k:
the share of all answers that is among the first k. ndcg_cut_k: answers count more the higher they stand, and by their
grade. recip_rank: 1 / rank of the first answer. map: precision at the rank of each answer, averaged.
Source: trec_eval 9 (NIST) through pytrec-eval-terrier.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from retriever.errors import CollectionError
from retriever.evaluation.trec import LARGEST_GRADE, Qrels, Run, in_rank_order
from retriever.parameters import LARGEST_K, check_count
from retriever.vectors import Float64


@dataclass(frozen=True, eq=False)
class Evaluation:
    """Hold the measures of one run: per_query is query id -> measure -> value in [0, 1], in the order of the qrels."""

    k: int
    relevance_level: int
    per_query: Mapping[str, Mapping[str, float]]

    @cached_property
    def mean(self) -> Mapping[str, float]:
        """Mean of each measure over the judged queries."""
        return {measure: float(self.values(measure).mean()) for measure in measure_names(self.k)}

    def values(self, measure: str) -> Float64:
        """Return one measure of every judged query, (n_queries,)."""
        return np.array([values[measure] for values in self.per_query.values()])

    @property
    def hit_rate(self) -> float:
        """Share of the judged queries with an answer among the first k."""
        return self.mean[f"success_{self.k}"]

    @property
    def hits(self) -> Mapping[str, bool]:
        """Whether an answer is among the first k, a query."""
        return {query_id: values[f"success_{self.k}"] == 1 for query_id, values in self.per_query.items()}


def measure_names(k: int) -> tuple[str, ...]:
    """Return the names of the measures at k: hit rate first, then as trec_eval names them."""
    return f"success_{k}", f"ndcg_cut_{k}", f"recall_{k}", "recip_rank", "map"


def evaluate(qrels: Qrels, run: Run, *, k: int = 10, relevance_level: int = 1) -> Evaluation:
    """Return trec_eval's measures of a run.

    A document is an answer if its grade is at least relevance_level (trec_eval's -l; ndcg_cut weighs every grade above
    0). A judged query that is missing from the run or found nothing counts as 0 (trec_eval's -c), queries without
    judgments are left out. Documents rank by score, equal ones in the run's order: trec_eval would order them by id,
    so it is given ranks. Raises CollectionError if nothing is judged, ParameterError for k or relevance_level below 1.
    """
    import pytrec_eval

    k = check_count("k", k, 1, LARGEST_K)
    level = check_count("relevance_level", relevance_level, 1, LARGEST_GRADE)
    judged = {query_id: documents for query_id, documents in qrels.items() if documents}
    if not judged:
        raise CollectionError("There are no judgments; pass qrels with at least one judged document.")
    names = measure_names(k)
    wanted = {name.replace(f"_{k}", f".{k}") for name in names}
    grades, ranks = _with_numeric_ids(judged, run)
    found = pytrec_eval.RelevanceEvaluator(grades, wanted, relevance_level=level).evaluate(ranks)
    nothing = dict.fromkeys(names, 0.0)
    return Evaluation(k, level, {query_id: found.get(f"{n}", nothing) for n, query_id in enumerate(judged)})


def _with_numeric_ids(judged: Qrels, run: Run) -> tuple[dict[str, dict[str, int]], dict[str, dict[str, float]]]:
    """Return grades and rankings under numbers in place of ids, and with ranks in place of scores.

    trec_eval is written in C: an id that holds a NUL ends there, and one that UTF-8 cannot hold ends the process.
    """
    grades: dict[str, dict[str, int]] = {}
    ranks: dict[str, dict[str, float]] = {}
    for n, (query_id, documents) in enumerate(judged.items()):
        ranking = in_rank_order(run.get(query_id, {}))
        number = {doc_id: f"{place}" for place, doc_id in enumerate(dict.fromkeys([*ranking, *documents]))}
        grades[f"{n}"] = {number[doc_id]: grade for doc_id, grade in documents.items()}
        if ranking:
            ranks[f"{n}"] = {number[doc_id]: float(-rank) for rank, doc_id in enumerate(ranking)}
    return grades, ranks
