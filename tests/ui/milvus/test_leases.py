"""Leases: leftovers of dead labs go, those of labs that live and whatever else is on the server stay."""

import re

import pytest

from retriever.errors import StorageError
from tests.support.clock import Clock
from tests.support.fake_milvus import FakeMilvus
from ui.milvus.leases import BEAT_SECONDS, DEAD_SECONDS, NAME, Lease


def watch(lease, server, clock, seconds=DEAD_SECONDS, *, alive=()):
    """Look at the leases for some seconds, as a lab does, while others live; return how many collections are dropped.

    The last look is made when the seconds are over.
    """
    dropped = 0
    for _ in range(round(seconds / BEAT_SECONDS)):
        clock.now += BEAT_SECONDS
        for other in alive:
            other.renew(server)
        dropped += lease.drop_leftovers(server)
    return dropped


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
    assert watch(mine, server, clock, DEAD_SECONDS - BEAT_SECONDS, alive=[living]) == 0, "it may be slow"
    clock.now += BEAT_SECONDS - 1
    assert mine.drop_leftovers(server) == 0
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
    watch(mine, server, clock, DEAD_SECONDS - BEAT_SECONDS)
    clock.now += BEAT_SECONDS
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
    assert watch(other, server, clock) == 1
    paused.renew(server)
    assert other.drop_leftovers(server) == 0 and len(server.collections) == 1


def test_a_lab_is_not_thought_dead_since_the_server_or_the_other_lab_stood_still():
    server, clock = FakeMilvus(), Clock()
    living, other = Lease(clock), Lease(clock)
    living.renew(server)
    server.collections[living.new_name()] = None
    assert watch(other, server, clock, 4 * BEAT_SECONDS, alive=[living]) == 0
    clock.now += 10 * DEAD_SECONDS  # nobody can write or look; then the other lab is the first to be back
    assert other.drop_leftovers(server) == 0
    assert watch(other, server, clock, 3 * DEAD_SECONDS, alive=[living]) == 0
    assert watch(other, server, clock) == 2, "and then it is killed"


def test_what_cannot_be_read_or_dropped_of_one_lab_keeps_nothing_of_others():
    server, clock = FakeMilvus(), Clock()
    unreadable, kept, dead, mine = (Lease(clock) for _ in range(4))
    for lease in (unreadable, kept, dead):
        lease.renew(server)
        server.collections[lease.new_name()] = None
    get, drop = server._get, server._drop_collection

    def refuse(does, run):
        def done(name, *args, **options):
            if run in name:
                raise StorageError("The Milvus server refused it.")
            return does(name, *args, **options)

        return done

    server._get, server._drop_collection = refuse(get, unreadable.run), refuse(drop, kept.run)
    mine.drop_leftovers(server)
    assert watch(mine, server, clock, DEAD_SECONDS + 2 * BEAT_SECONDS) == 2
    assert sorted(NAME.fullmatch(name)[1] for name in server.collections) == sorted(2 * [unreadable.run, kept.run])


def test_what_a_lab_has_made_and_no_longer_needs_is_found():
    server, lease = FakeMilvus(), Lease()
    lease.renew(server)
    needed, late, other = lease.new_name(), lease.new_name(), Lease().new_name()
    server.collections |= dict.fromkeys([needed, late, other, lease.lone_name(384), "lab_results"])
    assert lease.strays(server, {needed}) == {late}


def test_names_cannot_be_guessed_and_are_such_as_milvus_takes():
    lease = Lease()
    names = {lease.new_name() for _ in range(50)}
    assert len(names) == 50 and all(NAME.fullmatch(name) and re.fullmatch(r"\w{1,200}", name) for name in names)
    assert Lease().run != lease.run
