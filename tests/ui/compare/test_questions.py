"""Tests of the question lists, one question's view, and the files, which read back to the numbers on the page."""

import re
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest

from retriever.evaluation.measures import evaluate
from retriever.evaluation.trec import read_qrels, read_run
from tests.support.judged import FIRST, KINDS, SECOND, compared, order, trec
from tests.support.page import Elements, assert_harmless, files_of, number, words_of
from tests.support.small import HOSTILE, hit
from ui.compare.questions import (
    BY_BOTH,
    BY_INDEX,
    CHOICES,
    FIRST_BETTER,
    HEADERS,
    LARGEST_DIFFERENCE,
    SECOND_BETTER,
    _ranking_side,
    count_by_rank,
    download_links,
    question_table,
    question_view,
)
from ui.compare.tables import question_rows
from ui.render.export import rows_to_csv

DIFFERENCES = [
    trec(one, 10)["ndcg_cut_10"] - trec(other, 10)["ndcg_cut_10"] for one, other in zip(FIRST, SECOND, strict=True)
]


@pytest.fixture(scope="module")
def found():
    return compared(FIRST, SECOND, kinds=KINDS)


@pytest.fixture(scope="module")
def starved():
    """Two models over a graph that loses some answers."""
    return compared([1, 2, 3, 5, 9, 11] * 4, [1, 12, 1, 12, 1, 1] * 4, M=3, ef_construction=5)


def listed(compared, show, ef=10):
    table = question_table(compared, show, ef)
    assert list(table.columns) == HEADERS
    return table.values.tolist()


def ids(rows):
    return [row[-1] for row in rows]


# --- the lists


def test_all_questions_come_the_largest_difference_first(found):
    rows = listed(found, LARGEST_DIFFERENCE)
    assert sorted(ids(rows)) == sorted(KINDS)
    shown = [number(row[4]) for row in rows]
    expected = [DIFFERENCES[int(query_id[1:])] for query_id in ids(rows)]
    assert shown == pytest.approx(expected, abs=0.00051)
    assert [abs(value) for value in expected] == sorted(map(abs, DIFFERENCES), reverse=True)


def test_a_row_says_question_kind_and_both_ranks(found):
    rows = {row[-1]: row for row in listed(found, LARGEST_DIFFERENCE)}
    assert rows["q0"] == ["question 0?", "term", "1", "2", "+0.369", "q0"]  # 1 / log2(2) - 1 / log2(3)
    assert rows["q3"] == ["question 3?", "term", "5", "1", "−0.613", "q3"]  # 1 / log2(6) - 1 / log2(2)
    assert rows["q4"][2:5] == ["11", "> 100", "+0.000"]
    assert rows["q6"][2:4] == ["> 100", "1"]
    assert rows["q11"][2:4] == ["100", "1"]


@pytest.mark.parametrize(("show", "better"), [(FIRST_BETTER, 1), (SECOND_BETTER, -1)])
def test_questions_that_one_model_answers_better(found, show, better):
    expected = [row for row in range(12) if DIFFERENCES[row] * better > 0]
    assert ids(listed(found, show)) == [f"q{row}" for row in sorted(expected, key=lambda row: -abs(DIFFERENCES[row]))]
    assert len(expected) >= 3


def test_questions_that_both_models_miss(found):
    expected = [f"q{row}" for row in range(12) if all((side[row] or 999) > 10 for side in (FIRST, SECOND))]
    assert ids(listed(found, BY_BOTH)) == expected == ["q4", "q5", "q10"]


@pytest.mark.parametrize("ef", [10, 30, 130])
def test_questions_that_an_index_loses(starved, ef):
    expected = set()
    for index, ranks in ((starved.first, [1, 2, 3, 5, 9, 11] * 4), (starved.second, [1, 12, 1, 12, 1, 1] * 4)):
        rows = index.indexed.retriever.hnsw.search(index.vectors, ef, ef=ef).ids[:, :10].tolist()
        expected |= {f"q{row}" for row, rank in enumerate(ranks) if rank <= 10 and row not in rows[row]}
    shown = listed(starved, BY_INDEX, ef)
    assert set(ids(shown)) == expected
    assert len(shown) == len(expected)
    assert ef > 10 or expected, "else this tests nothing"
    sizes = [abs(number(row[4])) for row in shown]
    assert sizes == sorted(sizes, reverse=True)


def test_an_empty_list_keeps_its_columns():
    same = compared([1, 1], [1, 1], n=20)
    for show in CHOICES[1:]:
        assert listed(same, show, 20) == []


def test_a_judged_question_without_a_text_is_listed_as_such():
    found = compared([1, 1], [1, 1], n=20, queries={"q1": "question 1?"})
    [row] = listed(found, BY_BOTH)
    assert row == ["(a judged query without a text)", "", "> 100", "> 100", "+0.000", "q0"]
    assert "no text" in words_of(question_view(found, "q0", 10))
    assert "nobody could be asked" in words_of(question_view(found, "q0", 10))


def test_every_cell_is_text(found):
    assert all(isinstance(cell, str) for row in listed(found, LARGEST_DIFFERENCE) for cell in row)


# --- ranks of the first answers


def test_ranks_are_counted_in_groups(found):
    assert count_by_rank(found) == {"1": (1, 3), "2–3": (2, 2), "4–10": (4, 1), "11–100": (4, 4), "beyond": (1, 2)}
    assert [sum(side) for side in zip(*count_by_rank(found).values(), strict=True)] == [12, 12]


# --- one question


def sides_of(source):
    """Return both models' parts of a question's view: name, note and items."""
    return [
        (words_of(name), words_of(note), re.findall(r"<li class=\"(.*?)\">(.*?)</li>", items))
        for name, note, items in re.findall(
            r'<div><div class="lab-side">(.*?)</div><p class="lab-hint">(.*?)</p><ol[^>]*>(.*?)</ol></div>', source
        )
    ]


def test_one_question_shows_both_rankings(found):
    source = question_view(found, "q3", 130)
    (first, first_note, first_items), (second, second_note, second_items) = sides_of(source)
    assert (first, second) == ("● alpha", "▲ beta")
    for items, rank in ((first_items, 5), (second_items, 1)):
        assert [f"<b>Title {row}</b>" in item for row, (_, item) in zip(order(3, rank)[:10], items, strict=True)]
        assert [place for place, (_, item) in enumerate(items, 1) if "answer (grade 1)" in item] == [rank]
    assert "at rank 5 in exact search" in first_note
    assert "at rank 1 in exact search" in second_note
    assert "<h4>question 3?</h4>" in source
    assert "term question. These passages answer it: Title 3" in words_of(source.replace("<b>", " "))


def test_what_hnsw_misses_of_a_ranking_is_marked(starved):
    marks = 0
    for query_id in ("q0", "q7", "q9", "q13"):
        row, sides = int(query_id[1:]), sides_of(question_view(starved, query_id, 10))
        for (_, note, items), index in zip(sides, (starved.first, starved.second), strict=True):
            found = index.indexed.retriever.hnsw.search(index.vectors[row : row + 1], 10, ef=10).ids[0].tolist()
            exact = [int(doc_id[1:]) for doc_id in list(index.run(10)[query_id])[:10]]
            missed = [document not in found for document in exact]
            assert ["missed by HNSW" in item for _, item in items] == missed
            assert note.startswith("Lost by the index") == (row in exact and row not in found)
            marks += sum(missed)
    assert marks, "else this tests nothing"


def test_with_a_wide_ef_nothing_is_missed(found):
    assert "missed by HNSW" not in question_view(found, "q3", 130)


def test_a_question_that_nothing_answers_is_not_said_to_have_an_answer_somewhere():
    found = compared([1, 1], [1, 1], n=20, qrels={"q0": {"elsewhere": 1}, "q1": {"d1": 1}})
    source = words_of(question_view(found, "q0", 10))
    assert "No passage of this collection is judged to answer it" in source
    assert "exact search has the first answer" not in source


# --- the files


@pytest.fixture(scope="module")
def files(found):
    return files_of(download_links(found))


@pytest.fixture
def read(tmp_path):
    """A function that reads a file's content as trec.py reads files."""

    def read(reader, content):
        (tmp_path / "file.txt").write_text(content, encoding="utf-8", newline="\n")
        return reader(tmp_path / "file.txt")

    return read


def test_runs_and_judgments_are_offered_by_name(files):
    assert list(files) == ["alpha.run.txt", "beta.run.txt", "qrels.txt", "scores.csv"]
    assert files["alpha.run.txt"].splitlines()[0].endswith(" alpha")


def test_the_files_evaluate_to_the_figures_on_the_page(found, files, read):
    qrels = read(read_qrels, files["qrels.txt"])
    assert qrels == found.first.judged.qrels
    for name, index, side in (("alpha", found.first, "first"), ("beta", found.second, "second")):
        run = read(read_run, files[f"{name}.run.txt"])
        assert {q: list(documents) for q, documents in run.items()} == {
            q: list(documents) for q, documents in index.run(10).items()
        }
        mean = evaluate(qrels, run, k=10).mean
        assert mean == pytest.approx({m: getattr(values, side).mean for m, values in found.measures.items()})


def test_the_files_of_graded_judgments_evaluate_to_the_figures_too(read):
    rng = np.random.default_rng(1)
    qrels = {f"q{row}": {f"d{n}": int(rng.integers(-1, 4)) for n in rng.integers(0, 130, 30)} for row in range(12)}
    found = compared(FIRST, SECOND, qrels=qrels, level=2, k=7)
    files = files_of(download_links(found))
    judged, run = read(read_qrels, files["qrels.txt"]), read(read_run, files["beta.run.txt"])
    assert judged == qrels
    mean = evaluate(judged, run, k=7, relevance_level=2).mean
    assert mean == pytest.approx({measure: values.second.mean for measure, values in found.measures.items()})
    assert 0 < mean["success_7"] < 1


def test_the_scores_are_those_of_every_question(found, files):
    assert files["scores.csv"] == rows_to_csv(question_rows(found))
    assert files["scores.csv"].count("\n") == 13


def test_a_name_with_a_slash_makes_a_file_name_without():
    found = compared([1], [2], n=20, names=("BAAI/bge", "intfloat/e5"))
    assert list(files_of(download_links(found)))[:2] == ["BAAI_bge.run.txt", "intfloat_e5.run.txt"]


# --- markup stays text


def test_hostile_names_questions_titles_and_kinds_stay_text(read):
    queries, kinds = ({f"q{row}": f"{HOSTILE} {row}{end}" for row in range(2)} for end in "?!")
    texts = {"queries": queries, "kinds": kinds, "title": HOSTILE, "body": HOSTILE}
    found = compared([1, 40], [40, 1], n=50, names=(HOSTILE, "beta"), **texts)
    source = question_view(found, "q0", 10)
    for shown in (source, download_links(found)):
        assert_harmless(shown)
    for text in (queries["q0"], kinds["q0"], HOSTILE):
        assert text in Elements(source).text
    assert listed(found, LARGEST_DIFFERENCE)[0][0] in queries.values()  # a cell of text, which is shown as it is
    assert len(read(read_run, next(iter(files_of(download_links(found)).values())))["q0"]) == 50


def test_hostile_ids_stay_text(found):
    qrels = {HOSTILE: {"d0": 1}}
    hostile = replace(found, first=replace_judged(found.first, qrels), second=replace_judged(found.second, qrels))
    assert_harmless(question_view(hostile, HOSTILE, 10))


def replace_judged(index, qrels):
    judged = replace(index.judged, queries=dict.fromkeys(qrels, "question 0?"), qrels=qrels, kinds={})
    return replace(index, judged=judged, vectors=index.vectors[:1], _runs={}, _evaluations={}, _errors={})


def test_a_document_that_ties_with_one_found_is_not_marked_as_missed():
    """HNSW ranked another document with the score of the last exact one: recall is 1, so nothing is marked."""

    def hits(*pairs):
        return [hit(doc_id, score, doc_id=doc_id) for doc_id, score in pairs]

    rankings = {None: hits(("a", 0.9), ("b", 0.5)), 5: hits(("a", 0.9), ("c", 0.5)), 6: hits(("c", 0.4))}
    index = SimpleNamespace(
        ranking=lambda query_id, k, ef=None: rankings[ef],
        answerable=lambda query_id: False,
        judged=SimpleNamespace(qrels={"q": {}}, relevance_level=1),
    )
    assert "missed by HNSW" not in _ranking_side(index, "q", 2, 5)
    assert _ranking_side(index, "q", 2, 6).count("missed by HNSW") == 2
