"""Tests of the build queue: a few jobs run at once, visitors take turns and have a share; who waits holds no thread."""

import threading
import time

import pytest

from retriever.errors import Cancelled, ModelError, RetrieverError
from retriever.turns import LAB, Owner
from tests.support.serving import until
from tests.support.work import Work
from ui.jobs.build_queue import MAX_WAITING_FROM_ADDRESS, BuildQueue
from ui.jobs.job import RUNNING, Job, cancel_jobs_of

ANNE, BERT, CARL = (Owner(f"10.0.0.{number}", name) for number, name in enumerate(("anne", "bert", "carl")))


class Queue(BuildQueue):
    """A build queue, and all that was submitted to it as pairs of work and job."""

    def __init__(self, places=1, share=3):
        super().__init__(lambda: places, lambda: share, "build", "builds")
        self.made, self.begun = [], []

    def add(self, owner=LAB, **options):
        """Submit a job of an owner that works until it is told to end."""
        work = Work(owner)

        def record(progress):
            self.begun.append(job)
            return work(progress)

        job = Job(record, owner=owner, **options)
        self.made.append((work, self.submit(job)))
        return job

    def end(self, job):
        """End the work of a job, and wait until its successor has begun."""
        [work] = [work for work, made in self.made if made is job]
        work.go_on.set()
        job.result()


@pytest.fixture
def new_queue():
    """A function that makes queues, whose jobs are all ended afterwards."""
    queues = []

    def make(**options):
        queues.append(Queue(**options))
        return queues[-1]

    yield make
    made = [pair for queue in queues for pair in queue.made]
    for work, job in made:
        work.go_on.set()
        job.cancel()
    assert all(job.wait(10) for _, job in made)
    assert not RUNNING


def stages(*jobs):
    return [job.status.stage for job in jobs]


def test_so_many_work_at_once_and_the_others_are_told_how_many_are_before_them(new_queue):
    queue = new_queue(places=2)
    one, two, three, four = [queue.add(owner) for owner in (ANNE, BERT, CARL, CARL)]
    until(lambda: len(queue.begun) == 2)
    assert (queue.begun, queue.working, queue.waiting) == ([one, two], 2, 2)
    words = "waiting in line: {} before yours at present"
    assert stages(three, four) == [words.format("2 builds are"), words.format("3 builds are")]
    queue.end(one)
    until(lambda: len(queue.begun) == 3)
    assert queue.begun[2] is three and stages(four) == [words.format("2 builds are")]
    queue.end(two)
    until(lambda: stages(four) == [words.format("1 build is")])  # one visitor leaves a place free, if there are several
    assert (queue.working, queue.waiting) == (1, 1)
    began = time.monotonic() - four.created
    assert began <= queue.longest_wait <= began + 1
    queue.end(three)
    queue.end(four)
    assert (queue.working, queue.waiting, queue.longest_wait) == (0, 0, 0)
    assert queue.begun == [one, two, three, four]


def test_visitors_take_turns(new_queue):
    queue = new_queue(share=9)
    anne = [queue.add(ANNE) for _ in range(5)]
    bert, carl = [queue.add(BERT) for _ in range(2)], queue.add(CARL)
    assert "7 builds" in stages(anne[4])[0] and "1 build is" in stages(bert[0])[0]
    expected = [anne[0], bert[0], carl, anne[1], bert[1], *anne[2:]]
    for job in expected:
        queue.end(job)
    assert queue.begun == expected


def test_a_cancelled_job_leaves_at_once_and_nobody_waits_for_it(new_queue):
    queue = new_queue()
    working, leaving, waiting = (queue.add(owner) for owner in (ANNE, BERT, CARL))
    leaving.cancel()
    assert leaving.ended and queue.waiting == 1
    with pytest.raises(Cancelled):
        leaving.result()
    assert "1 build is" in stages(waiting)[0]
    queue.end(working)
    queue.end(waiting)
    assert queue.begun == [working, waiting]


def test_the_end_of_a_session_ends_its_jobs_and_no_others(new_queue):
    queue = new_queue()
    mine, other, lab, waiting = (queue.add(owner) for owner in (ANNE, BERT, LAB, ANNE))
    cancel_jobs_of("")
    cancel_jobs_of("anne")
    for job in (mine, waiting):
        with pytest.raises(Cancelled):
            job.result()
    queue.end(other)
    queue.end(lab)
    assert queue.begun == [mine, other, lab]


# --- what a job needs


def test_a_job_waits_for_what_it_needs_without_a_place_and_shows_its_progress(new_queue):
    queue, model = new_queue(), Work(None, "loading the model")
    need = Job(model).start()
    waiting, passing = queue.add(ANNE, needs=[need]), queue.add(ANNE, needs=[need], takes_place=False)
    other = queue.add(BERT)
    assert model.begun.wait(10)
    until(lambda: queue.begun == [other])
    assert stages(waiting, passing) == ["loading the model"] * 2
    assert (queue.working, queue.waiting) == (1, 2)
    model.go_on.set()
    until(lambda: queue.begun == [other, passing])
    assert "1 build is" in stages(waiting)[0]
    queue.end(other)
    queue.end(waiting)


def test_a_failed_need_fails_what_waits_for_it_with_its_error(new_queue):
    queue, error = new_queue(), ModelError("It could not be fetched.")
    model = Work(error)
    need = Job(model).start()
    jobs = [queue.add(owner, needs=[need]) for owner in (ANNE, BERT)]
    model.go_on.set()
    for job in jobs:
        with pytest.raises(ModelError) as raised:
            job.result()
        assert raised.value is error
    assert queue.waiting == 0 and queue.begun == []


def test_what_nobody_needs_any_more_is_cancelled(new_queue):
    queue, model, sample = new_queue(), Work(None, "fetching the model"), Work(None)
    fetch = Job(model, owner=LAB, while_needed=True).start()
    shared = Job(sample, owner=LAB).start()
    needing = queue.add(LAB, needs=[fetch])
    jobs = [queue.add(ANNE, needs=[fetch, shared]), queue.add(BERT, needs=[needing])]
    assert model.begun.wait(10) and sample.begun.wait(10)
    jobs[0].cancel()
    assert not fetch.cancelled, "another needs it"
    jobs[1].cancel()
    assert needing.cancelled and fetch.wait(10)
    assert isinstance(fetch.error, Cancelled)
    assert not shared.cancelled, "it has begun, and the next one needs it"
    sample.go_on.set()
    shared.result()


def test_what_fails_leaves_its_place(new_queue):
    queue = new_queue()
    with pytest.raises(ZeroDivisionError):
        queue.submit(Job(lambda progress: 1 / 0)).result()
    queue.end(queue.add())
    assert queue.working == 0


def test_a_system_without_further_threads_is_told_and_leaves_its_place(new_queue, monkeypatch):
    queue = new_queue()
    with monkeypatch.context() as patch:
        patch.setattr(threading.Thread, "start", lambda thread: (_ for _ in ()).throw(RuntimeError("no thread")))
        job = queue.add(ANNE)
    with pytest.raises(RetrieverError, match="no further thread.*Try again"):
        job.result()
    queue.end(queue.add(BERT))


# --- a fair share


def test_a_visitor_has_a_share_of_the_queue(new_queue):
    queue = new_queue()
    first, *_, last = [queue.add(ANNE) for _ in range(3)]
    with pytest.raises(RetrieverError, match="3 of your builds .* at most 3 .*Wait until one has ended, or cancel one"):
        queue.add(ANNE)
    assert queue.waiting == 2 and len(RUNNING) == 3, "what was refused is not there"
    queue.add(BERT)
    for _ in range(4):
        queue.add(LAB)
    last.cancel()
    queue.add(ANNE)
    first.cancel()
    queue.add(ANNE)


def test_one_address_fills_only_a_part_of_the_queue(new_queue):
    queue = new_queue()
    crowd = [Owner("10.0.0.9", str(number)) for number in range(MAX_WAITING_FROM_ADDRESS + 1)]
    for owner in crowd:
        queue.add(owner)
    with pytest.raises(RetrieverError, match="builds are waiting already. Try again in some minutes"):
        queue.add(crowd[0])
    queue.add(BERT)


# --- many


def test_215_builds_of_one_visitor_take_no_threads_and_delay_nobody(new_queue, monkeypatch):
    for bound in ("MAX_WAITING", "MAX_WAITING_FROM_ADDRESS"):  # else so many would be refused
        monkeypatch.setattr(f"ui.jobs.build_queue.{bound}", 1_000)
    queue, threads = new_queue(places=2, share=1_000), threading.active_count()
    crowd = [queue.add(ANNE) for _ in range(215)]
    until(lambda: len(queue.begun) == 1)
    assert threading.active_count() <= threads + 1, "only what works has a thread"
    assert (queue.working, queue.waiting) == (1, 214)
    asked = time.monotonic()
    assert queue.submit(Job(lambda progress: 42, owner=BERT)).result() == 42
    assert time.monotonic() - asked < 1, "at once, in the other place"
    cancel_jobs_of("anne")
    assert all(job.wait(10) for job in crowd) and len(queue.begun) == 1
    assert (queue.working, queue.waiting) == (0, 0)
    until(lambda: threading.active_count() <= threads)
