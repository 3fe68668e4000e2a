"""HNSWGraph: the graph is hnswlib's, number by number, and a walk is hnswlib's search, step by step."""

import re
from collections import Counter
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from threadpoolctl import threadpool_limits

from retriever.datasets.query_files import read_queries
from retriever.datasets.samples import SAMPLE_FOLDER, load_sample
from retriever.errors import ParameterError, VectorError
from retriever.graph.traversal import HNSWGraph
from retriever.indexes.base import NO_ID
from retriever.indexes.hnsw import HNSWIndex
from retriever.vectors import normalize
from tests.support.hnsw_by_hand import GraphByHand
from tests.support.true_neighbors import true_scores

STARVED = {"M": 4, "ef_construction": 20}
TIE = 1e-6  # distances this close may be in either order: hnswlib adds their terms up in another one


@pytest.fixture(scope="module", autouse=True)
def one_thread():
    """Limit BLAS to one thread: small products gain nothing from a second, and lose much on a busy machine."""
    with threadpool_limits(limits=1, user_api="blas"):
        yield


@pytest.fixture(scope="module")
def real(wordllama):
    """The sentences of a sample and the 215 questions of another: vectors and queries."""
    documents = load_sample("everyday_science").documents
    sentences = dict.fromkeys(part for each in documents for part in re.split(r"(?<=[.!?])\s+", each.text))
    queries, _ = read_queries(SAMPLE_FOLDER / "python_docs" / "queries.jsonl")
    assert len(sentences) > 900
    assert len(queries) > 200
    vectors = normalize(wordllama.encode_document(list(sentences)))
    return vectors, normalize(wordllama.encode_query(list(queries.values())))


@pytest.fixture(scope="module", params=[{}, STARVED], ids=["default", "starved"])
def built(request, real):
    """An index of the real texts, its graph, and that by hand."""
    index = HNSWIndex(real[0], **request.param)
    return index, HNSWGraph.of(index), GraphByHand(index)


@st.composite
def searches(draw):
    """Draw an index of random vectors, a query, k and ef."""
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    n, dim = draw(st.integers(1, 150)), draw(st.integers(4, 20))
    M, ef_construction, seed = draw(st.integers(2, 10)), draw(st.integers(1, 60)), draw(st.integers(0, 1000))
    index = HNSWIndex(rng.normal(size=(n, dim)), M=M, ef_construction=ef_construction, seed=seed)
    return index, rng.normal(size=dim).astype(np.float32), draw(st.integers(1, 200)), draw(st.integers(1, 200))


def repeated(seed):
    """Return an index of random vectors, each repeated several times, and queries."""
    rng = np.random.default_rng(seed)
    n, dim = int(rng.integers(20, 300)), int(rng.integers(2, 20))
    vectors = rng.normal(size=(n // 5, dim))[rng.integers(0, n // 5, n)]
    index = HNSWIndex(vectors, M=int(rng.integers(2, 9)), ef_construction=int(rng.integers(1, 60)))
    return index, rng.normal(size=(5, dim)).astype(np.float32), int(rng.integers(1, 30)), int(rng.integers(1, 60))


def check_graph(graph, by_hand):
    """Check every number of a graph against hnswlib's file."""
    nodes = range(by_hand.n)
    assert len(graph) == by_hand.n
    assert graph.entry_point == by_hand.entry_point
    assert graph.levels.tolist() == by_hand.levels
    np.testing.assert_array_equal(graph.vectors, by_hand.vectors)
    for layer, (links, expected) in enumerate(zip(graph.links, by_hand.links, strict=True)):
        assert links.shape == (by_hand.n, by_hand.m if layer else 2 * by_hand.m)
        wanted = [expected.get(node, []) for node in nodes]
        assert links.tolist() == [targets + [-1] * (links.shape[1] - len(targets)) for targets in wanted]
    assert graph.nodes_per_level == tuple(len(layer) for layer in by_hand.links)
    counts = Counter(target for targets in by_hand.links[0].values() for target in targets)
    assert graph.in_degree.tolist() == [counts[node] for node in nodes]
    for node in nodes[:: max(1, by_hand.n // 20)]:
        assert graph.linking_to(node).tolist() == [other for other in nodes if node in by_hand.links[0][other]]
    assert graph.unreachable.tolist() == sorted(set(nodes) - by_hand.reached())


def check_walk(walk, index, by_hand, query):
    """Check a walk against hnswlib's search and, step by step, against that by hand.

    Return whether no two distances were equal, so that the two could be compared.
    """
    np.testing.assert_allclose(1 - walk.to_all, true_scores(by_hand.vectors, query[None])[0], atol=2e-6)
    found = index.search(query[None], walk.k, ef=walk.ef)
    ids = found.ids[0, found.ids[0] != NO_ID]
    assert (walk.ids.dtype, walk.ids.shape) == (np.int64, ids.shape)
    np.testing.assert_allclose(1 - walk.to_all[walk.ids], found.scores[0, : len(ids)], atol=TIE)
    if np.diff(np.unique(walk.to_all)).min(initial=1) > TIE:
        assert walk.ids.tolist() == ids.tolist()  # those equally near are the same vector: in hnswlib's order, too
    for place in np.flatnonzero(walk.ids != ids):
        assert (np.abs(walk.to_all - walk.to_all[ids[place]]) <= TIE).sum() > 1, f"{walk.ids}, hnswlib {ids}"
    distances = walk.to_all.tolist()
    steps, nearest = by_hand.search(distances, max(walk.k, walk.ef))
    ground = {other for layer, node, looked_at, *_ in steps if not layer for other in (node, *looked_at)}
    if clear := len({distances[node] for node in ground}) == len(ground):
        assert [(s.layer, s.node, s.looked_at, sorted(s.heap), s.distances) for s in walk.steps] == steps
        assert all(
            step.kept == [node for _, node in kept] for step, (*_, kept, _) in zip(walk.steps, steps, strict=True)
        )
        assert walk.ids.tolist() == [node for _, node in nearest[: walk.k]]
        assert (walk.distances, walk.hops) == (steps[-1][-1], len(steps))
        assert walk.looked_at == ground
        assert walk.expanded == {node for layer, node, *_ in steps if not layer}
    return clear


@pytest.mark.parametrize(("k", "ef"), [(10, 10), (10, 60), pytest.param(30, 5, marks=pytest.mark.exhaustive)])
def test_walks_over_real_texts(real, built, k, ef):
    index, graph, by_hand = built
    clear = [check_walk(graph.walk(query, k, ef), index, by_hand, query) for query in real[1][:100]]
    assert sum(clear) > 60


def test_the_graph_of_real_texts(real, built):
    index, graph, by_hand = built
    check_graph(graph, by_hand)
    np.testing.assert_array_equal(graph.vectors, real[0])
    assert len(graph.nodes_per_level) > 2, "this graph is to have several layers"


@settings(max_examples=150, deadline=None)
@given(searches())
def test_graphs_and_walks_over_random_vectors(search):
    index, query, k, ef = search
    graph, by_hand = HNSWGraph.of(index), GraphByHand(index)
    check_graph(graph, by_hand)
    walk = graph.walk(query, k, ef)
    assert (walk.k, walk.ef) == (k, ef)
    check_walk(walk, index, by_hand, query)


def test_graphs_and_walks_where_texts_repeat():
    unreachable, exact = 0, 0
    for seed in range(80):
        index, queries, k, ef = repeated(seed)
        graph, by_hand = HNSWGraph.of(index), GraphByHand(index)
        check_graph(graph, by_hand)
        unreachable += len(graph.unreachable)
        for query in queries:
            walk = graph.walk(query, k, ef)
            check_walk(walk, index, by_hand, query)
            exact += np.diff(np.unique(walk.to_all)).min() > TIE
    assert unreachable > 100, "these graphs are to have nodes that no search finds"
    assert exact > 250, "the order of equally near ones is to be compared"


def test_one_vector_and_none():
    graph = HNSWGraph.of(HNSWIndex([[0.0, 3.0]]))
    check_graph(graph, GraphByHand(HNSWIndex([[0.0, 3.0]])))
    walk = graph.walk([0.0, 1.0], 5, 5)
    assert [(step.layer, step.node, step.looked_at, step.kept) for step in walk.steps] == [(0, 0, (), [0])]
    assert (walk.ids.tolist(), walk.distances) == ([0], 2)  # as the entry point, and once more as the start
    graph = HNSWGraph.of(HNSWIndex(np.empty((0, 3))))
    assert (len(graph), graph.nodes_per_level, graph.entry_point) == (0, (0,), -1)
    assert len(graph.in_degree) == len(graph.unreachable) == len(graph.linking_to(0)) == 0
    walk = graph.walk([1.0, 0.0, 0.0], 5, 5)
    assert (walk.ids.tolist(), walk.distances, walk.hops, len(walk.to_all)) == ([], 0, 0, 0)
    assert walk.looked_at == walk.expanded == frozenset()


def test_ids_are_labels_whatever_the_order_hnswlib_stores_them_in(real):
    vectors, order = real[0][:900], np.random.default_rng(2).permutation(900)
    index = HNSWIndex(np.empty((0, vectors.shape[1])), M=5, ef_construction=30)
    index._index.resize_index(900)
    index._index.add_items(vectors[order], order, num_threads=1)  # as several threads would: not in the order of labels
    graph, by_hand = HNSWGraph.of(index), GraphByHand(index)
    np.testing.assert_array_equal(graph.vectors, vectors)
    check_graph(graph, by_hand)
    for query in real[1][:20]:
        check_walk(graph.walk(query, 10, 20), index, by_hand, query)


def test_vectors_added_later_are_in_a_graph_that_is_read_later(monkeypatch, real):
    monkeypatch.setattr("retriever.indexes.hnsw.ONE_THREAD_UP_TO", 500)  # the second part is linked by several threads
    index = HNSWIndex(real[0][:400], **STARVED)
    before, before_by_hand = HNSWGraph.of(index), GraphByHand(index)
    index.add(real[0][400:])
    check_graph(before, before_by_hand)
    check_graph(HNSWGraph.of(index), GraphByHand(index))


def test_what_is_unreachable_is_found_by_no_search():
    rng = np.random.default_rng(5)
    index = HNSWIndex(rng.normal(size=(400, 6)), M=2, ef_construction=2)
    graph = HNSWGraph.of(index)
    own = graph.vectors[graph.unreachable]  # the most favourable queries: the vectors themselves
    assert len(own) > 10
    assert not set(graph.unreachable) & set(index.search(own, 10, ef=400).ids.ravel())


def test_a_walk_without_beams_is_the_same_walk_without_what_was_kept(real, built):
    for query in real[1][:10]:
        full, bare = (built[1].walk(query, 10, 30, beams=beams) for beams in (True, False))
        np.testing.assert_array_equal(bare.ids, full.ids)
        assert bare.steps == [step if step.layer else replace(step, heap=()) for step in full.steps]


def test_a_query_may_be_a_row_or_a_matrix_of_one_and_of_any_length_above_zero(real, built):
    query = real[1][0]
    alone = built[1].walk(query, 10, 20)
    for same in (query[None, :], 1000 * query, query.astype(np.float64), query.tolist()):
        walk = built[1].walk(same, 10, 20)
        assert (walk.ids.tolist(), walk.distances) == (alone.ids.tolist(), alone.distances)


BAD_QUERIES = {
    "dimension": np.ones(23),
    "two": np.ones((2, 24)),
    "none": np.ones((0, 24)),
    "axes": np.ones((1, 1, 24)),
    "NaN": np.full(24, np.nan),
    "ragged": [[1.0], [2.0, 3.0]],
    "nothing": None,
}


@pytest.mark.parametrize("query", BAD_QUERIES.values(), ids=BAD_QUERIES)
@pytest.mark.parametrize("n", [0, 30])
def test_a_query_that_does_not_fit_is_refused(query, n):
    graph = HNSWGraph.of(HNSWIndex(np.random.default_rng(0).normal(size=(n, 24))))
    with pytest.raises(VectorError):
        graph.walk(query, 3, 10)


@pytest.mark.parametrize("count", [0, 1.5, 100_001])
@pytest.mark.parametrize("name", ["k", "ef"])
def test_a_bad_k_or_ef_is_refused_by_name(name, count):
    for n in (0, 5):
        graph = HNSWGraph.of(HNSWIndex(np.eye(5)[:n]))
        with pytest.raises(ParameterError, match=f"^{name} is"):
            graph.walk(np.ones(5), **({"k": 3, "ef": 10} | {name: count}))
