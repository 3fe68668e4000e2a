"""Tests of the labs' sentences: each verdict in each case, by results made by hand, and growth by known power laws."""

import re
from dataclasses import replace

import numpy as np
import pytest

from retriever.measurement.sweeps import BuildResult, SizeResult
from tests.support.page import words_of
from tests.support.small import measurement
from ui.recall.labs.text import build_lab_table, build_lab_verdict, size_lab_table, size_lab_verdict

MS, WIDTHS = (4, 8, 16, 32), (20, 100, 400)


def measured(recall, seconds, distances, *, ef=10, k=10):
    made = measurement([recall, recall], seconds, ef=ef, k=k)
    return replace(made, distances=np.array([distances, distances], float))


def built(recall=None, seconds=None, links=None, **options):
    """Return twelve results; each function takes M and efConstruction."""
    recall, seconds = recall or (lambda M, width: 0.5), seconds or (lambda M, width: 1.0)
    links = links or (lambda M, width: 1_000_000 * M)
    return [
        BuildResult(M, width, seconds(M, width), links(M, width), measured(recall(M, width), 50e-6, 100 + M, **options))
        for M in MS
        for width in WIDTHS
    ]


def rising(M, width):
    return 0.5 + M / 100 + width / 10_000


def judged(results):
    return re.search(r"<b>Does efConstruction change it\? (.*?)\.</b>", build_lab_verdict(results, 100)).group(1)


# --- the build lab


def test_the_verdict_names_the_numbers_it_compares():
    results = built(rising, lambda M, width: M * width / 100, ef=30, k=7)
    words = words_of(build_lab_verdict(results, 5_000))
    assert words.startswith("Over 5,000 vectors, recall@7 at ef=30.")
    assert (
        "efConstruction from 20 to 400 at M=16: recall 0.662 → 0.700, build time 3.2 s → 64.0 s, memory the same, "
        "16 MB." in words
    )
    assert (
        "M from 4 to 32 at efConstruction=100: recall 0.550 → 0.830, build time 4.0 s → 32.0 s, memory "
        "4.00 MB → 32 MB." in words
    )


@pytest.mark.parametrize(
    ("gain", "words"),
    [(0.1, "recall: yes"), (0.006, "recall: yes"), (0.004, "recall: hardly"), (0, "recall: hardly"), (-0.2, "hardly")],
)
def test_whether_recall_changes(gain, words):
    found = judged(built(lambda M, width: 0.5 + gain * (width == 400)))
    assert words in found
    assert found.count("recall: ") == 1


@pytest.mark.parametrize(("factor", "words"), [(3, "yes"), (1.03, "yes"), (1.01, "no"), (1, "no"), (0.5, "no")])
def test_whether_build_time_and_memory_change(factor, words):
    slower = built(seconds=lambda M, width: factor if width == 400 else 1.0)
    heavier = built(links=lambda M, width: int(1_000_000 * (factor if width == 400 else 1)))
    assert f"build time: {words}" in judged(slower)
    assert "memory: no" in judged(slower)
    assert f"memory: {words}" in judged(heavier)
    assert "build time: no" in judged(heavier)


def test_m_is_named_as_what_costs_memory_only_where_it_does():
    assert "M is what costs memory" in judged(built())
    assert "M is what" not in judged(built(links=lambda M, width: 1_000_000))


def test_only_the_middle_m_and_width_are_judged():
    odd = built(lambda M, width: 0.9 if (M, width) == (32, 400) else 0.5)
    assert "recall: hardly" in judged(odd)


def test_memory_that_changes_is_told_from_and_to():
    words = words_of(build_lab_verdict(built(links=lambda M, width: 1_000_000 + 10_000 * width), 100))
    assert "memory 1.20 MB → 5.00 MB" in words
    assert "memory the same, 2.00 MB" in words


def test_every_graph_has_a_row():
    rows = re.findall(r"<tr><td>(.*?)</td></tr>", build_lab_table(built(rising, lambda M, width: M * width / 1000)))
    cells = [row.split("</td><td>") for row in rows]
    assert [(int(row[0]), int(row[1])) for row in cells] == [(M, width) for M in MS for width in WIDTHS]
    assert cells[0] == ["4", "20", "0.542", "80 ms", "4.00 MB", "104", "50 µs"]
    heads = re.findall("<th>(.*?)</th>", build_lab_table(built()))
    assert heads == ["M", "efConstruction", "recall", "build", "links", "distances a query", "median latency"]


# --- the size lab


def sizes_of(exact, hnsw, distances, recall=lambda n: 0.9, sizes=(100, 200, 400, 800)):
    return [
        SizeResult(n, measured(recall(n), hnsw(n), distances(n)), measured(1, exact(n), n) if n else None)
        for n in sizes
    ]


@pytest.mark.parametrize(
    ("exact", "hnsw", "counted"), [(1, 0.5, 0.3), (1.1, 0, 0), (0.9, 1, 0.25), (2, -0.5, 1), (0, 0.1, 0.2)]
)
def test_growth_is_told_as_exponent_and_as_factor_for_twice_the_vectors(exact, hnsw, counted):
    results = sizes_of(lambda n: 1e-7 * n**exact, lambda n: 2e-6 * n**hnsw, lambda n: 30 * n**counted)
    words = words_of(size_lab_verdict(results))
    found = re.search(
        r"exact search takes ([\d.]+) times as long \(exponent (-?[\d.]+)\), HNSW at ef=10 ([\d.]+) times "
        r"\((-?[\d.]+)\) and ([\d.]+) times the distances \((-?[\d.]+)\)",
        words,
    )
    expected = [2**exact, exact, 2**hnsw, hnsw, 2**counted, counted]
    assert [float(value) for value in found.groups()] == pytest.approx(expected, abs=0.0051)


def by_size(*seconds, recall=lambda n: 1 - n / 10_000):
    """Return results where exact search takes 10 µs and HNSW these, for 100, 200, 400 and 800 vectors."""
    of = dict(zip((100, 200, 400, 800), seconds, strict=True))
    return sizes_of(lambda n: 10e-6, lambda n: of[n] * 1e-6, lambda n: 50, recall)


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        ((20, 15, 9, 5), "HNSW is faster from 400 vectors on"),
        ((20, 15, 12, 5), "HNSW is faster from 800 vectors on"),
        ((5, 5, 5, 5), "HNSW is faster from 100 vectors on"),
        ((20, 20, 20, 20), "exact search is the faster one up to all of them"),
        ((5, 20, 20, 20), "which one is faster changes with the size"),
        ((5, 20, 5, 5), "which one is faster changes with the size"),
    ],
)
def test_the_size_from_which_hnsw_is_faster(seconds, words):
    found = words_of(size_lab_verdict(by_size(*seconds)))
    assert words in found
    assert sum(part in found for part in ("is faster from", "is the faster one", "changes with the size")) == 1


def test_recall_of_the_smallest_and_the_largest_is_told():
    assert "recall goes from 0.990 to 0.920" in words_of(size_lab_verdict(by_size(5, 5, 5, 5)))


@pytest.mark.parametrize("recall", [lambda n: 1.0, lambda n: 0.5 + n / 10_000])
def test_a_larger_ef_is_wanted_only_where_recall_falls(recall):
    assert "wants a larger ef" in size_lab_verdict(by_size(5, 5, 5, 5))
    assert "wants a larger ef" not in size_lab_verdict(by_size(5, 5, 5, 5, recall=recall)), "recall did not fall"


@pytest.mark.parametrize(("n", "words"), [(1, "1 vector is too few"), (42, "42 vectors are too few")])
def test_one_size_alone_shows_no_growth(n, words):
    only = sizes_of(lambda n: 1e-5, lambda n: 1e-5, lambda n: n + 1, sizes=(n,))
    assert words in size_lab_verdict(only)
    assert "exponent" not in size_lab_verdict(only)


def test_every_size_has_a_row():
    results = sizes_of(lambda n: 1e-6 * n, lambda n: 5e-6, lambda n: 30 + n / 10, sizes=(500, 1000))
    rows = re.findall(r"<tr><td>(.*?)</td></tr>", size_lab_table(results))
    assert [row.split("</td><td>") for row in rows] == [
        ["500", "0.900", "80", "5 µs", "500 µs"],
        ["1,000", "0.900", "130", "5 µs", "1 ms"],
    ]
    heads = re.findall("<th>(.*?)</th>", size_lab_table(results))
    assert heads == ["vectors", "recall", "distances, HNSW", "latency, HNSW", "latency, exact"]
