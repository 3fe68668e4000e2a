"""The collections that are walked: on a poor graph, on a good one, of equal texts, and of repeated ones."""

import pytest

from tests.support.small import sentences
from tests.support.walks import STARVED, lab


@pytest.fixture(scope="session")
def starved(fake_encoder):
    """A collection with a graph so poor that much is missed."""
    return lab(fake_encoder, sentences(400), name="Poor", **STARVED)


@pytest.fixture(scope="session")
def good(fake_encoder):
    return lab(fake_encoder, sentences(300), name="Rich")


@pytest.fixture(scope="session")
def equal(fake_encoder):
    """A collection of thirty equal texts, all equally near."""
    return lab(fake_encoder, ["amber river"] * 30)


@pytest.fixture(scope="session")
def repeated(fake_encoder):
    """A collection in which each text occurs five times, on a graph that leaves some out of reach."""
    indexed = lab(fake_encoder, [text for text in sentences(40) for _ in range(5)], **STARVED)
    assert len(indexed.measurements.graph.unreachable) > 10
    return indexed
