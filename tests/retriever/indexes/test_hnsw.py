"""HNSWIndex: hnswlib's own results, a reproducible graph, and independent concurrent searches."""

import os
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress

import hnswlib
import numpy as np
import pytest

from retriever.errors import Cancelled, ParameterError, StorageError, VectorError
from retriever.indexes.base import NO_ID
from retriever.indexes.exact import ExactIndex
from retriever.indexes.hnsw import HNSWIndex
from retriever.vectors import normalize

STARVED = {"M": 4, "ef_construction": 20}


def clusters(n=3000, dim=24, seed=1):
    """Return clustered vectors, like those of texts: a poor graph misses many neighbours at a low ef."""
    rng = np.random.default_rng(seed)
    centres = rng.normal(size=(40, dim))
    return normalize((centres[rng.integers(0, 40, n)] + 0.5 * rng.normal(size=(n, dim))).astype(np.float32))


@pytest.fixture(scope="module")
def vectors():
    return clusters()


@pytest.fixture(scope="module")
def queries():
    return clusters(seed=2)[:30]


@pytest.fixture(scope="module")
def starved(vectors):
    return HNSWIndex(vectors, **STARVED)


class Proxy:
    """A proxy of hnswlib's index with some methods replaced."""

    def __init__(self, real, **replaced):
        self._real = real
        self.__dict__.update(replaced)

    def __getattr__(self, name):
        return getattr(self._real, name)


# --- hnswlib's own results


@pytest.mark.parametrize("ef", [10, 37, 400])
@pytest.mark.parametrize("batch", [1, 30])
def test_ids_and_scores_are_hnswlibs_own(vectors, queries, starved, ef, batch):
    direct = hnswlib.Index("ip", vectors.shape[1])
    direct.init_index(len(vectors), M=4, ef_construction=20, random_seed=42)
    direct.add_items(vectors, np.arange(len(vectors)), num_threads=1)
    direct.set_ef(ef)
    labels, distances = direct.knn_query(queries, 10, num_threads=1)
    for start in range(0, len(queries), batch):
        found = starved.search(queries[start : start + batch], 10, ef=ef)
        np.testing.assert_array_equal(found.ids, labels[start : start + batch])
        np.testing.assert_allclose(found.scores, 1 - distances[start : start + batch], atol=1e-6)


def test_recall_rises_with_ef_to_one(vectors, queries, starved):
    truth = ExactIndex(vectors).search(queries, 10).ids
    recalls = []
    for ef in (10, 50, 3000):
        found = starved.search(queries, 10, ef=ef).ids
        recalls.append(np.mean([len(set(a) & set(b)) / 10 for a, b in zip(truth, found, strict=True)]))
    assert recalls[0] < 0.95, "these vectors are to show a trade-off"
    assert recalls[0] < recalls[1] < recalls[2] + 1e-9
    assert recalls[2] > 0.97


def test_an_ef_below_k_does_nothing(starved, queries):
    low, at_k = starved.search(queries, 20, ef=1), starved.search(queries, 20, ef=20)
    np.testing.assert_array_equal(low.ids, at_k.ids)


@pytest.mark.parametrize("ef", [0, -1, 1.5, True, None, "10", 100_001])
def test_a_bad_ef_is_refused_by_name(starved, queries, ef):
    with pytest.raises(ParameterError, match=r"^ef is .*from 1 to 100000"):
        starved.search(queries, 10, ef=ef)


@pytest.mark.parametrize(
    "wrong",
    [
        {"M": 1},
        {"M": 0},
        {"M": 257},
        {"M": 2.5},
        {"M": True},
        {"ef_construction": 0},
        {"ef_construction": 100_001},
        {"ef_construction": None},
        {"seed": -1},
        {"seed": 2**32},
        {"seed": 2**70},
        {"seed": "42"},
    ],
    ids=str,
)
def test_graph_settings_outside_their_range_are_refused_by_name(wrong):
    with pytest.raises(ParameterError, match=f"^{next(iter(wrong))} is"):
        HNSWIndex(np.eye(3), **wrong)


def test_the_limits_themselves_work_and_numpys_integers_become_pythons():
    index = HNSWIndex(np.eye(3), M=np.int64(2), ef_construction=np.int32(1), seed=np.uint32(2**32 - 1))
    assert (type(index.M), type(index.ef_construction), type(index.seed)) == (int, int, int)
    assert len(HNSWIndex(np.eye(3), M=256, ef_construction=100_000)) == 3


# --- reproducibility


def test_the_same_input_gives_the_same_graph_byte_for_byte(tmp_path, vectors):
    for name, seed in (("a", 42), ("b", 42), ("c", 43)):
        HNSWIndex(vectors, **STARVED, seed=seed).save(tmp_path / name)
    first = (tmp_path / "a").read_bytes()
    assert (tmp_path / "b").read_bytes() == first
    assert (tmp_path / "c").read_bytes() != first  # the seed is used


def test_one_thread_builds_small_graphs_and_several_large_ones(monkeypatch, vectors):
    used = set()

    def build():
        index = HNSWIndex(np.empty((0, vectors.shape[1])))
        real = index._index

        def add_items(batch, ids, num_threads):
            used.add(num_threads)
            real.add_items(batch, ids, num_threads=num_threads)

        index._index = Proxy(real, add_items=add_items)
        index.add(vectors[:600])
        return index

    assert build().reproducible
    assert used == {1}
    used.clear()
    monkeypatch.setattr("retriever.indexes.hnsw.ONE_THREAD_UP_TO", 599)
    assert not build().reproducible
    assert used == {-1}


def test_adding_later_gives_the_graph_of_adding_at_once(tmp_path, vectors):
    index = HNSWIndex(vectors[:700], **STARVED)
    index.add(vectors[700:700])
    index.add(vectors[700:])
    assert len(index) == len(vectors)
    index.save(tmp_path / "added")
    HNSWIndex(vectors, **STARVED).save(tmp_path / "at once")
    assert (tmp_path / "added").read_bytes() == (tmp_path / "at once").read_bytes()


def test_adding_other_dimensions_or_nan_changes_nothing(vectors):
    index = HNSWIndex(vectors[:50])
    for bad in (np.ones((2, 3)), np.full((2, vectors.shape[1]), np.nan)):
        with pytest.raises(VectorError):
            index.add(bad)
    assert len(index) == 50
    assert index.search(vectors[:1], 1, ef=50).ids.tolist() == [[0]]


def test_adding_to_an_empty_index():
    index = HNSWIndex(np.empty((0, 3)))
    index.add([[0, 2, 0], [3, 0, 0]])
    assert index.search([[1, 0, 0]], 2, ef=10).ids.tolist() == [[1, 0]]


# --- progress


def test_progress_rises_to_one(vectors):
    seen = []
    HNSWIndex(vectors[:1100], progress=seen.append)
    assert len(seen) == 5
    assert seen == sorted(seen)
    assert 0 < seen[0] < 0.5
    assert seen[-1] == 1


def test_what_progress_raises_ends_the_build(vectors):
    seen = []

    def cancel(fraction):
        seen.append(fraction)
        raise Cancelled("stop")

    with pytest.raises(Cancelled):
        HNSWIndex(vectors, progress=cancel)
    assert len(seen) == 1


# --- fewer than k reachable vectors


def unreachable():
    """Return an index of 2,000 equal vectors, only a part of which can be reached in the graph."""
    return HNSWIndex(np.ones((2000, 8)), **STARVED)


def test_too_few_reachable_vectors_are_padded_where_hnswlib_raises():
    index = unreachable()
    query = normalize(np.ones((1, 8), np.float32))
    index._index.set_ef(500)
    with pytest.raises(RuntimeError, match="contiguous"):  # hnswlib itself returns nothing at all
        index._index.knn_query(query, 500, num_threads=1)
    found = index.search(np.vstack([query, query]), 500, ef=500)
    count = int((found.ids[0] != NO_ID).sum())
    assert 1 <= count < 500
    index._index.set_ef(500)
    labels, _ = index._index.knn_query(query, count, num_threads=1)  # the most that hnswlib can return
    with pytest.raises(RuntimeError):
        index._index.knn_query(query, count + 1, num_threads=1)
    for row in range(2):
        np.testing.assert_array_equal(found.ids[row, :count], labels[0])
        assert (found.ids[row, count:] == NO_ID).all()
        np.testing.assert_allclose(found.scores[row, :count], 1, atol=1e-6)
        assert (found.scores[row, count:] == -np.inf).all()


def test_a_low_ef_reaches_as_many_as_k_does():
    index, query = unreachable(), np.ones((1, 8))
    np.testing.assert_array_equal(index.search(query, 500, ef=1).ids, index.search(query, 500, ef=500).ids)


def test_an_unreachable_query_takes_nothing_from_the_others_in_its_batch():
    rng = np.random.default_rng(0)
    vectors = rng.normal(size=(2000, 8))
    index = HNSWIndex(vectors, M=2, ef_construction=1)
    queries = rng.normal(size=(6, 8))
    batch = index.search(queries, 100, ef=100)
    counts = (batch.ids != NO_ID).sum(axis=1)
    assert counts.min() < 100, "this graph is to have queries that reach too few"
    assert counts.max() == 100, "and queries that reach enough"
    for row in range(6):
        single = index.search(queries[row : row + 1], 100, ef=100)
        np.testing.assert_array_equal(single.ids[0], batch.ids[row])
        np.testing.assert_array_equal(single.scores[0], batch.scores[row])


# --- concurrent searches of one index


class NoLock:
    def __enter__(self):
        pass

    def __exit__(self, *error):
        pass


def ask_at_once(index, queries, efs):
    """Search with each ef in its own thread, each paused after set_ef until the other has called it too."""
    real, barrier = index._index, threading.Barrier(len(efs))

    def set_ef(ef):
        real.set_ef(ef)
        with suppress(threading.BrokenBarrierError):  # with the lock the other cannot arrive, and the wait times out
            barrier.wait(0.5)

    index._index = Proxy(real, set_ef=set_ef)
    try:
        with ThreadPoolExecutor(len(efs)) as pool:
            return list(pool.map(lambda ef: index.search(queries, 10, ef=ef), efs))
    finally:
        index._index = real


def differing(found, alone):
    return [not np.array_equal(a.ids, b.ids) for a, b in zip(found, alone, strict=True)]


def test_two_threads_with_different_ef_get_what_they_would_get_alone(vectors, queries):
    index = HNSWIndex(vectors, **STARVED)
    alone = [index.search(queries, 10, ef=ef) for ef in (10, 400)]
    assert differing(alone, alone[::-1]) == [True, True]
    assert differing(ask_at_once(index, queries, (10, 400)), alone) == [False, False]
    index._lock = NoLock()  # without the lock one of them gets the other's ef
    assert any(differing(ask_at_once(index, queries, (10, 400)), alone))


def test_many_threads_with_different_ef_get_what_they_would_get_alone(vectors, queries):
    index = HNSWIndex(vectors, **STARVED)
    efs = (10, 20, 60, 400)
    alone = {ef: index.search(queries, 10, ef=ef).ids for ef in efs}

    def ask(number):
        ef = efs[number % len(efs)]
        return np.array_equal(index.search(queries, 10, ef=ef).ids, alone[ef])

    with ThreadPoolExecutor(4) as pool:
        assert all(pool.map(ask, range(120)))


def test_searching_while_vectors_are_added(vectors, queries):
    index = HNSWIndex(vectors[:500])
    ended = threading.Event()

    def search():
        while not ended.is_set():
            found = index.search(queries, 10, ef=50)
            assert (found.ids != NO_ID).all()
            np.testing.assert_allclose(found.scores, np.einsum("qd,qkd->qk", queries, vectors[found.ids]), atol=1e-5)
        return True

    with ThreadPoolExecutor(1) as pool:
        searching = pool.submit(search)
        try:
            index.add(vectors[500:])
        finally:
            ended.set()
        assert searching.result()
    assert len(index) == len(vectors)


# --- the state that HNSWGraph.of reads


def test_the_state_describes_the_graph_and_is_a_copy(vectors, queries):
    index = HNSWIndex(vectors[:800], **STARVED)
    before = index.search(queries, 10, ef=20)
    state = index.state()
    kept = {name: value.copy() if isinstance(value, np.ndarray) else value for name, value in state.items()}
    assert (state["cur_element_count"], state["dim"], state["M"], state["max_M0"]) == (800, 24, 4, 8)
    assert len(state["data_level0"]) == 800 * state["size_data_per_element"]
    for value in state.values():
        if isinstance(value, np.ndarray):
            value[...] = 0
    np.testing.assert_array_equal(index.search(queries, 10, ef=20).ids, before.ids)
    again = index.state()
    index.add(vectors[800:])
    assert index.state()["cur_element_count"] == len(vectors)
    for name in ("data_level0", "link_lists", "element_levels", "cur_element_count", "enterpoint_node"):
        np.testing.assert_array_equal(again[name], kept[name])


def test_the_state_of_an_empty_index():
    state = HNSWIndex(np.empty((0, 3))).state()
    assert (state["cur_element_count"], len(state["data_level0"]), len(state["link_lists"])) == (0, 0, 0)


def test_the_state_is_read_under_the_lock():
    index, held = HNSWIndex(np.eye(3)), []
    real = index._index

    def getstate():
        held.append(index._lock.locked())
        return real.__getstate__()

    index._index = Proxy(real, __getstate__=getstate)
    assert index.state()["cur_element_count"] == 3
    assert held == [True]
    assert not index._lock.locked()


def test_the_state_is_whole_while_vectors_are_added(vectors):
    index = HNSWIndex(vectors[:250])
    sizes = [250]
    with ThreadPoolExecutor(1) as pool:
        adding = pool.submit(index.add, vectors[250:])
        while not adding.done():
            state = index.state()
            sizes.append(state["cur_element_count"])
            links = int(state["element_levels"][: sizes[-1]].sum())  # lists of the upper layers
            assert len(state["link_lists"]) == links * state["size_links_per_element"]
            assert len(state["data_level0"]) == sizes[-1] * state["size_data_per_element"]
        adding.result()
    assert sizes == sorted(sizes)
    assert len(set(sizes)) > 2, "some were read between two batches"
    assert all(size % 250 == 0 for size in sizes)  # added in batches of 250, each under the lock


# --- save, load, size


def load(path, **changed):
    return HNSWIndex.load(path, **{"dimension": 24, "M": 4, "ef_construction": 20, "seed": 42} | changed)


def test_a_loaded_index_answers_and_grows_as_the_saved_one(tmp_path, vectors, queries, starved):
    starved.save(tmp_path / "graph")
    loaded = load(tmp_path / "graph")
    assert (len(loaded), loaded.dimension, loaded.M, loaded.ef_construction) == (len(vectors), 24, 4, 20)
    for ef in (10, 300):
        np.testing.assert_array_equal(loaded.search(queries, 10, ef=ef).ids, starved.search(queries, 10, ef=ef).ids)
    loaded.add(-queries)
    assert loaded.search(-queries[:1], 1, ef=300).ids.tolist() == [[len(vectors)]]


def test_an_empty_index_can_be_saved_and_loaded(tmp_path):
    HNSWIndex(np.empty((0, 24)), **STARVED).save(tmp_path / "graph")
    loaded = load(tmp_path / "graph")
    assert len(loaded) == 0
    loaded.add(np.eye(24))
    assert loaded.search(np.eye(24)[7:8], 1, ef=10).ids.tolist() == [[7]]


@pytest.mark.parametrize("wrong", [{"M": 5}, {"dimension": 23}, {"dimension": 48}], ids=str)
def test_a_graph_of_another_shape_is_refused(tmp_path, starved, wrong):
    starved.save(tmp_path / "graph")
    with pytest.raises(StorageError, match="build it again"):
        load(tmp_path / "graph", **wrong)


@pytest.mark.parametrize("content", [None, b"", b"no graph at all", bytes(200)])
def test_a_file_that_is_no_graph_is_refused(tmp_path, content):
    if content is not None:
        (tmp_path / "graph").write_bytes(content)
    with pytest.raises(StorageError, match="build it again"):
        load(tmp_path / "graph")


def test_a_truncated_graph_is_refused(tmp_path, starved):
    starved.save(tmp_path / "graph")
    data = (tmp_path / "graph").read_bytes()
    (tmp_path / "graph").write_bytes(data[: len(data) // 2])
    with pytest.raises(StorageError):
        load(tmp_path / "graph")


def test_link_bytes_is_what_the_file_holds_beside_vectors_and_labels(tmp_path, vectors, starved):
    starved.save(tmp_path / "graph")
    assert starved.link_bytes == os.path.getsize(tmp_path / "graph") - len(vectors) * (24 * 4 + 8)
    ground_layer = len(vectors) * (4 + 2 * 4 * 4)  # each node: a count and 2 M links of 4 bytes
    assert ground_layer < starved.link_bytes < 1.6 * ground_layer
    assert HNSWIndex(vectors, M=8, ef_construction=20).link_bytes > starved.link_bytes
