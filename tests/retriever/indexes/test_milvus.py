"""The index in Milvus beyond the contract: its graphs are used, its limits, and what a server can do wrong."""

import logging
import socket
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager

import numpy as np
import pytest

from benchmarks.milvus.server import MilvusServer, free_port
from retriever.errors import ParameterError, StorageError
from retriever.indexes.hnsw import HNSWIndex
from retriever.indexes.milvus.connection import MilvusConnection
from retriever.indexes.milvus.index import MilvusIndex
from retriever.indexes.recall import knn_recall
from tests.support.milvus import far_away, fresh_name, guarded_server, slow_server
from tests.support.true_neighbors import true_neighbors

SECRET = "open-sesame"
TOKEN = f"reader:{SECRET}"


@pytest.fixture
def rng():
    return np.random.default_rng(7)


# --- the graphs


def test_recall_follows_ef_and_M_as_in_hnswlib(milvus_index, rng):
    """A collection whose graph is not built yet answers exactly, and one built with another M better or worse."""
    vectors, queries = rng.normal(size=(2_500, 40)), rng.normal(size=(100, 40))
    for M, ef_construction in ((16, 200), (2, 10)):
        index = milvus_index(vectors, M=M, ef_construction=ef_construction)
        local = HNSWIndex(vectors, M=M, ef_construction=ef_construction)
        exact = index.search(queries, 10)
        for ef in (10, 20):
            here, there = (knn_recall(exact, one.search(queries, 10, ef=ef)).mean() for one in (local, index))
            assert there < 0.95 and abs(here - there) < 0.12, (M, ef, here, there)


def test_adding_again_gives_the_next_ids_and_a_second_object_finds_them(milvus_index, milvus_server, rng):
    vectors = rng.normal(size=(90, 8)).astype(np.float32)
    index, seen = milvus_index(vectors[:40]), []
    index.add(vectors[40:40])
    index.add(vectors[40:], progress=seen.append)
    assert len(index) == 90 and seen[-1] == 1
    other = MilvusIndex(milvus_server, index._vectors.graphs.name, dimension=8)
    for ef in (None, 100):
        np.testing.assert_array_equal(other.search(vectors, 3, ef=ef).ids, true_neighbors(vectors, vectors, 3))


def test_graphs_are_built_and_merged_while_another_object_searches(milvus_index, milvus_server, rng):
    """Five additions are enough for milvus-lite to merge segments; what is not indexed would be found exactly."""
    vectors, ended = rng.normal(size=(2_500, 40)).astype(np.float32), threading.Event()
    index = milvus_index(vectors[:500], M=2, ef_construction=10)
    other = MilvusIndex(milvus_server, index._vectors.graphs.name, dimension=40, M=2, ef_construction=10)

    def search(count=0):
        while not ended.is_set():
            assert (other.search(vectors[:1], 5, ef=10).ids >= 0).all()
            count += 1
        return count

    with ThreadPoolExecutor(1) as pool:
        searching = pool.submit(search)
        try:
            for start in range(500, 2_500, 500):
                index.add(vectors[start : start + 500])
        finally:
            ended.set()
        assert searching.result(30) > 5
    exact = index.search(vectors[:100], 10)
    assert len(index) == 2_500 and knn_recall(exact, index.search(vectors[:100], 10, ef=10)).mean() < 0.6


def test_many_queries_and_ef_below_k(milvus_index, rng):
    vectors, queries = rng.normal(size=(50, 8)), rng.normal(size=(1_200, 8))  # more than one call takes
    index = milvus_index(vectors)
    exact = index.search(queries, 20)
    np.testing.assert_array_equal(exact.ids, true_neighbors(vectors, queries, 20))
    assert knn_recall(exact, index.search(queries, 20, ef=1)).mean() > 0.9


def test_ties_beyond_k_go_by_the_lower_id(milvus_index):
    index = milvus_index(np.repeat(np.eye(3, dtype=np.float32), 40, axis=0)[::-1])
    assert index.search(np.eye(3), 5).ids.tolist() == [list(range(first, first + 5)) for first in (80, 40, 0)]


def test_layout_says_what_server_holds_the_vectors(milvus_index):
    layout = milvus_index(np.eye(4)).layout()
    assert layout.server and layout.shards >= 1
    assert layout.segments is None or sum(layout.segments) == 4


# --- settings and other collections


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"dimension": 0}, "dimension is 0"),
        ({"M": 1}, "M is 1"),
        ({"M": 2_049}, "from 2 to 2048"),
        ({"ef_construction": 0}, "ef_construction is 0"),
        ({"shards": 17}, "shards is 17"),
        ({"timeout": 0}, "timeout is 0"),
        ({"collection": "not a name"}, "letters, digits and underscores"),
    ],
)
def test_settings_that_milvus_does_not_take_are_refused(milvus_server, settings, words):
    with pytest.raises(ParameterError, match=words):
        MilvusIndex(milvus_server, **{"collection": fresh_name(), "dimension": 4, **settings})


def test_limits_of_a_search_are_named(milvus_index):
    index = milvus_index(np.eye(4), exact=False)
    for ef in (0, 32_769, True):
        with pytest.raises(ParameterError, match="^ef is .* from 1 to 32768"):
            index.search(np.eye(4), 1, ef=ef)
    with pytest.raises(ParameterError, match="exact=False"):
        index.search(np.eye(4), 1)
    assert index.search(np.eye(4), 100_000, ef=1).ids[:, 0].tolist() == [0, 1, 2, 3]


def test_a_foreign_collection_is_refused_and_left_alone(milvus_index, milvus_server):
    index = milvus_index(np.eye(4))
    name = index._vectors.graphs.name
    for other, words in (({"dimension": 5}, "dimension: 4, wanted 5"), ({"dimension": 4, "M": 8}, "M: 16, wanted 8")):
        with pytest.raises(StorageError, match=f"{name}.*is another one.*{words}.*nothing was changed"):
            MilvusIndex(milvus_server, name, **other)
    with pytest.raises(StorageError, match="fields: id vector, wanted id passage row vector"):
        from retriever.retrievers.milvus import MilvusRetriever
        from tests.support.encoders import FakeEncoder

        MilvusRetriever(milvus_server, name, "toy", encoder=FakeEncoder())
    assert len(index) == 4


def test_a_collection_that_somebody_drops_is_named(milvus_index):
    index = milvus_index(np.eye(4))
    index.drop()
    for call in (lambda: index.search(np.eye(4), 1, ef=10), lambda: index.add(np.eye(4)), lambda: len(index)):
        with pytest.raises(StorageError, match="has no such collection.*was dropped"):
            call()
    index.drop()  # twice is no error


# --- a server that is not there, or does not answer


@contextmanager
def silent_server():
    """A port that takes connections and never answers."""
    with closing(socket.create_server(("127.0.0.1", 0))) as server:
        yield server.getsockname()[1]


def test_a_server_that_is_away_is_said_at_once():
    with pytest.raises(StorageError, match="cannot be reached.*refused"):
        MilvusIndex(f"http://127.0.0.1:{free_port()}", "x", dimension=4)
    for uri in ("127.0.0.1:19530", "ftp://host", "http://", "http://host:port", f"tcp://{TOKEN}@host"):
        with pytest.raises(ParameterError, match="http://host:19530") as raised:
            MilvusIndex(uri, "x", dimension=4)
        assert SECRET not in str(raised.value)


def test_a_server_far_away_is_reached(tmp_path):
    with MilvusServer(tmp_path / "data") as server, far_away(server.port, 0.08) as uri:
        index = MilvusIndex(uri, fresh_name(), dimension=4, exact=False)
        assert len(index) == 0
        index.close()


def test_a_server_that_does_not_answer_costs_the_timeout():
    with silent_server() as port, pytest.raises(StorageError, match="does not answer as Milvus does|within 1 seconds"):
        MilvusIndex(f"http://127.0.0.1:{port}", "x", dimension=4, timeout=1)
    with silent_server() as port, pytest.raises(StorageError, match="has not answered within 1 seconds"):
        MilvusIndex(f"https://127.0.0.1:{port}", "x", dimension=4, timeout=1)


@pytest.mark.parametrize("method", ["Flush", "ReleaseCollection", "DropIndex", "LoadCollection"])
def test_graphs_are_not_waited_for_longer_than_asked(tmp_path, method):
    with slow_server(tmp_path) as server:
        index = MilvusIndex(server.uri, fresh_name(), dimension=4, exact=False)
        server.delays[method] = 60.0
        began = time.monotonic()
        with pytest.raises(StorageError, match="has not answered within .* Of 9 vectors 9 were stored, and stay"):
            index.add(np.eye(9, 4), longest=0.5)
        assert time.monotonic() - began < 30
        index.close()


def test_without_an_end_who_stores_waits_while_the_server_works(tmp_path):
    with slow_server(tmp_path) as server:
        index = MilvusIndex(server.uri, fresh_name(), dimension=4)
        index._connection.timeout = 0.5
        server.delays |= dict.fromkeys(("Query", "Insert", "Flush", "LoadCollection"), 1.0)
        index.add(np.eye(9, 4))
        server.delays.clear()
        assert len(index) == 9
        index.close()


def test_a_search_is_not_waited_for_longer_than_asked(tmp_path):
    with slow_server(tmp_path) as server:
        index, queries = MilvusIndex(server.uri, fresh_name(), dimension=4), np.eye(1, 4, dtype=np.float32)
        index.add(np.eye(9, 4))
        server.delays["Search"] = 60.0
        for ef in (None, 10):
            with pytest.raises(StorageError, match="has not answered within 0.2 seconds while searching"):
                index.search_unit(queries, 3, ef=ef, timeout=0.2)
        server.delays.clear()
        assert index.search_unit(queries, 1, timeout=10).ids[0] == [0]
        index.close()


def test_a_server_that_stops_and_comes_back_is_found_again(tmp_path, rng):
    server, vectors = MilvusServer(tmp_path / "data"), rng.normal(size=(300, 8))
    try:
        index = MilvusIndex(server.uri, "kept", dimension=8, timeout=5)
        index.add(vectors)
        expected = index.search(vectors[:4], 5, ef=50)
        for kill in (False, True):
            server.stop(kill=kill)
            with pytest.raises(StorageError, match="cannot be reached while searching"):
                index.search(vectors[:4], 5, ef=50)
            with pytest.raises(StorageError, match="Of 300 vectors 0 were stored"):
                index.add(vectors)
            server.start()
            np.testing.assert_array_equal(index.search(vectors[:4], 5, ef=50).ids, expected.ids)
        assert len(index) == 300
    finally:
        server.stop(kill=True)


# --- tokens and TLS


@pytest.fixture(scope="module")
def guarded(tmp_path_factory):
    """A server that wants a token, and one that speaks TLS besides, with the file of its authority."""
    with guarded_server(tmp_path_factory.mktemp("guarded"), TOKEN) as servers:
        yield servers


def test_a_token_is_asked_for_and_never_shown(guarded, caplog, capfd):
    caplog.set_level(logging.DEBUG)
    host = guarded.plain.removeprefix("http://")
    for uri, token in ((guarded.plain, TOKEN), (f"http://{TOKEN}@{host}", "")):
        connection = MilvusConnection(uri, token=token, timeout=5)
        assert connection.call("looking", "list_collections") == [] and connection.address == guarded.plain
        assert SECRET not in repr(connection) + str(vars(connection).get("address"))
    for uri, token in ((guarded.plain, ""), (guarded.plain, f"reader:{SECRET}?"), (f"http://a:{SECRET}!@{host}", "")):
        with pytest.raises(StorageError, match="refuses this user; pass a token") as raised:
            MilvusConnection(uri, token=token, timeout=5)
        error = raised.value
        assert SECRET not in str(error) and error.__cause__ is None and error.__context__ is None
    said = caplog.text + "".join(capfd.readouterr())
    assert SECRET not in said and "Traceback" not in said


def test_tls_is_spoken_and_a_wrong_certificate_is_named(guarded):
    connection = MilvusConnection(guarded.tls, token=TOKEN, ca=str(guarded.ca), timeout=5)
    assert connection.call("looking", "list_collections") == []
    for no_certificate, why in (("/nowhere.pem", "No such file"), (__file__, "")):
        with pytest.raises(ParameterError, match=f"{no_certificate} is no PEM file .*{why}"):
            MilvusConnection(guarded.tls, token=TOKEN, ca=no_certificate, timeout=5)
    with pytest.raises(StorageError, match="certificate .* is not trusted .*pass ca"):
        MilvusConnection(guarded.tls, token=TOKEN, timeout=5)
    with pytest.raises(StorageError, match="does not speak TLS .* http://"):
        MilvusConnection(guarded.plain.replace("http:", "https:"), token=TOKEN, timeout=5)
    with pytest.raises(StorageError, match="https://"):
        MilvusConnection(guarded.tls.replace("https:", "http:"), token=TOKEN, timeout=2)


def test_the_missing_extra_is_said_in_words(monkeypatch):
    monkeypatch.setitem(sys.modules, "pymilvus", None)
    with pytest.raises(StorageError, match=r'pip install "\.\[milvus\]"'):
        MilvusIndex("http://127.0.0.1:19530", "x", dimension=4)
