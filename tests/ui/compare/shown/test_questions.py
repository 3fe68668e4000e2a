"""Tests of the question lists, one question's view, and the files, which read back to the numbers on the page."""

import re
from dataclasses import replace

import numpy as np
import pytest

from retriever.evaluation.measures import evaluate
from retriever.evaluation.trec import read_qrels, read_run
from tests.support.judged import (
    FIRST,
    LOSSY,
    SECOND,
    compared,
    lost,
    order,
    ranked_index,
    trec,
    with_side,
)
from tests.support.page import files_of, number, words_of
from tests.support.small import hit
from ui.compare.shown.downloads import download_links
from ui.compare.shown.question_view import RankedSide, answers_to, question_view
from ui.compare.shown.questions import (
    BY_ALL,
    BY_INDEX,
    LARGEST_DIFFERENCE,
    count_by_rank,
    list_choices,
    list_rows,
    question_list,
)
from ui.compare.shown.tables import question_rows
from ui.render.export import rows_to_csv

FIRST_BEST, SECOND_BEST = list_choices(2)[1:3]
DIFFERENCES = [
    trec(one, 10)["ndcg_cut_10"] - trec(other, 10)["ndcg_cut_10"] for one, other in zip(FIRST, SECOND, strict=True)
]
LARGEST_FIRST = sorted(range(12), key=lambda row: -abs(DIFFERENCES[row]))
GRADES = {"q0": {"d0": 3, "d1": 2, "d2": 1, "d3": 0, "d9": 3}}  # ranked d1, d0, d2, d3, d4


def listed(compared, show, ef=10):
    return list_rows(compared, show, ef)


def ids(rows):
    return [row[-1] for row in rows]


def test_all_questions_come_the_largest_difference_first(found):
    rows = listed(found, LARGEST_DIFFERENCE)
    assert ids(rows) == [f"q{row}" for row in LARGEST_FIRST]
    assert [number(row[4]) for row in rows] == pytest.approx([DIFFERENCES[row] for row in LARGEST_FIRST], abs=0.00051)
    rows = {row[-1]: row for row in rows}
    assert rows["q0"] == ["question 0?", "term", "1", "2", "+0.369", "q0"]  # 1 / log2(2) - 1 / log2(3)
    assert rows["q3"] == ["question 3?", "term", "5", "1", "−0.613", "q3"]  # 1 / log2(6) - 1 / log2(2)
    assert rows["q4"][2:5] == ["11", "> 100", "+0.000"]
    assert [rows[query_id][2:4] for query_id in ("q6", "q11")] == [["> 100", "1"], ["100", "1"]]


@pytest.mark.parametrize(
    ("show", "wanted"),
    [
        (FIRST_BEST, [row for row in LARGEST_FIRST if DIFFERENCES[row] > 0]),
        (SECOND_BEST, [row for row in LARGEST_FIRST if DIFFERENCES[row] < 0]),
        (BY_ALL, [4, 5, 10]),  # both ranks are beyond 10
    ],
)
def test_a_list_holds_its_questions_in_the_same_order(found, show, wanted):
    assert ids(listed(found, show)) == [f"q{row}" for row in wanted]
    assert len(wanted) >= 3


@pytest.mark.parametrize("ef", [10, 130])
def test_questions_that_an_index_loses(starved, ef):
    expected = set()
    for index, ranks in zip(starved.sides, LOSSY, strict=True):
        rows = index.indexed.retriever.hnsw.search(index.vectors, ef, ef=ef).ids[:, :10].tolist()
        expected |= {f"q{row}" for row, rank in enumerate(ranks) if rank <= 10 and row not in rows[row]}
    shown = listed(starved, BY_INDEX, ef)
    assert sorted(ids(shown)) == sorted(expected)
    assert ef > 10 or expected, "else this tests nothing"
    sizes = [abs(number(row[4])) for row in shown]
    assert sizes == sorted(sizes, reverse=True)


def test_an_empty_list_says_so():
    same = compared([1, 1], [1, 1], n=20)
    assert [listed(same, show, 20) for show in list_choices(2)[1:]] == [[]] * 4
    assert "No question is on this list" in question_list(same, FIRST_BEST, 20)


def test_a_long_list_ends_with_how_many_more_there_are(found, monkeypatch):
    monkeypatch.setattr("ui.compare.shown.questions.MOST_LISTED", 5)
    source = question_list(found, LARGEST_DIFFERENCE, 10)
    assert source.count("<button") == 5 and "And 7 more" in words_of(source)


def test_a_judged_question_without_a_text_is_listed_as_such():
    found = compared([1, 1], [1, 1], n=20, queries={"q1": "question 1?"})
    assert listed(found, BY_ALL) == [["(a judged query without a text)", "", "> 100", "> 100", "+0.000", "q0"]]
    assert "no text in the collection, so nobody could be asked" in words_of(question_view(found, "q0", 10))


def test_first_answers_are_counted_by_rank(found):
    assert count_by_rank(found) == {"1": (1, 3), "2–3": (2, 2), "4–10": (4, 1), "11–100": (4, 4), "beyond": (1, 2)}


def sides_of(source):
    """Return both models' parts of a question's view: name, note and items, each with its classes."""
    parts = str(source).split('<h5 class="lab-side">')[1:]
    return [
        (
            words_of(part.partition("</h5>")[0]),
            words_of(re.search(r'<p class="lab-hint">(.*?)</p>', part)[1]),
            re.findall(r'<li class="(.*?)">(.*?)</li>', part, re.DOTALL),
        )
        for part in parts
    ]


def test_one_question_shows_both_rankings(found):
    source = question_view(found, "q3", 130)
    (first, first_note, first_items), (second, second_note, second_items) = sides_of(source)
    assert (first, second) == ("● alpha", "▲ beta")
    for index, items, rank in ((found.sides[0], first_items, 5), (found.sides[1], second_items, 1)):
        for place, (row, score, (css, item)) in enumerate(
            zip(order(3, rank)[:10], index.run(10)["q3"].values(), items, strict=False), 1
        ):
            assert f'"lab-rank">{place}<' in item and f"<b>Title {row}</b>" in item and f"<p>Body {row}.</p>" in item
            assert float(re.search(r'similarity">([0-9.]+)<', item)[1]) == pytest.approx(score, abs=0.00051)
            assert ("answer (grade 1)" in item, css) == ((True, "lab-answer") if place == rank else (False, ""))
        assert len(items) == 10
    assert "at rank 5 in exact search" in first_note and "at rank 1 in exact search" in second_note
    assert "<h4>question 3?</h4>" in source
    assert "term question. These passages answer it: Title 3" in words_of(source)
    assert "missed by HNSW" not in source


def test_a_question_that_is_a_document_or_was_cut_says_so(found):
    one = frozenset(["q3"])
    odd = with_side(with_side(found, 0, own_documents=one), 1, cut=one)
    [(_, first, _), (_, second, _)] = sides_of(question_view(odd, "q3", 130))
    assert ("itself a document of this collection, which is left out" in first, "its end was cut" in first) == (1, 0)
    assert ("itself" in second, "longer than this model reads: its end was cut" in second) == (0, 1)


def test_judged_passages_have_their_grades():
    found = compared([2], [2], n=20, qrels=GRADES, level=2)
    [(_, _, items), _] = sides_of(question_view(found, "q0", 20))
    tags = ["answer (grade 2)", "answer (grade 3)", "related (grade 1)", "judged: no answer (grade 0)", ""]
    for tag, (css, item) in zip(tags, items, strict=False):
        assert (css == "lab-answer") == tag.startswith("answer")
        assert "".join(re.findall(r'<span class="lab-tag[^"]*">(.*?)</span>', item)) == tag
    assert [passage.title for passage in answers_to(found.sides[0], "q0")] == ["Title 0", "Title 1", "Title 9"]


def test_an_answer_in_several_chunks_is_shown_once_by_its_first():
    index = ranked_index([1], n=20)
    retriever = index.indexed.retriever
    retriever.passages = [replace(one, doc_id="d0") if row == 7 else one for row, one in enumerate(retriever.passages)]
    assert [passage.title for passage in answers_to(index, "q0")] == ["Title 0"]


def test_what_hnsw_misses_of_a_ranking_is_marked(starved):
    marks = 0
    for query_id in ("q0", "q7", "q9", "q13"):
        row, sides = int(query_id[1:]), sides_of(question_view(starved, query_id, 10))
        for (_, note, items), index in zip(sides, starved.sides, strict=True):
            found = index.indexed.retriever.hnsw.search(index.vectors[row : row + 1], 10, ef=10).ids[0].tolist()
            exact = [int(doc_id[1:]) for doc_id in list(index.run(10)[query_id])[:10]]
            missed = [document not in found for document in exact]
            assert ["missed by HNSW" in item for _, item in items] == missed
            assert ["lab-marked" in css.split() for css, _ in items] == missed
            assert note.startswith("Lost by the index") == (row in exact and row not in found)
            marks += sum(missed)
    assert marks, "else this tests nothing"


def test_a_document_that_ties_with_one_found_is_not_marked_as_missed():
    """HNSW ranked another document with the score of the last exact one: recall is 1, so nothing is marked."""

    def hits(*pairs):
        return [hit(doc_id, score, doc_id=doc_id) for doc_id, score in pairs]

    rankings = {None: hits(("a", 0.9), ("b", 0.5)), 5: hits(("a", 0.9), ("c", 0.5)), 6: hits(("c", 0.4))}
    index = ranked_index([1], n=5)
    index.ranking = lambda query_id, k, ef=None: rankings[ef]
    index.errors, index.run = (lambda k, ef: lost(1)), lambda k: {}
    for ef, missed in ((5, [False, False]), (6, [True, True])):
        assert [marked for _, marked, _ in RankedSide.of(index, "q0", 2, ef).hits] == missed


def test_a_question_that_nothing_answers_is_not_said_to_have_an_answer_somewhere():
    found = compared([1, 1], [1, 1], n=20, qrels={"q0": {"elsewhere": 1}, "q1": {"d1": 1}})
    source = words_of(question_view(found, "q0", 10))
    assert "No passage of this collection is judged to answer it" in source
    assert source.count("no search can find an answer") == 2
    assert "exact search has the first answer" not in source


def test_the_files_evaluate_to_the_figures_on_the_page(tmp_path):
    rng, level, k = np.random.default_rng(1), 2, 7
    qrels = {f"q{row}": {f"d{n}": int(rng.integers(-1, 4)) for n in rng.integers(0, 130, 30)} for row in range(12)}
    found = compared(FIRST, SECOND, qrels=qrels, level=level, k=k, names=("lab/alpha", "beta"))
    files = files_of(download_links(found))
    assert list(files) == ["lab_alpha.run.txt", "beta.run.txt", "qrels.txt", "scores.csv"]
    for name, content in files.items():
        (tmp_path / name).write_text(content, encoding="utf-8", newline="\n")
    assert read_qrels(tmp_path / "qrels.txt") == qrels
    for name, index, side in zip(files, found.sides, ("first", "second"), strict=False):
        run = read_run(tmp_path / name)
        assert {query_id: list(ranking) for query_id, ranking in run.items()} == {
            query_id: list(ranking) for query_id, ranking in index.run(k).items()
        }
        mean = evaluate(qrels, run, k=k, relevance_level=level).mean
        assert mean == pytest.approx({m: getattr(values, side).mean for m, values in found.pair.measures.items()})
        assert 0 < mean[f"success_{k}"] < 1
        assert files[name].splitlines()[0].endswith(f" {index.name}")
    assert files["scores.csv"] == rows_to_csv(question_rows(found))


# --- more than two


def test_of_three_a_list_has_the_questions_for_which_one_is_better_than_all_others(beside):
    assert list_choices(3) == [
        "largest difference first",
        "first ● best",
        "second ▲ best",
        "third ■ best",
        "lost by an index at this ef",
        "missed by all",
    ]
    rows = {row[-1]: row for row in listed(beside, LARGEST_DIFFERENCE)}
    assert rows["q11"][2:5] == ["12", "1", "1"] and rows["q11"][5] == "1.000"  # the best minus the worst
    assert ids(listed(beside, "second ▲ best")) == [], "the fusion is as good"
    assert ids(listed(beside, BY_ALL)) == []
    source = str(question_list(beside, LARGEST_DIFFERENCE, 10))
    assert all(f'<th scope="col">{name}</th>' in source for name in ("■ rank", "nDCG, best − worst"))


def test_rankings_without_an_index_say_what_their_scores_are_and_mark_no_misses(beside):
    sides = [RankedSide.of(side, "q11", 5, 10) for side in beside.sides]
    assert [side.measure for side in sides] == [
        "cosine similarity",
        "BM25 score",
        "sum of 1 / (60 + rank) over both rankings",
    ]
    assert not any(missed for side in sides[1:] for _, missed, _ in side.hits)
    assert [side.note for side in sides[1:]] == ["Found: the first answer stands at rank 1."] * 2
    source = str(question_view(beside, "q11", 10))
    assert source.count("lab-side") == 3 and 'title="BM25 score"' in source


def test_a_run_is_offered_for_each_by_its_name(beside):
    files = files_of(download_links(beside))
    assert list(files)[:3] == ["alpha.run.txt", "BM25.run.txt", "BM25_+_alpha.run.txt"]
    assert files["BM25_+_alpha.run.txt"].splitlines()[0].split()[-1] == "BM25_+_alpha"
