"""Tests of units, and of sentences that are true of the numbers they were given."""

import re
from dataclasses import replace

import numpy as np
import pytest

from retriever.encoders.catalogue import MODELS
from tests.support.small import HOSTILE, collection_of, curve_of, measurement, passage_of, sentences, sized
from ui.documents.tab import describe_model
from ui.documents.text import build_report
from ui.header import collection_header
from ui.jobs.job import Status
from ui.jobs.progress_text import progress_bar, progress_words, samples_progress
from ui.jobs.shared_samples import PREPARED_MODEL, SAMPLE_TITLES, SharedSamples
from ui.recall.text import curve_lesson, target_sentence
from ui.render.html import escape
from ui.render.numbers import format_megabytes, format_seconds, latency_ratio
from ui.render.passages import passage_noun, passage_place


@pytest.fixture(scope="module")
def indexed(fake_encoder):
    return collection_of(fake_encoder, sentences(40), M=8, ef_construction=50)


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


@pytest.mark.parametrize(
    ("count", "words"), [(0, "0.00 MB"), (1_500_000, "1.50 MB"), (9_990_000, "9.99 MB"), (1_234_000_000, "1,234 MB")]
)
def test_megabytes_are_of_a_million_bytes(count, words):
    assert format_megabytes(count) == words


def test_ratio_says_who_is_faster():
    assert latency_ratio(0.004, 0.001) == "4.0× faster"
    assert latency_ratio(0.001, 0.004) == "4.0× slower"
    assert latency_ratio(0.0, 0.001) == latency_ratio(0.001, 0.0) == "–"


def test_escape_leaves_no_markup():
    assert "<" not in escape(HOSTILE)
    assert '"' not in escape(HOSTILE)


def test_the_header_names_all_that_made_the_numbers(indexed):
    header = collection_header(indexed)
    facts = dict(re.findall(r"<i>(.*?)</i> <b>(.*?)</b>", header))
    assert facts == {
        "collection": "Small",
        "entries": "40",
        "model": "fake",
        "dimensions": "32",
        "M": "8",
        "efConstruction": "50",
    }


def test_the_header_without_a_collection_says_so():
    assert "Nothing is loaded" in collection_header(None)


def test_a_hostile_collection_name_stays_text(fake_encoder):
    hostile = collection_of(fake_encoder, sentences(3), name=HOSTILE, failed={HOSTILE: HOSTILE})
    for shown in (collection_header(hostile), build_report(hostile)):
        assert "<img" not in shown
        assert "<script" not in shown
        assert "&lt;img" in shown


def test_the_report_counts_and_times_what_was_built(fake_encoder):
    indexed = collection_of(fake_encoder, sentences(40), failed={"a.pdf": "It is damaged."}, chunked=True)
    report = build_report(indexed)
    rows = dict(re.findall(r"<tr><th>(.*?)</th><td>(.*?)</td></tr>", report))
    assert rows["documents"] == rows["chunks"] == "40"
    assert rows["tokens"] == f"{40 * 12:,}"  # ten words a sentence, and the fake encoder's two special tokens
    assert rows["vectors"] == "40 × 32 = 0.01 MB"  # 40 * 32 * 4 bytes
    assert rows["measuring queries"].startswith("20, ")
    assert (rows["reading"], rows["embedding"], rows["graph"]) == ("250 ms", "12.0 s", "500 µs")
    assert "<b>a.pdf</b>: It is damaged." in report


def test_measuring_queries_say_where_they_come_from(fake_encoder):
    own = build_report(collection_of(fake_encoder, sentences(5)))
    drawn = build_report(collection_of(fake_encoder, sentences(5), drawn=True))
    assert "drawn from the documents" in drawn
    assert "drawn from the documents" not in own


def test_the_word_for_a_vector_fits_the_collection(fake_encoder):
    assert passage_noun(collection_of(fake_encoder, ["one"], chunked=True)) == "chunks"
    assert passage_noun(collection_of(fake_encoder, ["one"], chunked=False)) == "entries"


# --- what a curve teaches


def test_lesson_where_recall_is_always_one():
    lesson = curve_lesson(sized(90), measurement(1, 20e-6, ef=None), curve_of((10, 1.0, 30), (15, 1.0, 40)))
    assert "1.0 at every ef" in lesson
    assert "90 vectors" in lesson
    assert "faster" not in lesson


def test_lesson_is_not_told_of_recall_one_if_some_ef_misses_something():
    lesson = curve_lesson(sized(90), measurement(1, 500e-6, ef=None), curve_of((10, 1.0, 30), (15, 0.98, 40)))
    assert "every ef" not in lesson


def test_lesson_where_exact_search_is_as_fast():
    exact = measurement(1, 20e-6, ef=None)
    lesson = curve_lesson(sized(300, break_even=4_000), exact, curve_of((10, 0.8, 30), (15, 0.9, 40)))
    assert "20 µs" in lesson
    assert "30 µs" in lesson
    assert "300 vectors" in lesson
    assert "4,000" in lesson


def test_lesson_does_not_call_exact_search_cheaper_when_it_is_not():
    exact = measurement(1, 36e-6, ef=None)  # a fifth slower than HNSW
    lesson = curve_lesson(sized(300), exact, curve_of((10, 0.8, 30), (15, 0.9, 40)))
    assert "costs less" not in lesson


def test_lesson_where_the_trade_off_shows():
    exact = measurement(1, 400e-6, ef=None)
    curve = curve_of((10, 0.62, 40), (20, 0.8, 60), (40, 0.96, 100), (200, 0.99, 380), (400, 1.0, 500))
    lesson = curve_lesson(sized(11_000), exact, curve)
    assert "At ef=10 HNSW is 10.0× faster" in lesson
    assert "62" in lesson
    assert "at ef=40" in lesson
    assert "4.0× faster" in lesson
    assert "From ef=400 on" in lesson
    assert "200" not in lesson  # 380 µs is not as slow as exact search


def test_lesson_names_only_an_ef_from_which_exact_search_stays_as_fast():
    exact = measurement(1, 400e-6, ef=None)
    curve = curve_of((10, 0.6, 40), (20, 0.8, 450), (40, 0.96, 100), (400, 1.0, 500))  # 450: a hiccup of the machine
    assert "From ef=20 on" not in curve_lesson(sized(11_000), exact, curve)


def test_lesson_does_not_round_up_to_all_neighbours():
    exact = measurement(1, 400e-6, ef=None)
    lesson = curve_lesson(sized(11_000), exact, curve_of((10, 0.997, 40), (20, 0.999, 60)))
    assert "100%" not in lesson


def test_target_words_name_the_smallest_ef_that_reaches_it():
    curve = curve_of((10, 0.62, 40), (20, 0.8, 60), (40, 0.96, 100), (60, 0.97, 130))
    words = target_sentence(curve, 0.95)
    assert "ef = 40" in words
    assert "0.960" in words
    assert "100 µs" in words


def test_target_words_say_what_the_best_is_where_none_reaches_it():
    words = target_sentence(curve_of((10, 0.62, 40), (20, 0.8, 60)), 0.95)
    assert "0.95" in words
    assert "0.800" in words
    assert "ef =" not in words


def test_target_words_do_not_contradict_themselves():
    words = target_sentence(curve_of((10, 0.62, 40), (20, 0.9997, 60)), 1.0)
    assert "1.000" not in words, "the best is below 1, and 1.00 is what it does not reach"


# --- places, progress, shared samples


@pytest.mark.parametrize(
    ("place", "words"),
    [
        (
            {"doc_id": "a.txt", "title": "Tea", "source": "a.txt", "span": (5, 90)},
            "Tea · a.txt · characters 5–90",
        ),
        ({"doc_id": "a.pdf#page=2", "title": "", "source": "a.pdf", "page": 2}, "a.pdf#page=2 · a.pdf · page 2"),
        ({"doc_id": "t.csv#row=3", "title": "t.csv", "source": "t.csv", "row": 3}, "t.csv · row 3"),
        ({"doc_id": "shutil.copytree", "title": "shutil.copytree"}, "shutil.copytree"),
        ({"title": "Tea", "start": 2, "end": 9, "chunk": "a visitor's own columns"}, "Tea"),
        ({}, ""),
    ],
)
def test_place_names_document_and_position(place, words):
    assert passage_place(passage_of("", **place)) == words


@pytest.mark.parametrize(
    ("status", "present", "absent"),
    [
        (Status(), "waiting", "left"),
        (Status("embedding", 0.0, 5.0), "embedding", "%"),
        (Status("embedding", 0.25, 10.0), "about 30.0 s left", "75"),
        (Status("embedding", 0.25, 10.0), "25%", "75"),
        (Status("embedding", 0.01, 10.0), "1%", "left"),  # too little is done to estimate
        (Status("graph", 1.0, 10.0), "100%", "left"),
    ],
)
def test_progress_says_stage_share_and_time_left(status, present, absent):
    words = progress_words(status)
    assert present in words
    assert absent not in words


def test_the_progress_bar_is_as_long_as_what_is_done():
    bar = progress_bar(Status("embedding", 0.375, 1.0))
    assert 'aria-valuenow="38"' in bar
    assert "width:37.5%" in bar


def test_samples_are_shown_as_being_prepared_until_all_are_ready(indexed):
    state = SharedSamples()
    missing = [name for name in SAMPLE_TITLES if name in state.names]
    for name in state.names:
        words = samples_progress(state)
        assert [known for known in SAMPLE_TITLES if SAMPLE_TITLES[known] in words] == missing
        state._ready[name, PREPARED_MODEL] = indexed
        missing.remove(name)
    assert samples_progress(state) == ""


def test_every_model_is_described():

    for card in MODELS.values():
        words = describe_model(card)
        assert str(card.dimension) in words
        assert ("offline" in words) == card.packaged
        assert (str(card.max_tokens) in words) == (card.max_tokens is not None)


# --- distances in the lesson


def with_distances(step, distances):
    return replace(step, distances=np.full(len(step.recall), float(distances)))


def lesson_of(n, *, exact, hnsw, distances, recall=0.8):
    """Return the lesson of one ef: microseconds of both searches, and distances of HNSW."""
    curve = [with_distances(step, distances) for step in curve_of((10, recall, hnsw))]
    return curve_lesson(sized(n), with_distances(measurement(1, exact / 1e6, ef=None), n), curve)


@pytest.mark.parametrize(("distances", "words"), [(45, "50%"), (89.6, "100%"), (9, "10%"), (120, "100%")])
def test_where_recall_is_one_the_lesson_says_how_much_is_visited(distances, words):
    lesson = lesson_of(90, exact=20, hnsw=30, distances=distances, recall=1.0)
    assert f"it computes {distances:,.0f} distances, {words} of all there are" in lesson


def test_the_lesson_says_what_one_distance_takes_in_both_searches():
    lesson = lesson_of(1_000, exact=20, hnsw=30, distances=150)
    assert "HNSW computes 150 distances, but each takes 200 ns against 20 ns" in lesson


def test_the_lesson_does_not_explain_what_is_not_so():
    lesson = lesson_of(100, exact=12, hnsw=10, distances=125)  # 80 ns a distance against 120 ns
    assert "as it jumps about in memory" not in lesson, "a distance costs less there"


def test_the_lesson_without_counted_distances_says_nothing_of_them():
    for recall in (0.8, 1.0):
        lesson = curve_lesson(sized(300), measurement(1, 20e-6, ef=None), curve_of((10, recall, 30)))
        assert "distances" not in lesson
