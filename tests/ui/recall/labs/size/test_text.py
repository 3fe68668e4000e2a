"""The size lab's sentences and table: growth by known power laws."""

from dataclasses import replace

import numpy as np
import pytest

from retriever.measurement.sweeps import SizeResult
from tests.support.labs import cells
from tests.support.page import words_of
from tests.support.small import measurement
from ui.recall.labs.size.text import size_lab_table, size_lab_verdict

SIZES = (100, 200, 400, 800)


def sizes_of(exact, hnsw, distances, recall=lambda n: 0.9, sizes=SIZES):
    """Return results of some sizes; each function takes the number of vectors."""
    found = [measurement(recall(n) * np.ones(20), hnsw(n), distances(n)) for n in sizes]
    return [SizeResult(n, hnsw, measurement(1, exact(n), n)) for n, hnsw in zip(sizes, found, strict=True)]


@pytest.mark.parametrize(
    ("exact", "hnsw", "counted", "gain", "words"),
    [
        (1, 0.5, 0.3, -1e-4, "falls from 0.490 to 0.420: a larger collection wants a larger ef."),
        (2, 0.5, 1, 0, "is 0.500 at every size."),
        (0.9, 0.1, 0.2, 1e-4, "rises from 0.510 to 0.580."),
    ],
)
def test_growth_is_told_as_exponent_and_as_factor_for_twice_the_vectors(exact, hnsw, counted, gain, words):
    laws = (lambda n: 1e-7 * n**exact, lambda n: 2e-6 * n**hnsw, lambda n: 30 * n**counted, lambda n: 0.5 + gain * n)
    verdict = words_of(size_lab_verdict(sizes_of(*laws)))
    assert verdict.startswith(
        f"With twice the vectors, exact search takes {2**exact:.2f} times as long (exponent {exact:.2f}), HNSW at "
        f"ef=10 {2**hnsw:.2f} times as long ({hnsw:.2f}), with {2**counted:.2f} times the distances ({counted:.2f}); "
    )
    assert verdict.endswith(f"At the same ef, recall@10 against exact search {words}")


def test_growth_by_a_factor_that_reads_as_one_is_called_about_equal():
    verdict = words_of(size_lab_verdict(sizes_of(lambda n: 1e-5 * n**0.06, lambda n: 1e-6 / n**0.05, lambda n: 40)))
    assert "exact search takes about as long (exponent 0.06), HNSW at ef=10 about as long (−0.05)" in verdict
    assert "with about as many distances (0.00); " in verdict


def test_recall_that_goes_up_and_down_or_no_further_than_chance_shows_no_clear_change():
    uneven = dict(zip(SIZES, (0.873, 0.88, 0.859, 0.856), strict=True))
    rng = np.random.default_rng(0)
    noisy = {n: 0.8 - n / 1e5 + rng.normal(0, 0.2, 20) for n in SIZES}
    noisy |= {n: values - values.mean() + 0.8 - n / 1e5 for n, values in noisy.items()}
    for recall, shown in ((uneven, "0.873, 0.880, 0.859, 0.856"), (noisy, "0.799, 0.798, 0.796, 0.792")):
        verdict = words_of(size_lab_verdict(sizes_of(lambda n: n, lambda n: n, lambda n: n, recall.get)))
        assert verdict.endswith(f"recall@10 against exact search shows no clear change: {shown}.")


def test_a_series_that_moves_much_further_than_it_ever_goes_back_has_a_direction():
    falls = dict(zip(SIZES, (0.526, 0.327, 0.382, 0.270), strict=True))
    verdict = words_of(size_lab_verdict(sizes_of(lambda n: n, lambda n: n, lambda n: n, falls.get)))
    assert verdict.endswith("falls on the whole, not at each step: 0.526, 0.327, 0.382, 0.270.")


@pytest.mark.parametrize(
    ("micros", "words"),  # of HNSW; exact search takes 10
    [
        ((20, 15, 9, 5), "HNSW is clearly faster from 400 vectors on"),
        ((5, 5, 5, 5), "HNSW is clearly faster from 100 vectors on"),
        ((20, 20, 20, 20), "HNSW is faster at no size"),
        ((20, 10, 10, 10.4), "HNSW is faster at no size"),
        ((10, 10, 10, 10.4), "the two are about equal at every size"),
        ((20, 9.8, 10.3, 5), "HNSW is clearly faster from 800 vectors on"),  # not from where it is as fast
        ((5, 20, 20, 20), "which one is faster changes with the size"),
        ((5, 20, 5, 5), "which one is faster changes with the size"),
    ],
)
def test_the_size_from_which_hnsw_is_faster(micros, words):
    hnsw = dict(zip(SIZES, micros, strict=True))
    results = sizes_of(lambda n: 10e-6, lambda n: hnsw[n] * 1e-6, lambda n: 50)
    assert f"; {words}. " in words_of(size_lab_verdict(results))


@pytest.mark.parametrize(("n", "words"), [(1, "1 vector is too few"), (42, "42 vectors are too few")])
def test_one_size_alone_shows_no_growth(n, words):
    verdict = size_lab_verdict(sizes_of(lambda n: 1e-5, lambda n: 1e-5, lambda n: n + 1, sizes=(n,)))
    assert words in verdict and "exponent" not in verdict


def test_times_measured_in_a_crowd_are_marked():
    sizes = sizes_of(lambda n: n, lambda n: n, lambda n: n)
    crowded = replace(sizes[1], exact=replace(sizes[1].exact, crowded=True))
    assert "Measured in a crowd: " in size_lab_verdict([sizes[0], crowded])
    assert "crowd" not in size_lab_verdict(sizes)


def test_every_size_has_a_row():
    source = size_lab_table(sizes_of(lambda n: 1e-6 * n, lambda n: 5e-6, lambda n: 30 + n / 10, sizes=(500, 1000)))
    distances, latency = "distances a query, HNSW", ("median latency, HNSW", "median latency, exact")
    assert cells(source, "th") == [["vectors", "recall against exact search", distances, *latency]]
    assert cells(source) == [["500", "0.900", "80", "5 µs", "500 µs"], ["1,000", "0.900", "130", "5 µs", "1.00 ms"]]
