"""Tests of the limits in words: they are those in force."""

import pytest

from retriever.errors import ParameterError
from tests.support.page import words_of
from ui.render.limits import judged_limits, limits_table, paste_limits, saved_limits, upload_limits
from ui.settings import SETTINGS, limits, password


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
    for number, setting in enumerate(SETTINGS.values(), 1_234):
        monkeypatch.setenv(setting.variable, str(number))
    words = words_of(limits_table(limits()).replace("</td>", " </td>"))
    for number, setting in enumerate(SETTINGS.values(), 1_234):
        assert f"{number:,} {setting.limits}" in words


@pytest.mark.parametrize("name", [setting.variable for setting in SETTINGS.values()])
@pytest.mark.parametrize("value", ["0", "-1", "many", "1.5"])
def test_a_limit_that_is_no_number_is_refused_with_its_name(monkeypatch, name, value):
    monkeypatch.setenv(name, value)
    with pytest.raises(ParameterError, match=f"{name} is '{value}'"):
        limits()


def test_there_is_no_password_unless_the_operator_sets_one(monkeypatch):
    monkeypatch.delenv("LAB_PASSWORD", raising=False)
    assert password() == ""
    monkeypatch.setenv("LAB_PASSWORD", "open sesame")
    assert password() == "open sesame"
