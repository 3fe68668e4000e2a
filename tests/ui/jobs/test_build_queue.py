"""Tests of the build queue: a few work at once, the others in order of arrival; cancelled ones leave it."""

import threading
import time

import pytest

from retriever.errors import Cancelled
from ui.jobs.build_queue import BuildQueue, waiting_words

PATIENCE = 10  # seconds until a test gives up on a thread


class Worker(threading.Thread):
    """A thread that waits in the build queue, and works until it is told to end."""

    def __init__(self, build_queue, done):
        super().__init__(daemon=True)
        self.build_queue, self.done, self.told, self.error = build_queue, done, [], None
        self.waits, self.works, self.end, self.give_up = (threading.Event() for _ in range(4))

    def run(self):
        try:
            with self.build_queue.place(self.progress):
                self.done.append(self)
                self.works.set()
                self.end.wait(PATIENCE)
        except Cancelled as error:
            self.error = error

    def progress(self, stage, fraction):
        self.told.append(stage)
        self.waits.set()
        if self.give_up.is_set():
            raise Cancelled("Enough.")


@pytest.fixture
def queue():
    """A build queue with two places, and five workers that arrive one after the other; all are ended afterwards."""
    build_queue, done, workers = BuildQueue(lambda: 2), [], []
    for number in range(5):
        worker = Worker(build_queue, done)
        workers.append(worker)
        worker.start()
        assert (worker.works if number < 2 else worker.waits).wait(PATIENCE)
    yield build_queue, done, workers
    for worker in workers:
        worker.end.set()
    for worker in workers:
        worker.join(PATIENCE)


def test_so_many_work_at_once_and_the_others_are_told_how_many_are_before_them(queue):
    build_queue, done, workers = queue
    assert done == workers[:2]
    assert (build_queue.working, build_queue.waiting) == (2, 3)
    told = [f"waiting in line: {count} builds are before yours" for count in (2, 3, 4)]
    assert [worker.told[0] for worker in workers[2:]] == told
    assert waiting_words(1) == "waiting in line: 1 build is before yours"
    for number in (2, 3, 4):
        workers[number - 1].end.set()
        assert workers[number].works.wait(PATIENCE)
        assert done == workers[: number + 1], "in the order in which they came"


def test_who_gives_up_leaves_the_queue_and_nobody_waits_for_them(queue):
    build_queue, _, workers = queue
    workers[2].give_up.set()
    workers[2].join(PATIENCE)
    assert isinstance(workers[2].error, Cancelled) and build_queue.waiting == 2
    workers[0].end.set()
    assert workers[3].works.wait(PATIENCE)
    end = time.monotonic() + PATIENCE
    while workers[4].told[-1] != waiting_words(2) and time.monotonic() < end:
        time.sleep(0.01)
    assert workers[4].told[-1] == waiting_words(2)


def test_what_fails_leaves_its_place():
    build_queue = BuildQueue(lambda: 1)
    with pytest.raises(ZeroDivisionError), build_queue.place(lambda stage, done: None):
        raise ZeroDivisionError
    assert build_queue.working == 0
    with build_queue.place(lambda stage, done: None):
        assert build_queue.working == 1
