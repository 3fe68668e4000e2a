"""Tests of the question that shows best what HNSW misses."""

import numpy as np

from retriever.experiments.telling_question import telling_question
from tests.support.small import collection_of, sentences


def test_it_has_the_most_misses_and_of_equal_ones_the_least_ef_helps(fake_encoder):
    poor = collection_of(fake_encoder, sentences(500), M=2, ef_construction=5)
    told = telling_question(poor, 10)
    at = {
        ef: poor.measurements.measure(10, ef).hnsw.recall for ef in (10, 11, 12, 13, 15, 20, 30, 40, 60, 100, 200, 400)
    }
    assert told.found == round(10 * at[10].min())
    enough = {
        query: [ef for ef, recall in at.items() if recall[row] > 1 - 1e-9] for row, query in enumerate(poor.queries)
    }
    assert told.enough == min(enough[told.question], default=None)
    worst = [poor.queries[row] for row in np.flatnonzero(at[10] < at[10].min() + 1e-6)]
    assert told.question in worst
    assert min(enough[told.question], default=1_000) == min(min(enough[query], default=1_000) for query in worst)


def test_of_few_passages_nothing_is_missed(fake_encoder):
    told = telling_question(collection_of(fake_encoder, sentences(3)), 10)
    assert (told.k, told.found, told.enough) == (3, 3, 3)
