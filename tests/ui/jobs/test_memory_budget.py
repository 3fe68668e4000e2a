"""Tests of the memory budget: collections are counted while held, freed afterwards, and refused if too large."""

import gc

import pytest

from retriever.errors import CollectionError
from tests.support.small import collection_of, sentences
from ui.jobs.memory_budget import MemoryBudget, collection_bytes, estimated_bytes


def test_a_collection_counts_until_nobody_holds_it(fake_encoder):
    memory = MemoryBudget()
    kept = memory.hold(collection_of(fake_encoder, sentences(30)))
    first = memory.held
    assert first == collection_bytes(kept) > 2 * kept.retriever.vectors.nbytes
    other = memory.hold(collection_of(fake_encoder, sentences(60)))
    assert memory.held > 2 * first
    del other
    gc.collect()
    assert memory.held == first
    del kept
    gc.collect()
    assert memory.held == 0


def test_what_is_needed_is_about_what_is_held(fake_encoder):
    held = collection_bytes(collection_of(fake_encoder, sentences(500)))
    assert held == pytest.approx(estimated_bytes(500, fake_encoder.dimension, 16), rel=0.15)


def test_too_much_for_one_visitor_or_for_all_is_refused(monkeypatch, fake_encoder):
    memory = MemoryBudget()
    kept = memory.hold(collection_of(fake_encoder, sentences(500)))
    monkeypatch.setenv("LAB_SESSION_MB", "10")
    memory.check(5_000_000)
    with pytest.raises(CollectionError, match="6 MB of memory; at most 5 MB"):
        memory.check(6_000_000)
    monkeypatch.setenv("LAB_MEMORY_MB", "2")
    memory.check(2_000_000 - collection_bytes(kept))
    with pytest.raises(CollectionError, match="memory is in use"):
        memory.check(2_000_001 - collection_bytes(kept))


def test_what_is_lent_counts_only_meanwhile_and_is_refused_where_the_lab_has_no_room(monkeypatch):
    memory = MemoryBudget()
    monkeypatch.setenv("LAB_MEMORY_MB", "10")
    with pytest.raises(ZeroDivisionError), memory.lent(9_000_000):
        assert memory.held == 9_000_000
        raise ZeroDivisionError
    assert memory.held == 0
    with pytest.raises(CollectionError, match="memory is in use"), memory.lent(11_000_000):
        pass
    assert memory.held == 0
