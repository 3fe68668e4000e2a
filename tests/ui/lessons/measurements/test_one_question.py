"""Tests of the measurements of one question."""

from tests.ui.lessons.conftest import no_progress
from ui.lessons.measurements.one_question import passages_found


def test_what_is_missed_is_counted_and_named_and_more_is_found_with_a_larger_ef(poor):
    few, more = (passages_found(poor, no_progress, sample="python_docs", k=10, ef=ef) for ef in (10, 400))
    assert few.value < more.value <= 10 and few.value == few.record.observed["recall_at_10"] * 10
    assert f"at ef=10 HNSW found {few.value} of them" in few.sentences[0] and "It missed “" in few.sentences[1]
    assert few.place == {"tab": "search", "sample": "python_docs", "q": few.place["q"], "k": 10, "ef": 10}
    assert few.place["q"] in few.sentences[0] and few.unit == "of 10 passages"


def test_where_nothing_is_missed_that_is_said(tiny):
    found = passages_found(tiny, no_progress, sample="documents", k=10, ef=10)
    assert found.value == 10 and "not the usual outcome" in found.sentences[1] and "12 passages" in found.sentences[0]
