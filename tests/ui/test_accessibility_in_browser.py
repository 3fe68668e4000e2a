"""Everybody can use the page, in a real browser: by keyboard, with a screen reader, on a phone, from a projector."""

import re

import pytest
from playwright.sync_api import expect

from tests.support.browser import PATIENCE, TABS, barriers, beir
from tests.support.serving import GRADIO_WARNINGS
from tests.support.small import sentences
from ui.render.definitions import DEFINITIONS

pytestmark = [pytest.mark.browser, *(pytest.mark.filterwarnings(warning) for warning in GRADIO_WARNINGS)]
PHONE = {"viewport": {"width": 390, "height": 844}}
PROJECTOR = {"viewport": {"width": 853, "height": 533}, "device_scale_factor": 1.5}  # 1280 x 800, enlarged to 150 %
SEEN_PLOT = ".js-plotly-plot:visible"


def bottom(locator):
    box = locator.bounding_box()
    return box["y"] + box["height"]


def compare(visitor, folder):
    """Compare both models on a small collection of a visitor's own."""
    texts = sentences(40)
    asked = [f"{' '.join(text.split()[:4])}, and what else?" for text in texts[:8]]
    visitor.give_archive(beir(folder, texts, asked, "".join(f"q{row}\td{row}\t1\n" for row in range(8))))
    visitor.compare()


def unfold(visitor):
    """Open all that is folded on the open tab and at the foot of the page."""
    folded = visitor.page.locator("button.label-wrap:not(.open):visible")
    while folded.count():
        folded.first.click()
    visitor.page.evaluate("document.querySelectorAll('details').forEach(details => details.open = true)")


@pytest.mark.parametrize("options", [{}, PHONE, {"color_scheme": "dark"}])
def test_axe_finds_nothing_serious_on_any_tab_with_everything_answered_and_unfolded(arrive, options, tmp_path):
    visitor = arrive(**options)
    visitor.ask("how hot should the water be for green tea?")
    visitor.put_beside("late interaction")
    for tab in TABS:
        visitor.open(tab)
        if tab == "models":
            compare(visitor, tmp_path)
            visitor.page.locator(".lab-list button").first.click()
            visitor.page.locator(".lab-question").wait_for()
        if tab in ("ef", "models", "graph"):
            visitor.page.locator(SEEN_PLOT).first.wait_for()
        unfold(visitor)
        width, inner = visitor.page.evaluate("[document.documentElement.scrollWidth, window.innerWidth]")
        assert width <= inner, f"{tab} scrolls sideways"
        assert barriers(visitor.page) == [], tab
    if options.get("color_scheme") == "dark":
        colours = visitor.page.evaluate(
            "[getComputedStyle(document.body), getComputedStyle(document.querySelector('.lab-status b'))]"
            ".map((style, n) => n ? style.color : style.backgroundColor)"
        )
        background, ink = (sum(map(int, re.findall(r"\d+", colour)[:3])) for colour in colours)
        assert background < 200
        assert ink > 500


def test_arrow_keys_move_along_the_tabs_and_the_tab_key_stops_there_once(visitor):
    tabs = visitor.page.get_by_role("tab")
    chosen = visitor.page.get_by_role("tab", selected=True)
    visitor.open("documents")
    chosen.focus()
    for key, tab in (("ArrowRight", "search"), ("End", "graph"), ("ArrowRight", "learn"), ("ArrowLeft", "graph")):
        visitor.page.keyboard.press(key)
        expect(chosen).to_have_text(TABS[tab])
        expect(chosen).to_be_focused()
    visitor.wait("() => [...document.querySelectorAll('[role=tab]')].filter(tab => tab.tabIndex === 0).length === 1")
    assert tabs.count() == len(TABS)


def test_a_definition_is_shown_by_mouse_and_keyboard_and_leaves_by_escape(visitor):
    visitor.open("ef")
    shown = visitor.page.locator(".lab-definition:popover-open")
    term = visitor.page.locator(".lab-cards .lab-term").first
    for show in (term.click, lambda: term.press("Enter")):
        show()
        expect(shown).to_contain_text(DEFINITIONS["recall"])
        card, box = term.bounding_box(), shown.bounding_box()
        assert 0 <= box["y"] - card["y"] - card["height"] < 40 and abs(box["x"] - card["x"]) < 40, "beside its term"
        visitor.page.keyboard.press("Escape")
        expect(shown).to_have_count(0)


def test_a_figure_has_a_name_a_sentence_and_a_table_that_follow_the_slider_and_the_new_number_is_said(visitor):
    visitor.open("ef")
    plot, said = visitor.page.locator(SEEN_PLOT), visitor.page.locator("#lab-said")
    expect(plot).to_have_attribute(
        "aria-label", re.compile("^Curve of recall over latency. At ef=10 "), timeout=PATIENCE
    )
    expect(plot).to_have_attribute("role", "img")
    expect(plot.locator(".modebar-btn").locator("visible=true")).to_have_count(0)
    table = visitor.page.locator(".lab-curve .lab-data")
    table.locator("summary").click()
    expect(table.locator("caption")).to_contain_text("At ef=10")
    visitor.slider.focus()
    for _ in range(3):
        visitor.slider.press("ArrowRight")
    visitor.wait_for_ef(13)
    expect(plot).to_have_attribute("aria-label", re.compile("At ef=13 "), timeout=PATIENCE)
    expect(table.locator("caption")).to_contain_text("At ef=13")
    expect(table).to_have_attribute("open", "")
    recall = visitor.page.locator(".lab-card b").first.inner_text()
    expect(said).to_contain_text(recall, timeout=PATIENCE)


def test_a_word_of_a_question_shows_by_keyboard_and_finger_which_word_it_takes(arrive):
    visitor = arrive(has_touch=True, **PHONE)
    visitor.ask("how hot should the water be for green tea?")
    visitor.put_beside("late interaction")
    picture = visitor.page.locator(".lab-align").first
    picture.locator("summary").first.click()
    words, partner = picture.locator(".lab-words button"), picture.locator("mark.lab-chosen")
    for word, show in ((words.nth(8), words.nth(8).focus), (words.nth(2), words.nth(2).tap)):
        show()
        expect(picture.locator(".lab-pair")).to_have_text(word.get_attribute("aria-label"))
        expect(partner).to_have_attribute("data-at", word.get_attribute("data-to"))
        expect(picture.locator("button.lab-chosen")).to_have_count(1)


def test_headings_are_an_outline(visitor):
    for tab in TABS:
        visitor.open(tab)
        expect(visitor.page.locator("h2:visible")).to_have_count(1)
        levels = visitor.page.locator(":is(h1, h2, h3, h4, h5):visible").evaluate_all(
            "all => all.map(h => +h.tagName[1])"
        )
        assert levels[:2] == [1, 2], tab
        assert all(below <= above + 1 for above, below in zip(levels, levels[1:], strict=False)), tab


def test_the_focus_is_seen_on_sliders_and_radios(visitor):
    visitor.open("documents")
    for control in ("input[type=range]", "input[type=radio]", "button.lg"):
        visitor.page.locator(control).locator("visible=true").first.focus()
        visitor.page.keyboard.press("Shift")  # as by keyboard, so that the browser shows the focus
        seen = visitor.page.evaluate(
            "() => [document.activeElement, document.activeElement.nextElementSibling].some("
            "part => part && getComputedStyle(part).outlineStyle === 'solid')"
        )
        assert seen, control


def test_on_a_phone_the_bar_of_tabs_scrolls_and_slider_numbers_and_curve_are_seen_together(arrive):
    visitor = arrive(**PHONE)
    bar = visitor.page.get_by_role("tablist")
    expect(bar.get_by_role("tab")).to_have_count(len(TABS))
    assert bar.evaluate("bar => bar.scrollWidth > bar.clientWidth")
    visitor.open("ef")
    visitor.page.locator(SEEN_PLOT).wait_for()
    for part in (visitor.slider, visitor.page.locator(".lab-cards"), visitor.page.locator(SEEN_PLOT)):
        assert bottom(part) <= 844


def test_from_a_projector_the_map_is_above_the_fold_and_controls_are_large_enough(arrive):
    visitor = arrive(**PROJECTOR)
    visitor.open("graph")
    visitor.page.locator(SEEN_PLOT).wait_for()
    visitor.wait("() => document.querySelector('.lab-map .js-plotly-plot')?.getBoundingClientRect().bottom <= 533")
    assert bottom(visitor.page.get_by_role("button", name="Next")) <= 533
    for tab in TABS:
        visitor.open(tab)
        small = visitor.page.locator(
            "label, .block-info, button, input:not([type=radio], [type=checkbox])"
        ).evaluate_all(
            "parts => parts.filter(part => part.checkVisibility()"
            " && 1.5 * parseFloat(getComputedStyle(part).fontSize) < 16)"
            ".map(part => part.outerHTML.slice(0, 200))"
        )
        assert small == [], tab
