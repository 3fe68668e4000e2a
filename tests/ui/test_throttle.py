"""The limit on how often something is said: the first at once, then so many a minute, and nothing uncounted."""

from concurrent.futures import ThreadPoolExecutor

import ui.throttle
from tests.support.clock import Clock
from ui.throttle import Throttle


def test_so_many_lines_a_minute_and_the_next_says_how_many_came_since():
    clock = Clock()
    throttle = Throttle(2, clock=clock)
    assert [throttle.count("a") for _ in range(5)] == [1, 1, 0, 0, 0]
    assert throttle.count("b") == 1, "each key has lines of its own"
    clock.now = 59.9
    assert throttle.count("a") == 0
    clock.now = 60.0
    assert [throttle.count("a") for _ in range(3)] == [5, 1, 0]
    assert throttle.totals() == {"a": 9, "b": 1}


def test_what_many_threads_count_is_counted():
    throttle = Throttle(1)
    with ThreadPoolExecutor(8) as pool:
        lines = list(pool.map(throttle.count, ["a"] * 2000))
    assert sum(lines) == 1 and throttle.totals() == {"a": 2000}


def test_no_number_of_keys_fills_the_memory(monkeypatch):
    monkeypatch.setattr(ui.throttle, "MAX_KEYS", 10)
    throttle = Throttle(1)
    assert all(throttle.count(key) for key in range(100))
    assert list(throttle.totals()) == list(range(90, 100))
