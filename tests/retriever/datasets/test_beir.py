"""Reading of collections in BEIR layout, and errors that name the file and the line."""

import json

import pytest

from retriever.datasets.beir import read_beir, read_queries
from retriever.datasets.collection import Collection
from retriever.documents.document import Document
from retriever.errors import CollectionError

LAMPS = {"title": "Lamps", "text": "A small lamp is seen far out at sea.", "metadata": {"url": "x"}, "year": 1822}
CORPUS = [
    {"_id": "d1", **LAMPS},
    {"_id": "d2", "title": "", "text": "Wild yeast makes bread rise."},
    {"_id": 3, "text": "日本語 naïve \u2028 😀"},
]
QUERIES = [{"_id": "q1", "text": "how far is a lamp seen?"}, {"_id": 2, "text": "why does bread rise?", "metadata": {}}]
TEXTS = {"q1": "how far is a lamp seen?", "2": "why does bread rise?"}
QRELS = "query-id\tcorpus-id\tscore\nq1\td1\t2\nq1\td2\t0\n2\td2\t1\n"
FILES = ("corpus.jsonl", "queries.jsonl", "qrels/test.tsv")


def lines(rows):
    return "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)


@pytest.fixture
def folder(tmp_path):
    made = tmp_path / "tiny"
    (made / "qrels").mkdir(parents=True)
    for name, text in zip(FILES, (lines(CORPUS), lines(QUERIES), QRELS), strict=True):
        (made / name).write_text(text, encoding="utf-8")
    return made


def check_tiny(collection):
    assert isinstance(collection, Collection)
    assert (collection.name, collection.queries, collection.kinds) == ("tiny", TEXTS, {})
    assert list(collection.documents) == [
        Document("d1", CORPUS[0]["text"], "Lamps", {"metadata": {"url": "x"}, "year": 1822}),
        Document("d2", CORPUS[1]["text"], "", {}),
        Document("3", CORPUS[2]["text"], "", {}),
    ]
    assert collection.qrels == {"q1": {"d1": 2, "d2": 0}, "2": {"d2": 1}}
    passages = [collection.passage(document) for document in collection.documents]
    assert passages == ["Lamps A small lamp is seen far out at sea.", CORPUS[1]["text"], CORPUS[2]["text"]]
    assert collection.judged.asked == TEXTS
    assert collection.judged.relevance_level == 1


def test_a_beir_folder_is_read(folder):
    check_tiny(read_beir(str(folder)))
    for name in FILES:  # byte order marks, blank lines and Windows line ends do no harm
        text = (folder / name).read_text(encoding="utf-8").replace("\n", "\r\n\r\n")
        (folder / name).write_bytes(b"\xef\xbb\xbf" + text.encode())
    check_tiny(read_beir(folder))


def test_quotes_and_odd_spaces_in_judgments_are_part_of_the_id(folder):
    (folder / "qrels" / "test.tsv").write_text('h\th\ts\n"q1\td\x0b1\u2028\t1\n', encoding="utf-8")
    assert read_beir(folder).qrels == {'"q1': {"d\x0b1\u2028": 1}}


def test_the_kind_of_a_query_is_read_from_its_metadata(folder):
    metadata = [{"kind": "fact", "url": "x"}, {"kind": "term"}, None, {}, {"kind": 3}, ["kind"], "kind"]
    rows = [{"_id": f"q{number}", "text": "a lamp?", "metadata": each} for number, each in enumerate(metadata)]
    (folder / "queries.jsonl").write_text(lines(rows), encoding="utf-8")
    (folder / "qrels" / "test.tsv").write_text("q0\td1\t1\n", encoding="utf-8")
    collection = read_beir(folder)
    assert collection.kinds == collection.judged.kinds == {"q0": "fact", "q1": "term"}
    assert len(collection.queries) == len(rows)


def test_a_table_of_queries_is_read_wherever_it_comes_from(tmp_path):
    table = tmp_path / "topics.tsv"
    table.write_bytes("\ufeffq1\thow far is\ta lamp seen?\r\n\r\n2\twhy does bread rise?".encode())
    assert read_queries(table) == ({"q1": "how far is\ta lamp seen?", "2": "why does bread rise?"}, {})


@pytest.mark.parametrize(
    "text",
    [
        "q1 how far, and why?\r\n2  why does bread rise?\n",
        'query-id,text\nq1,"how far, and why?"\n2,why does bread rise?\n',
        '\ufeff"_id";"text"\r\n"q1";how far, and why?\r\n\r\n2;"why does bread rise?"',
        "qid\ttext\nq1\thow far, and why?\n2\twhy does bread rise?\n",
    ],
    ids=["spaces", "commas", "semicolons", "tabs with a header"],
)
def test_queries_are_read_from_any_table(tmp_path, text):
    (tmp_path / "topics.csv").write_bytes(text.encode())
    assert read_queries(tmp_path / "topics.csv")[0] == {"q1": "how far, and why?", "2": "why does bread rise?"}


# --- errors


@pytest.mark.parametrize("name", FILES)
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
    "half a line": ('{"_id": "x", "text": "broken', "is not JSON"),
    "deep": ("[" * 100_000, "is not JSON"),
    "no object": ('["x", "text"]', "is not an object"),
    "no id": ('{"text": "a"}', "has no _id"),
    "a list as id": ('{"_id": ["x"], "text": "a"}', "has no _id"),
    "true as id": ('{"_id": true, "text": "a"}', "has no _id"),
    "null as text": ('{"_id": "x", "text": null}', "has no text"),
}


@pytest.mark.parametrize("name", ["corpus.jsonl", "queries.jsonl"])
@pytest.mark.parametrize(("bad", "what"), BAD_LINES.values(), ids=BAD_LINES.keys())
def test_a_bad_line_is_named_by_file_and_number(folder, name, bad, what):
    first, rest = (folder / name).read_text(encoding="utf-8").split("\n", 1)
    (folder / name).write_text(f"{first}\n\n{bad}\n{rest}", encoding="utf-8")
    with pytest.raises(CollectionError, match=f"{name}, line 3 {what}"):
        read_beir(folder)


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("corpus.jsonl", lines([*CORPUS, {"_id": "3", "text": "again"}]), "line 4: the _id '3' was used .*unique"),
        ("queries.jsonl", lines([*QUERIES, {"_id": "2", "text": "again"}]), "line 3: the _id '2' was used .*unique"),
        ("queries.jsonl", lines([QUERIES[0], {"_id": "q9", "text": "\n\u2028"}]), "line 2: the query 'q9' is empty"),
        ("queries.jsonl", " \n\t\n", "holds no queries"),
        ("qrels/test.tsv", QRELS + "q1\td1\n", "line 5 has 2 columns"),
        ("topics.tsv", "q1\ta lamp?\n\nq2 why does bread rise?\n", "line 3 has no tab"),
        ("topics.tsv", "q1,a lamp?\nq2,why, then?\n", "line 2 has 3 columns; wanted a query id and a text"),
        ("topics.tsv", "q1 a lamp?\nq2\n", "line 2 has no space"),
        ("topics.tsv", "q1\ta lamp?\n\nq2\t \n", "line 3.*'q2' is empty"),
        ("topics.tsv", "q1\ta lamp?\n\nq1\tagain\n", "line 3.*'q1' was used before"),
    ],
)
def test_what_is_wrong_is_named_with_its_place(folder, name, text, message):
    (folder / name).write_text(text, encoding="utf-8")
    with pytest.raises(CollectionError, match=rf"{name.rpartition('/')[2]}.*{message}"):
        read_queries(folder / name) if name == "topics.tsv" else read_beir(folder)
