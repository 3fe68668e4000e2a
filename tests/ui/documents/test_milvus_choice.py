"""A build that goes into Milvus too: a choice that is there with a server, and a failure that costs no build."""

import gradio as gr
import pytest

from tests.support.fake_milvus import fake_milvus
from tests.support.handlers import Steps
from tests.support.page import build_tab, words_of
from tests.support.small import sentences
from ui.documents.job import PASTE
from ui.documents.tab import build_documents_tab
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


def test_a_server_that_is_away_costs_no_build(milvus, tab):
    milvus.server.away = True
    *_, last = built(tab, wanted=True)
    said = words_of(last[tab.progress])
    assert last[tab.session].indexed is not None and "Done" in said
    assert "Not in Milvus: The Milvus server at" in said and "What was built is loaded" in said
    assert "secret" not in said


def test_without_a_server_there_is_no_choice(shared_samples):
    tab, page = build_tab(lambda session: build_documents_tab(session, shared_samples)[0])
    assert tab.milvus is None
    assert not [one for one in page.blocks.values() if isinstance(one, gr.Checkbox) and "Milvus" in one.label]
