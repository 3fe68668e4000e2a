"""Sharding: each shard is a graph of its own, and merging finds the nearest of all, recomputed by brute force."""

import numpy as np
import pytest

from retriever.errors import Cancelled, ParameterError, VectorError
from retriever.graph.traversal import HNSWGraph
from retriever.indexes.base import NO_ID, SCORE_TIE
from retriever.indexes.hnsw import HNSWIndex
from retriever.measurement.fan_out import FanOut, simulate_fan_out
from retriever.measurement.sharding import ROUNDS, sweep_shards
from retriever.vectors import normalize

STARVED = {"M": 4, "ef_construction": 20}


def random_vectors(n, dim=12, seed=0):
    return normalize(np.random.default_rng(seed).normal(size=(n, dim)).astype(np.float32))


VECTORS, QUERIES = random_vectors(500), random_vectors(25, seed=1)


def recall_by_brute_force(vectors, query, ids, k):
    """Return the share of the k nearest, by score, that are among some ids."""
    scores = vectors.astype(np.float64) @ query.astype(np.float64)
    kth = np.sort(scores)[-min(k, len(scores))]
    return sum(scores[ids[ids != NO_ID]] >= kth - SCORE_TIE) / min(k, len(scores))


def search_by_hand(vectors, shards, k, ef, **settings):
    """Return the merged ids of each query and the distances of each shard and query, one shard and query at a time."""
    merged, counts = [[] for _ in QUERIES], []
    for shard in range(shards):
        part = np.ascontiguousarray(vectors[shard::shards])
        index = HNSWIndex(part, **settings)
        graph = HNSWGraph.of(index)
        counts.append([graph.walk(query, k, ef).distances for query in QUERIES])
        for number, query in enumerate(QUERIES):
            found = index.search(query[None], k, ef=ef)
            merged[number] += [
                (-score, shards * row + shard)
                for row, score in zip(found.ids[0].tolist(), found.scores[0].tolist(), strict=True)
                if row != NO_ID
            ]
    return [[row for _, row in sorted(pairs)[:k]] for pairs in merged], np.array(counts)


@pytest.mark.parametrize(("k", "ef"), [(8, 10), (40, 40)])  # 40 is more than each of 16 shards has
def test_every_number_of_shards_is_searched_and_merged_as_by_hand(k, ef):
    results = sweep_shards(VECTORS, QUERIES, k=k, ef=ef, **STARVED)
    assert [result.shards for result in results] == [1, 2, 4, 8, 16]
    for result in results:
        merged, counts = search_by_hand(VECTORS, result.shards, k, ef, **STARVED)
        assert [[row for row in ids if row != NO_ID] for ids in result.neighbors.ids.tolist()] == merged
        assert result.distances.tolist() == counts.sum(axis=0).tolist()
        recall = [recall_by_brute_force(VECTORS, *pair, k) for pair in zip(QUERIES, result.neighbors.ids, strict=True)]
        assert result.recall == pytest.approx(recall)
        assert sum(result.sizes) == 500 and max(result.sizes) - min(result.sizes) <= 1
        scores = np.einsum("qd,qkd->qk", QUERIES, VECTORS[result.neighbors.ids])
        np.testing.assert_allclose(result.neighbors.scores, scores, atol=1e-6)
    assert results[0].mean_recall < 1, "a starved graph is to miss some"
    assert results[-1].mean_recall > results[0].mean_recall and results[-1].mean_distances > results[0].mean_distances


def test_a_query_waits_for_the_slowest_shard_and_memory_is_that_of_every_graph():
    *_, result = sweep_shards(VECTORS, QUERIES, (4,), k=5, ef=9, **STARVED)
    seconds = result.seconds
    assert seconds.shape == (4, ROUNDS * 25) and (seconds > 0).all()
    assert seconds[:, :25].tolist() == [search.seconds.tolist() for search in result.searches]
    assert len(np.unique(seconds)) > 100, "timed anew in each round"
    assert result.waits.tolist() == seconds.max(axis=0).tolist()
    assert result.work == pytest.approx(seconds.sum(axis=0))
    assert result.fan_out == FanOut(*np.percentile(seconds.max(axis=0), (50, 95, 99)))
    assert result.simulated == simulate_fan_out(seconds[0], 4)
    graphs = [HNSWIndex(VECTORS[shard::4], **STARVED) for shard in range(4)]
    assert list(result.link_bytes) == [graph.link_bytes for graph in graphs]
    assert list(result.vector_bytes) == [125 * 12 * 4] * 4
    assert result.total_bytes == sum(result.link_bytes) + 500 * 48
    assert result.largest_bytes == max(result.link_bytes) + 6_000
    for search, graph in zip(result.searches, graphs, strict=True):
        np.testing.assert_array_equal(search.neighbors.ids, graph.search(QUERIES, 5, ef=9).ids)


def test_one_shard_is_the_given_graph():
    whole = HNSWIndex(VECTORS, M=3, ef_construction=5)
    one, two = sweep_shards(VECTORS, QUERIES, (1, 2), k=8, ef=9, whole=whole, **STARVED)
    np.testing.assert_array_equal(one.neighbors.ids, whole.search(QUERIES, 8, ef=9).ids)
    np.testing.assert_array_equal(one.recall, one.searches[0].recall)
    assert one.total_bytes == 500 * 48 + whole.link_bytes and two.shards == 2


@pytest.mark.parametrize(("n", "counts"), [(0, [1]), (1, [1]), (3, [1, 2]), (20, [1, 2, 4, 8, 16])])
def test_no_shard_is_empty_and_a_few_vectors_are_all_found(n, counts):
    results = sweep_shards(VECTORS[:n], QUERIES, k=20, ef=1, **STARVED)
    assert [result.shards for result in results] == counts
    for result in results:
        assert result.mean_recall == 1 and min(result.sizes) >= min(n, 1)
        assert (result.neighbors.ids != NO_ID).sum() == 25 * n


def test_equal_vectors_count_wherever_they_are_and_the_lower_row_comes_first():
    doubled = np.repeat(VECTORS[:60], 2, axis=0)
    *_, result = sweep_shards(doubled, VECTORS[:20], (2,), k=4, ef=60, **STARVED)
    assert result.mean_recall == 1
    assert result.neighbors.ids[:, :2].tolist() == [[2 * row, 2 * row + 1] for row in range(20)]


def test_progress_rises_to_one_and_what_it_raises_ends_the_sweep():
    seen = []
    sweep_shards(VECTORS, QUERIES, (1, 3), k=5, ef=9, progress=seen.append, **STARVED)
    assert seen == sorted(seen) and seen[-1] == 1 and len(seen) > 6

    def cancel(fraction):
        if fraction > 0.9:
            raise Cancelled("stop")

    with pytest.raises(Cancelled):
        sweep_shards(VECTORS, QUERIES, (1, 3), k=5, ef=9, progress=cancel, **STARVED)


def test_a_sweep_becomes_a_table_of_shards():
    results = sweep_shards(VECTORS, QUERIES, (1, 4), k=5, ef=9, **STARVED)
    frame = results.to_frame()
    assert frame["shards"].tolist() == [1, 4] and frame["ef"].tolist() == [9, 9]
    for column, values in {
        "mean_recall": [result.recall.mean() for result in results],
        "slowest_p95_seconds": [np.percentile(result.waits, 95) for result in results],
        "all_p50_seconds": [np.median(result.work) for result in results],
        "simulated_p95_seconds": [result.simulated.p95 for result in results],
    }.items():
        assert frame[column].tolist() == pytest.approx(values)


@pytest.mark.parametrize(
    ("changed", "error"),
    [
        ({"k": 0}, ParameterError),
        ({"ef": 0}, ParameterError),
        ({"M": 1}, ParameterError),
        ({"shard_counts": (2, 0)}, ParameterError),
        ({"queries": np.empty((0, 12), np.float32)}, ParameterError),
        ({"queries": np.ones((3, 11), np.float32)}, VectorError),
        ({"vectors": np.full((60, 12), np.nan, np.float32)}, VectorError),
    ],
)
def test_what_does_not_suit_is_refused(changed, error):
    with pytest.raises(error):
        sweep_shards(**{"vectors": VECTORS[:60], "queries": QUERIES, "k": 3, "ef": 5, **STARVED} | changed)
