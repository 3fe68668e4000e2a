"""Reading of collections in BEIR layout, and errors that name the file and the line."""

import gzip
import json

import pytest

from retriever.datasets.beir import read_beir
from retriever.datasets.collection import Collection
from retriever.datasets.query_files import read_queries
from retriever.documents.document import Document
from retriever.errors import CollectionError, PartError

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
        "q1 \t\thow far, and why?\n2\t why does bread rise?\t\n",
    ],
    ids=["spaces", "commas", "semicolons", "tabs with a header", "doubled tabs"],
)
def test_queries_are_read_from_any_table(tmp_path, text):
    (tmp_path / "topics.csv").write_bytes(text.encode())
    assert read_queries(tmp_path / "topics.csv")[0] == {"q1": "how far, and why?", "2": "why does bread rise?"}


# --- what is not needed

BLANK = [{"_id": "train-1", "text": ""}, {"_id": "train-2", "text": None}, {"_id": "train-3"}]
UNJUDGED = "Queries without a text, or with several, that nobody judged, passed over"


def test_queries_that_nobody_judged_may_be_blank_and_are_counted(folder):
    spoilt = [*BLANK, {"_id": "train-4", "text": "a"}, {"_id": "train-4", "text": "b"}, {"_id": "x" * 90, "text": " "}]
    (folder / "queries.jsonl").write_text(lines([*spoilt, *QUERIES, QUERIES[0]]), encoding="utf-8")
    collection = read_beir(folder)
    assert collection.queries == TEXTS
    assert collection.notes == {
        "queries.jsonl": [
            "Queries that stand twice with the same text, counted once: 1 (line 9).",
            f"{UNJUDGED}: 5 (train-1, train-2, train-3, train-4, {'x' * 60}…).",
        ]
    }
    (folder / "queries.jsonl").write_text(lines([*BLANK * 500, *QUERIES]), encoding="utf-8")
    assert read_beir(folder).notes == {"queries.jsonl": [f"{UNJUDGED}: 3 (train-1, train-2, train-3)."]}


@pytest.mark.parametrize("blank", BLANK, ids=["empty", "null", "missing"])
def test_a_blank_query_that_is_judged_is_named(folder, blank):
    (folder / "queries.jsonl").write_text(lines([*QUERIES, blank]), encoding="utf-8")
    for judged in ("train-1", "train-2", "train-3"):
        (folder / "qrels" / "test.tsv").write_text(f"{QRELS}{judged}\td1\t0\n", encoding="utf-8")
        if judged != blank["_id"]:
            assert read_beir(folder).queries == TEXTS
        else:
            with pytest.raises(CollectionError, match=f"queries.jsonl, line 3: the query '{judged}' is empty"):
                read_beir(folder)


def test_what_stands_twice_counts_once_and_is_told(folder):
    (folder / "corpus.jsonl").write_text(lines([*CORPUS, CORPUS[0], CORPUS[2]]), encoding="utf-8")
    (folder / "qrels" / "test.tsv").write_text(f"{QRELS}q1\td1\t2\n", encoding="utf-8")
    collection = read_beir(folder)
    assert [document.doc_id for document in collection.documents] == ["d1", "d2", "3"]
    assert collection.notes == {
        "corpus.jsonl": ["Documents that stand twice, the same in all, counted once: 2 (lines 4 and 5)."],
        "qrels": ["Judgments that stand twice with the same grade, counted once: 1 (line 5)."],
    }


def test_a_document_may_have_a_title_alone(folder):
    (folder / "corpus.jsonl").write_text(lines([*CORPUS, {"_id": "4", "title": "Owls", "text": None}]))
    assert read_beir(folder).documents[-1] == Document("4", "", "Owls", {})


def test_comments_in_tables_are_passed_over_and_ids_may_begin_with_the_same_mark(folder):
    table = folder / "topics.tsv"
    for text in ("# two, by us\nqid\ttext\n#1\ta lamp?\n##\n2\tbread?\n", '"# two, by us",\n#1,a lamp?\n#\n2,bread?\n'):
        table.write_text(text)
        assert read_queries(table)[0] == {"#1": "a lamp?", "2": "bread?"}
    (folder / "queries.jsonl").write_text(lines([{"_id": "#1", "text": "a lamp?"}, *QUERIES]), encoding="utf-8")
    (folder / "qrels" / "test.tsv").write_text(f"{QRELS}#1\td1\t1\n#2\td1\t1\n", encoding="utf-8")
    collection = read_beir(folder)
    assert collection.qrels == {"q1": {"d1": 2, "d2": 0}, "2": {"d2": 1}, "#1": {"d1": 1}}
    assert collection.notes == {"qrels": ["Comments passed over, which begin with #: 1 (line 6)."]}


# --- splits, gzip and encodings


def test_the_split_is_chosen_or_the_first_that_is_usual_and_it_is_told(folder):
    qrels = folder / "qrels"
    for name in ("train", "dev", "odd"):
        (qrels / f"{name}.tsv").write_text(f"q1\td2\t{len(name)}\n")
    (qrels / "._dev.tsv").write_text("x")
    (qrels / "README.md").write_text("x")
    test = read_beir(folder)
    assert test.qrels["q1"] == {"d1": 2, "d2": 0}
    assert test.notes == {"qrels": ["The judgments of the split 'test' are read; there are others: dev, train, odd."]}
    for name in ("train", "dev", "odd"):
        assert read_beir(folder, name).qrels == {"q1": {"d2": len(name)}}
    with pytest.raises(
        PartError, match="tiny holds no judgments of the split 'x'; choose one of: test, dev, train, odd"
    ):
        read_beir(folder, "x")
    for gone, then in (("test", "dev"), ("dev", "train"), ("train", "odd")):
        (qrels / f"{gone}.tsv").unlink()
        found = read_beir(folder)
        assert found.qrels == {"q1": {"d2": len(then)}}
        assert found.notes["qrels"][0].startswith(f"The judgments of the split '{then}' are read")
    (qrels / "strange.tsv").write_text("q1\td2\t1\n")
    with pytest.raises(PartError, match="tiny holds several splits; choose one of: odd, strange"):
        read_beir(folder)


def test_packed_files_and_other_encodings_are_read(folder):
    for name in FILES:
        path = folder / name
        path.with_name(f"{path.name}.gz").write_bytes(gzip.compress(path.read_bytes()))
        path.unlink()
    check_tiny(read_beir(folder))
    for name in FILES:
        text = gzip.decompress((folder / f"{name}.gz").read_bytes()).decode()
        (folder / name).write_bytes(text.encode("utf-16"))
        (folder / f"{name}.gz").unlink()
    check_tiny(read_beir(folder))
    packed = folder / "topics.tsv.gz"
    packed.write_bytes(gzip.compress("q1\twie groß?\n".encode("utf-16-le")))
    assert read_queries(packed)[0] == {"q1": "wie groß?"}
    packed.write_bytes(gzip.compress(lines(QUERIES).encode()))
    assert read_queries(packed)[0] == TEXTS, "JSON lines are known by what they hold"


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
        ("queries.jsonl", lines([QUERIES[0], {"_id": 2, "text": "\n\u2028"}]), "line 2: the query '2' is empty"),
        ("queries.jsonl", lines([*QUERIES, {"_id": 2, "text": None}]), "line 3: the query '2' is empty"),
        ("queries.jsonl", " \n\t\n", "holds no queries"),
        ("qrels/test.tsv", QRELS + "q1\td1\n", "line 5 has 2 columns"),
        ("topics.tsv", "q1\ta lamp?\n\nq2 why does bread rise?\n", "line 3 has no tab"),
        ("topics.tsv", "q1,a lamp?\nq2,why, then?\n", "line 2 has 3 columns; wanted a query id and a text"),
        ("topics.tsv", "q1 a lamp?\nq2\n", "line 2: the query 'q2' is empty"),
        ("topics.tsv", "q1\ta lamp?\nq2\n", "line 2: the query 'q2' is empty"),
        ("topics.tsv", "q1\ta lamp?\n\nq2\t \n", "line 3.*'q2' is empty"),
        ("topics.tsv", "q1\ta lamp?\n\nq1\tagain\n", "line 3.*'q1' was used before"),
    ],
)
def test_what_is_wrong_is_named_with_its_place(folder, name, text, message):
    (folder / name).write_text(text, encoding="utf-8")
    with pytest.raises(CollectionError, match=rf"{name.rpartition('/')[2]}.*{message}"):
        read_queries(folder / name) if name == "topics.tsv" else read_beir(folder)
