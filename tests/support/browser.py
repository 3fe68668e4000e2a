"""A visitor's browser: Chromium through Playwright, and the visitor's actions on the page."""

import json
import os
import re
import shutil
import zipfile

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import expect

from tests.support.small import HOSTILE

PATIENCE = 60_000  # milliseconds until a test gives up: the machine may be busy
NAMES = ("chromium", "chromium-browser", "google-chrome")
QUIET = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
)
TABS = {
    "learn": "Learn",
    "documents": "1 Documents",
    "search": "2 Search",
    "ef": "3 Recall against latency",
    "models": "4 Compare models",
    "graph": "5 Inside HNSW",
}

# A colour on its way to another has a contrast of neither; what turns for ever, as a sign that work goes on, may turn.
AT_REST = """() => {
    const ends = document.getAnimations().filter(each => each.effect.getComputedTiming().endTime < Infinity)
    return Promise.allSettled(ends.map(each => each.finished))
}"""


def find_browser():
    """Return the path of a Chromium; without one, skip, or fail if REQUIRE_BROWSER=1."""
    path = next((found for found in map(shutil.which, NAMES) if found), None)
    if path is None:
        say = pytest.fail if os.environ.get("REQUIRE_BROWSER") == "1" else pytest.skip
        say(f"no browser was found ({', '.join(NAMES)}); install chromium to run the browser tests")
    return path


def beir(folder, texts, queries, qrels):
    """Write a small collection in BEIR layout, whose titles and kinds are hostile; return its path."""
    path = folder / "tiny.zip"
    with zipfile.ZipFile(path, "w") as archive:
        rows = ({"_id": f"d{row}", "title": HOSTILE, "text": text} for row, text in enumerate(texts))
        archive.writestr("corpus.jsonl", "".join(json.dumps(row) + "\n" for row in rows))
        rows = ({"_id": f"q{row}", "text": text, "metadata": {"kind": HOSTILE}} for row, text in enumerate(queries))
        archive.writestr("queries.jsonl", "".join(json.dumps(row) + "\n" for row in rows))
        archive.writestr("qrels/test.tsv", qrels)
    return path


def barriers(page):
    """Return what axe-core finds serious or critical on the page as it comes to rest, by WCAG 2.2 A and AA."""
    page.evaluate(AT_REST)
    found = Axe().run(page, options={"runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]})
    grave = [each for each in found.response["violations"] if each["impact"] in ("serious", "critical")]
    return [(each["id"], node["target"], node["failureSummary"]) for each in grave for node in each["nodes"]]


class Visitor:
    """A visitor with a page of their own, whose requests and errors are recorded."""

    def __init__(self, browser, url, *, address="", sample="Sample documents", script="", **options):
        options = {"viewport": {"width": 1280, "height": 800}, **options}
        self.context = browser.new_context(**options)
        self.context.set_default_timeout(PATIENCE)
        self.url, self.requests, self.errors = url, [], []
        self.context.add_init_script(script)
        self.page = self.context.new_page()
        self.page.on("request", lambda request: self.requests.append(request.url))
        self.page.on("pageerror", lambda error: self.errors.append(str(error)))
        self.page.on("console", lambda message: self.errors.append(message.text) if message.type == "error" else None)
        self.page.goto(url + address)
        self.header = self.page.locator(".lab-status")
        self.header.get_by_text(sample).wait_for()

    def close(self):
        """Close the page."""
        self.context.close()

    def open(self, tab):
        """Open a tab; on a narrow page it may be in the menu of tabs that have no room."""
        visible = self.page.get_by_role("tab", name=TABS[tab])
        hidden = self.page.locator(".overflow-dropdown").get_by_text(TABS[tab])
        if not visible.count():
            self.page.locator(".overflow-menu > button").click()
        visible.or_(hidden).first.click()

    def wait(self, script, *values):
        """Wait until a JavaScript condition of the page holds."""
        self.page.wait_for_function(script, arg=list(values), timeout=PATIENCE)

    # --- documents

    def choose(self, label, option):
        """Choose one of several radio buttons."""
        self.page.get_by_label(option, exact=True).locator("visible=true").first.check()

    def take_model(self, name):
        """Choose the embedding model."""
        self.page.get_by_label("Embedding model").click()
        self.page.get_by_role("option", name=name).click()

    def build(self):
        """Press Build and wait until the build has ended."""
        self.page.get_by_role("button", name="Build", exact=True).click()
        self.page.get_by_text("Done: now ask").wait_for()

    def paste(self, text, preset="default 16/200", model="wordllama-256"):
        """Fill in the controls of a build of pasted text."""
        self.open("documents")
        self.choose("Documents", "Paste text")
        self.page.get_by_placeholder("Paste some paragraphs here.").fill(text)
        self.take_model(model)
        self.choose("Graph", preset)
        M, ef_construction = preset.split()[1].split("/")
        for label, value in (("M (links)", M), ("efConstruction", ef_construction)):  # the server sets these sliders
            expect(self.page.get_by_label(f"number input for {label}")).to_have_value(value, timeout=PATIENCE)

    def upload(self, *files):
        """Choose files to upload."""
        self.open("documents")
        self.choose("Documents", "Upload files")
        self.page.locator("input[type=file]").first.set_input_files(list(map(str, files)))
        for file in files:
            self.page.locator(".file-preview").get_by_text(file.stem[-12:]).first.wait_for()

    # --- search

    def ask(self, question):
        """Ask a question and wait for both answers; return the texts of the exact column's hits."""
        self.open("search")
        box = self.page.get_by_label("Question", exact=False).locator("visible=true").first
        box.fill(question)
        self.page.get_by_role("button", name="Search", exact=True).click()
        self.page.locator(".lab-hits.lab-exact li").first.wait_for()
        return self.page.locator(".lab-hits.lab-exact li").all_inner_texts()

    def put_beside(self, name):
        """Choose a third answer to the question that was asked, and wait for it."""
        self.page.get_by_label(name, exact=True).locator("visible=true").check()
        self.page.locator(".lab-hits.lab-beside li").first.wait_for()

    # --- ef

    @property
    def slider(self):
        """The large ef slider."""
        return self.page.locator(".lab-big-slider input[type=range]")

    def shown_ef(self):
        """Return the ef whose numbers are shown."""
        return int(self.page.locator(".lab-cards").get_attribute("data-ef"))

    def wait_for_ef(self, ef):
        """Wait until the numbers of an ef are shown; return mean recall and median latency in seconds."""
        self.wait("([ef]) => document.querySelector('.lab-cards')?.dataset.ef == ef", ef)
        recall, latency = self.page.locator(".lab-cards .lab-card b").all_inner_texts()[:2]
        value, unit = re.fullmatch(r"([0-9.]+) (µs|ms|s)", latency).groups()
        return float(recall), float(value) * {"µs": 1e-6, "ms": 1e-3, "s": 1}[unit]

    def drag_to(self, ef):
        """Drag the slider's thumb to a value with the mouse, in steps, and wait for its numbers."""
        box, low, high = (
            self.slider.bounding_box(),
            int(self.slider.get_attribute("min")),
            int(self.slider.get_attribute("max")),
        )
        thumb = 16  # pixels: the thumb's middle travels the width less its own

        def place(value):
            return box["x"] + thumb / 2 + (box["width"] - thumb) * (value - low) / (high - low)

        now, y = int(self.slider.input_value()), box["y"] + box["height"] / 2
        self.page.mouse.move(place(now), y)
        self.page.mouse.down()
        for step in range(1, 11):
            self.page.mouse.move(place(now + (ef - now) * step / 10), y)
        self.page.mouse.up()
        reached = int(self.slider.input_value())
        return reached, *self.wait_for_ef(reached)

    # --- compare models

    def take(self, label, option):
        """Choose an option of the fourth tab's drop-down lists."""
        self.page.get_by_label(label).locator("visible=true").first.click()
        self.page.get_by_role("option", name=option, exact=True).click()

    def give_archive(self, path):
        """Choose a collection in BEIR layout."""
        self.open("models")
        self.take("Judged collection", "Upload a BEIR collection")
        place = self.page.locator(".lab-archive")
        place.locator("input[type=file]").set_input_files(str(path))
        place.get_by_text(path.stem[-12:]).first.wait_for()

    def compare(self):
        """Press Compare, wait for the result and return the verdict."""
        self.open("models")
        done = self.page.get_by_text("Done in")
        if done.count():  # of a comparison before
            done.evaluate("hint => hint.remove()")
        self.page.get_by_role("button", name="Compare", exact=True).click()
        done.wait_for()
        return self.page.locator(".lab-lesson").locator("visible=true").inner_text()

    def lost_by_index(self):
        """Return the share of questions that the index loses with each model, as the bars show."""
        words = self.page.locator(".lab-error").all_inner_texts()
        return [float(re.search(r"the index loses ([0-9.]+)", line).group(1)) for line in words]

    def move_errors_to(self, ef):
        """Type an ef beside the fourth tab's slider and wait for the bars."""
        box = self.page.get_by_label("number input for ef (candidates)").locator("visible=true")
        box.fill(str(ef))
        box.press("Enter")
        self.wait("([ef]) => document.querySelector('.lab-errors')?.dataset.ef == ef", ef)

    # --- inside HNSW

    def walk(self, question):
        """Type a question, walk, and return the element with the summary."""
        self.open("graph")
        box = self.page.get_by_label("Question").locator("visible=true").first
        box.fill(question)
        box.press("Enter")
        self.page.get_by_role("button", name="Walk", exact=True).click()
        return self.page.locator(".lab-lesson").locator("visible=true")
