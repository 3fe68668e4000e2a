"""Loading of documents from files: every format, every kind of bad file, and the samples."""

import io
import json
import os
import zipfile
from pathlib import Path

import docx
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from benchmarks.pdf import pdf_of
from retriever.documents.document import Document, FileContent, Section
from retriever.documents.loading import (
    ALSO,
    FORMATS,
    READERS,
    LoadedDocuments,
    load_documents,
    read_column_names,
)
from retriever.documents.parts import name_parts
from tests.support.paths import SAMPLES

PNG = b"\x89PNG\r\n\x1a\n" + bytes(range(256))
LOCK = f"/ID [<00> <00>] /Encrypt << /Filter /Standard /V 1 /R 2 /P -4 /O <{'41' * 32}> /U <{'42' * 32}> >> /Root"
SCRIPTS = "Owls 🦉 שלום، مرحبا 日本語と中文，한국어"


def make_zip(**members):
    """Return a ZIP archive; two underscores in a name stand for a slash, one for a dot."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, text in members.items():
            archive.writestr(name.replace("__", "/").replace("_", "."), text)
    return buffer.getvalue()


def make_docx(*paragraphs, document=None):
    """Return a Word document as bytes."""
    buffer, document = io.BytesIO(), document or docx.Document()
    for text in paragraphs:
        document.add_paragraph(text)
    document.save(buffer)
    return buffer.getvalue()


@pytest.fixture(scope="module")
def load(tmp_path_factory):
    """Return a function that writes one file and loads it."""
    folder = tmp_path_factory.mktemp("loading")

    def load(name, content):
        file = folder / name
        file.write_bytes(content if isinstance(content, bytes) else content.encode())
        return load_documents([file])

    return load


def only(documents):
    assert documents.failed == {}
    (document,) = documents
    return document


# --- the formats ---------------------------------------------------------------------------------------------------


def test_text_keeps_its_content_and_its_name(load):
    documents = load("notes.TXT", " first\r\nsecond\rthird \n")
    assert only(documents) == Document("notes.TXT", " first\nsecond\nthird \n", "", {"source": "notes.TXT"})
    assert isinstance(documents, list) and isinstance(documents, LoadedDocuments)
    with pytest.raises(AttributeError):
        documents[0].text = "other"


def test_a_title_that_is_none_is_left_out_but_a_table_says_its_own(load):
    assert only(load("a.html", "<title>Untitled Document</title><p>Owls hunt at night.</p>")).title == ""
    assert only(load("b.md", "# b.md\n\nOwls.")).title == ""
    assert only(load("c.csv", "title,text\nuntitled,Owls\n")).title == "untitled"


# --- encodings -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("a.md", SCRIPTS),
        ("a.html", f"<html><body><p>{SCRIPTS}</p></body></html>"),
        ("a.docx", make_docx(SCRIPTS)),
        ("a.csv", f"text\n{SCRIPTS}\n"),
        ("a.jsonl", json.dumps({"text": SCRIPTS})),
    ],
    ids=lambda value: value if len(value) < 9 else "",
)
def test_all_scripts_in_every_other_format(load, name, content):
    assert only(load(name, content)).text == SCRIPTS


def test_nul_characters_and_lone_surrogates_are_removed(load):
    assert only(load("a.txt", "an owl\0" + " hunts at night" * 9)).text == "an owl" + " hunts at night" * 9
    line = '{"text": "owl \\ud83d", "title": "\\udc00", "_id": "\\ud800", "a": ["\\uDBFF", "\\ud83e\\udd89"]}'
    document = only(load("a.jsonl", line))
    assert document.metadata["a"] == ["\ufffd", "🦉"]
    assert (document.text, document.title, document.doc_id) == ("owl \ufffd", "\ufffd", "\ufffd")


@given(text=st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), min_size=1))
@example(text="\r\n\r")
@example(text="\ufeffmark")
@example(text="\x01\x02\x03 control \ue000\uffff\U0010ffff")
@example(text="a" * 1_000_000)
def test_any_text_comes_back_as_it_was_written(load, text):
    expected = text.removeprefix("\ufeff").replace("\r\n", "\n").replace("\r", "\n")
    documents = load("a.txt", text)
    if expected.strip():
        assert only(documents).text == expected
    else:
        assert not documents and list(documents.failed) == ["a.txt"]


# --- bad files -----------------------------------------------------------------------------------------------------

BAD = {  # name: (content, words of the reason)
    "blank.md": (b" \n\t\n", "empty"),
    "empty.pdf": (b"", "empty"),
    "markup.html": (b"<html><body><script>only()</script></body></html>", "No text"),
    "blank.docx": (make_docx(), "No text"),
    "binary.txt": (bytes(range(256)) * 40, "binary or in an unknown encoding"),
    "truncated.txt": (b"\xff\xfea", "unknown encoding"),
    "picture.txt": (PNG, "a PNG image"),
    "paper.docx": (pdf_of([["text"]]), "a PDF"),
    "text.pdf": (b"only text", "not a PDF"),
    "archive.docx": (make_zip(a_txt="text"), "a ZIP archive"),
    "locked.docx": (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(600), "password-protected"),
    "locked.pdf": (pdf_of([["secret"]]).replace(b"/Root", LOCK.encode()), "encrypted"),
    "scanned.pdf": (pdf_of([[], []]), "OCR"),
    "damaged.pdf": (b"%PDF-1.4\n" + bytes(range(256)) * 9, "damaged"),
    "damaged.docx": (make_docx()[:9000], "damaged"),
    "broken.docx": (make_zip(word__document_xml="<w:docum"), "damaged"),
    "headless.docx": (make_zip(_Content_Types__xml="x", word__x="<"), "damaged"),
    "header.csv": (b"title,text\n,\n", "no rows"),
    "line.jsonl": (b'{"text": \n\n[1]\n', "Line 1 is not JSON"),
    "table.xlsx": (b"text", ".xlsx"),
    "noextension": (b"text", "no extension"),
}


@pytest.mark.parametrize("name", BAD)
def test_a_bad_file_is_reported_and_does_not_stop_the_others(name, tmp_path, capfd):
    content, reason = BAD[name]
    for file, data in (("first.txt", b"one"), (name, content), ("last.txt", b"two")):
        (tmp_path / file).write_bytes(data)
    documents = load_documents([tmp_path / "first.txt", tmp_path / name, tmp_path / "last.txt"])
    assert [d.text for d in documents] == ["one", "two"]
    assert list(documents.failed) == [name]
    assert reason in documents.failed[name] and documents.failed[name].endswith(".")
    assert len(documents.failed[name]) < 300 and str(tmp_path) not in documents.failed[name]
    assert capfd.readouterr() == ("", "")


def raises(error):
    def fail(*_, **__):
        raise error

    return fail


def test_parts_that_are_not_read_and_guesses_are_kept_by_file(tmp_path):
    for name in ("a.txt", "b.txt"):
        (tmp_path / name).write_text(name)
    contents = {
        "a.txt": FileContent([Section("sea")], {"pages 2 and 3": "They hold no text."}, ("The encoding is a guess.",)),
        "b.txt": FileContent([Section("lake")]),
    }
    documents = load_documents(tmp_path, read=lambda path: contents[path.name])
    assert [document.text for document in documents] == ["sea", "lake"]
    assert documents.failed == {"a.txt, pages 2 and 3": "They hold no text."}
    assert documents.notes == {"a.txt": ("The encoding is a guess.",)}


@pytest.mark.parametrize(
    ("numbers", "name"),
    [
        ([2], "page 2"),
        ([2, 3], "pages 2 and 3"),
        ([1, 2, 1300], "pages 1, 2 and 1,300"),
        (list(range(1, 14)), "pages 1, 2, 3, 4, 5, 6, 7, 8, 9, 10 and 3 more"),
    ],
)
def test_parts_are_named_and_many_are_counted(numbers, name):
    assert name_parts("page", numbers) == name


def test_a_parser_that_fails_in_an_unforeseen_way_is_reported_and_a_lack_of_memory_not_called_damage(load, monkeypatch):
    monkeypatch.setitem(READERS, ".txt", raises(ZeroDivisionError("by zero")))
    assert "ZeroDivisionError: by zero" in load("a.txt", "text").failed["a.txt"]
    monkeypatch.setattr("retriever.documents.readers.docx.reader.Package", raises(MemoryError))
    monkeypatch.setattr("retriever.documents.readers.csv_tables._parse_table", raises(MemoryError))
    for name, content in (("a.docx", make_zip(word__document_xml="<a/>")), ("a.csv", "text\nowl\n")):
        assert "more memory than there is" in load(name, content).failed[name]


# --- paths, names and ids ------------------------------------------------------------------------------------------


def test_paths_that_give_no_file(tmp_path):
    assert load_documents([]) == [] and load_documents([]).failed == {}
    os.mkfifo(tmp_path / "pipe.txt")
    (tmp_path / "empty").mkdir()
    failed = load_documents([tmp_path / name for name in ("pipe.txt", "empty", "gone.txt")]).failed
    for name, reason in (("pipe.txt", "regular file"), ("empty", "holds no file"), ("gone.txt", "no such file")):
        assert reason in failed[name]


def test_a_folder_gives_its_accepted_files_sorted_and_a_file_given_twice_is_read_once(tmp_path):
    for name in ("b.txt", "a.md", "picture.png", ".hidden.txt", "~$lock.docx", "c/d.csv"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text("text\nrow\n")
    documents = load_documents(str(tmp_path))
    assert documents.failed == {}
    assert [d.doc_id for d in documents] == ["a.md", "b.txt", "d.csv#row=1"]
    again = load_documents([tmp_path / "b.txt", tmp_path, tmp_path / "." / "b.txt"])
    assert [d.doc_id for d in again] == ["b.txt", "a.md", "d.csv#row=1"]


def test_files_of_the_same_name_get_different_ids(tmp_path):
    files = [tmp_path / place / "notes.txt" for place in ("x", "y/x", "z")]
    for file in files:
        file.parent.mkdir(parents=True)
        file.write_text(str(file.relative_to(tmp_path)))
    documents = load_documents([*files, tmp_path / "w" / "notes.txt"])
    sources = [d.metadata["source"] for d in documents]
    assert sources[1:] == ["y/x/notes.txt", "z/notes.txt"] and sources[0].endswith("/x/notes.txt")
    assert [d.doc_id for d in documents] == sources and list(documents.failed) == ["w/notes.txt"]


def test_extensions_of_the_same_formats_are_read_alike(tmp_path):
    content = {
        ".md": "# Owls\n\nHoot.",
        ".html": "<title>Owls</title><p>Hoot.",
        ".jsonl": '[{"title": "Owls", "text": "Hoot."}]',
    }
    for also, usual in ALSO.items():
        if usual in content:
            (tmp_path / f"owls{also}").write_text(content[usual])
            [document] = load_documents(tmp_path / f"owls{also}")
            assert document.title == "Owls" and document.text.endswith("Hoot.")
            assert usual != ".jsonl" or read_column_names(tmp_path / f"owls{also}") == ["title", "text"]


def test_ids_never_collide(tmp_path):
    for name, ids in (("a.jsonl", ("1", "c.txt")), ("b.jsonl", ("1", "2", "a.jsonl#1"))):
        (tmp_path / name).write_text("\n".join(json.dumps({"id": one, "text": one}) for one in ids))
    (tmp_path / "c.txt").write_text("text")
    documents = load_documents(tmp_path)
    assert [d.doc_id for d in documents] == ["1", "c.txt", "b.jsonl#1", "2", "a.jsonl#1", "c.txt#c.txt"]


# --- the samples ---------------------------------------------------------------------------------------------------


def test_the_samples_cover_every_format_contain_their_facts_and_answer_their_questions():
    samples = load_documents(SAMPLES / "documents")
    assert samples.failed == {}
    sources = {d.doc_id: d.metadata["source"] for d in samples}
    assert {Path(source).suffix for source in sources.values()} == set(FORMATS) - {".tsv"}
    assert len(sources) == len(samples) == 41
    assert all(d.title for d in samples if not d.doc_id.endswith(".txt"))
    texts = {d.doc_id: d.text for d in samples}
    for doc_id, fact in (
        ("tea.txt", "about 75 or 80 degrees Celsius for green tea"),
        ("bicycle.md", "0.75 per cent of wear"),
        ("lighthouses.html", "Augustin-Jean Fresnel"),
        ("lighthouses.html", "is lit for longer than it is dark"),
        ("earthquakes.pdf#page=1", "southern Chile on 22 May 1960"),
        ("earthquakes.pdf#page=2", "Do not run outside"),
        ("honey_bees.docx", "Life span | two to five years"),
        ("household.csv#row=7", "poisonous gas"),
        ("bread-mould", "throw all of it away"),
    ):
        assert fact in texts[doc_id], doc_id
    questions = [json.loads(line)["_id"] for line in (SAMPLES / "questions.jsonl").read_text().splitlines()]
    answers = [line.split("\t") for line in (SAMPLES / "qrels.tsv").read_text().splitlines()[1:]]
    assert [query_id for query_id, _, _ in answers] == questions
    assert len(questions) == len(set(questions)) == 24
    assert {sources[doc_id] for _, doc_id, _ in answers} == set(sources.values())
