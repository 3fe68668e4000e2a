"""Tests of the limits in words: they are those in force."""

import pytest

from tests.support.page import Elements
from ui.render.limits import judged_limits, limits_table, paste_limits, saved_limits, upload_limits
from ui.settings import Limits, limits

CHANGED = {"FILES": 7, "TOTAL_MB": 3, "PASTE_MB": 4, "SAVED_MB": 70, "UNPACKED_MB": 7_000, "CHUNKS": 12_345}


@pytest.mark.parametrize(
    ("limits_of", "words", "changed"),
    [
        (
            upload_limits,
            "At most 50 files, 20 MB each and 50 MB together, 3,000 pages a PDF, 50,000 chunks. They are deleted once "
            "they are read.",
            ["7 files", "3 MB together", "12,345 chunks"],
        ),
        (paste_limits, "Any text, at most 2 MB; it becomes one document.", ["4 MB"]),
        (saved_limits, "At most 200 MB zipped and 500 MB unpacked.", ["70 MB", "7,000 MB"]),
        (
            judged_limits,
            "At most 50 MB zipped, 500 MB unpacked, 50,000 passages and 5,000 questions.",
            ["3 MB", "7,000 MB", "12,345 passages"],
        ),
    ],
)
def test_the_limits_are_told(monkeypatch, limits_of, words, changed):
    assert limits_of(limits()) == words
    for name, value in CHANGED.items():
        monkeypatch.setenv(f"LAB_MAX_{name}", str(value))
    assert all(part in limits_of(limits()) for part in changed)


def test_the_table_tells_every_limit_in_force(monkeypatch):
    expected = []
    for number, field in enumerate(Limits.model_fields.values(), 1_234):
        monkeypatch.setenv(field.alias, str(number))
        expected += [f"{number:,}", field.description]
    assert [words for words in Elements(limits_table(limits())).words if words.strip()] == expected
