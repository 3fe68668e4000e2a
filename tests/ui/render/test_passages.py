"""Tests of passages in words."""

import pytest

from tests.support.small import collection_of, passage_of
from ui.render.passages import count_passages, passage_noun, passage_place


def test_the_word_for_a_vector_fits_the_collection(fake_encoder):
    chunked, whole = (collection_of(fake_encoder, ["one"], chunked=chunked) for chunked in (True, False))
    assert (passage_noun(chunked), passage_noun(whole)) == ("chunks", "entries")
    assert (count_passages(chunked, 1), count_passages(chunked, 2_000)) == ("1 chunk", "2,000 chunks")
    assert (count_passages(whole, 1), count_passages(whole, 0)) == ("1 entry", "0 entries")


@pytest.mark.parametrize(
    ("place", "words"),
    [
        ({"doc_id": "a.txt", "title": "Tea", "source": "a.txt", "span": (5, 90)}, "Tea · a.txt · characters 5–90"),
        ({"doc_id": "a.pdf#page=2", "title": "", "source": "a.pdf", "page": 2}, "a.pdf · page 2"),
        ({"doc_id": "a.pdf#page=2", "title": "untitled", "source": "a.pdf", "page": 2}, "a.pdf · page 2"),
        (
            {"doc_id": "b/a.txt~2", "source": "b/a.txt", "span": (1000, 2000)},
            "b/a.txt · characters 1,000–2,000",
        ),
        ({"doc_id": "bread.md", "title": "Bread", "source": "bread.md"}, "bread.md"),
        ({"doc_id": "x.doc", "title": "Microsoft Word - y.doc", "source": "x.docx"}, "x.doc · x.docx"),
        ({"doc_id": "bread-mould", "title": "", "source": "b.jsonl", "row": 3}, "bread-mould · b.jsonl · row 3"),
        ({"doc_id": "t.csv#row=3", "title": "t.csv", "source": "t.csv", "row": 3}, "t.csv · row 3"),
        ({"doc_id": "t.csv#row=3", "title": "setup.txt", "source": "t.csv", "row": 3}, "setup.txt · t.csv · row 3"),
        ({"doc_id": "d12", "title": ""}, "d12"),
        ({"title": "Tea", "start": 2, "end": 9, "chunk": "a visitor's own columns"}, "Tea"),
        ({}, ""),
    ],
)
def test_place_names_document_and_position(place, words):
    assert passage_place(passage_of("", **place)) == words
