"""Tests of the run records of the labs and of a walk: what produced each number, and the numbers that were shown."""

import json

import pytest

from retriever.measurement.sweeps import sweep_graph_settings, sweep_sizes
from tests.support.small import collection_of, sentences
from ui.recall.labs.records import build_lab_record, size_lab_record
from ui.walk.records import walk_record
from ui.walk.trace import trace_question


@pytest.fixture(scope="module")
def starved(fake_encoder):
    return collection_of(fake_encoder, sentences(400), M=2, ef_construction=5)


def test_a_build_lab_is_recorded_with_every_graph(starved):
    results = sweep_graph_settings(starved.retriever.vectors, starved.query_vectors, (4, 8), (20, 40), k=5, ef=20)
    record = build_lab_record(starved, results, 400)
    assert len(record.observed) == 4
    first = record.observed["M=4 ef_construction=20"]
    assert first["link_bytes"] == results[0].link_bytes
    assert first["mean_recall"] == pytest.approx(results[0].measurement.mean_recall, abs=1e-6)
    assert first["mean_distances"] == pytest.approx(results[0].measurement.mean_distances, abs=0.01)
    assert "M" not in record.settings, "it is varied"
    assert record.settings["k"] == 5
    assert record.data["vectors_used"] == 400
    assert json.loads(record.to_json())["versions"]["hnswlib"]


def test_a_size_lab_is_recorded_with_every_size(starved):
    results = sweep_sizes(starved.retriever.vectors, starved.query_vectors, k=5, ef=20, M=2, ef_construction=5)
    record = size_lab_record(starved, results)
    assert list(record.observed) == [f"n={r.n}" for r in results]
    assert record.observed["n=400"]["exact"]["mean_distances"] == 400
    assert record.settings["M"] == 2
    assert "n=400" in record.to_markdown()


def test_a_walk_is_recorded_with_what_it_missed(starved):
    trace = trace_question(starved.queries[0], 10, 10, starved)
    record = walk_record(trace)
    assert record.observed["distances"] == trace.walk.distances
    assert record.observed["found"] + len(record.observed["missed"]) == record.observed["true_neighbours"] == 10
    assert record.observed["ids"] == [f"d{row}" for row in trace.walk.ids]
    assert record.settings["question"] == starved.queries[0]
    assert (record.settings["k"], record.settings["ef"]) == (10, 10)
    json.loads(record.to_json())
