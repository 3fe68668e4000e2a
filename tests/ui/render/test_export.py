"""Tests of downloads: each link holds its file, a record has both forms, and no spreadsheet finds a formula."""

import csv
import io
import json
import re
import time

import pytest

from retriever.run_record import RunRecord
from tests.support.hostile_text import HOSTILE, seen, structure
from tests.support.page import Elements, content_of, files_of
from ui.render.export import download_link, folded_record, record_section, rows_to_csv, rows_to_json

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
PLAIN = ["a - b", "1+1=2", "x; y", "two\nlines", "a@b.example", "'quoted'", 'say "yes"', "", "a;b-c"]


def test_a_download_carries_its_file():
    link = download_link("ünder.csv", "text/csv", "a;b\nß", "CSV")
    assert content_of(link) == "a;b\nß"
    assert 'download="ünder.csv"' in link
    assert "(35 bytes)" in download_link("a", "text/csv", "a" * 35, "CSV")
    assert "(1.5 kB)" in download_link("a", "text/csv", "a" * 1_500, "CSV")
    assert "(0.13 MB)" in download_link("a", "text/csv", "a" * 100_000, "CSV"), "as base64, which is what is sent"


def a_record(text):
    part = {"question": text, text: {text: [text]}}
    return RunRecord(text, {**part, "ef": 10}, part, part)


@pytest.mark.parametrize("hostile", HOSTILE.values(), ids=HOSTILE)
def test_a_hostile_file_and_record_change_only_words(hostile):
    link = download_link(hostile, "text/plain", hostile, "label")
    assert structure(link) == structure(download_link("word", "text/plain", "word", "label"))
    written = hostile.encode("utf-8", "replace").decode()
    assert files_of(link) == {seen(hostile): written}
    run = a_record(hostile)
    source = record_section(run)
    assert structure(source) == structure(record_section(a_record("word")))
    assert seen(run.to_json().rstrip("\n")) in Elements(source).text
    assert source in folded_record(run)
    source.encode()
    as_json, as_markdown = re.findall(r"<a .*?</a>", source)
    assert json.loads(content_of(as_json))["title"] == written
    assert "| ef | 10 |" in content_of(as_markdown) and "<" not in content_of(as_markdown)


def parted(content, delimiters):
    """Return the cells of a CSV file, split at any of some delimiters; at a single one, as Python's csv does."""
    if len(delimiters) == 1:
        return [cell for row in csv.reader(io.StringIO(content, newline=""), delimiter=delimiters) for cell in row]
    return re.findall(rf'(?:^|[{delimiters}\n])("(?:[^"]|"")*"|[^{delimiters}\r\n]*)', content)


def read(content):
    return list(csv.DictReader(io.StringIO(content, newline="")))


@pytest.mark.parametrize("sign", "=+-@＝＋－＠")
@pytest.mark.parametrize("formula", FORMULAS.values(), ids=FORMULAS)
def test_no_cell_is_a_formula_wherever_a_spreadsheet_parts_them(formula, sign):
    given = formula.format(sign)
    content = rows_to_csv([{"id": "a", "text": given, "score": -0.5}, {"id": given, "text": "", "score": 1}])
    for delimiter in (",", ";", ",;\t"):
        formulas = [cell for cell in parted(content, delimiter) if cell.lstrip('" \t\r\n\u200b\ufeff').startswith(sign)]
        assert formulas == (["-0.5"] if sign == "-" and "," in delimiter else []), "a number stays a number"
    first, second = read(content)
    for written in (first["text"], second["id"]):
        assert written.replace("'", "") == given.replace("'", ""), "nothing but apostrophes was added"


def test_only_what_begins_a_formula_or_with_a_tab_gets_an_apostrophe():
    assert [read(rows_to_csv([{"text": f"{blank}1"}]))[0]["text"] for blank in "\t\r"] == ["'\t1", "'\r1"]
    rows = read(rows_to_csv([{"text": given, "rank": None, "score": 0.25} for given in PLAIN]))
    assert [(row["text"], row["rank"], float(row["score"])) for row in rows] == [(given, "", 0.25) for given in PLAIN]
    assert rows_to_csv([]) == ""


@pytest.mark.parametrize("given", ["\n" * 200_000, " ;" * 100_000, "\n-" * 100_000, '"' * 200_000])
def test_a_long_text_of_blanks_takes_no_longer_than_others(given):
    start = time.perf_counter()
    rows_to_csv([{"text": given}])
    assert time.perf_counter() - start < 10, "quadratic work takes minutes"


def test_json_rows_read_back():
    rows = [{"rank": 1, "text": given} for given in (*PLAIN, *HOSTILE.values())]
    assert json.loads(rows_to_json(rows)) == rows
    assert json.loads(rows_to_json([])) == []
