"""Tests of recorded numbers beside new ones: what must be equal, what may differ, and what the table says of both."""

import pytest

from retriever.reproduction import DIFFERS, EQUAL, GRAPH, TIME, compare_with_record
from retriever.run_record import machine, versions

RECORD = {
    "numbers": {"recall": 0.95, "HNSW: passages": ["a", "b"], "scores": [0.5, 0.25], "none": None},
    "seconds": {"exact": 0.000123, "HNSW": 0.04},
    "versions": dict(versions()),
    "machine": dict(machine()),
}
SAME = {"recall": 0.95, "HNSW: passages": ["a", "b"], "scores": (0.500001, 0.25), "none": None, "more": 1}


def verdicts(numbers, **changed):
    outcome = compare_with_record({**RECORD, **changed}, {**SAME, **numbers}, {"exact": 2.0})
    return {number.name: number.verdict for number in outcome.numbers}


def test_numbers_within_the_tolerance_are_equal_and_times_may_differ():
    outcome = compare_with_record(RECORD, SAME, {"exact": 2.0})
    assert [number.verdict for number in outcome.numbers] == [EQUAL] * 4 + [TIME] * 2
    assert outcome.different == []
    lines = str(outcome).splitlines()
    assert lines[0] == "Versions and machine are the recorded ones."
    assert [line.split() for line in lines if line.startswith("time, ")] == [
        "time, exact 123 µs 2 s time, may differ".split(),
        "time, HNSW 40 ms not measured time, may differ".split(),
    ]
    assert lines[-1] == "All 4 numbers that must be equal are equal."


@pytest.mark.parametrize(
    "changed",
    [
        {"recall": 0.9501},
        {"recall": "0.95"},
        {"recall": True},
        {"recall": None},
        {"HNSW: passages": ["b", "a"]},
        {"HNSW: passages": ["a"]},
        {"HNSW: passages": "ab"},
        {"scores": [0.5, 0.2501]},
        {"scores": [0.5, float("nan")]},
        {"none": 0},
    ],
)
def test_any_other_value_differs_and_is_named(changed):
    outcome = compare_with_record(RECORD, {**SAME, **changed})
    assert outcome.different == list(changed)
    assert str(outcome).splitlines()[-1].startswith("1 of 4 numbers that must be equal differ: ")


def test_what_was_not_measured_again_differs():
    outcome = compare_with_record(RECORD, {"recall": 0.95})
    assert outcome.different == ["HNSW: passages", "scores", "none"]


def test_a_graph_of_several_threads_may_differ_and_exact_search_may_not():
    changed = {"HNSW: passages": ["a", "c"], "scores": [0, 0]}
    assert verdicts(changed)["HNSW: passages"] == DIFFERS
    found = verdicts(changed, graph_reproducible=False)
    assert (found["HNSW: passages"], found["scores"], found["recall"]) == (GRAPH, DIFFERS, EQUAL)


def test_other_versions_and_machines_are_said_first():
    others = {"versions": {**versions(), "numpy": "1.0", "gone": "2"}, "machine": {**machine(), "cpu": "Abacus"}}
    said = str(compare_with_record({**RECORD, **others}, SAME)).splitlines()[:3]
    assert said[0].startswith("numpy: recorded with 1.0, now ")
    assert said[1] == "gone: recorded with 2, now not installed."
    assert said[2].startswith("cpu: recorded with Abacus, now ")


def test_a_cell_is_one_short_line():
    outcome = compare_with_record({"numbers": {"q": "two\nlines \u202e" * 20}}, {"q": "x"})
    [line] = [line for line in str(outcome).splitlines() if line.endswith(DIFFERS)]
    assert len(line) < 90 and line.isprintable()
