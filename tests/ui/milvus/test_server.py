"""The lab's Milvus: one copy for all who share a collection, dropped at its end; a server that is away is told of."""

import gc
import threading

import pytest

from retriever.errors import Cancelled, ParameterError, StorageError
from retriever.indexes.milvus.connection import NoAnswer
from retriever.progress import ignore_progress
from tests.support.clock import Clock
from tests.support.fake_milvus import ADDRESS, fake_milvus
from tests.support.milvus import guarded_server
from tests.support.serving import until
from tests.support.small import collection_of, sentences
from ui.documents.milvus_choice import putting
from ui.milvus import server as server_module
from ui.milvus.answers import REST_SECONDS, Answers
from ui.milvus.copies import TimedIndex, copy_of
from ui.milvus.leases import NAME
from ui.milvus.server import STAGE, LabMilvus, lab_milvus


@pytest.fixture
def fresh(fake_encoder):
    """A collection that nothing was measured of."""
    return collection_of(fake_encoder, sentences(80))


def kinds(server):
    """Return what the collections on the server are for."""
    return sorted(
        "copy" if len(NAME.fullmatch(name)[2]) == 32 else NAME.fullmatch(name)[2] for name in server.collections
    )


def test_a_copy_is_made_once_for_all_with_the_same_settings_and_its_lease_before_it(milvus, fresh):
    stages = []
    copy = milvus.lab.put(fresh, lambda stage, fraction: stages.append((stage, fraction)))
    assert milvus.lab.put(fresh, ignore_progress) is copy is copy_of(fresh)
    assert {stage for stage, _ in stages} == {STAGE} and [fraction for _, fraction in stages] == [0, 0.25, 0.5, 0.75]
    assert (copy.index.M, copy.index.ef_construction, len(copy.index)) == (16, 200, 80)
    assert kinds(milvus.server) == ["copy", "lease", f"one_{fresh.retriever.dimension}"]
    other = fresh.with_graph(4, 20)
    assert milvus.lab.put(other, ignore_progress).index.M == 4 and copy_of(fresh) is copy, "another graph, another copy"
    milvus.server.work = 0.02  # beside which the machine's own delays are little
    pair = milvus.lab.recent(fresh, 10, 40).value
    assert pair.hnsw.mean_recall == 1.0 and pair.round_trip_p50 >= milvus.server.trip
    assert pair.hnsw.p50 == pytest.approx(pair.round_trip_p50 + pair.engine_p50) and pair.engine_p50 > 0
    assert milvus.lab.recent(collection_like(fresh), 10, 40) is None


def collection_like(indexed):
    return indexed.with_graph(8, 50)


def test_a_copy_ends_with_its_collection_and_what_the_lab_put_there_with_the_lab(milvus, fake_encoder, monkeypatch):
    passing = collection_of(fake_encoder, sentences(30))
    milvus.lab.put(passing, ignore_progress)
    milvus.server.collections["lab_results"] = None
    milvus.lab.start()
    until(lambda: milvus.lab.answers)
    assert "copy" in [name if not NAME.fullmatch(name) else "copy" for name in milvus.server.collections]
    del passing
    gc.collect()
    until(lambda: len(milvus.server.collections) == 3)
    milvus.lab.stop()
    assert list(milvus.server.collections) == ["lab_results"]


def test_work_that_is_cancelled_or_fails_leaves_nothing_and_is_done_anew(milvus, fresh):
    def cancel(stage, fraction):
        if fraction:
            raise Cancelled("Enough.")

    with pytest.raises(Cancelled):
        milvus.lab.put(fresh, cancel)
    assert copy_of(fresh) is None and milvus.lab.failure(fresh) == ""
    milvus.lab.upkeep.drop_freed()
    assert kinds(milvus.server) == ["lease"]
    assert milvus.lab.put(fresh, ignore_progress)


def test_what_takes_too_long_is_given_up(monkeypatch, fresh):
    clock = Clock()
    fake = fake_milvus(monkeypatch)
    lab = LabMilvus(ADDRESS, clock=clock)

    def slowly(stage, fraction):
        clock.now += server_module.MOST_SECONDS

    with pytest.raises(StorageError, match="within 10 minutes; what was stored is dropped"):
        lab.put(fresh, slowly)
    assert "10 minutes" in lab.failure(fresh) and fake.server.collections


def test_a_server_that_is_away_is_said_in_words_and_used_again_when_it_is_back(milvus, fresh):
    milvus.lab.put(fresh, ignore_progress)
    milvus.server.away = True
    with pytest.raises(StorageError, match="cannot be reached; see whether it runs") as said:
        milvus.lab.recent(fresh, 10, 40)
    assert "secret" not in str(said.value)
    other = fresh.with_graph(4, 20)
    assert putting(lambda: other, milvus.lab)(ignore_progress) is other, "a build is not lost"
    assert "cannot be reached" in milvus.lab.failure(other) and copy_of(other) is None
    milvus.server.away = False
    assert milvus.lab.recent(fresh, 10, 40).value.hnsw.mean_recall == 1.0
    putting(lambda: other, milvus.lab)(ignore_progress)
    assert copy_of(other) and milvus.lab.failure(other) == ""


def test_a_copy_that_is_gone_can_be_made_again(milvus, fresh):
    milvus.lab.put(fresh, ignore_progress)
    milvus.server.collections.clear()  # by another lab, which thought that this one was dead, or by an operator
    with pytest.raises(StorageError, match="no such collection"):
        milvus.lab.recent(fresh, 10, 40)
    assert milvus.lab.recent(fresh, 10, 40) is None
    milvus.lab.put(fresh, ignore_progress)
    assert milvus.lab.recent(fresh, 10, 40).value.hnsw.mean_recall == 1.0
    assert len(milvus.server.collections) == 3, "with its lease and the one of one vector"


@pytest.mark.parametrize("lost", ["a part", "the one vector"])
def test_a_copy_of_which_something_is_lost_is_not_measured_and_can_be_made_again(milvus, fresh, fake_encoder, lost):
    """A server may come back from its backup; what is found in the rest of the vectors is no recall of the graph."""
    copy, collections = milvus.lab.put(fresh, ignore_progress), milvus.server.collections
    if lost == "a part":
        collections[copy.name] = collection_of(fake_encoder, sentences(79)).retriever.hnsw
    else:
        del collections[copy.lone.name]
    with pytest.raises(StorageError, match="of 80 vectors it holds 79|no such collection"):
        milvus.lab.recent(fresh, 10, 40)
    assert milvus.lab.recent(fresh, 10, 40) is None
    milvus.lab.put(fresh, ignore_progress)
    assert milvus.lab.recent(fresh, 10, 40).value.hnsw.mean_recall == 1.0


def test_no_message_shows_the_name_of_a_copy(milvus, fresh):
    """Whoever knows it, and reaches the server, could search there."""
    copy = milvus.lab.put(fresh, ignore_progress)

    def refuse(name, *_, **__):
        raise StorageError(f"The Milvus server refused {copy.name}, and {milvus.lab.upkeep.lease.lone_name(9)}.")

    copy.index.search_unit = refuse
    with pytest.raises(StorageError, match="refused a collection of this lab, and a collection of this lab") as said:
        milvus.lab.recent(fresh, 10, 40)
    assert copy.name not in str(said.value)
    milvus.server._has_collection = refuse
    other = fresh.with_graph(4, 20)
    with pytest.raises(StorageError, match="refused a collection of this lab"):
        milvus.lab.put(other, ignore_progress)
    assert copy.name not in milvus.lab.failure(other)


def test_a_server_that_is_slow_is_not_timed_while_all_others_wait(milvus, fresh, monkeypatch):
    monkeypatch.setattr("ui.milvus.copies.SLOW_SECONDS", 0.05)
    milvus.lab.put(fresh, ignore_progress)
    milvus.server.trip = 0.06
    before = milvus.server.searches
    with pytest.raises(StorageError, match="this lab measures it up to 0.05, since all others wait"):
        milvus.lab.recent(fresh, 10, 40)
    assert milvus.server.searches - before < 10, "not one for each question"
    milvus.server.trip = 0.0
    assert milvus.lab.recent(fresh, 10, 40).value.hnsw.mean_recall == 1.0


def test_of_all_that_are_being_measured_one_waits_for_a_server_that_begins_to_hang(milvus, fresh):
    clock, asked = Clock(), []

    def hang(*_, timeout, **__):
        asked.append(clock.now)
        clock.now += timeout
        raise NoAnswer("It has not answered.")

    copy, answers = milvus.lab.put(fresh, ignore_progress), Answers(milvus.server.knock, clock)
    copy.index.search_unit = hang
    for timed in [TimedIndex(copy.index, answers) for _ in range(3)]:
        with pytest.raises(StorageError, match="It has not answered"):
            timed.search_unit(fresh.query_vectors[:1], 10, ef=40)
    assert asked == [0.0] and clock.now <= 1.0, "everybody waits meanwhile"


def test_a_server_that_answers_nothing_for_long_is_left_alone_for_a_while(monkeypatch, fresh):
    clock = Clock()
    fake = fake_milvus(monkeypatch)
    lab = LabMilvus(ADDRESS, clock=clock)
    lab.put(fresh, ignore_progress)

    def hang():
        asked.append(clock.now)
        clock.now += 5
        raise NoAnswer("It has not answered within 5 seconds.")

    def knocked_but_hanging():
        if not asked:
            asked.append(-1)  # a system takes connections for a program that hangs
            return
        hang()

    asked, fake.server.knock = [], knocked_but_hanging
    for _ in range(3):
        with pytest.raises(StorageError, match="within 5 seconds"):
            lab.recent(fresh, 10, 40)
    assert len(asked) == 2, "nobody else waits, and nothing is asked a second time"
    clock.now += REST_SECONDS
    fake.server.knock = lambda: None
    assert lab.recent(fresh, 10, 40)


def test_two_who_ask_at_once_share_one_copy(milvus, fresh):
    copies, begun = [], threading.Event()

    def slow(stage, fraction):
        begun.set()

    threads = [threading.Thread(target=lambda: copies.append(milvus.lab.put(fresh, slow))) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(set(map(id, copies))) == 1 and kinds(milvus.server).count("copy") == 1


def test_a_lab_speaks_tls_with_a_server_of_a_private_authority(monkeypatch, tmp_path, fresh):
    with guarded_server(tmp_path, "root:Milvus@home") as servers:
        monkeypatch.setenv("LAB_MILVUS_URI", servers.tls)
        monkeypatch.setenv("LAB_MILVUS_TOKEN", "root:Milvus@home")
        with pytest.raises(StorageError, match="is not trusted"):
            lab_milvus().put(fresh, ignore_progress)
        monkeypatch.setenv("LAB_MILVUS_CA", str(servers.ca))
        lab = lab_milvus()
        assert lab.put(fresh, ignore_progress).size == 80
        lab.stop()
        monkeypatch.setenv("LAB_MILVUS_CA", "/nowhere.pem")
        with pytest.raises(ParameterError, match="/nowhere.pem is no PEM file"):
            lab_milvus()
        monkeypatch.delenv("LAB_MILVUS_CA")
        monkeypatch.setenv("LAB_MILVUS_URI", servers.plain)
        monkeypatch.setenv("LAB_MILVUS_TOKEN", "root:other@home")
        with pytest.raises(StorageError, match="refuses this user") as said:
            lab_milvus().put(fresh.with_graph(4, 20), ignore_progress)
        assert "home" not in str(said.value)


def test_without_the_setting_there_is_none_and_its_token_is_never_shown(monkeypatch):
    monkeypatch.delenv("LAB_MILVUS_URI", raising=False)
    assert lab_milvus() is None
    monkeypatch.setenv("LAB_MILVUS_URI", "https://root:Milvus%40home@milvus.test:443/lessons/")
    lab = lab_milvus()
    assert lab.uri == "https://milvus.test:443/lessons" and lab._address.token == "root:Milvus@home"
    assert "home" not in repr(lab._address)
