"""What the tests of the labs share."""

import pytest


@pytest.fixture(autouse=True)
def quick(monkeypatch):
    """Look at jobs so often that no test waits for them."""
    monkeypatch.setattr("ui.jobs.watching.POLL_SECONDS", 0.005)
