"""From a move of the ef slider to its numbers on the page, in a real browser."""

import random
import shutil

import numpy as np

from benchmarks.app_process import App
from benchmarks.protocol import Comparison, Target
from benchmarks.report import Stage, Unavailable, main
from retriever.indexing.sample_cache import cache_folder

BROWSERS = ("chromium", "chromium-browser", "google-chrome")
FLAGS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--no-first-run",
)
MOVE = """([ef]) => new Promise(done => {
    const slider = document.querySelector('.lab-big-slider input[type=range]')
    const set = Object.getOwnPropertyDescriptor(HTMLInputElement.prototype, 'value').set
    const began = performance.now()
    const look = () => document.querySelector('.lab-cards')?.dataset.ef == ef
        ? done(performance.now() - began) : requestAnimationFrame(look)
    set.call(slider, ef)
    slider.dispatchEvent(new Event('input', {bubbles: true}))
    look()
})"""
REST = 600  # milliseconds between two moves: what follows the numbers is drawn as well


def run(full: bool) -> Stage:
    """Move the slider on the Python docs, 100 queries measured at each move, until the new numbers are shown."""
    browser = next((path for path in map(shutil.which, BROWSERS) if path), None)
    if browser is None:
        raise Unavailable(f"there is no browser ({', '.join(BROWSERS)}); install chromium")
    with App(cache_folder()) as app:
        app.wait_for_page()
        app.wait_for_sample("everyday_science")  # the last one: nothing is prepared any more
        milliseconds = _moves(app.address, browser, 120 if full else 25)
    p95 = np.array([np.percentile(milliseconds, 95)])
    comparisons = [
        Comparison(f"median of {len(milliseconds)} moves", "ms", {"retriever": np.array(milliseconds)}),
        Comparison("95th percentile", "ms", {"retriever": p95}, [Target(150)]),
    ]
    return Stage("Slider to numbers", comparisons, {"collection": "Python docs"}, {"k": 10, "queries": 100})


def _moves(address: str, browser_path: str, count: int) -> list[float]:
    from playwright.sync_api import sync_playwright

    drawn = random.Random(1)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=browser_path, args=FLAGS)
        page = browser.new_page(viewport={"width": 1280, "height": 800})
        page.goto(address)
        page.locator(".lab-status").get_by_text("Python docs").wait_for(timeout=120_000)
        page.get_by_role("tab", name="3 Recall against latency").click()
        page.locator(".lab-lesson").locator("visible=true").first.wait_for(timeout=120_000)
        page.wait_for_timeout(3 * REST)
        found = []
        for ef in drawn.sample(range(11, 400), count + 3):
            found.append(float(page.evaluate(MOVE, [ef])))
            page.wait_for_timeout(REST)
        browser.close()
    return found[3:]  # the first ones warm the browser up


if __name__ == "__main__":
    main(run)
