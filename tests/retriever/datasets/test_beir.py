"""Reading of collections in BEIR layout, and errors that name the file and the line."""

import json

import pytest

from retriever.datasets.beir import read_beir, read_queries, title_and_text
from retriever.datasets.collection import Collection
from retriever.documents.document import Document
from retriever.errors import CollectionError

CORPUS = [
    {
        "_id": "d1",
        "title": "Lamps",
        "text": "A small lamp is seen far out at sea.",
        "metadata": {"url": "x"},
        "year": 1822,
    },
    {"_id": "d2", "title": "", "text": "Wild yeast makes bread rise."},
    {"_id": 3, "text": "日本語 naïve \u2028 😀"},
]
QUERIES = [{"_id": "q1", "text": "how far is a lamp seen?"}, {"_id": 2, "text": "why does bread rise?", "metadata": {}}]
QRELS = "query-id\tcorpus-id\tscore\nq1\td1\t2\nq1\td2\t0\n2\td2\t1\n"


def lines(rows):
    return "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)


@pytest.fixture
def folder(tmp_path):
    made = tmp_path / "tiny"
    (made / "qrels").mkdir(parents=True)
    (made / "corpus.jsonl").write_text(lines(CORPUS), encoding="utf-8")
    (made / "queries.jsonl").write_text(lines(QUERIES), encoding="utf-8")
    (made / "qrels" / "test.tsv").write_text(QRELS, encoding="utf-8")
    return made


def check_tiny(collection):
    assert isinstance(collection, Collection)
    assert collection.name == "tiny"
    assert list(collection.documents) == [
        Document("d1", CORPUS[0]["text"], "Lamps", {"metadata": {"url": "x"}, "year": 1822}),
        Document("d2", CORPUS[1]["text"], "", {}),
        Document("3", CORPUS[2]["text"], "", {}),
    ]
    assert collection.queries == {"q1": "how far is a lamp seen?", "2": "why does bread rise?"}
    assert collection.qrels == {"q1": {"d1": 2, "d2": 0}, "2": {"d2": 1}}
    passages = [collection.passage(document) for document in collection.documents]
    assert passages == ["Lamps A small lamp is seen far out at sea.", CORPUS[1]["text"], CORPUS[2]["text"]]


def test_a_beir_folder_is_read(folder):
    check_tiny(read_beir(folder))
    check_tiny(read_beir(str(folder)))


def test_marks_blank_lines_and_windows_line_ends_do_no_harm(folder):
    for name in ("corpus.jsonl", "queries.jsonl", "qrels/test.tsv"):
        path = folder / name
        text = path.read_text(encoding="utf-8").replace("\n", "\r\n\r\n")
        path.write_bytes(b"\xef\xbb\xbf" + text.encode())
    check_tiny(read_beir(folder))


def test_judgments_without_a_header_are_read_from_the_first_line(folder):
    (folder / "qrels" / "test.tsv").write_text("q1\td1\t2\nq1\td2\t0\n2\td2\t1", encoding="utf-8")
    check_tiny(read_beir(folder))


def test_quotes_and_odd_spaces_in_judgments_are_part_of_the_id(folder):
    (folder / "qrels" / "test.tsv").write_text('h\th\ts\n"q1\td\x0b1\u2028\t1\n', encoding="utf-8")
    assert read_beir(folder).qrels == {'"q1': {"d\x0b1\u2028": 1}}


@pytest.mark.parametrize("name", ["corpus.jsonl", "queries.jsonl", "qrels/test.tsv"])
def test_a_missing_or_unreadable_file_is_named(folder, name):
    path = folder / name
    data = path.read_bytes()
    path.unlink()
    with pytest.raises(CollectionError, match=f"{path.name} is missing"):
        read_beir(folder)
    path.mkdir()
    with pytest.raises(CollectionError, match=f"{path.name} cannot be read"):
        read_beir(folder)
    path.rmdir()
    path.write_bytes(data + "ü".encode("latin-1"))
    with pytest.raises(CollectionError, match=rf"{path.name} cannot be read as UTF-8"):
        read_beir(folder)


BAD_LINES = {
    "half a line": '{"_id": "x", "text": "broken',
    "no object": '["x", "text"]',
    "a number": "3",
    "no id": '{"text": "a"}',
    "no text": '{"_id": "x"}',
    "null": '{"_id": "x", "text": null}',
    "a list as text": '{"_id": "x", "text": ["a"]}',
    "a list as id": '{"_id": ["x"], "text": "a"}',
    "true as id": '{"_id": true, "text": "a"}',
    "deep": "[" * 100_000,
}


@pytest.mark.parametrize("name", ["corpus.jsonl", "queries.jsonl"])
@pytest.mark.parametrize("bad", BAD_LINES.values(), ids=BAD_LINES.keys())
def test_a_bad_line_is_named_by_file_and_number(folder, name, bad):
    path = folder / name
    rows = path.read_text(encoding="utf-8").split("\n")
    path.write_text("\n".join([rows[0], "", bad, *rows[1:]]), encoding="utf-8")
    with pytest.raises(CollectionError, match=f"{name}, line 3"):
        read_beir(folder)


@pytest.mark.parametrize("bad", ["q1\td1", "q1\td1\tx", "q1\td1\t1.5", "q1 d1 1", "q1\td1\t", "x" * 200_000])
def test_a_bad_judgment_is_named_by_number(folder, bad):
    (folder / "qrels" / "test.tsv").write_text(f"query-id\tcorpus-id\tscore\nq1\td1\t1\n{bad}\n", encoding="utf-8")
    with pytest.raises(CollectionError, match=r"test\.tsv, line 3"):
        read_beir(folder)


def test_ids_that_are_given_twice_are_refused(folder):
    for name, rows in (("corpus.jsonl", CORPUS), ("queries.jsonl", QUERIES)):
        good = (folder / name).read_text(encoding="utf-8")
        (folder / name).write_text(lines([*rows, {"_id": str(rows[-1]["_id"]), "text": "again"}]), encoding="utf-8")
        with pytest.raises(CollectionError, match=f"{name}.*unique"):
            read_beir(folder)
        (folder / name).write_text(good, encoding="utf-8")


def test_how_documents_are_written_for_the_encoder():
    assert title_and_text(Document("a", "text", "Title")) == "Title text"
    assert title_and_text(Document("a", "text")) == "text"


# --- queries


def write_queries(folder, rows, name="queries.jsonl"):
    (folder / name).write_text(lines(rows), encoding="utf-8")
    return folder / name


def test_the_kind_of_a_query_is_read_from_its_metadata(folder):
    rows = [
        {"_id": "q1", "text": "how far is a lamp seen?", "metadata": {"kind": "fact", "url": "x"}},
        {"_id": 2, "text": "why does bread rise?", "metadata": {"kind": "term"}},
        {"_id": "q3", "text": "no metadata"},
        {"_id": "q4", "text": "none given", "metadata": None},
        {"_id": "q5", "text": "no kind", "metadata": {}},
        {"_id": "q6", "text": "a number", "metadata": {"kind": 3}},
        {"_id": "q7", "text": "a list", "metadata": ["kind"]},
        {"_id": "q8", "text": "a text", "metadata": "kind"},
    ]
    write_queries(folder, rows)
    collection = read_beir(folder)
    assert collection.kinds == {"q1": "fact", "2": "term"}
    assert list(collection.queries) == ["q1", "2", "q3", "q4", "q5", "q6", "q7", "q8"]
    assert collection.judged.kinds == collection.kinds


def test_without_kinds_there_are_none(folder):
    assert read_beir(folder).kinds == {}


@pytest.mark.parametrize("text", ["", " ", "\n\t", "\u2028"])
def test_an_empty_query_is_named_by_file_and_number(folder, text):
    write_queries(folder, [QUERIES[0], {"_id": "q9", "text": text}])
    with pytest.raises(CollectionError, match=r"queries\.jsonl, line 2: the query 'q9' is empty"):
        read_beir(folder)


@pytest.mark.parametrize("content", ["", "\n\n", " \n\t\n"])
def test_a_queries_file_without_a_query_is_refused(folder, content):
    (folder / "queries.jsonl").write_text(content, encoding="utf-8")
    with pytest.raises(CollectionError, match=r"queries\.jsonl holds no queries"):
        read_beir(folder)


def test_a_table_of_queries_is_read_wherever_it_comes_from(tmp_path):
    table = tmp_path / "topics.tsv"
    table.write_bytes("\ufeffq1\thow far is\ta lamp seen?\r\n\r\n2\twhy does bread rise?".encode())
    assert read_queries(table) == ({"q1": "how far is\ta lamp seen?", "2": "why does bread rise?"}, {})


@pytest.mark.parametrize(
    ("line", "what"),
    [("q2 why does bread rise?", "no tab"), ("q2\t ", "'q2' is empty"), ("q1\tagain", "'q1' was used before")],
)
def test_a_bad_line_of_a_table_of_queries_is_named_by_number(tmp_path, line, what):
    table = tmp_path / "topics.tsv"
    table.write_text(f"q1\thow far is a lamp seen?\n\n{line}\n", encoding="utf-8")
    with pytest.raises(CollectionError, match=rf"topics\.tsv, line 3.*{what}"):
        read_queries(table)


# --- judgments


def test_judgments_in_trecs_four_columns_are_read_too(folder):
    for text in ("q1 0 d1 2\nq1 0 d2 0\n2 0 d2 1\n", "q1\t0\td1\t2\nq1\t0\td2\t0\n2\t0\td2\t1\n"):
        (folder / "qrels" / "test.tsv").write_text(text, encoding="utf-8")
        check_tiny(read_beir(folder))


def test_a_document_judged_twice_for_one_query_is_named(folder):
    (folder / "qrels" / "test.tsv").write_text(QRELS + "q1\td2\t1\n", encoding="utf-8")
    with pytest.raises(CollectionError, match=r"test\.tsv, line 5: document 'd2' stands twice for query 'q1'"):
        read_beir(folder)


def test_a_file_without_judgments_is_refused(folder):
    (folder / "qrels" / "test.tsv").write_text("query-id\tcorpus-id\tscore\n", encoding="utf-8")
    with pytest.raises(CollectionError, match=r"test\.tsv holds no judgments"):
        read_beir(folder)


def test_the_judged_queries_of_a_collection(folder):
    judged = read_beir(folder).judged
    assert judged.asked == {"q1": "how far is a lamp seen?", "2": "why does bread rise?"}
    assert judged.relevance_level == 1
    assert (judged.coverage(["d1", "d2", "3"]).documents, judged.coverage(["d1"]).documents) == (2, 1)
