"""What the labs share: cancellation, failures, and collections of any size."""

import gradio as gr
import numpy as np
import pytest

from retriever.errors import ParameterError
from retriever.parameters import MEGABYTE
from tests.support.labs import results_of, run
from tests.support.page import words_of
from tests.support.small import collection_of, sentences
from tests.support.work import PATIENCE, Work
from ui.jobs.memory_budget import MEMORY_BUDGET
from ui.recall.labs.build.lab import MS, BuildLab
from ui.recall.labs.lab import CANCELLED, CANCELLING, COPIES, FAILED, NOT_RUNNING
from ui.render.numbers import count_of
from ui.session import Session
from ui.settings import limits


@pytest.fixture(params=[0, 1, 2], ids=["build", "size", "shard"])
def either(request, labs):
    """One lab after the other."""
    return labs[request.param]


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


def test_a_lab_asks_for_memory_before_it_builds(either, starved):
    shown = []
    with MEMORY_BUDGET.lent(limits().memory_megabytes * MEGABYTE - MEMORY_BUDGET.held):
        held = MEMORY_BUDGET.held
        with pytest.raises(gr.Error, match="memory is in use"):
            shown.extend(run(either, 10, 10, Session(starved)))
        assert shown[-1] == {either.hint: FAILED} and MEMORY_BUDGET.held == held


@pytest.mark.parametrize(("number", "times"), [(0, 1), (1, 0.5), (2, 4)])
def test_a_lab_counts_the_graphs_that_it_holds_at_once(labs, starved, monkeypatch, number, times):
    asked = []
    monkeypatch.setattr(MEMORY_BUDGET, "_check_room", asked.append)
    list(run(labs[number], 10, 10, Session(starved), every=True))
    n, dimension = len(starved), starved.retriever.dimension
    one = 4 * dimension + 12 * (max(MS) if number == 0 else starved.settings.M)
    assert asked == [pytest.approx(COPIES * 4 * n * dimension + times * n * one, abs=one)]


@pytest.fixture
def begin(monkeypatch, either, starved):
    """A function that starts a lab whose sweep does some work of the test's own."""

    def start(work, running=None):
        for name in ("build.lab.sweep_graph_settings", "size.lab.sweep_sizes", "shard.lab.sweep_shards"):
            sweep = lambda *_, progress, **__: work(lambda stage, fraction: progress(fraction))  # noqa: E731
            monkeypatch.setattr(f"ui.recall.labs.{name}", sweep)
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
