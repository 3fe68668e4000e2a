"""The shard lab's sentences and tables: each verdict by results made by hand, usual ones and others."""

from dataclasses import replace

import numpy as np
import pytest

from retriever.measurement.sharding import ShardResult
from tests.support.labs import cells
from tests.support.page import words_of
from tests.support.small import measurement
from ui.recall.labs.shard.questions import outcomes
from ui.recall.labs.shard.text import prediction_table, shard_lab_table, shard_lab_verdict

QUERIES = 20


def split(shards, recall=0.8, distances=200, micros=50, *, n=1600, inside=0.9, **searched):
    """Return the result of equal shards; recall: merged; distances and micros: of each shard, and each query."""
    found, size = measurement(np.full(QUERIES, inside), micros / 1e6, distances, **searched), n // shards
    bytes_of, seconds = ([size * 1000] * shards, [size * 100] * shards), np.full((shards, QUERIES), micros / 1e6)
    return ShardResult([found] * shards, seconds, found.neighbors, np.full(QUERIES, recall), [size] * shards, *bytes_of)


USUAL = [split(1), split(4, 0.9, 180, 45), split(16, 0.995, 150, 40)]


def verdict_of(many, one=USUAL[0]):
    return words_of(shard_lab_verdict([one, many]))


def test_the_verdict_names_the_numbers_it_compares_and_what_explains_them():
    lines = [
        "1,600 vectors, recall@10 against exact search, ef=10 in every shard.",
        "Sharding gives recall, a shorter wait and room: 0.11 MB a machine, not 1.76 MB.",
        "It costs more distances in all.",
        "With 16 shards recall is 0.995, with one graph 0.800: each shard keeps up to 10 candidates of its own, 160 in",
        "all.",
        "All shards together compute 2,400 distances a query, one graph 200: 12.0 times as many, as a shard of 100",
        "vectors still takes 150 (some of its vectors are compared in several layers). Exact search computes 1,600",
        "and misses nothing.",
        "With a machine for each shard, a query waits 40 µs (median), with one graph 50 µs: shorter; 95 of 100 wait",
        "at most 40 µs, with one graph 50 µs. Simulated from the first shard alone, as if each shard were slow by",
        "chance, 95 of 100 wait at most 40 µs.",
        "One machine takes 640 µs for all of them, 12.8 times as long as for one graph.",
        "All vectors and links take 1.76 MB as one graph and 1.76 MB as 16, the largest of which has 0.11 MB.",
    ]
    assert words_of(shard_lab_verdict(USUAL)) == " ".join(lines)


@pytest.mark.parametrize(
    ("many", "found", "words"),
    [
        (split(16, 0.8, 150), ("equal", "more", "equal"), "Recall is 0.800 with one graph and with 16 shards."),
        (split(16, 0.7, 150, 60), ("less", "more", "more"), "one graph 0.800, which is not the usual"),
        (split(16, 0.9, 12.5, 52), ("more", "equal", "equal"), "200 distances a query, one graph 200: about as many."),
        (split(16, 0.9, 6), ("more", "less", "equal"), "96 distances a query, one graph 200: fewer, which"),
        (split(16, 0.9, 90), ("more", "more", "equal"), "a shard of 100 vectors still takes 90. "),
        (split(16, 0.9, 90, 3), ("more", "more", "less"), "takes 48 µs for all of them, about as long as for"),
    ],
)
def test_every_outcome_is_told_also_where_it_is_not_the_usual_one(many, found, words):
    assert tuple(outcomes([USUAL[0], many]).values()) == found
    verdict, (recall, distances, wait) = verdict_of(many), found
    assert words in verdict
    assert ("Exact search computes 1,600" in verdict) == (many.mean_distances >= 1600)
    balance = verdict.partition("Sharding gives ")[2].partition("With")[0]
    costs = {"recall": recall == "less", "more distances": distances == "more", "a longer wait": wait == "more"}
    assert [name for name in costs if name in balance.partition("It costs ")[2].partition(".")[0]] == [
        name for name, costly in costs.items() if costly
    ]
    assert ("About equal: " in balance) == ("equal" in found)


def test_a_difference_that_may_be_chance_is_no_gain_and_where_nothing_is_missed_nothing_is_gained():
    noisy = np.where(np.arange(QUERIES) % 2, 0.82, 0.79)
    verdict = verdict_of(replace(split(16), recall=noisy))
    assert "With 16 shards recall is 0.805, with one graph 0.800: so small a difference may be chance." in verdict
    assert "where nothing is missed, nothing is gained." in verdict_of(split(16, 1.0), split(1, 1.0))


@pytest.mark.parametrize(
    ("searched", "words"),
    [
        ({"k": 10, "ef": 10}, "No shard has more than 5 vectors: with k=10 each returns all that it reaches."),
        ({"k": 3, "ef": 40}, "No shard has more than 5 vectors: with ef=40 each compares all that it reaches."),
    ],
)
def test_shards_smaller_than_k_or_ef_are_told(searched, words):
    verdict = verdict_of(split(16, 1.0, 5, n=80, **searched), split(1, 0.8, 70, n=80, **searched))
    assert words in verdict
    assert "80 in all" in verdict, "no shard keeps more candidates than it has vectors"


def test_one_shard_alone_shows_nothing():
    one = [split(1, n=1)]
    assert words_of(shard_lab_verdict(one)) == "1 vector cannot be split: load a larger collection."
    assert prediction_table({}, one) == ""


def test_predictions_stand_beside_what_was_measured():
    source = prediction_table({"recall": "less", "distances": "more", "wait": "equal"}, USUAL)
    words = words_of(source)
    assert words.startswith("16 shards")
    assert "recall lower higher It came out differently from what you predicted." in words
    assert "distances more more You predicted it." in words
    assert "wait about equal shorter It came out" in words


def test_times_measured_in_a_crowd_are_marked():
    assert "Measured in a crowd: " in shard_lab_verdict([USUAL[0], replace(USUAL[1], crowded=True)])
    assert "crowd" not in shard_lab_verdict(USUAL)


def test_every_number_of_shards_has_a_row():
    heads = cells(shard_lab_table(USUAL), "th")
    assert [len(heads[0]), heads[0][:3]] == [9, ["shards", "recall", "distances in all"]]
    rows = cells(shard_lab_table(USUAL))
    assert rows[0] == ["1", "0.800", "200", "50 µs", "50 µs", "50 µs", "50 µs", "1.76 MB", "1.76 MB"]
    assert rows[2] == ["16", "0.995", "2,400", "40 µs", "40 µs", "40 µs", "640 µs", "1.76 MB", "0.11 MB"]
