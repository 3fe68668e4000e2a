"""Reciprocal rank fusion: several runs made into one by the ranks of their documents.

A run's scores are not compared with another's: a BM25 score and a cosine have no common measure, but ranks have.
Source: Cormack, Clarke and Büttcher, Reciprocal Rank Fusion Outperforms Condorcet and Individual Rank Learning Methods,
SIGIR 2009, whose k is 60.
"""

import math
from collections import defaultdict
from collections.abc import Mapping, Sequence
from itertools import islice

from retriever.errors import ParameterError
from retriever.evaluation.trec import Run, in_rank_order
from retriever.parameters import MAX_K, check_count


def fuse(*runs: Run, k: int = 60, depth: int = 100) -> Run:
    """Return the run in which a document's score is the sum of 1 / (k + its rank) over the runs that rank it.

    Ranks count from 1, by score; equal scores in the order of the run. k: the larger, the less the first ranks weigh
    more than later ones. depth: how many documents of each run are looked at, and of the result kept. Equal sums go by
    document id. A query is answered by the runs that have it, so the result has the queries of all runs, in the order
    in which they first occur. Raises ParameterError for no runs, a k below 0 or a depth below 1.
    """
    if not runs:
        raise ParameterError("There are no runs to fuse; pass at least one, as in fuse(run, run).")
    check_count("k", k, 0)
    depth = check_count("depth", depth, 1, MAX_K)
    return {
        query_id: _fused([run[query_id] for run in runs if query_id in run], k, depth)
        for query_id in dict.fromkeys(query_id for run in runs for query_id in run)
    }


def _fused(rankings: Sequence[Mapping[str, float]], k: int, depth: int) -> dict[str, float]:
    """Return the fused documents of one query, best first."""
    parts: dict[str, list[float]] = defaultdict(list)
    for documents in rankings:
        for rank, doc_id in enumerate(islice(in_rank_order(documents), depth), 1):
            parts[doc_id].append(1 / (k + rank))
    scores = {doc_id: math.fsum(shares) for doc_id, shares in parts.items()}  # the same in whatever order of the runs
    return dict(sorted(scores.items(), key=lambda item: (-item[1], item[0]))[:depth])
