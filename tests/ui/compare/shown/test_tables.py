"""Tests of the scoreboard, the bars and the scores' rows: trec_eval's numbers, and every question counted."""

import csv
import io
import re
from dataclasses import replace

import numpy as np
import pytest

from retriever.evaluation.significance import Interval
from retriever.experiments.search_costs import SearchCost
from tests.support.judged import FIRST, KINDS, LOSSY, SECOND, compared, trec, with_pair
from tests.support.page import number, words_of
from ui.compare.shown.tables import costs_table, error_bars, pairs_table, question_rows, scoreboard
from ui.render.export import rows_to_csv
from ui.render.numbers import format_gain


def rows_of(board):
    """Return the rows of a scoreboard: measure -> the text of its cells, and which cell is marked as better."""
    rows = {}
    for row in re.findall(r"<tr>(.*?)</tr>", board, re.DOTALL)[1:]:
        cells = re.findall(r"<td( class=\"[^\"]*\")? data-of=\"[^\"]*\">(.*?)</td>", row)
        name = re.search(r"<code>(\w+)</code>", row).group(1)
        rows[name] = [words_of(cell) for _, cell in cells], ["lab-better" in css for css, _ in cells]
    return rows


def test_the_board_holds_trec_evals_numbers_with_intervals_and_chance(found):
    board = scoreboard(found)
    head = "measure ● alpha ▲ beta difference ●−▲, p"
    assert words_of(board.partition("</tr>")[0]) == head
    rows = rows_of(board)
    assert list(rows) == ["success_10", "ndcg_cut_10", "recall_10", "recip_rank", "map"]
    for measure, (cells, _) in rows.items():
        comparison = found.pair.measures[measure]
        first, second = (np.mean([trec(rank, 10)[measure] for rank in ranks]) for ranks in (FIRST, SECOND))
        for cell, mean, side in zip(
            cells, (first, second, first - second), ("first", "second", "difference"), strict=True
        ):
            low, high = re.search(r"(\S+) to ([+−]?[0-9.]+)", cell).groups()
            interval = getattr(comparison, side)
            shown = [number(cell.split()[0]), number(low), number(high)]
            assert shown == pytest.approx([mean, interval.low, interval.high], abs=0.00051)
        assert all(re.match(r"\d\.\d{3} \d\.\d{3} to", cell) for cell in cells[:2]), "only differences have a sign"
        assert re.match(rf"[+−]\S+ p = {comparison.corrected_p:.3f}\b.* chance\b", cells[2])
    for words in ("hit rate@10", "nDCG@10", "answers found@10", "MRR", "MAP", "an answer in the first 10."):
        assert words in words_of(board)


@pytest.mark.parametrize(("difference", "marked"), [(0.25, [True, False]), (-0.25, [False, True]), (0, [False, False])])
def test_the_better_model_is_marked_and_a_clear_difference_not_called_chance(found, difference, marked):
    comparison = replace(found.pair.measures["map"], difference=Interval(difference, -1, 1), corrected_p=0.0004)
    means = {"first": Interval(0.5, 0, 1), "second": Interval(0.5 - difference, 0, 1)}
    board = scoreboard(with_pair(found, measures={"map": replace(comparison, **means)}))
    cells, better = rows_of(board)["map"]
    assert better == [*marked, False]
    assert "p < 0.001 " in cells[2] and "chance" not in board


@pytest.mark.parametrize("ranks", [([1, 2, 4, 7], [7, 4, 1, 2]), ([7, 4, 1, 2], [1, 2, 4, 7])])
def test_models_that_differ_by_rounding_only_are_equal(ranks):
    for cells, better in rows_of(scoreboard(compared(*ranks, n=30))).values():  # the means differ by 1e-17
        assert not any(better)
        assert cells[2].startswith("+0.000")


def test_a_single_question_has_no_interval():
    cells, better = rows_of(scoreboard(compared([1], [20], n=30)))["recip_rank"]
    assert cells[:2] == ["1.000 no interval", "0.050 no interval"]
    assert re.fullmatch(r"\+0\.950 p = 1\.000 no interval.*", cells[2])
    assert better == [True, False, False]


@pytest.mark.parametrize("ef", [10, 130])
def test_the_bars_are_all_the_questions(starved, ef):
    source, lost_by_index = str(error_bars(starved, ef)), 0
    assert f'data-ef="{ef}"' in source
    bars = source.split('<div class="lab-error">')[1:]
    for bar, mark, index, ranks in zip(bars, ("● alpha", "▲ beta"), starved.sides, LOSSY, strict=True):
        found = sum(rank <= 10 for rank in ranks)
        rows = index.indexed.retriever.hnsw.search(index.vectors, ef, ef=ef).ids[:, :10].tolist()
        kept = sum(row in ids and rank <= 10 for row, (ids, rank) in enumerate(zip(rows, ranks, strict=True)))
        counts = [
            ("kept", "found by HNSW", kept),
            ("index", "lost by the index", found - kept),
            ("model", "lost by the model", 24 - found),
        ]
        segments = re.findall(r'class="lab-(\w+)" style="flex-grow:(\d+)" title="([^"]+): (\d+)"', bar)
        assert segments == [(css, str(count), said, str(count)) for css, said, count in counts if count]
        told = re.match(
            rf"{mark}: exact search finds (\S+) \(the model loses (\S+)\), HNSW keeps (\S+) "
            r"\(the index loses ([0-9.]+)",
            words_of(bar),
        )
        expected = [found / 24, 1 - found / 24, kept / 24, (found - kept) / 24]
        assert [float(figure) for figure in told.groups()] == pytest.approx(expected, abs=0.00051)
        lost_by_index += found - kept
    assert lost_by_index or ef > 10, "else this tests little"


def test_rows_hold_ranks_and_trec_evals_numbers_and_average_to_the_board(found):
    rows = list(csv.DictReader(io.StringIO(rows_to_csv(question_rows(found)), newline="")))
    assert [row["query_id"] for row in rows] == list(KINDS)
    for place, (row, first, second) in enumerate(zip(rows, FIRST, SECOND, strict=True)):
        assert (row["question"], row["kind"]) == (f"question {place}?", KINDS[f"q{place}"])
        for side, rank in (("first", first), ("second", second)):
            assert row[f"{side}_rank"] == ("" if rank is None or rank > 100 else str(rank))
            expected = trec(rank, 10)
            assert {name: float(row[f"{side}_{name}"]) for name in expected} == pytest.approx(expected, abs=1e-6)
    for measure, comparison in found.pair.measures.items():
        means = [np.mean([float(row[f"{side}_{measure}"]) for row in rows]) for side in ("first", "second")]
        assert means == pytest.approx([comparison.first.mean, comparison.second.mean], abs=1e-6)


def test_a_question_without_a_text_has_a_row_of_zeros():
    row = question_rows(compared([1, 1], [1, 1], n=20, queries={"q0": "question 0?"}))[1]
    assert (row["query_id"], row["question"], row["first_rank"], row["second_map"]) == ("q1", "", None, 0)


# --- more than two, and retrievers without an index


def test_of_three_every_best_is_marked_and_each_pair_has_a_row_of_differences():
    found = compared([1, 2, 4], [1, 2, 30], [30, 30, 30], n=40)
    rows = rows_of(scoreboard(found))
    assert rows["success_10"][1] == [True, False, False] and rows["success_10"][0][2].startswith("0.000")
    tied = rows_of(scoreboard(compared([1, 2], [1, 2], [30, 30], n=40)))
    assert tied["map"][1] == [True, True, False]
    assert pairs_table(compared([1], [2], n=9)) == "", "of two the differences stand in the scoreboard"
    table = pairs_table(found)
    heads = re.findall(r'<th scope="row">(.*?)</th>', table, re.DOTALL)
    assert [words_of(head) for head in heads] == ["● alpha − ▲ beta", "● alpha − ■ gamma", "▲ beta − ■ gamma"]
    cells = [words_of(cell) for cell in re.findall(r"<td[^>]*>(.*?)</td>", table)]
    comparisons = [comparison for pair in found.pairs.values() for comparison in pair.measures.values()]
    assert [cell.split()[0] for cell in cells] == [format_gain(one.difference.mean) for one in comparisons]
    assert [f"p = {one.corrected_p:.3f}" in cell for cell, one in zip(cells, comparisons, strict=True)] == [True] * 15
    assert "15 tests" in words_of(table)


def test_a_bar_without_an_index_has_no_part_of_one(beside):
    bars = str(error_bars(beside, 10)).split('<div class="lab-error">')[1:]
    assert "HNSW keeps" in bars[0] and "lab-kept" in bars[0]
    for bar, side in zip(bars[1:], beside.sides[1:], strict=True):
        told = re.search(r": finds (\S+) \(its ranking loses ([0-9.]+)\)", words_of(bar))
        found = side.evaluation(10).hit_rate
        assert [float(figure) for figure in told.groups()] == pytest.approx([found, 1 - found], abs=0.00051)
        assert "HNSW" not in words_of(bar.partition("lab-legend")[0])


def test_costs_are_told_with_their_units(beside):
    costs = [SearchCost(None, 2_400_000, [0.002]), SearchCost(0.25, 36_000_000, [0.5]), SearchCost(3.0, 9, [0.1])]
    told = words_of(costs_table(beside, costs))
    assert "● alpha vectors came with the app 2.40 MB 2.00 ms ▲ BM25 250 ms 36 MB 500 ms" in told
    assert "with the first 1 question," in told
    assert costs_table(beside, ()) == ""


def test_files_have_a_column_for_every_retriever(beside):
    row = question_rows(beside)[1]
    assert (row["first_rank"], row["second_rank"]) == (12, 1)
    assert [row[f"{place}_success_10"] for place in ("first", "second", "third")] == [0, 1, 1]
