"""Tests of the report of a build."""

import re

from tests.support.small import collection_of, sentences
from ui.documents.text import build_report


def test_the_report_counts_and_times_what_was_built(fake_encoder):
    indexed = collection_of(
        fake_encoder,
        sentences(40),
        failed={"a.pdf": "It is damaged."},
        notes={"b.txt": ["The encoding is a guess: cp850."]},
        chunked=True,
    )
    report = build_report(indexed)
    rows = dict(re.findall(r"<tr><th>(.*?)</th><td>(.*?)</td></tr>", report))
    assert rows["documents"] == rows["chunks"] == "40"
    assert rows["tokens"] == f"{40 * 12:,}"  # ten words a sentence, and the fake encoder's two special tokens
    assert rows["vectors"] == "40 × 32 = 0.01 MB"  # 40 * 32 * 4 bytes
    assert rows["measuring queries"] == "20, its own"
    assert (rows["reading"], rows["embedding"]) == ("250 ms", "12.0 s")
    assert "graph" not in rows, "what took half a millisecond is left out"
    assert "Time by stage<" in report
    assert "<b>a.pdf</b>: It is damaged." in report
    assert "<b>b.txt</b>: The encoding is a guess: cp850." in report
    assert "not embedded again" not in rows
    assert "copies" not in rows
    copied = build_report(collection_of(fake_encoder, [*sentences(40), *sentences(2), sentences(1)[0].lower()]))
    assert "5 with the same vector as another, 4 with the same text" in copied
    other = build_report(collection_of(fake_encoder, sentences(5), drawn=True, n_kept=3))
    assert "20, drawn from the documents" in other and "Not read" not in other and "while reading" not in other
    saved = build_report(collection_of(fake_encoder, sentences(5), from_saved=True))
    assert "Time by stage, when it was first built<" in saved, "embedding took no 12 s now"
    assert "3: the same text was loaded before" in other
