"""Tests of the controls, which update one another."""

import pytest

from retriever.encoders.catalogue import MODELS
from retriever.indexing.collection import IndexSettings
from tests.support.page import build_tab
from ui.documents.controls import create_controls, describe_model, name_preset
from ui.documents.job import SOURCES
from ui.render.controls import GRAPH_PRESETS


@pytest.fixture(scope="module")
def controls():
    return build_tab(lambda session: create_controls())[0]


@pytest.mark.parametrize("source", SOURCES)
def test_only_the_chosen_source_is_shown(controls, source):
    shown = controls.show_source(source)
    assert [shown[controls.columns[name]]["visible"] for name in SOURCES] == [name == source for name in SOURCES]


@pytest.mark.parametrize("card", MODELS.values(), ids=MODELS)
def test_the_chunk_sizes_and_the_description_fit_the_model(controls, card):
    shown = controls.fit_model(card.name)
    size, words = shown[controls.chunk_size], shown[controls.model]["info"]
    assert size["maximum"] == card.max_tokens or card.max_tokens is None
    assert 0 < size["value"] <= size["maximum"]
    assert words == describe_model(card) and str(card.dimension) in words
    assert ("offline" in words) == card.packaged
    assert (str(card.max_tokens) in words) == (card.max_tokens is not None)


def test_presets_are_set_and_recognized(controls):
    for name, (M, ef_construction) in GRAPH_PRESETS.items():
        assert controls.set_preset(name) == {controls.M: M, controls.ef_construction: ef_construction}
        assert name_preset(float(M), float(ef_construction)) == name
    assert name_preset(5, 20) is None
    assert name_preset(IndexSettings().M, IndexSettings().ef_construction) == controls.preset.value
