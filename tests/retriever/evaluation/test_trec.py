"""TREC's formats: trec_eval's own parser reads what is written, in order, and errors name the line."""

import numpy as np
import pytest
import pytrec_eval
from hypothesis import given
from hypothesis import strategies as st

from retriever.errors import CollectionError
from retriever.evaluation.trec import qrels_text, read_qrels, read_run, run_text, write_run

QRELS = {"q1": {"d1": 2, "d2": 0}, "2": {"d2": 1, "d3": -1}}
RUN_LINES = """\
q1 Q0 d1 1 0.9 mine
q1 Q0 d2 2 0.5 mine
q1 Q0 d3 3 0.5 mine
2 Q0 d2 1 -1.5 mine
"""
IDS = st.text(st.characters(codec="utf-8", exclude_characters="\ufeff"), min_size=1, max_size=4)
SPACELESS = IDS.filter(lambda text: not any(character.isspace() for character in text))
SCORES = st.floats(-1e6, 1e6, width=32) | st.sampled_from([0.0, -0.0, 0.5, 1.0, 1 + 2**-30, 1e-45])


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("trec")


@pytest.fixture
def written(folder):
    """Return a function that writes a text to a file and returns its path."""

    def write(text):
        (folder / "given.txt").write_bytes(text.encode())
        return folder / "given.txt"

    return write


def in_order(run):
    """Return a run as lists, since equal dicts may differ in order."""
    return {query_id: list(documents.items()) for query_id, documents in run.items()}


# --- judgments


FORMATS = {
    "TREC's, by spaces": "q1 0 d1 2\nq1 0 d2 0\n2 0 d2 1\n2 0 d3 -1\n",
    "TREC's, by tabs": "q1\t0\td1\t2\nq1\t0\td2\t0\n2\tQ0\td2\t1\n2\t\td3\t-1\n",
    "TREC's, aligned": "q1  0   d1     2\nq1  0   d2     0\n  2 0   d2    +1 \n2 0 d3 -1",
    "TREC's, with a header": "query_id iteration doc_id relevance\nq1 0 d1 2\nq1 0 d2 0\n2 0 d2 1\n2 0 d3 -1\n",
    "BEIR's": "query-id\tcorpus-id\tscore\nq1\td1\t2\nq1\td2\t0\n2\td2\t1\n2\td3\t-1\n",
    "BEIR's, no header": "q1\td1\t2\nq1\td2\t0\n2\td2\t1\n2\td3\t-1\n",
    "another program's": "\ufeffq1\td1\t2\r\n\r\nq1\td2\t0\r\n \r\n2\td2\t 1\r\n2\td3\t-1 \r\n\r\n",
    "both in one file": "q1 0 d1 2\nq1\td2\t0\n2 0 d2 1\n2\td3\t-1\n",
}


@pytest.mark.parametrize("text", FORMATS.values(), ids=FORMATS.keys())
def test_judgments_are_read_in_every_format(written, text):
    assert in_order(read_qrels(written(text))) == in_order(QRELS)
    assert in_order(read_qrels(str(written(text)))) == in_order(QRELS)


def test_ids_between_tabs_may_hold_spaces(written):
    assert read_qrels(written("q 1\td  1\t1\n")) == {"q 1": {"d  1": 1}}
    assert read_qrels(written("q 1\t0\td 1\t1\n")) == {"q 1": {"d 1": 1}}


@pytest.mark.parametrize("line", ["q1 d1 1", "q1 1", "q1\td1", "q1 0 d1 1 x", "q1\t0\td1\t1\tx", "q1", "x" * 100_000])
def test_another_number_of_columns_is_named_by_line(written, line):
    with pytest.raises(CollectionError, match=r"given\.txt, line 3 has \d+ columns"):
        read_qrels(written(f"q1 0 d0 1\n\n{line}\n"))


@pytest.mark.parametrize("grade", ["1.5", "1e2", "x", "1_0", "１", "--1", "+", "1001", "-1001", "9" * 5000, "nan"])
def test_a_grade_that_is_no_whole_number_up_to_a_thousand_is_named_by_line(written, grade):
    for line in (f"q1 0 d1 {grade}", f"q1\td1\t{grade}"):
        with pytest.raises(CollectionError, match=r"given\.txt, line 2: the grade is .* whole number up to 1,000"):
            read_qrels(written(f"q1 0 d0 1\n{line}\n"))


def test_grades_up_to_a_thousand_are_read(written):
    assert read_qrels(written("q 0 a 1000\nq 0 b -1000\nq 0 c +3\nq 0 d 007\n")) == {
        "q": {"a": 1000, "b": -1000, "c": 3, "d": 7}
    }


def test_only_the_first_line_can_be_a_header(written):
    header = "query-id\tcorpus-id\tscore\n"
    for text in (f"{header}{header}q\td\t1\n", f"q\td\t1\n{header}"):
        with pytest.raises(CollectionError, match=r"line 2: the grade is 'score'"):
            read_qrels(written(text))
    with pytest.raises(CollectionError, match="line 1"):
        read_qrels(written("q d a4\nq 0 d 1\n"))  # a grade that contains a digit is no header


def test_a_document_judged_twice_for_one_query_is_named_by_line(written):
    with pytest.raises(CollectionError, match=r"line 3: document 'd1' stands twice for query 'q1'"):
        read_qrels(written("q1 0 d1 1\nq2 0 d1 1\nq1 0 d1 1\n"))


@pytest.mark.parametrize("text", ["", "\n \n", "query-id\tcorpus-id\tscore\n"])
def test_a_file_without_judgments_is_refused(written, text):
    with pytest.raises(CollectionError, match=r"given\.txt holds no judgments"):
        read_qrels(written(text))


@pytest.mark.parametrize("read", [read_qrels, read_run])
def test_a_file_that_is_missing_or_not_utf8_is_named(folder, read):
    with pytest.raises(CollectionError, match=r"gone\.txt is missing"):
        read(folder / "gone.txt")
    (folder / "latin.txt").write_bytes("q1 0 dü 1\n".encode("latin-1"))
    with pytest.raises(CollectionError, match=r"latin\.txt cannot be read as UTF-8"):
        read(folder / "latin.txt")


def test_judgments_are_written_in_four_columns():
    assert qrels_text(QRELS) == "q1 0 d1 2\nq1 0 d2 0\n2 0 d2 1\n2 0 d3 -1\n"
    assert qrels_text({}) == ""


@given(st.dictionaries(SPACELESS, st.dictionaries(SPACELESS, st.integers(-1000, 1000), min_size=1), min_size=1))
def test_trec_evals_parser_reads_the_same_judgments(folder, qrels):
    text = qrels_text(qrels)
    assert pytrec_eval.parse_qrel(text.split("\n")[:-1]) == qrels
    (folder / "qrels.txt").write_bytes(text.encode())
    assert in_order(read_qrels(folder / "qrels.txt")) == in_order(qrels)


# --- rankings


def test_a_run_is_read_in_order_of_score(written):
    run = read_run(written(RUN_LINES))
    assert in_order(run) == {"q1": [("d1", 0.9), ("d2", 0.5), ("d3", 0.5)], "2": [("d2", -1.5)]}
    assert run == pytrec_eval.parse_run(RUN_LINES.splitlines())


def test_the_order_of_the_lines_does_not_matter_and_equal_scores_go_by_rank(written):
    text = "q Q0 c 3 0.5 x\nq Q0 b 10 0.5 x\nq Q0 a 9 0.7 x\nq Q0 d 2 0.5 x\n"
    assert in_order(read_run(written(text))) == {"q": [("a", 0.7), ("d", 0.5), ("c", 0.5), ("b", 0.5)]}


def test_a_run_separated_by_tabs_is_read(written):
    assert read_run(written("q 1\tQ0\td 1\t1\t2e-1\tmy run\r\n")) == {"q 1": {"d 1": 0.2}}


@pytest.mark.parametrize("line", ["q Q0 d 1 0.5", "q Q0 d 1 0.5 my run", "q\tQ0\td\t1\t0.5", "q d"])
def test_a_run_of_other_columns_is_named_by_line(written, line):
    with pytest.raises(CollectionError, match=r"given\.txt, line 2 has \d columns; wanted six"):
        read_run(written(f"q Q0 a 1 0.9 x\n{line}\n"))


@pytest.mark.parametrize(
    ("rank", "score"),
    [("x", "0.5"), ("1.5", "0.5"), ("1", "x"), ("1", "nan"), ("1", "inf"), ("1", "-inf"), ("1", "1e999")],
)
def test_a_rank_or_a_score_that_is_no_number_is_named_by_line(written, rank, score):
    with pytest.raises(CollectionError, match=r"given\.txt, line 2: .*number"):
        read_run(written(f"q Q0 a 1 0.9 x\nq Q0 b {rank} {score} x\n"))


def test_a_document_ranked_twice_for_one_query_is_named_by_line(written):
    with pytest.raises(CollectionError, match=r"line 3: document 'a' stands twice for query 'q'"):
        read_run(written("q Q0 a 1 0.9 x\np Q0 a 1 0.9 x\nq Q0 a 2 0.5 x\n"))


def test_a_run_is_written_in_six_columns():
    run = {"q1": {"b": 0.75, "a": 0.5}, "q2": {"a": 2, "c": 0}, "q3": {}}
    assert run_text(run, tag="mine") == (
        "q1 Q0 b 1 0.75 mine\nq1 Q0 a 2 0.5 mine\nq2 Q0 a 1 2 mine\nq2 Q0 c 2 0 mine\n"
    )
    assert run_text({"q": {"d": 1.0}}) == "q Q0 d 1 1 dense-retrieval-lab\n"
    assert run_text({}) == ""


def test_scores_that_do_not_descend_are_written_one_step_lower():
    below = [np.float32(0.5)]
    for _ in range(2):
        below.append(np.nextafter(below[-1], np.float32(0)))
    text = run_text({"q": {"a": 0.5, "b": 0.5, "c": 0.5 + 1e-12, "d": 0.25}})
    assert [np.float32(line.split()[4]) for line in text.splitlines()] == [*below, np.float32(0.25)]


@given(st.dictionaries(SPACELESS, st.dictionaries(SPACELESS, SCORES, min_size=1, max_size=8), min_size=1, max_size=4))
def test_trec_eval_reads_the_order_of_the_run(folder, given_run):
    run = {query_id: dict(sorted(found.items(), key=lambda item: -item[1])) for query_id, found in given_run.items()}
    text = run_text(run)
    assert [line.split()[3] for line in text.splitlines()] == [
        str(rank) for documents in run.values() for rank in range(1, len(documents) + 1)
    ]
    parsed = pytrec_eval.parse_run(text.split("\n")[:-1])
    assert list(parsed) == list(run)
    for query_id, documents in run.items():
        scores = np.array(list(parsed[query_id].values())).astype(np.float32)
        assert list(parsed[query_id]) == list(documents)
        assert (np.diff(scores) < 0).all()
        np.testing.assert_allclose(scores, list(documents.values()), rtol=1e-5, atol=1e-43)
    write_run(run, folder / "run.txt")
    assert (folder / "run.txt").read_bytes() == text.encode()
    assert in_order(read_run(folder / "run.txt")) == in_order(parsed)


def test_scores_beyond_float32_keep_their_order():
    text = run_text({"q": {"a": 1e300, "b": 1e299, "c": 1.0, "d": -1e299}})
    scores = [float(line.split()[4]) for line in text.splitlines()]
    assert np.isfinite(scores).all()
    assert sorted(scores, reverse=True) == scores
    assert len(set(scores)) == 4


def test_white_space_in_ids_is_written_as_percent_codes():
    assert qrels_text({"q 1": {"d\t\n": 1}}) == "q%201 0 d%09%0A 1\n"
    assert run_text({"q 1": {"d\u2028\xa0": 1.0}}, tag="x") == "q%201 Q0 d%2028%A0 1 1 x\n"


@given(st.dictionaries(IDS, st.dictionaries(IDS, st.just(1), min_size=1), min_size=1))
def test_ids_of_all_kinds_stay_different_or_are_refused(qrels):
    try:
        text, run = qrels_text(qrels), run_text(qrels)
    except CollectionError:
        return
    parsed = pytrec_eval.parse_qrel(text.split("\n")[:-1])
    assert [len(documents) for documents in parsed.values()] == [len(documents) for documents in qrels.values()]
    assert pytrec_eval.parse_run(run.split("\n")[:-1]).keys() == parsed.keys()


@pytest.mark.parametrize(
    "ids", [{"": 1}, {"a b": 1, "a%20b": 2}, {"a\u2028b": 1, "x": 2, "a%2028b": 3}], ids=["empty", "space", "separator"]
)
def test_ids_that_cannot_be_written_are_refused(ids):
    for bad in ({"q": ids}, dict.fromkeys(ids, {"d": 1})):
        for write in (qrels_text, run_text):
            with pytest.raises(CollectionError, match="id is empty, or two differ only"):
                write(bad)


def test_a_name_with_white_space_makes_no_seventh_column():
    text = run_text({"q": {"d": 1.0}}, tag="wordllama-256 ef 40\n")
    assert [len(line.split()) for line in text.splitlines()] == [6]
