"""What tests of the lessons share: collections in the place of the samples."""

from dataclasses import dataclass, field

import pytest

from tests.support.small import collection_of, sentences


@dataclass
class Given:
    """Collections that a test gives, whatever is asked for. made: key -> what is there already."""

    collection: object
    comparison: object = None
    made: dict = field(default_factory=dict)

    def indexed(self, sample):
        return self.collection

    def compared(self, request, progress):
        return self.comparison

    def once(self, key, make):
        return self.made[key] if key in self.made else make()


@pytest.fixture
def poor(starved):
    """A collection of which HNSW misses much."""
    return Given(starved)


@pytest.fixture(scope="module")
def tiny(fake_encoder):
    """A collection so small that nothing is missed."""
    return Given(collection_of(fake_encoder, sentences(12), name="Tiny"))


def no_progress(stage, fraction):
    """Take a progress report."""
