"""Turns: a timed section has the machine alone, heavy work shares it, and nobody waits for ever."""

import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

import pytest

from retriever.turns import TURNS, Turns

PATIENCE = 10  # seconds until a test gives up on a thread


class Watch:
    """Count who is inside, and note any company that must not be."""

    def __init__(self):
        self.lock = threading.Lock()
        self.inside = {"work": 0, "alone": 0}
        self.most = {"work": 0, "alone": 0}
        self.together = 0

    @contextmanager
    def note(self, what):
        with self.lock:
            self.inside[what] += 1
            self.most[what] = max(self.most[what], self.inside[what])
            self.together += bool(self.inside["work"] and self.inside["alone"])
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
    turns, watch, done = Turns(), Watch(), []

    def visit(number):
        what = "alone" if number % 3 == 0 else "work"
        with getattr(turns, what)(), watch.note(what):
            time.sleep(0.001)
        done.append(number)

    with ThreadPoolExecutor(12) as pool:
        for future in [pool.submit(visit, number) for number in range(200)]:
            future.result(PATIENCE)
    assert sorted(done) == list(range(200))
    assert watch.together == 0
    assert watch.most["alone"] == 1
    assert watch.most["work"] > 1, "batches of work are to run beside one another"


def test_work_shares_the_machine():
    turns, both = Turns(), threading.Barrier(2)

    def visit():
        with turns.work():
            both.wait(PATIENCE)  # passes only while the other is inside too

    with thread(visit):
        visit()


@pytest.mark.parametrize(("first", "second"), [("work", "alone"), ("alone", "work"), ("alone", "alone")])
def test_the_second_waits_until_the_first_ends(first, second):
    turns, entered = Turns(), threading.Event()

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
    turns, order, waiting = Turns(), [], threading.Event()

    def time_it():
        waiting.set()
        with turns.alone():
            order.append("alone")

    def work():
        with turns.work():
            order.append("work")

    with ThreadPoolExecutor(2) as pool:
        with turns.work():
            timed = pool.submit(time_it)
            assert waiting.wait(PATIENCE)
            time.sleep(0.1)  # it waits now, in alone()
            later = pool.submit(work)
            time.sleep(0.1)
            assert order == []  # although work may share with work: the timed section was first
        timed.result(PATIENCE)
        later.result(PATIENCE)
    assert order == ["alone", "work"]


def test_a_timed_section_is_not_starved_by_work_without_pause():
    turns, stop = Turns(), threading.Event()

    def work():
        while not stop.is_set():
            with turns.work():
                time.sleep(0.002)

    def time_it():
        with turns.alone():
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


@pytest.mark.parametrize("what", ["work", "alone"])
def test_an_error_inside_gives_the_turn_back(what):
    turns = Turns()
    with pytest.raises(KeyError), getattr(turns, what)():
        raise KeyError

    def visit():
        with turns.alone():
            pass
        with turns.work():
            pass

    with thread(visit):
        pass


def test_there_is_one_for_the_process():
    assert isinstance(TURNS, Turns)


def test_work_is_not_starved_by_timed_sections_without_pause():
    """Thirty people at their sliders: there is always a timed section that waits."""
    turns, stop = Turns(), threading.Event()

    def time_it():
        while not stop.is_set():
            with turns.alone():
                time.sleep(0.002)

    def work():
        with turns.work():
            pass
        turns.give_way()

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
    turns, order = Turns(), []

    def visit(number, what):
        with getattr(turns, what)():
            order.append(number)

    kinds = ["alone", "work", "alone", "alone", "work", "alone"]
    with ThreadPoolExecutor(len(kinds)) as pool:
        with turns.alone():
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
    turns, inside, entered = Turns(), threading.Event(), threading.Event()

    def time_it():
        assert inside.wait(PATIENCE)
        with turns.alone():
            entered.set()

    with thread(time_it):
        with turns.work():
            inside.set()
            end = time.monotonic() + PATIENCE
            while not turns._waiting and time.monotonic() < end:
                time.sleep(0.001)
            with turns.work():
                pass
            turns.give_way()
            assert not entered.is_set()
    assert entered.is_set()
