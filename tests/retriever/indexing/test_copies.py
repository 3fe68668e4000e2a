"""Copies among passages are counted as brute force counts them, and fast."""

import time

import numpy as np
import pytest

from retriever.indexing.copies import Copies, count_copies
from tests.support.small import collection_of, passage_of, sentences


@pytest.mark.parametrize("order", ["C", "F"])
def test_copies_are_counted_as_by_brute_force(order):
    rng = np.random.default_rng(3)
    for n in (0, 1, 2, 40, 300):
        vectors = rng.normal(size=(max(n // 2, 1), 5)).astype(np.float32)[rng.integers(0, max(n // 2, 1), n)]
        texts = [str(number) for number in rng.integers(0, 2 * n + 1, n)]
        alike = (vectors[:, None] == vectors[None]).all(axis=2).sum(axis=1) if n else np.zeros(0, int)
        expected = Copies(
            int((alike > 1).sum()), sum(texts.count(text) > 1 for text in texts), int(alike.max(initial=0))
        )
        assert count_copies(np.array(vectors, order=order), [passage_of(text) for text in texts]) == expected


def test_fifty_thousand_vectors_take_well_below_a_second():
    vectors = np.asfortranarray(np.random.default_rng(0).normal(size=(50_000, 384)).astype(np.float32))
    vectors[20_000:23_000] = vectors[0]
    passages = [passage_of(f"text {row}") for row in range(50_000)]
    start = time.thread_time()
    assert count_copies(vectors, passages) == Copies(3_001, 0, 3_001)
    assert time.thread_time() - start < 1


def test_collections_with_other_graphs_share_the_count(fake_encoder, monkeypatch):
    indexed = collection_of(fake_encoder, [*sentences(20), sentences(1)[0], sentences(2)[1]])
    assert indexed.measurements.copies == Copies(4, 4, 2)
    other = indexed.with_graph(4, 20)
    monkeypatch.setattr("retriever.indexing.measurements.count_copies", None)  # would fail
    assert other.measurements.copies == Copies(4, 4, 2)
