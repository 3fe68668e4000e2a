"""Leases: leftovers of dead labs go, those of labs that live and whatever else is on the server stay."""

import re

import pytest

from tests.support.clock import Clock
from tests.support.fake_milvus import FakeMilvus
from ui.milvus.leases import DEAD_SECONDS, NAME, Lease


def test_only_what_a_lab_left_whose_lease_stands_still_is_dropped():
    server, clock = FakeMilvus(), Clock()
    dead, living, mine = Lease(clock), Lease(clock), Lease(clock)
    for lease in (dead, living, mine):
        lease.renew(server)
        server.collections |= {lease.new_name(): None, lease.lone_name(384): None}
    foreign = {"lab_results", "lab_", f"lab_{dead.run}", f"lab_{dead.run}_lease_2", "lab_0123456789ab_one_384", "x"}
    server.collections |= dict.fromkeys(foreign)
    before = set(server.collections)
    assert mine.drop_leftovers(server) == 0
    clock.now += DEAD_SECONDS - 1
    living.renew(server)
    assert mine.drop_leftovers(server) == 0, "it may be slow"
    clock.now += 1
    assert mine.drop_leftovers(server) == 3
    gone = before - set(server.collections)
    assert all(name.startswith(f"lab_{dead.run}_") for name in gone) and not gone & foreign
    assert mine.end(server) == living.end(server) == 3
    assert set(server.collections) == foreign


def test_a_lease_goes_last_and_an_interrupted_drop_is_finished_later():
    server, clock = FakeMilvus(), Clock()
    dead, mine = Lease(clock), Lease(clock)
    dead.renew(server)
    server.collections |= {dead.new_name(): None, dead.new_name(): None}
    mine.drop_leftovers(server)
    clock.now += DEAD_SECONDS
    drop, dropped = server._drop_collection, []

    def break_off(name):
        if dropped:
            raise ConnectionError
        dropped.append(name)
        drop(name)

    server._drop_collection = break_off
    with pytest.raises(ConnectionError):
        mine.drop_leftovers(server)
    assert not dropped[0].endswith("lease")
    server._drop_collection = drop
    assert mine.drop_leftovers(server) == 2 and not server.collections


def test_a_lab_that_was_thought_dead_leases_again():
    server, clock = FakeMilvus(), Clock()
    paused, other = Lease(clock), Lease(clock)
    paused.renew(server)
    other.drop_leftovers(server)
    clock.now += DEAD_SECONDS
    assert other.drop_leftovers(server) == 1
    paused.renew(server)
    assert other.drop_leftovers(server) == 0 and len(server.collections) == 1


def test_names_cannot_be_guessed_and_are_such_as_milvus_takes():
    lease = Lease()
    names = {lease.new_name() for _ in range(50)}
    assert len(names) == 50 and all(NAME.fullmatch(name) and re.fullmatch(r"\w{1,200}", name) for name in names)
    assert Lease().run != lease.run
