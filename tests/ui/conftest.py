"""What several tests of the page share: a browser."""

import pytest
from playwright.sync_api import sync_playwright

from tests.support.browser import QUIET, find_browser


@pytest.fixture(scope="module")
def browser():
    """Chromium, without a window."""
    path = find_browser()
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=QUIET)
        yield browser
        browser.close()
