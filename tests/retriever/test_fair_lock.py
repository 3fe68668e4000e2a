"""The fair lock: exclusive sections run alone, shared sections run together, and no thread starves."""

import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

import pytest

from retriever.fair_lock import MACHINE_LOCK, FairLock

TIMEOUT = 10  # seconds until a test gives up on a thread


class SectionMonitor:
    """Monitor of the threads inside sections: how many at once, and whether shared and exclusive ones overlapped."""

    def __init__(self):
        self.lock = threading.Lock()
        self.inside = {"shared": 0, "exclusive": 0}
        self.peak = {"shared": 0, "exclusive": 0}
        self.overlaps = 0

    @contextmanager
    def record(self, what):
        with self.lock:
            self.inside[what] += 1
            self.peak[what] = max(self.peak[what], self.inside[what])
            self.overlaps += bool(self.inside["shared"] and self.inside["exclusive"])
        yield
        with self.lock:
            self.inside[what] -= 1


@contextmanager
def thread(target):
    """Run target in a thread and wait for its end."""
    with ThreadPoolExecutor(1) as pool:
        future = pool.submit(target)
        yield future
        future.result(TIMEOUT)


def test_exclusive_sections_run_alone_and_no_work_is_lost():
    lock, monitor, done = FairLock(), SectionMonitor(), []

    def visit(number):
        what = "exclusive" if number % 3 == 0 else "shared"
        with getattr(lock, what)(), monitor.record(what):
            time.sleep(0.001)
        done.append(number)

    with ThreadPoolExecutor(12) as pool:
        for future in [pool.submit(visit, number) for number in range(200)]:
            future.result(TIMEOUT)
    assert sorted(done) == list(range(200))
    assert monitor.overlaps == 0
    assert monitor.peak["exclusive"] == 1
    assert monitor.peak["shared"] > 1, "batches of work are to run beside one another"


def test_shared_sections_run_together():
    lock, both = FairLock(), threading.Barrier(2)

    def visit():
        with lock.shared():
            both.wait(TIMEOUT)  # passes only while the other is inside too

    with thread(visit):
        visit()


@pytest.mark.parametrize(
    ("first", "second"), [("shared", "exclusive"), ("exclusive", "shared"), ("exclusive", "exclusive")]
)
def test_the_second_waits_until_the_first_ends(first, second):
    lock, entered = FairLock(), threading.Event()

    def follow():
        with getattr(lock, second)():
            entered.set()

    with getattr(lock, first)():
        pool = ThreadPoolExecutor(1)
        future = pool.submit(follow)
        assert not entered.wait(0.1)
    future.result(TIMEOUT)
    assert entered.is_set()
    pool.shutdown()


def test_a_waiting_exclusive_section_goes_before_a_new_shared_one():
    lock, order, waiting = FairLock(), [], threading.Event()

    def enter_exclusive():
        waiting.set()
        with lock.exclusive():
            order.append("exclusive")

    def enter_shared():
        with lock.shared():
            order.append("shared")

    with ThreadPoolExecutor(2) as pool:
        with lock.shared():
            timed = pool.submit(enter_exclusive)
            assert waiting.wait(TIMEOUT)
            time.sleep(0.1)  # it waits now, in exclusive()
            later = pool.submit(enter_shared)
            time.sleep(0.1)
            assert order == []  # although shared sections may overlap: the exclusive one was first
        timed.result(TIMEOUT)
        later.result(TIMEOUT)
    assert order == ["exclusive", "shared"]


def test_an_exclusive_section_is_not_starved_by_shared_ones_without_pause():
    lock, stop = FairLock(), threading.Event()

    def enter_shared():
        while not stop.is_set():
            with lock.shared():
                time.sleep(0.002)

    def enter_exclusive():
        with lock.exclusive():
            pass

    with ThreadPoolExecutor(4) as pool:
        futures = [pool.submit(enter_shared) for _ in range(4)]  # at every moment one of them is inside
        try:
            for _ in range(20):
                with thread(enter_exclusive):
                    pass
        finally:
            stop.set()
        for future in futures:
            future.result(TIMEOUT)


@pytest.mark.parametrize("what", ["shared", "exclusive"])
def test_an_error_inside_a_section_releases_the_lock(what):
    lock = FairLock()
    with pytest.raises(KeyError), getattr(lock, what)():
        raise KeyError

    def visit():
        with lock.exclusive():
            pass
        with lock.shared():
            pass

    with thread(visit):
        pass


def test_there_is_one_machine_lock_per_process():
    assert isinstance(MACHINE_LOCK, FairLock)


def test_shared_sections_are_not_starved_by_exclusive_ones_without_pause():
    """With thirty users at their sliders an exclusive section is always waiting."""
    lock, stop = FairLock(), threading.Event()

    def enter_exclusive():
        while not stop.is_set():
            with lock.exclusive():
                time.sleep(0.002)

    def enter_shared():
        with lock.shared():
            pass
        lock.yield_to_waiting()

    with ThreadPoolExecutor(4) as pool:
        futures = [pool.submit(enter_exclusive) for _ in range(4)]
        try:
            for _ in range(20):
                with thread(enter_shared):
                    pass
        finally:
            stop.set()
        for future in futures:
            future.result(TIMEOUT)


def test_sections_are_granted_in_the_order_of_the_requests():
    lock, order = FairLock(), []

    def visit(number, what):
        with getattr(lock, what)():
            order.append(number)

    kinds = ["exclusive", "shared", "exclusive", "exclusive", "shared", "exclusive"]
    with ThreadPoolExecutor(len(kinds)) as pool:
        with lock.exclusive():
            futures = []
            for number, what in enumerate(kinds):
                futures.append(pool.submit(visit, number, what))
                end = time.monotonic() + TIMEOUT
                while len(lock._waiting) <= number and time.monotonic() < end:
                    time.sleep(0.001)
            assert order == []
        for future in futures:
            future.result(TIMEOUT)
    assert order == sorted(order)


def test_a_nested_section_is_part_of_the_outer_one():
    """Otherwise it would wait for an exclusive section that waits for the outer one."""
    lock, inside, entered = FairLock(), threading.Event(), threading.Event()

    def enter_exclusive():
        assert inside.wait(TIMEOUT)
        with lock.exclusive():
            entered.set()

    with thread(enter_exclusive), lock.shared():
        inside.set()
        end = time.monotonic() + TIMEOUT
        while not lock._waiting and time.monotonic() < end:
            time.sleep(0.001)
        with lock.shared():
            pass
        lock.yield_to_waiting()
        assert not entered.is_set()
    assert entered.is_set()
