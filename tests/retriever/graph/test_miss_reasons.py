"""Explanations of misses, checked against the graph, and the smallest ef, against hnswlib's own search at every ef."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from retriever.errors import VectorError
from retriever.graph.miss_reasons import explain_misses
from retriever.graph.misses import mark_missed
from retriever.graph.traversal import HNSWGraph
from retriever.indexes.base import NO_ID, SCORE_TIE
from retriever.indexes.exact import ExactIndex
from retriever.indexes.hnsw import HNSWIndex
from retriever.vectors import normalize
from tests.retriever.graph.test_traversal import repeated
from tests.support.hnsw_by_hand import GraphByHand


class Searched:
    """An index, its graph, the nodes that link to each node, and exact search over the same vectors."""

    def __init__(self, index):
        self.index, self.graph = index, HNSWGraph.of(index)
        links = GraphByHand(index).links[0]
        self.linking = {node: {other for other, targets in links.items() if node in targets} for node in links}
        self.exact = ExactIndex(self.graph.vectors)

    def missed(self, query, k, ef):
        """Return the ids that hnswlib's own search misses."""
        exact = self.exact.search(query[None], k)
        marks, _ = mark_missed(exact, self.index.search(query[None], k, ef=ef))
        return {node for node, mark in zip(exact.ids[0].tolist(), marks, strict=False) if mark}

    def explained(self, query, k, ef):
        """Return the explanations of all misses of one walk."""
        exact = self.exact.search(query[None], k)
        return explain_misses(self.index, self.graph, query, self.graph.walk(query, k, ef), exact)

    def check(self, query, k, ef, *, rounding=False):
        """Check the explanations of all misses of one walk, and return them; rounding: whether some nearly tie."""
        walk, found = self.graph.walk(query, k, ef), self.explained(query, k, ef)
        if not rounding:  # else hnswlib may go another way
            assert {miss.node for miss in found} == self.missed(query, k, ef)
        larger = range(max(ef, k) + 1, len(self.graph) + 2) if found else ()
        by_ef = {width: self.index.search(query[None], k, ef=width).ids[0] for width in larger}
        for miss in found:
            assert miss.linking == tuple(sorted(self.linking[miss.node]))
            assert miss.looked_at == tuple(sorted(self.linking[miss.node] & walk.looked_at))
            assert miss.expanded == ()
            assert miss.node not in walk.looked_at, "its distance was computed, and yet it was not found"
            assert miss.smallest_ef == min(self.finding(query, k, miss.node, by_ef), default=None)
            if miss.smallest_ef:
                assert miss.node not in self.missed(query, k, miss.smallest_ef), "nor is it marked as missed"
        return found

    def finding(self, query, k, node, by_ef):
        """Return each ef whose ids hold a node, or as many of its score as the exact neighbours do."""
        far = self.graph.distances(normalize(query[None]))
        exact = self.exact.search(query[None], k).ids[0]
        ties = np.isin(exact, np.flatnonzero(np.abs(far - far[node]) <= SCORE_TIE)).sum()
        tied = {ef: (np.abs(far[ids[ids != NO_ID]] - far[node]) <= SCORE_TIE).sum() for ef, ids in by_ef.items()}
        return [ef for ef, ids in by_ef.items() if node in ids or tied[ef] >= ties]


def starved(n, dim, seed, **settings):
    rng = np.random.default_rng(seed)
    index = HNSWIndex(rng.normal(size=(n, dim)), **({"M": 2, "ef_construction": 4} | settings))
    return Searched(index), rng.normal(size=(25, dim)).astype(np.float32)


def crowded(seed, *, spread=0.0):
    """Return an index most of whose vectors are copies of a few, or differ from them by `spread`, and queries."""
    rng = np.random.default_rng(seed)
    n, dim, n_copied = int(rng.integers(100, 400)), int(rng.integers(3, 12)), int(rng.integers(1, 4))
    vectors = rng.normal(size=(n, dim))
    copies = rng.random(n) < rng.choice([0.3, 0.6, 0.9])
    vectors[copies] = vectors[rng.integers(0, n_copied, copies.sum())]
    vectors = normalize(vectors.astype(np.float32)) + rng.normal(size=(n, dim)) * spread
    queries = normalize((vectors[rng.integers(0, n, 4)] + rng.normal(size=(4, dim)) * 0.4).astype(np.float32))
    return Searched(HNSWIndex(vectors, M=int(rng.integers(2, 6)), ef_construction=int(rng.integers(4, 40)))), queries


@settings(max_examples=60, deadline=None)
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


@pytest.mark.parametrize("spread", [0.0, 1e-7, 1e-6, 1e-5])
def test_the_smallest_ef_is_hnswlibs_own_among_many_copies_and_near_copies(spread):
    found = []
    for seed in range(12):
        searched, queries = crowded(seed, spread=spread)
        found += [miss for query in queries for miss in searched.check(query, 10, 10, rounding=spread > 0)]
    assert sum(miss.smallest_ef is not None for miss in found) > 20


def test_a_larger_ef_may_lose_what_a_smaller_one_finds():
    lost = 0
    for seed in range(12):
        searched, queries = crowded(seed)
        for query in queries:
            for miss in searched.check(query, 10, 10):
                efs = range(miss.smallest_ef or len(searched.graph), len(searched.graph) + 1)
                by_ef = {ef: searched.index.search(query[None], 10, ef=ef).ids[0] for ef in efs}
                lost += len(searched.finding(query, 10, miss.node, by_ef)) < len(efs)
    assert lost, "else bisection would do"


def test_without_ties_hnswlib_is_asked_a_few_times_only(monkeypatch):
    searched, queries = starved(400, 8, 3)
    search, asked = searched.index.search_unit, []
    monkeypatch.setattr(searched.index, "search_unit", lambda *args, ef: asked.append(ef) or search(*args, ef=ef))
    found = [miss for query in queries for miss in searched.explained(query, 5, 5)]
    assert sum(miss.smallest_ef is not None for miss in found) > 20
    assert len(asked) <= len(queries) + 3 * len(found)  # some nearly tie; bisection would take 17 each


def test_what_no_ef_finds_has_none():
    searched, queries = starved(120, 8, 3)
    efs = [miss.smallest_ef for query in queries for miss in searched.check(query, 5, 5)]
    assert efs.count(None) > 3
    assert len(set(efs)) > 15


def test_a_query_that_does_not_fit_is_refused():
    searched, (query, *_) = starved(200, 8, 1)
    walk, exact = searched.graph.walk(query, 10, 10), searched.exact.search(query[None], 10)
    for bad in (query[:-1], np.full_like(query, np.nan), None):
        with pytest.raises(VectorError):
            explain_misses(searched.index, searched.graph, bad, walk, exact)


def test_nothing_is_missed_where_nothing_can_be():
    searched, (query, *_) = starved(3, 8, 1)
    assert searched.explained(query, 10, 10) == []
    assert NO_ID not in searched.missed(query, 10, 10)
