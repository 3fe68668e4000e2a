"""Tests of the session."""

import pytest

from retriever.errors import CollectionError
from ui.session import Session


def test_an_empty_session_has_nothing_loaded_and_equals_no_other_visitors():
    with pytest.raises(CollectionError, match="being prepared"):
        Session().loaded()
    assert Session() != Session()


def test_a_graph_built_meanwhile_joins_the_session_as_it_is_then_or_is_dropped_with_its_vectors(indexed, starved):
    graph = indexed.with_graph(4, 20)
    now = Session(indexed, "key")
    taken = now.with_graph(graph)
    assert (taken.indexed, taken.source, taken.chosen) == (graph, "key", True)
    assert now.with_overlay(graph).overlay is graph and now.with_overlay(None).overlay is None
    elsewhere = Session(starved)
    assert elsewhere.with_graph(graph) is elsewhere and elsewhere.with_overlay(graph) is elsewhere
