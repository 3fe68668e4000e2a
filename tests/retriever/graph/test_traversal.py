"""HNSWGraph: the graph is hnswlib's, link by link, and a walk is hnswlib's search.

Checked against a second reading of hnswlib's memory, field by field with struct, and against a second search, with
dicts and sorted lists.
"""

import re
import struct
from bisect import insort
from collections import Counter, defaultdict
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from threadpoolctl import threadpool_limits

from retriever.datasets.beir import read_queries
from retriever.datasets.samples import SAMPLE_FOLDER, load_sample
from retriever.errors import ParameterError, RetrieverError, VectorError
from retriever.graph.traversal import HNSWGraph
from retriever.indexes.base import NO_ID
from retriever.indexes.exact import ExactIndex
from retriever.indexes.hnsw import HNSWIndex
from retriever.vectors import normalize

GRAPHS = {"default": {}, "starved": {"M": 4, "ef_construction": 20}}
TIE = 1e-6  # distances this close may be in either order: hnswlib adds their terms up in another one


@pytest.fixture(scope="module", autouse=True)
def one_thread():
    """Limit BLAS to one thread: small products gain nothing from a second, and lose much on a busy machine."""
    with threadpool_limits(limits=1, user_api="blas"):
        yield


def sentences_and_parts(text):
    """Return the sentences of a text, their halves and pairs of neighbouring ones."""
    sentences = re.split(r"(?<=[.!?])\s+", text)
    words = [sentence.split() for sentence in sentences]
    halves = [" ".join(part) for each in words for part in (each[: len(each) // 2], each[len(each) // 2 :]) if part]
    return sentences + halves + [" ".join(pair) for pair in zip(sentences, sentences[1:], strict=False)]


@pytest.fixture(scope="module")
def real(wordllama):
    """Several thousand distinct real texts and the 215 questions of python_docs: vectors and queries."""
    documents = load_sample("everyday_science").documents
    texts = dict.fromkeys(part for document in documents for part in sentences_and_parts(document.text))
    queries, _ = read_queries(SAMPLE_FOLDER / "python_docs" / "queries.jsonl")
    vectors = normalize(wordllama.encode_document(list(texts)))
    assert len(vectors) > 4000
    return vectors, normalize(wordllama.encode_query(list(queries.values())))


@pytest.fixture(scope="module", params=GRAPHS)
def built(request, real):
    """An index of the real texts and its graph, with good and with poor settings."""
    index = HNSWIndex(real[0], **GRAPHS[request.param])
    return index, HNSWGraph.of(index)


@pytest.fixture(scope="module")
def starved(real):
    index = HNSWIndex(real[0], **GRAPHS["starved"])
    return index, HNSWGraph.of(index)


@st.composite
def searches(draw, most=150, largest_k=40):
    """Draw an index of random vectors, a query, k and ef."""
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    n, dim = draw(st.integers(1, most)), draw(st.integers(4, 20))
    index = HNSWIndex(
        rng.normal(size=(n, dim)),
        M=draw(st.integers(2, 10)),
        ef_construction=draw(st.integers(1, 60)),
        seed=draw(st.integers(0, 1000)),
    )
    return index, rng.normal(size=dim).astype(np.float32), draw(st.integers(1, largest_k)), draw(st.integers(1, 100))


def repeated(seed):
    """Return an index of random vectors, each repeated several times, and queries."""
    rng = np.random.default_rng(seed)
    n, dim = int(rng.integers(20, 300)), int(rng.integers(2, 20))
    vectors = rng.normal(size=(n // 5, dim))[rng.integers(0, n // 5, n)]
    index = HNSWIndex(vectors, M=int(rng.integers(2, 9)), ef_construction=int(rng.integers(1, 60)))
    return index, rng.normal(size=(5, dim)).astype(np.float32), int(rng.integers(1, 30)), int(rng.integers(1, 60))


def check_found(walk, index, query):
    """Check that a walk returns hnswlib's ids and scores; equal distances may be in another order."""
    found = index.search(query[None, :], walk.k, ef=walk.ef)
    filled = found.ids[0] != NO_ID
    ids, scores = found.ids[0, filled], found.scores[0, filled]
    assert walk.ids.dtype == np.int64
    assert walk.ids.shape == ids.shape
    np.testing.assert_allclose(1 - walk.to_all[walk.ids], scores, atol=TIE)
    differing = np.flatnonzero(walk.ids != ids)
    if len(differing):
        near = np.abs(walk.to_all[None, :] - walk.to_all[ids[differing]][:, None]) <= TIE  # (differing, n)
        assert (near.sum(axis=1) > 1).all(), f"places {differing}: found {walk.ids}, hnswlib {ids}"


# --- a walk is hnswlib's search


@pytest.mark.parametrize("ef", [10, 25, 60, 150])
def test_over_real_texts_a_walk_finds_hnswlibs_ids_in_order(real, built, ef):
    index, graph = built
    assert len(real[1]) >= 200
    found = index.search(real[1], 10, ef=ef)
    walks = [graph.walk(query, 10, ef) for query in real[1]]
    ids = np.array([walk.ids for walk in walks])
    gaps = np.diff([np.sort(walk.to_all)[:11] for walk in walks], axis=1).min(axis=1)  # (n_queries,)
    clear = gaps > TIE  # where two are equally near, either may come first
    assert clear.mean() > 0.99
    np.testing.assert_array_equal(ids[clear], found.ids[clear])
    for walk, query in zip(walks, real[1], strict=True):
        check_found(walk, index, query)


@settings(max_examples=150, deadline=None)
@given(searches())
def test_over_random_vectors_a_walk_finds_hnswlibs_ids_in_order(search):
    index, query, k, ef = search
    walk = HNSWGraph.of(index).walk(query, k, ef)
    assert (walk.k, walk.ef) == (k, ef)
    check_found(walk, index, query)


def test_a_walk_sees_the_true_distances(real, built):
    vectors, queries = real[0].astype(np.float64), real[1][:20].astype(np.float64)
    for row, true in enumerate(1 - queries @ vectors.T):
        walk = built[1].walk(real[1][row], 3, 10)
        assert walk.to_all.shape == (len(vectors),)
        np.testing.assert_allclose(walk.to_all, true, atol=2e-6)


def test_a_query_may_be_a_row_or_a_matrix_of_one_and_of_any_length_above_zero(real, starved):
    query = real[1][0]
    alone = starved[1].walk(query, 10, 20)
    for same in (query[None, :], 1000 * query, query.astype(np.float64), query.tolist()):
        walk = starved[1].walk(same, 10, 20)
        np.testing.assert_array_equal(walk.ids, alone.ids)
        assert walk.distances == alone.distances


def test_where_texts_repeat_a_walk_finds_as_near_ones_as_hnswlib():
    wrong = []
    for seed in range(150):
        index, queries, k, ef = repeated(seed)
        graph = HNSWGraph.of(index)
        for query in queries:
            try:
                check_found(graph.walk(query, k, ef), index, query)
            except AssertionError:
                wrong.append((seed, k, ef))
    assert not wrong, f"{len(wrong)} of 750 walks end elsewhere than hnswlib, (seed, k, ef): {wrong[:5]}"


def test_where_texts_repeat_equally_near_ids_come_as_hnswlib_gives_them():
    wrong, compared = [], 0
    for seed in range(150):
        index, queries, k, ef = repeated(seed)
        graph = HNSWGraph.of(index)
        for query in queries:
            walk = graph.walk(query, k, ef)
            if np.diff(np.unique(walk.to_all)).min() > TIE:  # equally near vectors are the same vector
                compared += 1
                ids = index.search(query[None, :], k, ef=ef).ids[0]
                if walk.ids.tolist() != ids[ids != NO_ID].tolist():
                    wrong.append((seed, k, ef))
    assert compared > 500
    assert not wrong, f"{len(wrong)} of {compared} walks order them otherwise, (seed, k, ef): {wrong[:5]}"


@pytest.mark.parametrize("ef", [1, 30, 2000])
def test_equal_vectors_of_which_few_can_be_reached(ef):
    index = HNSWIndex(np.ones((2000, 8)), **GRAPHS["starved"])
    graph = HNSWGraph.of(index)
    assert len(graph.unreachable) > 100, "this graph is to have nodes that no search finds"
    for k in (1, 10, 500):
        check_found(graph.walk(np.ones(8), k, ef), index, np.ones(8))


def test_zero_vectors_and_the_zero_query():
    rng = np.random.default_rng(4)
    vectors = rng.normal(size=(60, 6))
    vectors[::4] = 0
    index = HNSWIndex(vectors, M=5, ef_construction=30)
    graph = HNSWGraph.of(index)
    for query in (*rng.normal(size=(10, 6)).astype(np.float32), np.zeros(6, np.float32)):
        walk = graph.walk(query, 20, 60)
        check_found(walk, index, query)
        np.testing.assert_allclose(walk.to_all[::4], 1)


def test_one_vector():
    index = HNSWIndex([[0.0, 3.0]])
    graph = HNSWGraph.of(index)
    assert (len(graph), graph.entry_point, graph.nodes_per_level) == (1, 0, (1,))
    assert (graph.in_degree.tolist(), graph.unreachable.tolist()) == ([0], [])
    walk = graph.walk([0.0, 1.0], 5, 5)
    assert walk.ids.tolist() == [0]
    assert [(step.layer, step.node, step.looked_at, step.kept) for step in walk.steps] == [(0, 0, (), [0])]
    assert walk.distances == 2  # as the entry point, and once more as the start


def test_no_vector():
    graph = HNSWGraph.of(HNSWIndex(np.empty((0, 3))))
    assert (len(graph), graph.nodes_per_level, graph.entry_point) == (0, (0,), -1)
    assert len(graph.in_degree) == len(graph.unreachable) == len(graph.linking_to(0)) == 0
    walk = graph.walk([1.0, 0.0, 0.0], 5, 5)
    assert (walk.ids.tolist(), walk.distances, walk.hops, len(walk.to_all)) == ([], 0, 0, 0)
    assert walk.looked_at == walk.expanded == frozenset()


@pytest.mark.parametrize("ef", [1, 40, 5000])
def test_a_k_above_the_number_of_vectors_finds_all_that_can_be_reached(ef):
    index = HNSWIndex(np.random.default_rng(1).normal(size=(40, 5)), M=4, ef_construction=10)
    graph, query = HNSWGraph.of(index), np.ones(5, np.float32)
    walk = graph.walk(query, 1000, ef)
    check_found(walk, index, query)
    assert set(walk.ids.tolist()) == set(range(40)) - set(graph.unreachable.tolist())


def test_ids_are_labels_whatever_the_order_hnswlib_stores_them_in(real):
    vectors, order = real[0][:900], np.random.default_rng(2).permutation(900)
    index = HNSWIndex(np.empty((0, vectors.shape[1])), M=5, ef_construction=30)
    index._index.resize_index(900)
    index._index.add_items(vectors[order], order, num_threads=1)  # as several threads would: not in the order of labels
    graph = HNSWGraph.of(index)
    np.testing.assert_array_equal(graph.vectors, vectors)
    check_graph(graph, index)
    for query in real[1][:50]:
        check_found(graph.walk(query, 10, 20), index, query)


def test_vectors_added_later_are_in_a_graph_that_is_read_later(monkeypatch, real):
    monkeypatch.setattr("retriever.indexes.hnsw.ONE_THREAD_UP_TO", 700)  # the second part is linked by several threads
    index = HNSWIndex(real[0][:600], **GRAPHS["starved"])
    before = HNSWGraph.of(index)
    first = before.walk(real[1][0], 10, 20)
    index.add(real[0][600:1500])
    after = HNSWGraph.of(index)
    assert (len(before), len(after)) == (600, 1500)
    np.testing.assert_array_equal(before.walk(real[1][0], 10, 20).ids, first.ids)
    np.testing.assert_array_equal(after.vectors, real[0][:1500])
    check_graph(after, index)
    for query in real[1][:50]:
        check_found(after.walk(query, 10, 20), index, query)


# --- the graph is hnswlib's


class Packed:
    """hnswlib's packed memory, read number by number: levels, vectors and links of each layer, by label."""

    def __init__(self, index):
        state = index._index.__getstate__()[0]
        self.n, self.M = state["cur_element_count"], state["M"]
        ground, upper = state["data_level0"].tobytes(), state["link_lists"].tobytes()
        level = [struct.unpack_from("<i", state["element_levels"].tobytes(), 4 * row)[0] for row in range(self.n)]
        starts = [row * state["size_data_per_element"] for row in range(self.n)]
        label = [struct.unpack_from("<Q", ground, start + state["label_offset"])[0] for start in starts]
        self.levels = dict(zip(label, level, strict=True))
        self.vectors = {
            label[row]: struct.unpack_from(f"<{state['dim']}f", ground, start + state["offset_data"])
            for row, start in enumerate(starts)
        }
        self.links = [{} for _ in range(state["max_level"] + 1)]
        at = 0
        for row, start in enumerate(starts):
            self.links[0][label[row]] = [label[target] for target in self.list_at(ground, start)]
            for layer in range(1, level[row] + 1):
                self.links[layer][label[row]] = [label[target] for target in self.list_at(upper, at)]
                at += state["size_links_per_element"]
        assert at == len(upper)
        self.entry_point, self.max_level = label[state["enterpoint_node"]], state["max_level"]

    @staticmethod
    def list_at(memory, start):
        (count,) = struct.unpack_from("<H", memory, start)
        return struct.unpack_from(f"<{count}I", memory, start + 4)


def check_graph(graph, index):
    """Check every number of a graph against another reading of hnswlib's memory."""
    packed = Packed(index)
    nodes = range(packed.n)
    assert len(graph) == packed.n
    assert graph.entry_point == packed.entry_point
    assert graph.levels.tolist() == [packed.levels[node] for node in nodes]
    np.testing.assert_array_equal(graph.vectors, np.array([packed.vectors[node] for node in nodes], np.float32))
    assert len(graph.links) == packed.max_level + 1
    for layer, (links, expected) in enumerate(zip(graph.links, packed.links, strict=True)):
        assert links.shape == (packed.n, packed.M if layer else 2 * packed.M)
        for node, row in enumerate(links.tolist()):
            wanted = expected.get(node, [])
            assert row == wanted + [-1] * (len(row) - len(wanted))
    assert graph.nodes_per_level == tuple(len(layer) for layer in packed.links)
    counts = Counter(target for targets in packed.links[0].values() for target in targets)
    assert graph.in_degree.tolist() == [counts[node] for node in nodes]
    for node in list(nodes)[:: max(1, packed.n // 20)]:
        assert graph.linking_to(node).tolist() == [other for other in nodes if node in packed.links[0][other]]
    assert graph.unreachable.tolist() == sorted(set(nodes) - reached(packed))


def reached(packed):
    """Search breadth-first from the entry point, along links and from each layer down to the one below."""
    start = (packed.max_level, packed.entry_point)
    seen, queue = {start}, [start]
    for layer, node in queue:
        below = [(layer - 1, node)] if layer else []
        for place in below + [(layer, other) for other in packed.links[layer][node]]:
            if place not in seen:
                seen.add(place)
                queue.append(place)
    return {node for layer, node in seen if layer == 0}


def check_links(graph, M):
    """Check the invariants of every graph of hnswlib's."""
    for layer, links in enumerate(graph.links):
        on_layer = set(np.flatnonzero(graph.levels >= layer).tolist())
        for node, row in enumerate(links.tolist()):
            targets = [target for target in row if target != -1]
            assert node not in targets
            assert set(targets) <= on_layer
            assert len(set(targets)) == len(targets) <= (M if layer else 2 * M)
            assert node in on_layer or not targets


def test_the_graph_of_real_texts_is_hnswlibs_number_by_number(real, built):
    index, graph = built
    check_graph(graph, index)
    check_links(graph, index.M)
    np.testing.assert_array_equal(graph.vectors, real[0])
    assert len(graph.nodes_per_level) > 2, "this graph is to have several layers"


@settings(max_examples=60, deadline=None)
@given(searches(most=80))
def test_the_graph_of_random_vectors_is_hnswlibs_number_by_number(search):
    check_graph(HNSWGraph.of(search[0]), search[0])
    check_links(HNSWGraph.of(search[0]), search[0].M)


def test_the_graph_of_repeated_vectors_is_hnswlibs_number_by_number():
    unreachable = 0
    for seed in range(20):
        index = repeated(seed)[0]
        graph = HNSWGraph.of(index)
        check_graph(graph, index)
        check_links(graph, index.M)
        unreachable += len(graph.unreachable)
    assert unreachable > 20, "these graphs are to have nodes that no search finds"


def test_a_graph_read_twice_is_the_same(built):
    again = HNSWGraph.of(built[0])
    for one, other in zip(again.links, built[1].links, strict=True):
        np.testing.assert_array_equal(one, other)
    np.testing.assert_array_equal(again.unreachable, built[1].unreachable)


def test_what_is_unreachable_is_found_by_no_search_and_nearly_all_else_by_one_as_wide_as_the_collection(starved):
    index, graph = starved
    n, missing = len(graph), set(graph.unreachable.tolist())
    assert 5 < len(missing) < 100
    own = graph.vectors[graph.unreachable]  # the most favourable queries: the vectors themselves
    assert not missing & set(index.search(own, 10, ef=n).ids.ravel().tolist())
    for query in own[:3]:
        assert not missing & set(index.search(query[None], n, ef=n).ids[0].tolist())
        assert not missing & set(graph.walk(query, n, n).ids.tolist())
    others = np.setdiff1d(np.arange(n), graph.unreachable)[::40]
    assert np.mean(index.search(graph.vectors[others], 1, ef=n).ids[:, 0] == others) > 0.95


# --- every step, and every distance


class Counted:
    """A search of a graph as in the paper, with dicts and sorted lists, which counts every distance computed."""

    def __init__(self, packed, distances):
        self.links, self.packed, self.of = packed.links, packed, distances
        self.count = 0

    def distance(self, node):
        self.count += 1
        return float(self.of[node])

    def search(self, width):
        """Return (layer, node, looked_at) of each expansion, and (distance, node) of the `width` nearest visited."""
        steps = []
        node = self.packed.entry_point
        here = self.distance(node)
        for layer in range(self.packed.max_level, 0, -1):
            moved = True
            while moved:
                around = [(self.distance(other), other) for other in self.links[layer][node]]
                steps.append((layer, node, tuple(other for _, other in around)))
                moved = bool(around) and min(around)[0] < here
                if moved:
                    here, node = min(around)
        nearest = [(self.distance(node), node)]
        waiting, seen = list(nearest), {node}
        while waiting:
            far, node = waiting.pop(0)
            if len(nearest) >= width and far > nearest[width - 1][0]:
                break
            fresh = [other for other in self.links[0][node] if other not in seen]
            for other in fresh:
                seen.add(other)
                item = (self.distance(other), other)
                insort(nearest, item)
                insort(waiting, item)
            steps.append((0, node, tuple(fresh)))
        return steps, nearest[:width]


def check_steps(walk, packed):
    """Check a walk against a search with dicts and sorted lists, and its beam against the nodes visited.

    Return whether the two were compared step by step: of two equally near visited nodes either may come first.
    """
    width = max(walk.k, walk.ef)
    check_descent(walk, packed)
    check_ground(walk, packed, width)
    above = sum(len(step.looked_at) for step in walk.steps if step.layer)
    assert walk.distances <= packed.n + above + 1  # plus the entry point's; the start's is among the n
    assert walk.hops == len(walk.steps)
    clear = len(np.unique(walk.to_all[list(walk.looked_at)])) == len(walk.looked_at)
    if clear:
        counted = Counted(packed, walk.to_all)
        steps, nearest = counted.search(width)
        assert [(step.layer, step.node, step.looked_at) for step in walk.steps] == steps
        assert walk.ids.tolist() == [node for _, node in nearest[: walk.k]]
        assert walk.distances == walk.steps[-1].distances == counted.count
    return clear


def check_descent(walk, packed):
    steps = [step for step in walk.steps if step.layer]
    assert [step.layer for step in steps] == sorted((step.layer for step in steps), reverse=True)
    place, computed = packed.entry_point, 1
    by_layer = defaultdict(list)
    for step in steps:
        assert step.node == place
        assert list(step.looked_at) == packed.links[step.layer][step.node]
        computed += len(step.looked_at)
        assert step.distances == computed
        (place,) = step.kept
        by_layer[step.layer].append(step)
    assert sorted(by_layer) == list(range(1, packed.max_level + 1))
    for layer in by_layer.values():
        *moving, last = layer
        assert all(walk.to_all[step.kept[0]] < walk.to_all[step.node] for step in moving)
        assert last.kept == [last.node]
        assert walk.to_all[last.node] <= min((walk.to_all[other] for other in last.looked_at), default=np.inf)


def check_ground(walk, packed, width):
    steps = [step for step in walk.steps if step.layer == 0]
    assert walk.steps[-len(steps) :] == steps
    seen, expanded = {steps[0].node}, set()
    computed = walk.steps[-len(steps)].distances - len(steps[0].looked_at)
    for step in steps:
        assert walk.to_all[step.node] == min(walk.to_all[list(seen - expanded)]), "not the best first"
        assert step.node in seen - expanded
        expanded.add(step.node)
        assert not seen & set(step.looked_at), "looked at twice"
        assert set(step.looked_at) <= set(packed.links[0][step.node])
        assert set(packed.links[0][step.node]) <= seen | set(step.looked_at)
        seen |= set(step.looked_at)
        computed += len(step.looked_at)
        assert step.distances == computed
        beam = walk.to_all[step.kept].tolist()
        assert beam == sorted(walk.to_all[list(seen)].tolist())[:width]
        assert len(set(step.kept)) == len(step.kept) == len(step.heap)
        assert set(step.heap) == {(distance, node) for distance, node in zip(beam, step.kept, strict=True)}
    waiting = walk.to_all[list(seen - expanded)]
    assert not len(waiting) or (len(beam) == width and waiting.min() >= beam[-1]), "it ended too early"
    assert (walk.looked_at, walk.expanded) == (seen, expanded)
    assert walk.to_all[walk.ids].tolist() == beam[: walk.k]
    assert set(walk.ids.tolist()) <= set(steps[-1].kept)


@pytest.mark.parametrize(("k", "ef"), [(10, 10), (10, 60), (30, 5)])
def test_each_step_over_real_texts_is_that_of_a_search_with_dicts_and_sorted_lists(real, built, k, ef):
    index, graph = built
    packed = Packed(index)
    compared = [check_steps(graph.walk(query, k, ef), packed) for query in real[1][:40]]
    assert sum(compared) > 25


@settings(max_examples=150, deadline=None)
@given(searches())
def test_each_step_over_random_vectors_is_that_of_a_search_with_dicts_and_sorted_lists(search):
    index, query, k, ef = search
    check_steps(HNSWGraph.of(index).walk(query, k, ef), Packed(index))


def test_the_beam_is_that_of_a_best_first_search_where_texts_repeat_too():
    for seed in range(40):
        index, queries, k, ef = repeated(seed)
        packed, graph = Packed(index), HNSWGraph.of(index)
        for query in queries:
            check_steps(graph.walk(query, k, ef), packed)


def test_distances_are_the_same_on_every_run_and_grow_with_ef(real, starved):
    index, graph = starved
    again = HNSWGraph.of(HNSWIndex(real[0], **GRAPHS["starved"]))
    for query in real[1][:40]:
        counts = [graph.walk(query, 10, ef).distances for ef in (10, 40, 160)]
        assert counts == [again.walk(query, 10, ef).distances for ef in (10, 40, 160)]
        assert counts == [graph.walk(query, 10, ef).distances for ef in (10, 40, 160)]
        assert counts == sorted(counts)


def test_an_ef_below_k_walks_as_an_ef_of_k(real, starved):
    for query in real[1][:20]:
        low, at_k = starved[1].walk(query, 20, 1), starved[1].walk(query, 20, 20)
        assert low.steps == at_k.steps
        assert low.distances == at_k.distances
        np.testing.assert_array_equal(low.ids, at_k.ids)


def test_a_walk_without_beams_is_the_same_walk_without_what_was_kept(real, starved):
    for query in real[1][:10]:
        full, bare = (starved[1].walk(query, 10, 30, beams=beams) for beams in (True, False))
        np.testing.assert_array_equal(bare.ids, full.ids)
        assert (bare.distances, bare.looked_at, bare.expanded) == (full.distances, full.looked_at, full.expanded)
        ground = [replace(step, heap=()) if step.layer == 0 else step for step in full.steps]
        assert list(bare.steps) == ground


def test_a_search_as_wide_as_the_collection_looks_at_all_that_links_lead_to_from_its_start(real, starved):
    index, graph = starved
    links = Packed(index).links[0]
    for query in real[1][:3]:
        walk = graph.walk(query, 10, len(graph))
        start = next(step.node for step in walk.steps if step.layer == 0)
        found, queue = {start}, [start]
        for node in queue:
            queue += [other for other in links[node] if other not in found]
            found.update(links[node])
        looked_at, expanded, ids = walk.looked_at, walk.expanded, walk.ids.tolist()
        assert looked_at == expanded == found
        assert not found & set(graph.unreachable.tolist())
        true = ExactIndex(real[0]).search(query[None, :], 50).ids[0].tolist()
        assert ids == [node for node in true if node in found][:10]


# --- bad input


@pytest.mark.parametrize(
    "query",
    [
        np.ones(23),
        np.ones(25),
        np.ones((1, 23)),
        np.ones((2, 24)),
        np.ones((0, 24)),
        np.ones((1, 1, 24)),
        np.full(24, np.nan),
        np.full(24, np.inf),
        np.ones(24, complex),
        [[1.0], [2.0, 3.0]],
        3.0,
        [],
        None,
        "text",
    ],
    ids=["23", "25", "1x23", "2x24", "0x24", "1x1x24", "nan", "inf", "complex", "ragged", "3.0", "[]", "None", "text"],
)
@pytest.mark.parametrize("n", [0, 30])
def test_a_query_that_does_not_fit_is_refused(query, n):
    graph = HNSWGraph.of(HNSWIndex(np.random.default_rng(0).normal(size=(n, 24))))
    with pytest.raises(VectorError):
        graph.walk(query, 3, 10)


@pytest.mark.parametrize("count", [0, -1, 1.5, True, None, "3", 100_001])
@pytest.mark.parametrize("name", ["k", "ef"])
@pytest.mark.parametrize("n", [0, 5])
def test_a_bad_k_or_ef_is_refused_by_name(n, name, count):
    graph = HNSWGraph.of(HNSWIndex(np.eye(5)[:n]))
    with pytest.raises(ParameterError, match=f"^{name} is"):
        graph.walk(np.ones(5), **({"k": 3, "ef": 10} | {name: count}))
    assert issubclass(ParameterError, RetrieverError)
