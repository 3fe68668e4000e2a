"""Tests of the notes below a comparison: they count what they say they count."""

from dataclasses import replace

from tests.support.judged import compared, order, with_pair, with_side
from ui.compare.request import FILE, OWN
from ui.compare.sentences.notes import comparison_notes, judged_by_notes, reading_notes

RANKS = [1, 2, 3, 5, 11, 50] * 4, [1, 12, 1, 12, 1, 1] * 4


def test_passages_cut_results_judged_and_capitals():
    qrels = {f"q{row}": {f"d{row}": 1, f"d{row + 1}": 0} for row in range(24)}  # the document after it is judged too
    found = compared(*RANKS, qrels=qrels)
    found = with_side(found, 0, indexed=replace(found.sides[0].indexed, n_cut=12))
    assert "judged" not in comparison_notes(found, ())[0], "how little was judged stands in the verdict"
    found = with_pair(found, unjudged=replace(found.pair.unjudged, judged=(0.5, 0.75)))
    cut, capitals = comparison_notes(found, [0.875, 0.25])
    assert cut == (
        "p: Holm-corrected for the 5 measures. Passages cut at the model's limit: alpha 12 of 130, beta 0 of 130. "
        "No question was cut. 0.500 and 0.750 of the first 10 results were judged; the others count as no answer."
    )
    assert "alpha 0.667 → 0.875, beta 0.667 → 0.250" in capitals
    assert comparison_notes(found, ()) == [cut], "the rest is told only where it holds"


def test_questions_cut_are_counted_for_each_model():
    found = compared([1, 2, 3], [1, 2, 3], n=20)
    for first, second in ((2, 0), (0, 3)):
        cut = [frozenset(f"q{row}" for row in range(count)) for count in (first, second)]
        changed = with_side(with_side(found, 0, cut=cut[0]), 1, cut=cut[1])
        said = f"No passage was cut. Questions cut at the model's limit: alpha {first} of 3, beta {second} of 3. "
        assert said in comparison_notes(changed, ())[0]


def test_questions_left_out_of_their_own_results_are_counted():
    found = compared([1, 2, 3], [1, 2, 3], n=20)
    [_, note] = comparison_notes(with_side(found, 0, own_documents=frozenset(["q1"])), ())
    assert "documents of this collection themselves, by id and text: 1 of 3." in note
    assert "left out of its own results, in exact search and HNSW alike" in note


NO_CUT = "p: Holm-corrected for the 5 measures. No passage was cut. No question was cut. "


def test_results_judged_are_counted_to_k():
    def told(qrels, k):
        return comparison_notes(compared([1], [1], qrels=qrels, k=k), ())[0].removeprefix(NO_CUT)

    first_hundred = {"q0": {f"d{row}": 1 for row in order(0, 1)[:100]}}
    assert told(first_hundred, 50).startswith("All of the first 50 results were judged.")
    assert told(first_hundred, 120).startswith("0.833 and 0.833 of the first 120 results were judged")
    assert told(first_hundred, 1).startswith("All of the first results were judged.")


def test_judgments_of_what_is_not_there_are_counted():
    elsewhere = {f"x{row}": 1 for row in range(1_001)}
    qrels = {"q0": {"d0": 1, **elsewhere}, "q1": {"d1": 0}, "gone": {"d1": 1}, "nothing": {}}
    queries = {"q0": "question 0?", "q1": "question 1?"} | {f"train-{row}": "for training?" for row in range(1_500)}
    orders = [1, 2]
    found = compared(orders, orders, n=30, qrels=qrels, queries=queries)
    assert comparison_notes(found, ())[1:] == [
        "Judged queries without a text, which count as not found: 1 of 3.",
        "Judged questions to which no document of this collection is relevant, which count as not found: 1 of 3.",
        "Questions that nobody judged, which are not asked: 1,500 beside the 3 judged.",
        "Judged documents that are not in this collection: 1,001 of 1,003.",
    ]


QRELS = {"q0": {"d0": 1}, "q1": {"d1": 1}}


def test_what_was_passed_over_in_files_is_a_note_a_file():
    assert reading_notes({"qrels": ["One.", "Two."], "a.zip": ["Three."]}) == ["qrels: One. Two.", "a.zip: Three."]


def test_who_judged_is_said_of_what_is_loaded():
    found = compared([1, 2], [1, 2])
    assert judged_by_notes(found, "") == []
    found = with_side(found, 0, judged=replace(found.sides[0].judged, qrels={**QRELS, "none": {}}))
    assert judged_by_notes(found, FILE) == ["Judged by an uploaded file: 2 judgments of 2 questions."]
    [note] = judged_by_notes(found, OWN)
    assert "by hand, in Search: 2 judgments" in note and "not judged count as no answer" in note


def test_p_of_more_than_two_is_said_to_be_corrected_for_all_pairs():
    note = comparison_notes(compared([1], [1], [1], n=20), ())[0]
    assert note.startswith("p: Holm-corrected for all 15 tests, 5 measures of 3 pairs. No passage was cut.")


def test_only_what_has_a_limit_is_said_to_cut_and_a_fusion_by_its_parts(beside):
    cut = with_side(beside, 0, cut=frozenset(["q10"]))
    assert f"Questions cut at the model's limit: {beside.sides[0].name} 1 of " in comparison_notes(cut, ())[0]
    assert "BM25 " not in comparison_notes(cut, ())[0]
    said = with_side(beside, 1, remark="It guesses.")
    assert "It guesses." in comparison_notes(said, ())
