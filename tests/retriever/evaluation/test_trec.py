"""TREC's formats: trec_eval's own parser reads what is written, in order, and errors name the line."""

import gzip
import re
import tracemalloc

import numpy as np
import pytest
import pytrec_eval
from hypothesis import given
from hypothesis import strategies as st

from retriever.errors import CollectionError
from retriever.evaluation.numbered_lines import numbered_lines
from retriever.evaluation.trec import (
    qrels_text,
    read_judgments,
    read_qrels,
    read_run,
    run_text,
    with_known_ids,
    write_run,
)

QRELS = {"q1": {"d1": 2, "d2": 0}, "2": {"d2": 1, "d3": -1}}
IDS = st.text(st.characters(codec="utf-8"), min_size=1, max_size=4) | st.sampled_from(["#", "#1", "%23", "a#", "# 1"])
PLAIN = IDS.filter(lambda text: not re.search("\\s|[\0\ufeff]|^#", text))
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
    "another program's": "\ufeffq1\td1\t2\r\n\r\nq1\td2\t0\r\n \r\n2\td2\t 1\r\n2\td3\t-1 \r\n\r\n",
    "both in one file": "q1 0 d1 2\nq1\td2\t0\n2 0 d2 1\n2\td3\t-1\n",
    "commas": "q1,d1,2\nq1,d2,0\n2,d2,1\n2,d3,-1\n",
    "TREC's, by commas": "q1, 0, d1, 2\nq1, 0, d2, 0\n2, 0, d2, 1\n2, 0, d3, -1\n",
    "a spreadsheet's": '\ufeff"query","text","doc","grade"\r\nq1,"a ""b"",\r\nc",d1,2\r\n,,,\r\nq1,,d2,"0"\r\n'
    "2,,d2,1\r\n2,,d3,-1",
    "another country's spreadsheet": "query;doc;grade\r\nq1;d1;2\r\nq1;d2;0\r\n\r\n2;d2;1\r\n2;d3;-1\r\n",
}


@pytest.mark.parametrize("text", FORMATS.values(), ids=FORMATS.keys())
def test_judgments_are_read_in_every_format(written, text):
    assert in_order(read_qrels(written(text))) == in_order(QRELS)
    assert read_qrels(str(written(text))) == QRELS


def test_ids_between_tabs_may_hold_spaces_and_grades_may_be_up_to_a_thousand(written):
    text = "q 1\td  1\t1000\nq 1\t0\td 2\t-1000\nq 1\td\t+3\nq 1\te\t007\n"
    assert read_qrels(written(text)) == {"q 1": {"d  1": 1000, "d 2": -1000, "d": 3, "e": 7}}


def test_ids_in_quotes_may_hold_anything_and_ids_with_commas_stay_what_they_are(written):
    text = '"q, 1","d\n""1""",1\nq2,\'=d,0\nq2,\'d,0\n'
    assert read_qrels(written(text)) == {"q, 1": {'d\n"1"': 1}, "q2": {"=d": 0, "'d": 0}}
    assert read_qrels(written("a,b, 0 c,d 1\n")) == {"a,b,": {"c,d": 1}}


def test_a_document_without_a_grade_is_not_judged(written):
    for separator in ("\t", ",", ";"):
        rows = [("query", "doc", "grade"), ("q", "a", ""), ("q", "b", "1"), ("p", "c", " ")]
        text = "".join(separator.join(row) + "\n" for row in rows)
        assert read_qrels(written(text)) == {"q": {"b": 1}}


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        ("q,d,1\nq,e\n", "line 2 has 2 columns; wanted query id, document id and grade parted by tabs or commas"),
        ("q,d,1\nq,e,x\n", "line 2: the grade is 'x'"),
        ('q,"d\ne",1\nq,f,1.5\n', "line 3: the grade is '1.5'"),
        ("q,d,1\nq,d,2\n", "line 2: document 'd' stands twice for query 'q', with the grades 1 and 2"),
        ('q,d,1\nq,"d,1\n', "line 2 is not CSV"),
        ('q,d,1\nq,"d"x,1\n', "line 2 is not CSV"),
        ("query,doc,grade\nq,d,\n", "holds no judgments"),
    ],
)
def test_a_bad_row_of_a_comma_separated_file_is_named(written, rows, message):
    with pytest.raises(CollectionError, match=rf"given\.txt,? {message}"):
        read_qrels(written(rows))


def test_escaped_ids_are_those_of_the_collection_again():
    qrels = {"q 1": {"my file.txt": 1, "a%20b": 0, "gone": 1}}
    escaped = read_back = {"q%201": {"my%20file.txt": 1, "a%20b": 0, "gone": 1}}
    assert qrels_text(qrels) == qrels_text(escaped)
    assert with_known_ids(read_back, ["q 1"], ["my file.txt", "a b", "a%20b"]) == qrels
    assert with_known_ids(qrels, [], []) == qrels


@pytest.mark.parametrize(
    ("line", "message"),
    [(line, r"has \d columns") for line in ("q1 d1 1", "q1\td1", "q1 0 d1 1 x", "q1\t0\td1\t1\tx", "q1")]
    + [
        (line.format(grade), "the grade is .* whole number up to 1,000")
        for grade in ("1.5", "1e2", "x", "1_0", "１", "--1", "+", "1001", "-1001", "9" * 5000)
        for line in ("q1 0 d1 {}", "q1\td1\t{}")
    ]
    + [
        ("query-id\tcorpus-id\tscore", "the grade is 'score'"),  # only the first line can be a header
        ("q0 0 d0 0", "document 'd0' stands twice for query 'q0', with the grades 1 and 0"),
    ],
    ids=lambda value: value[:20],
)
def test_a_bad_judgment_is_named_by_line(written, line, message):
    with pytest.raises(CollectionError, match=rf"given\.txt, line 4:? {message}"):
        read_qrels(written(f"query-id\tcorpus-id\tscore\nq0 0 d0 1\n\n{line}\nq1 0 d0 1\n"))


def test_a_grade_that_contains_a_digit_is_no_header(written):
    with pytest.raises(CollectionError, match="line 1"):
        read_qrels(written("q d a4\nq 0 d 1\n"))


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


def test_judgments_and_runs_are_written_in_columns():
    assert qrels_text(QRELS) == "q1 0 d1 2\nq1 0 d2 0\n2 0 d2 1\n2 0 d3 -1\n"
    run = {"q1": {"b": 0.75, "a": 0.5}, "q2": {"a": 2, "c": 0}, "q3": {}}
    assert run_text(run, tag="my ef\n") == (
        "q1 Q0 b 1 0.75 my%20ef%0A\nq1 Q0 a 2 0.5 my%20ef%0A\nq2 Q0 a 1 2 my%20ef%0A\nq2 Q0 c 2 0 my%20ef%0A\n"
    )
    assert run_text({"q": {"d": 1.0}}) == "q Q0 d 1 1 dense-retrieval-lab\n"
    assert qrels_text({}) == run_text({}) == ""


@given(st.dictionaries(PLAIN, st.dictionaries(PLAIN, st.integers(-1000, 1000), min_size=1), min_size=1))
def test_trec_evals_parser_reads_the_same_judgments(folder, qrels):
    text = qrels_text(qrels)
    assert pytrec_eval.parse_qrel(text.split("\n")[:-1]) == qrels
    (folder / "qrels.txt").write_bytes(text.encode())
    assert in_order(read_qrels(folder / "qrels.txt")) == in_order(qrels)


# --- comments, repeats and white space

COMMENTED = {
    "first": ("# pooled to depth 100\n1 0 a 1\n2 0 b 0\n", "1 (line 1)"),
    "four words": ("# pool depth 100\n1 0 a 1\n## by two\n2 0 b 0\n", "2 (lines 1 and 3)"),
    "last, and empty": ("1 0 a 1\n\n2 0 b 0\n#\n", "1 (line 4)"),
    "indented, with tabs": ("1\t0\ta\t1\n  # by\ttwo\tassessors\t2\n2\t0\tb\t0\n", "1 (line 2)"),
    "before a header": ("# BEIR's layout\nquery-id\tcorpus-id\tscore\n1\ta\t1\n2\tb\t0\n", "1 (line 1)"),
    "among commas": ('# a, "quote, b\nq,doc,grade\n1,a,1\n#x,y,3\n2,b,0\n', "2 (lines 1 and 4)"),
    "a spreadsheet's": ('"# a, b",,\nq,doc,grade\n1,a,1\n2,b,0\n# end,,\n', "2 (lines 1 and 5)"),
}


@pytest.mark.parametrize(("text", "found"), COMMENTED.values(), ids=COMMENTED.keys())
def test_comments_are_passed_over_and_counted(written, text, found):
    read = read_judgments(written(text))
    assert read.qrels == {"1": {"a": 1}, "2": {"b": 0}}
    assert read.notes == [f"Comments passed over, which begin with #: {found}."]


def test_a_line_that_begins_with_a_known_id_is_no_comment(written):
    text, known = "#1\td 1\t1\n# 2\td\t1\n#3\td\t1\n", {"#1", "# 2"}
    assert read_judgments(written(text), known).qrels == {"#1": {"d 1": 1}, "# 2": {"d": 1}}
    assert read_judgments(written("#1,d,1\n2,d,1\n"), known).qrels == {"#1": {"d": 1}, "2": {"d": 1}}
    with pytest.raises(CollectionError, match=r"holds no judgments; .* begin with #: 3 \(lines 1, 2 and 3\)"):
        read_qrels(written(text))


def test_a_line_in_quotes_is_no_comment_and_lines_are_numbered_as_in_the_file(written):
    text = '# one\n"q","d\n# not one",1\n# two\nq,e,x\n'
    with pytest.raises(CollectionError, match=r"line 5: the grade is 'x'"):
        read_qrels(written(text))
    assert read_qrels(written(text.replace("x", "2"))) == {"q": {"d\n# not one": 1, "e": 2}}


def test_an_identical_judgment_counts_once_and_a_missing_grade_is_told(written):
    read = read_judgments(written("q\ta\t1\nq\tb\t\nq\ta\t1\nq\ta\t+1\n"))
    assert read.qrels == {"q": {"a": 1}}
    assert read.notes == [
        "Judgments without a grade, passed over: 1 (line 2).",
        "Judgments that stand twice with the same grade, counted once: 2 (lines 3 and 4).",
    ]


SPACED = {
    "doubled tabs": "1\t\t0\t\ta b\t\t1\n2\t0\tb\t0\n",
    "BEIR's, doubled": "query-id\t\tcorpus-id\t\tscore\n1\t\ta b\t\t1\n2\tb\t0\n",
    "tabs at the end": "1\ta b\t1\t\n2\tb\t0\t\t\n",
    "spaces around tabs": "1 \t 0\t a b \t1 \n2\t0\tb\t0\n",
}


@pytest.mark.parametrize("text", SPACED.values(), ids=SPACED.keys())
def test_doubled_tabs_count_once_and_ids_between_tabs_keep_their_spaces(written, text):
    assert read_qrels(written(text)) == {"1": {"a b": 1}, "2": {"b": 0}}


def test_tabs_and_spaces_are_mixed_in_trecs_columns_as_trec_eval_takes_them(written):
    text = "q it doc rel\n1 0\ta\t1\n2 \t0 b\t 0\n3\t\tQ0  c 2\n"
    assert read_qrels(written(text)) == {"1": {"a": 1}, "2": {"b": 0}, "3": {"c": 2}}
    run = "1 Q0 a 1 0.5 x\n1 Q0 b \t 2\t\t0.4 x\n# by x\n1\tQ0\tc\t\t3\t0.3\tx\n"
    assert read_run(written(run)) == {"1": {"a": 0.5, "b": 0.4, "c": 0.3}}
    assert read_qrels(written("test 0\ta\t1\ntest 1\ta\t2\n")) == {"test 0": {"a": 1}, "test 1": {"a": 2}}


# --- encodings and gzip

PACKED = {
    "UTF-16": "utf-16",
    "UTF-16 without a mark": "utf-16-le",
    "big-endian": "utf-16-be",
    "UTF-32": "utf-32",
    "UTF-8 with a mark": "utf-8-sig",
}


@pytest.mark.parametrize("encoding", PACKED.values(), ids=PACKED.keys())
@pytest.mark.parametrize("pack", [bytes, gzip.compress], ids=["plain", "gzip"])
def test_judgments_and_runs_are_read_in_every_unicode_and_packed(folder, encoding, pack):
    path = folder / "packed"
    for read, text, right in (
        (read_qrels, "1\tä\t1\r\n2\t日本\t0\r\n", {"1": {"ä": 1}, "2": {"日本": 0}}),
        (read_qrels, "1,ä,1\n2,日本,0\n", {"1": {"ä": 1}, "2": {"日本": 0}}),
        (read_run, "1 Q0 ä 1 0.5 x\n2 Q0 日本 1 0.5 x\n", {"1": {"ä": 0.5}, "2": {"日本": 0.5}}),
    ):
        path.write_bytes(pack(text.encode(encoding)))
        assert read(path) == right


@pytest.mark.parametrize("pack", [bytes, gzip.compress], ids=["plain", "gzip"])
def test_a_large_file_never_stands_in_memory(folder, pack):
    path = folder / "large.txt"
    path.write_bytes(pack(b"%d\n" % 10**999 * 20_000))
    tracemalloc.start()
    try:
        assert sum(1 for _ in numbered_lines(path)) == 20_000
        assert tracemalloc.get_traced_memory()[1] < 4_000_000
    finally:
        tracemalloc.stop()


def test_marks_between_joined_files_are_no_part_of_an_id(written):
    assert read_qrels(written("\ufeff1 0 a 1\n\ufeff2 0 b 0\n")) == {"1": {"a": 1}, "2": {"b": 0}}


def test_a_bomb_or_a_damaged_gzip_file_is_refused(folder, monkeypatch):
    path = folder / "qrels.gz"
    monkeypatch.setattr("retriever.evaluation.numbered_lines.MAX_UNPACKED_MEGABYTES", 2)
    whole = gzip.compress(b"q 0 d 1\n" * 250_000)
    path.write_bytes(whole)
    assert read_qrels(path) == {"q": {"d": 1}}
    path.write_bytes(gzip.compress(bytes(2_000_001)))
    with pytest.raises(CollectionError, match=r"qrels\.gz unpacks to more than 2 MB"):
        read_qrels(path)
    for damaged in (whole[:-9], whole[:20], whole[:40] + b"\xff\0\xff" * 5 + whole[60:], whole + b"more"):
        path.write_bytes(damaged)
        with pytest.raises(CollectionError, match=r"qrels\.gz is a damaged gzip file"):
            read_qrels(path)


# --- rankings


def test_a_run_is_read_in_order_of_score_and_equal_scores_by_rank(written):
    text = "q Q0 c 3 0.5 x\nq Q0 b 10 0.5 x\nq Q0 a 9 0.7 x\nq Q0 d 2 0.5 x\n2 Q0 d2 1 -1.5 x\n"
    run = read_run(written(text))
    assert in_order(run) == {"q": [("a", 0.7), ("d", 0.5), ("c", 0.5), ("b", 0.5)], "2": [("d2", -1.5)]}
    assert run == pytrec_eval.parse_run(text.splitlines())
    assert read_run(written("q 1\tQ0\td 1\t1\t2e-1\tmy run\r\n")) == {"q 1": {"d 1": 0.2}}


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("q Q0 d 1 0.5", "has 5 columns; wanted six"),
        ("q Q0 d 1 0.5 my run", "has 7 columns; wanted six"),
        ("q\tQ0\td\t1\t0.5", "has 5 columns; wanted six"),
        ("q Q0 b x 0.5 x", ".*numbers"),
        ("q Q0 b 1.5 0.5 x", ".*numbers"),
        ("q Q0 b 1 x x", ".*numbers"),
        ("q Q0 b 1 nan x", ".*finite number"),
        ("q Q0 b 1 -inf x", ".*finite number"),
        ("q Q0 b 1 1e999 x", ".*finite number"),
        ("q Q0 a 2 0.5 x", "document 'a' stands twice for query 'q'"),
    ],
)
def test_a_bad_line_of_a_run_is_named(written, line, message):
    with pytest.raises(CollectionError, match=rf"given\.txt, line 3:? {message}"):
        read_run(written(f"q Q0 a 1 0.9 x\np Q0 a 1 0.9 x\n{line}\n"))


def test_scores_that_do_not_descend_are_written_one_step_lower():
    below = [np.float32(0.5)]
    for _ in range(2):
        below.append(np.nextafter(below[-1], np.float32(0)))
    text = run_text({"q": {"a": 0.5, "b": 0.5, "c": 0.5 + 1e-12, "d": 0.25}})
    assert [np.float32(line.split()[4]) for line in text.splitlines()] == [*below, np.float32(0.25)]


@given(st.dictionaries(PLAIN, st.dictionaries(PLAIN, SCORES, min_size=1, max_size=8), min_size=1, max_size=4))
def test_trec_eval_reads_the_order_of_the_run(folder, given_run):
    run = {query_id: dict(sorted(found.items(), key=lambda item: -item[1])) for query_id, found in given_run.items()}
    text = run_text(run)
    ranks = [str(rank) for documents in run.values() for rank in range(1, len(documents) + 1)]
    assert [line.split()[3] for line in text.splitlines()] == ranks
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
    assert sorted(set(scores), reverse=True) == scores


def test_what_trec_eval_would_split_or_pass_over_is_written_as_percent_codes():
    assert qrels_text({"#1": {"#d": 1, "d#2": 0}}) == "%231 0 #d 1\n%231 0 d#2 0\n"
    assert run_text({"#1": {"#\0d": 1.0}}, tag="x") == "%231 Q0 #%00d 1 1 x\n"
    assert qrels_text({"q 1": {"d\t\n": 1}}) == "q%201 0 d%09%0A 1\n"
    assert run_text({"q 1": {"d\u2028\xa0": 1.0}}, tag="x") == "q%201 Q0 d%2028%A0 1 1 x\n"


@given(st.dictionaries(IDS, st.dictionaries(IDS, st.just(1), min_size=1), min_size=1))
def test_ids_of_all_kinds_come_back_or_are_refused(folder, qrels):
    """Read by trec_eval, which passes over lines that begin with #, and by this package, which knows the ids."""
    try:
        text, run = qrels_text(qrels), run_text(qrels)
    except CollectionError:
        return
    lines = [line for line in text.split("\n")[:-1] if not line.startswith("#")]
    parsed = pytrec_eval.parse_qrel(lines)
    assert [len(documents) for documents in parsed.values()] == [len(documents) for documents in qrels.values()]
    assert pytrec_eval.parse_run(run.split("\n")[:-1]).keys() == parsed.keys()
    (folder / "qrels.txt").write_bytes(text.encode())
    write_run(qrels, folder / "run.txt")
    doc_ids = {doc_id for documents in qrels.values() for doc_id in documents}
    assert with_known_ids(read_qrels(folder / "qrels.txt"), qrels, doc_ids) == qrels
    ranked = with_known_ids(read_run(folder / "run.txt"), qrels, doc_ids)
    assert in_order(ranked).keys() == qrels.keys()
    assert {query_id: [*found] for query_id, found in ranked.items()} == {name: [*ids] for name, ids in qrels.items()}


@pytest.mark.parametrize("ids", [{"": 1}, {"a\u2028b": 1, "x": 2, "a%2028b": 3}], ids=["empty", "separator"])
def test_ids_that_cannot_be_written_are_refused(ids):
    for bad in ({"q": ids}, dict.fromkeys(ids, {"d": 1})):
        for write in (qrels_text, run_text):
            with pytest.raises(CollectionError, match="id is empty, or two differ only"):
                write(bad)


@pytest.mark.parametrize(
    "text",
    [
        ",query-id,corpus-id,score\n0,5,d1,1\n1,5,d2,0\n",
        "\tqid\tdocno\trel\n0\t5\td1\t1\n1\t5\td2\t0\n",
        "doc_id\tquery_id\tgrade\nd1\t5\t1\nd2\t5\t0\n",
        "Query,Relevance,Document\n5,1.0,d1\n5,0.0,d2\n",
        "5,d1,1,\n5,d2,0,\n",
        "query_id,doc_id,grade\r5,d1,1\r5,d2,0\r",
        "query-id\tcorpus-id\tscore\n5 0 d1 1\n5 0 d2 0\n",
    ],
    ids=["index of pandas", "between tabs", "another order", "grade in the middle", "empty column", "old Mac", "TREC"],
)
def test_judgments_stand_where_the_header_says(written, text):
    read = read_judgments(written(text))
    assert read.qrels == {"5": {"d1": 1, "d2": 0}} and read.notes == []


def test_a_first_line_that_may_be_a_judgment_is_named(written):
    read = read_judgments(written("q1,d1,yes\nq1,d2,1\n"))
    assert read.qrels == {"q1": {"d2": 1}} and read.notes == ["Line 1 was taken for the header: q1, d1, yes."]
