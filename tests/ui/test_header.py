"""Tests of the header."""

from tests.support.page import Elements
from tests.support.small import collection_of, sentences
from ui.header import collection_header


def test_the_header_names_all_that_made_the_numbers(fake_encoder):
    header = collection_header(collection_of(fake_encoder, sentences(40), M=8, ef_construction=50))
    facts = "collection Small entries 40 model fake dimensions 32 M 8 efConstruction 50"
    assert Elements(header).text.split() == facts.split()
    assert "Nothing is loaded" in collection_header(None)
