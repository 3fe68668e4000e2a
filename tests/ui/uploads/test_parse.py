"""Tests of what is kept of uploaded files: their content once it was read, the files where they can be read later."""

from pathlib import Path

import pytest

from retriever.documents.document import TableColumns
from retriever.errors import CollectionError, ColumnError, RetrieverError
from retriever.turns import LAB
from ui.uploads.folder import keep_folder, new_folder
from ui.uploads.parse import ParsedFiles, parse_documents, read_column_names


def report_nothing(stage, done):
    """Ignore the progress."""


@pytest.fixture
def upload():
    folder = new_folder(100, LAB)
    (folder / "a.txt").write_text("words")
    keep_folder(folder)
    return folder / "a.txt"


def test_a_file_stays_if_the_machine_lacks_what_reading_takes_and_goes_if_it_is_bad(upload):
    parsed, short = ParsedFiles(), RetrieverError("too many files")

    def fail(error, cause=None):
        def read():
            raise error from cause

        with pytest.raises(type(error)):
            parsed.get_or_parse([str(upload)], read)

    for error, cause in ((MemoryError(), None), (short, OSError(24, "too many"))):
        fail(error, cause)
        assert upload.exists()
    fail(ColumnError("another column"))
    assert upload.exists(), "the visitor chooses another one"
    fail(CollectionError("bad"))
    assert not upload.exists()


def test_a_column_that_no_table_has_is_refused_and_one_that_some_have_is_read(tmp_path):
    paths = [str(tmp_path / name) for name in ("a.csv", "b.jsonl", "c.txt")]
    for path, text in zip(paths, ("body,head\nOwls,Birds\n", '{"text": "Larks", "n": 1}', "Wrens"), strict=True):
        Path(path).write_text(text)
    assert read_column_names(paths, report_nothing) == ["body", "head", "text", "n"]
    some = parse_documents(paths, TableColumns(("body",), "head"), report_nothing)
    assert [(document.text, document.title) for document in some.documents] == [("Owls", "Birds"), ("Wrens", "")]
    assert 'no column "body"' in some.failed["b.jsonl"]
    with pytest.raises(ColumnError, match='a.csv: There is no column "bdy".*"body", "head".*b.jsonl:.*"text", "n"'):
        parse_documents(paths[:2], TableColumns(("bdy",)), report_nothing)
