"""What a curve teaches, and which ef reaches a target: sentences that are true of the numbers they were given."""

import pytest

from retriever.indexing.copies import Copies
from tests.support.small import curve_of
from ui.recall.text import curve_lesson, target_sentence

REACHED = "HNSW reaches a recall@10 against exact search of"
TRADE_OFF = [(10, 0.62, 40), (20, 0.8, 60), (40, 0.96, 100), (200, 0.99, 380), (400, 1.0, 500)]
FROM_10, FROM_20 = (f" The curve's point before is ef = {ef}: one between may do." for ef in (10, 20))
NO_COPIES = Copies(0, 0, 1)
COUNTED = [(10, 0.839, 40, 240), (20, 0.912, 60, 415), (40, 0.965, 100, 612), (400, 1.0, 500, 9_100)]


@pytest.mark.parametrize(
    ("n", "steps", "lesson"),
    [
        (
            9_000,
            COUNTED,
            f"{REACHED} 0.839 at ef=10 (240 distances a query), 0.965 at ef=40 (612 distances a query). Exact search "
            "misses nothing, and computes 9,000: 38 times as many as ef=10; from ef=400 on HNSW computes no fewer.",
        ),
        (
            9_000,
            TRADE_OFF,
            f"{REACHED} 0.620 at ef=10, 0.960 at ef=40. Exact search misses nothing and computes all 9,000 distances; "
            "those of HNSW are being counted.",
        ),
        (
            90,
            [(10, 0.97, 30, 60)],
            f"{REACHED} 0.970 at ef=10 (60 distances a query). Exact search computes only 90 and misses nothing: for "
            "so few vectors an index hardly pays.",
        ),
        (
            2_000,
            [(10, 0.5, 30, 100), (20, 0.7, 30, 150)],
            f"{REACHED} 0.500 at ef=10 (100 distances a query). Exact search misses nothing, and computes 2,000: 20 "
            "times as many as ef=10.",
        ),
    ],
)
def test_the_lesson_of_a_curve_rests_on_what_does_not_depend_on_the_machine(n, steps, lesson):
    assert curve_lesson(n, curve_of(*steps), NO_COPIES) == lesson


@pytest.mark.parametrize(
    ("steps", "words"),
    [
        ([(10, 1.0, 30), (15, 1.0, 40)], "visits all that matters. Try"),
        ([(10, 1.0, 30, 45)], "it computes 45 distances, exact search 90"),
        ([(10, 1.0, 30, 120)], "it computes 120 distances, exact search 90"),
    ],
)
def test_where_nothing_is_missed_the_lesson_says_why(steps, words):
    lesson = curve_lesson(90, curve_of(*steps), NO_COPIES)
    assert (
        lesson.startswith("The recall@10 against exact search is 1.000 at every ef: with 90 vectors")
        and words in lesson
    )


@pytest.mark.parametrize(
    ("steps", "target", "words"),
    [
        (TRADE_OFF, 0.95, f"ef = 40 is the smallest on the curve that reaches 0.950: recall 0.960.{FROM_20}"),
        (
            COUNTED,
            0.9,
            f"ef = 20 is the smallest on the curve that reaches 0.900: recall 0.912 (415 distances a query).{FROM_10}",
        ),
        (TRADE_OFF[:2], 0.95, "No ef measured here reaches recall 0.950; the best is 0.800."),
        ([(20, 0.99996, 60)], 1.0, "No ef measured here reaches recall 1.000; the best is 0.999."),  # not rounded up
    ],
)
def test_the_smallest_ef_that_reaches_a_target_or_what_the_best_is(steps, target, words):
    assert target_sentence(curve_of(*steps), target) == words


def test_copies_that_hold_recall_below_one_are_named_with_their_count():
    held = curve_of((10, 0.9, 40, 240), (400, 0.982, 500, 4_100))
    words = (
        " 3,100 of the 13,000 passages are copies of another (same vector), 3,000 of them of one: a search whose ef "
        "places are filled by copies goes no further, so recall stays at 0.982 up to ef=400."
    )
    assert curve_lesson(13_000, held, Copies(3_100, 3_000, 3_000)).endswith(words)
    assert "copies" not in curve_lesson(13_000, held, Copies(3_100, 3_000, 400)), "an ef of more is measured"
    assert "copies" not in curve_lesson(9_000, curve_of(*TRADE_OFF), Copies(3_100, 3_000, 3_000)), "all are found"
