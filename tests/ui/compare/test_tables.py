"""Tests of the scoreboard, the bars and the files: trec_eval's numbers, every question counted, all text escaped."""

import csv
import io
import re
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest

from retriever.evaluation.significance import Interval
from tests.support.judged import FIRST, KINDS, SECOND, compared, lost, ranked_index, trec
from tests.support.page import Elements, assert_harmless, number, words_of
from tests.support.small import HOSTILE
from ui.compare.tables import answer_list, error_bars, interval_cell, question_rows, ranking_list, scoreboard
from ui.render.export import rows_to_csv

QUESTIONS = [f"q{row}" for row in range(12)]


@pytest.fixture(scope="module")
def found():
    return compared(FIRST, SECOND, kinds=KINDS)


@pytest.fixture(scope="module")
def hostile():
    """Two models, questions, kinds and titles, all of them markup."""
    queries, kinds = ({f"q{row}": f"{HOSTILE} {row}{end}" for row in range(2)} for end in "?!")
    texts = {"queries": queries, "kinds": kinds, "title": HOSTILE, "body": HOSTILE}
    return compared([1, 40], [40, 1], n=50, names=(HOSTILE, HOSTILE), **texts)


def rows_of(board):
    """Return the rows of a scoreboard: measure -> the text of its cells, and which cell is marked as better."""
    rows = {}
    for row in re.findall(r"<tr>(.*?)</tr>", board)[1:]:
        cells = re.findall(r"<td( class=\"[^\"]*\")?>(.*?)</td>", row)
        name = re.search(r"<code>(\w+)</code>", row).group(1)
        rows[name] = [words_of(cell) for _, cell in cells], ["lab-better" in css for css, _ in cells]
    return rows


# --- the scoreboard


def test_the_board_holds_trec_evals_numbers(found):
    rows = rows_of(scoreboard(found))
    assert list(rows) == ["success_10", "ndcg_cut_10", "recall_10", "recip_rank", "map"]
    for measure, (cells, _) in rows.items():
        first, second = (np.mean([trec(rank, 10)[measure] for rank in ranks]) for ranks in (FIRST, SECOND))
        means = [number(cell.split()[0]) for cell in cells]
        assert means == pytest.approx([first, second, first - second], abs=0.00051)


def test_the_board_tells_intervals_and_chance(found):
    comparison = found.measures["map"]
    cells, _ = rows_of(scoreboard(found))["map"]
    for cell, values in zip(cells, (comparison.first, comparison.second, comparison.difference), strict=True):
        low, high = re.search(r"(\S+) to ([+−]?[0-9.]+)", cell).groups()
        assert [number(low), number(high)] == pytest.approx([values.low, values.high], abs=0.00051)
    assert re.match(rf"[+−]\S+ p = {comparison.p:.3f}\b.* chance\b", cells[2])


@pytest.mark.parametrize(("difference", "marked"), [(0.25, [True, False]), (-0.25, [False, True]), (0, [False, False])])
def test_the_better_model_is_marked(found, difference, marked):
    comparison = replace(found.measures["map"], difference=Interval(difference, -1, 1))
    board = scoreboard(replace(found, measures={"map": comparison}))
    assert rows_of(board)["map"][1] == [*marked, False]


@pytest.mark.parametrize("swapped", [False, True])
def test_models_that_differ_by_rounding_only_are_equal(swapped):
    ranks = [1, 2, 4, 7], [7, 4, 1, 2]  # the same ranks, of other questions: the means differ by 1e-17
    board = scoreboard(compared(*(ranks[::-1] if swapped else ranks), n=30))
    for cells, better in rows_of(board).values():
        assert not any(better)
        assert cells[2].startswith("+0.000")


def test_a_difference_beyond_chance_is_not_called_chance(found):
    board = scoreboard(replace(found, measures={"map": replace(found.measures["map"], p=0.0004)}))
    assert "p < 0.001 " in rows_of(board)["map"][0][2]
    assert "chance" not in board


def test_every_measure_is_explained_by_its_name_and_k(found):
    board = words_of(scoreboard(found))
    for words in ("hit rate@10", "nDCG@10", "recall@10", "MRR", "MAP", "an answer in the first 10."):
        assert words in board


def test_models_stand_in_order_with_their_marks(found):
    head = re.search(r"<tr>(.*?)</tr>", scoreboard(found)).group(1)
    assert words_of(head.replace("</th>", " ")) == "measure ● alpha ▲ beta difference"


def test_a_single_question_has_no_interval():
    found = compared([1], [20], n=30)
    cells, better = rows_of(scoreboard(found))["recip_rank"]
    assert cells[:2] == ["1.000 no interval", "0.050 no interval"]
    assert cells[2].startswith("+0.950 p = 1.000")
    assert "no interval" in cells[2]
    assert better == [True, False, False]


@pytest.mark.parametrize(
    ("values", "signed", "said"),
    [
        (Interval(0.5, 0.25, 0.75), False, "0.500 0.250 to 0.750"),
        (Interval(-0.125, -0.25, 0.0625), True, "−0.125 −0.250 to +0.062"),
        (Interval(0.125, -0.25, 0.5), True, "+0.125 −0.250 to +0.500"),
    ],
)
def test_signs_stand_where_they_say_something(values, signed, said):
    assert words_of(interval_cell(values, sign=signed)) == said


# --- the bars of the two errors


def bars_of(source):
    """Return, for both models, each segment's words and length, and the sentence above."""
    bars = re.findall(r'<div class="lab-error"><div>(.*?)</div><div class="lab-bar">(.*?)</div></div>', source)
    segment = re.compile(r'class="lab-(\w+)" style="flex-grow:(\d+)" title="([^"]+): (\d+)"')
    return [
        ({css: (int(grow), said, int(n)) for css, grow, said, n in segment.findall(b)}, words_of(a)) for a, b in bars
    ]


@pytest.fixture(scope="module")
def starved():
    """Two models over a graph that loses some answers."""
    return compared([1, 2, 3, 5, 9, 11] * 4, [1, 12, 1, 12, 1, 1] * 4, M=3, ef_construction=5)


@pytest.mark.parametrize("ef", [10, 30, 130])
def test_the_parts_are_all_the_questions(starved, ef):
    bars = bars_of(error_bars(starved, ef))
    for (parts, words), index, found in zip(bars, (starved.first, starved.second), (20, 16), strict=True):
        assert sum(grow for grow, _, _ in parts.values()) == sum(n for _, _, n in parts.values()) == 24
        rows = index.indexed.retriever.hnsw.search(index.vectors, ef, ef=ef).ids[:, :10].tolist()
        exact = [list(run)[:10] for run in index.run(10).values()]
        kept = sum(row in ids and f"d{row}" in best for row, (ids, best) in enumerate(zip(rows, exact, strict=True)))
        counts = {"kept": kept, "index": found - kept, "model": 24 - found}
        assert {css: n for css, (_, _, n) in parts.items()} == {css: n for css, n in counts.items() if n}
        figures = [float(figure) for figure in re.findall(r"\d+\.\d", words)]
        expected = [found / 24, 1 - found / 24, kept / 24, (found - kept) / 24]
        assert figures == pytest.approx([100 * share for share in expected], abs=0.0501)


def test_a_starved_graph_loses_something(starved):
    assert "lost by the index: " in error_bars(starved, 10), "else the test of the parts tests little"


def test_bars_by_hand(found):
    side = SimpleNamespace(model_name="alpha", errors=lambda k, ef: lost(40, by_model=10, by_index=5, lucky=2))
    bars = error_bars(replace(found, first=side, second=side), 25)
    (parts, words), _ = bars_of(bars)
    assert parts == {
        "kept": (25, "found by HNSW", 25),
        "index": (5, "lost by the index", 5),
        "model": (10, "lost by the model", 10),
    }
    assert re.search(r"● alpha: .*finds 75\.0 of 100.* model loses 25\.0.* HNSW .*62\.5.* index loses 12\.5", words)
    assert 'data-ef="25"' in bars


# --- one question


def ranking(index, query_id="q0", k=5, missed=()):
    hits = index.ranking(query_id, k)
    source = ranking_list(index, query_id, hits, [row in missed for row in range(k)], "A note.")
    return re.findall(r"<li class=\"(.*?)\">(.*?)</li>", source), source


GRADES = {"q0": {"d0": 3, "d1": 2, "d2": 1, "d3": 0, "d9": 3}}  # ranked d1, d0, d2, d3, d4


def test_each_passage_has_its_grade():
    items, source = ranking(ranked_index([2], n=20, qrels=GRADES, level=2))
    tags = ["answer (grade 2)", "answer (grade 3)", "related (grade 1)", "judged: no answer (grade 0)", ""]
    for (css, item), tag, row in zip(items, tags, [1, 0, 2, 3, 4], strict=True):
        assert ("lab-answer" in css.split()) == tag.startswith("answer")
        assert "".join(re.findall(r'<span class="lab-tag[^"]*">(.*?)</span>', item)) == tag
        assert f"<b>Title {row}</b>" in item
        assert f"<p>Body {row}.</p>" in item  # the title it was embedded with stands above
    assert "A note." in words_of(source)


def test_what_hnsw_misses_is_marked():
    items, _ = ranking(ranked_index([2], n=20, qrels=GRADES), missed=(1, 4))
    assert ["missed by HNSW" in item for _, item in items] == [False, True, False, False, True]
    assert ["lab-marked" in css.split() for css, _ in items] == [False, True, False, False, True]


def test_ranks_and_scores_are_those_of_the_run():
    index = ranked_index([2], n=20)
    items, _ = ranking(index)
    assert [re.search(r'"lab-rank">(\d+)<', item).group(1) for _, item in items] == list("12345")
    cosines = np.linspace(1, 0.5, 20) / np.linalg.norm(np.linspace(1, 0.5, 20))
    shown = [float(re.search(r'similarity">([0-9.]+)<', item).group(1)) for _, item in items]
    assert shown == pytest.approx(cosines[:5], abs=0.00051)


def test_all_answers_are_listed_found_or_not():
    index = ranked_index([2], n=20, qrels=GRADES, level=2)
    listed = re.findall(r"<li><b>(.*?)</b>", answer_list(index, "q0"))
    assert listed == ["Title 0", "Title 1", "Title 9"]
    assert listed != re.findall(r"<li><b>(.*?)</b>", answer_list(ranked_index([2], n=20, qrels=GRADES), "q0"))


def test_an_answer_in_several_chunks_is_listed_once_by_its_first():
    index = ranked_index([1], n=20)
    retriever = index.indexed.retriever
    retriever.passages = [replace(one, doc_id="d0") if row == 7 else one for row, one in enumerate(retriever.passages)]
    assert re.findall(r"<li><b>(.*?)</b>", answer_list(index, "q0")) == ["Title 0"]


def test_a_question_that_nothing_here_answers_is_told():
    index = ranked_index([1], n=20, qrels={"q0": {"d0": 1, "elsewhere": 2}}, level=2)
    assert "No passage of this collection" in answer_list(index, "q0")


# --- the rows of the file


def test_rows_hold_ranks_and_trec_evals_numbers(found):
    rows = question_rows(found)
    assert [row["query_id"] for row in rows] == QUESTIONS
    for place, (row, first, second) in enumerate(zip(rows, FIRST, SECOND, strict=True)):
        assert (row["question"], row["kind"]) == (f"question {place}?", KINDS[f"q{place}"])
        for side, rank in (("first", first), ("second", second)):
            assert row[f"{side}_rank"] == (rank if rank and rank <= 100 else None)
            expected = trec(rank, 10)
            assert {name: row[f"{side}_{name}"] for name in expected} == pytest.approx(expected, abs=1e-6)


def test_the_csv_averages_to_the_board(found):
    read = list(csv.DictReader(io.StringIO(rows_to_csv(question_rows(found)), newline="")))
    for measure, comparison in found.measures.items():
        for side, values in (("first", comparison.first), ("second", comparison.second)):
            mean = np.mean([float(row[f"{side}_{measure}"]) for row in read])
            assert mean == pytest.approx(values.mean, abs=1e-6)
    assert [row["first_rank"] for row in read] == ["" if rank is None else str(rank) for rank in FIRST]


def test_a_question_without_a_text_has_a_row_of_zeros():
    found = compared([1, 1], [1, 1], n=20, queries={"q0": "question 0?"})
    row = question_rows(found)[1]
    assert (row["query_id"], row["question"], row["first_rank"], row["second_map"]) == ("q1", "", None, 0)


# --- markup stays text


def test_hostile_names_questions_and_titles_stay_text(hostile):
    for source in (
        scoreboard(hostile),
        error_bars(hostile, 10),
        answer_list(hostile.first, "q0"),
        ranking(hostile.first)[1],
    ):
        assert_harmless(source)
        assert HOSTILE in Elements(source).text
    for source in (answer_list(hostile.first, "q0"), ranking(hostile.first)[1]):
        assert Elements(source).text.count(HOSTILE) >= 2, "title and passage"
