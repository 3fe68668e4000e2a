"""Tests of all classes of a lab: how many there may be, and how long each is kept."""

import pytest

from tests.support.classes import LESSON
from tests.support.clock import Clock
from ui.classroom.classroom import Move
from ui.classroom.classrooms import ABANDONED_SECONDS, KEPT_SECONDS, Classrooms, NoRoom


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def classrooms(clock):
    return Classrooms(clock)


def test_a_class_ends_when_its_time_is_over_and_its_results_stay_for_a_while(classrooms, clock):
    classroom, _ = classrooms.start(LESSON, "school")
    clock.now = 2 * 3600 - 1
    classrooms.sweep()
    assert not classroom.over and classrooms.facts() == {"under_way": 1, "students": 0}
    clock.now = 2 * 3600
    classrooms.sweep()
    assert classroom.over and classrooms.find(classroom.code) is classroom
    assert classrooms.facts() == {"under_way": 0, "students": 0}
    clock.now += KEPT_SECONDS
    classrooms.sweep()
    assert classrooms.find(classroom.code) is None


def test_a_lab_has_some_classes_at_once_and_one_network_half_of_them(classrooms, monkeypatch):
    monkeypatch.setenv("LAB_MAX_CLASSES", "4")
    (first, _), (second, _) = (classrooms.start(LESSON, "school") for _ in range(2))
    assert first.code != second.code
    with pytest.raises(NoRoom, match="2 classes are under way from your network"):
        classrooms.start(LESSON, "school")
    for _ in range(2):
        classrooms.start(LESSON, "elsewhere")
    with pytest.raises(NoRoom, match="4 classes are under way in this lab"):
        classrooms.start(LESSON, "third")
    first.make(Move.END, 0.0)
    assert classrooms.start(LESSON, "third")


def test_a_class_that_was_left_makes_room_and_one_with_somebody_in_it_does_not(classrooms, clock, monkeypatch):
    monkeypatch.setenv("LAB_MAX_CLASSES", "2")
    left, _ = classrooms.start(LESSON, "a")
    taught, secret = classrooms.start(LESSON, "b")
    clock.now = ABANDONED_SECONDS
    assert taught.is_led_by(secret, clock.now)
    assert classrooms.start(LESSON, "c")
    assert left.over and not taught.over


def test_classes_that_are_over_do_not_pile_up(classrooms, monkeypatch):
    monkeypatch.setenv("LAB_MAX_CLASSES", "2")
    codes = []
    for number in range(5):
        classroom, _ = classrooms.start(LESSON, "school")
        classroom.make(Move.END, float(number))
        codes.append(classroom.code)
    assert [classrooms.find(code) is not None for code in codes] == [False, False, True, True, True]
