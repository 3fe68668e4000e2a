"""The slider over an embedded Milvus server in a real browser, on a phone too, and a server that is killed."""

import threading

import pytest
from playwright.sync_api import expect

from benchmarks.milvus.server import MilvusServer
from retriever.indexes.milvus.connection import MilvusConnection
from retriever.indexes.recall import knn_recall
from tests.support.browser import PATIENCE, Visitor, barriers
from tests.support.serving import GRADIO_WARNINGS, running, until
from ui.milvus.copies import ENGINE, copy_of
from ui.milvus.leases import NAME
from ui.milvus.server import LabMilvus, lab_milvus

pytestmark = [pytest.mark.browser, *(pytest.mark.filterwarnings(warning) for warning in GRADIO_WARNINGS)]
PHONE = {"viewport": {"width": 390, "height": 844}}


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    """An embedded server of these tests alone, which one of them kills."""
    server = MilvusServer(tmp_path_factory.mktemp("milvus") / "data")
    yield server
    server.stop()


@pytest.fixture(scope="module")
def url(browser, shared_samples, server):
    """The address of an app that knows the server."""
    from ui.hosting.server import Server
    from ui.page import build_page

    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("LAB_MILVUS_URI", server.uri)
        milvus = lab_milvus()
        with running(lambda: Server(build_page(shared_samples, None, milvus), shared_samples, None, milvus)) as app:
            yield app.address


def choose(visitor, engine):
    visitor.page.get_by_label(engine, exact=True).locator("visible=true").check()


@pytest.mark.parametrize("options", [{}, PHONE])
def test_the_slider_measures_in_milvus_and_axe_finds_nothing_serious(arrive, sample, options):
    visitor = arrive(**options)
    visitor.open("ef")
    choose(visitor, "Milvus")
    cards = visitor.page.locator(".lab-cards.lab-milvus")
    expect(cards).to_contain_text("round trip", timeout=PATIENCE)
    expect(visitor.page.locator(".lab-curve")).to_contain_text("Milvus 16/200", timeout=PATIENCE)
    visitor.slider.focus()
    visitor.slider.press("ArrowRight")
    recall, latency = visitor.wait_for_ef(11)
    expected = copy_of(sample).index.search(sample.query_vectors, 10, ef=11)
    expected = knn_recall(sample.measurements.truth(10), expected).mean()
    assert recall == pytest.approx(expected, abs=0.0006) and latency > 0
    assert barriers(visitor.page) == []
    width, inner = visitor.page.evaluate("[document.documentElement.scrollWidth, window.innerWidth]")
    assert width <= inner
    assert "engine=milvus" in visitor.page.url


def test_the_address_and_the_numbers_follow_at_once_while_vectors_are_put_there(arrive, sample, monkeypatch):
    go_on, put = threading.Event(), LabMilvus.put
    monkeypatch.setattr(LabMilvus, "put", lambda *given: go_on.wait(PATIENCE / 1000) and put(*given))
    sample.measurements.elsewhere.forget(ENGINE)
    visitor = arrive()
    visitor.open("ef")
    visitor.wait_for_ef(10)
    try:
        choose(visitor, "Milvus")
        expect(visitor.page.get_by_text("The vectors are not in Milvus yet")).to_be_visible(timeout=PATIENCE)
        expect(visitor.page.get_by_text("To cancel, choose")).to_be_visible(timeout=PATIENCE)
        visitor.wait("() => location.search.includes('engine=milvus')")
        choose(visitor, "in this process")
        visitor.wait_for_ef(10)
        visitor.wait("() => location.search.includes('engine=process')")
        expect(visitor.page.get_by_text("To cancel, choose")).to_have_count(0)
    finally:
        go_on.set()


def test_numbers_that_no_longer_fit_are_grey_while_milvus_is_measured(arrive, monkeypatch):
    visitor = arrive(address="?tab=recall&engine=milvus&ef=20")
    visitor.wait_for_ef(20)
    expect(visitor.page.locator(".lab-curve")).to_contain_text("Milvus 16/200", timeout=PATIENCE)
    cards, recent, go_on = visitor.page.locator(".lab-cards"), LabMilvus.recent, threading.Event()
    expect(cards).to_have_css("filter", "none", timeout=PATIENCE)
    monkeypatch.setattr(LabMilvus, "recent", lambda *given: go_on.wait(PATIENCE / 1000) and recent(*given))
    try:
        visitor.slider.focus()
        visitor.slider.press("ArrowRight")
        expect(cards).to_have_css("filter", "grayscale(1) opacity(0.5)", timeout=PATIENCE)
    finally:
        go_on.set()
    visitor.wait_for_ef(21)
    expect(cards).to_have_css("filter", "none", timeout=PATIENCE)


def test_a_server_that_is_killed_in_the_middle_costs_nobody_the_page_and_comes_back(arrive, server):
    visitor = arrive(address="?tab=recall&engine=milvus&ef=20")
    visitor.wait_for_ef(20)
    expect(visitor.page.locator(".lab-cards.lab-milvus")).to_be_visible(timeout=PATIENCE)
    server.stop(kill=True)
    try:
        visitor.slider.focus()
        visitor.slider.press("ArrowRight")
        said = visitor.page.locator(".lab-warning").locator("visible=true")
        expect(said).to_contain_text("Milvus cannot be asked now", timeout=PATIENCE)
        expect(said).to_contain_text("All that is loaded is kept")
        visitor.slider.press("ArrowRight")
        expect(visitor.page.locator(".lab-curve .lab-data")).to_be_hidden(timeout=PATIENCE)
        choose(visitor, "in this process")
        visitor.wait_for_ef(22)
        expect(visitor.page.locator(".lab-curve .lab-data")).to_be_visible(timeout=PATIENCE)
        expect(visitor.page.locator(".lab-cards.lab-milvus")).to_have_count(0)
    finally:
        server.start()
    choose(visitor, "Milvus")
    expect(visitor.page.locator(".lab-cards.lab-milvus")).to_be_visible(timeout=PATIENCE)


def test_a_visitors_own_documents_are_put_there_too_and_end_with_the_session(browser, url, server, monkeypatch):
    monkeypatch.setattr("ui.gate.visitors.GRACE_SECONDS", 1.0)
    visitor = Visitor(browser, url)
    before = _copies(server)
    visitor.paste("One lamp. Two lamps. Three lamps are enough for a lighthouse.")
    visitor.page.get_by_label("Put the vectors into Milvus too").check()
    visitor.build()
    expect(visitor.page.get_by_text("The vectors are in Milvus too")).to_be_visible()
    assert len(_copies(server) - before) == 1
    visitor.close()
    until(lambda: _copies(server) == before)


def _copies(server):
    """Return the names of the collections that hold a copy."""
    connection = MilvusConnection(server.uri)
    names = connection.call("listing collections", "list_collections")
    connection.close()
    return {name for name in names if (made := NAME.fullmatch(name)) and len(made[2]) == 32}
