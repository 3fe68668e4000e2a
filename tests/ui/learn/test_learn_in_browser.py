"""Tests of the Learn tab in a real browser: predict, measure, reveal; by keyboard, on a phone, and after a reload."""

import re
import threading

import pytest
from playwright.sync_api import expect

from tests.support.browser import PATIENCE, TABS, barriers
from tests.support.serving import GRADIO_WARNINGS
from ui.lessons.measuring import LessonMeasurements, SampleCollections

pytestmark = [pytest.mark.browser, *(pytest.mark.filterwarnings(warning) for warning in GRADIO_WARNINGS)]
PHONE = {"viewport": {"width": 390, "height": 844}, "is_mobile": True, "has_touch": True}


@pytest.fixture(autouse=True)
def small_samples(monkeypatch, sample):
    """Let lessons measure on the small sample, whichever they name."""
    monkeypatch.setattr(LessonMeasurements, "_needed", lambda self, step: [])
    monkeypatch.setattr(SampleCollections, "indexed", lambda self, name: sample)


def step_of(visitor):
    return visitor.page.locator(".lab-step:visible")


def measure(visitor):
    step_of(visitor).get_by_role("button", name="Measure").press("Enter")
    step_of(visitor).locator(".lab-reveal").wait_for()


def test_the_first_screen_is_the_first_lesson_and_what_was_predicted_and_measured_survives_a_reload(visitor):
    step, live = step_of(visitor), visitor.page.locator(".lab-learn-live")
    expect(visitor.page.get_by_role("tab", selected=True)).to_have_text("Learn")
    step.get_by_role("button", name="Measure").click()
    expect(step.get_by_role("alert")).to_contain_text("First predict")
    expect(step.get_by_role("slider")).to_be_focused()
    visitor.page.keyboard.press("ArrowLeft")
    expect(step.locator("output")).to_have_text("4 of 10 passages")
    measure(visitor)
    reveal = step.locator(".lab-reveal")
    expect(reveal.locator(".lab-mine").first).to_have_text("You predicted4 of 10 passages")
    measured = reveal.locator(".lab-true b").inner_text()
    expect(live).to_contain_text(f"Measured: {measured}. You predicted 4 of 10 passages.")
    expect(step.get_by_role("button", name="Measure again")).to_be_focused()
    expect(visitor.page.locator(".lab-learn-told .lab-record")).to_have_count(1)
    visitor.page.reload()
    visitor.errors.clear()  # what the page that is left says of its broken connection
    expect(reveal.locator(".lab-true b")).to_have_text(measured, timeout=PATIENCE)
    expect(step.get_by_role("slider")).to_have_value("4")
    expect(visitor.page.locator(".lab-course-done")).to_contain_text("1 of ")


def test_look_closer_opens_the_tab_with_what_was_measured_and_back_returns_to_the_step(arrive):
    visitor = arrive(address="/?tab=learn&lesson=small&step=small")
    step = step_of(visitor)
    step.get_by_label("Exact search").press("Space")
    measure(visitor)
    step.get_by_role("link", name="See its curve").click()
    visitor.wait_for_ef(10)
    expect(visitor.page.get_by_role("tab", selected=True)).to_have_text(TABS["ef"])
    visitor.page.go_back()
    expect(step).to_have_attribute("data-step", "small/small", timeout=PATIENCE)
    expect(step.locator(".lab-mine b")).to_have_text("Exact search")


def test_a_lesson_chosen_on_a_phone_closes_the_list(arrive):
    visitor = arrive(address="/?tab=learn&lesson=building&step=order", **PHONE)
    course = visitor.page.locator(".lab-course")
    course.locator("summary").tap()
    course.get_by_role("link", name="Small collections").tap()
    expect(step_of(visitor).get_by_role("heading")).to_be_focused()
    expect(course.get_by_role("link", name="Small collections")).to_be_hidden()


def test_back_and_forward_go_through_the_steps_and_a_link_opens_one(arrive):
    visitor = arrive(address="/?tab=learn&lesson=building&step=order")
    step = step_of(visitor)
    expect(step).to_have_attribute("data-step", "building/order")
    step.locator(".lab-next").click()
    expect(step).to_have_attribute("data-step", "small/small")
    expect(step.get_by_role("heading")).to_be_focused()
    expect(visitor.page).to_have_url(re.compile("lesson=small&step=small"))
    visitor.page.go_back()
    expect(step).to_have_attribute("data-step", "building/order", timeout=PATIENCE)
    visitor.page.go_forward()
    expect(step).to_have_attribute("data-step", "small/small", timeout=PATIENCE)


def test_an_order_is_measured_once_it_was_made_and_the_first_one_stays_until_it_is_forgotten(arrive):
    visitor = arrive(address="/?tab=learn&lesson=building&step=order")
    step = step_of(visitor)
    step.get_by_role("button", name="Measure").click()
    expect(step.get_by_role("alert")).to_contain_text("First predict")
    mine = step.get_by_role("checkbox", name="This is my order")
    expect(mine).to_be_focused()
    mine.press("Space")
    measure(visitor)
    first = step.locator(".lab-mine").inner_text()
    expect(step.get_by_role("button", name="Move down").first).to_be_disabled()
    step.get_by_role("button", name="Measure again").click()
    expect(step.get_by_role("button", name="Measure again")).to_be_enabled(timeout=PATIENCE)
    assert step.locator(".lab-mine").inner_text() == first
    visitor.page.get_by_role("button", name="Forget it").click()
    expect(mine).not_to_be_checked()
    expect(step.get_by_role("button", name="Move down").first).to_be_enabled()
    expect(step.locator(".lab-reveal")).to_be_hidden()


@pytest.mark.parametrize("options", [PHONE, {"color_scheme": "dark"}], ids=["phone", "dark"])
def test_an_order_is_made_by_keyboard_and_finger_and_axe_finds_nothing_serious(arrive, options):
    visitor = arrive(address="/?tab=learn&lesson=building&step=order", **options)
    step = step_of(visitor)
    items = step.locator(".lab-order li")
    names = items.evaluate_all("items => items.map(item => item.dataset.name)")
    down = step.get_by_role("button", name="Move down").first
    down.tap() if "has_touch" in options else down.press("Enter")
    moved = step.get_by_role("button", name="Move down").nth(1)
    expect(moved).to_be_focused()
    expect(visitor.page.locator(".lab-learn-live")).to_contain_text("now number 2 of 3")
    assert items.evaluate_all("items => items.map(item => item.dataset.name)") == [names[1], names[0], names[2]]
    measure(visitor)
    expect(step.locator(".lab-mine b")).to_have_count(3)
    expect(down).to_be_disabled()
    width, inner = visitor.page.evaluate("[document.documentElement.scrollWidth, window.innerWidth]")
    assert width <= inner
    visitor.page.evaluate("document.querySelectorAll('details').forEach(details => details.open = true)")
    assert barriers(visitor.page) == []


def test_a_prediction_is_kept_from_measure_on_and_steps_asked_for_meanwhile_are_measured_in_turn(
    arrive, monkeypatch, sample
):
    held = threading.Event()
    monkeypatch.setattr(SampleCollections, "indexed", lambda self, name: held.wait(PATIENCE) and sample)
    visitor = arrive(address="/?tab=learn&lesson=small&step=small")
    step = step_of(visitor)
    step.get_by_label("Exact search").press("Space")
    step.get_by_role("button", name="Measure").press("Enter")
    visitor.page.reload()
    visitor.errors.clear()  # what the page that is left says of its broken connection
    expect(step.get_by_label("Exact search")).to_be_checked(timeout=PATIENCE)
    for name in ("small", "large", "growth"):
        expect(step).to_have_attribute("data-step", f"small/{name}")
        predicted = step.get_by_role("slider") if name == "growth" else step.get_by_label("Exact search")
        predicted.press("ArrowLeft" if name == "growth" else "Space")
        step.get_by_role("button", name="Measure").press("Enter")
        if name != "growth":
            step.locator(".lab-next").click()
    expect(step.locator(".lab-busy")).to_contain_text("Waiting for the step")
    held.set()
    expect(visitor.page.locator(".lab-course-done")).to_contain_text("3 of ", timeout=PATIENCE)
    expect(step.locator(".lab-mine b")).to_have_count(1)
    step.get_by_role("link", name="Back").click()
    expect(step.locator(".lab-mine b")).to_have_text("Exact search")
