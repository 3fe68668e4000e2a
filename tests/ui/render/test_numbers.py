"""Tests of numbers with their units."""

from ui.render.numbers import format_megabytes, format_seconds, latency_ratio


def test_seconds_have_the_unit_that_reads_best():
    values = (0.0000004, 0.000012, 0.0009994, 0.00099996, 0.0012345, 0.123, 0.99949, 0.9996, 1.25, 119, 150)
    words = "0 µs, 12 µs, 999 µs, 1 ms, 1.23 ms, 123 ms, 999 ms, 1.0 s, 1.2 s, 119.0 s, 2.5 min"
    assert [format_seconds(value) for value in values] == words.split(", "), "never 1000 µs or 1e+03 ms"


def test_megabytes_are_of_a_million_bytes():
    counts = (0, 1_500_000, 9_990_000, 1_234_000_000)
    assert [format_megabytes(count) for count in counts] == ["0.00 MB", "1.50 MB", "9.99 MB", "1,234 MB"]


def test_ratio_says_who_is_faster():
    assert (latency_ratio(0.004, 0.001), latency_ratio(0.001, 0.004)) == ("4.0× faster", "4.0× slower")
    assert latency_ratio(0.0, 0.001) == latency_ratio(0.001, 0.0) == "–"
