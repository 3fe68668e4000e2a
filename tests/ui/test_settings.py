"""Tests of the operator's settings."""

import pytest

from retriever.errors import ParameterError
from ui.settings import Limits, limits, password


@pytest.mark.parametrize("value", ["0", "-1", "many", "1.5", "²", "9" * 5_000])
def test_limits_that_are_no_numbers_are_refused_with_their_names_and_what_to_do(monkeypatch, value):
    names = [field.alias for field in Limits.model_fields.values()]
    for name in names:
        monkeypatch.setenv(name, value)
    with pytest.raises(ParameterError, match="must be a whole number above 0. Correct it, or unset it") as refused:
        limits()
    assert all(f"{name} is '{value}'" in str(refused.value) for name in names)


def test_what_is_blank_or_unset_is_the_default(monkeypatch):
    for blank in ("", " "):
        monkeypatch.setenv("LAB_MAX_FILES", blank)
        assert limits().files == 50
    monkeypatch.delenv("LAB_PASSWORD", raising=False)
    assert password() == ""
    monkeypatch.setenv("LAB_PASSWORD", "open sesame")
    assert password() == "open sesame"
