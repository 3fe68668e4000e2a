"""A comparison of retrievers with and without an index."""

import pytest

from tests.support.judged import FIRST, KINDS, SECOND, beside_one, compared, starved_pair


@pytest.fixture(scope="package")
def beside():
    """A model, BM25 and their fusion; BM25 finds each answer by its number."""
    return beside_one([1, 12, 3, 50], n=60)


@pytest.fixture(scope="package")
def found():
    """Two models on one judged collection, by kind of question."""
    return compared(FIRST, SECOND, kinds=KINDS)


@pytest.fixture(scope="package")
def starved():
    """The same of models whose graphs lose much."""
    return starved_pair()
