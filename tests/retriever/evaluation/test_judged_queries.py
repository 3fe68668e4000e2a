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


@pytest.fixture
def judged():
    return JudgedQueries(QUERIES, QRELS, 2, {"q1": "fact"})


def test_asked_are_the_judged_queries_that_have_a_text_in_the_judgments_order(judged):
    assert list(judged.asked.items()) == [("q3", "who keeps bees?"), ("q1", "how hot is tea?")]


def test_coverage_counts_judgments_that_match_a_collection(judged):
    assert judged.coverage(["d1", "d2", "other"]) == JudgmentCoverage(2, 3, 2, 3)
    assert judged.coverage(iter(["d9", "d9"])) == JudgmentCoverage(2, 3, 1, 3)


IDS = st.sampled_from("abcdef")


@given(
    st.dictionaries(IDS, st.just("text")),
    st.dictionaries(IDS, st.dictionaries(IDS, st.integers(0, 2), min_size=1), min_size=1),
    st.sets(IDS),
)
def test_coverage_equals_set_intersections(queries, qrels, doc_ids):
    judged = JudgedQueries(queries, qrels)
    documents = set().union(*qrels.values())
    expected = JudgmentCoverage(len(set(queries) & set(qrels)), len(qrels), len(documents & doc_ids), len(documents))
    if expected.queries and expected.documents:
        assert judged.coverage(doc_ids) == expected
    else:
        with pytest.raises(CollectionError, match="choose the judgments"):
            judged.coverage(doc_ids)


def test_judgments_of_other_queries_are_refused_and_an_id_shown():
    with pytest.raises(CollectionError, match=r"0 of 2 query ids .*'x1'.* 3 queries"):
        JudgedQueries(QUERIES, {"x1": {"d1": 1}, "x2": {"d1": 1}}).coverage(["d1"])


def test_judgments_of_other_documents_are_refused_and_both_sides_shown(judged):
    with pytest.raises(CollectionError, match=r"0 of 3 document ids .*'d1'.* 1 documents .*'tea.txt'"):
        judged.coverage(["tea.txt"])
    with pytest.raises(CollectionError, match="0 documents"):
        judged.coverage([])


@pytest.mark.parametrize("qrels", [{}, {"q1": {}}], ids=["no query", "a query without documents"])
def test_judgments_that_judge_nothing_are_refused(qrels):
    with pytest.raises(CollectionError):
        JudgedQueries(QUERIES, qrels).coverage(["d1"])


def test_a_collection_is_judged_only_with_queries_and_judgments():
    for queries, qrels in (({}, QRELS), (QUERIES, {}), ({}, {})):
        assert Collection("Lamps", [], queries, qrels).judged is None
    judged = Collection("Lamps", [], QUERIES, QRELS, relevance_level=2, kinds={"q1": "fact"}).judged
    assert (judged.queries, judged.qrels, judged.relevance_level, judged.kinds) == (QUERIES, QRELS, 2, {"q1": "fact"})


# --- saved


def saved(judged):
    return json.loads(json.dumps(asdict(judged)))


def test_saved_judgments_come_back(judged):
    back = parse_judged_queries(saved(judged))
    assert asdict(back) == asdict(judged)
    assert list(back.asked) == list(judged.asked)


FORGED = {
    "a number as text": lambda part: part["queries"].update(q1=3),
    "a list of queries": lambda part: part.update(queries=["how hot is tea?"]),
    "a number as kind": lambda part: part["kinds"].update(q1=3),
    "a list of kinds": lambda part: part.update(kinds=["fact"]),
    "no judgments": lambda part: part.update(qrels={}),
    "a list of judgments": lambda part: part.update(qrels=["q1"]),
    "a list of documents": lambda part: part["qrels"].update(q1=["d1"]),
    "a text as grade": lambda part: part["qrels"]["q1"].update(d1="1"),
    "a fraction as grade": lambda part: part["qrels"]["q1"].update(d1=1.0),
    "true as grade": lambda part: part["qrels"]["q1"].update(d1=True),
    "no grade": lambda part: part["qrels"]["q1"].update(d1=None),
    "a grade that takes all memory": lambda part: part["qrels"]["q1"].update(d1=1001),
    "as far below 0": lambda part: part["qrels"]["q1"].update(d1=-1001),
    "a text as level": lambda part: part.update(relevance_level="1"),
    "a level above all grades": lambda part: part.update(relevance_level=1001),
    "an unknown part": lambda part: part.update(other=1),
    "no queries": lambda part: part.pop("queries"),
}


@pytest.mark.parametrize("forge", FORGED.values(), ids=FORGED.keys())
def test_forged_judgments_are_refused_with_an_error_that_load_expects(judged, forge):
    part = saved(judged)
    forge(part)
    with pytest.raises((KeyError, TypeError, ValueError, AttributeError)):
        parse_judged_queries(part)


@pytest.mark.parametrize("part", [["queries", "qrels"], "queries", 3, True, {"": 1}])
def test_something_else_than_judgments_is_refused(part):
    with pytest.raises((KeyError, TypeError, ValueError, AttributeError)):
        parse_judged_queries(part)
