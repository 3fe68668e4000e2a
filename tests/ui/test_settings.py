"""Tests of the operator's settings."""

import pytest

from retriever.errors import ParameterError
from ui.settings import Limits, limits, milvus_address, password


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


def test_the_address_of_milvus_is_read_without_what_it_is_asked_with_and_a_bad_one_is_not_repeated(monkeypatch):
    for blank in ("", " "):
        monkeypatch.setenv("LAB_MILVUS_URI", blank)
        assert milvus_address() is None
    monkeypatch.setenv("LAB_MILVUS_URI", "http://root:p%3Aw@localhost:19530")
    assert (milvus_address().uri, milvus_address().token) == ("http://localhost:19530", "root:p:w")
    monkeypatch.setenv("LAB_MILVUS_TOKEN", "key")
    assert milvus_address().token == "key" and "key" not in repr(milvus_address())
    for wrong in (
        "./milvus.db",
        "root:hunter2@host:19530",
        "http://",
        "http://a:b",
        "http://h?p=hunter2",
        "http://a b",
    ):
        monkeypatch.setenv("LAB_MILVUS_URI", wrong)
        with pytest.raises(ParameterError, match="LAB_MILVUS_URI is no address of a Milvus server") as said:
            milvus_address()
        assert "hunter2" not in str(said.value)
