"""Tests of units, and of sentences that are true of the numbers they were given."""

from dataclasses import replace

import numpy as np
import pytest

from tests.support.small import curve_of, measurement, sized
from ui.recall.text import curve_lesson, target_sentence

# --- what a curve teaches


def test_lesson_where_recall_is_always_one():
    lesson = curve_lesson(sized(90), measurement(1, 20e-6, ef=None), curve_of((10, 1.0, 30), (15, 1.0, 40)))
    assert "1.0 at every ef" in lesson
    assert "90 vectors" in lesson
    assert "faster" not in lesson


def test_lesson_is_not_told_of_recall_one_if_some_ef_misses_something():
    lesson = curve_lesson(sized(90), measurement(1, 500e-6, ef=None), curve_of((10, 1.0, 30), (15, 0.98, 40)))
    assert "every ef" not in lesson


def test_lesson_where_exact_search_is_as_fast():
    exact = measurement(1, 20e-6, ef=None)
    lesson = curve_lesson(sized(300, break_even=4_000), exact, curve_of((10, 0.8, 30), (15, 0.9, 40)))
    assert "20 µs" in lesson
    assert "30 µs" in lesson
    assert "300 vectors" in lesson
    assert "4,000" in lesson


def test_lesson_does_not_call_exact_search_cheaper_when_it_is_not():
    exact = measurement(1, 36e-6, ef=None)  # a fifth slower than HNSW
    lesson = curve_lesson(sized(300), exact, curve_of((10, 0.8, 30), (15, 0.9, 40)))
    assert "costs less" not in lesson


def test_lesson_where_the_trade_off_shows():
    exact = measurement(1, 400e-6, ef=None)
    curve = curve_of((10, 0.62, 40), (20, 0.8, 60), (40, 0.96, 100), (200, 0.99, 380), (400, 1.0, 500))
    lesson = curve_lesson(sized(11_000), exact, curve)
    assert "At ef=10 HNSW is 10.0× faster" in lesson
    assert "62" in lesson
    assert "at ef=40" in lesson
    assert "4.0× faster" in lesson
    assert "From ef=400 on" in lesson
    assert "200" not in lesson  # 380 µs is not as slow as exact search


def test_lesson_names_only_an_ef_from_which_exact_search_stays_as_fast():
    exact = measurement(1, 400e-6, ef=None)
    curve = curve_of((10, 0.6, 40), (20, 0.8, 450), (40, 0.96, 100), (400, 1.0, 500))  # 450: a hiccup of the machine
    assert "From ef=20 on" not in curve_lesson(sized(11_000), exact, curve)


def test_lesson_does_not_round_up_to_all_neighbours():
    exact = measurement(1, 400e-6, ef=None)
    lesson = curve_lesson(sized(11_000), exact, curve_of((10, 0.997, 40), (20, 0.999, 60)))
    assert "100%" not in lesson


def test_target_words_name_the_smallest_ef_that_reaches_it():
    curve = curve_of((10, 0.62, 40), (20, 0.8, 60), (40, 0.96, 100), (60, 0.97, 130))
    words = target_sentence(curve, 0.95)
    assert "ef = 40" in words
    assert "0.960" in words
    assert "100 µs" in words


def test_target_words_say_what_the_best_is_where_none_reaches_it():
    words = target_sentence(curve_of((10, 0.62, 40), (20, 0.8, 60)), 0.95)
    assert "0.95" in words
    assert "0.800" in words
    assert "ef =" not in words


def test_target_words_do_not_contradict_themselves():
    words = target_sentence(curve_of((10, 0.62, 40), (20, 0.9997, 60)), 1.0)
    assert "1.000" not in words, "the best is below 1, and 1.00 is what it does not reach"


# --- distances in the lesson


def with_distances(step, distances):
    return replace(step, distances=np.full(len(step.recall), float(distances)))


def lesson_of(n, *, exact, hnsw, distances, recall=0.8):
    """Return the lesson of one ef: microseconds of both searches, and distances of HNSW."""
    curve = [with_distances(step, distances) for step in curve_of((10, recall, hnsw))]
    return curve_lesson(sized(n), with_distances(measurement(1, exact / 1e6, ef=None), n), curve)


@pytest.mark.parametrize(("distances", "words"), [(45, "50%"), (89.6, "100%"), (9, "10%"), (120, "100%")])
def test_where_recall_is_one_the_lesson_says_how_much_is_visited(distances, words):
    lesson = lesson_of(90, exact=20, hnsw=30, distances=distances, recall=1.0)
    assert f"it computes {distances:,.0f} distances, {words} of all there are" in lesson


def test_the_lesson_says_what_one_distance_takes_in_both_searches():
    lesson = lesson_of(1_000, exact=20, hnsw=30, distances=150)
    assert "HNSW computes 150 distances, but each takes 200 ns against 20 ns" in lesson


def test_the_lesson_does_not_explain_what_is_not_so():
    lesson = lesson_of(100, exact=12, hnsw=10, distances=125)  # 80 ns a distance against 120 ns
    assert "as it jumps about in memory" not in lesson, "a distance costs less there"


def test_the_lesson_without_counted_distances_says_nothing_of_them():
    for recall in (0.8, 1.0):
        lesson = curve_lesson(sized(300), measurement(1, 20e-6, ef=None), curve_of((10, recall, 30)))
        assert "distances" not in lesson
