"""Tests of measuring once for all: what is shared, what is made again, and what a visitor who leaves takes along."""

import threading
from types import SimpleNamespace

import pytest

from retriever.errors import Cancelled, CollectionError
from retriever.run_record import RunRecord
from ui.lessons import measuring
from ui.lessons.lesson import lessons
from ui.lessons.measurements.measured import Measured
from ui.lessons.measuring import LessonMeasurements

LESSON = next(iter(lessons().values()))
STEP = LESSON.steps[0]


@pytest.fixture
def made(monkeypatch):
    """The measurements as they are made: what each returns or raises can be set."""
    made = SimpleNamespace(count=0, crowded=False, error=None, during=lambda: None)

    def measure(step, collections, progress):
        made.count += 1
        made.during()
        if made.error:
            raise made.error
        return Measured(made.count, "", [], RunRecord("A lesson", {}, {}, {}), {}, crowded=made.crowded)

    monkeypatch.setattr(measuring, "measure_step", measure)
    monkeypatch.setattr(LessonMeasurements, "_needed", lambda self, step: [])
    return made


def test_a_measurement_serves_all_who_take_the_step(made):
    shared = LessonMeasurements(None)
    assert shared.known(LESSON, STEP) is None
    assert [shared.submit(LESSON, STEP).result().value for _ in range(30)] == [1] * 30
    assert shared.known(LESSON, STEP).value == 1


def test_one_that_failed_is_made_again_and_one_made_in_a_crowd_once(made):
    shared = LessonMeasurements(None)
    made.error = CollectionError("It broke.")
    with pytest.raises(CollectionError, match="It broke"):
        shared.submit(LESSON, STEP).result()
    assert shared.known(LESSON, STEP) is None
    made.error, made.crowded = None, True
    assert [shared.submit(LESSON, STEP).result().value for _ in range(4)] == [2, 3, 3, 3]


def test_a_visitor_who_leaves_ends_only_the_own_wait(made):
    shared, gone = LessonMeasurements(None), threading.Event()
    made.during = lambda: gone.wait(10)
    leaving, staying = (shared.submit(LESSON, STEP) for _ in range(2))
    leaving.cancel()
    gone.set()
    assert staying.result().value == 1 and made.count == 1
    with pytest.raises(Cancelled):
        leaving.result()
