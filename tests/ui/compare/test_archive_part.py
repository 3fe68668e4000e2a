"""Tests of the choice of a part of an archive: it appears if there are several, and offers all of them by name."""

import zipfile

import gradio as gr
import pytest

from tests.support.handlers import finish
from tests.support.hostile import BEIR
from tests.support.page import build_tab
from ui.compare.archive_part import MAX_OFFERED, build_archive_part, chosen_part, part_choices


@pytest.fixture(scope="module")
def part():
    return build_tab(lambda session: build_archive_part(gr.File()))[0]


@pytest.fixture
def offered(part, tmp_path):
    """A function that offers the parts of an archive with these folders, and a split more in some of them."""

    def offered(folders, dev=()):
        members = {f"{folder}{name}": text for folder in folders for name, text in BEIR.items()}
        members |= {f"{folder}qrels/dev.tsv": BEIR["qrels/test.tsv"] for folder in dev}
        with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
            for name, text in members.items():
                archive.writestr(name, text)
        return finish(part.offer(str(tmp_path / "a.zip")))[part.choice]

    return offered


def test_of_several_collections_none_is_chosen_for_the_visitor(offered):
    shown = offered(["stack/a/", "stack/b/"], dev=["stack/b/"])
    assert (shown["visible"], shown["value"]) == (True, None)
    assert shown["choices"] == [
        ("stack/a, split test", "stack/a:test"),
        ("stack/b, split test", "stack/b:test"),
        ("stack/b, split dev", "stack/b:dev"),
    ]
    assert [chosen_part(value) for _, value in shown["choices"]][1:] == [("stack/b", "test"), ("stack/b", "dev")]


def test_of_several_splits_the_usual_one_is_chosen(offered):
    shown = offered(["a/"], dev=["a/"])
    assert (shown["visible"], shown["value"]) == (True, "a:test")
    assert [words for words, _ in shown["choices"]] == ["split test", "split dev"]


def test_without_a_choice_nothing_is_shown(part, offered, tmp_path):
    (tmp_path / "bad.zip").write_bytes(b"PK\x03\x04")
    for shown in (
        offered([""]),
        *(finish(part.offer(path))[part.choice] for path in (None, str(tmp_path / "bad.zip"))),
    ):
        assert (shown["visible"], shown["value"]) == (False, None)
    assert chosen_part(None) == ("", "")


def test_no_more_are_offered_than_can_be_looked_through():
    assert len(part_choices({str(number): ["test"] for number in range(MAX_OFFERED + 1)})) == MAX_OFFERED
