"""The upkeep of a lab's collections: what is freed goes, whatever the server refuses, and the lease is renewed."""

import threading

import pytest

from retriever.errors import StorageError
from retriever.indexes.milvus.connection import NoAnswer
from tests.support.fake_milvus import FakeMilvus
from tests.support.serving import until
from ui.milvus.answers import Answers
from ui.milvus.upkeep import COPIES_PER_VISITOR, Upkeep
from ui.settings import limits


@pytest.fixture
def server():
    return FakeMilvus()


@pytest.fixture
def upkeep(server):
    return Upkeep(lambda: server, Answers(server.knock))


def copies(server, upkeep, count):
    """Have a lab make some collections, and return their names."""
    names = [upkeep.new_name() for _ in range(count)]
    server.collections |= dict.fromkeys(names)
    return names


def test_what_the_server_refuses_to_drop_is_tried_again_and_keeps_nothing_else(server, upkeep):
    names, drop = copies(server, upkeep, 5), server._drop_collection

    def refuse(name):
        if name == names[2]:
            raise StorageError("The Milvus server refused dropping a collection: it has an alias.")
        drop(name)

    server._drop_collection = refuse
    for name in names:
        upkeep.free(name)
    upkeep.drop_freed()
    assert set(server.collections) & set(names) == {names[2]}
    server._drop_collection = drop
    upkeep.drop_leftovers()
    upkeep.drop_freed()
    assert not set(server.collections) & set(names)


def test_a_collection_that_is_made_after_it_was_dropped_goes_too(server, upkeep):
    needed, given_up = copies(server, upkeep, 2)
    upkeep.free(given_up)
    upkeep.drop_freed()
    server.collections[given_up] = None  # the call was given up, but not by the server
    upkeep.drop_leftovers()
    upkeep.drop_freed()
    assert given_up not in server.collections and needed in server.collections


def test_a_server_that_drops_nothing_is_not_filled(server, upkeep):
    def refuse(name):
        raise StorageError("The Milvus server refuses this user.")

    server._drop_collection = refuse
    most = COPIES_PER_VISITOR * limits().sessions
    for name in copies(server, upkeep, most):
        upkeep.free(name)
    upkeep.drop_freed()
    with pytest.raises(StorageError, match=f"holds {most} collections of this lab already"):
        upkeep.new_name()
    upkeep.drop_leftovers()
    with pytest.raises(StorageError, match="holds"):
        upkeep.new_name()
    del server._drop_collection
    upkeep.drop_freed()
    assert upkeep.new_name() and len(server.collections) == 1


def test_the_lease_is_renewed_while_a_drop_hangs_and_whatever_the_server_answers(server, upkeep, monkeypatch):
    monkeypatch.setattr("ui.milvus.upkeep.BEAT_SECONDS", 0.02)
    [name], released, drop = copies(server, upkeep, 1), threading.Event(), server._drop_collection

    def hang(name):
        released.wait(30)
        drop(name)

    server._drop_collection = hang
    upkeep.free(name)
    upkeep.start()
    lease = f"lab_{upkeep.lease.run}_lease"

    def beat():
        return server.collections.get(lease, {}).get(0, {}).get("beat", 0)

    try:
        until(lambda: upkeep.renewed)
        server._upsert, before = lambda name, rows: {}["a field that it does not have"], beat()
        until(lambda: not upkeep.renewed)
        del server._upsert
        until(lambda: beat() > before + 2)
        assert name in server.collections
        server.away = True
        until(lambda: not upkeep.renewed)
        server.away = False
    finally:
        released.set()
    until(lambda: name not in server.collections)
    upkeep.stop()
    assert not server.collections


def test_a_stop_waits_for_a_server_that_hangs_only_for_a_while(server, upkeep, monkeypatch):
    monkeypatch.setattr("ui.milvus.upkeep.STOP_SECONDS", 0.1)
    copies(server, upkeep, 3)
    waited = threading.Event()

    def hang(name):
        waited.wait(30)
        raise NoAnswer("It has not answered.")

    server._drop_collection = hang
    upkeep.stop()
    waited.set()
    assert len(server.collections) == 4
