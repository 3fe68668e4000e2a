"""Columns of tables that a visitor chooses, and ids, over the formats that have them."""

from functools import partial

import pytest

from retriever.documents.document import Document, TableColumns
from retriever.documents.loading import load_documents, read_column_names, read_file
from retriever.errors import ColumnError, DocumentError

QUESTIONS = b"ID,Question,Answer,Topic\n1,Who hunts?,Owls,night\n2,Who sings?,,dawn\n"
OBJECTS = b'{"_id": "a", "body": "Owls", "head": "Hunters", "n": 3, "text": "x"}\n{"_id": "b", "body": null, "n": [1]}'


@pytest.mark.parametrize(
    ("name", "content", "text", "title", "expected"),
    [
        (
            "q.csv",
            QUESTIONS,
            ["answer"],
            " question ",
            [
                Document("1", "Owls", "Who hunts?", {"source": "q.csv", "row": 1, "Topic": "night"}),
                Document("2", "Who sings?", "Who sings?", {"source": "q.csv", "row": 2, "Topic": "dawn"}),
            ],
        ),
        (
            "q.csv",
            QUESTIONS,
            ["Topic", "Answer"],
            "",
            [
                Document(
                    "1", "Topic: night\nAnswer: Owls", "", {"source": "q.csv", "row": 1, "Question": "Who hunts?"}
                ),
                Document("2", "Topic: dawn", "", {"source": "q.csv", "row": 2, "Question": "Who sings?"}),
            ],
        ),
        (
            "o.jsonl",
            OBJECTS,
            ["body"],
            "head",
            [Document("a", "Owls", "Hunters", {"source": "o.jsonl", "row": 1, "n": 3})],
        ),
        (
            "o.jsonl",
            OBJECTS,
            ["n", "body"],
            "",
            [
                Document("a", "n: 3\nbody: Owls", "", {"source": "o.jsonl", "row": 1, "head": "Hunters"}),
                Document("b", "n: [1]", "", {"source": "o.jsonl", "row": 2}),
            ],
        ),
    ],
)
def test_of_a_table_the_chosen_columns_are_read(tmp_path, name, content, text, title, expected):
    (tmp_path / name).write_bytes(content)
    columns = TableColumns(tuple(text), title)
    assert list(load_documents(tmp_path / name, read=partial(read_file, columns=columns))) == expected


@pytest.mark.parametrize(("name", "content"), [("q.csv", QUESTIONS), ("o.jsonl", OBJECTS)])
@pytest.mark.parametrize("columns", [TableColumns(("body", "bdy")), TableColumns((), "bdy")])
def test_a_column_that_is_not_there_is_refused_with_those_that_are(tmp_path, name, content, columns):
    (tmp_path / name).write_bytes(content.replace(b"Answer", b"body"))
    with pytest.raises(ColumnError, match='no column "bdy".*found: ("ID", "Question", "body"|"_id", "body", "head")'):
        read_file(tmp_path / name, columns=columns)


def test_a_table_tells_its_columns(tmp_path):
    (tmp_path / "q.csv").write_bytes(QUESTIONS.replace(b"Topic", b"Answer").replace(b"ID", b""))
    (tmp_path / "o.jsonl").write_bytes(OBJECTS)
    assert read_column_names(tmp_path / "q.csv") == ["column 1", "Question", "Answer", "Answer 4"]
    assert read_column_names(tmp_path / "o.jsonl") == ["_id", "body", "head", "n", "text"]
    (tmp_path / "a.txt").write_text("text")
    for name in ("a.txt", "gone.csv"):
        with pytest.raises(DocumentError):
            read_column_names(tmp_path / name)
