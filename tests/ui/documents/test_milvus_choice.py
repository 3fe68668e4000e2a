"""A build that goes into Milvus too: a choice that is there with a server, and a failure that costs no build."""

import threading

import gradio as gr
import pytest

from retriever.errors import Cancelled
from retriever.progress import ignore_progress
from tests.support.fake_milvus import fake_milvus
from tests.support.handlers import Steps
from tests.support.page import build_tab, words_of
from tests.support.serving import until
from tests.support.small import sentences
from ui.documents.job import PASTE, BuildPlan
from ui.documents.tab import build_documents_tab
from ui.jobs.build_queue import BUILD_QUEUE, MILVUS_QUEUE
from ui.milvus.copies import copy_of
from ui.session import Session


@pytest.fixture
def milvus(monkeypatch):
    return fake_milvus(monkeypatch)


@pytest.fixture
def tab(milvus, shared_samples):
    return build_tab(lambda session: build_documents_tab(session, shared_samples, milvus.lab)[0])[0]


def built(tab, *, wanted, session=None):
    """Return the steps of a build of pasted text."""
    values = {control: control.value for control in tab.inputs} | {tab.session: session or Session()}
    pasted = {tab.controls.source: PASTE, tab.controls.text: " ".join(sentences(30)), tab.controls.files: None}
    values |= {**pasted, tab.controls.model: "wordllama-256", tab.milvus.wanted: wanted}
    return list(Steps(tab.stream_build(values)))


def test_what_is_built_is_put_into_milvus_if_that_is_wanted(milvus, tab):
    *_, last = built(tab, wanted=False)
    assert copy_of(last[tab.session].indexed) is None and not milvus.server.collections
    steps = built(tab, wanted=True)
    indexed = steps[-1][tab.session].indexed
    assert len(copy_of(indexed).index) == len(indexed)
    assert "The vectors are in Milvus too" in steps[-1][tab.progress]


def test_who_wants_what_is_loaded_in_milvus_is_told_to_press_build(milvus, tab):
    steps = built(tab, wanted=False)
    values = {control: control.value for control in tab.inputs} | {tab.session: steps[-1][tab.session]}
    values |= {tab.controls.source: PASTE, tab.controls.text: " ".join(sentences(30)), tab.controls.files: None}
    values[tab.controls.model] = "wordllama-256"

    def noted(*, wanted):
        shown = tab.note_unbuilt({**values, tab.milvus.wanted: wanted})
        return words_of(shown[tab.standing]), shown[tab.build]["variant"]

    assert noted(wanted=False) == ("The controls say what is loaded. Change one to build something else.", "secondary")
    assert noted(wanted=True) == ("Press Build to put the vectors of Pasted text into Milvus.", "primary")
    milvus.lab.put(values[tab.session].indexed, ignore_progress)
    assert noted(wanted=True)[1] == "secondary"


def test_a_server_that_is_away_costs_no_build(milvus, tab):
    milvus.server.away = True
    *_, last = built(tab, wanted=True)
    said = words_of(last[tab.progress])
    assert last[tab.session].indexed is not None and "Done" in said
    assert "Not in Milvus: The Milvus server at" in said and "What was built is loaded" in said
    assert "secret" not in said


def test_a_server_that_hangs_keeps_no_place_from_builds_and_a_build_that_is_cancelled_ends_for_both(milvus, tab):
    hangs, released = threading.Event(), threading.Event()
    indexed = object()

    def put(built, progress):
        hangs.set()
        while not released.wait(0.01):
            progress("putting", 0.0)

    milvus.lab.put = put
    job = tab.milvus.submit(BuildPlan(lambda progress: indexed, "source"))
    assert hangs.wait(30)
    until(lambda: not BUILD_QUEUE.working)
    assert MILVUS_QUEUE.working == 1
    released.set()
    assert job.result() is indexed
    building = threading.Event()

    def build(progress):
        building.set()
        while True:
            progress("embedding", 0.0)

    job = tab.milvus.submit(BuildPlan(build, "source"))
    assert building.wait(30)
    job.cancel()
    with pytest.raises(Cancelled):
        job.result()
    until(lambda: not BUILD_QUEUE.working)


def test_without_a_server_there_is_no_choice(shared_samples):
    tab, page = build_tab(lambda session: build_documents_tab(session, shared_samples)[0])
    assert tab.milvus is None
    assert not [one for one in page.blocks.values() if isinstance(one, gr.Checkbox) and "Milvus" in one.label]
