"""Judged queries: which have a text, how many judgments match a collection, and checks of saved ones."""

import json
from dataclasses import asdict

import pytest
from hypothesis import given
from hypothesis import strategies as st

from retriever.datasets.collection import Collection
from retriever.errors import CollectionError
from retriever.evaluation.judged_queries import JudgedQueries, JudgmentCoverage, parse_judged_queries

QUERIES = {"q1": "how hot is tea?", "q2": "why does bread rise?", "q3": "who keeps bees?"}
QRELS = {"q3": {"d1": 2, "d2": 0}, "gone": {"d1": 1}, "q1": {"d2": 1, "d9": 1}}
IDS = st.sampled_from("abcdef")


@pytest.fixture
def judged():
    return JudgedQueries(QUERIES, QRELS, 2, {"q1": "fact"})


def test_asked_are_the_judged_queries_that_have_a_text_in_the_judgments_order(judged):
    assert list(judged.asked.items()) == [("q3", "who keeps bees?"), ("q1", "how hot is tea?")]


@given(
    st.dictionaries(IDS, st.just("text")),
    st.dictionaries(IDS, st.dictionaries(IDS, st.integers(0, 2), min_size=1), min_size=1),
    st.lists(IDS),
)
def test_coverage_equals_set_intersections(queries, qrels, doc_ids):
    documents = set().union(*qrels.values())
    known = len(documents & set(doc_ids))
    answered = [query_id for query_id, grades in qrels.items() if {d for d, g in grades.items() if g} & set(doc_ids)]
    asked = len(set(queries) & set(qrels))
    unjudged = len(set(queries) - set(qrels))
    expected = JudgmentCoverage(asked, len(qrels), len(answered), known, len(documents), unjudged)
    if expected.queries and expected.documents:
        assert JudgedQueries(queries, qrels).coverage(iter(doc_ids)) == expected
    else:
        with pytest.raises(CollectionError, match="choose the judgments"):
            JudgedQueries(queries, qrels).coverage(doc_ids)


@pytest.mark.parametrize(
    ("qrels", "doc_ids", "message"),
    [
        ({"x1": {"d1": 1}, "x2": {"d1": 1}}, ["d1"], "0 of 2 query ids .*'x1'.* 3 queries"),
        (QRELS, ["tea.txt"], r"0 of 3 document ids .*'d1'.* 1 documents .*'tea.txt'"),
        (QRELS, [], "0 documents"),
        ({}, ["d1"], "judge nothing"),
        ({"q1": {}}, ["d1"], "judge nothing"),
    ],
)
def test_judgments_of_something_else_are_refused_and_both_sides_shown(qrels, doc_ids, message):
    with pytest.raises(CollectionError, match=message):
        JudgedQueries(QUERIES, qrels).coverage(doc_ids)


def test_a_collection_is_judged_only_with_queries_and_judgments(judged):
    for queries, qrels in (({}, QRELS), (QUERIES, {})):
        assert Collection("Lamps", [], queries, qrels).judged is None
    found = Collection("Lamps", [], QUERIES, QRELS, relevance_level=2, kinds={"q1": "fact"}).judged
    assert asdict(found) == asdict(judged)


def test_a_query_without_a_judgment_is_not_counted_anywhere():
    judged = JudgedQueries(QUERIES, {**QRELS, "q2": {}, "nowhere": {}})
    assert "q2" not in judged.asked
    assert judged.coverage(["d1", "d2"]) == JudgmentCoverage(2, 3, 3, 2, 3, 1)


def test_judgments_that_a_query_answers_itself():
    qrels = {"q1": {"q1": 1, "d1": 1}, "q2": {"q2": 2, "d1": 1}, "q3": {"q3": 1, "d1": 2}, "q4": {"q4": 0, "d1": 1}}
    judged = JudgedQueries(QUERIES, {**qrels, "q5": {"q5": 1}, "q6": {"q6": 0}})
    assert [judged.is_own_best_answer(f"q{number}") for number in range(1, 7)] == [0, 1, 0, 0, 1, 0]
    changed = judged.without_own_documents(["q1", "q3", "q4", "q6"])
    assert changed.qrels == {**judged.qrels, "q1": {"d1": 1}, "q3": {"d1": 2}}
    assert judged.qrels["q1"] == {"q1": 1, "d1": 1}
    assert judged.without_own_documents(["q4"]) is judged


# --- saved


def test_saved_judgments_come_back(judged):
    back = parse_judged_queries(json.loads(json.dumps(judged.as_dict())))
    assert asdict(back) == asdict(judged)
    assert list(back.asked) == list(judged.asked)


FORGED = {
    "a number as text": {"queries": {"q1": 3}},
    "a list of queries": {"queries": ["how hot is tea?"]},
    "a number as kind": {"kinds": {"q1": 3}},
    "no judgments": {"qrels": {}},
    "a list of documents": {"qrels": {"q1": ["d1"]}},
    "a text as grade": {"qrels": {"q1": {"d1": "1"}}},
    "true as grade": {"qrels": {"q1": {"d1": True}}},
    "a grade that takes all memory": {"qrels": {"q1": {"d1": 1001}}},
    "a level below 1": {"relevance_level": 0},
    "an unknown part": {"other": 1},
}


@pytest.mark.parametrize("changed", FORGED.values(), ids=FORGED.keys())
def test_forged_judgments_are_refused_with_an_error_that_load_expects(judged, changed):
    with pytest.raises((TypeError, ValueError)):
        parse_judged_queries(judged.as_dict() | changed)


@pytest.mark.parametrize("part", [{"queries": {}}, ["queries", "qrels"], "queries", 3, {"": 1}])
def test_something_else_than_judgments_is_refused(part):
    with pytest.raises((TypeError, ValueError)):
        parse_judged_queries(part)
