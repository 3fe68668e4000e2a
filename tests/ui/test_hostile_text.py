"""Tests that hostile text from visitors and their files is shown as text, in HTML, in figures and in spreadsheets."""

import csv
import html
import io
import json
import re
import time
import zipfile
from collections import Counter
from dataclasses import replace
from functools import cache
from types import SimpleNamespace

import pytest
from playwright.sync_api import expect

from retriever.errors import DocumentError
from retriever.run_record import RunRecord
from tests.support.browser import PATIENCE, Visitor
from tests.support.judged import NAMES, by_hand, compared, compared_values, lost
from tests.support.page import Elements, content_of, files_of
from tests.support.serving import GRADIO_WARNINGS, served
from tests.support.small import collection_of, hit, passage_of, sentences
from ui.compare.figures import kinds_figure
from ui.compare.questions import LARGEST_DIFFERENCE, download_links, question_table, question_view
from ui.compare.tables import answer_list, error_bars, scoreboard
from ui.compare.text import comparison_notes, kinds_sentence, lucky_sentence, verdict_sentence
from ui.documents.tab import loaded_report
from ui.documents.text import build_report, chunk_table
from ui.header import collection_header
from ui.jobs.job import Status
from ui.jobs.progress_text import progress_bar, samples_progress
from ui.jobs.shared_samples import SharedSamples
from ui.render.errors import to_gradio_error
from ui.render.export import download_link, record_section, rows_to_csv
from ui.render.html import escape, writable_text
from ui.render.passages import passage_place
from ui.search.text import hit_list, time_bar
from ui.walk.figures import map_figure
from ui.walk.text import missed_list, step_sentence, walk_summary
from ui.walk.trace import trace_walk

pytestmark = [pytest.mark.filterwarnings(warning) for warning in GRADIO_WARNINGS]
IMG = "<img src=x onerror=window.hacked=1>"
HOSTILE = {
    "script": "<script>window.hacked=1</script><SCRIPT SRC=//x.example></SCRIPT>",
    "image": IMG,
    "svg": "<svg onload=window.hacked=1><animate onbegin=window.hacked=1 attributeName=x>",
    "iframe": '<iframe srcdoc="<script>parent.hacked=1</script>"></iframe>',
    "link": '<a href="javascript:window.hacked=1">x</a> javascript:window.hacked=1',
    "double quotes": '" onmouseover="window.hacked=1" x="',
    "single quotes": "' onfocus='window.hacked=1' autofocus x='",
    "back quotes": "`-window.hacked-` </textarea></title></style></pre></p></td></table></div></details>" + IMG,
    "comment": f"--><!-->{IMG}<!--",
    "section": f"]]>{IMG}<![CDATA[ <?xml ?> <!DOCTYPE x [<!ENTITY y 'z'>]> &y;",
    "template": "${window.hacked=1} `${window.hacked=1}` @children",
    "handlebars": '{{constructor.constructor("window.hacked=1")()}} {{{value}}} {{#each value}}',
    "format": "%s %(x)s %{x} %{customdata} {0.__class__} {value} {",
    "pseudo-tags": "<b>b</b><br><i>i</i><sub>s</sub><a href='https://x.example' target='_self'>a</a><extra></extra>",
    "entities": "&lt;img src=x onerror=window.hacked=1&gt; &amp;lt; &#60;b&#62; &#x3c;b&#x3e; &nbsp;",
    "formula": r"$\href{javascript:window.hacked=1}{x}$ $$y$$ \(z\) =1+1",
    "markdown": "[x](javascript:window.hacked=1) ![x](https://x.example/x.png) `code` **b** # h | cell",
    "nul": f"a\0<\0b>\0{IMG}",
    "turned": f"\u202e{IMG}\u202d\u2066\u2067\u2068",
    "zero width": "zero\u200bwidth\u200d\ufeff<\u200bscript>",
    "half a pair": f"\ud83d{IMG}\udc00",
    "lines": "one\ntwo\r\nthree\tfour\u2028five\x0bsix",
    "long": "x" * 10_000,
}
SPREAD_OUT = {"details", "summary", "p"}  # a long text is shown as its beginning, which opens
ALL, NONE = (1.0,) * 8, (0.0,) * 8  # values of eight questions, enough to be no chance


@pytest.fixture(params=HOSTILE.values(), ids=HOSTILE)
def hostile(request):
    """One hostile text after another."""
    return request.param


def seen(given):
    """Return a hostile text as a page can show it."""
    marks = str.maketrans({"\0": "\ufffd", **dict.fromkeys("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")})
    return re.sub("[\ud800-\udfff]", "\ufffd", given.translate(marks))


def structure(source):
    """Count elements and attributes, that is all but the text."""
    found = Elements(source)
    return Counter(tag for tag in found.tags if tag not in SPREAD_OUT), Counter(found.attributes)


def assert_shown_as_text(render, hostile, *, times=1):
    """Check that a visitor's text changes nothing but the words, and appears among these unchanged."""
    source = render(hostile)
    assert structure(source) == structure(render("word"))
    lines = {"\r\n": "\n", "\r": "\n"}  # as every parser of HTML reads them
    wanted, found = seen(hostile), Elements(source).text
    for old, new in lines.items():
        wanted, found = wanted.replace(old, new), found.replace(old, new)
    assert found.count(wanted) >= times
    source.encode()  # else the answer never reaches the page


# --- HTML


def described(hostile):
    """Return a passage's place, hostile in every part."""
    return {"doc_id": hostile, "title": hostile, "source": f"{hostile}.txt", "page": hostile, "row": hostile}


def test_what_every_text_goes_through(hostile):
    assert Elements(f"<i title='{escape(hostile)}'>").tags == ["i"]
    assert Elements(f'<i title="{escape(hostile)}">').attributes == ["title"]
    assert not set("<>\"'\0\u202e\u2066") & set(escape(hostile))


def test_hits(hostile):
    assert_shown_as_text(
        lambda given: hit_list([hit(given, **described(given))] * 2, [True, False], side="exact"), hostile, times=8
    )


def test_bars_of_time_and_downloads(hostile):
    assert_shown_as_text(lambda given: time_bar({given: (0.5, "lab-part-hnsw")}), hostile)
    source = download_link(hostile, "text/plain", hostile, "label")
    assert structure(source) == structure(download_link("word", "text/plain", "word", "label"))
    assert files_of(source) == {seen(hostile): hostile.encode("utf-8", "replace").decode()}


def loaded(encoder, hostile, n=12, **graph):
    """Return a collection with hostile passages, queries and name; its vectors are those of other words."""
    indexed = collection_of(encoder, sentences(n), queries=sentences(3, seed=5), name=hostile, **graph)
    indexed.retriever.passages = [passage_of(f"{hostile} {text}", **described(hostile)) for text in sentences(n)]
    settings = replace(indexed.settings, model_name=hostile)
    return replace(indexed, settings=settings, queries=[hostile] * 3, failed={hostile: hostile}, seconds={hostile: 1.0})


def test_what_is_loaded(fake_encoder, hostile):
    def build(given):
        return loaded(fake_encoder, given)

    assert_shown_as_text(lambda given: collection_header(build(given)), hostile, times=2)
    assert_shown_as_text(lambda given: build_report(build(given)), hostile, times=3)
    assert_shown_as_text(lambda given: chunk_table(build(given)), hostile, times=24)


def test_progress_and_what_cannot_be_prepared(monkeypatch, hostile):
    assert_shown_as_text(lambda given: progress_bar(Status(f"Stage {given}", 0.5, 3)), hostile)
    state = SharedSamples(("documents",))

    def failed(given):
        monkeypatch.setattr(state, "failure", lambda name: given)
        return samples_progress(state)

    assert_shown_as_text(failed, hostile)


def a_record(hostile):
    part = {"question": hostile, hostile: {hostile: [hostile]}}
    return RunRecord(hostile, part, part, part)


def test_run_records(hostile):
    source = record_section(a_record(hostile))
    assert structure(source) == structure(record_section(a_record("word")))
    written = a_record(hostile).to_json().rstrip("\n")
    time = re.search(r'"time": "(.*?)"', Elements(source).text)[1]
    assert re.sub(r'"time": ".*?"', f'"time": "{time}"', seen(written)) in Elements(source).text
    source.encode()
    as_json, as_markdown = re.findall(r"<a .*?</a>", source)
    assert json.loads(content_of(as_json))["title"] == hostile.encode("utf-8", "replace").decode()
    assert "<" not in content_of(as_markdown)


def test_messages_of_errors(hostile):
    def refuse(given):
        return to_gradio_error(DocumentError(f"{writable_text(given)} is empty.")).message

    assert_shown_as_text(refuse, hostile)


def test_the_report_of_a_build(fake_encoder, hostile):
    session = SimpleNamespace(indexed=loaded(fake_encoder, hostile))
    plain = SimpleNamespace(indexed=loaded(fake_encoder, "word"))
    for source, other in zip(loaded_report(session), loaded_report(plain), strict=True):
        assert structure(source) == structure(other)
        source.encode()


# --- compare models


@cache
def two(hostile):
    """Compare two models of hostile names on a collection that is hostile in every text."""
    queries, kinds = ({f"q{row}": f"{hostile} {row}{end}" for row in range(2)} for end in "?!")
    texts = {"queries": queries, "kinds": kinds, "title": hostile, "body": hostile, "name": hostile}
    return compared([1, 40], [40, 1], n=50, names=(hostile, f"{hostile} 2"), **texts)


@pytest.mark.parametrize(
    ("render", "times"),
    [
        (scoreboard, 2),
        (lambda found: error_bars(found, 10), 2),
        (lambda found: answer_list(found.first, "q0"), 2),
        (lambda found: question_view(found, "q0", 10), 20),
        (lambda found: verdict_sentence(found) + "".join(comparison_notes(found, coverage(found), [0.5, 0.5])), 4),
        (lambda found: lucky_sentence(by_luck(found.models), 10), 2),
    ],
    ids=["scoreboard", "two errors", "answers", "one question", "notes", "luck"],
)
def test_what_shows_a_comparison(render, times, hostile):
    assert_shown_as_text(lambda given: render(two(given)), hostile, times=times)


def coverage(found):
    return found.first.judged.coverage(["d0"])


def by_luck(names):
    return by_hand(ALL, NONE, names=names, errors={10: [lost(8, by_model=2, lucky=1)] * 2})


def test_the_words_of_the_verdict(hostile):
    def by_hits(given):
        return verdict_sentence(by_hand(ALL, NONE, names=(given, f"{given}2")))

    def by_ndcg(given):
        return verdict_sentence(by_hand(ALL, ALL, ndcg=(ALL, NONE), names=(given, f"{given}2")))

    def by_kinds(given):
        kinds = {given: compared_values(ALL, NONE), f"{given}2": compared_values(ALL, ALL)}
        return kinds_sentence(by_hand(ALL, NONE, kinds=kinds))

    assert_shown_as_text(by_hits, hostile, times=2)
    assert_shown_as_text(by_ndcg, hostile)
    assert_shown_as_text(by_kinds, hostile, times=2)


def test_the_files_of_a_comparison(hostile):
    source = download_links(two(hostile))
    assert structure(source) == structure(download_links(two("word")))
    assert len(files_of(source)) == 4
    source.encode()


def test_the_list_of_questions_reaches_the_page(hostile):
    found = question_table(two(hostile), LARGEST_DIFFERENCE, 10)
    assert {re.sub(r" \d[?!]$", "", cell) for cell in [*found["question"], *found["kind"]]} == {
        re.sub("[\0\ud800-\udfff]", "\ufffd", hostile)
    }
    found.to_json(force_ascii=False).encode()


# --- inside HNSW


@pytest.fixture(scope="module")
def walked(fake_encoder):
    """A function that walks a poor graph with a given text in its passages, and returns the trace."""

    @cache
    def walk(hostile):
        indexed = loaded(fake_encoder, hostile, n=200, M=2, ef_construction=5)
        return trace_walk(hostile, indexed.query_vectors[0], 10, 10, indexed)

    return walk


def test_the_words_of_a_walk(walked, hostile):
    assert walked(hostile).missed, "else no miss is told"
    assert_shown_as_text(lambda given: missed_list(walked(given)), hostile, times=len(walked("word").missed))
    last = len(walked(hostile).walk.steps)
    for number in range(1, last + 1):
        assert_shown_as_text(lambda given, number=number: step_sentence(walked(given), number), hostile)
    source = walk_summary(walked(hostile))
    assert structure(source) == structure(walk_summary(walked("word")))


# --- figures


def as_plotly(label):
    """Return a label as Plotly shows it, by its documentation: split at tags, then entities decoded."""
    assert not re.search(r"\$.*\$", label, re.DOTALL), "a formula, where MathJax is loaded"
    parts = re.split(r"(<[^<>]*>)", label)
    names = {"amp": "&", "lt": "<", "gt": ">"}

    def decode(found):
        return chr(int(found[1][1:])) if found[1].startswith("#") else names[found[1]]

    return [re.sub(r"&(#\d+|[a-z]+);", decode, part) for part in parts[::2]], parts[1::2]


def test_the_names_of_points(walked, hostile):
    shown = [label for trace in map_figure(walked(hostile), 5).data if trace.text for label in trace.text]
    assert shown
    for label in shown:
        assert as_plotly(label) == ([seen(passage_place(passage_of("", **described(hostile)))[:60])], [])
    map_figure(walked(hostile), 5).to_json().encode()


def some_kind(n=3):
    interval = compared_values(ALL, NONE).first
    return SimpleNamespace(first=interval, second=interval, differences=dict.fromkeys(range(n)))


def test_kinds_and_models_below_their_bars(hostile):
    figure = kinds_figure({hostile: some_kind(), f"{hostile} again": some_kind(4)}, (hostile, "beta"), 10)
    first, second = figure.data[0].x
    assert first != second, "else one bar would cover the other"
    for label, count in ((first, "(3)"), (second, "(4)")):
        words, tags = as_plotly(label)
        assert tags == ["<br>"]
        assert words[1] == count
        assert len(words[0]) <= 26
        assert seen(f"{hostile} again").startswith(words[0].removesuffix(" 2").removesuffix("…"))
    assert as_plotly(figure.data[0].name) == ([seen(hostile)], [])
    figure.to_json().encode()


def test_kinds_that_begin_alike_have_bars_of_their_own():
    kinds = {f"{'k' * 30}{number}": some_kind() for number in range(3)} | {"k": some_kind(), "\u202ek": some_kind()}
    assert len(set(kinds_figure(kinds, NAMES, 10).data[0].x)) == 5


# --- spreadsheets

FORMULAS = {
    "sign": "{}cmd|' /C calc'!A1",
    "blanks": " \t {}1+1",
    "quote": '"{}1+1',
    "zero width": "\u200b\ufeff{}1+1",
    "cell": "a;{}1+1",
    "quoted cell": 'a";"{}1+1',
    "line": "a\n{}1+1",
    "quoted line": 'a"\r\n"{}1+1"',
    "lines": "a;\n; \n {}1+1",
    "tab": "a\t{}1+1",
}


def parted(content, delimiters):
    """Return the cells of a CSV file, split at any of some delimiters; at a single one, as Python's csv does."""
    if len(delimiters) == 1:
        return [cell for row in csv.reader(io.StringIO(content, newline=""), delimiter=delimiters) for cell in row]
    return re.findall(rf'(?:^|[{delimiters}\n])("(?:[^"]|"")*"|[^{delimiters}\r\n]*)', content)


@pytest.mark.parametrize("sign", "=+-@＝＋－＠")
@pytest.mark.parametrize("formula", FORMULAS.values(), ids=FORMULAS)
@pytest.mark.parametrize("delimiter", [",", ";", ",;\t"])
def test_no_cell_is_a_formula_wherever_a_spreadsheet_parts_them(formula, sign, delimiter):
    given = formula.format(sign)
    content = rows_to_csv([{"id": "a", "text": given, "score": -0.5}, {"id": given, "text": "", "score": 1}])
    formulas = [cell for cell in parted(content, delimiter) if cell.lstrip('" \t\r\n\u200b\ufeff').startswith(sign)]
    assert formulas == (["-0.5"] if sign == "-" and "," in delimiter else []), "a number stays a number"
    if delimiter == ",":
        rows = list(csv.DictReader(io.StringIO(content, newline="")))
        for written in (rows[0]["text"], rows[1]["id"]):
            assert written.replace("'", "") == given.replace("'", ""), "nothing but apostrophes was added"


@pytest.mark.parametrize("blank", "\t\r")
def test_a_cell_that_begins_with_a_tab_or_a_carriage_return_gets_an_apostrophe(blank):
    content = rows_to_csv([{"text": f"{blank}1"}])
    assert next(csv.DictReader(io.StringIO(content, newline="")))["text"] == f"'{blank}1"


def test_other_texts_are_written_as_they_are():
    plain = ["a - b", "1+1=2", "x; y", "two\nlines", "a@b.example", "'quoted'", 'say "yes"', "", "a;b-c"]
    content = rows_to_csv([{"text": given, "rank": None, "score": 0.25} for given in plain])
    rows = list(csv.DictReader(io.StringIO(content, newline="")))
    assert [row["text"] for row in rows] == plain
    assert {row["rank"] for row in rows} == {""}
    assert {float(row["score"]) for row in rows} == {0.25}


@pytest.mark.parametrize("given", ["\n" * 200_000, " ;" * 100_000, "\n-" * 100_000, '"' * 200_000])
def test_a_long_text_of_blanks_takes_no_longer_than_others(given):
    start = time.perf_counter()
    rows_to_csv([{"text": given}])
    assert time.perf_counter() - start < 10, "quadratic work takes minutes"


def test_the_scores_of_hostile_questions_kinds_and_ids_hold_no_formulas():
    found = compared([1] * 4, [2] * 4, n=20)
    queries = {f"{sign}q": f"{sign}1+1" for sign in "=+-@"}
    judged = replace(
        found.first.judged,
        queries=queries,
        qrels={query_id: {"d0": 1} for query_id in queries},
        kinds=dict.fromkeys(queries, "@SUM(A1)"),
    )
    sides = [
        replace(index, judged=judged, _runs={}, _evaluations={}, _errors={}) for index in (found.first, found.second)
    ]
    content = files_of(download_links(replace(found, first=sides[0], second=sides[1])))["scores.csv"]
    rows = list(csv.DictReader(io.StringIO(content, newline="")))
    assert [row["query_id"] for row in rows] == [f"'{sign}q" for sign in "=+-@"]
    assert [row["question"] for row in rows] == [f"'{sign}1+1" for sign in "=+-@"]
    assert {row["kind"] for row in rows} == {"'@SUM(A1)"}
    assert [float(row["first_map"]) for row in rows][0] == 1.0


# --- in the browser

PLANTED = (
    "<b class=planted>b</b>&amp;$a$ <img class=planted src=https://planted.example/x.png onerror=window.hacked=1>"
    "<script class=planted>window.hacked=2</script><svg class=planted onload=window.hacked=3></svg>"
    "<iframe class=planted srcdoc='<script>parent.hacked=4</script>'></iframe>"
    "<a class=planted href='javascript:window.hacked=5'>a</a> ${window.hacked=6} {{constructor.constructor('window"
    ".hacked=7')()}} [c](javascript:window.hacked=8) ![d](https://planted.example/y.png) $\\href{javascript:window."
    "hacked=9}{e}$ \"'--></td></div></textarea></title></style><style class=planted onload=window.hacked=10></style>"
)
BEGIN, QUOTED = PLANTED[:110], PLANTED[:70]  # what a short sentence holds, and what a message quotes
PLACES = """() => [...document.querySelectorAll('*')].filter(element =>
    element.matches('.planted, iframe, object, embed, [srcdoc], marquee, svg.main-svg a, .hoverlayer a')
    || [...element.attributes].some(({name, value}) => /^on/i.test(name)
        || (/^(href|src|action|formaction|xlink:href)$/i.test(name) && /^[\\s\\0-\\x20]*javascript:/i.test(value)))
    || [...element.attributes].some(({value}) => /planted\\.example/.test(value) && element.matches('[src], [href]'))
).map(element => element.outerHTML.slice(0, 300))"""

CUT_OFF = """() => [...document.querySelectorAll('.html-container *')].filter(element => element.offsetParent
    && element.getBoundingClientRect().right > innerWidth + 1 && !element.closest('.lab-scroll, .lab-record')
).map(element => element.outerHTML.slice(0, 300))"""


@pytest.fixture(scope="module")
def url(browser, minilm, wordllama):
    """The address of the app with the small sample."""
    shared_samples = SharedSamples(("documents",))
    shared_samples.start()
    shared_samples.wait_for("documents", lambda stage, done: None)
    with served(shared_samples) as address:
        yield address


@pytest.fixture
def visitor(browser, url):
    """A visitor on the page; afterwards nothing may have run or been requested from another host."""
    visitor = Visitor(browser, url)
    yield visitor
    requests = [request for request in visitor.requests if "planted.example" in request]
    visitor.close()
    assert requests == []
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
        {"_id": f"{PLANTED} {n}", "title": f"{PLANTED} {n}", "text": f"{line[:-2]} {BEGIN}. {PLANTED}"}
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


@pytest.mark.browser
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
    visitor.page.get_by_role("button", name="Go to the smallest ef").click()
    visitor.wait_for_ef(10)
    expect(shown(visitor, ".lab-missed-text").first).to_contain_text(PLANTED, timeout=PATIENCE)
    expect(visitor.page.locator(".js-plotly-plot").locator("visible=true")).to_contain_text("now: ef=10")
    assert_harmless(visitor)
    assert_fits(visitor)


@pytest.mark.exhaustive
@pytest.mark.browser
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
    words = hover(visitor, ".scatterlayer .trace:nth-child(3) path.point")
    assert f": {PLANTED[:40]}" in words
    assert_harmless(visitor)
    assert_fits(visitor)


def hover(visitor, marks):
    """Move the mouse to one of a figure's marks and return the label that appears."""
    found = visitor.page.locator(f".js-plotly-plot:visible {marks}")
    found.first.wait_for(state="attached")
    for number in range(min(found.count(), 20)):
        box = found.nth(number).bounding_box()
        visitor.page.mouse.move(box["x"] + box["width"] / 2 + 1, box["y"] + box["height"] / 2 + 1)
        visitor.page.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
        visitor.page.wait_for_timeout(200)
        labels = visitor.page.locator(".hoverlayer .hovertext").all_text_contents()
        if labels:
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
@pytest.mark.browser
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
    cells = [visitor.page.locator(f".lab-questions [data-testid=cell-0-{column}]") for column in (0, 1, 5)]
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
@pytest.mark.browser
def test_messages_that_quote_hostile_files(visitor, tmp_path):
    empty, twice = tmp_path / file_name("that is empty.txt"), tmp_path / file_name("of two ids.jsonl")
    empty.write_bytes(b"")
    twice.write_text(f"{json.dumps({'_id': PLANTED, 'text': 'a'})}\n" * 2, encoding="utf-8")
    visitor.upload(empty, twice)
    visitor.page.get_by_role("button", name="Build", exact=True).click()
    toast(visitor, f'The id "{QUOTED}')

    good = tmp_path / "good.txt"
    good.write_text("Bees dance.", encoding="utf-8")
    visitor.page.get_by_label("Clear").locator("visible=true").first.click()
    visitor.upload(twice, good)
    visitor.take_model("wordllama-256")
    visitor.build()
    expect(shown(visitor, ".lab-warning")).to_contain_text(f'The id "{QUOTED}')
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
@pytest.mark.browser
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
@pytest.mark.browser
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
    visitor.page.locator(".lab-questions [data-testid=cell-0-0]").click()
    visitor.page.locator(".lab-question h4").wait_for()
    assert_fits(visitor)
