"""Tests of the handlers that link the tabs."""

import gc
import warnings
from collections import Counter

import gradio as gr
import pytest

from tests.support.handlers import finish
from tests.support.page import build_tab, words_of
from ui.header import create_header
from ui.jobs.shared_samples import PREPARED_MODEL, SharedSamples
from ui.milvus.server import LabMilvus
from ui.page import Page, build_page, opened_tab
from ui.session import Session
from ui.settings import MilvusAddress


def page_with(*, names=None, **ready):
    """Return the page's handlers, with some samples that are ready."""
    state = SharedSamples() if names is None else SharedSamples(names)
    state._ready.update({(name, PREPARED_MODEL): sample for name, sample in ready.items()})

    def build(session):
        return Page(state, session, gr.Timer(), create_header(), gr.HTML())

    return build_tab(build)[0]


def test_a_visitor_who_chose_nothing_moves_on_to_the_best_sample(indexed, starved):
    page = page_with()
    shown = page.adopt_best_sample(Session())
    assert set(shown) == {page.note, page.timer}
    assert "Sample documents" in shown[page.note] and shown[page.timer].active

    page = page_with(documents=indexed)
    first = page.adopt_best_sample(Session(overlay=starved))
    assert set(first) == set(page.ticked)
    session = first[page.session]
    assert session.indexed is indexed and not session.chosen and session.sample == "documents"
    assert first[page.header.loaded] == "", "a better sample is still coming, so the address pins none"
    assert session.overlay is None, "the second graph is one over other vectors"
    assert "Rich" in first[page.header.facts] and "Python docs" in first[page.note]

    page = page_with(documents=indexed, python_docs=starved)
    second = page.adopt_best_sample(session)
    assert second[page.session].indexed is starved
    assert second[page.header.loaded].startswith("sample=python_docs&")
    assert set(second) == set(page.ticked)
    assert "Poor" in second[page.header.facts]
    assert words_of(second[page.note]).startswith("Preparing Everyday science")


@pytest.mark.parametrize("chosen", [True, False])
def test_a_session_is_not_written_where_a_choice_was_made_or_nothing_better_is_ready(indexed, starved, chosen):
    """A build may have ended since the session was read: writing it back would undo that."""
    page = page_with(documents=starved if chosen else indexed)
    assert set(page.adopt_best_sample(Session(indexed, chosen=chosen))) == {page.note, page.timer}


def test_a_visitor_who_judged_hits_keeps_the_sample_that_they_judged(indexed, starved):
    session = Session(indexed)
    session.judgments.judge("how?", "d1", 1)
    page = page_with(documents=starved)
    assert set(page.adopt_best_sample(session)) == {page.note, page.timer}


def test_the_first_visitor_starts_the_preparation_and_the_page_looks_again_until_all_is_prepared(monkeypatch):
    page, started = page_with(names=()), []
    monkeypatch.setattr(page.shared_samples, "start", lambda: started.append(True))
    shown = page.tick(Session())
    assert started and not shown[page.timer].active and shown[page.note] == ""


def test_python_docs_are_taken_by_choice(monkeypatch, indexed):
    monkeypatch.setattr("ui.jobs.shared_samples.cached_sample", lambda name, *_, **__: {"python_docs": indexed}[name])
    taken = finish(page_with(names=()).take_python_docs(Session()))
    assert taken.indexed is indexed and taken.chosen and taken.sample == "python_docs"


def test_the_open_tab_is_known_by_its_title():
    assert opened_tab(gr.SelectData(None, {"value": "5 Inside HNSW", "index": 4})) == "5 Inside HNSW"


@pytest.mark.parametrize("milvus", [None, LabMilvus(MilvusAddress("http://127.0.0.1:1"))], ids=["alone", "with Milvus"])
def test_of_the_listeners_to_one_event_one_waits_at_most(milvus):
    """Where two wait for one another, Gradio's page repeats the event for ever; of a state it calls each by itself."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ResourceWarning)  # Gradio leaves an event loop to the garbage collector
        demo = build_page(SharedSamples(), milvus=milvus)
        gc.collect()
    waiting = Counter(
        target
        for function in demo.fns.values()
        for target in function.targets
        if function.trigger_mode == "always_last"
        and function.fn is not None  # else it is the browser's own
        and not isinstance(demo.blocks.get(target[0]), gr.State | None)
    )
    assert waiting
    assert [target for target, count in waiting.items() if count > 1] == []
