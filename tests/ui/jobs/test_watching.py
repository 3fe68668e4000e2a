"""Tests of watching jobs: no thread waits, and a visitor who leaves cancels, by way of Gradio's own queue too."""

import asyncio
import gc
import threading
import warnings
from contextlib import aclosing, contextmanager

import gradio as gr
import httpx
import pytest

from retriever.errors import Cancelled, DocumentError
from retriever.turns import Owner
from tests.support.handlers import Steps, finish
from tests.support.serving import GRADIO_WARNINGS, until
from tests.support.work import Work
from ui.blocks import LabBlocks
from ui.jobs.build_queue import BuildQueue
from ui.jobs.job import RUNNING, Job
from ui.jobs.watching import result_of, watch
from ui.render.controls import HIDDEN
from ui.render.errors import report_errors, report_stream_errors

pytestmark = [pytest.mark.filterwarnings(warning) for warning in GRADIO_WARNINGS]


@pytest.fixture
def working():
    """A job that works until it is told to end, and its work."""
    work = Work(42)
    job = Job(work).start()
    assert work.begun.wait(10)
    yield job, work
    work.go_on.set()


def test_progress_is_told_as_it_changes_and_its_end_ends_the_stream(working, monkeypatch):
    monkeypatch.setattr("ui.jobs.watching.SILENT_SECONDS", 60.0)
    monkeypatch.setattr("ui.jobs.watching.POLL_SECONDS", 0.01)
    job, work = working
    steps, told = Steps(watch(job)), []
    threading.Timer(0.3, work.go_on.set).start()
    told = [(status.stage, status.fraction) for status in steps]
    assert told == [("embedding", 0.25)], "some thirty looks, and nothing new"
    assert finish(result_of(job)) == 42
    assert len(list(Steps(watch(job)))) == 1, "of a job that has ended, its last status"


def test_the_same_progress_is_told_again_after_a_while(working, monkeypatch):
    monkeypatch.setattr("ui.jobs.watching.SILENT_SECONDS", 0.05)
    steps = Steps(watch(working[0]))
    assert next(steps).stage == next(steps).stage == "embedding"
    steps.close()


def test_who_stops_listening_cancels(working):
    job, _ = working

    async def leave():
        waiting = asyncio.create_task(result_of(job))
        await asyncio.sleep(0.05)
        waiting.cancel()
        await asyncio.gather(waiting, return_exceptions=True)

    finish(leave())
    with pytest.raises(Cancelled):
        job.result()


def test_a_hundred_wait_without_a_thread(working):
    job, work = working
    finish(result_of(Job(lambda progress: None).start()))  # starts the thread of the handlers
    threads = threading.active_count()

    async def wait_for_all():
        waiting = [asyncio.create_task(result_of(job)) for _ in range(100)]
        await asyncio.sleep(0.1)
        assert threading.active_count() == threads
        work.go_on.set()
        return await asyncio.gather(*waiting)

    assert finish(wait_for_all()) == [42] * 100


# --- by way of Gradio's queue


class Page:
    """A page of two events that wait for a job: one shows its progress, the other its result."""

    def __init__(self):
        self.queue, self.works, self.jobs = BuildQueue(lambda: 1, lambda: 3, "build", "builds"), [], []
        self.result = "the result"
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ResourceWarning)
            with LabBlocks(analytics_enabled=False) as self.demo:
                button, shown = gr.Button(), gr.Textbox()
                button.click(report_stream_errors(self.stream), None, shown, **HIDDEN)
                button.click(report_errors(self.answer), None, shown, **HIDDEN)
            _, self.address, _ = self.demo.queue().launch(quiet=True, prevent_thread_lock=True, max_threads=30)
            gc.collect()  # Gradio leaves an event loop and a socket to it

    def submit(self):
        self.works.append(Work(self.result))
        if isinstance(self.result, Exception):
            self.works[-1].go_on.set()
        self.jobs.append(self.queue.submit(Job(self.works[-1])))
        return self.jobs[-1]

    async def stream(self):
        job = self.submit()
        async with aclosing(watch(job)) as statuses:
            async for status in statuses:
                yield status.stage
        yield job.result()

    async def answer(self):
        return await result_of(self.submit())

    def join(self, event, name="somebody"):
        content = {"data": [], "fn_index": event, "session_hash": name}
        assert httpx.post(f"{self.address}gradio_api/queue/join", json=content).status_code == 200

    @contextmanager
    def heard(self, words, name="somebody"):
        """Listen to what a visitor is told until some words come; the page is open in the with statement."""
        data = f"{self.address}gradio_api/queue/data"
        with httpx.stream("GET", data, params={"session_hash": name}, timeout=20) as messages:
            lines = messages.iter_lines()  # closed only at the end, which closes the connection
            assert any(words in line for line in lines), f"{words!r} was never told"
            yield


@pytest.fixture
def page():
    """The page, served; all of its jobs are ended afterwards."""
    page = Page()
    yield page
    for work, job in zip(page.works, page.jobs, strict=True):
        job.cancel()
        work.go_on.set()
        assert job.wait(10)
    page.demo.close(verbose=False)


def test_a_closed_page_cancels_the_job_that_works_and_the_one_that_waits(page):
    page.join(0)
    with page.heard("embedding"):
        page.join(0, "another")
        with page.heard("waiting in line: 1 build is before yours", "another"):
            working, waiting = page.jobs
        assert waiting.wait(10) and not working.ended
    assert working.wait(10)
    for job, name in ((working, "somebody"), (waiting, "another")):
        assert isinstance(job.error, Cancelled) and job.owner == Owner("127.0.0.1", name)
    assert not page.works[1].begun.is_set() and not {working, waiting} & RUNNING


def test_more_visitors_wait_than_there_are_threads_and_all_are_told_the_result(page):
    page.demo.limiter.total_tokens = 2
    for number in range(8):
        page.join(number % 2, f"visitor {number}")
    until(lambda: len(page.jobs) == 8)
    for work in page.works:
        work.go_on.set()
    for number in range(8):
        with page.heard("the result", f"visitor {number}"):
            pass


def test_an_error_of_a_job_is_told(page):
    page.result = DocumentError("It is empty.")
    for event in (0, 1):
        page.join(event)
        with page.heard("It is empty. Nothing that was loaded is lost."):
            pass
