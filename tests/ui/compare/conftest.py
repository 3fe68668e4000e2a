"""A comparison of retrievers with and without an index."""

import pytest

from tests.support.judged import beside_one


@pytest.fixture(scope="package")
def beside():
    """A model, BM25 and their fusion; BM25 finds each answer by its number."""
    return beside_one([1, 12, 3, 50], n=60)
