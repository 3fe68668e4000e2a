"""Collections in BEIR layout: read, or refused by file and line."""

import json

import pytest

from retriever.beir import read_beir, title_and_text
from retriever.collection import Collection
from retriever.documents import Document
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
