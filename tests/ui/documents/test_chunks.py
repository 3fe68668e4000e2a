"""Tests of the chunks, a page at a time: all are reached, found by text or place, and none stays."""

import re

import pytest

from tests.support.hostile_text import HOSTILE, assert_shown_as_text
from tests.support.page import Elements, build_tab, words_of
from tests.support.small import collection_of, passage_of, sentences
from ui.documents.chunks import LAST_PAGE, MAX_SHOWN, MAX_SOUGHT, ROWS, build_chunk_browser, marked
from ui.render.html import Html
from ui.session import Session

TEXTS = sentences(2 * ROWS + 7)


@pytest.fixture(scope="module")
def browser():
    return build_tab(build_chunk_browser)[0]


@pytest.fixture(scope="module")
def session(fake_encoder):
    """A session with three pages of chunks."""
    return Session(collection_of(fake_encoder, TEXTS, chunked=True))


def numbers_of(shown, browser):
    """Return the numbers of the chunks in a table."""
    return [int(number) for number in re.findall(r"<tr>\s*<td>([\d,]+)</td>", shown[browser.table])]


def usable(shown, buttons):
    return [shown[button]["interactive"] for button in buttons]


def test_the_pages_hold_every_chunk_once_and_the_buttons_lead_from_the_first_to_the_last(browser, session):
    shown, seen, texts = browser.show("", 1, session), [], ""
    assert usable(shown, browser.back) == [False, False] and usable(shown, browser.forward) == [True, True]
    while True:
        seen += numbers_of(shown, browser)
        texts += words_of(shown[browser.table])
        if not all(usable(shown, browser.forward)):
            break
        shown = browser.turn(1, "", shown[browser.number]["value"], session)
    assert seen == [*range(1, len(TEXTS) + 1)] and all(text in texts for text in TEXTS)
    assert shown == browser.turn(LAST_PAGE, "", 1, session) and usable(shown, browser.back) == [True, True]
    assert f"{len(TEXTS)} chunks. Shown are 101 to 107: page 3 of 3." in words_of(shown[browser.table])
    assert numbers_of(browser.turn(-LAST_PAGE, "", 3, session), browser)[0] == 1


@pytest.mark.parametrize(("number", "first"), [(None, 1), (0, 1), (-5, 1), (2, 51), (99, 101), (1e300, 101)])
def test_a_page_number_beyond_the_ends_gives_the_nearest_page(browser, session, number, first):
    shown = browser.show("", number, session)
    assert numbers_of(shown, browser)[0] == first
    assert shown[browser.number]["value"] == 1 + first // ROWS


def test_a_search_finds_texts_and_places_without_regard_to_case(browser, fake_encoder):
    place = {"doc_id": "Straße.pdf#page=3", "source": "Straße.pdf", "page": 3}
    indexed = collection_of(fake_encoder, ["Owls (at night) hunt.", "Larks sing.", "Wrens <b> sing."])
    indexed.retriever.passages = [passage_of(text, **place) for text in indexed.retriever.texts[:2]]
    indexed.retriever.passages += [passage_of("Wrens <b> SING.", doc_id="x")]
    found = {sought: numbers_of(browser.show(sought, 1, Session(indexed)), browser) for sought in (
        "  sing ", "(AT", "straße.PDF · page", "<b>", "x", "owls.*", "",
    )}  # fmt: skip
    assert [*found.values()] == [[2, 3], [1], [1, 2], [3], [3], [], [1, 2, 3]]
    shown = browser.show("sInG", 1, Session(indexed))[browser.table]
    assert re.findall("<mark>(.*?)</mark>", shown) == ["sing", "SING"]
    assert "2 of 3 entries contain “sInG”." in shown and "&lt;b&gt;" in shown


def test_a_search_is_counted_paged_and_begins_at_its_first_page(browser, session):
    shown = browser.refresh(True, "text", session)
    assert f"{len(TEXTS)} of {len(TEXTS)} chunks contain “text”. Shown are 1 to {ROWS}" in words_of(
        shown[browser.table]
    )
    one = browser.show(TEXTS[60], 3, session)
    assert numbers_of(one, browser) == [61] and one[browser.number]["value"] == 1
    assert "1 of 107 chunks contains" in one[browser.table]
    none = browser.show("zzz", 1, session)[browser.table]
    assert "0 of 107 chunks contain “zzz”." in none and "<table" not in none


def test_nothing_is_rendered_while_the_accordion_is_closed_and_nothing_stays_of_another_collection(
    browser, session, fake_encoder
):
    assert browser.refresh(False, None, session) == browser.clear() == {browser.table: ""}
    opened = browser.open(None, 2, session)
    assert opened[browser.opened] and numbers_of(opened, browser)[0] == 51
    other = Session(collection_of(fake_encoder, ["Only this."]))
    shown = browser.refresh(True, "", other)
    assert numbers_of(shown, browser) == [1] and "1 entry." in shown[browser.table]
    assert shown[browser.number]["value"] == 1
    assert browser.close() == {browser.opened: False, browser.table: ""}
    assert browser.show("", 1, Session()) == browser.clear()


def test_a_place_is_short_and_a_long_text_is_cut(browser, fake_encoder):
    indexed = collection_of(fake_encoder, ["one", "two"])
    place = {"doc_id": "a.pdf#page=3", "title": "a.pdf", "source": "a.pdf", "page": 3}
    indexed.retriever.passages = [
        passage_of("one", span=(1200, 1300), **place),
        passage_of("x" * (MAX_SHOWN + 5), doc_id="d1", title="Untitled", row=7, source="t.csv"),
    ]
    shown = browser.show("", 1, Session(indexed))[browser.table]
    assert "<td>a.pdf · page 3 <small>characters 1,200–1,300</small></td>" in shown
    assert "<td>Untitled · t.csv · row 7</td>" in shown, "a table's own title"
    assert f"x … <small>({MAX_SHOWN + 5:,} characters in all)</small>" in shown
    assert len(re.search("x{9,}", shown)[0]) == MAX_SHOWN


@pytest.mark.parametrize("name", [name for name in HOSTILE if name != "long"])
def test_hostile_chunks_and_searches_are_shown_as_text(browser, fake_encoder, name):
    def shown(text):
        indexed = collection_of(fake_encoder, ["one", "two"])
        indexed.retriever.passages = [passage_of("one", doc_id=text), passage_of(f"{text} and more", doc_id="d")]
        return browser.show("", 1, Session(indexed))[browser.table]

    assert_shown_as_text(shown, HOSTILE[name], times=2)
    found = Elements(marked(HOSTILE[name], "a"))
    assert set(found.tags) <= {"mark"} and found.text == Elements(Html.escape(HOSTILE[name])).text


def test_what_is_sought_is_bounded(browser, session):
    shown = words_of(browser.show("x" * 10_000, 1, session)[browser.table])
    assert f"contain “{'x' * MAX_SOUGHT}”" in shown
