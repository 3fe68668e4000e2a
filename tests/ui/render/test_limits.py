"""Tests of the limits in words: they are those in force."""

from tests.support.page import Elements
from ui.render.limits import judged_limits, limits_table, paste_limits, saved_limits, upload_limits
from ui.settings import Limits, limits

TEMPLATES = {  # with the names of the limits
    upload_limits: "At most {FILES} files, {FILE_MB} MB each and {TOTAL_MB} MB together, {PAGES} pages a PDF, {CHUNKS} "
    "chunks. They are deleted once they are read.",
    paste_limits: "Any text, at most {PASTE_MB} MB; it becomes one document.",
    saved_limits: "At most {SAVED_MB} MB zipped and {UNPACKED_MB} MB unpacked.",
    judged_limits: "At most {TOTAL_MB} MB zipped, {UNPACKED_MB} MB unpacked, {CHUNKS} passages and {QUESTIONS} "
    "questions.",
}


def test_every_limit_in_force_is_told(monkeypatch):
    numbers = {field.alias: number for number, field in enumerate(Limits.model_fields.values(), 1_234)}
    for name, number in numbers.items():
        monkeypatch.setenv(name, str(number))
    told = {name.removeprefix("LAB_MAX_"): f"{number:,}" for name, number in numbers.items()}
    for words, template in TEMPLATES.items():
        assert words(limits()) == template.format(**told)
    rows = [[f"{numbers[field.alias]:,}", field.description] for field in Limits.model_fields.values()]
    assert [words for words in Elements(limits_table(limits())).words if words.strip()] == sum(rows, [])
