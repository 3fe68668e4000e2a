"""The labs' handlers: progress and then the result with its record, cancellation, and collections of any size."""

import itertools
import json

import gradio as gr
import numpy as np
import pytest

from retriever.errors import ParameterError
from retriever.indexes.exact import ExactIndex
from retriever.indexes.hnsw import HNSWIndex
from retriever.indexes.recall import knn_recall
from retriever.measurement.sweeps import sample_vectors
from tests.support.handlers import Steps
from tests.support.page import files_of, words_of
from tests.support.small import collection_of, sentences
from tests.support.work import PATIENCE, Work
from tests.ui.recall.labs.test_text import cells
from ui.jobs.job import Job
from ui.recall.labs.panel import CANCELLED, CANCELLING, DONE, EF_CONSTRUCTIONS, MS, NOT_RUNNING, BuildLab
from ui.render.errors import report_stream_errors
from ui.render.numbers import count_of, format_megabytes
from ui.session import Session


@pytest.fixture(autouse=True)
def quick(monkeypatch):
    monkeypatch.setattr("ui.jobs.watching.POLL_SECONDS", 0.005)


@pytest.fixture(params=[0, 1], ids=["build", "size"])
def either(request, labs):
    """One lab after the other."""
    return labs[request.param]


def run(lab, k, ef, session, running=None, *, every=False):
    options = [every] if isinstance(lab, BuildLab) else []
    return Steps(report_stream_errors(lab.stream)(k, ef, *options, session, running))


def results_of(lab, last):
    """Return the table's rows, recall by row, and the run record of the last step."""
    assert last[lab.hint] == DONE and last[lab.figure]["visible"] is True and lab.running not in last
    rows = cells(last[lab.result])
    recalls = [float(row[2 if isinstance(lab, BuildLab) else 1]) for row in rows]
    return rows, recalls, json.loads(files_of(last[lab.result])["run-record.json"])


def recall_at(vectors, indexed, k, ef, **settings):
    found = HNSWIndex(vectors, **settings).search(indexed.query_vectors, k, ef=ef)
    return pytest.approx(knn_recall(ExactIndex(vectors).search(indexed.query_vectors, k), found).mean(), abs=0.00051)


@pytest.mark.parametrize(("every", "n", "ef", "measured_at"), [(False, 40, 1.0, 10), (True, 500, 15.0, 15)])
def test_the_build_lab_measures_twelve_graphs_over_a_fixed_sample_or_over_all(
    labs, starved, monkeypatch, every, n, ef, measured_at
):
    monkeypatch.setattr("ui.recall.labs.panel.SAMPLED_VECTORS", 40)
    build = labs[0]
    first, *running, last = run(build, 10.0, ef, Session(starved), every=every)
    assert isinstance(first[build.running], Job) and "progressbar" in first[build.hint]
    assert all(list(step) == [build.hint] and "progressbar" in step[build.hint] for step in running)
    rows, recalls, record = results_of(build, last)
    assert f"Over {n} vectors, recall@10 against exact search at ef={measured_at}." in words_of(last[build.result])
    vectors, pairs = sample_vectors(starved.retriever.vectors, n), list(itertools.product(MS, EF_CONSTRUCTIONS))
    assert [(int(row[0]), int(row[1])) for row in rows] == pairs and len(rows) == 12
    for (M, width), recall, row in zip(pairs, recalls, rows, strict=True):
        assert recall == recall_at(vectors, starved, 10, measured_at, M=M, ef_construction=width)
        observed = record["observed"][f"M={M} ef_construction={width}"]
        assert (f"{observed['mean_recall']:.3f}", format_megabytes(observed["link_bytes"])) == (row[2], row[4])
        assert observed["mean_distances"] == pytest.approx(float(row[5].replace(",", "")), abs=0.51)
        assert "build_seconds" in observed
    assert np.transpose(last[build.figure]["value"].data[0].z).ravel() == pytest.approx(recalls, abs=0.00051)
    assert "M" not in record["settings"] and record["settings"]["k"] == 10, "M is varied"
    assert record["data"]["vectors_used"] == n


def test_the_size_lab_uses_the_settings_of_what_is_loaded(labs, starved):
    size = labs[1]
    *running, last = run(size, 5.0, 8.0, Session(starved))
    assert all("progressbar" in step[size.hint] for step in running)
    rows, recalls, record = results_of(size, last)
    assert list(last[size.figure]["value"].data[0].x) == [int(row[0]) for row in rows] == [62, 125, 250, 500]
    for n, recall in zip((62, 125, 250, 500), recalls, strict=True):
        vectors, observed = sample_vectors(starved.retriever.vectors, n), record["observed"][f"n={n}"]
        assert recall == recall_at(vectors, starved, 5, 8, M=2, ef_construction=5)
        assert observed["hnsw"]["mean_recall"] == pytest.approx(recall, abs=0.00051)
        assert observed["exact"]["mean_distances"] == n
    loaded = starved.measurements.measure(5, 8).hnsw
    assert recalls[-1] == pytest.approx(loaded.mean_recall, abs=0.00051), "as in the cards of the tab"
    assert "HNSW at ef=8 " in last[size.result] and record["settings"]["M"] == 2


@pytest.mark.parametrize(("n", "ef"), [(1, 400), (2, 10), (30, 10), (30, 400)])
def test_k_above_a_tiny_collection_is_no_crash_and_leaves_it_alone(either, fake_encoder, n, ef):
    tiny = collection_of(fake_encoder, sentences(n), M=6, ef_construction=60)
    vectors, graph = tiny.retriever.vectors.copy(), tiny.retriever.hnsw
    *_, last = run(either, 50, ef, Session(tiny))
    assert min(results_of(either, last)[1]) > 0.5
    assert np.array_equal(tiny.retriever.vectors, vectors) and tiny.retriever.hnsw is graph
    at = count_of(n, "vector")
    if isinstance(either, BuildLab):
        at = f"Over {at}, recall@{n} against exact search at ef={max(ef, n)}."
    assert at in words_of(last[either.result])


@pytest.fixture
def begin(monkeypatch, either, starved):
    """A function that starts a lab whose sweep does some work of the test's own."""

    def start(work, running=None):
        for name in ("sweep_graph_settings", "sweep_sizes"):
            sweep = lambda *_, progress, **__: work(lambda stage, fraction: progress(fraction))  # noqa: E731
            monkeypatch.setattr(f"ui.recall.labs.panel.{name}", sweep)
        return run(either, 10, 10, Session(starved), running)

    return start


def test_cancel_keeps_what_was_shown(either, begin):
    work = Work([])
    steps = begin(work)
    job = next(steps)[either.running]
    assert work.begun.wait(PATIENCE)
    step = next(steps)
    assert list(step) == [either.hint] and "25%" in step[either.hint] and "graphs" in step[either.hint]
    assert not job.wait(0) and either.stop(job) == CANCELLING
    assert list(steps)[-1] == {either.hint: CANCELLED}
    assert job.wait(PATIENCE) and either.stop(job) == either.stop(None) == NOT_RUNNING


def test_a_second_click_cancels_the_first_and_a_visitor_who_leaves_the_second(either, begin):
    steps = begin(Work([]))
    first = next(steps)[either.running]
    again = begin(Work([]), first)
    second = next(again)[either.running]
    assert first.wait(PATIENCE) and list(steps)[-1] == {either.hint: CANCELLED}
    assert second is not first and not second.wait(0.05)
    again.close()
    assert second.wait(PATIENCE)


def test_a_lab_that_fails_or_has_nothing_to_measure_is_told(either, begin):
    work = Work(ParameterError("M is 1."))
    work.go_on.set()
    with pytest.raises(gr.Error, match="M is 1"):
        list(begin(work))
    with pytest.raises(gr.Error, match="Nothing is loaded"):
        list(run(either, 10, 10, Session()))
