"""Tests of a visitor's own judgments: they are taken back, counted, bounded, and become judged queries."""

import copy

import pytest

from retriever.errors import ParameterError
from retriever.evaluation.judged_queries import JudgedQueries
from ui.judgments import MAX_CHARACTERS, NOT_RELEVANT, RELEVANT, OwnJudgments, query_ids

COLLECTION = JudgedQueries({"own-2": "why?", "q7": "how?", "q8": "how?"}, {"own-1": {"d1": 1}})


def test_the_same_judgment_again_takes_it_back_and_another_replaces_it():
    own = OwnJudgments()
    assert not own
    own.judge("how?", "d1", RELEVANT)
    own.judge("how?", "d2", NOT_RELEVANT)
    own.judge("why?", "d1", NOT_RELEVANT)
    own.judge("why?", "d1", RELEVANT)
    assert own.grades("how?") == {"d1": 1, "d2": 0} and own.grades("why?") == {"d1": 1}
    assert (len(own), own.grades("who?")) == (3, {})
    own.judge("why?", "d1", RELEVANT)
    assert (len(own), own.grades("why?")) == (2, {})
    assert list(own.judged_queries(None).queries.values()) == ["how?"]


def test_questions_keep_their_ids_and_those_of_the_collection_have_its_ids():
    own = OwnJudgments()
    for question in ("first?", "why?", "third?", "how?"):
        own.judge(question, "d1", RELEVANT)
    own.judge("first?", "d1", RELEVANT)
    judged = own.judged_queries(COLLECTION)
    assert judged.queries == {"own-2": "why?", "own-3": "third?", "q7": "how?"}
    assert judged.qrels == dict.fromkeys(judged.queries, {"d1": 1})
    own.judge("first?", "d2", NOT_RELEVANT)
    assert judged.qrels == dict.fromkeys(judged.queries, {"d1": 1}), "a comparison under way keeps its judgments"
    assert own.judged_queries(COLLECTION).qrels["own-1~"] == {"d2": 0}, "own-1 is another question's"
    assert list(own.judged_queries(None).qrels) == ["own-2", "own-3", "own-4", "own-1"]


def test_an_id_is_never_given_twice():
    assert query_ids({"a": "own-2", "why?": "own-9"}, COLLECTION) == {"a": "own-2~", "why?": "own-2"}


def test_judgments_are_bounded_also_where_questions_were_judged_and_taken_back():
    own, long_id = OwnJudgments(), "d" * (MAX_CHARACTERS - 4)
    own.judge("how?", long_id, RELEVANT)
    with pytest.raises(ParameterError, match=r"You have judged 1 document.*200,000"):
        own.judge("how?", "x", RELEVANT)
    own.judge("how?", long_id, NOT_RELEVANT)
    assert own.grades("how?") == {long_id: 0}
    own.judge("how?", long_id, NOT_RELEVANT)
    with pytest.raises(ParameterError):
        for number in range(10):
            for _ in range(2):
                own.judge(f"{number}" * (MAX_CHARACTERS // 8), "d", RELEVANT)


def test_each_visitor_has_their_own():
    first = OwnJudgments()
    second = copy.deepcopy(first)  # as Gradio does for each session
    first.judge("how?", "d1", RELEVANT)
    assert len(first) == 1 and not second
