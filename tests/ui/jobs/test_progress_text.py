"""Tests of progress in words and bars."""

import pytest

from tests.support.hostile_text import assert_shown_as_text
from tests.support.page import words_of
from tests.support.small import HOSTILE, collection_of, sentences
from ui.jobs.job import Status
from ui.jobs.progress_text import progress_bar, progress_words, samples_progress
from ui.jobs.shared_samples import PREPARED_MODEL, SAMPLE_TITLES, SharedSamples


@pytest.mark.parametrize(
    ("status", "words"),
    [
        (Status(), "waiting for its turn"),
        (Status("embedding", 0.0, 5.0), "embedding"),
        (Status("embedding", 0.01, 10.0), "embedding 1%"),  # too little is done to estimate
        (Status("embedding", 0.25, 10.0), "embedding 25%, about 30.0 s left"),
        (Status("embedding", 0.99, 10.0), "embedding 99%, about 1.0 s left"),
        (Status("graph", 1.0, 10.0), "graph 100%"),
        (
            Status("fetching the model (a/b): 45 of 90 MB", 0.5, 12.0),
            "fetching the model (a/b): 45 of 90 MB, about 12.0 s left",
        ),
    ],
)
def test_progress_says_stage_share_and_time_left(status, words):
    assert progress_words(status) == words


def test_the_bar_is_as_long_as_what_is_done():
    bar = progress_bar(Status("embedding", 0.375, 0.5))
    assert 'aria-valuenow="38"' in bar and "width:37.5%" in bar
    assert words_of(bar) == "Embedding 38%"


def test_samples_are_shown_as_being_prepared_until_all_are_ready(fake_encoder):
    state, indexed = SharedSamples(), collection_of(fake_encoder, sentences(5))
    missing = [SAMPLE_TITLES[name] for name in state.names]
    for name in state.names:
        said = [f"Preparing {title}: waiting for its turn" for title in missing]
        assert words_of(samples_progress(state)) == " · ".join(said)
        state._ready[name, PREPARED_MODEL] = indexed
        missing.pop(0)
    assert samples_progress(state) == ""


def test_hostile_stages_and_failures_stay_text(monkeypatch):
    def failed(given):
        state = SharedSamples(("documents",))
        monkeypatch.setattr(state, "failure", lambda name: given)
        return samples_progress(state)

    assert_shown_as_text(failed, HOSTILE)
    assert "could not be prepared" in failed("word")
    assert_shown_as_text(lambda given: progress_bar(Status(f"Stage {given}", 0.5, 3)), HOSTILE)
