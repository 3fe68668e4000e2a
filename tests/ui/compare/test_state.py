"""Tests of the comparison state: comparisons are watched, replaced, cancelled; on failure the last result stays."""

import gradio as gr
import pytest

from retriever.errors import Cancelled, DocumentError, ParameterError
from tests.support.page import skipped
from tests.support.small import HOSTILE
from tests.support.work import PATIENCE, Work
from ui.compare.index_cache import IndexCache
from ui.compare.job import FinishedComparison
from ui.compare.request import COLLECTIONS, CompareRequest
from ui.compare.state import ComparisonState, cancel_comparison, stream_comparison
from ui.jobs.shared_samples import SharedSamples
from ui.render.errors import report_stream_errors
from ui.session import Session

REQUEST = CompareRequest(COLLECTIONS[0], "all-MiniLM-L6-v2", "wordllama-256")
BEFORE, AFTER = FinishedComparison(None, 1.0), FinishedComparison(None, 2.5)


@pytest.fixture
def begin(monkeypatch):
    """A function that starts a comparison with the test's own work; no thread is left behind."""
    monkeypatch.setattr("ui.jobs.job.POLL_SECONDS", 0.005)
    begun = []

    def begin(work, comparison_state):
        monkeypatch.setattr(
            "ui.compare.state.plan_comparison", lambda request, session, index_cache, shared_samples: work
        )
        begun.append(stream_comparison(REQUEST, comparison_state, Session(), SharedSamples(())))
        return begun[-1]

    yield begin
    for left in begun:
        left.close()


def written(given, comparison_state):
    """Return the comparison state after some steps, as Gradio stores it."""
    for value, *_ in given:
        comparison_state = comparison_state if skipped(value) else value
    return comparison_state


def test_progress_is_shown_and_then_the_result(begin):
    work, before = Work(AFTER), ComparisonState(compared=BEFORE)
    given = begin(work, before)
    running, _, nothing = next(given)
    assert running.job is not None
    assert (running.compared, running.index_cache, nothing) == (BEFORE, before.index_cache, None)
    assert work.begun.wait(PATIENCE)
    value, progress, nothing = next(given)
    assert skipped(value)
    assert "25%" in progress
    assert 'aria-valuenow="25"' in progress
    assert nothing is None
    work.go_on.set()
    *_, (done, progress, compared) = given
    assert compared is done.compared is AFTER
    assert done.index_cache is before.index_cache
    assert "Done in 2.5 s" in progress
    assert before.compared is BEFORE, "the state that was passed in is not changed"


def test_progress_names_the_model_as_it_is_written(begin):
    work = Work(AFTER, "embedding (all-MiniLM-L6-v2)")
    given = begin(work, ComparisonState())
    next(given)
    assert work.begun.wait(PATIENCE)
    assert "mbedding (all-MiniLM-L6-v2)" in next(given)[1]


def test_hostile_stages_stay_text(begin):
    work = Work(AFTER, stage=HOSTILE)
    given = begin(work, ComparisonState())
    next(given)
    assert work.begun.wait(PATIENCE)
    assert "<img" not in next(given)[1].lower()


def test_a_second_click_stops_the_first(begin):
    first, second = Work(BEFORE), Work(AFTER)
    given_first = begin(first, ComparisonState())
    running, *_ = next(given_first)
    assert first.begun.wait(PATIENCE)
    given_second = begin(second, running)
    again, *_ = next(given_second)
    assert again.job is not running.job
    assert running.job.wait(PATIENCE), "the first goes on"
    *_, (value, progress, compared) = given_first
    assert skipped(value)
    assert "Cancelled" in progress
    assert compared is None
    second.go_on.set()
    assert written(given_second, again).compared is AFTER


def test_cancelling_leaves_the_last_result(begin):
    work, before = Work(AFTER), ComparisonState(compared=BEFORE)
    given = begin(work, before)
    running, *_ = next(given)
    assert work.begun.wait(PATIENCE)
    assert "Cancelling" in cancel_comparison(running)
    *rest, (value, progress, compared) = given
    assert written([*rest, (value,)], running).compared is BEFORE
    assert compared is None
    assert "Cancelled. The last result is unchanged." in progress
    assert "No comparison is running" in cancel_comparison(running)


def test_nothing_to_cancel_is_told(begin):
    assert "No comparison is running" in cancel_comparison(ComparisonState())
    work = Work(AFTER)
    work.go_on.set()
    *_, (done, _, _) = begin(work, ComparisonState())
    assert "No comparison is running" in cancel_comparison(done)


@pytest.mark.parametrize("error", [DocumentError(f"{HOSTILE} is empty."), ZeroDivisionError("no")])
def test_a_failure_is_raised_and_leaves_the_last_result(begin, error):
    work = Work(error)
    given = begin(work, ComparisonState(compared=BEFORE))
    running, *_ = next(given)
    work.go_on.set()
    seen = []
    with pytest.raises(type(error)) as raised:
        seen += given
    assert raised.value is error
    assert written(seen, running).compared is BEFORE
    assert all(compared is None for _, _, compared in seen)


def test_after_a_failure_the_page_says_that_nothing_was_compared(begin):
    work = Work(DocumentError(f"{HOSTILE} is empty."))
    given = begin(work, ComparisonState(compared=BEFORE))
    next(given)
    work.go_on.set()
    seen = []
    with pytest.raises(gr.Error, match="is empty") as raised:
        seen += report_stream_errors(lambda: given)()
    assert "<" not in raised.value.message
    assert "Nothing was compared. The last result is unchanged." in seen[-1][1]


def test_work_that_ends_cancelled_by_itself_is_told_as_cancelled(begin):
    work = Work(Cancelled("stop"))
    work.go_on.set()
    *_, (value, progress, compared) = begin(work, ComparisonState())
    assert skipped(value)
    assert "Cancelled" in progress
    assert compared is None


def test_a_visitor_who_leaves_stops_the_comparison(begin):
    given = begin(Work(AFTER), ComparisonState())
    running, *_ = next(given)
    given.close()
    assert running.job.wait(PATIENCE)
    with pytest.raises(Cancelled):
        running.job.result()


def test_a_refused_request_starts_nothing():
    same = CompareRequest(COLLECTIONS[0], "wordllama-256", "wordllama-256")
    with pytest.raises(ParameterError, match="two different"):
        next(stream_comparison(same, ComparisonState(), Session(), SharedSamples(())))


def test_each_visitor_has_an_index_cache_of_their_own():
    assert ComparisonState().index_cache is not ComparisonState().index_cache
    assert isinstance(ComparisonState().index_cache, IndexCache)
    assert ComparisonState() != ComparisonState()
