"""Tests of the choice of columns: it appears with a table, offers what is in it, and says what was chosen."""

import gradio as gr
import pytest

from retriever.documents.document import TableColumns
from tests.support.handlers import finish
from tests.support.page import build_tab
from ui.documents.columns import MAX_OFFERED_NAME, build_column_controls


@pytest.fixture(scope="module")
def columns():
    return build_tab(lambda session: build_column_controls(gr.File()))[0]


def choices_of(columns, shown):
    assert shown[columns.text]["choices"] == shown[columns.title]["choices"]
    assert (shown[columns.text]["value"], shown[columns.title]["value"]) == ([], None), "of the files before"
    return shown[columns.row]["visible"], shown[columns.text]["choices"]


def test_the_columns_of_all_tables_are_offered_and_without_one_there_is_no_choice(columns, tmp_path):
    (tmp_path / "a.csv").write_text(f"body;head;{'x' * (MAX_OFFERED_NAME + 1)}\nOwls;Birds;\n")
    (tmp_path / "b.JSONL").write_text('{"text": "Larks", "head": "h"}')
    (tmp_path / "c.txt").write_text("Wrens, small\n")
    paths = [str(path) for path in sorted(tmp_path.iterdir())]
    assert choices_of(columns, finish(columns.offer(paths))) == (True, ["body", "head", "text"])
    assert choices_of(columns, finish(columns.offer(paths[2:]))) == (False, [])
    assert choices_of(columns, finish(columns.offer(None))) == (False, [])


def test_of_a_damaged_table_the_columns_may_still_be_typed(columns, tmp_path):
    (tmp_path / "a.jsonl").write_text("no JSON")
    assert choices_of(columns, finish(columns.offer([str(tmp_path / "a.jsonl")]))) == (True, [])


def test_what_the_controls_say_are_columns(columns):
    assert columns.chosen({columns.text: ["b", "a"], columns.title: "c"}) == TableColumns(("b", "a"), "c")
    assert columns.chosen({columns.text: None, columns.title: None}) == TableColumns()
