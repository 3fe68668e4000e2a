"""HNSWIndex: hnswlib's own results, a reproducible graph, and independent concurrent searches."""

import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, nullcontext, suppress

import hnswlib
import numpy as np
import pytest

from retriever.errors import Cancelled, ParameterError, StorageError, VectorError
from retriever.indexes import hnsw
from retriever.indexes.base import NO_ID
from retriever.indexes.hnsw import HNSWIndex
from retriever.vectors import normalize
from tests.support.hnsw_by_hand import GraphByHand
from tests.support.true_neighbors import true_scores

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


def saved(index, folder):
    """Return the bytes of an index's file."""
    index.save(folder / "saved")
    return (folder / "saved").read_bytes()


class Proxy:
    """A proxy of hnswlib's index with some methods replaced."""

    def __init__(self, real, **replaced):
        self._real = real
        self.__dict__.update(replaced)

    def __getattr__(self, name):
        return getattr(self._real, name)


# --- hnswlib's own results


def test_the_graph_is_hnswlibs_own_and_the_same_each_time(vectors, starved, tmp_path):
    direct = hnswlib.Index("ip", vectors.shape[1])
    direct.init_index(len(vectors), M=4, ef_construction=20, random_seed=42)
    direct.add_items(vectors, np.arange(len(vectors)), num_threads=1)
    direct.save_index(str(tmp_path / "direct"))
    found = saved(starved, tmp_path)
    assert found == (tmp_path / "direct").read_bytes()
    assert saved(HNSWIndex(vectors, **STARVED, seed=43), tmp_path) != found  # the seed is used
    assert starved.link_bytes == len(found) - len(vectors) * (24 * 4 + 8)


@pytest.mark.parametrize("ef", [1, 10, 400])
def test_ids_and_scores_are_those_of_a_search_by_hand(vectors, queries, starved, ef):
    by_hand = GraphByHand(starved)
    expected = [by_hand.search(row.tolist(), max(ef, 10))[1][:10] for row in 1 - true_scores(vectors, queries)]
    for batch in (1, 30):
        for start in range(0, len(queries), batch):
            found = starved.search(queries[start : start + batch], 10, ef=ef)
            for row, nearest in enumerate(expected[start : start + batch]):
                assert found.ids[row].tolist() == [node for _, node in nearest]
                np.testing.assert_allclose(found.scores[row], [1 - distance for distance, _ in nearest], atol=1e-6)


@pytest.mark.parametrize("ef", [0, 1.5, True, None, "10", 100_001])
def test_a_bad_ef_is_refused_by_name(starved, queries, ef):
    with pytest.raises(ParameterError, match=r"^ef is .*from 1 to 100000"):
        starved.search(queries, 10, ef=ef)


@pytest.mark.parametrize(
    ("name", "wrong"),
    [("M", (1, 257, 2.5)), ("ef_construction", (0, 100_001, None)), ("seed", (-1, 2**32, 2**70, "42"))],
)
def test_graph_settings_outside_their_range_are_refused_by_name(name, wrong):
    for value in wrong:
        with pytest.raises(ParameterError, match=f"^{name} is"):
            HNSWIndex(np.eye(3), **{name: value})


def test_the_limits_themselves_work_and_numpys_integers_become_pythons():
    index = HNSWIndex(np.eye(3), M=np.int64(2), ef_construction=np.int32(1), seed=np.uint32(2**32 - 1))
    assert (type(index.M), type(index.ef_construction), type(index.seed)) == (int, int, int)
    assert len(HNSWIndex(np.eye(3), M=256, ef_construction=100_000)) == 3


# --- building


def test_one_thread_builds_small_graphs_and_several_large_ones(monkeypatch, vectors):
    monkeypatch.setattr("retriever.indexes.hnsw.ONE_THREAD_UP_TO", 300)
    for n, threads in ((300, 1), (301, -1)):
        index, used = HNSWIndex(np.empty((0, vectors.shape[1]))), set()
        index._index = Proxy(index._index, add_items=lambda batch, ids, num_threads, used=used: used.add(num_threads))
        index.add(vectors[:n])
        assert used == {threads}
        assert HNSWIndex(vectors[:n]).reproducible == (threads == 1)


def test_adding_later_gives_the_graph_of_adding_at_once(tmp_path, vectors, starved):
    index = HNSWIndex(np.empty((0, 24)), **STARVED)
    for start, end in ((0, 700), (700, 700), (700, None)):
        index.add(vectors[start:end])
    assert len(index) == len(vectors)
    assert saved(index, tmp_path) == saved(starved, tmp_path)


def test_adding_other_dimensions_or_nan_changes_nothing(vectors):
    index = HNSWIndex(vectors[:50])
    for bad in (np.ones((2, 3)), np.full((2, vectors.shape[1]), np.nan)):
        with pytest.raises(VectorError):
            index.add(bad)
    assert len(index) == 50
    assert index.search(vectors[:1], 1, ef=50).ids.tolist() == [[0]]


def test_progress_rises_to_one_and_what_it_raises_ends_the_build(vectors):
    seen = []

    def progress(fraction):
        seen.append(fraction)
        if len(seen) == 7:
            raise Cancelled("stop")

    HNSWIndex(vectors[:1100], progress=progress)
    assert seen == [250 / 1100, 500 / 1100, 750 / 1100, 1000 / 1100, 1]
    with pytest.raises(Cancelled):
        HNSWIndex(vectors, progress=progress)
    assert len(seen) == 7


# --- fewer than k reachable vectors


def test_too_few_reachable_vectors_are_padded_where_hnswlib_raises():
    index, query = HNSWIndex(np.ones((2000, 8)), **STARVED), normalize(np.ones((1, 8), np.float32))
    found = index.search(np.vstack([query, query]), 500, ef=500)
    count = int((found.ids[0] != NO_ID).sum())
    assert 1 <= count < 500
    with pytest.raises(RuntimeError, match="contiguous"):  # hnswlib itself returns nothing at all
        index._index.knn_query(query, count + 1, num_threads=1)
    labels, _ = index._index.knn_query(query, count, num_threads=1)  # the most that hnswlib can return
    for row in range(2):
        assert found.ids[row].tolist() == [*labels[0].tolist(), *[NO_ID] * (500 - count)]
        np.testing.assert_allclose(found.scores[row, :count], 1, atol=1e-6)
        assert (found.scores[row, count:] == -np.inf).all()
    np.testing.assert_array_equal(index.search(query, 500, ef=1).ids[0], found.ids[0])


def test_an_unreachable_query_takes_nothing_from_the_others_in_its_batch():
    rng = np.random.default_rng(0)
    index = HNSWIndex(rng.normal(size=(2000, 8)), M=2, ef_construction=1)
    queries = rng.normal(size=(6, 8))
    batch = index.search(queries, 100, ef=100)
    counts = (batch.ids != NO_ID).sum(axis=1)
    assert counts.min() < 100, "this graph is to have queries that reach too few"
    assert counts.max() == 100, "and queries that reach enough"
    for row in range(6):
        single = index.search(queries[row : row + 1], 100, ef=100)
        np.testing.assert_array_equal(single.ids[0], batch.ids[row])
        np.testing.assert_array_equal(single.scores[0], batch.scores[row])


# --- concurrent use of one index


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
            return [found.ids.tolist() for found in pool.map(lambda ef: index.search(queries, 10, ef=ef), efs)]
    finally:
        index._index = real


def test_two_threads_with_different_ef_get_what_they_would_get_alone(vectors, queries):
    index = HNSWIndex(vectors[:1500], **STARVED)
    alone = [index.search(queries, 10, ef=ef).ids.tolist() for ef in (10, 400)]
    assert alone[0] != alone[1]
    assert ask_at_once(index, queries, (10, 400)) == alone
    index._lock = nullcontext()  # without the lock one of them gets the other's ef
    assert ask_at_once(index, queries, (10, 400)) != alone


def test_searching_and_reading_the_state_while_vectors_are_added(vectors, queries):
    index, sizes = HNSWIndex(vectors[:500]), [500]
    with ThreadPoolExecutor(1) as pool:
        adding = pool.submit(index.add, vectors[500:])
        while not adding.done():
            found = index.search(queries, 10, ef=50)
            np.testing.assert_allclose(found.scores, np.einsum("qd,qkd->qk", queries, vectors[found.ids]), atol=1e-5)
            state = index.state()
            sizes.append(state["cur_element_count"])
            links = int(state["element_levels"][: sizes[-1]].sum())  # lists of the upper layers
            assert len(state["link_lists"]) == links * state["size_links_per_element"]
            assert len(state["data_level0"]) == sizes[-1] * state["size_data_per_element"]
        adding.result()
    assert len(index) == len(vectors)
    assert sizes == sorted(sizes)
    assert len(set(sizes)) > 2, "some were read between two batches"
    assert all(size % 250 == 0 for size in sizes)  # added in batches of 250, each under the lock


def test_slow_insertions_come_in_short_sections_and_give_the_same_graph(vectors, queries, monkeypatch):
    """A visitor chooses ef_construction: with a large one 250 insertions take seconds, and nobody can measure then."""
    sections, real = [], hnsw.MACHINE_LOCK.shared

    @contextmanager
    def shared():
        with real():
            sections.append(1)
            yield

    quick = HNSWIndex(vectors)
    monkeypatch.setattr(hnsw.MACHINE_LOCK, "shared", shared)
    monkeypatch.setattr(hnsw, "BATCH_SECONDS", 1e-4)
    slow = HNSWIndex(vectors)
    assert len(sections) > len(vectors) / 25
    found, again = (index.search(queries, 10, ef=20) for index in (quick, slow))
    np.testing.assert_array_equal(found.ids, again.ids)
    assert quick.state()["data_level0"].tobytes() == slow.state()["data_level0"].tobytes()


def test_a_search_of_many_queries_gives_the_index_back_between_them(vectors, queries):
    """Else the search of one visitor, timed in a section that all others wait for, would wait for thousands."""
    index, many = HNSWIndex(vectors), np.tile(queries, (200, 1))
    one, waited = index.search(queries[:1], 10, ef=200), []
    with ThreadPoolExecutor(1) as pool:
        searching = pool.submit(index.search, many, 10, ef=200)
        while not searching.done():
            began = time.perf_counter()
            np.testing.assert_array_equal(index.search(queries[:1], 10, ef=200).ids, one.ids)
            waited.append(time.perf_counter() - began)
        found = searching.result()
    assert len(waited) > 5
    np.testing.assert_array_equal(found.ids, np.tile(index.search(queries, 10, ef=200).ids, (200, 1)))


@pytest.mark.parametrize("n", [1, 20, 21, 90, 500])
def test_a_batch_has_the_same_results_by_any_number_of_threads(vectors, queries, starved, n):
    many = np.tile(queries, (17, 1))[:n] + np.arange(n)[:, None] * 1e-3
    alone = starved.search(many, 10, ef=15)
    for threads in (1, 2, 3, 256):
        found = starved.search(many, 10, ef=15, threads=threads)
        np.testing.assert_array_equal(found.ids, alone.ids)
        np.testing.assert_array_equal(found.scores, alone.scores)


def test_threads_find_the_same_of_queries_that_reach_too_few():
    rng = np.random.default_rng(0)
    index, queries = HNSWIndex(rng.normal(size=(2000, 8)), M=2, ef_construction=1), rng.normal(size=(60, 8))
    alone = index.search(queries, 100, ef=100)
    assert (alone.ids == NO_ID).any()
    np.testing.assert_array_equal(index.search(queries, 100, ef=100, threads=4).ids, alone.ids)


def test_only_a_batch_on_request_is_searched_by_several_threads_in_shared_sections(vectors, queries, monkeypatch):
    index, asked = HNSWIndex(vectors[:500]), []
    real = index._index

    def knn_query(data, k, num_threads):
        asked.append((len(data), num_threads, hnsw.MACHINE_LOCK._working))
        return real.knn_query(data, k, num_threads=num_threads)

    index._index = Proxy(real, knn_query=knn_query)
    many = np.tile(queries, (5, 1))
    index.search(many[:20], 10, ef=20, threads=3)
    index.search(many[:25], 10, ef=20)
    index.search(many, 10, ef=20, threads=3)
    assert asked == [(20, 1, 0), (20, 1, 1), (5, 1, 1), (60, 3, 1), (60, 3, 1), (30, 3, 1)]


@pytest.mark.parametrize("threads", [0, -1, 257, 1.5, True, None])
def test_a_number_of_threads_that_is_none_is_refused(vectors, queries, starved, threads):
    with pytest.raises(ParameterError, match="threads is .*must be a whole number from 1 to 256"):
        starved.search(queries, 10, ef=10, threads=threads)


def test_the_state_is_a_copy(vectors, queries):
    index = HNSWIndex(vectors[:800], **STARVED)
    before, state = index.search(queries, 10, ef=20), index.state()
    for value in state.values():
        if isinstance(value, np.ndarray):
            value[...] = 0
    np.testing.assert_array_equal(index.search(queries, 10, ef=20).ids, before.ids)
    index.add(vectors[800:])
    assert state["cur_element_count"] == 800
    assert not state["data_level0"].any()


# --- save and load


def load(path, **changed):
    return HNSWIndex.load(path, **{"dimension": 24, **STARVED, "seed": 42} | changed)


@pytest.mark.parametrize("n", [0, 3000])
def test_a_loaded_index_answers_and_grows_as_the_saved_one(tmp_path, vectors, queries, n):
    index = HNSWIndex(vectors[:n], **STARVED)
    index.save(tmp_path / "graph")
    loaded = load(tmp_path / "graph")
    assert (len(loaded), loaded.dimension, loaded.M, loaded.ef_construction) == (n, 24, 4, 20)
    np.testing.assert_array_equal(loaded.search(queries, 10, ef=10).ids, index.search(queries, 10, ef=10).ids)
    loaded.add(-queries)
    assert loaded.search(-queries[:1], 1, ef=300).ids.tolist() == [[n]]


@pytest.mark.parametrize("content", [None, b"", b"no graph at all", bytes(200)])
def test_a_file_that_is_no_graph_is_refused(tmp_path, content):
    if content is not None:
        (tmp_path / "graph").write_bytes(content)
    with pytest.raises(StorageError, match="graph cannot be read .*build it again"):
        load(tmp_path / "graph")


@pytest.mark.parametrize("path", ["missing/graph.bin", ""], ids=["no folder", "a folder"])
def test_a_graph_that_cannot_be_written_whole_is_an_error(tmp_path, path):
    index = HNSWIndex(np.eye(4, dtype=np.float32))
    with pytest.raises(StorageError, match="cannot be written whole"):
        index.save(tmp_path / path)
