"""Tests of the controls: their values become a request, and only the file inputs that are needed are shown."""

import pytest

from retriever.errors import ParameterError
from tests.support.page import build_tab
from ui.compare.controls import NONE, create_controls
from ui.compare.request import BEIR, COLLECTIONS, LOADED, CompareRequest
from ui.compare.retrievers.choices import FIRST_CHOICES, RETRIEVERS
from ui.compare.shown.marks import ORDINALS


@pytest.fixture(scope="module")
def controls():
    return build_tab(lambda session: create_controls())[0]


def request(controls, part=None, **changed):
    """Return the request of the controls' first values, but for those that were changed, by name."""
    values = {component: component.value for component in controls.inputs} | {controls.archive_part.choice: part}
    named = vars(controls) | dict(zip(ORDINALS, controls.retrievers, strict=True))
    return controls.request(values | {named[name]: value for name, value in changed.items()})


def test_the_controls_are_a_request(controls):
    assert request(controls) == CompareRequest(
        collection=COLLECTIONS[0], first=FIRST_CHOICES[0], second=FIRST_CHOICES[1]
    )
    beir = {"collection": BEIR, "first": "a", "second": "b", "k": 5.0, "archive": "a.zip", "relevance_level": 2.0}
    asked = request(controls, graph="starved 4/20", **beir)
    assert asked == CompareRequest(**{**beir, "k": 5, "relevance_level": 2}, M=4, ef_construction=20)
    asked = request(controls, part="stack/rust:dev", **beir)
    assert (asked.part, asked.split) == ("stack/rust", "dev")
    assert controls.archive_part.choice in controls.requested
    further = {"third": "BM25", "fourth": "BM25 + wordllama-256"}
    assert request(controls, **further) == CompareRequest(
        collection=COLLECTIONS[0], first=FIRST_CHOICES[0], second=FIRST_CHOICES[1], **further
    )
    loaded = {"collection": LOADED, "qrels": "a.tsv", "queries": "b.jsonl"}
    assert request(controls, **loaded).paths == ["a.tsv", "b.jsonl"]


@pytest.mark.parametrize("value", [2.5, True, None, "10", float("nan"), float("inf")], ids=repr)
@pytest.mark.parametrize("name", ["k", "relevance_level"])
def test_numbers_that_are_not_whole_are_refused(controls, name, value):
    with pytest.raises(ParameterError, match=f"{name} is .*must be a whole number"):
        request(controls, **{name: value})


@pytest.mark.parametrize(
    ("collection", "shown"),
    [(COLLECTIONS[0], [False] * 3), (BEIR, [True, False, True]), (LOADED, [False, True, True])],
)
def test_only_the_files_that_a_collection_needs_are_shown(controls, collection, shown):
    updates = controls.show_files(collection)
    assert [updates[column]["visible"] for column in controls.columns] == shown


def test_two_are_compared_until_a_third_or_fourth_is_chosen(controls):
    values = [[value for _, value in control.choices] for control in controls.retrievers]
    assert values == [list(RETRIEVERS)] * 2 + [[NONE, *RETRIEVERS]] * 2
    assert [control.value for control in controls.retrievers] == [*FIRST_CHOICES, NONE, NONE]
    assert not controls.further.visible
