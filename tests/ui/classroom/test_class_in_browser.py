"""A class in a real browser: a teacher with a projector, and students with phones, who reload and go offline."""

import re

import pytest
from playwright.sync_api import expect

from tests.support.browser import PATIENCE, barriers

pytestmark = pytest.mark.browser
PHONE = {"viewport": {"width": 390, "height": 844}, "has_touch": True}
PROJECTOR = {"viewport": {"width": 853, "height": 533}, "device_scale_factor": 1.5, "color_scheme": "dark"}  # 150 %


@pytest.fixture
def open_page(browser, server):
    """A function that opens a page in a browser of its own; an error on any of them fails the test."""
    contexts, errors = [], []

    def open_page(path, **options):
        contexts.append(browser.new_context(**options))
        contexts[-1].set_default_timeout(PATIENCE)
        page = contexts[-1].new_page()
        page.on("pageerror", lambda error: errors.append(str(error)))
        page.goto(server.address + path)
        return page

    yield open_page
    for context in contexts:
        context.close()
    assert errors == []


def press(page, name):
    page.get_by_role("button", name=name, exact=True).locator("visible=true").click()


def assert_usable(page):
    """Assert that axe finds nothing serious, nothing scrolls sideways, and buttons are large enough."""
    assert barriers(page) == []
    width, inner = page.evaluate("[document.documentElement.scrollWidth, window.innerWidth]")
    assert width <= inner
    sizes = page.locator("button:visible, .button:visible, select:visible").evaluate_all(
        "all => all.map(each => Math.min(each.offsetWidth, each.offsetHeight))"
    )
    assert min(sizes, default=24) >= 24


def test_a_class_from_its_start_to_its_end(open_page, server, given):
    given.free.set()
    teacher = open_page("/class?lesson=trial", **PROJECTOR)
    assert_usable(teacher)
    press(teacher, "Start a class")
    teacher.wait_for_url("**/teach")
    code = teacher.locator(".code").inner_text().replace(" ", "")
    student, other = open_page(f"/class/{code}", **PHONE), open_page(f"/class/{code.lower()}", **PHONE)
    student.get_by_label("Your prediction, from 0 to 10 of 10 passages").fill("x")
    press(student, "Predict")
    expect(student.locator("#trouble")).to_contain_text("That is no number")
    student.get_by_label("Your prediction").fill("7,0")
    press(student, "Predict")
    expect(student.locator("#predict .own")).to_have_text(re.compile("You predicted 7 of 10 passages"))
    expect(teacher.locator("#students")).to_have_text("2")
    expect(teacher.locator("#predicted")).to_have_text("1")
    for page in (teacher, student):
        assert_usable(page)

    student.context.set_offline(True)
    press(teacher, "Reveal")
    expect(teacher.locator(".measured th")).to_contain_text("measured ▶ 4")
    expect(student.locator("#trouble")).to_contain_text("cannot be reached")
    student.context.set_offline(False)
    expect(student.locator("#difference")).to_have_text("You predicted 3 too many.")
    expect(student.locator("#trouble")).to_be_hidden()
    expect(other.locator("#own")).to_have_text("none made")
    teacher.reload()
    expect(teacher.locator(".distribution tr.measured")).to_have_count(1)
    student.reload()
    expect(student.locator("#own")).to_have_text("7 of 10 passages")
    for page in (teacher, student):
        assert_usable(page)

    teacher.get_by_role("button", name="Next step").press("Enter")
    student.get_by_text("The index", exact=True).tap()
    press(student, "Predict")
    expect(student.locator("#own")).to_have_text("“The index”")
    press(teacher, "Close predictions")
    expect(student.locator("#said")).to_have_text("Predictions are closed.")
    expect(teacher.get_by_role("button", name="Open again")).to_be_focused()
    press(teacher, "Open again")
    press(teacher, "Next step")
    assert_usable(teacher)
    press(teacher, "Go on without")
    student.get_by_role("button", name="Move up: BM25").press("Enter")
    expect(student.locator("#said")).to_have_text("BM25 is number 2 now.")
    expect(student.get_by_role("button", name="Move up: BM25")).to_be_focused()
    press(student, "Predict")
    expect(student.locator("#own")).to_have_text("Exact search, then BM25, then HNSW")
    assert_usable(student)
    press(teacher, "Reveal")
    expect(teacher.locator(".distribution tr")).to_have_count(5)
    assert_usable(teacher)

    press(teacher, "End the class")
    assert_usable(teacher)
    teacher.locator("dialog").get_by_role("button", name="End the class").click()
    for page in (teacher, student, other):
        expect(page.get_by_role("heading", name="The class is over")).to_be_visible(timeout=PATIENCE)
        assert_usable(page)
    server.classrooms._by_code.clear()
    student.reload()
    expect(student.get_by_role("heading", name="No class has this code")).to_be_visible()
    expect(student.get_by_label("The code on the projector")).to_have_value(code)
    expect(student.locator("main")).to_contain_text("the lab may have been restarted")
