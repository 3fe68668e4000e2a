"""What searches cost: every side is asked the same questions in turns, from text to ranking, and not for too long."""

from retriever.experiments import search_costs
from retriever.experiments.search_costs import MOST_TIMED, SearchCost, measure_costs
from tests.support.judged import beside_one, ranked_index


def test_sides_are_asked_the_same_questions_in_turns(monkeypatch):
    sides, asked = beside_one([1] * 25, n=40).sides, []
    for side in sides[:2]:
        monkeypatch.setattr(side, "search_once", lambda query, k, name=side.name: asked.append((name, query, k)))
    costs = measure_costs(sides[:2], 7)
    questions = list(sides[0].judged.asked.values())[:MOST_TIMED]
    timed = [(name, question, 7) for question in questions for name in ("alpha", "BM25")]
    assert asked == [("alpha", questions[0], 7), ("BM25", questions[0], 7), *timed], "the first time is not timed"
    assert [len(cost.query_seconds) for cost in costs] == [MOST_TIMED] * 2
    assert [cost.seconds_to_index for cost in costs] == [None, 0.5]
    assert costs[0].searched_bytes == 40 * 40 * 4, "40 vectors of 40 dimensions"


def test_slow_searches_are_timed_with_fewer_questions(monkeypatch):
    monkeypatch.setattr(search_costs, "MOST_SECONDS", 0.0)
    [cost] = measure_costs([ranked_index([1, 2, 3], n=9)], 3)
    assert len(cost.query_seconds) == 1


def test_what_is_told_is_the_median():
    assert SearchCost(None, 0, (5.0, 1.0, 3.0)).p50 == 3.0
