"""Tests of units, and of sentences that are true of the numbers they were given."""

import re

import pytest

from retriever.encoders.catalogue import MODELS
from tests.support.small import HOSTILE, collection_of, passage_of, sentences
from ui.documents.tab import describe_model
from ui.documents.text import build_report
from ui.header import collection_header
from ui.jobs.job import Status
from ui.jobs.progress_text import progress_bar, progress_words, samples_progress
from ui.jobs.shared_samples import PREPARED_MODEL, SAMPLE_TITLES, SharedSamples
from ui.render.html import escape, without_tags
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


@pytest.mark.parametrize(
    ("markup", "words"),
    [
        ("<b>alpha</b> finds 3 of <b>4</b>.", "alpha finds 3 of 4."),
        ("ef &lt; 10 &amp; k &gt; 1", "ef < 10 & k > 1"),
        ('<p class="lab-hint">a<small>b</small></p>', "ab"),
        (f"<b>{escape(HOSTILE)}</b>", HOSTILE),  # what was shown as text is text
        ("&amp;lt;", "&lt;"),
        ("no markup", "no markup"),
    ],
)
def test_plain_words_have_no_markup(markup, words):
    assert without_tags(markup) == words


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
