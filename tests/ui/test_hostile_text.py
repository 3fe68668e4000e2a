"""Hostile text in every place a visitor can fill, in a real browser: it is shown as text, and nothing of it runs."""

import csv
import html
import json
import zipfile
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import expect

from tests.support.browser import PATIENCE, Visitor
from tests.support.hostile_text import IMG
from tests.support.serving import GRADIO_WARNINGS, served
from tests.support.small import sentences
from ui.jobs.shared_samples import SharedSamples

pytestmark = [pytest.mark.browser, *(pytest.mark.filterwarnings(warning) for warning in GRADIO_WARNINGS)]
PLANTED = (
    "<b class=planted>b</b>&amp;$a$ <img class=planted src=https://planted.example/x.png onerror=window.hacked=1>"
    "<script class=planted>window.hacked=2</script><svg class=planted onload=window.hacked=3></svg>"
    "<iframe class=planted srcdoc='<script>parent.hacked=4</script>'></iframe>"
    "<a class=planted href='javascript:window.hacked=5'>a</a> ${window.hacked=6} {{constructor.constructor('window"
    ".hacked=7')()}} [c](javascript:window.hacked=8) ![d](https://planted.example/y.png) $\\href{javascript:window."
    "hacked=9}{e}$ \"'--></td></div></textarea></title></style><style class=planted onload=window.hacked=10></style>"
)
BEGIN, QUOTED = PLANTED[:110], PLANTED[:50]  # what a short sentence holds, and what a message quotes
PLACES = """() => [...document.querySelectorAll('*')].filter(element =>
    element.matches('.planted, iframe, object, embed, [srcdoc], marquee, svg.main-svg a, .hoverlayer a')
    || [...element.attributes].some(({name, value}) => /^on/i.test(name)
        || (/^(href|src|action|formaction|xlink:href)$/i.test(name) && /^[\\s\\0-\\x20]*javascript:/i.test(value)))
    || [...element.attributes].some(({value}) => /planted\\.example/.test(value) && element.matches('[src], [href]')
        && !element.matches('a.lab-go[href^="?tab="]'))  // the page's own address, with a question in it
).map(element => element.outerHTML.slice(0, 300))"""

CUT_OFF = """() => [...document.querySelectorAll('.html-container *')].filter(element => element.offsetParent
    && element.getBoundingClientRect().right > innerWidth + 1 && !element.closest('.lab-scroll, .lab-record')
).map(element => element.outerHTML.slice(0, 300))"""


@pytest.fixture(scope="module")
def url(browser, minilm, wordllama):
    """The address of the app with the small sample."""
    shared_samples = SharedSamples(("documents",))
    shared_samples.start()
    shared_samples.prepare("documents").result()
    with served(shared_samples) as address:
        yield address


@pytest.fixture
def visitor(browser, url):
    """A visitor on the page; afterwards nothing may have run or been requested from another host."""
    visitor = Visitor(browser, url)
    yield visitor
    hosts = {urlsplit(request).netloc for request in visitor.requests}  # the address of the page holds the question
    visitor.close()
    assert not [host for host in hosts if "planted.example" in host]
    assert visitor.errors == []


def assert_harmless(visitor):
    """Check that nothing ran, and that no element or link on the page comes from a text."""
    assert visitor.page.evaluate("window.hacked") is None
    assert visitor.page.evaluate(PLACES) == []


def assert_fits(visitor):
    """Check that the page does not scroll sideways and that no text is cut off at its edge."""
    width, inner = visitor.page.evaluate("[document.documentElement.scrollWidth, window.innerWidth]")
    assert width <= inner
    assert visitor.page.evaluate(CUT_OFF) == []


def shown(visitor, place):
    """Return the visible elements that match a selector."""
    return visitor.page.locator(place).locator("visible=true")


def file_name(end):
    """Return a hostile file name, short enough for a disk."""
    return f"<img class=planted src=x onerror=window.hacked=1>\"'${{window.hacked=2}}&amp; {end}"


@pytest.fixture
def uploads(tmp_path):
    """Files that are hostile in their names, ids, titles, texts and other values."""
    rows = [
        {"_id": f"{PLANTED} {n}", "title": f"{PLANTED} {n}", "text": f"{' '.join(line.split()[:4])} {BEGIN}. {PLANTED}"}
        | {PLANTED: PLANTED}
        for n, line in enumerate(sentences(150))
    ]
    ends = ("of many lines.jsonl", "of a table.csv", "of a page.html")
    lines, table, page = (tmp_path / file_name(end) for end in ends)
    lines.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    with table.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["id", "title", "text", PLANTED])
        for row, line in enumerate(sentences(60, seed=3)):
            writer.writerow([f"={PLANTED} {row}", f"@{PLANTED}", f"+{line} {PLANTED}", "-1"])
    escaped = html.escape(PLANTED)
    page.write_text(f"<title>{escaped}</title>{PLANTED}<p>{escaped} {sentences(1, seed=4)[0]}</p>", encoding="utf-8")
    return lines, table, page


def test_documents_that_are_hostile_in_every_part(visitor, uploads):
    visitor.upload(*uploads)
    names = shown(visitor, ".file-preview").inner_text()
    assert names.count("<img class=planted src=x onerror=window.hacked=1>") == 3
    visitor.take_model("wordllama-256")
    visitor.choose("Graph", "starved 4/20")
    visitor.build()
    visitor.page.get_by_text("Look at the chunks").click()
    chunk = shown(visitor, ".lab-tall tr").nth(1)
    expect(chunk.locator("td").nth(1)).to_contain_text(PLANTED)
    expect(chunk.locator("td").nth(2)).to_contain_text(BEGIN)
    assert_harmless(visitor)
    assert_fits(visitor)

    hits = visitor.ask(f"amber anchor {PLANTED}")
    assert all(PLANTED in hit for hit in hits)
    examples = visitor.page.get_by_text("Example questions").locator("visible=true").locator("xpath=../..")
    expect(examples).to_contain_text(QUOTED)
    shown(visitor, "button").get_by_text("Run record").click()
    expect(shown(visitor, ".lab-record")).to_contain_text(f'"question": "amber anchor {BEGIN}')
    assert_harmless(visitor)
    assert_fits(visitor)

    visitor.open("ef")
    visitor.drag_to(40)
    visitor.drag_to(10)
    expect(shown(visitor, ".lab-missed-text").first).to_contain_text(PLANTED, timeout=PATIENCE)
    expect(visitor.page.locator(".js-plotly-plot").locator("visible=true")).to_contain_text("now: ef=10")
    assert_harmless(visitor)
    assert_fits(visitor)


@pytest.mark.exhaustive
def test_a_walk_among_hostile_documents_to_a_hostile_question(visitor, uploads):
    visitor.upload(uploads[0])
    visitor.take_model("wordllama-256")
    visitor.choose("Graph", "starved 4/20")
    visitor.build()
    visitor.open("graph")
    box = visitor.page.get_by_label("Question").locator("visible=true").first
    expect(box).not_to_have_value("", timeout=PATIENCE)
    box.click()
    expect(visitor.page.get_by_role("option").filter(has_text=BEGIN).first).to_be_visible()
    assert_harmless(visitor)
    said = visitor.walk(f"amber anchor {PLANTED}")
    expect(said).to_contain_text("distances")
    expect(shown(visitor, ".prose.lab-told")).to_contain_text(PLANTED)
    expect(shown(visitor, ".lab-misses li").first).to_contain_text(PLANTED)
    hover(visitor, ".scatterlayer path.point", f": {PLANTED[:40]}")
    assert_harmless(visitor)
    assert_fits(visitor)


def hover(visitor, marks, words=""):
    """Move the mouse to a figure's marks until a label with these words appears, and return it."""
    found = visitor.page.locator(f".js-plotly-plot:visible {marks}")
    found.first.wait_for(state="attached")
    for number in range(0, found.count(), max(1, found.count() // 40)):
        box = found.nth(number).bounding_box()
        visitor.page.mouse.move(box["x"] + box["width"] / 2 + 1, box["y"] + box["height"] / 2 + 1)
        visitor.page.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
        visitor.page.wait_for_timeout(200)
        labels = visitor.page.locator(".hoverlayer .hovertext").all_text_contents()
        if words in " ".join(labels) and labels:
            return " ".join(labels)
    raise AssertionError("no label appeared")


@pytest.fixture
def collection(tmp_path):
    """A zipped BEIR collection that is hostile in its name, ids, titles, texts, kinds and questions."""
    path = tmp_path / file_name("of a collection.zip")
    lines = sentences(40)
    said = dict.fromkeys(("source", "page", "row", "start"), PLANTED)
    corpus = [
        {"_id": f"{PLANTED} {n}", "title": f"{PLANTED} {n}", "text": f"{line} {PLANTED}", **said}
        for n, line in enumerate(lines)
    ]
    queries = [
        {"_id": f"{PLANTED} {n}", "text": f"{line} {PLANTED}", "metadata": {"kind": f"{PLANTED} {n % 2}"}}
        for n, line in enumerate(lines[:6])
    ]
    judged = "".join(f"{PLANTED} {n}\t{PLANTED} {n}\t1\n" for n in range(6))
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("corpus.jsonl", "".join(json.dumps(row) + "\n" for row in corpus))
        archive.writestr("queries.jsonl", "".join(json.dumps(row) + "\n" for row in queries))
        archive.writestr("qrels/test.tsv", f"query-id\tcorpus-id\tscore\n{judged}")
    return path


@pytest.mark.exhaustive
def test_models_compared_on_a_hostile_collection(visitor, collection):
    visitor.give_archive(collection)
    said = visitor.compare()
    assert "of 6 questions" in said
    plot = visitor.page.locator(".js-plotly-plot").locator("visible=true")
    expect(plot).to_contain_text(PLANTED[:20])
    words = hover(visitor, ".barlayer .point path")
    assert PLANTED[:20] in words
    assert_harmless(visitor)
    assert_fits(visitor)
    cells = [visitor.page.locator(f".lab-list [data-testid=cell-0-{column}]") for column in (0, 1, 5)]
    for cell in cells:
        expect(cell).to_contain_text(PLANTED)
    cells[0].click()
    question = visitor.page.locator(".lab-question")
    expect(question.locator("h4")).to_contain_text(PLANTED)
    expect(question.locator(".lab-answers li")).to_contain_text(PLANTED)
    for ranking in question.locator(".lab-hits").all():
        expect(ranking).to_contain_text(PLANTED)
    visitor.page.get_by_text("Downloads and run record").click()
    shown(visitor, "a.lab-download").first.wait_for()
    assert_harmless(visitor)
    assert_fits(visitor)


# --- errors


def toast(visitor, words):
    """Wait for a message that quotes a text, and close it."""
    message = visitor.page.locator("[data-testid=toast-text]", has_text=words).first
    message.wait_for()
    assert_harmless(visitor)
    visitor.page.locator("[data-testid=toast-close]").first.click()


@pytest.mark.exhaustive
def test_messages_that_quote_hostile_files(visitor, tmp_path):
    empty, nameless = tmp_path / file_name("that is empty.txt"), tmp_path / file_name("without text.jsonl")
    empty.write_bytes(b"")
    nameless.write_text(json.dumps({PLANTED: "a", "other": "b"}), encoding="utf-8")
    visitor.upload(empty, nameless)
    visitor.page.get_by_role("button", name="Build", exact=True).click()
    toast(visitor, f'the keys are "{QUOTED}')

    good = tmp_path / "good.txt"
    good.write_text("Bees dance.", encoding="utf-8")
    visitor.page.get_by_label("Clear").locator("visible=true").first.click()
    visitor.upload(nameless, good)
    visitor.take_model("wordllama-256")
    visitor.build()
    expect(shown(visitor, ".lab-warning")).to_contain_text(f'the keys are "{QUOTED}')
    assert_harmless(visitor)

    visitor.open("search")
    box = visitor.page.get_by_label("Question", exact=False).locator("visible=true").first
    box.fill(PLANTED * 4)
    visitor.page.get_by_role("button", name="Search", exact=True).click()
    toast(visitor, "at most 2,000 are taken")

    archive = tmp_path / file_name("that leads out.zip")
    with zipfile.ZipFile(archive, "w") as file:
        file.writestr(f"../{IMG}<b class=planted>", "")
    visitor.give_archive(archive)
    visitor.page.get_by_role("button", name="Compare", exact=True).click()
    toast(visitor, f"holds the name '../{IMG}<b class=planted>'")


@pytest.mark.exhaustive
def test_judgments_that_do_not_fit_are_quoted_as_text(visitor, tmp_path):
    path = tmp_path / "unfit.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("corpus.jsonl", json.dumps({"_id": "d", "text": "Bees dance."}))
        archive.writestr("queries.jsonl", json.dumps({"_id": "q", "text": "Who dances?"}))
        archive.writestr("qrels/test.tsv", f"{IMG}<b class=planted>\td\t1\n")
    visitor.give_archive(path)
    visitor.page.get_by_role("button", name="Compare", exact=True).click()
    toast(visitor, f"the first is '{IMG}<b class=planted>'")


@pytest.mark.exhaustive
def test_long_words_do_not_push_the_page_aside(visitor, tmp_path):
    long = "x" * 1_990
    rows = [{"_id": f"{long}{n}", "title": long, "text": long + line} for n, line in enumerate(sentences(5))]
    lines, path = tmp_path / f"{'x' * 190}.jsonl", tmp_path / "long.zip"
    lines.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("corpus.jsonl", lines.read_text(encoding="utf-8"))
        archive.writestr("queries.jsonl", json.dumps({"_id": long, "text": long, "metadata": {"kind": long}}))
        archive.writestr("qrels/test.tsv", f"{long}\t{long}0\t1\n")
    visitor.upload(lines)
    visitor.take_model("wordllama-256")
    visitor.build()
    visitor.page.get_by_text("Look at the chunks").click()
    shown(visitor, ".lab-tall").wait_for()
    assert_fits(visitor)
    visitor.ask(long)
    assert_fits(visitor)
    visitor.open("ef")
    visitor.page.locator(".js-plotly-plot").locator("visible=true").wait_for()
    assert_fits(visitor)
    expect(visitor.walk(long)).to_contain_text("distances")
    assert_fits(visitor)
    visitor.give_archive(path)
    visitor.compare()
    visitor.page.locator(".lab-list [data-testid=cell-0-0]").click()
    visitor.page.locator(".lab-question h4").wait_for()
    assert_fits(visitor)
