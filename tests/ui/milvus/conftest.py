"""What the tests of the lab's Milvus share."""

import pytest

from tests.support.fake_milvus import fake_milvus


@pytest.fixture
def milvus(monkeypatch):
    """A server in memory, and the lab's view of it."""
    return fake_milvus(monkeypatch)
