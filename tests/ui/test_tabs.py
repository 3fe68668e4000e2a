"""Tests of the tabs' handlers, called as Gradio calls them: values and a session in, values and perhaps one out."""

import gradio as gr
import pytest

from retriever.encoders.catalogue import MODELS
from retriever.errors import CollectionError, DocumentError
from retriever.indexing.collection import IndexSettings
from tests.support.page import skipped
from tests.support.small import HOSTILE, collection_of, sentences
from tests.support.work import PATIENCE, Work
from ui.documents.job import BuildPlan
from ui.documents.request import PASTE, SOURCES, BuildRequest
from ui.documents.tab import (
    cancel_build,
    fit_chunk_slider,
    loaded_report,
    name_preset,
    save_collection,
    set_preset,
    show_source,
    stream_build,
)
from ui.jobs.shared_samples import PREPARED_MODEL, SharedSamples
from ui.page import adopt_best_sample, collection_revision, take_python_docs
from ui.render.controls import keep_ef_above_k
from ui.render.errors import report_errors, report_stream_errors
from ui.session import Session
from ui.uploads.parsed_files import ParsedFiles


@pytest.fixture(scope="module")
def indexed(fake_encoder):
    """A collection with a good graph."""
    return collection_of(fake_encoder, sentences(300), name="Rich")


@pytest.fixture(scope="module")
def starved(fake_encoder):
    """A collection with a graph so poor that much is missed."""
    return collection_of(fake_encoder, sentences(500), M=2, ef_construction=5, name="Poor")


# --- session


def test_an_empty_session_has_nothing_loaded():
    with pytest.raises(CollectionError, match="being prepared"):
        Session().loaded()


def test_sessions_of_two_visitors_are_never_equal():
    assert Session() != Session()


# --- adopting shared samples


def prepared(**samples):
    state = SharedSamples()
    state._ready.update({(name, PREPARED_MODEL): indexed for name, indexed in samples.items()})
    return state


def test_a_visitor_who_chose_nothing_moves_on_to_the_best_sample(indexed, starved):
    state = prepared()
    session, changed, header, note, timer = adopt_best_sample(Session(), state)
    assert skipped(session)
    assert skipped(changed)
    assert skipped(header)
    assert "Sample documents" in note
    assert timer.active

    state = prepared(documents=indexed)
    small, first, header, note, _ = adopt_best_sample(Session(), state)
    assert small.indexed is indexed
    assert not small.chosen
    assert "Rich" in header
    assert "Python docs" in note

    state = prepared(documents=indexed, python_docs=starved)
    large, second, header, note, _ = adopt_best_sample(small, state)
    assert large.indexed is starved
    assert second != first
    assert "Poor" in header
    assert "Everyday science" in note
    assert "Python docs" not in note

    state = prepared(documents=indexed, python_docs=starved, everyday_science=indexed)
    *_, note, _ = adopt_best_sample(large, state)
    assert note == ""


def test_a_visitor_who_has_chosen_is_never_moved(indexed, starved):
    own = Session(indexed, chosen=True)
    session, changed, header, _, _ = adopt_best_sample(own, prepared(documents=starved, python_docs=starved))
    assert skipped(session)
    assert skipped(changed)
    assert skipped(header)


def test_an_unchanged_session_is_not_written(indexed):
    session, changed, _, _, _ = adopt_best_sample(Session(indexed), prepared(documents=indexed))
    assert skipped(session), "a build may have ended since the session was read: writing it back would undo that"
    assert skipped(changed)


def test_adopting_takes_the_second_graph_away(indexed, starved):
    session, *_ = adopt_best_sample(Session(indexed, overlay=indexed), prepared(documents=starved))
    assert session.overlay is None


def test_the_page_looks_again_until_all_is_prepared(monkeypatch):
    state = SharedSamples(())
    assert not adopt_best_sample(Session(), state)[-1].active


def test_changed_tells_collections_apart(indexed, starved):
    assert collection_revision(Session(indexed)) == collection_revision(Session(indexed, chosen=True))
    assert collection_revision(Session(indexed))[0] != collection_revision(Session(starved))[0]
    assert "Poor" in collection_revision(Session(starved))[1]


def test_python_docs_are_taken_by_choice(monkeypatch, indexed):
    state = SharedSamples()
    monkeypatch.setattr(state, "wait_for", lambda name, progress: {"python_docs": indexed}[name])
    taken = take_python_docs(Session(), state)
    assert taken.indexed is indexed
    assert taken.chosen


# --- documents tab


@pytest.fixture
def build(monkeypatch):
    """A function that starts stream_build with work of the test's own."""
    monkeypatch.setattr("ui.jobs.job.POLL_SECONDS", 0.01)

    def begin(result, session):
        work = Work(result)
        monkeypatch.setattr(
            "ui.documents.tab.plan_build",
            lambda *_: BuildPlan(work, BuildRequest(PASTE, text="x").source_key(ParsedFiles())),
        )
        return work, stream_build(BuildRequest(PASTE, text="x"), session, SharedSamples(()))

    return begin


def until(steps, condition):
    """Take steps until one meets a condition."""
    for number, step in enumerate(steps):
        if condition(step):
            return step
        assert number < 2_000
    raise AssertionError("the steps ended before")


def test_a_build_shows_its_progress_and_ends_with_what_it_made(build, indexed, starved):
    before = Session(starved, "key", overlay=starved)
    work, steps = build(indexed, before)
    running, _, _, _ = next(steps)
    assert running.indexed is starved
    assert running.chosen, "nothing may replace what is loaded while somebody builds"
    step = until(steps, lambda step: "25%" in step[1])
    assert skipped(step[0])
    assert skipped(step[2])
    work.go_on.set()
    *_, (done, words, report, chunks) = steps
    assert done.indexed is indexed
    assert (done.chosen, done.job, done.overlay) == (True, None, None)
    assert done.source == BuildRequest(PASTE, text="x").source_key(ParsedFiles())
    assert "Done" in words
    assert "300" in report
    assert sentences(300)[0] in chunks


def test_cancel_leaves_what_was_loaded(build, indexed, starved):
    before = Session(starved, chosen=True)
    work, steps = build(indexed, before)
    running, *_ = next(steps)
    assert work.begun.wait(PATIENCE)
    assert "Cancelling" in cancel_build(running)
    *_, (session, words, report, _) = steps
    assert "Cancelled" in words
    assert "unchanged" in words
    assert skipped(session) or session.indexed is starved
    assert "500" in report
    assert "No build is running" in cancel_build(running)


@pytest.mark.parametrize("end", ["cancel", "fail"])
def test_who_chose_nothing_before_still_gets_a_sample_after_an_ended_build(build, indexed, end):
    work, steps = build(DocumentError("The file is empty."), Session())
    running, *_ = next(steps)
    if end == "cancel":
        cancel_build(running)
    else:
        work.go_on.set()
    last = running
    try:
        for session, *_ in steps:
            last = last if skipped(session) else session
    except DocumentError:
        assert end == "fail"
    assert adopt_best_sample(last, prepared(documents=indexed))[0].indexed is indexed


def test_a_failed_build_is_told_and_leaves_what_was_loaded(build, starved):
    work, _ = build(DocumentError(f"{HOSTILE} is empty."), Session(starved, chosen=True))
    steps = report_stream_errors(stream_build)(
        BuildRequest(PASTE, text="x"), Session(starved, chosen=True), SharedSamples(())
    )
    work.go_on.set()
    seen = []
    with pytest.raises(gr.Error, match="is empty") as raised:
        seen += steps
    assert "<" not in raised.value.message
    for session, *_ in seen:
        assert skipped(session) or session.indexed is starved


def test_a_visitor_who_leaves_stops_the_build(build, indexed):
    _, steps = build(indexed, Session())
    running, *_ = next(steps)
    steps.close()
    assert running.job.wait(PATIENCE)


def test_a_refused_request_starts_nothing(starved):
    steps = report_stream_errors(stream_build)(BuildRequest(PASTE), Session(starved), SharedSamples(()))
    with pytest.raises(gr.Error, match="empty"):
        next(steps)


def test_cancel_without_a_build():
    assert "No build is running" in cancel_build(Session())


def test_the_report_of_nothing_and_of_something(indexed):
    assert "Nothing is loaded" in loaded_report(Session())[0]
    report, chunks = loaded_report(Session(indexed))
    assert "300" in report
    assert "Run record" in report
    assert "Text 0" in chunks


def test_only_the_chosen_source_is_shown():
    for number, source in enumerate(SOURCES):
        assert [update["visible"] for update in show_source(source)] == [
            other == number for other in range(len(SOURCES))
        ]


def test_chunk_sizes_fit_the_model():
    for name, card in MODELS.items():
        size, info = fit_chunk_slider(name)
        assert size["maximum"] == card.max_tokens or card.max_tokens is None
        assert 0 < size["value"] <= size["maximum"]
        assert str(card.dimension) in info["info"]


def test_presets_are_set_and_recognized():
    assert set_preset("starved 4/20") == (4, 20)
    assert name_preset(4.0, 20.0) == "starved 4/20"
    assert name_preset(5, 20) is None
    assert name_preset(IndexSettings().M, IndexSettings().ef_construction) == "default 16/200"


def test_saving_nothing_is_an_error():
    with pytest.raises(gr.Error, match="Nothing is loaded"):
        report_errors(save_collection)(Session())


def test_the_ef_slider_begins_at_k():
    assert keep_ef_above_k(25, 10) == gr.update(minimum=25, value=25)
    assert keep_ef_above_k(5, 10) == gr.update(minimum=5, value=10)


# --- errors


def test_an_error_nobody_expected_is_told_without_its_words():
    def broken():
        raise ZeroDivisionError("a visitor's words")

    with pytest.raises(gr.Error) as raised:
        report_errors(broken)()
    assert "ZeroDivisionError" in raised.value.message and "Nothing that was loaded is lost" in raised.value.message
    assert "words" not in raised.value.message and not raised.value.print_exception


def test_a_message_is_escaped_and_says_that_nothing_is_lost():
    def refuse():
        raise DocumentError(HOSTILE)

    with pytest.raises(gr.Error) as raised:
        report_errors(refuse)()
    assert "<" not in raised.value.message
    assert "is lost" in raised.value.message
