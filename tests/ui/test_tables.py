"""Tests of the tables: every text is escaped, every mark and number is the one that was passed in."""

import re
from dataclasses import replace

import numpy as np
import pytest

from retriever.indexes.base import NO_ID, Neighbors
from retriever.indexes.recall import knn_recall
from tests.support.page import Elements, assert_harmless, words_of
from tests.support.small import HOSTILE, collection_of, measurement, sentences
from ui.recall.tables import distance_sentence, measurement_cards, recall_histogram, worst_queries


def test_cards_show_both_sides_with_units():
    now = measurement([0.5, 0.75, 1.0], [100e-6, 200e-6, 300e-6], ef=25)
    exact = measurement([1, 1, 1], [400e-6, 400e-6, 400e-6], ef=None)
    source = measurement_cards(now, exact)
    cards = [Elements(part).text for part in source.split('class="lab-card"')[1:]]
    assert 'data-ef="25"' in source
    assert "recall@10" in cards[0]
    assert "0.750" in cards[0]
    assert "200 µs" in cards[1]
    assert "400 µs" in cards[1]
    assert f"{np.percentile([100, 200, 300], 95):.0f} µs" in cards[2]
    assert "5,000" in cards[3]  # three queries in 600 µs
    assert "2,500" in cards[3]
    assert "2.0× faster" in cards[1]
    assert distance_sentence(now, exact) == "", "nothing was counted yet"
    counted = [replace(step, distances=np.full(3, n)) for step, n in ((now, 1234.4), (exact, 10_785.0))]
    assert "At ef=25 a query computes 1,234 distances" in Elements(distance_sentence(*counted)).text
    assert "10,785" in distance_sentence(*counted)


def bars_of(recall):
    source = recall_histogram(measurement(recall, 1e-4))
    titles = re.findall(r'title="(\d+) quer(?:y|ies) with recall ([^"]+)"', source)
    return {label: int(count) for count, label in titles if count != "0"}, source


@pytest.mark.parametrize("found", range(11))
def test_each_recall_falls_into_its_own_tenth(found):
    counts, _ = bars_of([found / 10] * 3)
    assert list(counts.values()) == [3]
    assert next(iter(counts)).startswith(f"{found / 10:.1f}")


def test_the_spread_counts_every_query_once():
    recall = np.random.default_rng(1).integers(0, 21, 200) / 20
    counts, source = bars_of(recall)
    assert sum(counts.values()) == 200
    assert counts["1.0"] == int((recall == 1).sum())
    heights = [float(height) for height in re.findall(r"height:([0-9.]+)%", source)]
    assert max(heights) == 100


# --- the worst queries


@pytest.fixture(scope="module")
def starved(fake_encoder):
    return collection_of(fake_encoder, sentences(400), M=2, ef_construction=5)


def test_the_worst_come_first_with_what_they_missed(starved):
    now = starved.measurements.measure(10, 10)
    assert now.mean_recall < 0.9, "this graph is to be poor enough to miss something"
    rows = re.findall(
        r"<tr><td><b>(.*?)</b></td><td>(.*?)</td>\s*<td[^>]*>(.*?)</td></tr>", worst_queries(starved, now)
    )
    order = np.argsort(now.recall, kind="stable")[: len(rows)]
    assert [float(recall) for recall, _, _ in rows] == pytest.approx(now.recall[order], abs=0.0501)
    assert [question for _, question, _ in rows] == [starved.queries[row] for row in order]
    for row, (_, _, missed) in zip(order, rows, strict=True):
        n_missed = round((1 - now.recall[row]) * 10)
        listed = missed.count("Text ") + int((re.findall(r"and (\d+) more", missed) or [0])[0])
        assert listed == n_missed


def test_ties_are_not_listed_as_missed(fake_encoder):
    texts = ["amber anchor apple"] * 4 + ["zebra wolf"]
    twins = collection_of(fake_encoder, texts, queries=["amber anchor", "wolf amber"])
    truth = twins.measurements.truth(2)
    others = [number for number in range(4) if number not in truth.ids[0]]
    ids = np.array([others, [others[0], 4]])
    scores = np.array([truth.scores[0], [truth.scores[1][0], -1.0]], np.float32)
    now = measurement([1.0, 0.5], 1e-4, k=2, neighbors=Neighbors(ids, scores))
    source = worst_queries(twins, now)
    assert source.count("<tr>") == 2  # the head and the second query
    assert source.count("Text ") == 1, "recall 0.5 of two is one missed"


def test_where_nothing_is_missed_nothing_is_listed(fake_encoder):
    rich = collection_of(fake_encoder, sentences(30))
    assert "<table" not in worst_queries(rich, rich.measurements.measure(5, 200))


def test_hostile_queries_and_titles_stay_text(fake_encoder):
    metadata = [{"title": HOSTILE, "doc_id": HOSTILE} for _ in range(400)]
    hostile = collection_of(
        fake_encoder, sentences(400), queries=[HOSTILE] * 8, metadata=metadata, M=2, ef_construction=5
    )
    now = hostile.measurements.measure(10, 10)
    nothing = Neighbors(np.full_like(now.neighbors.ids, -1), np.full_like(now.neighbors.scores, -np.inf))
    source = worst_queries(hostile, measurement(np.zeros(8), 1e-4, neighbors=nothing))
    assert HOSTILE in Elements(source).text
    assert_harmless(source)


def test_a_worst_query_names_as_many_missed_passages_as_its_recall_says(fake_encoder):
    """A copy of a passage is as near as the passage: finding the copy in its place is no miss."""
    texts = ["amber anchor"] * 3 + ["amber river", "zebra wolf"]
    indexed = collection_of(fake_encoder, texts, queries=["amber anchor"])
    exact = indexed.measurements.truth(4)
    assert exact.ids[0].tolist() == [0, 1, 2, 3]
    found = indexed.retriever.exact.search(indexed.query_vectors, 5)
    ids = np.array([[2, 1, 4, NO_ID]])  # a copy is missing, and so is the fourth; the last is one that is far away
    scores = np.array([[found.scores[0, 2], found.scores[0, 1], found.scores[0, 4], -np.inf]], np.float32)
    now = measurement(knn_recall(exact, Neighbors(ids, scores)), 1e-4, k=4, neighbors=Neighbors(ids, scores))
    assert now.mean_recall == 0.5
    missed = words_of(worst_queries(indexed, now)).partition("amber anchor")[2]
    assert "Text 0" in missed and "Text 3" in missed and "Text 1" not in missed
    swapped = Neighbors(np.array([[1, 2, 3, 0]]), exact.scores)
    assert "no query misses" in worst_queries(indexed, measurement([1.0], 1e-4, k=4, neighbors=swapped))
    only_ties = Neighbors(np.array([[2, 3, NO_ID, NO_ID]]), np.array([[1, 1, -np.inf, -np.inf]], np.float32))
    half = measurement(knn_recall(exact, only_ties), 1e-4, k=4, neighbors=only_ties)
    named = words_of(worst_queries(indexed, half)).partition("amber anchor")[2]
    assert len(re.findall(r"Text \d", named)) == 2
