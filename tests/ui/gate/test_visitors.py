"""Tests of the registry of visitors: how many are admitted, and when their time has run out."""

import pytest

from tests.support.clock import Clock
from ui.gate.visitors import GRACE_SECONDS, MAX_CALLS, Visitors


@pytest.fixture
def clock(monkeypatch):
    monkeypatch.setenv("LAB_MAX_SESSIONS", "2")
    monkeypatch.setenv("LAB_SESSION_MINUTES", "30")
    return Clock(1_000.0)


@pytest.fixture
def visitors(clock):
    return Visitors(clock)


def test_so_many_are_let_in_and_no_more_until_a_place_is_free_again(visitors, clock):
    assert visitors.admit("a") == visitors.admit("b") == ""
    assert visitors.refusal("") and len(visitors) == 2 and "a" in visitors
    assert "The lab is full: 2 visitors" in visitors.admit("c")
    clock.now += GRACE_SECONDS + 1
    assert visitors.admit("b") == "", "who is here stays"
    assert visitors.expired() == ["a"] and visitors.names == ["b"]
    assert visitors.refusal("") == visitors.admit("c") == ""
    assert visitors.has_ended("a") and not visitors.has_ended("b")


def test_one_address_has_a_share_of_the_places_and_calls_without_a_session_a_share_of_that(visitors, monkeypatch):
    monkeypatch.setenv("LAB_MAX_SESSIONS", "50")
    monkeypatch.setenv("LAB_MAX_ADDRESS_SESSIONS", "20")
    calls = [visitors.admit(f"call {number}", "school", once=True) for number in range(MAX_CALLS + 1)]
    assert calls[:-1] == [""] * MAX_CALLS and "calls without a session" in calls[-1]
    pupils = [visitors.admit(f"pupil {number}", "school") for number in range(20 - MAX_CALLS + 1)]
    assert pupils[:-1] == [""] * (20 - MAX_CALLS) and "from your network" in pupils[-1]
    assert visitors.admit("somebody", "home") == visitors.admit("pupil 0", "home") == ""
    visitors.end("call 0")
    assert not visitors.has_ended("call 0"), "nobody can ask for it again"
    assert visitors.admit("late", "school") == ""


@pytest.mark.parametrize(
    "story",
    [
        ["admit", "connected", 30 * 60, "stays", 1, "ends"],
        ["admit", "connected", *[29 * 60, "admit", "stays"] * 3],
        ["admit", "connected", 600, "disconnected", GRACE_SECONDS, "stays", 1, "ends"],
        ["admit", "connected", "disconnected", GRACE_SECONDS / 2, "connected", 20 * 60, "stays"],
        ["admit", "connected", "connected", "disconnected", GRACE_SECONDS + 1, "stays"],
        ["admit", GRACE_SECONDS, "stays", 1, "ends"],
    ],
    ids=["unused", "used", "closed", "connected again", "two connections", "never opened"],
)
def test_a_visitor_stays_or_ends(visitors, clock, story):
    """A story: seconds that pass, what the visitor does, and what comes of it."""
    for step in story:
        if step in ("stays", "ends"):
            assert visitors.expired() == (["a"] if step == "ends" else [])
        elif isinstance(step, str):
            getattr(visitors, step)("a")
        else:
            clock.now += step


def test_unknown_sessions_do_not_matter(visitors):
    visitors.connected("nobody")
    visitors.disconnected("nobody")
    assert len(visitors) == 0


def test_the_names_of_the_ended_do_not_pile_up(clock, monkeypatch):
    monkeypatch.setattr("ui.gate.visitors.MAX_ENDED", 10)
    monkeypatch.setenv("LAB_MAX_SESSIONS", "12")
    visitors = Visitors(clock)
    for number in range(12):
        visitors.admit(str(number))
    clock.now += GRACE_SECONDS + 1
    assert len(visitors.expired()) == 12
    assert [name for name in map(str, range(12)) if not visitors.has_ended(name)] == ["0", "1"]
