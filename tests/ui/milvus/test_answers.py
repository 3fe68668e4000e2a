"""A server that hangs is asked by one, and all hear of it; then it is left alone for a while."""

import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from retriever.errors import StorageError
from retriever.indexes.milvus.connection import NoAnswer
from tests.support.clock import Clock
from ui.milvus.answers import GOOD_SECONDS, REST_SECONDS, SLOW_SECONDS, Answers


def test_however_many_ask_none_waits_longer_than_for_one_question(monkeypatch):
    monkeypatch.setattr("ui.milvus.answers.SLOW_SECONDS", 0.2)
    asked = []

    def hang():
        asked.append(time.monotonic())
        time.sleep(0.3)
        raise NoAnswer("It has not answered.")

    answers = Answers(hang)

    def ask(_):
        with pytest.raises(StorageError, match="It has not answered"):
            answers.check()
        return time.monotonic()

    with ThreadPoolExecutor(12) as pool:
        ends = list(pool.map(ask, range(12)))
    assert len(asked) == 1 and max(ends) - asked[0] < 1.5


def test_what_is_away_at_once_or_refuses_is_asked_again_and_what_answers_is_not_asked_by_each():
    clock, replies = Clock(), []
    answers = Answers(lambda: replies.pop()(), clock)

    def reply(seconds=0.0, error=None):
        clock.now += seconds
        if error:
            raise error

    replies += [lambda: None, lambda: reply(9, StorageError("No.")), lambda: reply(0, NoAnswer("Refused."))]
    for words in ("Refused", "No"):
        with pytest.raises(StorageError, match=words):
            answers.check()
        assert not answers.resting
    answers.check()
    answers.check()
    clock.now += GOOD_SECONDS
    replies.append(lambda: reply(SLOW_SECONDS, NoAnswer("It hangs.")))
    for _ in range(3):
        with pytest.raises(StorageError, match="It hangs"):
            answers.check()
        with pytest.raises(StorageError, match="It hangs"), answers.asking():
            pytest.fail("it is left alone")
    clock.now += REST_SECONDS
    replies.append(lambda: None)
    answers.check()
