"""Tests of numbers with their units."""

from ui.render.numbers import count_of, format_gain, format_megabytes, format_score, format_seconds, speed_up_words


def test_a_count_agrees_with_its_noun():
    counted = count_of(0, "vector"), count_of(1, "vector"), count_of(2_000, "query", "queries")
    assert counted == ("0 vectors", "1 vector", "2,000 queries")


def test_a_share_has_three_decimals_and_is_one_only_if_nothing_is_missing():
    shown = {0.8394: "0.839", 0.0: "0.000", 1.0: "1.000", 1 - 1e-12: "1.000", 0.9996: "0.999", 0.99901: "0.999"}
    shown |= {0.9875: "0.988", 0.98749999999999993: "0.988"}  # one number, as a mean and as a record has it
    assert {value: format_score(value) for value in shown} == shown


def test_a_difference_of_shares_has_a_sign():
    gains = {0.2: "+0.200", -0.2: "−0.200", 0.0: "+0.000", -0.0004: "+0.000", -0.00051: "−0.001"}  # never −0.000
    assert {value: format_gain(value) for value in gains} == gains
    assert format_score(-0.0004) == "0.000"


def test_seconds_have_the_unit_that_reads_best():
    values = (0.0000004, 0.000012, 0.0009994, 0.00099996, 0.0012345, 0.123, 0.99949, 0.9996, 1.25, 119, 150)
    words = "0 µs, 12 µs, 999 µs, 1.00 ms, 1.23 ms, 123 ms, 999 ms, 1.0 s, 1.2 s, 119.0 s, 2.5 min"
    assert [format_seconds(value) for value in values] == words.split(", "), "never 1000 µs or 1e+03 ms"


def test_megabytes_are_of_a_million_bytes():
    counts = (0, 1, 5_000, 1_500_000, 9_990_000, 1_234_000_000)
    assert [format_megabytes(count) for count in counts] == [
        "0.00 MB",
        "under 0.01 MB",
        "0.01 MB",
        "1.50 MB",
        "9.99 MB",
        "1,234 MB",
    ]


def test_a_speed_up_whose_spread_contains_one_is_called_about_equal():
    spreads = [
        (4.0, (3.0, 5.0)),
        (0.25, (0.2, 0.3)),
        (1.3, (0.9, 1.6)),
        (0.8, (0.7, 1.0)),
        (1.0, (1.0, 1.0)),
        (1.04, (1.02, 1.05)),
    ]
    words = ["4.0× faster", "4.0× slower", *["about equal"] * 4]
    assert [speed_up_words(*each) for each in spreads] == words
