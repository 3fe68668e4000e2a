"""The run record of a walk: what produced its numbers, and the numbers that were shown."""

import json

from tests.support.small import collection_of, sentences
from tests.support.walks import traced
from ui.walk.records import walk_record


def test_a_walk_is_recorded_with_what_it_missed(fake_encoder):
    starved = collection_of(fake_encoder, sentences(400), M=2, ef_construction=5)
    trace = traced(starved, starved.queries[0])
    record = walk_record(trace)
    assert record.observed["distances"] == trace.walk.distances
    assert record.observed["found"] + len(record.observed["missed"]) == record.observed["nearest_passages"] == 10
    assert record.observed["ids"] == [f"d{row}" for row in trace.walk.ids]
    assert record.settings["question"] == starved.queries[0]
    assert (record.settings["k"], record.settings["ef"]) == (10, 10)
    json.loads(record.to_json())
