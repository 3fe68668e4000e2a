"""Tests of jobs: progress can be watched, work can be cancelled, and errors reach the caller of result."""

import gc
import threading
import time
import traceback
import warnings
import weakref
from concurrent.futures import ThreadPoolExecutor

import pytest

from retriever.errors import Cancelled, DocumentError
from retriever.fair_lock import MACHINE_LOCK
from retriever.turns import LAB, OWNER, Owner
from ui.jobs.job import RUNNING, Job, Status

PATIENCE = 10  # seconds until a test gives up on a thread


@pytest.mark.parametrize("error", [DocumentError("The file is empty."), ZeroDivisionError("no"), KeyError("x")])
def test_a_job_raises_what_its_work_raised(error):
    def work(progress):
        raise error

    with pytest.raises(type(error)) as raised:
        Job(work).start().result()
    assert raised.value is error


def test_status_follows_the_stages():
    reached, go_on = threading.Event(), threading.Event()

    def work(progress):
        progress("embedding", 0.25)
        progress("embedding", 0.5)
        reached.set()
        assert go_on.wait(PATIENCE)
        progress("graph", 0.1)

    job = Job(work)
    assert job.status.stage == "waiting"
    job.start()
    assert reached.wait(PATIENCE)
    assert (job.status.stage, job.status.fraction) == ("embedding", 0.5)
    elapsed = job.status.elapsed
    go_on.set()
    job.result()
    assert (job.status.stage, job.status.fraction) == ("graph", 0.1)
    assert 0 <= elapsed < PATIENCE


def test_a_new_stage_starts_the_clock_anew(monkeypatch):
    clock = [100.0]
    monkeypatch.setattr("ui.jobs.job.time.monotonic", lambda: clock[0])
    job = Job(lambda progress: None)
    job._report("embedding", 0.1)
    clock[0] = 130.0
    job._report("embedding", 0.5)
    assert job.status == Status("embedding", 0.5, 30.0)
    job._report("embedding: 45 of 90 MB", 0.5)
    assert job.status == Status("embedding: 45 of 90 MB", 0.5, 30.0), "a detail of the stage is no new stage"
    job._report("graph", 0.0)
    assert job.status == Status("graph", 0.0, 0.0)


@pytest.mark.parametrize(
    ("fraction", "elapsed", "left"),
    [(0.5, 10, 10), (0.25, 10, 30), (1.0, 10, 0), (0.0, 10, None), (0.01, 10, None), (0.5, 0.5, None)],
)
def test_time_left_goes_on_as_before(fraction, elapsed, left):
    assert Status("embedding", fraction, elapsed).seconds_left == left


def test_a_cancelled_job_stops_at_its_next_report():
    started, cancelled, after = threading.Event(), threading.Event(), []

    def work(progress):
        progress("embedding", 0.1)
        started.set()
        assert cancelled.wait(PATIENCE)
        progress("embedding", 0.2)
        after.append("went on")

    job = Job(work).start()
    assert started.wait(PATIENCE)
    job.cancel()
    assert not job.wait(0.05)  # it is asked to stop, not killed
    cancelled.set()
    with pytest.raises(Cancelled):
        job.result()
    assert after == []


def test_an_ended_job_keeps_its_result_whatever_is_called():
    job = Job(lambda progress: 42).start()
    assert job.result() == 42 and job.wait(0)
    job.cancel()
    assert job.start().result() == 42


def test_a_job_gives_way_to_a_timed_section():
    reported = threading.Event()

    def work(progress):
        progress("graph", 0.5)
        reported.set()

    with MACHINE_LOCK.exclusive():
        job = Job(work).start()
        assert not reported.wait(0.2)
    job.result()
    assert reported.is_set()


def test_a_job_that_several_start_runs_once():
    runs, go_on = [], threading.Event()

    def work(progress):
        assert go_on.wait(PATIENCE)
        runs.append(threading.current_thread())
        return 42

    job = Job(work)
    with ThreadPoolExecutor(8) as pool:
        assert set(pool.map(lambda _: job.start(), range(32))) == {job}
    go_on.set()
    assert job.result() == 42
    assert len(runs) == 1


def test_a_job_works_for_who_asked_for_it():
    visitor = Owner("10.0.0.1", "somebody")
    token = OWNER.set(visitor)
    jobs = [Job(lambda progress: OWNER.get()), Job(lambda progress: OWNER.get(), owner=LAB)]
    OWNER.reset(token)
    assert [job.start().result() for job in jobs] == [visitor, LAB]


def test_what_was_cancelled_before_it_began_does_nothing():
    done = []
    job = Job(lambda progress: done.append(True))
    job.cancel()
    with pytest.raises(Cancelled):
        job.start().result()
    assert not done and job not in RUNNING


class Held:
    """Something large that a job works with."""


def soon_gone(held):
    """Return whether an object is gone within a second: the job's thread ends a moment after the job."""
    for _ in range(20):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ResourceWarning)  # of what other tests have left
            gc.collect()
        if held() is None:
            return True
        time.sleep(0.05)
    return False


@pytest.mark.parametrize("fails", [False, True])
def test_an_ended_job_holds_nothing_but_its_outcome(fails):
    large, made = Held(), Held()
    held = [weakref.ref(large), weakref.ref(made)]

    def work(progress, large=large, made=made):
        if fails:
            raise DocumentError("The file is empty.")
        return made

    job = Job(work).start()
    assert job.wait(PATIENCE)
    del large, made, work
    assert soon_gone(held[0]) and soon_gone(held[1]) is fails, "the result stays as long as the job"
    del job
    assert soon_gone(held[1])


def test_an_error_that_many_are_told_of_does_not_grow():
    def work(progress):
        raise DocumentError("The file is empty.")

    job = Job(work).start()
    lengths = []
    for _ in range(5):
        with pytest.raises(DocumentError) as raised:
            job.result()
        lengths.append(len(traceback.extract_tb(raised.value.__traceback__)))
    assert len(set(lengths)) == 1
