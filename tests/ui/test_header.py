"""Tests of the header."""

from tests.support.page import Elements, build_tab, words_of
from tests.support.small import collection_of, sentences
from ui.header import collection_header, create_header
from ui.session import Session


def test_the_header_names_all_that_made_the_numbers(fake_encoder):
    header = collection_header(collection_of(fake_encoder, sentences(40), M=8, ef_construction=50))
    facts = "collection Small entries 40 model fake dimensions 32 M 8 efConstruction 50 Copy link"
    assert Elements(header).text.split() == facts.split()
    assert "Nothing is loaded" in collection_header(None)


def test_a_loaded_collection_changes_the_revision_the_header_and_the_address(indexed, starved):
    header, _ = build_tab(lambda session: create_header())
    shown = header.show(Session(indexed, chosen=True))
    assert shown[header.loaded] == "own=1" and "only while this page is open" in words_of(shown[header.facts])
    other = header.show(Session(starved, chosen=True, sample="python_docs"))
    assert other[header.revision] != shown[header.revision] and "Poor" in other[header.facts]
    assert other[header.loaded] == "sample=python_docs&model=fake&M=2&efConstruction=5"
    assert "only while" not in other[header.facts]
    assert header.show(Session())[header.loaded] == ""
