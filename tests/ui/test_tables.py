"""Tests of the tables: every text is escaped, every mark and number is the one that was passed in."""

import csv
import io
import json
import re

from retriever.run_record import RunRecord
from tests.support.page import Elements, assert_harmless, content_of
from tests.support.small import HOSTILE, collection_of, hit, sentences
from ui.documents.text import SHOWN_CHUNKS, chunk_table
from ui.render.export import download_link, folded_record, record_section, rows_to_csv, rows_to_json
from ui.search.text import hit_list, time_bar


def test_hits_show_text_score_place_and_mark():
    found = [hit("Water boils.", 0.87654, title="Tea", source="tea.txt"), hit("Bees fly.", 0.5, title="Bees")]
    source = hit_list(found, [False, True], side="exact")
    items = re.findall(r"<li.*?</li>", source, flags=re.DOTALL)
    assert len(items) == 2
    assert "Water boils." in items[0]
    assert "0.877" in items[0]
    assert "Tea · tea.txt" in items[0]
    assert "missed by HNSW" not in items[0]
    assert "missed by HNSW" in items[1]
    assert "lab-marked" in items[1]
    assert "lab-marked" not in items[0]


def test_extra_hits_are_not_called_missed():
    source = hit_list([hit("Bees fly.")], [True], side="hnsw")
    assert "missed by HNSW" not in source
    assert "lab-marked" in source


def test_a_long_hit_can_be_read_whole():
    text = " ".join(f"word{number}" for number in range(300))
    assert text in Elements(hit_list([hit(text)], [False], side="exact")).text


def test_hostile_hits_stay_text():
    source = hit_list([hit(HOSTILE * 20, title=HOSTILE, source=HOSTILE, page=HOSTILE)], [True], side="exact")
    assert_harmless(source)
    assert HOSTILE * 20 in Elements(source).text


def test_the_time_bar_splits_in_proportion():
    source = time_bar({"embedding": (0.003, "a"), "HNSW": (0.001, "b"), "exact": (0.004, "c")})
    assert [float(share) for share in re.findall(r"flex-grow:([0-9.]+)", source)] == [0.375, 0.125, 0.5]
    assert re.findall(r"<b>(.*?)</b>", source) == ["3 ms", "1 ms", "4 ms"]


def test_the_time_bar_of_nothing_does_not_divide_by_zero():
    assert "flex-grow:0" in time_bar({"embedding": (0.0, "a")})


# --- chunks, records, downloads


def test_chunks_are_shown_up_to_a_number(fake_encoder):
    few, many = collection_of(fake_encoder, sentences(7)), collection_of(fake_encoder, sentences(150))
    assert Elements(chunk_table(few)).tags.count("tr") == 1 + 7
    assert Elements(chunk_table(many)).tags.count("tr") == 1 + SHOWN_CHUNKS
    assert "of 150" in Elements(chunk_table(many)).text
    assert sentences(7)[6] in Elements(chunk_table(few)).text


def test_a_download_carries_its_file():
    link = download_link("ünder.csv", "text/csv", "a;b\nß", "CSV")
    assert content_of(link) == "a;b\nß"
    assert 'download="ünder.csv"' in link
    assert_harmless(download_link(HOSTILE, "text/csv", HOSTILE, "CSV"))


def test_a_record_is_shown_and_offered_in_both_forms():
    run = RunRecord("A run", {"ef": 10, "question": HOSTILE}, {"vectors": 3}, {"recall": 0.5})
    source = record_section(run)
    assert_harmless(source)
    as_json, as_markdown = re.findall(r"<a .*?</a>", source)
    assert json.loads(content_of(as_json))["settings"] == {"ef": 10, "question": HOSTILE}
    assert "| ef | 10 |" in content_of(as_markdown)
    assert source in folded_record(run)


ROWS = [
    {"rank": 1, "score": -0.25, "text": '=HYPERLINK("http://x")'},
    {"rank": 2, "score": 0.5, "text": "+1"},
    {"rank": 3, "score": 0.5, "text": "-1"},
    {"rank": 4, "score": 0.5, "text": "@SUM(A1)"},
    {"rank": 5, "score": 0.5, "text": "\t=1"},
    {"rank": 6, "score": 0.5, "text": 'plain, with "quotes"\nand a line'},
]


def test_csv_cells_never_become_formulas():
    read = list(csv.DictReader(io.StringIO(rows_to_csv(ROWS), newline="")))
    assert [row["text"][0] for row in read[:5]] == ["'"] * 5
    assert [row["text"].removeprefix("'") for row in read] == [row["text"] for row in ROWS]
    assert read[0]["score"] == "-0.25"  # a number stays one
    assert rows_to_csv([]) == ""


def test_json_rows_read_back():
    assert json.loads(rows_to_json(ROWS)) == ROWS
    assert json.loads(rows_to_json([])) == []
