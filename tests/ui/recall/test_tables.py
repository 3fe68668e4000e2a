"""The numbers beside the ef slider: each is the one passed in, and misses are those that recall counts."""

import re
from dataclasses import replace

import numpy as np
import pytest

from retriever.indexes.base import NO_ID, Neighbors
from retriever.indexes.recall import knn_recall
from retriever.measurement.measurement import PairedMeasurement
from retriever.shared_results import SharedResult
from tests.support.page import words_of
from tests.support.small import collection_of, measurement, pair_of
from ui.recall.tables import age_note, distance_sentence, measurement_cards, recall_histogram, worst_queries
from ui.render.numbers import format_score, speed_up_words
from ui.render.records import pair_numbers


def test_cards_and_distances_show_both_sides_with_units():
    seconds = [100e-6, 200e-6, 300e-6]
    pair = pair_of([0.5, 0.75, 1.0], seconds, [390e-6, 400e-6, 410e-6], distances=1234.4, n=10_785, ef=25)
    source = measurement_cards(pair)
    assert 'data-ef="25"' in source
    cards = [words_of(part) for part in source.split('class="lab-card"')[1:]]
    parts = [
        ("recall@10 against exact search", "0.750"),
        ("200 µs", "400 µs", "2.0× faster"),
        ("290 µs", "409 µs"),
        ("5,000", "2,500"),
    ]
    for card, wanted in zip(cards, parts, strict=True):  # 290: numpy's linear percentile; 5,000: three in 600 µs
        assert all(part in card for part in wanted)
    words = "At ef=25 a query computes 1,234 distances, exact search 10,785. One takes HNSW 162 ns, exact search 37 ns"
    assert words_of(distance_sentence(pair)).startswith(words), "200 µs / 1,234.4 and 400 µs / 10,785"
    assert distance_sentence(replace(pair, hnsw=replace(pair.hnsw, distances=None))) == "", "nothing was counted yet"
    quick = pair_of([1], 10e-6, 400e-6, distances=1_000, n=1_000)
    assert words_of(distance_sentence(quick)) == "At ef=10 a query computes 1,000 distances, exact search 1,000."


def test_a_record_reads_as_the_cards_do_also_where_a_number_is_about_to_round_up():
    """2.0502 times slower is 2.1: a ratio of three decimals, .488, would read as 2.0."""
    pair = pair_of([0.98749996, 0.98749996], 205.02e-6, 100e-6)
    numbers = pair_numbers(pair)
    ratio = speed_up_words(numbers["speed_up"], numbers["speed_up_range"])
    recall = format_score(numbers["hnsw"]["mean_recall"])
    assert (ratio, recall) == ("2.1× slower", "0.987")
    cards = words_of(measurement_cards(pair))
    assert ratio in cards and recall in cards


@pytest.mark.parametrize(
    "recall",  # 7 of 10 found is 0.7, or a little less, however it was computed
    [np.arange(11) / 10, np.nextafter(np.arange(11) / 10, 0), np.random.default_rng(1).integers(0, 21, 200) / 20],
)
def test_the_histogram_counts_every_query_once_in_its_own_tenth(recall):
    source = recall_histogram(measurement(recall, 1e-4))
    counts = {
        label: int(count) for count, label in re.findall(r'title="(\d+) quer(?:ies|y) with recall ([^"]+)"', source)
    }
    twentieths = np.rint(recall * 20)  # exact, unlike recall
    expected = {f"{low / 10:.1f}–": ((2 * low <= twentieths) & (twentieths < 2 * low + 2)).sum() for low in range(10)}
    assert counts == expected | {"1.0": (twentieths == 20).sum()}
    assert ("1 queries" in source, "1 query " in source) == (False, 1 in counts.values())
    heights = [float(height) for height in re.findall(r"height:([0-9.]+)%", source)]
    assert heights == pytest.approx([100 * count / max(counts.values()) for count in counts.values()], abs=0.51)


def test_the_worst_come_first_with_what_they_missed(starved):
    now = starved.measurements.measure(10, 10).hnsw
    source = worst_queries(starved, now)
    rows = re.findall(
        r"<tr>\s*<td><b>(.*?)</b></td>\s*<td>(.*?)</td>\s*<td[^>]*>(.*?)</td>\s*</tr>", source, flags=re.DOTALL
    )
    order = np.argsort(now.recall, kind="stable")[:5]
    assert [float(recall) for recall, _, _ in rows] == pytest.approx(now.recall[order], abs=0.00051)
    assert [words_of(question) for _, question, _ in rows] == [starved.queries[row] for row in order]
    for row, (_, _, missed) in zip(order, rows, strict=True):
        more = re.search(r" and (\d+) more ", missed)
        listed = missed.count("Text ") + (int(more[1]) if more else 0)
        assert listed == round((1 - now.recall[row]) * 10)
        assert "?tab=walk&amp;q=" in missed, "the next click explains it"
    assert " more" in source, "this graph is to be poor enough to miss more than is listed"


@pytest.mark.parametrize(
    ("found", "missed"),
    [
        ([0, 1], None),
        ([2, 1], None),  # a copy of a passage is as near as the passage: finding the copy in its place is no miss
        ([2, 4], ["Text 0"]),  # neither is among the exact neighbours, but one of them is a copy
        ([4, NO_ID], ["Text 0", "Text 1"]),
    ],
)
def test_a_worst_query_names_as_many_missed_passages_as_its_recall_says(fake_encoder, found, missed):
    texts = ["amber anchor"] * 3 + ["amber river", "zebra wolf"]
    indexed = collection_of(fake_encoder, texts, queries=["amber anchor"])
    exact, every = indexed.measurements.truth(2), indexed.retriever.exact.search(indexed.query_vectors, 5)
    assert exact.ids[0].tolist() == [0, 1] and set(every.ids[0, :3]) == {0, 1, 2}
    score = dict(zip(every.ids[0].tolist(), every.scores[0], strict=True)) | {NO_ID: -np.inf}
    neighbors = Neighbors(np.array([found]), np.array([[score[row] for row in found]], np.float32))
    now = measurement(knn_recall(exact, neighbors), 1e-4, k=2, neighbors=neighbors)
    words = words_of(worst_queries(indexed, now))
    assert re.findall(r"Text \d", words) == (missed or [])
    assert ("no query misses anything" in words) is (missed is None)


@pytest.mark.parametrize(
    ("seconds_ago", "shared", "note"),
    [
        (0.0, False, ""),
        (0.4, True, "Measured just now, for all who asked."),
        (3.2, True, "Measured 3 s ago, for all who asked."),
    ],
)
def test_the_cards_say_when_a_shared_measurement_was_made(seconds_ago, shared, note):
    pair = pair_of(1, 100e-6, 400e-6)
    assert age_note(SharedResult(pair, seconds_ago, shared)) == note
    assert words_of(measurement_cards(pair, note)).endswith(note)


@pytest.mark.parametrize(("of_hnsw", "of_exact"), [(False, False), (True, False), (False, True)])
def test_latencies_measured_in_a_crowd_are_marked(of_hnsw, of_exact):
    pair = pair_of(1, 100e-6, 400e-6)
    pair = PairedMeasurement(replace(pair.hnsw, crowded=of_hnsw), replace(pair.exact, crowded=of_exact))
    assert ("Measured in a crowd: " in words_of(measurement_cards(pair))) == (of_hnsw or of_exact)
