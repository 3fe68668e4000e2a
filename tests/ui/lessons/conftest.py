"""What tests of the lessons share: collections in the place of the samples."""

from dataclasses import dataclass, field

import pytest

from tests.support.small import collection_of, sentences


@dataclass
class Given:
    """Collections that a test gives, whatever sample is asked for. judged_by: model -> its judged index."""

    collection: object
    judged_by: dict = field(default_factory=dict)

    def indexed(self, sample):
        return self.collection

    def judged(self, sample, model):
        return self.judged_by[model]


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
