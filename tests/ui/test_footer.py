"""The foot of the page: the lessons as they stand in docs/, and a link to the source where there is one."""

import pytest

from retriever.errors import ParameterError
from tests.support.page import Elements
from tests.support.paths import ROOT
from ui.footer import glossary, lesson_text


def test_the_lessons_are_those_of_the_documentation_without_its_pictures():
    lessons, written = lesson_text(), (ROOT / "docs" / "lessons.md").read_text(encoding="utf-8")
    assert "](" in written and "](" not in lessons, "a link to a file that the page does not serve"
    assert "![" in written and "![" not in lessons
    assert sum(line not in written for line in lessons.splitlines()) <= written.count("](")
    assert "1. **Documents**" in lessons and "Run record" in lessons


def test_a_page_without_the_documentation_has_no_lessons(monkeypatch, tmp_path):
    monkeypatch.setattr("ui.footer.LESSONS", tmp_path / "lessons.md")
    assert lesson_text() == ""


@pytest.mark.parametrize(
    ("settings", "address"),
    [
        ({}, None),
        ({"SPACE_ID": "class/lab"}, "https://huggingface.co/spaces/class/lab/tree/main"),
        ({"SPACE_ID": "class/lab", "LAB_SOURCE": "https://code.example/lab"}, "https://code.example/lab"),
    ],
)
def test_the_source_is_linked_where_it_has_an_address(monkeypatch, settings, address):
    for name in ("SPACE_ID", "LAB_SOURCE"):
        monkeypatch.delenv(name, raising=False)
    for name, value in settings.items():
        monkeypatch.setenv(name, value)
    foot = Elements(glossary())
    assert ("a" in foot.tags) == (address is not None)
    assert address is None or address in foot.values


@pytest.mark.parametrize("value", ["javascript:alert(1)", "http://code.example", "https://code.example/ x"])
def test_an_address_of_another_kind_is_refused(monkeypatch, value):
    monkeypatch.setenv("LAB_SOURCE", value)
    with pytest.raises(ParameterError, match="LAB_SOURCE"):
        glossary()
