"""The Documents tab's handlers, called as Gradio calls them: values and a session in, components and values out."""

import resource
from dataclasses import replace
from pathlib import Path

import gradio as gr
import pytest

from retriever.errors import Cancelled, DocumentError
from retriever.indexing.collection import IndexSettings
from tests.support.handlers import Steps, finish
from tests.support.hostile_text import assert_shown_as_text
from tests.support.page import build_tab
from tests.support.small import HOSTILE, collection_of, passage_of, sentences
from tests.support.work import PATIENCE, Work
from ui.documents.job import PASTE, SAMPLE, UPLOAD, BuildPlan, BuildRequest
from ui.documents.tab import build_documents_tab, cancel_build, save_collection
from ui.header import collection_header
from ui.jobs.shared_samples import SharedSamples
from ui.render.errors import report_errors, report_stream_errors
from ui.session import Session
from ui.uploads.disk_budget import DISK_BUDGET, MIN_FILE_BYTES
from ui.uploads.folder import sweep_uploads, uploads_root


@pytest.fixture(scope="module")
def tab():
    (tab, _), _ = build_tab(build_documents_tab, SharedSamples(()))
    return tab


@pytest.fixture(scope="module")
def before(fake_encoder):
    """What is loaded before a build."""
    return collection_of(fake_encoder, sentences(50), name="Before")


def values(tab, session=None, **changed):
    """Return the values of all inputs: those the page begins with, but for what was changed, by name."""
    first = {control: control.value for control in tab.controls.inputs}
    return {**first, **{getattr(tab.controls, name): value for name, value in changed.items()}, tab.session: session}


@pytest.fixture
def start(tab, monkeypatch):
    """A function that starts a build with work of the test's own; it returns the work and the steps."""
    monkeypatch.setattr("ui.jobs.watching.POLL_SECONDS", 0.01)

    def start(result, session):
        work = Work(result)
        monkeypatch.setattr("ui.documents.tab.plan_build", lambda *_: BuildPlan(work, "key"))
        return work, Steps(report_stream_errors(tab.stream_build)(values(tab, session)))

    return start


def test_what_the_controls_say_is_a_request(tab):
    assert tab.inputs == {*values(tab)}
    assert tab.request(values(tab)) == BuildRequest(SAMPLE), "as the page begins"
    files = tab.request(values(tab, source=UPLOAD, files=["a.txt", "b.pdf"], saved="c.zip", text="Tea."))
    assert (files.source, files.files, files.saved, files.text) == (UPLOAD, ("a.txt", "b.pdf"), "c.zip", "Tea.")
    empty = tab.request(values(tab, source=UPLOAD, files=None, saved=None, text=None))
    assert (empty.files, empty.saved, empty.text) == ((), "", "")
    numbers = {"chunk_size": 77.0, "chunk_overlap": 5.0, "M": 4.0, "ef_construction": 20.0}
    asked = tab.request(values(tab, sample="python_docs", model="wordllama-256", **numbers))
    assert asked == BuildRequest(SAMPLE, "python_docs", settings=IndexSettings("wordllama-256", 77, 5, 4, 20))


def test_a_build_shows_its_progress_and_ends_with_what_it_made(tab, start, indexed, before):
    work, steps = start(indexed, Session(before, "old key", overlay=before))
    running = next(steps)[tab.session]
    assert running.indexed is before
    assert running.chosen, "nothing may replace what is loaded while somebody builds"
    step = next(step for step in steps if "25%" in step[tab.progress])
    assert set(step) == {tab.progress}, "the session is not written again, else changes on other tabs would be lost"
    work.go_on.set()
    *_, last = steps
    done = last[tab.session]
    assert done.indexed is indexed and done.source == "key" and done.chosen
    assert done.job is None and done.overlay is None
    assert "Done" in last[tab.progress]
    assert "300" in last[tab.report] and "Run record" in last[tab.report]
    assert last[tab.chunks.table] == "", "chunks of what was loaded before"


@pytest.mark.parametrize("chosen", [True, False])
@pytest.mark.parametrize("end", ["cancel", "fail"])
def test_an_ended_build_leaves_what_was_loaded_and_who_chose_nothing_still_gets_samples(
    tab, start, before, end, chosen
):
    work, steps = start(DocumentError(f"{HOSTILE} is empty."), Session(before, chosen=chosen))
    running = next(steps)[tab.session]
    seen = []
    if end == "cancel":
        assert work.begun.wait(PATIENCE)
        assert "Cancelling" in cancel_build(running)
        seen += steps
        assert "Cancelled" in seen[-1][tab.progress] and "unchanged" in seen[-1][tab.progress]
        assert "50" in seen[-1][tab.report]
    else:
        work.go_on.set()
        with pytest.raises(gr.Error, match="is empty") as raised:
            seen += steps
        assert "<" not in raised.value.message and "Nothing was built" in seen[-1][tab.progress]
    assert "No build is running" in cancel_build(running)
    written = [step[tab.session] for step in seen if tab.session in step]
    assert len(written) == (not chosen)
    assert all(session.indexed is before and not session.chosen and session.job is None for session in written)


def test_a_second_click_ends_the_first_build_and_who_leaves_theirs(tab, start, indexed):
    _, first = start(indexed, Session())
    running = next(first)[tab.session]
    _, second = start(indexed, running)
    other = next(second)[tab.session]
    second.close()
    assert other.job is not running.job
    for session in (running, other):
        with pytest.raises(Cancelled):
            session.job.result()


def test_a_refused_request_starts_nothing(tab):
    steps = Steps(report_stream_errors(tab.stream_build)(values(tab, Session(), source=PASTE)))
    with pytest.raises(gr.Error, match="empty"):
        next(steps)


def test_without_a_build_or_a_collection_there_is_nothing_to_cancel_report_or_save(tab):
    assert "No build is running" in cancel_build(Session())
    shown = tab.refresh(Session())
    assert "Nothing is loaded" in shown[tab.report]
    with pytest.raises(gr.Error, match="Nothing is loaded"):
        finish(report_errors(save_collection)(Session()))


def test_a_save_is_counted_and_one_that_the_disk_refuses_leaves_nothing(before, monkeypatch):
    sweep_uploads(-1)
    path = Path(finish(save_collection(Session(before)))["value"])
    assert path.name == "collection.zip" and DISK_BUDGET.held == max(path.stat().st_size, MIN_FILE_BYTES)
    limit = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (path.stat().st_size - 1_000, limit[1]))
    try:
        with pytest.raises(gr.Error, match="the disk takes no file as large"):
            finish(report_errors(save_collection)(Session(before)))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limit)
    monkeypatch.setenv("LAB_DISK_MB", "1")
    monkeypatch.setattr("ui.documents.tab.collection_bytes", lambda indexed: 2_000_000)
    with pytest.raises(gr.Error, match="disk is full of files"):
        finish(report_errors(save_collection)(Session(before)))
    assert [found for found in uploads_root().rglob("*") if found.is_file()] == [path]
    sweep_uploads(-1)
    assert DISK_BUDGET.held == 0 and not path.exists()


def test_what_is_loaded_may_be_hostile_in_every_part(tab, fake_encoder):
    def loaded(text):
        indexed = collection_of(fake_encoder, sentences(3), name=text, failed={text: text})
        place = {"doc_id": text, "title": text, "source": text, "page": text, "row": text}
        indexed.retriever.passages = [passage_of(f"{text} {line}", **place) for line in sentences(3)]
        settings = replace(indexed.settings, model_name=text)
        return replace(indexed, settings=settings, queries=[text] * 3, seconds={text: 1.0})

    def shown(component):
        return lambda text: tab.refresh(Session(loaded(text)))[component]

    assert_shown_as_text(shown(tab.report), HOSTILE, times=3)
    chunks = tab.chunks
    assert_shown_as_text(lambda text: chunks.show("", 1, Session(loaded(text)))[chunks.table], HOSTILE, times=3 * 4)
    assert_shown_as_text(lambda text: collection_header(loaded(text)), HOSTILE, times=2)
