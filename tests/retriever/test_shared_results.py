"""Results made once for all who ask: one maker, those who wait, an end by the clock, and a bound on what is kept."""

import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from retriever.shared_results import SharedResults
from tests.support.clock import Clock

TIMEOUT = 10


@pytest.fixture
def clock():
    return Clock(100.0)


@pytest.fixture
def pool():
    with ThreadPoolExecutor(12) as pool:
        yield pool


@pytest.fixture
def asked():
    """The keys that were made, in order."""
    return []


@pytest.fixture
def maker(asked):
    def make_of(key):
        def make():
            asked.append(key)
            return f"{key} {len(asked)}"

        return make

    return make_of


def test_a_result_serves_all_who_ask_until_it_expires(clock, maker, asked):
    results = SharedResults(5.0, clock=clock)
    first = results.get("a", maker("a"))
    assert (first.value, first.seconds_ago, first.shared) == ("a 1", 0, False)
    clock.now += 4.9
    later = results.get("a", maker("a"))
    assert (later.value, later.shared) == ("a 1", True) and later.seconds_ago == pytest.approx(4.9)
    assert results.get("b", maker("b")).value == "b 2", "another key is another result"
    clock.now += 0.1
    assert results.known("a") is None
    assert (results.get("a", maker("a")).value, asked) == ("a 3", ["a", "b", "a"])


def test_without_a_time_a_result_is_kept_for_ever(clock, maker, asked):
    results = SharedResults(clock=clock)
    results.get("a", maker("a"))
    clock.now += 1e9
    assert results.get("a", maker("a")).value == results.known("a") == "a 1"


def test_what_is_kept_is_bounded_and_what_has_expired_goes(clock, maker):
    results = SharedResults(5.0, most=3, clock=clock)
    for key in "abcd":
        results.get(key, maker(key))
    assert [results.known(key) is not None for key in "abcd"] == [False, True, True, True]
    clock.now += 6
    results.get("e", maker("e"))
    assert list(results._kept) == ["e"]


def test_how_old_a_result_may_be_is_asked_each_time(clock, maker):
    """Beside a crowd an older result serves, which is still there for that."""
    allowed = [5.0]
    results = SharedResults(60.0, max_age=lambda: allowed[0], clock=clock)
    results.get("a", maker("a"))
    clock.now += 30
    assert results.known("a") is None
    allowed[0] = 60.0
    assert results.get("a", maker("a")).value == "a 1"
    allowed[0] = 5.0
    assert results.get("a", maker("a")).value == "a 2"


def test_who_asks_while_a_result_is_made_waits_for_it(pool, maker, asked):
    results, go_on = SharedResults(5.0, patience=60), threading.Event()

    def slow():
        go_on.wait(TIMEOUT)
        return maker("a")()

    futures = [pool.submit(results.get, "a", slow) for _ in range(8)]
    other = pool.submit(results.get, "b", maker("b"))
    assert other.result(TIMEOUT).value == "b 1", "nobody waits for another's key"
    go_on.set()
    found = [future.result(TIMEOUT) for future in futures]
    assert {one.value for one in found} == {"a 2"} and asked == ["b", "a"]
    assert sum(not one.shared for one in found) == 1, "one of them made it"


def test_an_error_is_its_own_callers_and_another_who_waited_makes_the_result(pool, maker):
    results, go_on, begun = SharedResults(patience=60), threading.Event(), threading.Event()

    def fail():
        begun.set()
        go_on.wait(TIMEOUT)
        raise KeyError("cancelled")

    failing = pool.submit(results.get, "a", fail)
    assert begun.wait(TIMEOUT)
    waiting = pool.submit(results.get, "a", maker("a"))
    go_on.set()
    with pytest.raises(KeyError):
        failing.result(TIMEOUT)
    assert waiting.result(TIMEOUT).value == "a 1"


def test_nobody_waits_for_ever_for_one_who_gets_no_turn(pool, maker):
    """A visitor with a hundred measurements under way gets few turns for each; others must not wait for those."""
    results, go_on, begun = SharedResults(patience=0.05), threading.Event(), threading.Event()

    def stuck():
        begun.set()
        go_on.wait(TIMEOUT)
        return "late"

    first = pool.submit(results.get, "a", stuck)
    assert begun.wait(TIMEOUT)
    assert results.get("a", maker("a")).value == "a 1"
    assert results.get("a", maker("a")).value == "a 1", "and that serves the next"
    go_on.set()
    assert first.result(TIMEOUT).value == "late"


def test_who_waits_can_give_up(pool, maker):
    results, go_on, begun = SharedResults(patience=60), threading.Event(), threading.Event()

    def slow():
        begun.set()
        go_on.wait(TIMEOUT)
        return "made"

    def cancel():
        raise InterruptedError

    making = pool.submit(results.get, "a", slow)
    assert begun.wait(TIMEOUT)
    start = time.monotonic()
    with pytest.raises(InterruptedError):
        results.get("a", maker("a"), meanwhile=cancel)
    assert time.monotonic() - start < TIMEOUT / 2
    go_on.set()
    assert making.result(TIMEOUT).value == "made"
