"""Tests of the report of a build and the table of its chunks."""

import re

from tests.support.page import Elements
from tests.support.small import collection_of, sentences
from ui.documents.text import SHOWN_CHUNKS, build_report, chunk_table


def test_the_report_counts_and_times_what_was_built(fake_encoder):
    indexed = collection_of(fake_encoder, sentences(40), failed={"a.pdf": "It is damaged."}, chunked=True)
    report = build_report(indexed)
    rows = dict(re.findall(r"<tr><th>(.*?)</th><td>(.*?)</td></tr>", report))
    assert rows["documents"] == rows["chunks"] == "40"
    assert rows["tokens"] == f"{40 * 12:,}"  # ten words a sentence, and the fake encoder's two special tokens
    assert rows["vectors"] == "40 × 32 = 0.01 MB"  # 40 * 32 * 4 bytes
    assert rows["measuring queries"] == "20, its own"
    assert (rows["reading"], rows["embedding"], rows["graph"]) == ("250 ms", "12.0 s", "500 µs")
    assert "<b>a.pdf</b>: It is damaged." in report
    assert "not embedded again" not in rows
    other = build_report(collection_of(fake_encoder, sentences(5), drawn=True, n_kept=3))
    assert "20, drawn from the documents" in other and "Not read" not in other
    assert "3: the same text was loaded before" in other


def test_chunks_are_shown_up_to_a_number(fake_encoder):
    few, many = (Elements(chunk_table(collection_of(fake_encoder, sentences(n)))) for n in (7, 150))
    assert few.tags.count("tr") == 1 + 7 and many.tags.count("tr") == 1 + SHOWN_CHUNKS
    assert "All 7 entries." in few.text and "The first 100 of 150 entries." in many.text
    assert sentences(7)[6] in few.text and "Text 6 · t.txt" in few.text
