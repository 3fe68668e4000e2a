"""All tabs follow what is loaded, in one event."""

import gradio as gr
import pytest

from tests.support.page import build_tab
from ui.compare.layout import build_compare_tab
from ui.documents.tab import build_documents_tab
from ui.jobs.shared_samples import SharedSamples
from ui.recall.tab import build_recall_tab
from ui.refresh import TabRefresher
from ui.render.controls import NO_CHANGE
from ui.render.links import TAB_TITLES
from ui.search.tab import build_search_tab
from ui.session import Session
from ui.walk.tab import build_walk_tab
from ui.welcome import create_welcome


@pytest.fixture(scope="module")
def refresher():
    def build(session):
        shared = SharedSamples(())
        return TabRefresher(
            session,
            gr.State(""),
            create_welcome(),
            build_documents_tab(session, shared)[0],
            build_search_tab(session),
            build_recall_tab(session),
            build_compare_tab(session, shared),
            build_walk_tab(session),
        )

    return build_tab(build)[0]


def values_of(refresher, session, **changed):
    """Return the values of the page as it begins, with a session and an open tab."""
    values = {component: component.value for component in refresher.inputs}
    return values | {refresher.session: session, refresher.tab_open: changed.get("tab", "")}


def test_every_tab_shows_the_collection_that_was_loaded(refresher, starved):
    shown = refresher.refresh(values_of(refresher, Session(starved)))
    assert set(shown) <= set(refresher.outputs)
    assert starved.name in shown[refresher.documents.report]
    assert shown[refresher.search.offered] == list(starved.queries[: len(shown[refresher.search.offered])])
    assert shown[refresher.recall.enlarge] == gr.update(visible=True), "it is not the Python docs"
    assert not set(shown) & set(refresher.walk.refreshed), "its tab is not open"
    drawn = refresher.refresh(values_of(refresher, Session(starved), tab=TAB_TITLES["walk"]))
    assert set(refresher.walk.refreshed) <= set(drawn)


def test_what_an_address_asks_of_the_collection_that_it_loads_is_answered_once(refresher, starved):
    search, values = refresher.search, values_of(refresher, Session(starved))
    shown = refresher.refresh(values | {search.asked: "why does bread rise?", search.k: 3, search.ef: 7})
    assert shown[search.exact].count("<li") == 3 and "“why does bread rise?”" in shown[search.summary]
    assert shown[search.asked] == "" and search.asked in refresher.outputs
    assert not refresher.refresh(values)[search.exact]
    unfit = refresher.refresh(values | {search.asked: "?" * 100_000})
    assert (unfit[search.asked], unfit[search.exact]) == ("", ""), "the tabs follow all the same"


def test_without_a_collection_there_is_nothing_to_follow(refresher):
    shown = refresher.refresh(values_of(refresher, Session(), tab=TAB_TITLES["walk"]))
    assert set(shown) <= set(refresher.outputs)
    assert not set(shown) & {refresher.search.question, *refresher.walk.refreshed}


def test_the_walk_is_drawn_once_its_tab_is_open_and_only_if_it_shows_another_collection(refresher, starved):
    values, walk = values_of(refresher, Session(starved)), refresher.walk
    assert refresher.draw_walk(values) == NO_CHANGE
    opened = values | {refresher.tab_open: TAB_TITLES["walk"]}
    drawn = refresher.draw_walk(opened)
    assert set(drawn) == set(walk.refreshed)
    assert refresher.draw_walk(opened | {walk.drawn: drawn[walk.drawn]}) == NO_CHANGE
