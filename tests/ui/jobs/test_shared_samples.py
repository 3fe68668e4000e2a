"""Tests of the shared samples: prepared once, in order, in the background; a failure is reported, others go on."""

import threading
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from retriever.errors import Cancelled, CollectionError, ModelError
from retriever.evaluation.judged_queries import JudgedQueries
from retriever.indexing.collection import IndexSettings
from retriever.turns import LAB, OWNER, Owner
from tests.support.serving import until
from tests.support.small import collection_of, sentences
from ui.jobs.job import cancel_jobs_of
from ui.jobs.shared_samples import PREPARED_K, PREPARED_MODEL, PREPARED_SAMPLES, SAMPLE_TITLES, SharedSamples

JUDGED = JudgedQueries({"q1": "Where is the amber lantern?"}, {"q1": {"d1": 1}})
PATIENCE = 10  # seconds until a test gives up on a thread


class Samples:
    """A stand-in for cached_sample that gives small collections, one at a time, when it is allowed to."""

    def __init__(self, encoder):
        self.made = {
            name: collection_of(encoder, sentences(60, seed), judged=JUDGED)
            for seed, name in enumerate(("documents", "python_docs", "everyday_science", "python_docs_large"))
        }
        self.allowed = {name: threading.Event() for name in self.made}
        self.asked, self.settings, self.errors, self.begun = [], [], {}, threading.Event()

    def allow_all(self):
        for allowed in self.allowed.values():
            allowed.set()

    def __call__(self, name, settings, *, progress):
        self.asked.append(name if settings.model_name == PREPARED_MODEL else (name, settings.model_name))
        self.settings.append(settings)
        progress("embedding", 0.5)
        self.begun.set()
        assert self.allowed[name].wait(PATIENCE)
        if name in self.errors:
            raise self.errors[name]
        return self.made[name]


class Warm:
    def encode_query(self, texts):
        return None


@pytest.fixture
def samples(monkeypatch, fake_encoder):
    samples = Samples(fake_encoder)
    monkeypatch.setattr("ui.jobs.shared_samples.cached_sample", samples)
    monkeypatch.setattr("ui.jobs.shared_samples.load_encoder", lambda name: Warm())
    monkeypatch.setattr("ui.jobs.model_loads.load_encoder", lambda name, progress: Warm())
    yield samples
    samples.allow_all()
    for thread in threading.enumerate():  # else the remaining samples would really be prepared, beside other tests
        if thread.name == "preparation":
            thread.join(PATIENCE)


def wait(state, name, **model):
    return state.prepare(name, **model).result()


def test_nothing_starts_by_itself_and_no_failure_is_told_before_the_end(samples):
    state = SharedSamples()
    assert (samples.asked, state.best(), state.ended, state.failure("documents")) == ([], None, False, "")
    state.start()
    assert state.failure("documents") == ""


def test_samples_come_one_after_the_other_and_the_first_is_the_best(samples):
    state = SharedSamples()
    state.start()
    assert samples.asked in ([], ["python_docs"])
    samples.allowed["python_docs"].set()
    assert wait(state, "python_docs") is state.best() is samples.made["python_docs"]
    assert state.ready("documents") is None
    assert not state.ended
    for name in ("documents", "everyday_science"):
        samples.allowed[name].set()
        assert wait(state, name) is samples.made[name]
        assert state.best() is samples.made["python_docs"], "nobody is moved on from what shows misses"
    assert state.ended
    assert samples.asked == ["python_docs", "documents", "everyday_science"]


def test_without_the_best_sample_the_next_one_is_given(samples):
    samples.errors["python_docs"] = CollectionError("SciPy is missing.")
    samples.allow_all()
    state = SharedSamples()
    state.start()
    assert wait(state, "documents") is state.best() is samples.made["documents"]


def test_a_sample_is_ready_before_its_distances_are_counted(samples, monkeypatch):
    counting, count = threading.Event(), threading.Event()

    def wait_to_count(measurements, k, *, progress=None):
        counting.set()
        assert count.wait(PATIENCE)

    monkeypatch.setattr("retriever.indexing.measurements.Measurements.counted_curve", wait_to_count)
    samples.allow_all()
    state = SharedSamples(("documents",))
    state.start()
    assert counting.wait(PATIENCE)
    assert state.ready("documents").measurements.known_curve(PREPARED_K) and not state.ended
    count.set()
    assert wait(state, "documents") is state.ready("documents")


def test_a_ready_sample_has_been_measured_and_is_prepared_once_however_often_it_is_started(samples):
    state = SharedSamples(("documents",))
    samples.allowed["documents"].set()
    for _ in range(3):
        state.start()
        assert wait(state, "documents").measurements.known_curve(PREPARED_K)
    assert samples.asked == ["documents"]


def test_who_waits_sees_the_progress_and_who_leaves_cancels_only_the_wait(samples):
    state, visitor = SharedSamples(("documents",)), Owner("10.0.0.1", "somebody")
    token = OWNER.set(visitor)
    taken = state.take("documents")
    OWNER.reset(token)
    sample = state.prepare("documents")
    assert (taken.owner, sample.owner) == (visitor, LAB)
    assert samples.begun.wait(PATIENCE)
    until(lambda: taken.status.stage == "embedding")
    cancel_jobs_of("somebody")
    with pytest.raises(Cancelled):
        taken.result()
    assert not sample.ended
    samples.allowed["documents"].set()
    assert sample.result() is samples.made["documents"]
    assert state.take("documents").result() is samples.made["documents"]


def test_a_failure_is_told_and_the_next_sample_still_comes(samples):
    samples.errors["documents"] = CollectionError("The folder <samples> is missing.")
    samples.allow_all()
    state = SharedSamples()
    state.start()
    wait(state, "python_docs")
    until(lambda: state.failure("documents"))
    assert state.failure("documents") == "The folder <samples> is missing."
    assert state.failure("python_docs") == ""
    assert state.best() is samples.made["python_docs"]
    wait(state, "everyday_science")
    assert state.ended
    with pytest.raises(CollectionError):
        wait(state, "documents")


@pytest.mark.parametrize("error", [ModelError("The weights are damaged."), ImportError("torch is broken")])
def test_a_model_that_cannot_be_loaded_does_not_keep_anybody_waiting(samples, monkeypatch, error):
    def refuse(name):
        raise error

    monkeypatch.setattr("ui.jobs.shared_samples.load_encoder", refuse)
    samples.allow_all()
    state = SharedSamples()
    assert wait(state, "python_docs") is samples.made["python_docs"]
    job = state._jobs["documents", PREPARED_MODEL]
    assert job.wait(PATIENCE), "the second sample was never begun"


def test_an_unknown_sample_is_refused(samples):
    with pytest.raises(CollectionError, match="nonsense.*documents"):
        wait(SharedSamples(), "nonsense")


def test_who_asks_for_a_sample_that_is_still_to_come_need_not_wait_for_those_before_it(samples):
    state = SharedSamples()
    state.start()
    samples.allowed["everyday_science"].set()
    assert wait(state, "everyday_science") is samples.made["everyday_science"]
    assert state.ready("documents") is None


def test_another_model_is_prepared_once_for_all_who_ask(samples):
    state = SharedSamples(())
    samples.allow_all()
    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(lambda _: wait(state, "documents", model_name="other"), range(8)))
    assert all(one is samples.made["documents"] for one in found)
    assert samples.asked == [("documents", "other")]
    assert state.best() is None


def test_the_large_sample_is_prepared_only_when_somebody_asks_for_it(samples):
    assert set(SAMPLE_TITLES) - set(PREPARED_SAMPLES) == {"python_docs_large"}
    samples.allow_all()
    state = SharedSamples()
    state.start()
    for name in PREPARED_SAMPLES:
        wait(state, name)
    assert state.ended
    assert "python_docs_large" not in samples.asked
    best = state.best()
    asked = wait(state, "python_docs_large", model_name="wordllama-256")
    assert asked is samples.made["python_docs_large"]
    assert samples.settings[-1] == IndexSettings("wordllama-256")  # its own chunk size, whatever the controls say
    assert state.best() is best, "nobody is moved on to the large collection"


def test_what_failed_is_tried_again_when_somebody_asks(samples):
    state = SharedSamples(())
    samples.allowed["documents"].set()
    samples.errors["documents"] = ModelError("There is no network.")
    for _ in range(2):
        with pytest.raises(ModelError):
            wait(state, "documents", model_name="other")
    samples.errors.clear()
    assert wait(state, "documents", model_name="other") is samples.made["documents"]
    assert len(samples.asked) == 3


def test_judged_queries_are_embedded_once_per_model(samples, monkeypatch):
    state, asked = SharedSamples(()), []

    class Counting:
        dimension, max_tokens = 32, None

        def encode_query(self, texts):
            asked.append(list(texts))
            return np.ones((len(texts), 32), np.float32)

    monkeypatch.setattr("retriever.experiments.judged_index.load_encoder", lambda name: Counting())
    samples.allowed["documents"].set()
    first = state.judged("documents", model_name="other")
    assert state.judged("documents", model_name="other") is first
    assert asked == [["Where is the amber lantern?"]]
    assert first.indexed is samples.made["documents"]
