"""What a curve teaches, and which ef reaches a target: sentences that are true of the numbers they were given."""

import pytest

from tests.support.small import curve_of, measurement, sized
from ui.recall.text import curve_lesson, target_sentence

TRADE_OFF = [(10, 0.62, 40), (20, 0.8, 60), (40, 0.96, 100), (200, 0.99, 380), (400, 1.0, 500)]
HICCUP = [(10, 0.6, 40), (20, 0.8, 450), (40, 0.96, 100), (400, 1.0, 500)]  # 450: of the machine
COSTS_LESS = [(10, 0.8, 10, 125)]  # 80 ns a distance, exact search 120 ns


@pytest.mark.parametrize(
    ("n", "micros", "steps", "present", "absent"),  # micros: exact search's
    [
        (90, 20, [(10, 1.0, 30), (15, 1.0, 40)], ["1.0 at every ef", "90 vectors"], ["faster", "distances"]),
        (90, 500, [(10, 1.0, 30), (15, 0.98, 40)], ["faster"], ["every ef"]),
        (300, 20, [(10, 0.8, 30)], ["20 µs", "30 µs", "300 vectors", "4,000"], ["distances"]),
        (300, 37, [(10, 0.8, 30)], ["Exact search is as fast here: 37 µs a query"], ["faster"]),
        (300, 38, [(10, 0.8, 30)], ["1.3× faster than exact search"], ["as fast"]),
        (9_000, 400, TRADE_OFF, ["At ef=10 HNSW is 10.0× faster", "62%", "at ef=40", "still 4.0× faster"], ["ef=200"]),
        (9_000, 400, TRADE_OFF, ["From ef=400 on"], []),  # at ef=200 it takes 380 µs
        (9_000, 400, HICCUP, ["From ef=400 on"], ["From ef=20 on"]),
        (9_000, 400, [(10, 0.997, 40), (20, 0.999, 60)], ["99%"], ["100%", "From ef"]),  # not all are found
        (300, 40, [(10, 0.8, 10), (20, 0.96, 40)], ["From ef=20 on"], ["still"]),
        (90, 20, [(10, 1.0, 30, 45)], ["it computes 45 distances, 50% of all there are"], []),
        (90, 20, [(10, 1.0, 30, 89.6)], ["it computes 90 distances, 100% of all there are"], []),
        (90, 20, [(10, 1.0, 30, 120)], ["it computes 120 distances, 100% of all there are"], []),
        (1_000, 20, [(10, 0.8, 30, 150)], ["computes 150 distances, but each takes 200 ns against 20 ns"], []),
        (100, 12, COSTS_LESS, ["as fast here"], ["distances"]),
    ],
)
def test_the_lesson_of_a_curve(n, micros, steps, present, absent):
    exact = measurement(1, micros / 1e6, n, ef=None)
    lesson = curve_lesson(sized(n, break_even=4_000), exact, curve_of(*steps))
    assert [part for part in present if part not in lesson] == [part for part in absent if part in lesson] == []


@pytest.mark.parametrize(
    ("steps", "target", "words"),
    [
        (TRADE_OFF, 0.95, "ef = 40 is the smallest measured that reaches 0.95 (recall 0.960, 100 µs a query)."),
        (TRADE_OFF[:2], 0.95, "No ef measured here reaches recall 0.95; the best is 0.8000."),
        ([(20, 0.99996, 60)], 1.0, "No ef measured here reaches recall 1.00; the best is 0.9999."),  # not rounded up
    ],
)
def test_the_smallest_ef_that_reaches_a_target_or_what_the_best_is(steps, target, words):
    assert target_sentence(curve_of(*steps), target) == words
