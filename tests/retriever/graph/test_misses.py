"""Explanations of misses, checked against the graph, and smallest_ef_for, against hnswlib's own search."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from retriever.errors import ParameterError, VectorError
from retriever.graph.misses import explain_misses, mark_missed, smallest_ef_for
from retriever.graph.traversal import HNSWGraph
from retriever.indexes.base import NO_ID, Neighbors
from retriever.indexes.exact import ExactIndex
from retriever.indexes.hnsw import HNSWIndex
from retriever.indexes.recall import knn_recall
from retriever.vectors import normalize
from tests.retriever.graph.test_traversal import repeated
from tests.support.hnsw_by_hand import GraphByHand
from tests.support.true_neighbors import true_neighbors, true_scores


class Searched:
    """An index, its graph, the nodes that link to each node, and the true neighbours."""

    def __init__(self, index):
        self.index, self.graph = index, HNSWGraph.of(index)
        links = GraphByHand(index).links[0]
        self.linking = {node: {other for other, targets in links.items() if node in targets} for node in links}

    def true(self, query, k):
        return true_neighbors(self.graph.vectors, query[None], k)[0].tolist()

    def finds(self, query, k, ef, node):
        """Return whether hnswlib's own search finds a node."""
        return node in self.index.search(query[None, :], k, ef=ef).ids[0].tolist()

    def check(self, query, k, ef):
        """Check the explanations of all misses of one walk, and return them."""
        walk, scores = self.graph.walk(query, k, ef), true_scores(self.graph.vectors, query[None])[0]
        ids = [node for node in self.index.search(query[None], k, ef=ef).ids[0].tolist() if node != NO_ID]
        true = self.true(query, k)
        found = explain_misses(self.graph, query, walk, true)
        last = scores[ids].min() + 1e-6 if len(ids) == k else -2  # as near as the last one found is no miss
        assert [miss.node for miss in found] == [n for n in true if n != NO_ID and n not in ids and scores[n] > last]
        for miss in found:
            assert miss.node not in walk.looked_at, "its distance was computed, and yet it was not found"
            assert miss.linking == tuple(sorted(self.linking[miss.node]))
            assert miss.looked_at == tuple(sorted(self.linking[miss.node] & walk.looked_at))
            assert miss.expanded == ()
            assert not self.linking[miss.node] & walk.expanded
            if miss.smallest_ef is None:
                assert not self.finds(query, k, len(self.graph), miss.node)
            else:
                assert miss.smallest_ef > max(ef, k)
                widths = (miss.smallest_ef - 1, miss.smallest_ef)
                assert [self.finds(query, k, width, miss.node) for width in widths] == [False, True]
        return found


def starved(n, dim, seed, **settings):
    rng = np.random.default_rng(seed)
    index = HNSWIndex(rng.normal(size=(n, dim)), **({"M": 2, "ef_construction": 4} | settings))
    return Searched(index), rng.normal(size=(25, dim)).astype(np.float32)


@settings(max_examples=120, deadline=None)
@given(st.data())
def test_misses_over_random_vectors(data):
    seed, n, dim, k = (data.draw(st.integers(*ends)) for ends in ((0, 2**32 - 1), (1, 150), (4, 16), (1, 170)))
    M, ef_construction = data.draw(st.integers(2, 5)), data.draw(st.integers(1, 12))
    searched, queries = starved(n, dim, seed, M=M, ef_construction=ef_construction)
    searched.check(queries[0], k, k + data.draw(st.integers(0, 10)))


def test_misses_where_texts_repeat():
    found = []
    for seed in range(25):
        index, queries, k, ef = repeated(seed)
        searched = Searched(index)
        found += [miss for query in queries for miss in searched.check(query, k, max(k, ef))]
    assert len(found) > 50
    assert any(miss.smallest_ef for miss in found)
    assert any(miss.looked_at for miss in found)


def test_no_smaller_ef_finds_it_and_every_larger_one_does():
    searched, queries = starved(120, 8, 3)
    efs = []
    for query in queries:
        for miss in searched.check(query, 5, 5):
            finding = [ef for ef in range(1, 131) if searched.finds(query, 5, ef, miss.node)]
            assert finding == (list(range(miss.smallest_ef, 131)) if miss.smallest_ef else [])
            for above in (0, 5, finding[0] - 1) if finding else (0, 119, 120, 1000):
                assert smallest_ef_for(searched.graph, query, 5, miss.node, above=above) == miss.smallest_ef
            efs.append(miss.smallest_ef)
    assert efs.count(None) > 3, "some are to be found by no search"
    assert len(set(efs)) > 15, "and others at many an ef"


def test_only_what_was_not_found_is_explained_in_the_order_given():
    searched, queries = starved(200, 8, 1)
    for query in queries[:5]:
        walk, true = searched.graph.walk(query, 10, 10), searched.true(query, 10)
        missed = [node for node in true if node not in walk.ids.tolist()]
        found = explain_misses(searched.graph, query, walk, np.array([NO_ID, *true[::-1], NO_ID]))
        assert [miss.node for miss in found] == missed[::-1]
        assert all(type(value) is int for miss in found for value in (miss.node, *miss.linking))
        assert explain_misses(searched.graph, query, walk, []) == []
    assert found


# --- cost and bad input


def test_the_smallest_ef_takes_few_walks_and_keeps_no_beams(monkeypatch):
    searched, queries = starved(400, 8, 3)
    walk, kept = searched.graph.walk, []

    def spy(*args, **options):
        found = walk(*args, **options)
        kept.append(any(step.heap for step in found.steps if step.layer == 0))
        return found

    monkeypatch.setattr(searched.graph, "walk", spy)
    sought = 0
    for query in queries:
        kept.clear()
        found = explain_misses(searched.graph, query, walk(query, 5, 5), searched.true(query, 5))
        assert len(kept) <= len(found) * 2 * np.ceil(np.log2(400))  # ef is doubled, then bisected
        assert not any(kept)
        sought += sum(miss.smallest_ef is not None for miss in found)
    assert sought > 20


def test_a_query_that_does_not_fit_is_refused():
    searched, (query, *_) = starved(200, 8, 1)
    walk = searched.graph.walk(query, 10, 10)
    missed = [node for node in searched.true(query, 50) if node not in walk.ids.tolist()]
    for bad in (query[:-1], np.full_like(query, np.nan), None):
        with pytest.raises(VectorError):
            explain_misses(searched.graph, bad, walk, missed)
        with pytest.raises(VectorError):
            smallest_ef_for(searched.graph, bad, 10, missed[0], above=10)
    with pytest.raises(ParameterError, match="^k is"):
        smallest_ef_for(searched.graph, query, 0, missed[0], above=10)


# --- which neighbours count as missed


def test_as_many_are_marked_as_missed_as_recall_says_also_where_copies_tie():
    vectors = normalize(np.array([[1, 0], [1, 0], [1, 0], [0.8, 0.6], [0, 1]], np.float32))
    queries = normalize(np.array([[1, 0.01], [0.8, 0.6]], np.float32))
    exact = ExactIndex(vectors).search(queries, 2)
    ids = np.array([[2, 4], [4, 3]])  # the first finds a copy in place of 0 or 1; the second misses the copies
    found = Neighbors(ids, np.take_along_axis(true_scores(vectors, queries), ids, axis=1).astype(np.float32))
    recall = knn_recall(exact, found)
    for row in range(2):
        missed, extra = mark_missed(exact, found, row)
        assert sum(missed) == sum(extra) == round((1 - recall[row]) * 2) == 1
    assert mark_missed(exact, exact) == ([False, False], [False, False])


def test_places_that_nothing_fills_are_not_missed():
    few = ExactIndex(np.eye(3, dtype=np.float32)).search(np.eye(3, dtype=np.float32)[:1], 5)
    nothing = Neighbors(np.full((1, 5), NO_ID), np.full((1, 5), -np.inf, np.float32))
    assert mark_missed(few, nothing) == ([True] * 3, [])
