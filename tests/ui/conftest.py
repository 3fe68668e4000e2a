"""What several tests of the page share: a browser, the served page and its visitors, a good and a poor graph."""

import pytest
from playwright.sync_api import sync_playwright

from tests.support.browser import QUIET, Visitor, find_browser
from tests.support.serving import served
from tests.support.small import collection_of, sentences
from ui.jobs.shared_samples import SharedSamples


@pytest.fixture(scope="module")
def browser():
    """Chromium, without a window."""
    path = find_browser()
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=QUIET)
        yield browser
        browser.close()


@pytest.fixture(scope="module")
def shared_samples(minilm, wordllama):
    """The shared samples with the small one prepared, and both models loaded."""
    shared_samples = SharedSamples(("documents",))
    shared_samples.start()
    shared_samples.prepare("documents").result()
    return shared_samples


@pytest.fixture(scope="module")
def sample(shared_samples):
    """The collection that all visitors share."""
    return shared_samples.ready("documents")


@pytest.fixture(scope="module")
def url(browser, shared_samples):
    """The address of the app, which is served only if there is a browser."""
    with served(shared_samples) as address:
        yield address


@pytest.fixture
def arrive(browser, url):
    """A function that lets a visitor arrive; an error on any of their pages fails the test."""
    visitors = []

    def arrive(**options):
        visitors.append(Visitor(browser, url, **options))
        return visitors[-1]

    yield arrive
    for visitor in visitors:
        visitor.close()
    assert [error for visitor in visitors for error in visitor.errors] == []


@pytest.fixture
def visitor(arrive):
    return arrive()


@pytest.fixture(scope="module")
def indexed(fake_encoder):
    """A collection with a good graph."""
    return collection_of(fake_encoder, sentences(300), name="Rich")


@pytest.fixture(scope="module")
def starved(fake_encoder):
    """A collection with a graph so poor that much is missed."""
    return collection_of(fake_encoder, sentences(500), M=2, ef_construction=5, name="Poor")
