"""Turns: a timed section has the machine alone, heavy work shares it, and nobody waits for ever."""

import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

import pytest

from retriever.fair_lock import MACHINE_LOCK, FairLock

PATIENCE = 10  # seconds until a test gives up on a thread


class Watch:
    """Count who is inside, and note any company that must not be."""

    def __init__(self):
        self.lock = threading.Lock()
        self.inside = {"shared": 0, "exclusive": 0}
        self.most = {"shared": 0, "exclusive": 0}
        self.together = 0

    @contextmanager
    def note(self, what):
        with self.lock:
            self.inside[what] += 1
            self.most[what] = max(self.most[what], self.inside[what])
            self.together += bool(self.inside["shared"] and self.inside["exclusive"])
        yield
        with self.lock:
            self.inside[what] -= 1


@contextmanager
def thread(target):
    """Run target in a thread and see it end."""
    with ThreadPoolExecutor(1) as pool:
        future = pool.submit(target)
        yield future
        future.result(PATIENCE)


def test_timed_sections_are_alone_and_work_is_not_lost():
    turns, watch, done = FairLock(), Watch(), []

    def visit(number):
        what = "exclusive" if number % 3 == 0 else "shared"
        with getattr(turns, what)(), watch.note(what):
            time.sleep(0.001)
        done.append(number)

    with ThreadPoolExecutor(12) as pool:
        for future in [pool.submit(visit, number) for number in range(200)]:
            future.result(PATIENCE)
    assert sorted(done) == list(range(200))
    assert watch.together == 0
    assert watch.most["exclusive"] == 1
    assert watch.most["shared"] > 1, "batches of work are to run beside one another"


def test_work_shares_the_machine():
    turns, both = FairLock(), threading.Barrier(2)

    def visit():
        with turns.shared():
            both.wait(PATIENCE)  # passes only while the other is inside too

    with thread(visit):
        visit()


@pytest.mark.parametrize(
    ("first", "second"), [("shared", "exclusive"), ("exclusive", "shared"), ("exclusive", "exclusive")]
)
def test_the_second_waits_until_the_first_ends(first, second):
    turns, entered = FairLock(), threading.Event()

    def follow():
        with getattr(turns, second)():
            entered.set()

    with getattr(turns, first)():
        pool = ThreadPoolExecutor(1)
        future = pool.submit(follow)
        assert not entered.wait(0.1)
    future.result(PATIENCE)
    assert entered.is_set()
    pool.shutdown()


def test_a_waiting_timed_section_goes_before_new_work():
    turns, order, waiting = FairLock(), [], threading.Event()

    def time_it():
        waiting.set()
        with turns.exclusive():
            order.append("exclusive")

    def work():
        with turns.shared():
            order.append("shared")

    with ThreadPoolExecutor(2) as pool:
        with turns.shared():
            timed = pool.submit(time_it)
            assert waiting.wait(PATIENCE)
            time.sleep(0.1)  # it waits now, in alone()
            later = pool.submit(work)
            time.sleep(0.1)
            assert order == []  # although work may share with work: the timed section was first
        timed.result(PATIENCE)
        later.result(PATIENCE)
    assert order == ["exclusive", "shared"]


def test_a_timed_section_is_not_starved_by_work_without_pause():
    turns, stop = FairLock(), threading.Event()

    def work():
        while not stop.is_set():
            with turns.shared():
                time.sleep(0.002)

    def time_it():
        with turns.exclusive():
            pass

    with ThreadPoolExecutor(4) as pool:
        futures = [pool.submit(work) for _ in range(4)]  # at every moment one of them is inside
        try:
            for _ in range(20):
                with thread(time_it):
                    pass
        finally:
            stop.set()
        for future in futures:
            future.result(PATIENCE)


@pytest.mark.parametrize("what", ["shared", "exclusive"])
def test_an_error_inside_gives_the_turn_back(what):
    turns = FairLock()
    with pytest.raises(KeyError), getattr(turns, what)():
        raise KeyError

    def visit():
        with turns.exclusive():
            pass
        with turns.shared():
            pass

    with thread(visit):
        pass


def test_there_is_one_for_the_process():
    assert isinstance(MACHINE_LOCK, FairLock)


def test_work_is_not_starved_by_timed_sections_without_pause():
    """Thirty people at their sliders: there is always a timed section that waits."""
    turns, stop = FairLock(), threading.Event()

    def time_it():
        while not stop.is_set():
            with turns.exclusive():
                time.sleep(0.002)

    def work():
        with turns.shared():
            pass
        turns.yield_to_waiting()

    with ThreadPoolExecutor(4) as pool:
        futures = [pool.submit(time_it) for _ in range(4)]
        try:
            for _ in range(20):
                with thread(work):
                    pass
        finally:
            stop.set()
        for future in futures:
            future.result(PATIENCE)


def test_all_come_in_the_order_they_asked():
    turns, order = FairLock(), []

    def visit(number, what):
        with getattr(turns, what)():
            order.append(number)

    kinds = ["exclusive", "shared", "exclusive", "exclusive", "shared", "exclusive"]
    with ThreadPoolExecutor(len(kinds)) as pool:
        with turns.exclusive():
            futures = []
            for number, what in enumerate(kinds):
                futures.append(pool.submit(visit, number, what))
                end = time.monotonic() + PATIENCE
                while len(turns._waiting) <= number and time.monotonic() < end:
                    time.sleep(0.001)
            assert order == []
        for future in futures:
            future.result(PATIENCE)
    assert order == sorted(order)


def test_a_turn_within_a_turn_is_part_of_it():
    """Else it would wait for a timed section that waits for the outer one."""
    turns, inside, entered = FairLock(), threading.Event(), threading.Event()

    def time_it():
        assert inside.wait(PATIENCE)
        with turns.exclusive():
            entered.set()

    with thread(time_it):
        with turns.shared():
            inside.set()
            end = time.monotonic() + PATIENCE
            while not turns._waiting and time.monotonic() < end:
                time.sleep(0.001)
            with turns.shared():
                pass
            turns.yield_to_waiting()
            assert not entered.is_set()
    assert entered.is_set()
