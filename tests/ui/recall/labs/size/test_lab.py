"""The size lab's handlers: both searches over parts of what is loaded, with their record."""

import pytest

from retriever.measurement.sweeps import sample_vectors
from tests.support.labs import recall_at, results_of, run
from ui.session import Session


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
