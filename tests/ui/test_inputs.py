"""Checks of what visitors and programs send: any JSON value is taken or refused in words, never a fault."""

import json

import pytest

from retriever.errors import ModelError, ParameterError
from tests.support.handlers import Steps
from tests.support.page import build_tab
from ui.inputs import SearchSettings, check_k, check_model, check_question, check_whole_number, nearest
from ui.recall.tab import build_recall_tab
from ui.render.controls import SLIDER_MAX_EF, SLIDER_MAX_K, keep_ef_above_k
from ui.search.tab import build_search_tab
from ui.session import Session
from ui.walk.tab import build_walk_tab

NO_NUMBERS = [
    json.loads(text) for text in ("NaN", "Infinity", "-Infinity", "1e400", "null", '"10"', "true", "[10]", "{}")
]
UNFIT_NUMBERS = [*NO_NUMBERS, 10**400, -(10**400), 2.5, 0, -1, 1e300]


@pytest.fixture(scope="module")
def tabs():
    return [build_tab(build)[0] for build in (build_recall_tab, build_search_tab, build_walk_tab)]


@pytest.mark.parametrize("value", UNFIT_NUMBERS, ids=lambda value: str(value)[:12])
def test_what_no_slider_can_have_is_refused_of_programs_in_a_short_sentence(value):
    for call in (lambda: SearchSettings.of(value, 10), lambda: SearchSettings.of(10, value), lambda: check_k(value)):
        with pytest.raises(ParameterError, match="must be a whole number") as raised:
            call()
        assert len(str(raised.value)) < 120


@pytest.mark.parametrize("value", UNFIT_NUMBERS, ids=lambda value: str(value)[:12])
def test_of_the_page_a_number_out_of_range_becomes_the_nearest_and_what_is_no_number_is_refused(value, tabs, indexed):
    session, (recall, search, walk) = Session(indexed), tabs
    curves = recall.curves
    number = value is None or (isinstance(value, int | float) and not isinstance(value, bool) and value == value)
    for call in (
        lambda: keep_ef_above_k(value, 10),
        lambda: recall.slider.measure_at_ef(value, 10, session),
        lambda: recall.slider.measure_at_ef(10, value, session),
        lambda: curves.show_lesson(value, session),
        lambda: next(Steps(curves.stream_curves(value, session))),
        lambda: search.answer("tea", value, 10, session),
        lambda: search.answer("tea", 10, value, session),
        lambda: walk.walk("tea", value, 10, session),
    ):
        if number:
            assert call()
        else:
            with pytest.raises(ParameterError, match="must be a number from") as raised:
                call()
            assert len(str(raised.value)) < 120


def test_a_typed_ef_is_measured_at_the_nearest_of_the_slider_and_the_page_says_so(tabs, indexed):
    recall, _, _ = tabs
    for typed, ef in ((3, 10), (500, SLIDER_MAX_EF), (10, 10)):
        shown = recall.slider.measure_at_ef(10, typed, Session(indexed))
        assert shown[recall.slider.measured].now.hnsw.ef == ef
        assert (f"measured at ef={ef}" in shown[recall.slider.cards]) == (typed != ef)


def test_settings_are_those_of_the_sliders():
    assert SearchSettings.of(10.0, 40) == SearchSettings(10, 40)
    assert SearchSettings.of(25, 1) == SearchSettings(25, 25), "an ef below k has no effect"
    assert SearchSettings.of(SLIDER_MAX_K, SLIDER_MAX_EF) == SearchSettings(50, 400)
    for k, ef in ((SLIDER_MAX_K + 1, 10), (1, SLIDER_MAX_EF + 1)):
        with pytest.raises(ParameterError, match="must be a whole number from 1 to"):
            SearchSettings.of(k, ef)
    assert check_whole_number("M", 10**400) == 10**400, "how large it may be is for others to say"


@pytest.mark.parametrize("value", [*NO_NUMBERS, 10**400, 1.5], ids=lambda value: str(value)[:12])
def test_a_number_of_a_slider_becomes_the_nearest_it_has_and_what_is_none_is_refused(value):
    if value is None or (isinstance(value, float | int) and not isinstance(value, bool) and value == value):
        assert nearest("recall", value, 0.5, 1) in (0.5, 1)
        assert nearest("ef", value, 10, 400) in (10, 400)
    else:
        with pytest.raises(ParameterError, match="must be a number from 0.5 to 1"):
            nearest("recall", value, 0.5, 1)
    assert (nearest("recall", 0.83, 0.5, 1), nearest("ef", 12.4, 10, 400)) == (0.83, 12)


def test_a_folder_of_the_machine_is_no_model_for_a_visitor(monkeypatch, tmp_path):
    monkeypatch.setenv("LAB_ALLOW_ANY_MODEL", "1")
    assert check_model("someone/a-model").hub_id == "someone/a-model"
    with pytest.raises(ModelError, match="not for visitors"):
        check_model(str(tmp_path))


@pytest.mark.parametrize("value", [5, 1.5, True, ["tea"], {"text": "tea"}, float("nan"), ["x" * 10**6]])
def test_a_question_that_is_no_text_is_refused(value):
    with pytest.raises(ParameterError, match="send one text") as raised:
        check_question(value)
    assert len(str(raised.value)) < 120
    for nothing in (None, "", "  "):
        with pytest.raises(ParameterError, match="empty"):
            check_question(nothing)
