"""Progress bars: shown where somebody looks and nothing else reports, and everywhere that takes show_progress_bar."""

import logging
import sys
from functools import partial

import numpy as np
import pytest

from retriever.errors import Cancelled
from retriever.indexes.exact import ExactIndex
from retriever.indexes.hnsw import HNSWIndex
from retriever.measurement.curve import ef_curve
from retriever.measurement.sweeps import sweep_graph_settings, sweep_sizes
from retriever.progress import counter, progress_bar
from retriever.retrievers.bm25 import BM25Retriever
from retriever.retrievers.dense import DenseRetriever
from retriever.retrievers.document_runs import run_queries
from retriever.retrievers.late_interaction import LateInteractionRetriever
from tests.support.encoders import FakeEncoder, FakeMultiVectorEncoder


@pytest.fixture(autouse=True)
def printed(monkeypatch, capsys):
    """Return what was written to standard error, where bars are drawn; nobody looks unless the test says so."""
    monkeypatch.delattr(sys, "ps1", raising=False)
    return lambda: capsys.readouterr().err


@pytest.fixture
def at_a_prompt(monkeypatch):
    """Let Python seem to be asked at a prompt, as IPython and Jupyter do."""
    monkeypatch.setattr(sys, "ps1", ">>> ", raising=False)


def show(show_progress_bar=None, progress=None):
    with progress_bar("Counting sheep", show_progress_bar, progress) as report:
        for fraction in (0.25, 0.5):
            if report:
                report(fraction)


def test_a_bar_is_shown_where_it_is_wanted(printed):
    show(True)
    assert "Counting sheep: 100%" in printed()


def test_nothing_is_shown_where_nobody_looks(printed):
    show()
    with progress_bar("Counting sheep", None) as report:
        assert report is None, "so that nothing is computed for it either"
    assert printed() == ""


@pytest.mark.parametrize(("level", "shown"), [("DEBUG", True), ("INFO", True), ("WARNING", False), ("ERROR", False)])
def test_the_level_of_logging_decides_as_for_sentence_transformers(printed, level, shown):
    logger = logging.getLogger("retriever")
    before = logger.level
    logger.setLevel(level)
    try:
        show()
    finally:
        logger.setLevel(before)
    assert bool(printed()) is shown


def test_at_a_prompt_a_bar_is_shown_unless_it_is_unwanted_or_something_else_reports(printed, at_a_prompt):
    seen = []
    show(False)
    show(None, seen.append)
    assert (printed(), seen) == ("", [0.25, 0.5])
    show()
    assert "Counting sheep" in printed()


def test_a_bar_reports_beside_a_callback_whose_error_ends_the_work(printed):
    seen = []
    show(True, seen.append)
    assert seen == [0.25, 0.5]

    def cancel(fraction):
        raise Cancelled("stop")

    with pytest.raises(Cancelled):
        show(True, cancel)
    last = printed().rpartition("sheep")[2]
    assert "25%" in last and "100%" not in last, "what was not done is not shown as done"


def test_what_has_no_length_is_counted_where_a_bar_would_be_shown(printed, at_a_prompt):
    for show_progress_bar, progress in ((True, None), (True, print), (None, None), (False, None), (None, print)):
        with counter("Counting sheep", "sheep", show_progress_bar, progress) as count:
            for done in (1_000, 12_000):
                if count:
                    count(done)
        wanted = show_progress_bar or (show_progress_bar is None and progress is None)
        assert ("Counting sheep: 12,000 sheep | " in printed()) is wanted


def test_all_that_takes_long_shows_one_on_request_and_none_by_default(printed):
    vectors = np.random.default_rng(0).normal(size=(120, 8)).astype(np.float32)
    queries, texts = vectors[:3], ["a lamp far out at sea", "bread of wild yeast"]
    truth, index = ExactIndex(vectors).search(queries, 2), HNSWIndex(vectors)
    dense, at, graph = DenseRetriever("fake", encoder=FakeEncoder()), {"k": 2, "ef": 4}, {"M": 4, "ef_construction": 9}
    for long_work, name in {
        partial(dense.index, texts): "Embedding",
        partial(LateInteractionRetriever("fake", encoder=FakeMultiVectorEncoder()).index, texts): "Embedding",
        partial(BM25Retriever().index, texts): "Indexing",
        partial(run_queries, dense, {"q": "lamp"}, 1): "Searching",
        partial(ef_curve, index, queries, truth, k=2, efs=[2, 4]): "Measuring",
        partial(sweep_graph_settings, vectors, queries, [4], [9], **at): "Building and measuring",
        partial(sweep_sizes, vectors, queries, **at, **graph): "Building and measuring",
    }.items():
        long_work()
        assert printed() == ""
        long_work(show_progress_bar=True)
        assert f"{name}: 100%" in printed()
