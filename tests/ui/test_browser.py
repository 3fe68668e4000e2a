"""Tests of the page in a real browser: upload, ask, slide, cancel; no other host is contacted, no hostile text runs."""

import re
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import expect

from retriever.datasets.samples import SAMPLE_FOLDER
from tests.support.browser import PATIENCE, beir
from tests.support.judged import beir_zip
from tests.support.serving import GRADIO_WARNINGS
from tests.support.small import HOSTILE, sentences

pytestmark = [pytest.mark.browser, *(pytest.mark.filterwarnings(warning) for warning in GRADIO_WARNINGS)]
PDF = SAMPLE_FOLDER / "documents" / "earthquakes.pdf"
MODELS = ("all-MiniLM-L6-v2", "wordllama-256")
TRADE_OFF = " ".join(sentences(1_600, length=14))  # one chunk of 32 tokens a sentence or so


def set_chunk_size(visitor, size):
    box = visitor.page.get_by_label("number input for Chunk size (tokens)")
    box.fill(str(size))
    box.press("Enter")


def paste_trade_off(visitor):
    """Build a collection where the trade-off shows: many short chunks and a starved graph."""
    visitor.paste(TRADE_OFF, preset="starved 4/20")
    set_chunk_size(visitor, 32)
    visitor.build()


# --- the three scenarios


def test_upload_a_pdf_and_find_a_sentence_of_it(visitor):
    visitor.upload(PDF)
    visitor.build()
    expect(visitor.header).to_contain_text("earthquakes.pdf")
    visitor.page.get_by_text("Look at the chunks").click()
    chunk = visitor.page.locator(".lab-tall td:nth-child(3)").nth(1).inner_text()
    sentence = max(re.split(r"(?<=[.!?])\s+", " ".join(chunk.split())), key=len)
    hits = visitor.ask(sentence)
    opened = visitor.page.locator(".lab-hits.lab-exact li").first.evaluate("item => item.textContent")
    assert sentence in " ".join(opened.split())
    assert "earthquakes.pdf" in hits[0]
    expect(visitor.page.locator(".lab-bar div")).to_have_count(3)


def test_the_chunks_are_paged_and_searched(visitor, sample):
    rows = visitor.page.locator(".lab-chunks td:first-child")
    visitor.open("documents")
    visitor.page.get_by_text("Look at the chunks").click()
    expect(rows).to_have_count(50)
    visitor.page.get_by_role("button", name="Next", exact=True).locator("visible=true").click()
    expect(rows).to_have_count(len(sample) - 50)
    expect(visitor.page.get_by_label("Page (of 2)")).to_have_value("2")
    box = visitor.page.get_by_label("Search the chunks")
    box.fill("GREEN tea")
    box.press("Enter")
    found = [n for n, text in enumerate(sample.retriever.texts, 1) if "green tea" in text.lower()]
    expect(rows).to_have_text(list(map(str, found)))
    expect(visitor.page.locator(".lab-chunks mark").first).to_have_text(re.compile("green tea", re.IGNORECASE))
    visitor.paste("Green tea. Black coffee.")
    visitor.build()
    expect(rows).to_have_text(["1"])
    expect(visitor.page.get_by_text("1 of 1 chunk contains “GREEN tea”.")).to_be_visible()


def test_the_columns_of_a_table_are_offered_and_read(visitor, tmp_path):
    path = tmp_path / "birds.csv"
    path.write_text("name,habit\nOwl,hunts at night\nLark,sings\n")
    visitor.upload(path)
    for label, column in (("Columns to read", "habit"), ("Column of titles", "name")):
        visitor.page.get_by_label(label).click()
        visitor.page.get_by_role("option", name=column, exact=True).locator("visible=true").click()
        visitor.page.keyboard.press("Escape")
        expect(visitor.page.get_by_role("option").locator("visible=true")).to_have_count(0)
    visitor.build()
    hit = visitor.ask("what sings?")[0]
    assert "Lark · birds.csv · row 2" in hit and "name:" not in hit


def test_the_api_view_describes_the_endpoints(visitor):
    visitor.page.get_by_role("button", name="Use via API or MCP").click()
    view = visitor.page.locator(".api-docs")
    for words in ("4 Available MCP Tools", "gradio_api/mcp/", "explain_miss"):
        expect(view.get_by_text(words).first).to_be_visible()
    view.get_by_text("Python", exact=True).click()
    for words in ("/build", "/compare", "a whole number from 1 to 400", "how hot should the water be"):
        expect(view.get_by_text(words).first).to_be_visible()
    # Gradio asks whether there are statistics; the guard lets nobody see any
    visitor.errors = [error for error in visitor.errors if "404" not in error]


def test_drag_ef_and_see_recall_rise_and_latency_change(visitor):
    paste_trade_off(visitor)
    visitor.open("ef")
    visitor.page.locator(".js-plotly-plot").wait_for()
    expect(visitor.page.locator(".js-plotly-plot")).to_contain_text("HNSW 4/20", timeout=PATIENCE)
    first_recall, first_latency = visitor.wait_for_ef(10)
    ef, recall, latency = visitor.drag_to(200)
    assert 190 <= ef <= 210
    assert recall > first_recall + 0.05
    assert latency > first_latency
    visitor.slider.focus()
    visitor.slider.press("ArrowRight")
    visitor.wait_for_ef(ef + 1)
    visitor.slider.press("ArrowLeft")
    visitor.slider.press("ArrowLeft")
    again, _ = visitor.wait_for_ef(ef - 1)
    assert again == pytest.approx(recall, abs=0.02)
    expect(visitor.page.locator(".js-plotly-plot")).to_contain_text(f"now: ef={ef - 1}")


def test_cancel_a_build_and_find_the_old_collection(visitor):
    visitor.paste(" ".join(sentences(6_000, seed=3, length=14)), model="all-MiniLM-L6-v2")
    before = visitor.header.inner_text()
    visitor.page.get_by_role("button", name="Build", exact=True).click()
    visitor.page.locator("p", has_text=re.compile(r"^Embedding")).wait_for()
    visitor.page.get_by_role("button", name="Cancel", exact=True).click()
    visitor.page.get_by_text("Cancelled.").wait_for()
    assert visitor.header.inner_text() == before
    assert "tea.txt" in visitor.ask("how hot should the water be for green tea?")[0]


# --- compare models


def test_one_button_tells_which_model_is_better_and_what_the_index_costs(visitor, shared_samples):
    visitor.open("models")
    visitor.take("Graph", "starved 4/20")
    said = visitor.compare()
    judged = [shared_samples.judged("everyday_science", model_name=name).with_graph(4, 20) for name in MODELS]
    found = [sum(index.evaluation(10).hits.values()) for index in judged]
    assert f"{MODELS[0]} finds an answer among its first 10 results for {found[0]} of 176 questions" in said
    assert f"{MODELS[1]} for {found[1]}" in said
    assert "larger than chance" in said
    assert "paraphrase" in said
    score = visitor.page.locator(".lab-scores tr").nth(2).inner_text()
    assert f"{judged[0].evaluation(10).mean['ndcg_cut_10']:.3f}" in score
    for part in (visitor.page.locator(".lab-scores"), visitor.page.locator(".js-plotly-plot").locator("visible=true")):
        assert bottom(part) <= 800
    assert bottom(visitor.page.locator(".lab-errors")) <= 800
    lost = []
    for ef in (10, 40, 200):
        visitor.move_errors_to(ef)
        lost.append(visitor.lost_by_index())
        expected = [len(index.errors(10, ef).lost_by_index) / 176 for index in judged]
        assert lost[-1] == pytest.approx(expected, abs=0.0006)
    assert lost[0][0] > lost[-1][0]


def test_what_is_changed_while_a_comparison_runs_is_said_beside_its_result(visitor):
    visitor.open("models")
    visitor.page.get_by_role("button", name="Compare", exact=True).click()
    k = visitor.page.get_by_label("number input for k (results)").locator("visible=true")
    k.fill("20")
    k.press("Enter")
    visitor.page.get_by_text("Done in").wait_for()
    expect(visitor.page.get_by_text("The results below are of")).to_contain_text("k=10", timeout=PATIENCE)
    ef = visitor.page.get_by_label("number input for ef (candidates)").locator("visible=true")
    expect(ef).to_have_attribute("min", "10")
    assert visitor.page.locator(".lab-errors").get_attribute("data-ef") == ef.input_value() == "10"
    patterns = visitor.page.locator(".js-plotly-plot [style*='url(']").locator("visible=true")
    styles = patterns.evaluate_all("parts => parts.map(part => part.getAttribute('style'))")
    assert styles and all('url("#' in style for style in styles), "not by an address, which changes"


def test_a_number_field_that_is_left_empty_says_again_what_it_said(visitor):
    visitor.open("ef")
    k = visitor.page.get_by_label("number input for k (").locator("visible=true")
    before = k.input_value()
    k.fill("")
    k.blur()
    expect(k).to_have_value(before)
    assert visitor.page.get_by_text("A value that was sent").count() == 0


def test_a_question_shows_both_rankings_with_the_judged_passages_marked(visitor):
    visitor.compare()

    def cell(row, column):
        return visitor.page.locator(f".lab-list [data-testid=cell-{row}-{column}]")

    def lost_by_the_second_only(row):  # which row that is depends on the processor's rounding
        first, second = (int(cell(row, column).inner_text().strip().removeprefix("> ")) for column in (2, 3))
        return first <= 10 < second

    row = next(row for row in range(8) if lost_by_the_second_only(row))
    asked = cell(row, 0).inner_text().strip()
    cell(row, 0).click()
    question = visitor.page.locator(".lab-question")
    expect(question.locator("h4")).to_have_text(asked)
    expect(question.locator(".lab-hits")).to_have_count(2)
    expect(question.locator(".lab-tag-answer").first).to_contain_text("answer (grade 2)")
    expect(question).to_contain_text("Lost by the model")
    visitor.page.get_by_text("Downloads and run record").click()
    links = visitor.page.locator("a.lab-download").locator("visible=true")
    links.first.wait_for()
    names = links.evaluate_all("links => links.map(link => link.download)")
    assert {f"{MODELS[0]}.run.txt", f"{MODELS[1]}.run.txt", "qrels.txt", "scores.csv", "run-record.json"} <= set(names)


def test_hits_are_judged_by_keyboard_and_the_judgments_serve_a_comparison(arrive):
    visitor, other = arrive(), arrive()
    visitor.ask("how hot should the water be for green tea?")
    pressed = visitor.page.locator(".lab-judge button[aria-pressed=true]")
    button = visitor.page.locator(".lab-hits.lab-exact li").first.get_by_role("button", name="relevant", exact=True)
    expect(button).to_have_attribute("aria-pressed", "false")
    button.focus()
    button.press("Enter")
    for side in ("exact", "hnsw"):  # all chunks of tea.txt, on both sides
        first = visitor.page.locator(f".lab-hits.lab-{side} li").first
        expect(first.locator("[aria-pressed=true]")).to_have_text("relevant", timeout=PATIENCE)
    expect(button).to_be_focused()
    count = pressed.count()
    visitor.page.get_by_text("You have judged 1 document for 1 question").wait_for()
    visitor.ask("why is there a film on top of my black tea?")
    expect(pressed).to_have_count(0, timeout=PATIENCE)
    visitor.ask("how hot should the water be for green tea?")
    expect(pressed).to_have_count(count, timeout=PATIENCE)
    other.ask("how hot should the water be for green tea?")
    expect(other.page.locator(".lab-judge button[aria-pressed=true]")).to_have_count(0)

    visitor.open("models")
    visitor.take("Judged collection", "Loaded in Documents")
    assert "1 of 1" in visitor.compare()
    expect(visitor.page.get_by_text("Judged by hand, in Search: 1 judgment of 1 question.")).to_be_visible()
    visitor.open("search")
    against = visitor.page.locator(".lab-hits.lab-exact [data-grade='0']").first
    against.click()
    expect(against).to_have_attribute("aria-pressed", "true", timeout=PATIENCE)
    visitor.open("models")
    expect(visitor.page.get_by_text("do not count what you have judged since")).to_be_visible(timeout=PATIENCE)
    assert visitor.errors == []
    asked = []
    visitor.page.once("dialog", lambda dialog: (asked.append(dialog.type), dialog.accept()))
    visitor.page.reload()
    visitor.errors.clear()  # what the page that is left says of its broken connection
    assert asked == ["beforeunload"], "judgments are not lost unasked"


def test_an_uploaded_collection_is_compared_and_its_markup_never_runs(visitor, tmp_path):
    texts = [*sentences(30), f"Bees dance. {HOSTILE}"]
    path = beir(tmp_path, texts, [f"Bees {HOSTILE}", "Where do trains go?"], "q0\td30\t1\nq1\td0\t1\n")
    visitor.give_archive(path)
    assert "of 2 questions" in visitor.compare()
    visitor.page.locator(".lab-list [data-testid=cell-0-0]").click()
    expect(visitor.page.locator(".lab-question h4")).to_be_visible()
    assert_harmless(visitor)


def test_a_part_of_an_archive_is_chosen_and_then_another_without_a_new_upload(visitor, tmp_path):
    corpus = [(f"d{row}", text) for row, text in enumerate(sentences(12))]
    for folder, questions in (("rust", 1), ("tides", 3)):
        queries = [(f"q{row}", corpus[row][1]) for row in range(questions)]
        judged = [(query_id, f"d{row}", 1) for row, (query_id, _) in enumerate(queries)]
        beir_zip(tmp_path / "stack.zip", corpus, queries, judged, folders=(folder,), split="dev", mode="a")
    visitor.give_archive(tmp_path / "stack.zip")
    expect(visitor.page.get_by_label("Part of the archive")).to_be_visible()
    visitor.page.get_by_role("button", name="Compare", exact=True).click()
    visitor.page.get_by_text("it holds 2 collections").wait_for()
    for folder, said in (("tides", "of 3 questions"), ("rust", "of 1 question")):
        visitor.take("Part of the archive", f"{folder}, split dev")
        assert said in visitor.compare()
        expect(visitor.page.get_by_text(f"Of its 2 collections only {folder} is read.")).to_be_visible()


def test_what_cannot_be_compared_is_told_and_the_last_result_stays(visitor, tmp_path):
    said = visitor.compare()
    visitor.give_archive(beir(tmp_path, sentences(5), ["Where?"], "q7\td0\t1\n"))
    visitor.page.get_by_role("button", name="Compare", exact=True).click()
    visitor.page.get_by_text("0 of 1 query ids").wait_for()
    expect(visitor.page.get_by_text("The last result is unchanged")).to_be_visible()
    assert visitor.page.locator(".lab-lesson").locator("visible=true").inner_text() == said
    visitor.move_errors_to(30)


# --- inside HNSW


def test_a_question_is_walked_step_by_step_and_a_larger_ef_finds_more(visitor):
    paste_trade_off(visitor)
    visitor.open("graph")
    said = visitor.page.locator(".lab-lesson").locator("visible=true")
    expect(visitor.header).to_contain_text("Pasted text", timeout=PATIENCE)
    chunks = re.search(r"chunks\s+([\d,]+)", visitor.header.inner_text())[1]
    expect(said).to_contain_text(f"exact search computes {chunks}.", timeout=PATIENCE)  # no longer the sample's walk
    found = int(re.search(r"finds (\d+) of the 10", said.inner_text())[1])
    assert found < 10, "the hardest question of a starved graph"
    expect(visitor.page.locator(".lab-misses li")).to_have_count(10 - found)
    told = visitor.page.locator(".prose.lab-told")
    slider = visitor.page.locator(".lab-step-slider input[type=range]")
    steps = int(slider.get_attribute("max"))
    expect(told).to_contain_text(f"Step 1 of {steps}")
    for name, step in (("Next", 2), ("Next", 3), ("Back", 2)):
        visitor.page.get_by_role("button", name=name).locator("visible=true").click()
        expect(told).to_contain_text(f"Step {step} of {steps}")
        expect(slider).to_have_value(str(step))
    slider.focus()
    slider.press("ArrowRight")
    expect(told).to_contain_text(f"Step 3 of {steps}")
    slider.press("End")
    expect(told).to_contain_text(f"Step {steps} of {steps}")
    visitor.page.get_by_role("button", name="Play").click()
    expect(told).to_contain_text(f"Step 1 of {steps}")
    expect(told).to_contain_text(f"Step 2 of {steps}")
    visitor.page.get_by_role("button", name="Pause").click()
    box = visitor.page.get_by_label("number input for ef (candidates)").locator("visible=true")
    box.fill("400")
    box.press("Enter")
    expect(said).to_contain_text("At ef=400")
    assert "all 10" in said.inner_text() or int(re.search(r"finds (\d+) of the 10", said.inner_text())[1]) > found
    for part in (visitor.page.locator(".js-plotly-plot").locator("visible=true"), said, told):
        assert bottom(part) <= 800


def test_a_question_of_ones_own_is_walked_and_its_markup_never_runs(visitor):
    said = visitor.walk(f"how hot should the water be for green tea? {HOSTILE}")
    expect(said).to_contain_text("distances")
    visitor.page.locator(".js-plotly-plot").locator("visible=true").wait_for()
    assert_harmless(visitor)


@pytest.mark.exhaustive
def test_the_labs_measure_what_settings_buy_and_how_searches_grow(visitor):
    paste_trade_off(visitor)
    visitor.open("ef")
    visitor.page.get_by_text("Build lab: what M").click()
    visitor.page.get_by_role("button", name="Build twelve graphs").click()
    expect(visitor.page.locator(".lab-lesson", has_text="M is what costs memory")).to_be_visible(timeout=PATIENCE)
    expect(visitor.page.locator(".lab-numbers tr").locator("visible=true")).to_have_count(13)
    visitor.page.get_by_text("Size lab: how each").click()
    visitor.page.get_by_role("button", name="Measure every size").click()
    expect(visitor.page.locator(".lab-lesson", has_text="times as long")).to_be_visible(timeout=PATIENCE)


# --- what is loaded, and by which visitor


def test_the_header_names_all_that_made_the_numbers(visitor):
    for words in ("Sample documents", "chunks", "all-MiniLM-L6-v2", "384", "M 16", "efConstruction 200"):
        expect(visitor.header).to_contain_text(words)
    visitor.paste(" ".join(sentences(60)), preset="rich 32/400")
    visitor.build()
    for words in ("Pasted text", "wordllama-256", "256", "M 32", "efConstruction 400"):
        expect(visitor.header).to_contain_text(words)


@pytest.mark.exhaustive
def test_two_visitors_moving_ef_at_once_each_get_their_own(arrive, sample):
    low, high = arrive(), arrive()
    for visitor, ef in ((low, 1), (high, 60)):
        visitor.open("ef")
        visitor.page.locator(".js-plotly-plot").wait_for()
        box = visitor.page.get_by_label("number input for k (nearest passages)").locator("visible=true")
        box.fill("1")
        box.press("Enter")
        visitor.wait("() => document.querySelector('.lab-card i')?.textContent.includes('@1')")
        expect(visitor.slider).to_have_attribute("min", "1")
        visitor.drag_to(ef)
    narrow, wide = (sample.measurements.measure(1, ef).hnsw.mean_recall for ef in (2, 60))
    assert narrow < wide, "else they cannot be told apart"
    for _ in range(3):
        for visitor in (low, high):
            visitor.slider.press("ArrowRight")
        for visitor in (low, high):
            ef = int(visitor.slider.input_value())
            recall, _ = visitor.wait_for_ef(ef)
            assert recall == pytest.approx(sample.measurements.measure(1, ef).hnsw.mean_recall, abs=0.0006)


def test_the_ef_slider_begins_at_k(visitor):
    for tab, slider in (("search", "input[type=range][aria-label*='ef']"), ("ef", ".lab-big-slider input[type=range]")):
        visitor.open(tab)
        efs = visitor.page.locator(slider).locator("visible=true").first
        box = visitor.page.get_by_label("number input for k (nearest passages)").locator("visible=true")
        for k in ("30", "5"):
            box.fill(k)
            box.press("Enter")
            expect(efs).to_have_attribute("min", k, timeout=PATIENCE)
        efs.focus()
        efs.press("Home")
        if tab == "ef":
            visitor.wait_for_ef(5)
    expect(visitor.page.get_by_text("less than minimum")).to_have_count(0)


# --- nothing else is loaded, nothing hostile runs


def test_the_page_asks_no_other_host(visitor):
    for tab in ("documents", "search", "models", "graph", "ef"):
        visitor.open(tab)
    visitor.page.locator(".js-plotly-plot").locator("visible=true").wait_for()
    visitor.ask("how hot should the water be for green tea?")
    visitor.page.wait_for_load_state("load")
    asked = [urlsplit(request) for request in visitor.requests]
    hosts = {request.netloc for request in asked if request.scheme not in ("data", "blob")}
    assert hosts == {urlsplit(visitor.url).netloc}
    assert len(visitor.requests) > 10


def assert_harmless(visitor):
    assert visitor.page.evaluate("window.hacked") is None
    assert visitor.page.locator("img[src=x]").count() == 0


def test_hostile_text_never_runs(arrive, tmp_path):
    visitor, path = arrive(), tmp_path / "<img src=x onerror=window.hacked=1>.jsonl"
    row = '{"_id": "%s", "title": "%s", "text": "%s Bees dance."}\n'
    path.write_text(row % ((HOSTILE.replace('"', '\\"'),) * 3), encoding="utf-8")
    visitor.upload(path)
    visitor.build()
    visitor.page.get_by_text("Look at the chunks").click()
    assert "onerror" in "".join(visitor.ask(HOSTILE))
    visitor.open("ef")
    visitor.page.locator(".js-plotly-plot").wait_for()
    assert_harmless(visitor)

    visitor = arrive()
    bad = tmp_path / "<img src=x onerror=window.hacked=2>.txt"
    bad.write_bytes(b"")
    visitor.upload(bad)
    visitor.page.get_by_role("button", name="Build", exact=True).click()
    visitor.page.get_by_text("None of the files could be read").wait_for()
    assert_harmless(visitor)
    expect(visitor.header).to_contain_text("Sample documents")


# --- layout


def bottom(locator):
    box = locator.bounding_box()
    return box["y"] + box["height"]


def test_what_matters_is_above_the_fold(visitor):
    assert bottom(visitor.page.get_by_role("button", name="Measure", exact=True)) <= 800
    visitor.open("documents")
    assert bottom(visitor.page.get_by_role("button", name="Build", exact=True)) <= 800
    visitor.open("search")
    assert bottom(visitor.page.get_by_role("button", name="Search", exact=True)) <= 800
    visitor.open("ef")
    visitor.page.locator(".js-plotly-plot").wait_for()
    visitor.page.locator(".lab-cards").wait_for()
    for part in (visitor.slider, visitor.page.locator(".lab-cards"), visitor.page.locator(".js-plotly-plot")):
        assert bottom(part) <= 800
