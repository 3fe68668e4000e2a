"""All tabs follow what is loaded, in one event."""

import gradio as gr
import pytest

from tests.support.page import build_tab
from ui.compare.tab import build_compare_tab
from ui.documents.tab import build_documents_tab
from ui.followers import Followers
from ui.jobs.shared_samples import SharedSamples
from ui.recall.tab import build_recall_tab
from ui.render.controls import NO_CHANGE
from ui.render.links import TAB_TITLES
from ui.search.tab import build_search_tab
from ui.session import Session
from ui.walk.tab import build_walk_tab
from ui.welcome import create_welcome


@pytest.fixture(scope="module")
def followers():
    def build(session):
        shared = SharedSamples(())
        return Followers(
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


def values_of(followers, session, **changed):
    """Return the values of the page as it begins, with a session and an open tab."""
    values = {component: component.value for component in followers.inputs}
    return values | {followers.session: session, followers.tab_open: changed.get("tab", "")}


def test_every_tab_shows_the_collection_that_was_loaded(followers, starved):
    shown = followers.follow(values_of(followers, Session(starved)))
    assert set(shown) <= set(followers.outputs)
    assert starved.name in shown[followers.documents.report]
    assert shown[followers.search.offered] == list(starved.queries[: len(shown[followers.search.offered])])
    assert shown[followers.recall.enlarge] == gr.update(visible=True), "it is not the Python docs"
    assert not set(shown) & set(followers.walk.refreshed), "its tab is not open"
    drawn = followers.follow(values_of(followers, Session(starved), tab=TAB_TITLES["walk"]))
    assert set(followers.walk.refreshed) <= set(drawn)


def test_without_a_collection_there_is_nothing_to_follow(followers):
    shown = followers.follow(values_of(followers, Session(), tab=TAB_TITLES["walk"]))
    assert set(shown) <= set(followers.outputs)
    assert not set(shown) & {followers.search.question, *followers.walk.refreshed}


def test_the_walk_is_drawn_once_its_tab_is_open_and_only_if_it_shows_another_collection(followers, starved):
    values, walk = values_of(followers, Session(starved)), followers.walk
    assert followers.draw_walk(values) == NO_CHANGE
    opened = values | {followers.tab_open: TAB_TITLES["walk"]}
    drawn = followers.draw_walk(opened)
    assert set(drawn) == set(walk.refreshed)
    assert followers.draw_walk(opened | {walk.drawn: drawn[walk.drawn]}) == NO_CHANGE
