"""A visitor uses the controls of all tabs out of order; no two places on a screen disagree, nor with the library."""

import faulthandler
import random
import re
import sys
from pathlib import Path

import pytest

from retriever.experiments.search_comparison import compare_searches
from tests.support.browser import PATIENCE, TABS
from tests.support.serving import GRADIO_WARNINGS
from tests.support.small import sentences
from ui.documents.job import PASTE, BuildRequest, index_settings, plan_build
from ui.inputs import SearchSettings
from ui.render.numbers import format_score, format_seconds, speed_up_words
from ui.session import Session
from ui.walk.trace import trace_question

pytestmark = [
    pytest.mark.browser,
    pytest.mark.exhaustive,
    *(pytest.mark.filterwarnings(warning) for warning in GRADIO_WARNINGS),
]
READ = (Path(__file__).parents[1] / "support" / "one_story.js").read_text(encoding="utf-8")
TEXT = " ".join(sentences(400, length=14))
K, EF, TARGET = "k (nearest passages)", "ef (candidates)", "Smallest ef that reaches recall"
QUIET_SECONDS = 1.0  # seconds without a change after which the page is read
STREAM_SECONDS = 10.0  # and while a stream of answers is open, which may outlast the page that asked
GRAPHS = {"default 16/200": (16, 200), "starved 4/20": (4, 20), "rich 32/400": (32, 400)}


def numbers_of(words, pattern):
    """Return what a pattern's groups match in words, without commas; fail if it is not found."""
    found = re.search(pattern, words)
    assert found, f"{pattern!r} is not in {words!r}"
    return [group and group.replace(",", "") for group in found.groups()]


class Story:
    """A visitor's walk through the page, and the library's own answers to what the page shows."""

    def __init__(self, visitor, shared_samples, seed):
        self.visitor, self.page, self.shared = visitor, visitor.page, shared_samples
        self.random, self.graphs, self.done = random.Random(seed), {}, []
        self.page.on("dialog", lambda dialog: dialog.accept())
        self.pending = set()  # requests under way, but for the one that tells the server that the page is open
        self.page.on("request", lambda request: "/heartbeat/" in request.url or self.pending.add(request))
        for ended in ("requestfinished", "requestfailed"):
            self.page.on(ended, lambda request: self.pending.discard(request))

    # --- reading

    def settled(self):
        """Return what the open tab states once nothing has changed for a while."""
        same, before, changed = 0.0, None, set()
        for _ in range(PATIENCE // 250):
            now = self.page.evaluate(READ)
            streams = [request for request in self.pending if "/queue/data" in request.url]
            rests = now == before and not now["busy"] and len(streams) == len(self.pending)
            same = same + 0.25 if rests else 0.0
            if same >= (STREAM_SECONDS if streams else QUIET_SECONDS):
                return now
            changed = {name for name in now if not before or now[name] != before.get(name)} or changed
            before = now
            self.page.wait_for_timeout(250)
        asked = [request.url for request in self.pending]
        faulthandler.dump_traceback(sys.__stderr__)  # what the server waits for
        raise AssertionError(f"no rest after {self.done}: {changed} changed last, busy: {now['busy']}, asked: {asked}")

    def screen(self):
        """Return what the open tab states, with its run record opened."""
        now = self.settled()
        opens = {TABS["search"]: "Run record", TABS["ef"]: "Run record", TABS["models"]: "Downloads and run record"}
        button = self.page.get_by_role("button", name=opens.get(now["tab"], "-")).locator("visible=true")
        if now["record"] is None and button.count():
            button.first.click()
            now = self.settled()
            if now["record"] is None:  # it was open, and of a result before
                button.first.click()
                now = self.settled()
        return now

    def reference(self, header):
        """Return the collection that the header names, made by the library."""
        M, ef_construction = int(header["M"]), int(header["efConstruction"])
        key = header["collection"], M, ef_construction
        if key not in self.graphs:
            if header["collection"] == "Pasted text":
                settings = index_settings(
                    "wordllama-256", chunk_size=32, chunk_overlap=0, M=M, ef_construction=ef_construction
                )
                request = BuildRequest(PASTE, text=TEXT, settings=settings)
                plan = plan_build(request, Session(), self.shared)
                self.graphs[key] = plan.submit().result()
            else:
                self.graphs[key] = self.shared.ready("documents").with_graph(M, ef_construction)
        assert f"{len(self.graphs[key]):,}" == header["chunks"]
        return self.graphs[key]

    # --- checking

    def check(self):
        """Fail if two places of the open tab disagree, or one with the library."""
        now = self.screen()
        checks = {
            "L": check_learn,
            "1": check_documents,
            "2": check_search,
            "3": check_recall,
            "4": check_compare,
            "5": check_walk,
        }
        try:
            self.check_address(now)
            checks[now["tab"][0]](self, now)
        except AssertionError as error:
            raise AssertionError(f"after {self.done}, on {now['tab']} at {self.page.url}: {error}") from error

    def check_address(self, now):
        """The address names what the header names, the open tab, and the values of its controls."""
        address, header, controls = now["address"], now["header"], now["controls"]
        names = dict(zip(("learn", "documents", "search", "recall", "compare", "walk"), "L12345", strict=True))
        assert names[address["tab"]] == now["tab"][0]
        if now["own"]:
            assert address.get("own") == "1" and "sample" not in address
        elif "sample" in address:
            assert (address["M"], address["efConstruction"]) == (header["M"], header["efConstruction"])
            assert address["model"] == header["model"]
        else:
            assert (header["M"], header["efConstruction"]) == ("16", "200"), "only the first sample may be unnamed"
        for name, label in (("k", K), ("k", "k (results)"), ("ef", EF), ("target", TARGET)):
            if label in controls and address["tab"] not in ("learn", "documents"):
                assert float(address[name]) == controls[label], f"{name} in the address, {label} on the page"
        if "axis" in address:
            assert address["axis"] == now["radios"][0]


def check_settings(now, *, k=None, ef=None):
    """The run record is of what the header names, and of these k and ef."""
    settings, header, data = now["record"]["settings"], now["header"], now["record"]["data"]
    said = str(settings["M"]), str(settings["ef_construction"]), settings["model"], str(settings["dimension"])
    assert said == tuple(header[name] for name in ("M", "efConstruction", "model", "dimensions"))
    assert (data["collection"], f"{data['vectors']:,}") == (header["collection"], header["chunks"])
    if k is not None:
        assert (settings["k"], settings["ef"]) == (k, ef)


def check_learn(story, now):
    """The step that is shown is the one in the address."""
    [shown] = story.page.locator(".lab-step:visible").all()
    assert shown.get_attribute("data-step") == f"{now['address']['lesson']}/{now['address']['step']}"


def check_documents(story, now):
    """The controls are those of what is loaded where the page says so, and the report is of it."""
    header, controls = now["header"], now["controls"]
    check_settings(now)
    as_loaded = "The controls say what is loaded" in now["words"]
    assert as_loaded != ("Not built yet:" in now["words"])
    graph = controls["M (links)"], controls["efConstruction"]
    loaded = int(header["M"]), int(header["efConstruction"])
    if as_loaded:
        assert graph == loaded
        assert ("Paste text" in now["radios"]) == now["own"]
    preset = [GRAPHS[name] for name in now["radios"] if name in GRAPHS]
    assert preset == ([graph] if graph in GRAPHS.values() else [])
    welcomed = re.search(r"instead of all (\d[\d,]*\d|\d)", now["words"])
    assert welcomed is None or welcomed[1] == header["chunks"]


def check_search(story, now):
    """The sentence, the marks, the scores and the record are of one answer, which the library gives too."""
    if not now["found"]:
        assert not now["exact"] and not now["hnsw"] and now["record"] is None
        return
    pattern = r"^For “(.*)” HNSW at ef=(\d+) found (\d+) of the (\d+) nearest passages?: recall@\d+ .* is (\d\.\d{3})\."
    question, ef, found, asked, recall = numbers_of(now["found"], pattern)
    k, ef, record = int(now["controls"][K]), int(ef), now["record"]
    assert ef == now["controls"][EF]
    check_settings(now, k=k, ef=ef)
    assert record["settings"]["question"] == question
    assert len(now["exact"]) == len(now["hnsw"]) == int(asked) == min(k, int(now["header"]["chunks"]))
    assert sum(hit["marked"] for hit in now["exact"]) == int(asked) - int(found)
    assert format_score(record["observed"][f"recall_at_{k}"]) == recall
    seconds = [record["observed"][f"seconds_{name}"] for name in ("embedding", "HNSW", "exact")]
    assert [line.endswith(format_seconds(value)) for line, value in zip(now["times"], seconds, strict=True)] == [
        True
    ] * 3
    both = compare_searches(story.reference(now["header"]).retriever, question, k, ef=ef)
    for side, hits in (("exact", both.exact), ("hnsw", both.hnsw)):
        scores = [hit["score"] for hit in now[side]]
        assert scores == [f"{score:.3f}" for _, score in record["observed"][side]]
        assert scores == [f"{hit.score:.3f}" for hit in hits]
    assert format_score(both.recall) == recall
    if now["question"] == question and "q" in now["address"]:
        assert now["address"]["q"] == question


def check_recall(story, now):
    """Slider, cards, figure, its table, histogram, sentences and record are of one measurement."""
    k, ef = int(now["controls"][K]), int(now["controls"][EF])
    record, header, (recall, latency) = now["record"], now["header"], (card[0] for card in now["cards"][:2])
    observed = record["observed"]
    check_settings(now, k=k, ef=ef)
    assert now["ef"] == str(ef)
    assert f"now: ef={ef}" in now["legend"]
    assert format_score(observed["hnsw"]["mean_recall"]) == recall
    assert format_seconds(observed["hnsw"]["p50_seconds"]) == latency
    assert now["cards"][1][2] == f"exact: {format_seconds(observed['exact']['p50_seconds'])}"
    assert now["cards"][1][1] == f"a query, {speed_up_words(observed['speed_up'], observed['speed_up_range'])}"
    graph = f"HNSW {header['M']}/{header['efConstruction']}"
    assert graph in now["legend"]
    assert recall in [row[2] for row in now["rows"] if row[:2] == [graph, str(ef)]], "the table of the figure"
    assert f"At ef={ef} recall@{k} is {recall} for" in now["caption"]

    reference = story.reference(header)
    measured = reference.measurements.counted(reference.measurements.measure(k, ef).hnsw)
    assert format_score(measured.mean_recall) == recall
    at, distances = numbers_of(now["distances"], r"^At ef=(\d+) a query computes ([\d,]+) distance")
    assert (at, distances) == (str(ef), f"{measured.mean_distances:.0f}")
    tenths = [int(share * 10 + 1e-9) for share in measured.recall]
    assert now["spread"] == [tenths.count(tenth) for tenth in range(11)]
    expected = {reference.queries[row]: format_score(share) for row, share in enumerate(measured.recall)}
    for link in now["worst"]:
        assert (int(link["k"]), int(link["ef"])) == (k, ef)
        assert link["recall"] == expected[link["q"]]

    curve = {step["ef"]: step for step in observed["curve"]}
    shown = dict(re.findall(r"(\d+): (.*)", "\n".join(f"{row[1]}: {row[2]}" for row in now["rows"] if row[0] == graph)))
    recorded = {str(step): format_score(value["mean_recall"]) for step, value in curve.items()}
    assert recorded == {step: shown.get(step) for step in recorded}
    target = now["controls"][TARGET]
    enough = [step for step, value in sorted(curve.items()) if value["mean_recall"] >= target - 1e-9]
    if enough:
        first, share = numbers_of(
            now["words"], rf"ef = (\d+) is the smallest on the curve that reaches {target:.3f}: recall (\S+)"
        )
        assert (int(first), share.strip(".")) == (enough[0], format_score(curve[enough[0]]["mean_recall"]))
    else:
        assert f"No ef measured here reaches recall {target:.3f}" in now["words"]
    if now["advice"]:
        advised = re.search(r"search of (\d\.\d{3}).* at ef=(\d+)|at ef=(\d+): .*search of (\d\.\d{3})", now["advice"])
        if advised:
            share, ef_used = (advised[1], advised[2]) if advised[1] else (advised[4], advised[3])
            assert [ef_used, share] in [row[1:3] for row in now["rows"]], f"{now['advice']} is not on the curve"
            if enough and "second graph" not in now["advice"]:
                assert (int(ef_used), share) == (enough[0], format_score(curve[enough[0]]["mean_recall"]))
    taught = re.findall(r"(\d\.\d{3}) at ef=(\d+)", now["lesson"])
    assert taught or "is 1.000 at every ef" in now["lesson"]
    assert f"recall@{k} " in now["lesson"]
    for share, at in taught:
        assert share == format_score(curve[int(at)]["mean_recall"])


def check_compare(story, now):
    """Costs, bars, scores and record are of one result, and a note says so if the controls say something else."""
    if not now["scores"]:
        return
    k, record = int(numbers_of(" ".join(sum(now["scores"], [])), r"success_(\d+)")[0]), now["record"]
    settings, observed = record["settings"], record["observed"]
    ef = max(int(now["controls"][EF]), k)
    assert now["ef"] == str(ef)
    assert (settings["k"], settings["ef"]) == (k, ef), "the run record"
    graph = f"{settings['first']['M']}/{settings['first']['ef_construction']}"
    sides = [side for side in ("first", "second", "third", "fourth") if side in settings]
    models = [settings[side].get("retriever") or settings[side]["model"] for side in sides]
    assert [name[2:] for name in now["scores"][0][1 : 1 + len(sides)]] == models
    address = now["address"]
    chosen = [address[side] for side in ("first", "second", "third", "fourth") if address.get(side)]
    said = address["k"], address["graph"].split()[-1], *chosen
    assert bool(now["stale"]) == (said != (str(k), graph, *models)), f"stale: {now['stale']!r}"
    if now["stale"]:
        assert f"{' against '.join(models)}, k={k}, graph {graph}" in now["stale"]
    lost = []
    rates = next(row for row in now["scores"] if "success_" in row[0])
    for number, side in enumerate(sides):
        counts, asked = observed[f"{side}_two_errors"], observed[f"{side}_two_errors"]["questions"]
        indexed = "lost_by_index" in counts
        names = "found_by_exact_search", "lost_by_model", "kept_by_hnsw", "lost_by_index"
        shares = re.findall(r"(\d\.\d{3})", now["errors"][number])
        assert shares == [format_score(counts[name] / asked) for name in names[: 4 if indexed else 2]]
        assert rates[number + 1].startswith(shares[0])
        assert rates[number + 1].startswith(format_score(observed[f"success_{k}"][side][0]))
        assert f"{counts['found_by_exact_search']} " in now["lesson"].replace(",", " ").replace(".", " ")
        if indexed:
            lost.append(shares[3])
            judged = story.shared.judged("everyday_science", model_name=models[number])
            errors = judged.with_graph(*map(int, graph.split("/"))).errors(k, ef)
            assert (len(errors.lost_by_index), len(errors.lost_by_model)) == (
                counts["lost_by_index"],
                counts["lost_by_model"],
            )
    assert f"loses {' and '.join(dict.fromkeys(lost))} at ef={ef}" in now["costs"]


def check_walk(story, now):
    """Summary, steps, list of misses and record are of one walk, which the library walks too."""
    k, ef, record = int(now["controls"][K]), int(now["controls"][EF]), now["record"]
    check_settings(now, k=k, ef=ef)
    observed, question = record["observed"], record["settings"]["question"]
    pattern = (
        r"^At ef=(\d+) the walk finds (.*?) nearest .* computes ([\d,]+) distances? in ([\d,]+) steps?; .* ([\d,]+)\."
    )
    at, found, distances, steps, everything = numbers_of(now["lesson"].split(" Raise")[0].split(" The map")[0], pattern)
    assert at == str(ef)
    nearest = observed["nearest_passages"]
    of_all = f"{nearest - now['misses']} of the {nearest}" if now["misses"] else f"all {nearest}"
    assert found == (of_all if nearest > 1 or now["misses"] else "the one")
    assert (observed["found"], len(observed["missed"])) == (nearest - now["misses"], now["misses"])
    assert (str(observed["distances"]), str(observed["steps"])) == (distances, steps)
    assert (now["steps"], now["told"]) == (max(int(steps), 2), f"Step {now['step']:,} of {int(steps):,}")
    assert everything == now["header"]["chunks"].replace(",", "")
    assert now["caption"].startswith(f"Step {now['step']} of {steps}")
    assert len(now["rows"]) == nearest + 1
    assert now["address"]["q"] == question
    trace = trace_question(question, SearchSettings.nearest(k, ef), story.reference(now["header"]))
    assert (trace.found, trace.walk.distances) == (observed["found"], observed["distances"])


# --- what a visitor does


def type_number(story, label, value):
    """Type a number beside a slider of the open tab."""
    box = story.page.get_by_label(f"number input for {label}").locator("visible=true").first
    box.fill(str(value))
    box.press("Enter")


def press(story, name):
    """Press a button of the open tab if it can be pressed."""
    button = story.page.get_by_role("button", name=name).locator("visible=true")
    if button.count() and button.first.is_enabled():
        button.first.click()


def follow(story, words):
    """Follow one of the links with these words, if there is any."""
    links = story.page.locator("[role=tabpanel] a.lab-go", has_text=words).locator("visible=true")
    if links.count():
        links.nth(story.random.randrange(links.count())).click()


def build_sample(story):
    story.visitor.open("documents")
    story.visitor.choose("Documents", "Take a sample")
    story.visitor.take_model("all-MiniLM-L6-v2")
    story.visitor.choose("Graph", story.random.choice(list(GRAPHS)))
    press(story, "Build")


def build_own(story):
    story.visitor.paste(TEXT, preset=story.random.choice(("starved 4/20", "default 16/200")))
    story.settled()  # the size that fits the model has come
    type_number(story, "Chunk size (tokens)", 32)
    story.settled()
    press(story, "Build")


def build_and_slide(story):
    story.random.choice((build_sample, build_own))(story)
    slide(story)


def slide(story):
    story.visitor.open("ef")
    story.visitor.slider.focus()
    for key in story.random.choices(("ArrowRight", "ArrowLeft", "PageUp", "PageDown"), k=6):
        story.visitor.slider.press(key)


def change_k_while_measuring(story):
    story.visitor.open("ef")
    for k in story.random.sample((1, 3, 5, 10, 12, 20), 2):
        type_number(story, K, k)


def switch_while_measuring(story):
    change_k_while_measuring(story)
    story.visitor.open(story.random.choice(("search", "graph")))
    story.visitor.open("ef")


def lay_over(story):
    story.visitor.open("ef")
    options = "no second graph", "starved (M=4, efConstruction=20)", "default (M=16, efConstruction=200)"
    story.visitor.take("Lay over it", story.random.choice(options))


def lay_over_and_starve(story):
    lay_over(story)
    press(story, "Try the starved graph")


def starve_and_lay_over(story):
    story.visitor.open("ef")
    press(story, "Try the starved graph")
    lay_over(story)


def take_axis(story):
    story.visitor.open("ef")
    story.page.get_by_label(story.random.choice(("latency", "distances")), exact=True).locator("visible=true").check()


def ask(story):
    story.visitor.open("search")
    question = story.random.choice(("why does bread rise?", "how hot should the water be?", "amber rivers in winter"))
    story.page.get_by_label("Question").locator("visible=true").first.fill(question)
    press(story, "Search")


def move_search(story):
    story.visitor.open("search")
    type_number(story, *story.random.choice(((K, 3), (K, 15), (EF, 12), (EF, 60))))


def walk(story):
    story.visitor.open("graph")
    box = story.page.get_by_label("Question").locator("visible=true").first
    box.fill(story.random.choice(("why does bread rise?", "silver spiders")))
    box.press("Enter")


def move_walk(story):
    story.visitor.open("graph")
    story.settled()
    type_number(story, *story.random.choice(((K, 3), (K, 15), (EF, 12), (EF, 60))))


def step(story):
    story.visitor.open("graph")
    story.settled()
    press(story, story.random.choice(("Next", "◀ Back")))


def why(story):
    story.visitor.open(story.random.choice(("ef", "search")))
    story.settled()
    follow(story, "why?")


def worst_query(story):
    story.visitor.open("ef")
    story.settled()
    links = story.page.locator("a.lab-go[href*='tab=search']").locator("visible=true")
    if links.count():
        links.last.click()


def compare(story):
    story.visitor.open("models")
    story.visitor.take("Graph", story.random.choice(("starved 4/20", "default 16/200")))
    story.visitor.compare()


def compare_three(story):
    story.visitor.open("models")
    if not story.page.get_by_label("Third model").locator("visible=true").count():
        press(story, "Add a third")
    story.visitor.take("Third model", "BM25")
    story.visitor.compare()


def move_errors(story):
    story.visitor.open("models")
    if not story.page.locator(".lab-errors").count():
        story.visitor.compare()
    type_number(story, EF, story.random.choice((10, 20, 100)))


def change_comparison(story):
    story.visitor.open("models")
    story.visitor.take("Graph", story.random.choice(("starved 4/20", "default 16/200")))
    type_number(story, "k (results)", story.random.choice((5, 10)))


def go_to_target(story):
    story.visitor.open("ef")
    type_number(story, TARGET, story.random.choice((0.8, 0.9)))
    story.settled()
    follow(story, "Go to ef")


def open_question(story):
    story.visitor.open("models")
    if not story.page.locator(".lab-errors").count():
        story.visitor.compare()
    story.page.get_by_label(story.random.choice(("first ● best", "largest difference first"))).check()
    story.settled()
    story.page.locator(".lab-list button").locator("visible=true").first.click()


def judge(story):
    story.visitor.open("search")
    story.settled()
    buttons = story.page.locator(".lab-judge button").locator("visible=true")
    if buttons.count():
        buttons.nth(story.random.randrange(min(4, buttons.count()))).click()


def look_at_chunks(story):
    story.visitor.open("documents")
    press(story, "Look at the chunks")
    story.settled()
    press(story, "Last page")


def play(story):
    story.visitor.open("graph")
    story.settled()
    press(story, "Play")
    if story.page.locator(".lab-told b").count():  # there is a walk
        story.page.get_by_role("button", name="Pause").wait_for()
    story.page.wait_for_timeout(1_500)
    press(story, "Pause")


def back(story):
    if story.page.evaluate("navigation.canGoBack"):
        story.page.go_back()


def forward(story):
    if story.page.evaluate("navigation.canGoForward"):
        story.page.go_forward()


def reload(story):
    story.settled()
    story.page.reload()
    story.visitor.header.get_by_text("Sample documents").wait_for()
    story.visitor.errors.clear()  # what the page that is left says of its broken connection


TOUR = (
    ask,
    why,
    walk,
    compare,
    compare_three,
    move_errors,
    step,
    judge,
    go_to_target,
    worst_query,
    open_question,
    change_comparison,
    look_at_chunks,
    starve_and_lay_over,
    reload,
    move_walk,
    back,
    forward,
    take_axis,
    build_and_slide,
    switch_while_measuring,
    lay_over_and_starve,
    build_and_slide,
    walk,
    play,
    judge,
    move_search,
)


def test_no_two_places_disagree_whatever_was_done_before(visitor, shared_samples):
    story = Story(visitor, shared_samples, seed=1)
    for action in TOUR:
        story.done.append(action.__name__)
        action(story)
        story.check()
    assert_the_labs_agree_with_the_cards(story)


def assert_the_labs_agree_with_the_cards(story):
    """The full size, and the graph of the same M and efConstruction over all vectors, are the loaded graph."""
    story.visitor.open("ef")
    story.settled()
    press(story, "Try the starved graph")
    now = story.settled()
    recall, graph = now["cards"][0][0], [now["header"]["M"], now["header"]["efConstruction"]]
    press(story, "Size lab")
    story.page.get_by_role("button", name="Measure every size").click()
    last = story.page.get_by_role("region", name="Results by size").locator("tr").last
    last.wait_for()
    assert last.locator("td").nth(1).inner_text() == recall
    press(story, "Build lab")
    story.page.get_by_role("button", name="Build twelve graphs").click()
    table = story.page.get_by_role("region", name="Results by graph")
    table.locator("td").first.wait_for()
    rows = [row.split("\t") for row in table.inner_text().splitlines()[1:]]
    recalls = [row[2].strip() for row in rows if row[:2] == graph]
    assert (len(rows), graph, recalls) == (12, ["4", "20"], [recall])
    press(story, "Shard lab")
    for words in ("higher", "more", "longer"):
        story.page.get_by_label(words, exact=True).locator("visible=true").check()
    story.page.get_by_role("button", name="Measure 1 to 16 shards").click()
    table = story.page.get_by_role("region", name="Results by number of shards")
    table.locator("td").first.wait_for()
    assert table.locator("tr").nth(1).locator("td").nth(1).inner_text() == recall
