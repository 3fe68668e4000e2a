"""Tests of the limits in words: they are those in force."""

import pytest

from retriever.errors import ParameterError
from tests.support.page import words_of
from ui.render.limits import judged_limits, limits_table, paste_limits, saved_limits, upload_limits
from ui.settings import Limits, limits, password


def test_the_limits_of_uploads_are_told(monkeypatch):
    monkeypatch.setenv("LAB_MAX_FILES", "7")
    monkeypatch.setenv("LAB_MAX_CHUNKS", "12345")
    words = upload_limits(limits())
    for limit in ("7 files", "20 MB each", "50 MB together", "3,000 pages", "12,345 chunks", "deleted once"):
        assert limit in words


def test_the_limits_of_text_and_saved_collections_are_told(monkeypatch):
    monkeypatch.setenv("LAB_MAX_PASTE_MB", "3")
    monkeypatch.setenv("LAB_MAX_SAVED_MB", "70")
    assert "at most 3 MB" in paste_limits(limits())
    assert "70 MB zipped and 500 MB unpacked" in saved_limits(limits())


def test_the_limits_of_a_judged_collection_are_told(monkeypatch):
    words = judged_limits(limits())
    assert words == "At most 50 MB zipped, 500 MB unpacked, 50,000 passages and 5,000 questions."
    for name, value in (("TOTAL_MB", 3), ("UNPACKED_MB", 7000), ("CHUNKS", 11), ("QUESTIONS", 1234)):
        monkeypatch.setenv(f"LAB_MAX_{name}", str(value))
    words = judged_limits(limits())
    assert words == "At most 3 MB zipped, 7,000 MB unpacked, 11 passages and 1,234 questions."


def test_the_table_tells_every_limit_in_force(monkeypatch):
    for number, field in enumerate(Limits.model_fields.values(), 1_234):
        monkeypatch.setenv(field.alias, str(number))
    words = words_of(limits_table(limits()).replace("</td>", " </td>"))
    for number, field in enumerate(Limits.model_fields.values(), 1_234):
        assert f"{number:,} {field.description}" in words


@pytest.mark.parametrize("value", ["0", "-1", "many", "1.5", "²", "9" * 5_000])
def test_limits_that_are_no_numbers_are_refused_with_their_names_and_what_to_do(monkeypatch, value):
    names = [field.alias for field in Limits.model_fields.values()]
    for name in names:
        monkeypatch.setenv(name, value)
    with pytest.raises(ParameterError, match="must be a whole number above 0. Correct it, or unset it") as refused:
        limits()
    assert all(f"{name} is '{value}'" in str(refused.value) for name in names)


def test_a_blank_limit_is_the_default(monkeypatch):
    for blank in ("", " "):
        monkeypatch.setenv("LAB_MAX_FILES", blank)
        assert limits().files == 50


def test_there_is_no_password_unless_the_operator_sets_one(monkeypatch):
    monkeypatch.delenv("LAB_PASSWORD", raising=False)
    assert password() == ""
    monkeypatch.setenv("LAB_PASSWORD", "open sesame")
    assert password() == "open sesame"
