"""Tests of numbers with their units."""

from ui.render.numbers import format_megabytes, format_seconds, speed_up_words


def test_seconds_have_the_unit_that_reads_best():
    values = (0.0000004, 0.000012, 0.0009994, 0.00099996, 0.0012345, 0.123, 0.99949, 0.9996, 1.25, 119, 150)
    words = "0 µs, 12 µs, 999 µs, 1 ms, 1.23 ms, 123 ms, 999 ms, 1.0 s, 1.2 s, 119.0 s, 2.5 min"
    assert [format_seconds(value) for value in values] == words.split(", "), "never 1000 µs or 1e+03 ms"


def test_megabytes_are_of_a_million_bytes():
    counts = (0, 1_500_000, 9_990_000, 1_234_000_000)
    assert [format_megabytes(count) for count in counts] == ["0.00 MB", "1.50 MB", "9.99 MB", "1,234 MB"]


def test_a_speed_up_whose_spread_contains_one_is_called_about_equal():
    spreads = [(4.0, (3.0, 5.0)), (0.25, (0.2, 0.3)), (1.3, (0.9, 1.6)), (0.8, (0.7, 1.0)), (1.0, (1.0, 1.0))]
    words = ["4.0× faster", "4.0× slower", "about equal", "about equal", "about equal"]
    assert [speed_up_words(*each) for each in spreads] == words
