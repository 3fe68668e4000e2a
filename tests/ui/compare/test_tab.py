"""The Compare models tab's handlers, called as Gradio calls them: watched, cancelled, and before and after a result."""

import json
import re
from types import SimpleNamespace

import gradio as gr
import pytest

from retriever.errors import Cancelled, DocumentError
from tests.support.handlers import Steps
from tests.support.judged import compared, lost, starved_pair
from tests.support.page import Elements, assert_harmless, build_tab, files_of, words_of
from tests.support.small import HOSTILE
from tests.support.work import PATIENCE, Work
from ui.compare.job import ComparisonPlan, FinishedComparison
from ui.compare.layout import build_compare_tab
from ui.compare.result import error_section
from ui.compare.retrievers.choices import FIRST_CHOICES
from ui.compare.sentences.verdict import kinds_sentence, verdict_sentence
from ui.compare.shown.figures import comparison_figure
from ui.compare.shown.marks import ORDINALS
from ui.compare.shown.question_view import QUESTION_HINT, question_view
from ui.compare.shown.questions import BY_INDEX, LARGEST_DIFFERENCE, list_choices, question_list
from ui.compare.shown.tables import scoreboard
from ui.compare.state import ComparisonState
from ui.jobs.shared_samples import SharedSamples
from ui.render.controls import NO_CHANGE
from ui.render.errors import report_errors, report_stream_errors
from ui.session import Session

CHOICES = list_choices(2)
BEFORE = FinishedComparison(None, 1.0)


@pytest.fixture(scope="module")
def tab():
    return build_tab(build_compare_tab, SharedSamples(()))[0]


@pytest.fixture(scope="module")
def result():
    """A comparison over a graph that loses some answers."""
    kinds = {f"q{row}": "term" if row < 9 else "fact" for row in range(24)}
    return FinishedComparison(starved_pair(kinds=kinds), 1.5)


@pytest.fixture
def state(result):
    return ComparisonState(compared=result)


def test_a_third_and_fourth_are_shown_in_place_of_the_button_once_asked_for_or_named_by_an_address(tab):
    shown = {tab.controls.further: gr.update(visible=True), tab.add: gr.update(visible=False)}
    assert tab.show_further("BM25") == tab.add_further() == shown
    assert tab.show_further("") == tab.show_further(None) == NO_CHANGE, "it stays as the visitor left it"


def values_of(tab, comparison_state, **changed):
    """Return the values of what a comparison reads; changed: those of some controls, by name."""
    values = {component: component.value for component in tab.inputs}
    values |= {tab.comparison_state: comparison_state, tab.session: Session()}
    return values | {named(tab)[name]: value for name, value in changed.items()}


def named(tab):
    """Return the components of the tab by name."""
    retrievers = dict(zip(ORDINALS, tab.controls.retrievers, strict=True))
    return vars(tab.controls) | vars(tab.result) | retrievers


@pytest.fixture
def begin(tab, monkeypatch):
    """A function that starts a comparison with the test's own work; no thread is left behind."""
    monkeypatch.setattr("ui.jobs.watching.POLL_SECONDS", 0.005)
    begun = []

    def begin(work, comparison_state, **changed):
        monkeypatch.setattr("ui.compare.tab.plan_comparison", lambda *planned: ComparisonPlan(work))
        handler = report_stream_errors(tab.stream_comparison)
        begun.append(Steps(handler(values_of(tab, comparison_state, **changed))))
        return begun[-1]

    yield begin
    for left in begun:
        left.close()


def test_progress_is_shown_and_then_the_result(tab, begin, result):
    work, before = Work(result, "embedding (all-MiniLM-L6-v2)"), ComparisonState(compared=BEFORE)
    steps = begin(work, before, ef=1)
    running = next(steps)
    assert set(running) == {tab.comparison_state, tab.progress}
    running = running[tab.comparison_state]
    assert running.job is not None
    assert (running.compared, running.index_cache) == (BEFORE, before.index_cache)
    assert work.begun.wait(PATIENCE)
    step = next(steps)
    assert list(step) == [tab.progress], "the state is written once, so that other handlers' changes stay"
    assert "mbedding (all-MiniLM-L6-v2) 25%" in step[tab.progress] and 'aria-valuenow="25"' in step[tab.progress]
    work.go_on.set()
    *_, last = steps
    assert set(last) == set(tab.outputs)
    done = last[tab.comparison_state]
    assert (done.compared, done.index_cache, before.compared) == (result, before.index_cache, BEFORE)
    assert "Done in 1.5 s" in last[tab.progress]
    assert 'data-ef="10"' in last[tab.result.errors], "an ef below k is k"
    assert "No comparison is running" in tab.cancel(done)


def test_a_second_click_stops_the_first(tab, begin, result):
    first, second = Work(BEFORE), Work(result)
    first_steps = begin(first, ComparisonState())
    running = next(first_steps)[tab.comparison_state]
    assert first.begun.wait(PATIENCE)
    second_steps = begin(second, running)
    assert next(second_steps)[tab.comparison_state].job is not running.job
    assert running.job.wait(PATIENCE), "the first goes on"
    *_, last = first_steps
    assert list(last) == [tab.progress] and "Cancelled" in last[tab.progress]
    second.go_on.set()
    *_, last = second_steps
    assert last[tab.comparison_state].compared is result


def test_cancelling_leaves_the_last_result(tab, begin):
    work = Work(BEFORE)
    steps = begin(work, ComparisonState(compared=BEFORE))
    running = next(steps)[tab.comparison_state]
    assert work.begun.wait(PATIENCE)
    assert "Cancelling" in tab.cancel(running)
    rest = list(steps)
    assert all(list(step) == [tab.progress] for step in rest)
    assert "Cancelled. The last result is unchanged." in rest[-1][tab.progress]
    for state in (running, ComparisonState()):
        assert "No comparison is running" in tab.cancel(state)


@pytest.mark.parametrize("error", [DocumentError(f"{HOSTILE} is empty."), ZeroDivisionError("no")])
def test_a_failure_is_told_and_leaves_the_last_result(tab, begin, error):
    work = Work(error)
    steps = begin(work, ComparisonState(compared=BEFORE))
    next(steps)
    work.go_on.set()
    seen = []
    with pytest.raises(gr.Error) as raised:
        seen += steps
    assert all(list(step) == [tab.progress] for step in seen)
    if isinstance(error, DocumentError):
        assert "is empty" in raised.value.message and "<" not in raised.value.message
        assert "Nothing was compared. The last result is unchanged." in seen[-1][tab.progress]


def test_a_visitor_who_leaves_stops_the_comparison(tab, begin):
    steps = begin(Work(BEFORE), ComparisonState())
    running = next(steps)[tab.comparison_state]
    steps.close()
    with pytest.raises(Cancelled):
        running.job.result()


def test_a_refused_request_starts_nothing_and_stops_nothing(tab):
    same = values_of(tab, ComparisonState(), second=FIRST_CHOICES[0])
    with pytest.raises(gr.Error, match="chosen twice"):
        next(Steps(report_stream_errors(tab.stream_comparison)(same)))


def test_a_result_is_shown_whole(tab, result):
    shown, found = tab.result.show_result(result, 30, BY_INDEX), result.comparison
    assert {*shown, tab.comparison_state, tab.progress} == set(tab.outputs)
    assert shown[tab.result.shown] == gr.update(visible=True)
    assert (
        shown[tab.result.lesson] == f'<div class="lab-lesson">{verdict_sentence(found)} {kinds_sentence(found)}</div>'
    )
    assert shown[tab.result.board] == scoreboard(found)
    assert [trace.name for trace in shown[tab.result.figure].data] == ["alpha", "beta"]
    assert list(shown[tab.result.figure].data[0].x) == ["term<br>(9)", "fact<br>(15)"]
    assert "No passage was cut." in words_of(shown[tab.result.notes])
    assert shown[tab.result.errors] == error_section(found, 30)
    assert shown[tab.result.listed] == question_list(found, BY_INDEX, 30)
    without_kinds = comparison_figure(compared([1, 2, 50], [1, 12, None]))
    assert list(without_kinds.data[0].x) == ["1", "2–3", "4–10", "11–100", "beyond"]
    assert [list(trace.y) for trace in without_kinds.data] == [[1, 1, 0, 1, 0], [1, 0, 0, 1, 1]]
    # no question is open any more, and no file offered is of the last result
    assert (shown[tab.result.question], shown[tab.result.query_id], shown[tab.result.files]) == (QUESTION_HINT, "", "")


def clicked(number):
    """Return a stand-in for the event of a click on a question, by its number."""
    return SimpleNamespace(number=number)


def test_before_a_comparison_nothing_is_shown_and_what_is_asked_for_is_told(tab):
    empty = ComparisonState()
    assert empty.index_cache is not ComparisonState().index_cache, "visitors share no indexes"
    assert tab.result.move_ef(10, empty) == tab.result.list_questions(LARGEST_DIFFERENCE, 10, empty) == NO_CHANGE
    assert tab.result.follow_ef(LARGEST_DIFFERENCE, "q0", "", 10, empty) == NO_CHANGE
    for handler, *arguments in ((tab.result.open_question, clicked(1)), (tab.result.offer_files,)):
        with pytest.raises(gr.Error, match="Nothing has been compared yet; press Compare"):
            report_errors(handler)(10, empty, *arguments)


def test_sliding_moves_only_what_the_index_loses(tab, state):
    losses = {}
    for ef in (10, 30, 400):
        source = tab.result.move_ef(ef, state)
        said = words_of(source)
        assert f'data-ef="{ef}"' in source and f"at ef={ef}" in said
        assert re.findall(r"the model loses ([0-9.]+)", said) == ["0.167", "0.333"]  # 4 and 8 of 24, whatever ef is
        losses[ef] = [float(value) for value in re.findall(r"the index loses ([0-9.]+)", said)]
        both = state.compared.comparison.errors(ef)
        assert losses[ef] == pytest.approx([len(errors.lost_by_index) / 24 for errors in both], abs=0.00051)
    assert sum(losses[10]) > sum(losses[400])


def test_what_follows_the_slider_is_the_list_of_losses_and_the_open_question(tab, state):
    found = state.compared.comparison
    shown = tab.result.follow_ef(BY_INDEX, "q3", "", 30, state)
    assert shown[tab.result.listed] == question_list(found, BY_INDEX, 30)
    assert shown[tab.result.question] == question_view(found, "q3", 30)
    assert list(tab.result.follow_ef(BY_INDEX, "", "", 30, state)) == [tab.result.listed]
    for show in set(CHOICES) - {BY_INDEX}:  # do not depend on ef
        assert list(tab.result.follow_ef(show, "q3", "", 30, state)) == [tab.result.question]
        assert tab.result.follow_ef(show, "", "", 30, state) == NO_CHANGE, "Gradio takes no empty answer"
    opened = tab.result.offer_files(10, state)[tab.result.record]
    followed = tab.result.follow_ef(LARGEST_DIFFERENCE, "", opened, 30, state)
    assert list(followed) == [tab.result.record]
    records = [record_of(source) for source in (followed[tab.result.record], opened)]
    assert [record["settings"]["ef"] for record in records] == [30, 10]


def test_a_listed_question_opens_and_is_remembered(tab, state):
    found = state.compared.comparison
    for show in CHOICES:
        assert tab.result.list_questions(show, 25.0, state) == question_list(found, show, 25)
    listed = tab.result.list_questions(LARGEST_DIFFERENCE, 10, state)
    rows = re.findall(r'data-number="(\d+)".*?<button[^>]*>(.*?)</button>.*?data-of="query id">(.*?)<', listed, re.S)
    assert len(rows) == 24
    for number, asked, query_id in rows:
        shown = tab.result.open_question(25.0, state, clicked(int(number)))
        assert shown == {tab.result.query_id: query_id, tab.result.question: question_view(found, query_id, 25)}
        assert asked in shown[tab.result.question] and "HNSW at ef=25" in shown[tab.result.question]


def record_of(source):
    return json.loads(files_of(source)["run-record.json"])


def test_files_and_the_record_at_this_ef_are_offered(tab, state):
    source = "".join(tab.result.offer_files(30, state).values())
    names = ["alpha.run.txt", "beta.run.txt", "qrels.txt", "scores.csv", "run-record.json", "run-record.md"]
    assert list(files_of(source)) == names
    record = record_of(source)
    assert (record["settings"]["ef"], record["settings"]["k"]) == (30, 10)
    assert record["observed"]["success_10"]["first"][0] == pytest.approx(20 / 24, abs=1e-6)


def test_an_ef_below_k_is_k(tab, state):
    assert tab.result.move_ef(1, state) == tab.result.move_ef(10, state)
    assert tab.result.open_question(1, state, clicked(1)) == tab.result.open_question(10, state, clicked(1))
    assert tab.result.follow_ef(CHOICES[0], "q0", "", 1, state) == tab.result.follow_ef(CHOICES[0], "q0", "", 10, state)
    assert tab.result.list_questions(BY_INDEX, 1, state) == tab.result.list_questions(BY_INDEX, 10, state)
    assert record_of("".join(tab.result.offer_files(1, state).values()))["settings"]["ef"] == 10


def sources_of(tab, text):
    """Return all that a comparison shows as HTML, where every name, title, question, kind and passage is a text."""
    queries, kinds = ({f"q{row}": f"{text} {row}{end}" for row in range(3)} for end in "?!")
    texts = {"queries": queries, "kinds": kinds, "title": text, "body": text, "name": text, "names": (text, f"{text}2")}
    found = compared([1, 40, 1], [40, 40, 2], n=50, **texts)
    for index in found.sides:
        index._errors[10, 10] = lost(3, by_model=2, lucky=1)  # by luck, so that both names stand there too
    state = ComparisonState(compared=FinishedComparison(found, 1.0, in_lower_case=[0.5, 0.5]))
    shown = tab.result.show_result(state.compared, 10, LARGEST_DIFFERENCE)
    parts = {name: shown[getattr(tab.result, name)] for name in ("lesson", "board", "notes", "errors")}
    return parts | {
        "question": tab.result.open_question(10, state, clicked(1))[tab.result.question],
        "files": "".join(tab.result.offer_files(10, state).values()),
    }


def test_a_collection_that_is_hostile_everywhere_stays_text(tab):
    times = {"lesson": 4, "board": 2, "notes": 2, "errors": 4, "question": 40, "files": 2}
    plain = sources_of(tab, "word")
    for name, source in sources_of(tab, HOSTILE).items():
        assert_harmless(source)
        assert Elements(source).tags == Elements(plain[name]).tags
        assert Elements(source).text.count(HOSTILE) >= times[name], name


@pytest.mark.parametrize("number", [0, 25, "1", None])
def test_a_number_that_no_question_has_is_refused(tab, state, number):
    with pytest.raises(gr.Error, match="question is"):
        report_errors(tab.result.open_question)(10, state, clicked(number))
