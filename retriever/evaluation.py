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
from numpy.typing import NDArray

from retriever.errors import CollectionError
from retriever.index import LARGEST_K, check_count
from retriever.trec import LARGEST_GRADE, Qrels, Run

Float64 = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Evaluation:
    """Hold the measures of one run: per_query is query id -> measure -> value in [0, 1], in the order of the qrels."""

    k: int
    relevance_level: int
    per_query: Mapping[str, Mapping[str, float]]

    @cached_property
    def mean(self) -> Mapping[str, float]:
        """Mean of each measure over the judged queries."""
        return {measure: float(self.values(measure).mean()) for measure in measures(self.k)}

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


def measures(k: int) -> tuple[str, ...]:
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
    judged = {query_id: dict(documents) for query_id, documents in qrels.items() if documents}
    if not judged:
        raise CollectionError("There are no judgments; pass qrels with at least one judged document.")
    names = measures(k)
    wanted = {name.replace(f"_{k}", f".{k}") for name in names}
    ranks = {query_id: _ranks(run[query_id]) for query_id in judged if run.get(query_id)}
    found = pytrec_eval.RelevanceEvaluator(judged, wanted, relevance_level=level).evaluate(ranks)
    nothing = dict.fromkeys(names, 0.0)
    return Evaluation(k, level, {query_id: found.get(query_id, nothing) for query_id in judged})


def _ranks(documents: Mapping[str, float]) -> dict[str, float]:
    """Return scores that fall by 1 from document to document, best first, equal scores in the order given."""
    best_first = sorted(documents, key=lambda doc_id: -documents[doc_id])  # stable
    return {doc_id: float(-rank) for rank, doc_id in enumerate(best_first)}
