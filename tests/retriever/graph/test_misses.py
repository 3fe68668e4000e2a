"""Explanations of misses, checked against the graph, and smallest_ef_for, against hnswlib's own search."""

import re
import tracemalloc

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from retriever.datasets.beir import read_queries
from retriever.datasets.samples import SAMPLE_FOLDER, load_sample
from retriever.errors import ParameterError, VectorError
from retriever.graph.misses import explain_misses, mark_missed, smallest_ef_for
from retriever.graph.traversal import HNSWGraph
from retriever.indexes.base import NO_ID, Neighbors
from retriever.indexes.exact import ExactIndex
from retriever.indexes.hnsw import HNSWIndex
from retriever.indexes.recall import knn_recall
from retriever.vectors import normalize
from tests.retriever.graph.test_traversal import repeated


class Searched:
    """An index, its graph, and the true neighbours by sorting in float64."""

    def __init__(self, vectors, **settings):
        self.index = HNSWIndex(vectors, **settings)
        self.graph = HNSWGraph.of(self.index)
        self.unit = normalize(np.asarray(vectors, np.float32)).astype(np.float64)
        self.linking = [set() for _ in range(len(self.graph))]
        for node, row in enumerate(self.graph.links[0].tolist()):
            for target in row:
                if target >= 0:
                    self.linking[target].add(node)

    def true(self, query, k):
        return np.argsort(-(self.unit @ query.astype(np.float64)), kind="stable")[:k].tolist()

    def finds(self, query, k, ef, node):
        """Return whether hnswlib's own search finds a node."""
        return node in self.index.search(query[None, :], k, ef=ef).ids[0].tolist()

    def check(self, query, k, ef):
        """Check the explanations of all misses of one walk, and return them."""
        walk, true = self.graph.walk(query, k, ef), self.true(query, k)
        found = explain_misses(self.graph, query, walk, true)
        assert [miss.node for miss in found] == [node for node in true if not self.finds(query, k, ef, node)]
        looked_at, expanded = walk.looked_at, walk.expanded
        for miss in found:
            assert miss.node not in looked_at, "its distance was computed, and yet it was not found"
            assert miss.linking == tuple(sorted(self.linking[miss.node]))
            assert miss.looked_at == tuple(sorted(self.linking[miss.node] & looked_at))
            assert miss.expanded == ()
            assert not self.linking[miss.node] & expanded
            self.check_smallest_ef(query, k, ef, miss)
        return found

    def check_smallest_ef(self, query, k, ef, miss):
        if miss.smallest_ef is None:
            n = len(self.graph)
            assert not self.finds(query, k, n, miss.node)
            assert miss.node not in self.graph.walk(query, k, n).ids.tolist()
            return
        assert miss.node not in self.graph.unreachable.tolist()
        assert miss.smallest_ef > max(ef, k)
        for width, finds in ((miss.smallest_ef, True), (miss.smallest_ef - 1, False)):
            assert self.finds(query, k, width, miss.node) is finds
            assert (miss.node in self.graph.walk(query, k, width).ids.tolist()) is finds


@pytest.fixture(scope="module")
def real(wordllama):
    """A poor graph of real sentences, two of each document, and the 215 questions of python_docs."""
    documents = load_sample("everyday_science").documents
    texts = [part for document in documents for part in re.split(r"(?<=[.!?])\s+", document.text)[:2]]
    queries, _ = read_queries(SAMPLE_FOLDER / "python_docs" / "queries.jsonl")
    searched = Searched(wordllama.encode_document(texts), M=4, ef_construction=20)
    return searched, normalize(wordllama.encode_query(list(queries.values())))


@pytest.mark.parametrize(("k", "ef"), [(10, 10), (10, 40), (5, 1)])
def test_misses_over_real_texts(real, k, ef):
    searched, queries = real
    found = [miss for query in queries[:60] for miss in searched.check(query, k, ef)]
    assert len(found) > 20, "a starved graph is to miss some"
    assert any(miss.smallest_ef for miss in found)
    assert any(miss.looked_at for miss in found)


@settings(max_examples=120, deadline=None)
@given(st.data())
def test_misses_over_random_vectors(data):
    rng = np.random.default_rng(data.draw(st.integers(0, 2**32 - 1)))
    n, dim, k = (data.draw(st.integers(*ends)) for ends in ((1, 150), (4, 16), (1, 15)))
    M, ef_construction = data.draw(st.integers(2, 5)), data.draw(st.integers(1, 12))
    searched = Searched(rng.normal(size=(n, dim)), M=M, ef_construction=ef_construction)
    searched.check(rng.normal(size=dim).astype(np.float32), k, k + data.draw(st.integers(0, 10)))


def test_no_smaller_ef_finds_it_and_every_larger_one_does():
    rng = np.random.default_rng(3)
    searched = Searched(rng.normal(size=(120, 8)), M=2, ef_construction=4)
    efs, never = [], 0
    for query in rng.normal(size=(25, 8)).astype(np.float32):
        walk = searched.graph.walk(query, 5, 5)
        for miss in explain_misses(searched.graph, query, walk, searched.true(query, 5)):
            finding = [ef for ef in range(1, 131) if searched.finds(query, 5, ef, miss.node)]
            assert finding == (list(range(miss.smallest_ef, 131)) if miss.smallest_ef else [])
            efs.append(miss.smallest_ef or 0)
            never += miss.smallest_ef is None
    assert never > 3, "some are to be found by no search"
    assert len(set(efs)) > 15, "and others at many an ef"


def test_a_node_that_no_search_finds_has_no_smallest_ef():
    rng = np.random.default_rng(5)
    vectors = rng.normal(size=(400, 6))
    searched = Searched(vectors, M=2, ef_construction=2)
    missing = searched.graph.unreachable.tolist()
    assert len(missing) > 10
    for node in missing[:15]:
        query = normalize(vectors[node : node + 1].astype(np.float32))[0]
        walk = searched.graph.walk(query, 3, 10)
        (miss,) = explain_misses(searched.graph, query, walk, [node])
        assert miss.smallest_ef is None
        assert not searched.finds(query, 3, 400, node)


def test_only_what_was_not_found_is_explained_in_the_order_given(real):
    searched, queries = real
    for query in queries[:8]:
        walk, true = searched.graph.walk(query, 10, 10), searched.true(query, 10)
        missed = [node for node in true if node not in walk.ids.tolist()]
        given = [NO_ID, *true[::-1], NO_ID]
        found = explain_misses(searched.graph, query, walk, given)
        assert [miss.node for miss in found] == missed[::-1]
        assert explain_misses(searched.graph, query, walk, np.array(given)) == found
        assert all(type(value) is int for miss in found for value in (miss.node, *miss.linking))
        assert explain_misses(searched.graph, query, walk, walk.ids.tolist()) == []
        assert explain_misses(searched.graph, query, walk, []) == []


def test_true_neighbours_as_exact_search_gives_them_for_a_k_above_the_collection():
    searched = Searched(np.random.default_rng(0).normal(size=(30, 4)), M=6, ef_construction=50)
    query = np.ones(4, np.float32)
    true = ExactIndex(searched.graph.vectors).search(query[None, :], 50).ids[0]
    assert (true == NO_ID).sum() == 20
    assert len(searched.graph.unreachable) == 0
    assert explain_misses(searched.graph, query, searched.graph.walk(query, 50, 50), true) == []


def test_where_a_search_returns_fewer_than_k_all_that_is_not_returned_is_a_miss():
    rng = np.random.default_rng(3)
    searched = Searched(rng.normal(size=(120, 8)), M=2, ef_construction=4)
    farther = 0
    for query in rng.normal(size=(10, 8)).astype(np.float32):
        walk = searched.graph.walk(query, 120, 120)
        found = searched.check(query, 120, 120)
        assert len(found) == 120 - len(walk.ids) > 0
        farther += sum(walk.to_all[miss.node] > walk.to_all[walk.ids[-1]] for miss in found)
    assert farther > 0, "some are to be farther than all that was found"


@pytest.mark.parametrize("above", [0, 1, 5, 39, 40, 41, 1000])
def test_the_smallest_ef_above_another(above):
    rng = np.random.default_rng(8)
    searched = Searched(rng.normal(size=(40, 6)), M=2, ef_construction=3)
    for query in rng.normal(size=(10, 6)).astype(np.float32):
        node = searched.true(query, 1)[0]
        finding = [ef for ef in range(1, 41) if searched.finds(query, 1, ef, node)]
        found = smallest_ef_for(searched.graph, query, 1, node, above=above)
        if not finding:
            assert found is None
        elif above < finding[0]:
            assert found == finding[0]


# --- where texts repeat


@pytest.fixture(scope="module")
def missed():
    """Misses among repeated texts: (index, query, walk, miss)."""
    found = []
    for seed in range(60):
        index, queries, k, ef = repeated(seed)
        graph = HNSWGraph.of(index)
        exact = ExactIndex(graph.vectors).search(queries, k)
        for query, true in zip(queries, exact.ids, strict=True):
            walk = graph.walk(query, k, max(k, ef))
            found += [(index, query, walk, miss) for miss in explain_misses(graph, query, walk, true)]
    assert len(found) > 100
    return found


def test_where_texts_repeat_a_miss_was_never_looked_at_either(missed):
    wrong = [
        (walk.k, walk.ef, miss.node, miss.expanded)
        for _, _, walk, miss in missed
        if miss.node in walk.looked_at or miss.expanded
    ]
    count = len(missed)
    assert not wrong, f"{len(wrong)} of {count} misses were looked at, (k, ef, node, expanded): {wrong[:3]}"


def test_where_texts_repeat_the_smallest_ef_is_that_of_hnswlib_too(missed):
    wrong = []
    for index, query, walk, miss in missed:
        efs = (len(index),) if miss.smallest_ef is None else (miss.smallest_ef - 1, miss.smallest_ef)
        found = [miss.node in index.search(query[None, :], walk.k, ef=ef).ids[0].tolist() for ef in efs]
        if found != [False, True][: len(efs)]:
            wrong.append((walk.k, walk.ef, miss.node, miss.smallest_ef))
    count = len(missed)
    assert not wrong, f"hnswlib differs in {len(wrong)} of {count} misses, (k, ef, node, smallest_ef): {wrong[:3]}"


# --- cost and bad input


@pytest.mark.parametrize("which", ["no links lead to it", "too far away"])
def test_the_memory_of_looking_for_what_no_search_finds_grows_no_faster_than_the_collection(which):
    peaks = []
    for n in (500, 2000):
        rng = np.random.default_rng(n)
        searched = Searched(rng.normal(size=(n, 6)), M=2, ef_construction=4)
        node = int(searched.graph.unreachable[0])
        query = searched.graph.vectors[node]
        if which == "too far away":  # then a walk is made at every ef that is tried
            node = searched.true(query, n)[-1]
            assert node not in searched.graph.unreachable
        tracemalloc.start()
        assert smallest_ef_for(searched.graph, query, 10, node, above=10) is None
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
    assert peaks[1] < 8 * peaks[0], f"four times the vectors took {peaks[1] / peaks[0]:.1f} times the memory: {peaks}"


def test_the_smallest_ef_takes_few_walks_and_keeps_no_beams(monkeypatch):
    rng = np.random.default_rng(3)
    searched = Searched(rng.normal(size=(400, 8)), M=2, ef_construction=4)
    walk, kept = searched.graph.walk, []

    def spy(*args, **options):
        found = walk(*args, **options)
        kept.append(any(step.heap for step in found.steps if step.layer == 0))
        return found

    monkeypatch.setattr(searched.graph, "walk", spy)
    sought = 0
    for query in rng.normal(size=(20, 8)).astype(np.float32):
        kept.clear()
        found = explain_misses(searched.graph, query, walk(query, 5, 5), searched.true(query, 5))
        assert len(kept) <= len(found) * 2 * np.ceil(np.log2(400))  # ef is doubled, then bisected
        assert not any(kept)
        sought += sum(miss.smallest_ef is not None for miss in found)
    assert sought > 20


def test_a_query_that_does_not_fit_is_refused(real):
    searched, queries = real
    query = queries[0]
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
    all_five = ExactIndex(vectors).search(queries, 5)

    def score(row, node):
        return all_five.scores[row, all_five.ids[row].tolist().index(node)]

    ids = np.array([[2, 4], [4, 3]])  # the first finds a copy in place of 0 or 1; the second misses the copies
    scores = np.array([[score(row, node) for node in nodes] for row, nodes in enumerate(ids)], np.float32)
    found = Neighbors(ids, scores)
    recall = knn_recall(exact, found)
    for row in range(2):
        missed, extra = mark_missed(exact, found, row)
        assert sum(missed) == sum(extra) == round((1 - recall[row]) * 2) == 1
    assert mark_missed(exact, exact) == ([False, False], [False, False])


def test_places_that_nothing_fills_are_not_missed():
    few = ExactIndex(np.eye(3, dtype=np.float32)).search(np.eye(3, dtype=np.float32)[:1], 5)
    nothing = Neighbors(np.full((1, 5), NO_ID), np.full((1, 5), -np.inf, np.float32))
    assert mark_missed(few, nothing) == ([True] * 3, [])
