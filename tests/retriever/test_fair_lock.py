"""The fair lock: exclusive sections run alone, shared sections run together, and no thread starves."""

import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from retriever.fair_lock import MACHINE_LOCK, FairLock

TIMEOUT = 10  # seconds until a test gives up on a thread


@pytest.fixture
def lock():
    return FairLock()


@pytest.fixture
def pool():
    with ThreadPoolExecutor(12) as pool:
        yield pool


def visit(lock, what, inside=lambda: None):
    """Enter a section and call a function inside it."""
    with getattr(lock, what)():
        inside()


def wait_for(condition):
    end = time.monotonic() + TIMEOUT
    while not condition() and time.monotonic() < end:
        time.sleep(0.001)
    assert condition()


def test_exclusive_sections_run_alone_shared_ones_together_and_no_work_is_lost(lock, pool):
    guard, inside, seen = threading.Lock(), [], []

    def work(what):
        with guard:
            inside.append(what)
            seen.append(sorted(inside))
        time.sleep(0.001)
        with guard:
            inside.remove(what)

    kinds = ["exclusive", "shared", "shared"] * 66
    for future in [pool.submit(visit, lock, what, lambda what=what: work(what)) for what in kinds]:
        future.result(TIMEOUT)
    assert len(seen) == len(kinds)
    assert all(together == ["exclusive"] or "exclusive" not in together for together in seen)
    assert max(map(len, seen)) > 1, "batches of work are to run beside one another"


def test_no_more_shared_sections_run_together_than_there_are_cores(pool):
    """Else thirty visitors' walks run at once, and who wants to measure waits for all of them."""
    lock, inside, most, guard = FairLock(together=2), [], [], threading.Lock()

    def work():
        with guard:
            inside.append(1)
            most.append(len(inside))
        time.sleep(0.002)
        with guard:
            inside.pop()

    for future in [pool.submit(visit, lock, "shared", work) for _ in range(60)]:
        future.result(TIMEOUT)
    assert max(most) == 2


@pytest.mark.parametrize(
    ("first", "second"), [("shared", "exclusive"), ("exclusive", "shared"), ("exclusive", "exclusive")]
)
def test_the_second_waits_until_the_first_ends(lock, pool, first, second):
    entered = threading.Event()
    with getattr(lock, first)():
        future = pool.submit(visit, lock, second, entered.set)
        assert not entered.wait(0.1)
    future.result(TIMEOUT)
    assert entered.is_set()


@pytest.mark.parametrize("outer", ["shared", "exclusive"])
def test_sections_are_granted_in_the_order_of_the_requests(lock, pool, outer):
    """Also a shared one that could run beside the one inside waits for the exclusive one before it."""
    order, futures = [], []
    kinds = ["exclusive", "shared", "exclusive", "exclusive", "shared", "exclusive"]
    with getattr(lock, outer)():
        for number, what in enumerate(kinds):
            futures.append(pool.submit(visit, lock, what, lambda number=number: order.append(number)))
            wait_for(lambda number=number: len(lock._waiting) > number)
        assert order == []
    for future in futures:
        future.result(TIMEOUT)
    assert order == sorted(order)


@pytest.mark.parametrize(("many", "one"), [("shared", "exclusive"), ("exclusive", "shared")])
def test_no_section_is_starved_by_others_without_pause(lock, pool, many, one):
    """With thirty users at their sliders an exclusive section is always waiting."""
    stop = threading.Event()

    def go_on():
        while not stop.is_set():
            visit(lock, many, lambda: time.sleep(0.002))

    futures = [pool.submit(go_on) for _ in range(4)]  # at every moment one of them is inside
    try:
        for _ in range(20):
            pool.submit(visit, lock, one).result(TIMEOUT)
            pool.submit(lock.yield_to_waiting).result(TIMEOUT)
    finally:
        stop.set()
    for future in futures:
        future.result(TIMEOUT)


@pytest.mark.parametrize("what", ["shared", "exclusive"])
def test_an_error_inside_a_section_releases_the_lock(lock, pool, what):
    with pytest.raises(KeyError):
        visit(lock, what, lambda: {}["nothing"])
    for following in ("exclusive", "shared"):
        pool.submit(visit, lock, following).result(TIMEOUT)


def test_a_nested_section_is_part_of_the_outer_one(lock, pool):
    """Otherwise it would wait for an exclusive section that waits for the outer one."""
    entered = threading.Event()
    with lock.shared():
        future = pool.submit(visit, lock, "exclusive", entered.set)
        wait_for(lambda: lock._waiting)
        visit(lock, "shared")
        lock.yield_to_waiting()
        assert not entered.is_set()
    future.result(TIMEOUT)
    assert entered.is_set()


@pytest.mark.parametrize("what", ["shared", "exclusive"])
def test_a_pause_lets_those_who_wait_go_first_and_then_goes_on_alone(lock, pool, what):
    """Also in a nested section: a measurement is one within the search of a question."""
    order = []
    assert not lock.pause(), "outside of a section there is nothing to leave"
    with getattr(lock, what)():
        assert not lock.pause(), "nobody waits"
        future = pool.submit(visit, lock, "exclusive", lambda: order.append("other"))
        wait_for(lambda: lock._waiting)
        with getattr(lock, what)():
            order.append("before")
            assert lock.pause()
            order.append("after")
            late = pool.submit(visit, lock, "exclusive", lambda: order.append("late"))
            wait_for(lambda: lock._waiting)
            time.sleep(0.02)
            order.append("end")
    future.result(TIMEOUT)
    late.result(TIMEOUT)
    assert order == ["before", "other", "after", "end", "late"]


def test_the_lock_is_contended_while_somebody_waits_and_for_a_while_after(lock, pool, monkeypatch):
    visit(lock, "exclusive")
    assert not lock.contended, "nobody had to wait"
    with lock.exclusive():
        waiting = pool.submit(visit, lock, "shared")
        wait_for(lambda: lock.contended)
    waiting.result(TIMEOUT)
    assert lock.contended
    monkeypatch.setattr("retriever.fair_lock.CONTENDED_SECONDS", 0.0)
    assert not lock.contended


def test_there_is_one_machine_lock_per_process():
    assert isinstance(MACHINE_LOCK, FairLock)
