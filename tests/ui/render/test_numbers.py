"""Tests of numbers with their units."""

import pytest

from ui.render.numbers import format_megabytes, format_seconds, latency_ratio


@pytest.mark.parametrize(
    ("value", "words"),
    [
        (0.0000004, "0 µs"),
        (0.000012, "12 µs"),
        (0.0009994, "999 µs"),
        (0.00099996, "1 ms"),  # never "1000 µs"
        (0.0012345, "1.23 ms"),
        (0.123, "123 ms"),
        (0.99949, "999 ms"),
        (0.9996, "1.0 s"),  # never "1e+03 ms"
        (1.25, "1.2 s"),
        (119, "119.0 s"),
        (150, "2.5 min"),
    ],
)
def test_seconds_have_the_unit_that_reads_best(value, words):
    assert format_seconds(value) == words


def test_megabytes_are_of_a_million_bytes():
    counts = (0, 1_500_000, 9_990_000, 1_234_000_000)
    assert [format_megabytes(count) for count in counts] == ["0.00 MB", "1.50 MB", "9.99 MB", "1,234 MB"]


def test_ratio_says_who_is_faster():
    assert latency_ratio(0.004, 0.001) == "4.0× faster"
    assert latency_ratio(0.001, 0.004) == "4.0× slower"
    assert latency_ratio(0.0, 0.001) == latency_ratio(0.001, 0.0) == "–"
