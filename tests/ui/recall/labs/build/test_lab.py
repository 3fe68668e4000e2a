"""The build lab's handlers: twelve graphs over the vectors that are loaded, with their record."""

import itertools

import numpy as np
import pytest

from retriever.measurement.sweeps import sample_vectors
from tests.support.labs import recall_at, results_of, run
from tests.support.page import words_of
from ui.jobs.job import Job
from ui.recall.labs.build.lab import EF_CONSTRUCTIONS, MS
from ui.render.numbers import format_megabytes
from ui.session import Session


@pytest.mark.parametrize(("every", "n", "ef", "measured_at"), [(False, 40, 1.0, 10), (True, 500, 15.0, 15)])
def test_the_build_lab_measures_twelve_graphs_over_a_fixed_sample_or_over_all(
    labs, starved, monkeypatch, every, n, ef, measured_at
):
    monkeypatch.setattr("ui.recall.labs.build.lab.SAMPLED_VECTORS", 40)
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
