"""Tests of the Compare models tab's handlers, called as Gradio calls them, before and after a comparison."""

import json
import re
from types import SimpleNamespace

import gradio as gr
import pytest

from retriever.encoders.catalogue import MODELS
from retriever.errors import CollectionError
from tests.support.judged import compared
from tests.support.page import Elements, assert_harmless, files_of, skipped, words_of
from tests.support.small import HOSTILE
from ui.compare.job import FinishedComparison
from ui.compare.questions import BY_INDEX, CHOICES, LARGEST_DIFFERENCE, QUESTION_HINT, question_table, question_view
from ui.compare.request import BEIR, COLLECTIONS, LOADED, CompareRequest
from ui.compare.state import ComparisonState
from ui.compare.tab import (
    FIRST_MODELS,
    VIEWS,
    choose_question,
    comparison_views,
    download_section,
    error_section,
    follow_ef,
    list_questions,
    move_ef,
    show_uploads,
    stream_comparison_views,
)
from ui.compare.tables import scoreboard
from ui.compare.text import kinds_sentence, verdict_sentence
from ui.jobs.shared_samples import SharedSamples
from ui.render.errors import report_errors
from ui.session import Session

FIRST, SECOND = [1, 2, 3, 5, 9, 11] * 4, [1, 12, 1, 12, 1, 1] * 4
KINDS = {f"q{row}": "term" if row < 9 else "fact" for row in range(24)}


@pytest.fixture(scope="module")
def result():
    """A comparison over a graph that loses some answers."""
    return FinishedComparison(compared(FIRST, SECOND, M=3, ef_construction=5, kinds=KINDS), 1.5)


@pytest.fixture
def comparison_state(result):
    return ComparisonState(compared=result)


def clicked(query_id):
    """Return a stand-in for the event of a click on a question's row."""
    return SimpleNamespace(row_value=["question?", "term", "1", "2", "+0.000", query_id])


# --- before anything is compared


def test_nothing_is_shown_before_a_comparison():
    empty = ComparisonState()
    assert skipped(move_ef(10, empty))
    assert all(skipped(value) for value in follow_ef(LARGEST_DIFFERENCE, "q0", 10, empty))
    assert skipped(list_questions(LARGEST_DIFFERENCE, 10, empty))


def test_choosing_and_downloading_before_a_comparison_is_told():
    with pytest.raises(gr.Error, match="press Compare"):
        report_errors(choose_question)(10, ComparisonState(), clicked("q0"))
    with pytest.raises(gr.Error, match="press Compare"):
        report_errors(download_section)(10, ComparisonState())
    with pytest.raises(CollectionError, match="Nothing has been compared yet"):
        ComparisonState().result()


# --- comparing


@pytest.fixture
def run(monkeypatch, result):
    """A function that runs stream_comparison_views with a result of the test's own."""
    monkeypatch.setattr("ui.jobs.job.POLL_SECONDS", 0.001)

    def run(ef, show=LARGEST_DIFFERENCE, comparison_state=None):
        monkeypatch.setattr("ui.compare.state.plan_comparison", lambda *args: lambda progress: result)
        request = CompareRequest(COLLECTIONS[0], *FIRST_MODELS, k=10)
        return list(
            stream_comparison_views(
                request, ef, show, comparison_state or ComparisonState(), Session(), SharedSamples(())
            )
        )

    return run


def test_steps_show_progress_and_then_the_result(run, result):
    *waiting, (written, progress, *last) = run(25)
    assert isinstance(waiting[0][0], ComparisonState)
    assert all(skipped(value) for step in waiting for value in step[2:])
    assert all(len(step) == 2 + VIEWS for step in waiting)
    assert written.compared is result
    assert "Done in 1.5 s" in progress
    assert len(last) == VIEWS
    assert last[0] == gr.update(visible=True)
    assert 'data-ef="25"' in last[5]


def test_an_ef_below_k_is_k(run, comparison_state):
    assert 'data-ef="10"' in run(1)[-1][7]
    assert move_ef(1, comparison_state) == move_ef(10, comparison_state)
    assert choose_question(1, comparison_state, clicked("q0")) == choose_question(10, comparison_state, clicked("q0"))
    assert record_of(download_section(1, comparison_state))["settings"]["ef"] == 10
    assert list_questions(BY_INDEX, 1, comparison_state).equals(list_questions(BY_INDEX, 10, comparison_state))
    assert follow_ef(BY_INDEX, "q0", 1, comparison_state)[1] == follow_ef(BY_INDEX, "q0", 10, comparison_state)[1]


def test_a_result_is_shown_whole(result):
    comparison = result.comparison
    _, said, board, figure, notes, errors, listed, *rest = comparison_views(result, 30, BY_INDEX)
    assert said == f'<div class="lab-lesson">{verdict_sentence(comparison)} {kinds_sentence(comparison)}</div>'
    assert board == scoreboard(comparison)
    assert [trace.name for trace in figure.data] == ["alpha", "beta"]
    assert list(figure.data[0].x) == ["term<br>(9)", "fact<br>(15)"]
    assert "alpha 0 of 130, beta 0 of 130" in words_of(notes)
    assert errors == error_section(result, 30)
    assert listed.equals(question_table(comparison, BY_INDEX, 30))
    assert rest == [QUESTION_HINT, "", ""], "no question is open any more, and no file offered is of the last result"


def test_without_kinds_the_figure_shows_ranks():
    found = FinishedComparison(compared([1, 2, 50], [1, 12, None]), 0.5)
    figure = comparison_views(found, 10, LARGEST_DIFFERENCE)[3]
    assert list(figure.data[0].x) == ["1", "2–3", "4–10", "11–100", "beyond"]
    assert [list(trace.y) for trace in figure.data] == [[1, 1, 0, 1, 0], [1, 0, 0, 1, 1]]


def test_notes_count_what_the_judgments_and_the_collection_share():
    qrels = {"q0": {"d0": 1, "elsewhere": 1}, "q1": {"d1": 1}, "gone": {"d1": 1}}
    found = compared([1, 2], [2, 1], n=30, qrels=qrels, queries={"q0": "question 0?", "q1": "question 1?"})
    notes = words_of(comparison_views(FinishedComparison(found, 0.5, [0.5, 0.25]), 10, LARGEST_DIFFERENCE)[4])
    assert "1 of 3 judged queries have no text" in notes
    assert "1 of 3 judged documents are not in this collection" in notes
    assert "66.7% → 50.0%" in notes


# --- sliding ef


@pytest.mark.parametrize("ef", [10, 30, 130])
def test_sliding_moves_only_what_the_index_loses(comparison_state, ef):
    source = move_ef(ef, comparison_state)
    assert f'data-ef="{ef}"' in source
    assert f"this index at ef={ef} costs" in words_of(source)
    assert words_of(source).count("the model loses 16.7") == 1  # 4 of 24, whatever ef is
    assert words_of(source).count("the model loses 33.3") == 1  # 8 of 24
    for index in (comparison_state.compared.comparison.first, comparison_state.compared.comparison.second):
        loses = 100 * len(index.errors(10, ef).lost_by_index) / 24
        assert f"the index loses {loses:.1f}" in words_of(source)


def test_sliding_far_enough_loses_less(comparison_state):
    losses = [
        sum(map(float, re.findall(r"index loses ([0-9.]+)", words_of(move_ef(ef, comparison_state)))))
        for ef in (10, 400)
    ]
    assert losses[0] > losses[1]


def test_what_follows_the_slider_is_the_list_of_losses_and_the_open_question(comparison_state):
    comparison = comparison_state.compared.comparison
    listed, one = follow_ef(BY_INDEX, "q3", 30, comparison_state)
    assert listed.equals(question_table(comparison, BY_INDEX, 30))
    assert one == question_view(comparison, "q3", 30)
    for show in CHOICES:
        listed, one = follow_ef(show, "", 30, comparison_state)
        assert skipped(listed) == (show != BY_INDEX), "another list does not depend on ef"
        assert skipped(one)


# --- questions


@pytest.mark.parametrize("show", CHOICES)
def test_the_list_that_was_asked_for_is_shown(comparison_state, show):
    assert list_questions(show, 25, comparison_state).equals(
        question_table(comparison_state.compared.comparison, show, 25)
    )


def test_choosing_a_question_opens_it_and_remembers_it(comparison_state):
    query_id, one = choose_question(25.0, comparison_state, clicked("q3"))
    assert query_id == "q3"
    assert one == question_view(comparison_state.compared.comparison, "q3", 25)
    assert "HNSW at ef=25" in one


def test_every_listed_question_can_be_chosen(comparison_state):
    for row in list_questions(LARGEST_DIFFERENCE, 10, comparison_state).values.tolist():
        assert row[0] in choose_question(10, comparison_state, SimpleNamespace(row_value=row))[1]


# --- downloads


def record_of(source):
    return json.loads(files_of(source)["run-record.json"])


def test_downloads_hold_files_and_the_record_at_this_ef(comparison_state):
    source = download_section(30, comparison_state)
    assert list(files_of(source)) == [
        "alpha.run.txt",
        "beta.run.txt",
        "qrels.txt",
        "scores.csv",
        "run-record.json",
        "run-record.md",
    ]
    record = record_of(source)
    assert (record["settings"]["ef"], record["settings"]["k"]) == (30, 10)
    assert record["observed"]["success_10"]["first"][0] == pytest.approx(20 / 24, abs=1e-6)


# --- controls


def test_only_the_files_that_a_collection_needs_are_shown():
    visible = {name: [update["visible"] for update in show_uploads(name)] for name in COLLECTIONS}
    assert visible == {
        **dict.fromkeys(COLLECTIONS, [False] * 3),
        BEIR: [True, False, True],
        LOADED: [False, True, True],
    }


def test_the_first_models_need_no_network():
    assert len(FIRST_MODELS) >= 2
    assert all(MODELS[name].packaged for name in FIRST_MODELS)


# --- markup stays text


def test_a_hostile_collection_stays_text():
    queries, kinds = ({f"q{row}": f"{HOSTILE} {row}{end}" for row in range(3)} for end in "?!")
    texts = {"queries": queries, "kinds": kinds, "title": HOSTILE, "body": HOSTILE}
    found = compared(
        [1, 40, 1], [40, 1, 2], n=50, names=(HOSTILE, HOSTILE), name=HOSTILE, M=3, ef_construction=5, **texts
    )
    comparison_state = ComparisonState(compared=FinishedComparison(found, 1.0, [0.5, 0.5]))
    shown_views = [
        value for value in comparison_views(comparison_state.compared, 10, LARGEST_DIFFERENCE) if isinstance(value, str)
    ]
    for source in (
        *shown_views,
        move_ef(10, comparison_state),
        choose_question(10, comparison_state, clicked("q0"))[1],
        download_section(10, comparison_state),
    ):
        assert_harmless(source)
    assert sum(HOSTILE in Elements(source).text for source in shown_views) == 4  # verdict, board, notes, two errors
