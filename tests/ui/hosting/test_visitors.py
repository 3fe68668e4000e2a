"""Tests of the registry of visitors: how many are admitted, and when their time has run out."""

import pytest

from ui.hosting.visitors import GRACE_SECONDS, MAX_ENDED, Visitors


class Clock:
    """A clock that a test moves."""

    def __init__(self):
        self.now = 1_000.0

    def __call__(self):
        return self.now


@pytest.fixture
def clock(monkeypatch):
    monkeypatch.setenv("LAB_MAX_SESSIONS", "2")
    monkeypatch.setenv("LAB_SESSION_MINUTES", "30")
    return Clock()


@pytest.fixture
def visitors(clock):
    return Visitors(clock)


def test_so_many_are_let_in_and_no_more(visitors):
    assert visitors.admit("a") and visitors.admit("b")
    assert visitors.full and len(visitors) == 2
    assert not visitors.admit("c")
    assert visitors.admit("a"), "who is here stays"


def test_an_open_page_that_nobody_uses_ends_after_its_minutes(visitors, clock):
    visitors.admit("a")
    visitors.connected("a")
    clock.now += 30 * 60
    assert visitors.expired() == []
    clock.now += 1
    assert visitors.expired() == ["a"]
    assert len(visitors) == 0 and visitors.has_ended("a") and not visitors.has_ended("b")


def test_every_use_starts_the_time_anew(visitors, clock):
    visitors.admit("a")
    visitors.connected("a")
    for _ in range(5):
        clock.now += 29 * 60
        visitors.admit("a")
        assert visitors.expired() == []


def test_a_closed_page_is_remembered_for_a_moment_only(visitors, clock):
    visitors.admit("a")
    visitors.connected("a")
    clock.now += 600
    visitors.disconnected("a")
    clock.now += GRACE_SECONDS
    assert visitors.expired() == []
    clock.now += 1
    assert visitors.expired() == ["a"]


def test_a_page_whose_connection_comes_back_stays(visitors, clock):
    visitors.admit("a")
    visitors.connected("a")
    visitors.disconnected("a")
    clock.now += GRACE_SECONDS / 2
    visitors.connected("a")
    clock.now += 20 * 60
    assert visitors.expired() == []


def test_two_connections_of_one_page_count_as_open_until_both_are_closed(visitors, clock):
    visitors.admit("a")
    visitors.connected("a")
    visitors.connected("a")
    visitors.disconnected("a")
    clock.now += GRACE_SECONDS + 1
    assert visitors.expired() == []


def test_who_never_had_a_page_open_ends_soon(visitors, clock):
    visitors.admit("program")
    clock.now += GRACE_SECONDS + 1
    assert visitors.expired() == ["program"]


def test_a_place_is_free_again(visitors, clock):
    visitors.admit("a")
    visitors.admit("b")
    clock.now += GRACE_SECONDS + 1
    visitors.admit("b")
    assert visitors.expired() == ["a"]
    assert not visitors.full and visitors.admit("c")


def test_unknown_sessions_do_not_matter(visitors):
    visitors.connected("nobody")
    visitors.disconnected("nobody")
    assert len(visitors) == 0


def test_the_names_of_the_ended_do_not_pile_up(visitors, clock, monkeypatch):
    monkeypatch.setenv("LAB_MAX_SESSIONS", str(MAX_ENDED + 5))
    for number in range(MAX_ENDED + 2):
        visitors.admit(str(number))
    clock.now += GRACE_SECONDS + 1
    assert len(visitors.expired()) == MAX_ENDED + 2
    assert not visitors.has_ended("0") and visitors.has_ended("2") and visitors.has_ended(str(MAX_ENDED + 1))
