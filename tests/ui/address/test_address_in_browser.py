"""Tests of the address in a real browser: links, reload, Back and Forward, and what no address can bring back."""

import json
import re

import pytest
from playwright.sync_api import expect

from tests.support.browser import PATIENCE, TABS
from tests.support.serving import GRADIO_WARNINGS
from tests.support.small import sentences

pytestmark = [pytest.mark.browser, *(pytest.mark.filterwarnings(warning) for warning in GRADIO_WARNINGS)]
STARVED = "sample=documents&model=all-MiniLM-L6-v2&M=4&efConstruction=20"


def open_tab(visitor):
    return visitor.page.get_by_role("tab", selected=True).inner_text()


def wait_for_address(visitor, *parts):
    for part in parts:
        expect(visitor.page).to_have_url(re.compile(re.escape(part)), timeout=PATIENCE)


def reload(visitor):
    """Load the page again; what the page that is left says of its broken connection is no error of the new one."""
    visitor.page.reload()
    visitor.errors.clear()


def number(visitor, label):
    return visitor.page.get_by_label(f"number input for {label}").locator("visible=true").first


def expect_recall_tab(visitor):
    visitor.wait_for_ef(30)
    assert open_tab(visitor) == TABS["ef"]
    expect(visitor.header).to_contain_text("efConstruction 20", timeout=PATIENCE)
    expect(number(visitor, "k (")).to_have_value("5", timeout=PATIENCE)
    expect(visitor.page.get_by_label("distances", exact=True)).to_be_checked(timeout=PATIENCE)
    wait_for_address(visitor, f"/?tab=recall&{STARVED}&k=5&ef=30&axis=distances")


def test_a_link_brings_back_the_tab_its_controls_and_the_graph_and_so_does_a_reload(arrive):
    visitor = arrive(address=f"/?tab=recall&{STARVED}&k=5&ef=30&axis=distances")
    expect_recall_tab(visitor)
    reload(visitor)
    expect_recall_tab(visitor)
    visitor.open("documents")
    expect(visitor.page.get_by_label("starved 4/20")).to_be_checked(timeout=PATIENCE)
    expect(visitor.page.get_by_text("The controls say what is loaded")).to_be_visible(timeout=PATIENCE)


def test_what_is_asked_about_controls_never_holds_half_of_what_an_address_sets(arrive):
    visitor = arrive()
    graphs = []

    def note(request):
        data = json.loads(request.post_data or "{}").get("data", []) if "/queue/join" in request.url else []
        if "Take a sample" in data:
            model = data.index("all-MiniLM-L6-v2", data.index("Take a sample"))
            graphs.append(data[model + 3 : model + 5])  # after the size and the overlap of chunks

    visitor.page.on("request", note)
    visitor.page.goto(f"{visitor.url}/?tab=recall&{STARVED}&k=5&ef=30&axis=distances")  # Documents is not drawn yet
    visitor.errors.clear()  # what the page that is left says of its broken connection
    expect_recall_tab(visitor)
    visitor.open("documents")
    expect(visitor.page.get_by_text("The controls say what is loaded")).to_be_visible(timeout=PATIENCE)
    assert [16, 200] in graphs and [4, 20] in graphs
    assert [graph for graph in graphs if graph not in ([16, 200], [4, 20])] == []


def test_back_and_forward_go_through_tabs_and_questions(visitor):
    visitor.ask("how do lighthouses warn ships?")
    wait_for_address(visitor, "tab=search", "q=how+do+lighthouses+warn+ships%3F")
    visitor.ask("why does bread rise?")
    wait_for_address(visitor, "q=why+does+bread+rise%3F")
    visitor.open("graph")
    wait_for_address(visitor, "tab=walk", "&q=")
    visitor.page.go_back()
    expect(visitor.page.get_by_role("tab", selected=True)).to_have_text(TABS["search"], timeout=PATIENCE)
    expect(visitor.page.get_by_label("Question").locator("visible=true")).to_have_value("why does bread rise?")
    visitor.page.go_back()
    question = visitor.page.get_by_label("Question").locator("visible=true")
    expect(question).to_have_value("how do lighthouses warn ships?", timeout=PATIENCE)
    expect(visitor.page.locator(".lab-hits.lab-exact li").first).to_contain_text("ighthouse", timeout=PATIENCE)
    visitor.page.go_forward()
    expect(question).to_have_value("why does bread rise?", timeout=PATIENCE)


def test_a_link_with_a_question_is_answered_on_arrival(arrive):
    for tab, answered in (("search", ".lab-hits.lab-exact li"), ("walk", ".lab-told b")):
        visitor = arrive(address=f"/?tab={tab}&{STARVED}&q=why+does+bread+rise%3F&k=3&ef=7")
        expect(visitor.page.locator(answered).first).to_be_visible(timeout=PATIENCE)
        assert visitor.page.get_by_label("Question").locator("visible=true").input_value() == "why does bread rise?"
        expect(number(visitor, "ef (candidates)")).to_have_value("7")
        wait_for_address(visitor, f"/?tab={tab}&{STARVED}", "q=why+does+bread+rise%3F", "k=3", "ef=7")


def test_a_bad_link_is_named_and_the_rest_of_it_holds(arrive):
    visitor = arrive(address="/?tab=search&ef=many&sample=nothing&k=7")
    note = visitor.page.locator(".lab-warning")
    expect(note).to_contain_text("ef='many'", timeout=PATIENCE)
    expect(note).to_contain_text("sample='nothing'")
    assert open_tab(visitor) == TABS["search"]
    expect(number(visitor, "k (")).to_have_value("7")


def test_own_documents_are_not_left_unasked_and_an_address_says_that_they_are_gone(visitor):
    visitor.paste(" ".join(sentences(30)))
    visitor.build()
    wait_for_address(visitor, "own=1")
    expect(visitor.header).to_contain_text("only while this page is open")
    asked = []
    visitor.page.once("dialog", lambda dialog: (asked.append(dialog.type), dialog.accept()))
    reload(visitor)
    assert asked == ["beforeunload"]
    expect(visitor.page.locator(".lab-warning")).to_contain_text("own documents", timeout=PATIENCE)
    expect(visitor.header).to_contain_text("Sample documents", timeout=PATIENCE)


def test_a_link_to_an_ef_measures_there_and_one_to_a_walk_draws_it_though_its_tab_is_open(arrive):
    visitor = arrive(address=f"/?tab=recall&{STARVED}&k=10&ef=10")
    visitor.wait_for_ef(10)
    visitor.page.get_by_role("link", name="Go to ef =").click()
    wait_for_address(visitor, "tab=recall")
    ef = int(re.search(r"ef=(\d+)", visitor.page.url)[1])
    assert ef > 10
    visitor.wait_for_ef(ef)
    expect(visitor.page.locator(".js-plotly-plot")).to_contain_text(f"now: ef={ef}", timeout=PATIENCE)
    visitor.open("graph")
    expect(visitor.page.locator(".lab-told b").first).to_be_visible(timeout=PATIENCE)  # the tab's own first walk
    for question in ("why does bread rise?", "how do lighthouses warn ships?"):
        visitor.walk(question)
        wait_for_address(visitor, "tab=walk", question.split()[-2])
    visitor.page.go_back()
    question = visitor.page.get_by_label("Question").locator("visible=true").first
    expect(question).to_have_value("why does bread rise?", timeout=PATIENCE)
    record = visitor.page.get_by_role("tabpanel").locator("visible=true").locator(".lab-record")
    expect(record).to_contain_text("why does bread rise?", timeout=PATIENCE)


def test_a_link_to_a_comparison_compares_and_so_does_a_reload(arrive):
    visitor = arrive(address="/?tab=compare&k=5&ef=3&compared=1")
    for _ in range(2):
        expect(visitor.page.locator(".lab-scores")).to_be_visible(timeout=PATIENCE)
        wait_for_address(visitor, "k=5", "ef=5", "compared=1")
        reload(visitor)
