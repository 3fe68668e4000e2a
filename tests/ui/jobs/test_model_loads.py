"""Models that builds of visitors need, fetched from a small hub: once for all, shown, cancelled, and recorded."""

import threading
from dataclasses import replace

import pytest

from retriever.encoders.catalogue import MODELS, model_card
from retriever.errors import Cancelled, ModelError
from retriever.indexing.collection import IndexSettings
from retriever.shared_results import once_per_process
from tests.support import small_models
from tests.support.handlers import finish
from tests.support.page import words_of
from tests.support.serving import until
from tests.support.small_hub import client_of, small_hub
from ui.documents.job import PASTE, SAVED, BuildRequest, plan_build
from ui.documents.records import build_record
from ui.documents.tab import save_collection
from ui.jobs.progress_text import progress_bar
from ui.jobs.shared_samples import SharedSamples
from ui.session import Session

NAME = "some/model"
WEIGHTS = "model.safetensors"
REQUEST = BuildRequest(PASTE, text="The lamp shines far over the sea. " * 30, settings=IndexSettings(NAME))


@pytest.fixture(scope="module")
def saved(tmp_path_factory):
    """A model with some megabytes of weights."""
    return small_models.static(tmp_path_factory.mktemp("static"))


@pytest.fixture
def hub(monkeypatch, tmp_path):
    """A small hub that this process takes for the Hub, an empty cache, and no model in memory."""
    monkeypatch.setenv("LAB_ALLOW_ANY_MODEL", "1")
    monkeypatch.setattr("retriever.encoders.loading._LOADED", once_per_process())
    with small_hub() as hub, client_of(hub, tmp_path / "cache", monkeypatch):
        yield hub


@pytest.fixture
def submit(hub):
    """Return a function that submits a visitor's build; all of them share the lab's samples and model loads."""
    shared_samples = SharedSamples()
    return lambda: plan_build(REQUEST, Session(), shared_samples).submit()


def nobody_fetches():
    return not any(thread.name == "fetch" for thread in threading.enumerate())


def test_two_visitors_see_one_fetch_with_its_megabytes_and_the_time_left(hub, saved, submit):
    commit = hub.put(NAME, saved)
    hub.fail("/stored/.*safetensors", pause=0.015)
    jobs, seen = [submit(), submit()], set()
    while not all(job.ended for job in jobs):
        seen |= {words_of(progress_bar(job.status)) for job in jobs}
    assert hub.fetched(WEIGHTS) == 1
    fetched = [words for words in seen if "MB" in words]
    assert all(words.startswith(f"Fetching the model ({NAME}): ") and " of 12 MB" in words for words in fetched)
    assert any(words.endswith("s left") for words in fetched)
    assert not any("%" in words for words in fetched)
    for job in jobs:
        settings = build_record(job.result()).settings
        assert (settings["model"], settings["model_revision"]) == (NAME, commit)


def test_a_fetch_ends_with_the_last_visitor_who_needs_it_and_the_next_one_begins_anew(hub, saved, submit):
    hub.put(NAME, saved)
    hub.fail("/stored/.*safetensors", pause=0.015)
    first, second = submit(), submit()
    until(lambda: first.status.fraction > 0.35)
    first.cancel()
    assert first.wait(5) and not second.ended
    fraction = second.status.fraction
    until(lambda: second.status.fraction > fraction)
    second.cancel()
    for job in (first, second):
        with pytest.raises(Cancelled):
            job.result()
    until(nobody_fetches)
    hub.heal()
    assert len(submit().result()) > 0
    assert hub.fetched(WEIGHTS) == 2


def test_all_who_wait_are_told_why_a_model_could_not_be_fetched(hub, saved, submit):
    hub.put(NAME, saved)
    hub.fail("/api/models", 429, headers={"Retry-After": "33"}, pause=0.0)
    for job in [submit(), submit()]:
        with pytest.raises(ModelError, match=r"some/model could not be fetched.*\(429\).*in 33 seconds"):
            job.result()
    hub.heal()
    assert len(submit().result()) > 0, "a failure is not kept"


def test_the_model_of_a_saved_collection_is_fetched_while_it_is_loaded(hub, saved, submit, monkeypatch, tmp_path):
    commit = hub.put(NAME, saved)
    card = replace(model_card(NAME), dimension=64)
    monkeypatch.setattr("retriever.encoders.catalogue.MODELS", {**MODELS, NAME: card})
    built = Session().with_collection(submit().result(), "built")
    path = finish(save_collection(built))["value"]
    monkeypatch.setattr("retriever.encoders.loading._LOADED", once_per_process())
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path / "another machine"))
    hub.fail("/stored/.*safetensors", pause=0.01)
    job = plan_build(BuildRequest(SAVED, saved=path), Session(), SharedSamples()).submit()
    until(lambda: "fetching the model" in job.status.stage and "MB" in job.status.stage)
    assert build_record(job.result()).settings["model_revision"] == commit
