"""Collections to walk on, with the truth about a question in float64 and what hnswlib's own search finds."""

from dataclasses import replace

import numpy as np

from retriever.indexes.base import NO_ID
from retriever.vectors import normalize
from tests.support.small import collection_of
from tests.support.true_neighbors import true_scores as cosines
from ui.inputs import SearchSettings
from ui.walk.trace import trace_question

STARVED = {"M": 2, "ef_construction": 5}


def lab(encoder, texts, **fields):
    """Index texts as collection_of does, with measuring queries of unit length as in the app."""
    indexed = collection_of(encoder, texts, **fields)
    return replace(indexed, query_vectors=normalize(indexed.query_vectors))


def true_scores(indexed, query):
    """Return the cosine of a question with every text, in float64."""
    return cosines(indexed.retriever.vectors, query[None])[0]


def by_hnswlib(indexed, query, k, ef):
    ids = indexed.retriever.hnsw.search(query[None, :], k, ef=ef).ids[0]
    return ids[ids != NO_ID].tolist()


def count_found(indexed, query, k, ef):
    """Return how many hnswlib finds that are as near as the true k-th neighbour."""
    scores = true_scores(indexed, query)
    found = scores[by_hnswlib(indexed, query, k, ef)]
    return int((found >= np.sort(scores)[::-1][:k][-1] - 2e-6).sum())


def traced(indexed, question="amber", k=10, ef=10):
    """Return the trace of a question's walk."""
    return trace_question(question, SearchSettings.of(k, ef), indexed)
