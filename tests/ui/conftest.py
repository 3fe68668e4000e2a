"""What several tests of the page share: a browser, and a good and a poor graph."""

import pytest
from playwright.sync_api import sync_playwright

from tests.support.browser import QUIET, find_browser
from tests.support.small import collection_of, sentences


@pytest.fixture(scope="module")
def browser():
    """Chromium, without a window."""
    path = find_browser()
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=QUIET)
        yield browser
        browser.close()


@pytest.fixture(scope="module")
def indexed(fake_encoder):
    """A collection with a good graph."""
    return collection_of(fake_encoder, sentences(300), name="Rich")


@pytest.fixture(scope="module")
def starved(fake_encoder):
    """A collection with a graph so poor that much is missed."""
    return collection_of(fake_encoder, sentences(500), M=2, ef_construction=5, name="Poor")
