"""Tests of the labs' handlers: progress and then the result, cancellation, and collections of any size."""

import re
import threading

import gradio as gr
import numpy as np
import pytest

from retriever.errors import CollectionError, ParameterError
from retriever.indexes.exact import ExactIndex
from retriever.indexes.hnsw import HNSWIndex
from retriever.indexes.recall import knn_recall
from retriever.measurement.sweeps import sample_vectors
from tests.support.page import skipped, words_of
from tests.support.small import sentences
from tests.support.walks import STARVED, lab
from ui.jobs.job import Job
from ui.recall.labs.panel import stop_lab, stream_build_lab, stream_size_lab
from ui.render.errors import report_stream_errors
from ui.session import Session

PATIENCE = 10  # seconds until a test gives up on a thread
SWEEPS = {"build": "sweep_graph_settings", "size": "sweep_sizes"}


@pytest.fixture(autouse=True)
def quick(monkeypatch):
    monkeypatch.setattr("ui.jobs.job.POLL_SECONDS", 0.005)


@pytest.fixture(scope="module")
def starved(fake_encoder):
    return lab(fake_encoder, sentences(230), **STARVED)


@pytest.fixture
def few_graphs(monkeypatch):
    monkeypatch.setattr("ui.recall.labs.panel.MS", (2, 6))
    monkeypatch.setattr("ui.recall.labs.panel.EF_CONSTRUCTIONS", (5, 60))


def started(which, k, ef, session, running=None, *, every=False):
    return (
        stream_build_lab(k, ef, every, session, running)
        if which == "build"
        else stream_size_lab(k, ef, session, running)
    )


def cells(source):
    rows = re.findall(r"<tr><td>(.*?)</td></tr>", source)
    return [row.split("</td><td>") for row in rows]


def recall_at(vectors, indexed, k, ef, **settings):
    found = HNSWIndex(vectors, **settings).search(indexed.query_vectors, k, ef=ef)
    return knn_recall(ExactIndex(vectors).search(indexed.query_vectors, k), found).mean()


# --- from progress to the result


def test_the_build_lab_ends_with_its_graphs_measured_at_the_sliders(starved, few_graphs):
    *running, (job, words, figure, told) = stream_build_lab(10.0, 15.0, False, Session(starved), None)
    assert isinstance(running[0][0], Job)
    assert all("progressbar" in step[1] for step in running)
    assert all(skipped(value) for step in running for value in step[2:])
    assert all(skipped(step[0]) for step in running[1:])
    assert skipped(job)
    assert words_of(words) == "Done."
    assert figure["visible"] is True
    assert "Over 230 vectors, recall@10 at ef=15" in words_of(told)
    vectors = sample_vectors(starved.retriever.vectors, 230)
    rows = cells(told)
    assert [(int(row[0]), int(row[1])) for row in rows] == [(2, 5), (2, 60), (6, 5), (6, 60)]
    for M, width, recall, *_ in rows:
        expected = recall_at(vectors, starved, 10, 15, M=int(M), ef_construction=int(width))
        assert float(recall) == pytest.approx(expected, abs=0.00051)
    assert [f"{value:.3f}" for row in zip(*figure["value"].data[0].z, strict=True) for value in row] == [
        row[2] for row in rows
    ]


def test_all_twelve_graphs_are_built(starved):
    *_, (_, _, figure, told) = stream_build_lab(3, 5, True, Session(starved), None)
    assert len(cells(told)) == 12
    assert len(figure["value"].data[0].x) * len(figure["value"].data[0].y) == 12


@pytest.mark.parametrize(("every", "n"), [(False, 40), (True, 230)])
def test_the_build_lab_takes_a_fixed_sample_unless_all_are_asked_for(starved, few_graphs, monkeypatch, every, n):
    monkeypatch.setattr("ui.recall.labs.panel.SAMPLED_VECTORS", 40)
    *_, (_, _, _, told) = stream_build_lab(5, 5, every, Session(starved), None)
    assert f"Over {n} vectors" in words_of(told)
    vectors = sample_vectors(starved.retriever.vectors, n)
    assert float(cells(told)[0][2]) == pytest.approx(
        recall_at(vectors, starved, 5, 5, M=2, ef_construction=5), abs=0.00051
    )


def test_the_size_lab_uses_the_settings_of_what_is_loaded(starved):
    *running, (_, words, figure, told) = stream_size_lab(5.0, 8.0, Session(starved), None)
    assert all("progressbar" in step[1] for step in running)
    assert words_of(words) == "Done."
    rows = cells(told)
    assert [row[0] for row in rows] == ["57", "115", "230"]
    for n, recall, *_ in rows:
        vectors = sample_vectors(starved.retriever.vectors, int(n))
        assert float(recall) == pytest.approx(recall_at(vectors, starved, 5, 8, **STARVED), abs=0.00051)
    assert list(figure["value"].data[0].x) == [57, 115, 230]
    assert "HNSW at ef=8 " in told


@pytest.mark.parametrize("which", ["build", "size"])
@pytest.mark.parametrize("n", [1, 2, 30])
@pytest.mark.parametrize("ef", [10, 400])
def test_k_above_a_tiny_collection_is_no_crash(fake_encoder, few_graphs, which, n, ef):
    session = Session(lab(fake_encoder, sentences(n), M=6, ef_construction=60))
    *_, (_, words, figure, told) = started(which, 50, ef, session)
    assert "Done" in words
    assert all(float(row[2 if which == "build" else 1]) > 0.5 for row in cells(told))
    assert figure["visible"]
    assert f"{n} vector" in words_of(told)
    if which == "build":
        assert f"recall@{min(50, n)} at ef={max(ef, min(50, n))}." in words_of(told)


def test_equal_texts_are_all_found(fake_encoder, few_graphs):
    session = Session(lab(fake_encoder, ["amber river"] * 120))
    for which in ("build", "size"):
        *_, (_, _, _, told) = started(which, 10, 10, session)
        assert {row[2 if which == "build" else 1] for row in cells(told)} == {"1.000"}


def test_an_ef_below_k_measures_at_k(starved, few_graphs):
    *_, (_, _, _, told) = stream_build_lab(10, 1, False, Session(starved), None)
    assert "recall@10 at ef=10." in words_of(told)


@pytest.mark.parametrize("which", ["build", "size"])
def test_a_lab_before_anything_is_loaded_is_told(which):
    with pytest.raises(CollectionError, match="Nothing is loaded"):
        list(started(which, 10, 10, Session()))
    wrapped = report_stream_errors(stream_build_lab if which == "build" else stream_size_lab)
    arguments = (10, 10, False, Session(), None) if which == "build" else (10, 10, Session(), None)
    with pytest.raises(gr.Error, match="Nothing is loaded"):
        list(wrapped(*arguments))


# --- cancelling


class Slow:
    """A stand-in for a lab that runs until it is told to end."""

    def __init__(self, error=None):
        self.begun, self.go_on, self.error = threading.Event(), threading.Event(), error

    def __call__(self, *args, progress, **options):
        for _ in range(PATIENCE * 1_000):
            progress(0.25)
            self.begun.set()
            if self.go_on.wait(0.001):
                break
        if self.error:
            raise self.error
        return []


@pytest.fixture(params=["build", "size"])
def slow(request, monkeypatch, starved):
    """A running lab: its name, its work, its steps and its job."""
    work = Slow()
    monkeypatch.setattr(f"ui.recall.labs.panel.{SWEEPS[request.param]}", work)
    steps = started(request.param, 10, 10, Session(starved))
    job = next(steps)[0]
    assert work.begun.wait(PATIENCE)
    yield request.param, work, steps, job
    work.go_on.set()
    job.cancel()


def test_progress_is_told_while_a_lab_runs(slow):
    _, _, steps, job = slow
    _, words, figure, told = next(steps)
    assert "25%" in words
    assert "graphs" in words
    assert skipped(figure)
    assert skipped(told)
    assert not job.wait(0)


def test_cancel_keeps_what_was_shown(slow):
    _, _, steps, job = slow
    assert "Cancelling" in stop_lab(job)
    *_, (running, words, figure, told) = steps
    assert "Cancelled" in words
    assert "unchanged" in words
    assert all(skipped(value) for value in (running, figure, told))
    assert job.wait(PATIENCE)
    assert "Nothing is running" in stop_lab(job)


def test_nothing_running_is_told():
    assert "Nothing is running" in stop_lab(None)


def test_a_second_click_cancels_the_first(slow, starved):
    which, _, steps, job = slow
    again = started(which, 10, 10, Session(starved), job)
    second = next(again)[0]
    assert job.wait(PATIENCE)
    assert second is not job
    assert "Cancelled" in list(steps)[-1][1]
    assert not second.wait(0.05)
    again.close()
    assert second.wait(PATIENCE)


def test_a_visitor_who_leaves_stops_the_lab(slow):
    _, _, steps, job = slow
    steps.close()
    assert job.wait(PATIENCE)


@pytest.mark.parametrize("which", ["build", "size"])
def test_a_lab_that_fails_is_told(monkeypatch, starved, which):
    work = Slow(ParameterError("M is 1."))
    work.go_on.set()
    monkeypatch.setattr(f"ui.recall.labs.panel.{SWEEPS[which]}", work)
    with pytest.raises(ParameterError, match="M is 1"):
        list(started(which, 10, 10, Session(starved)))


@pytest.mark.parametrize("which", ["build", "size"])
def test_a_real_lab_can_be_cancelled(starved, few_graphs, which):
    steps = started(which, 10, 10, Session(starved))
    job = next(steps)[0]
    job.cancel()
    last = list(steps)[-1]
    assert job.wait(PATIENCE)
    assert "Cancelled" in last[1] or "Done" in last[1]


def test_the_lab_leaves_the_collection_alone(starved, few_graphs):
    vectors, graph = starved.retriever.vectors.copy(), starved.retriever.hnsw
    list(stream_build_lab(5, 5, False, Session(starved), None))
    list(stream_size_lab(5, 5, Session(starved), None))
    np.testing.assert_array_equal(starved.retriever.vectors, vectors)
    assert starved.retriever.hnsw is graph
