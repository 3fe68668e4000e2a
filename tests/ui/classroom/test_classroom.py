"""Tests of one class: who may do what at which step, and what is kept of it."""

import pytest

from retriever.errors import ParameterError
from tests.support.classes import LESSON, STEPS, measured
from ui.classroom.classroom import GONE_SECONDS, Classroom, Move, NotNow, Phase, read_move
from ui.classroom.results import results_csv


@pytest.fixture
def classroom():
    return Classroom("CDF234", LESSON, "secret", 0.0)


def joined(classroom, count=1, now=0.0, most=200):
    """Return the names of students who join."""
    return [classroom.student(classroom.join("", now, most), now) for _ in range(count)]


def test_only_the_secret_is_the_teachers_and_no_token_is_kept(classroom):
    assert classroom.is_led_by("secret", 1.0) and not classroom.is_led_by("", 1.0) and not classroom.is_led_by("x", 1.0)
    token = classroom.join("", 0.0, 200)
    assert classroom.student(token, 0.0) not in ("", token) and not classroom.student("forged", 0.0)
    assert classroom.join(token, 1.0, 200) == token and classroom.students == 1
    assert "'secret'" not in repr(vars(classroom)) and token not in repr(vars(classroom))


def test_a_prediction_is_taken_while_its_step_is_open_and_the_last_one_counts(classroom):
    first, second = joined(classroom, 2)
    assert classroom.predict(first, "found", 6.6) == 6.6 and classroom.predict(first, "found", 3) == 3
    with pytest.raises(ParameterError, match="The prediction is 'many'"):
        classroom.predict(second, "found", "many")
    with pytest.raises(NotNow, match="moved on"):
        classroom.predict(second, "moves", "model")
    classroom.make(Move.CLOSE, 0.0)
    with pytest.raises(NotNow, match="closed"):
        classroom.predict(first, "found", 9)
    assert list(classroom.now_at.predictions.values()) == [3]
    classroom.make(Move.OPEN, 0.0)
    assert classroom.predict(second, "found", 9) == 9


def test_a_reveal_waits_for_the_measurement_and_survives_one_that_fails(classroom):
    step = classroom.now_at
    classroom.make(Move.REVEAL, 0.0)
    assert step.phase is Phase.MEASURING
    classroom.take_failure(step, "No memory.")
    assert (step.phase, step.problem) == (Phase.CLOSED, "No memory.")
    classroom.make(Move.REVEAL, 0.0)
    classroom.take_measured(step, measured(step.step))
    assert (step.phase, step.problem) == (Phase.REVEALED, "")


def test_a_measurement_that_comes_early_shows_nothing_and_makes_the_reveal_immediate(classroom):
    step, version = classroom.now_at, classroom.moved.number
    classroom.take_measured(step, measured(step.step))
    assert (step.phase, classroom.moved.number) == (Phase.PREDICTING, version)
    classroom.make(Move.REVEAL, 0.0)
    assert (step.phase, classroom.moved.number) == (Phase.REVEALED, version + 1)


@pytest.mark.parametrize(
    ("before", "move"),
    [
        ([], Move.BACK),
        ([], Move.OPEN),
        ([Move.CLOSE], Move.CLOSE),
        ([Move.REVEAL], Move.REVEAL),
        ([Move.REVEAL], Move.OPEN),
        ([Move.NEXT, Move.NEXT], Move.NEXT),
        ([Move.END], Move.NEXT),
    ],
)
def test_moves_that_the_step_does_not_allow_change_nothing(classroom, before, move):
    for made in before:
        classroom.make(made, 0.0)
    kept = classroom.place, classroom.now_at.phase, classroom.moved.number
    with pytest.raises(NotNow):
        classroom.make(move, 0.0)
    assert (classroom.place, classroom.now_at.phase, classroom.moved.number) == kept


def test_a_step_that_was_left_is_as_it_was_when_the_class_comes_back(classroom):
    [student] = joined(classroom)
    classroom.predict(student, "found", 5)
    classroom.make(Move.CLOSE, 0.0)
    classroom.make(Move.NEXT, 0.0)
    assert classroom.now_at.phase is Phase.PREDICTING
    classroom.make(Move.BACK, 0.0)
    assert classroom.now_at.phase is Phase.CLOSED and len(classroom.now_at.predictions) == 1


def test_a_full_class_takes_a_new_student_for_one_who_left_without_a_prediction(classroom):
    [predicted, _] = joined(classroom, 2, most=2)
    classroom.predict(predicted, "found", 1)
    with pytest.raises(NotNow, match="full: 2 students"):
        classroom.join("", GONE_SECONDS - 1, 2)
    assert joined(classroom, 1, now=GONE_SECONDS, most=2) and classroom.students == 2
    with pytest.raises(NotNow, match="full"):
        classroom.join("", GONE_SECONDS, 2)


def test_nothing_is_taken_after_the_end(classroom):
    [student] = joined(classroom)
    classroom.make(Move.END, 5.0)
    with pytest.raises(NotNow, match="over"):
        classroom.predict(student, "found", 1)
    with pytest.raises(NotNow, match="over"):
        classroom.join("", 5.0, 200)


def test_results_have_step_prediction_and_measured_and_no_order_of_students(classroom):
    names = joined(classroom, 3)
    for name, value in zip(names, (9, 2, 5), strict=True):
        classroom.predict(name, "found", value)
    classroom.take_measured(classroom.now_at, measured(STEPS[0]))
    assert {line.split(",")[4] for line in results_csv(classroom).splitlines()[1:]} == {'""'}, "it is not revealed yet"
    classroom.make(Move.REVEAL, 0.0)
    rows = [line.split(",") for line in results_csv(classroom).splitlines()]
    assert rows[0] == ['"lesson"', '"step"', '"name"', '"prediction"', '"measured"', '"unit"']
    assert [row[1:5] for row in rows[1:]] == [["1", '"found"', given, "4"] for given in "259"]
    assert not any(name in results_csv(classroom) for name in names)


def test_an_unknown_move_is_refused_with_those_that_there_are():
    with pytest.raises(ParameterError, match="no move 'jump'; it is one of: close, open, reveal"):
        read_move("jump")
