"""Loading of documents from files: every format, every kind of bad file, and the samples."""

import csv
import io
import json
import os
import tempfile
import time
import zipfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import docx
import pytest
from docx.oxml import parse_xml
from hypothesis import example, given
from hypothesis import strategies as st

from retriever.documents.document import Document
from retriever.documents.loading import ACCEPTED_SUFFIXES, LoadedDocuments, load_documents
from tests.support.paths import SAMPLES

PNG = b"\x89PNG\r\n\x1a\n" + bytes(range(256))
OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(600)


def make_pdf(pages, *, encrypted=False):
    """Return a PDF with one line of text per page; the encrypted one requires an unknown password."""
    count = len(pages)
    kids = " ".join(f"{4 + 2 * n} 0 R" for n in range(count))
    bodies = [
        "<< /Type /Catalog /Pages 2 0 R >>",
        f"<< /Type /Pages /Kids [{kids}] /Count {count} >>",
        "<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>",
    ]
    for n, text in enumerate(pages):
        stream = f"BT /F1 12 Tf 50 700 Td ({text}) Tj ET" if text else ""
        bodies.append(
            f"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] /Contents {5 + 2 * n} 0 R"
            " /Resources << /Font << /F1 3 0 R >> >> >>"
        )
        bodies.append(f"<< /Length {len(stream)} >>\nstream\n{stream}\nendstream")
    out, offsets = b"%PDF-1.4\n", []
    for number, body in enumerate(bodies, 1):
        offsets.append(len(out))
        out += f"{number} 0 obj\n{body}\nendobj\n".encode()
    start = len(out)
    out += f"xref\n0 {len(bodies) + 1}\n0000000000 65535 f \n".encode()
    out += b"".join(f"{offset:010d} 00000 n \n".encode() for offset in offsets)
    encryption = f"/ID [<00> <00>] /Encrypt << /Filter /Standard /V 1 /R 2 /P -4 /O <{'41' * 32}> /U <{'42' * 32}> >>"
    out += f"trailer\n<< /Size {len(bodies) + 1} /Root 1 0 R {encryption if encrypted else ''} >>\n".encode()
    return out + f"startxref\n{start}\n%%EOF\n".encode()


def make_zip(**members):
    """Return a ZIP archive; two underscores in a name stand for a slash, one for a dot."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, text in members.items():
            archive.writestr(name.replace("__", "/").replace("_", "."), text)
    return buffer.getvalue()


def make_docx(document=None):
    """Return a Word document as bytes."""
    buffer = io.BytesIO()
    (document or docx.Document()).save(buffer)
    return buffer.getvalue()


@pytest.fixture
def load(tmp_path):
    """Return a function that writes one file and loads it."""

    def load(name, content):
        file = tmp_path / name
        file.write_bytes(content if isinstance(content, bytes) else content.encode())
        return load_documents([file])

    return load


def only(documents):
    assert documents.failed == {}
    (document,) = documents
    return document


# --- the formats ---------------------------------------------------------------------------------------------------


def test_text_keeps_its_content_and_its_name(load):
    assert only(load("notes.TXT", " first\r\nsecond\rthird \n")) == Document(
        "notes.TXT", " first\nsecond\nthird \n", "", {"source": "notes.TXT"}
    )


def test_documents_are_a_list_and_cannot_be_changed(load):
    documents = load("notes.txt", "one")
    assert isinstance(documents, list) and isinstance(documents, LoadedDocuments)
    with pytest.raises(AttributeError):
        documents[0].text = "other"


@pytest.mark.parametrize(
    ("text", "title"),
    [
        ("intro\n\n## Second level ##\n# First level\n", "Second level"),
        ("```sh\n# not a heading\n```\n# Heading\n", "Heading"),
        ("Underlined\r\n==========\r\ntext", "Underlined"),
        ("no #heading here\n", ""),
    ],
)
def test_markdown_title_is_the_first_heading(load, text, title):
    document = only(load("a.md", text))
    assert (document.title, document.text) == (title, text.replace("\r\n", "\n"))


@pytest.mark.parametrize(
    "page",
    [
        "<html><head><title>A  page</title><style>p{color:red}</style></head><body><h1>Other</h1><p>Owls hunt at night."
        "</p><table><tr><td>Wings</td><td>two</td></tr></table><script>var evil = 1</script></body></html>",
        "<title>A page</title><p>Owls hunt at night. Wings: two</p><script>evil()</script><style>.evil{}</style>",
        '<?xml version="1.0" encoding="utf-8"?><html xmlns="http://www.w3.org/1999/xhtml"><head><title>A page</title>'
        "</head><body><p>Owls hunt at night on silent wings, two of them.</p></body></html>",
    ],
)
def test_html_gives_text_and_title_but_no_scripts_or_styles(load, page):
    document = only(load("a.htm", page))
    assert document.title == "A page"
    assert "Owls hunt at night" in document.text and "two" in document.text
    assert "evil" not in document.text and "color" not in document.text and "<" not in document.text


def test_html_in_a_declared_encoding(load):
    page = '<html><head><meta charset="iso-8859-7"><title>Καλημέρα</title></head><body><p>γλαύκα</p></body></html>'
    document = only(load("a.html", page.encode("iso-8859-7")))
    assert (document.title, document.text) == ("Καλημέρα", "γλαύκα")
    wrong = "<html><head><meta charset='nonsense'></head><body><p>Une chouette dort là-haut.</p></body></html>"
    assert "là-haut" in only(load("b.html", wrong.encode("cp1252"))).text


def test_pdf_gives_one_document_per_page_and_skips_empty_ones(load):
    documents = load("guide.pdf", make_pdf(["Owls hunt at night", "", "Larks sing at dawn"]))
    assert documents.failed == {}
    assert [(d.doc_id, d.text, d.metadata) for d in documents] == [
        ("guide.pdf#page=1", "Owls hunt at night", {"source": "guide.pdf", "page": 1}),
        ("guide.pdf#page=3", "Larks sing at dawn", {"source": "guide.pdf", "page": 3}),
    ]


def test_a_word_divided_at_the_end_of_a_line_is_joined(load):
    page = "The inter-) Tj 0 -14 Td (national house) Tj 0 -14 Td (stands"
    assert only(load("a.pdf", make_pdf([page]))).text == "The international house\nstands"


def test_pdfium_is_never_used_by_two_threads_at_once(tmp_path, monkeypatch):
    active, counts = [], []

    def read_slowly(data, max_pages):
        active.append(data)
        counts.append(len(active))
        time.sleep(0.01)
        active.pop()
        return "", ["text"]

    monkeypatch.setattr("retriever.documents.readers.pdf._read_pages", read_slowly)
    (tmp_path / "a.pdf").write_bytes(make_pdf(["text"]))
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(load_documents, [tmp_path / "a.pdf"] * 8))
    assert counts == [1] * 8


def test_docx_keeps_paragraphs_and_tables_in_order(load):
    document = docx.Document()
    document.add_paragraph("Before the table.")
    document.add_heading("Owls", 1)
    table = document.add_table(rows=2, cols=2)
    for cell, text in zip(table._cells, ("Name", "Wing\nspan", "Barn owl", "85 cm"), strict=True):
        cell.text = text
    table.cell(1, 0).add_table(rows=1, cols=1).cell(0, 0).text = "nested"
    document.add_paragraph("After\tthe table.")
    found = only(load("owls.docx", make_docx(document)))
    assert found.title == "Owls"
    assert found.text == ("Before the table.\n\nOwls\n\nName | Wing span\nBarn owl nested | 85 cm\n\nAfter\tthe table.")


def test_docx_reads_insertions_and_content_controls_but_nothing_deleted(load):
    namespace = 'xmlns:w="http://schemas.openxmlformats.org/wordprocessingml/2006/main"'
    document = docx.Document()
    document.element.body.insert(
        0,
        parse_xml(
            f"<w:p {namespace}><w:ins><w:r><w:t>kept </w:t></w:r></w:ins><w:del><w:r><w:delText>gone</w:delText></w:r>"
            "</w:del><w:r><w:instrText>FIELD</w:instrText></w:r><w:r><w:t>too</w:t></w:r></w:p>"
        ),
    )
    document.element.body.insert(
        1,
        parse_xml(f"<w:sdt {namespace}><w:sdtContent><w:p><w:r><w:t>inside</w:t></w:r></w:p></w:sdtContent></w:sdt>"),
    )
    assert only(load("a.docx", make_docx(document))).text == "kept too\n\ninside"


def test_csv_with_a_text_column(load):
    documents = load("t.csv", 'ID,Title,Text,colour,row\nx1,Barn owl,"hunts, at\nnight",white,9\n\n,,larks sing,,\n')
    assert documents.failed == {}
    assert list(documents) == [
        Document("x1", "hunts, at\nnight", "Barn owl", {"source": "t.csv", "row": 1, "colour": "white", "row_": "9"}),
        Document("t.csv#row=3", "larks sing", "", {"source": "t.csv", "row": 3, "colour": "", "row_": ""}),
    ]


def test_csv_without_a_text_column_gives_all_columns(load):
    documents = load("t.csv", "bird,,bird\nowl,white,\n")
    assert only(documents) == Document("t.csv#row=1", "bird: owl\ncolumn 2: white", "", {"source": "t.csv", "row": 1})


@pytest.mark.parametrize("mark", [",", ";", "\t", "|"])
def test_csv_delimiters(load, mark):
    rows = [["name", "text"], ["owl", "hunts, at; night | quietly"], ["lark", "sings"], ["wren", "is, small"]]
    buffer = io.StringIO()
    csv.writer(buffer, delimiter=mark).writerows(rows)
    documents = load("t.csv", buffer.getvalue())
    assert [(d.metadata["name"], d.text) for d in documents] == [tuple(row) for row in rows[1:]]


def test_csv_of_one_column_keeps_unquoted_commas(load):
    assert [d.text for d in load("t.csv", "text\nowls, larks, wrens\nfinches\n")] == ["owls, larks, wrens", "finches"]


def test_csv_takes_a_field_of_a_megabyte_and_leaves_the_limit_as_it_was(load):
    limit = csv.field_size_limit()
    assert len(only(load("t.csv", "text\n" + "a" * 1_000_000 + "\n")).text) == 1_000_000
    assert csv.field_size_limit() == limit


def test_jsonl(load):
    lines = [
        {"_id": "a", "id": 7, "title": "Owl", "text": "hunts", "metadata": {"colour": "white", "source": "book"}},
        {"id": 8, "text": "sings\u2028high", "year": 1999},
        {"text": "flies", "title": None, "metadata": None},
        {"text": "  "},
    ]
    content = "\ufeff" + "\n\n".join(json.dumps(line, ensure_ascii=False) for line in lines)
    documents = load("b.jsonl", content)
    assert documents.failed == {}
    assert list(documents) == [
        Document("a", "hunts", "Owl", {"source": "b.jsonl", "row": 1, "colour": "white", "source_": "book"}),
        Document("8", "sings\u2028high", "", {"source": "b.jsonl", "row": 3, "year": 1999}),
        Document("b.jsonl#row=5", "flies", "", {"source": "b.jsonl", "row": 5}),
    ]


# --- encodings -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("encoding", "text"),
    [
        ("utf-8-sig", "Owls 🦉 hunt"),
        ("utf-16", "Совы охотятся 🦉"),
        ("utf-32", "Owls hunt"),
        ("utf-16-le", "Owls hunt at night"),
        ("utf-16-be", "Совы охотятся ночью. Жаворонки поют утром."),
        ("cp1252", "Le café est fermé à midi, l'été; où êtes-vous allé — « déjà vu »?"),
        ("cp1252", "It costs £5 “quoted” – fine"),
        ("latin-1", "Die Größe der Straße überrascht die Bürger in München."),
        ("cp1250", "Zażółć gęślą jaźń. Wczoraj był piękny dzień, poszliśmy na spacer."),
        ("cp1251", "Привет, как дела? Сегодня хорошая погода в Москве."),
        ("koi8-r", "Привет, как дела? Сегодня хорошая погода в Москве."),
        ("shift_jis", "日本語のテキストです。これは試験です。漢字とかな。"),
        ("gb18030", "今天天气很好,我们去公园散步吧。图书馆在左边。"),
        ("big5", "今天天氣很好,我們去公園散步吧。"),
        ("euc-kr", "오늘은 날씨가 좋습니다. 공원에 갑시다."),
        ("cp1256", "مرحبا كيف حالك اليوم الطقس جميل"),
    ],
)
def test_encodings(load, encoding, text):
    assert only(load("a.txt", text.encode(encoding))).text == text


@pytest.mark.parametrize(
    "text",
    [
        "🦉👩‍🚀🏳️‍🌈",
        "שלום עולם، مرحبا بالعالم",
        "日本語と中文，한국어",
        "a" * 1_000_000,
        "\ue000\uffff\U0010ffff",
        "e\u0301",
    ],
)
@pytest.mark.parametrize("suffix", [".txt", ".md"])
def test_all_scripts_pass_unchanged(load, text, suffix):
    assert only(load("a" + suffix, text)).text == text


def test_scripts_in_every_other_format(load):
    text = "Owls 🦉 שלום مرحبا 日本語"
    word = docx.Document()
    word.add_paragraph(text)
    assert only(load("a.html", f"<html><body><p>{text}</p></body></html>")).text == text
    assert only(load("a.docx", make_docx(word))).text == text
    assert only(load("a.csv", f"text\n{text}\n")).text == text
    assert only(load("a.jsonl", json.dumps({"text": text}))).text == text


def test_nul_characters_and_lone_surrogates_are_removed(load):
    assert only(load("a.txt", "an owl\0" + " hunts at night" * 9)).text == "an owl" + " hunts at night" * 9
    document = only(
        load(
            "a.jsonl",
            '{"text": "owl \\ud83d", "title": "\\udc00", "_id": "\\ud800", "a": ["\\uDBFF", "\\ud83e\\udd89"]}',
        )
    )
    assert document.metadata["a"] == ["\ufffd", "🦉"]
    assert (document.text, document.title, document.doc_id) == ("owl \ufffd", "\ufffd", "\ufffd")


@given(st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), min_size=1))
@example("\r\n\r")
@example("\ufeffmark")
@example("\x01\x02\x03 control")
def test_any_text_comes_back_as_it_was_written(text):
    expected = text.removeprefix("\ufeff").replace("\r\n", "\n").replace("\r", "\n")
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder, "a.txt")
        file.write_bytes(text.encode())
        documents = load_documents(file)
    if expected.strip():
        assert only(documents).text == expected
    else:
        assert not documents and list(documents.failed) == ["a.txt"]


# --- bad files -----------------------------------------------------------------------------------------------------

BAD = {  # name: (content, words of the reason)
    "empty.txt": (b"", "empty"),
    "blank.md": (b" \n\t\n", "empty"),
    "blank16.txt": (" \n ".encode("utf-16"), "No text"),
    "empty.pdf": (b"", "empty"),
    "empty.docx": (b"", "empty"),
    "markup.html": (b"<html><body><script>only()</script></body></html>", "No text"),
    "deep.html": (b"<div>" * 100_000, "No text"),
    "blank.docx": (make_docx(), "No text"),
    "binary.txt": (bytes(range(256)) * 40, "binary or in an unknown encoding"),
    "random.csv": (bytes(n * n * 7919 % 251 for n in range(5000)), "unknown encoding"),
    "truncated.txt": (b"\xff\xfea", "unknown encoding"),
    "picture.txt": (PNG, "a PNG image"),
    "picture.pdf": (PNG, "a PNG image"),
    "picture.html": (PNG, "a PNG image"),
    "paper.txt": (make_pdf(["text"]), "a PDF"),
    "paper.docx": (make_pdf(["text"]), "a PDF"),
    "letter.pdf": (make_docx(), "a Word document"),
    "letter.jsonl": (make_docx(), "a Word document"),
    "text.pdf": (b"only text", "not a PDF"),
    "text.docx": (b"only text", "no ZIP archive"),
    "archive.docx": (make_zip(a_txt="text"), "a ZIP archive"),
    "sheet.docx": (make_zip(xl__workbook_xml="<a/>"), "an Excel workbook"),
    "locked.docx": (OLE, "password-protected"),
    "locked.pdf": (make_pdf(["secret"], encrypted=True), "encrypted"),
    "scanned.pdf": (make_pdf(["", ""]), "OCR"),
    "damaged.pdf": (b"%PDF-1.4\n" + bytes(range(256)) * 9, "damaged"),
    "damaged.docx": (make_docx()[:9000], "damaged"),
    "broken.docx": (make_zip(word__document_xml="<w:docum"), "damaged"),
    "headless.docx": (make_zip(_Content_Types__xml="x", word__x="<"), "damaged"),
    "header.csv": (b"title,text\n", "no rows"),
    "blank.csv": (b"title,text\na,\nb,\n", "no rows"),
    "quote.csv": (b'title,text\na,b\nc,"never closed\nd,e\n', "breaks off at line 4"),
    "twice.csv": (b"id,text\n1,a\n2,b\n1,c\n", '"1" of row 3 was already given in row 1'),
    "line.jsonl": (b'{"text": "a"}\n\n{"text": \n{"text": "b"}\n', "Line 3 is not JSON"),
    "nested.jsonl": (b'{"text": "a"}\n' + b"[" * 200_000 + b"\n", "Line 2 is nested too deeply"),
    "list.jsonl": (b'["text"]', "Line 1 holds the type list"),
    "notext.jsonl": (b'{"text": "a"}\n{"body": "b"}\n', 'Line 2 has no "text"'),
    "number.jsonl": (b'{"text": 5}', 'Line 1 has the type int as "text"'),
    "title.jsonl": (b'{"text": "a", "title": ["b"]}', 'as "title"'),
    "metadata.jsonl": (b'{"text": "a", "metadata": "b"}', 'as "metadata"'),
    "id.jsonl": (b'{"text": "a", "_id": {}}', "as its id"),
    "digits.jsonl": (b'{"text": "a", "n": ' + b"9" * 10_000 + b"}", "Line 1"),
    "twice.jsonl": (
        b'{"id": 1, "text": "a"}\n\n{"id": "1", "text": "b"}\n',
        '"1" of line 3 was already given in line 1',
    ),
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


def test_a_word_file_that_unpacks_to_gigabytes_is_refused(load, monkeypatch):
    monkeypatch.setattr("retriever.documents.readers.docx.MAX_UNPACKED", 1000)
    assert "unpacks to" in load("a.docx", make_docx()).failed["a.docx"]


def test_a_parser_that_fails_in_an_unforeseen_way_is_reported(load, monkeypatch):
    def fail(data):
        raise ZeroDivisionError("by zero")

    monkeypatch.setitem(load_documents.__globals__["READERS"], ".txt", fail)
    assert "ZeroDivisionError: by zero" in load("a.txt", "text").failed["a.txt"]


@pytest.mark.parametrize("name", ["a.docx", "a.csv"])
def test_a_lack_of_memory_is_not_called_damage(load, monkeypatch, name):
    def fail(*_, **__):
        raise MemoryError

    monkeypatch.setattr(
        "docx.Document" if name == "a.docx" else "retriever.documents.readers.tabular._parse_table", fail
    )
    content = make_zip(word__document_xml="<a/>") if name == "a.docx" else "text\nowl\n"
    assert "more memory than there is" in load(name, content).failed[name]


def test_a_missing_file_is_reported(tmp_path):
    (tmp_path / "there.txt").write_text("text")
    documents = load_documents([tmp_path / "gone.txt", tmp_path / "there.txt"])
    assert len(documents) == 1 and "no such file" in documents.failed["gone.txt"]


def test_a_pipe_is_not_waited_for(tmp_path):
    os.mkfifo(tmp_path / "pipe.txt")
    assert "regular file" in load_documents(tmp_path / "pipe.txt").failed["pipe.txt"]


# --- paths, names and ids ------------------------------------------------------------------------------------------


def test_nothing_gives_nothing():
    assert load_documents([]) == [] and load_documents([]).failed == {}


def test_a_single_path_needs_no_list(tmp_path):
    (tmp_path / "a.txt").write_text("text")
    assert only(load_documents(str(tmp_path / "a.txt"))) == only(load_documents(tmp_path / "a.txt"))


def test_a_folder_gives_its_accepted_files_sorted(tmp_path):
    for name in ("b.txt", "a.md", "picture.png", ".hidden.txt", "~$lock.docx", "c/d.csv"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text("text\nrow\n")
    documents = load_documents(tmp_path)
    assert documents.failed == {}
    assert [d.doc_id for d in documents] == ["a.md", "b.txt", "d.csv#row=1"]
    (tmp_path / "empty").mkdir()
    assert "holds no file" in load_documents([tmp_path / "empty"]).failed["empty"]


def test_order_follows_the_paths_and_a_file_given_twice_is_read_once(tmp_path):
    files = [tmp_path / name for name in ("b.txt", "a.txt")]
    for file in files:
        file.write_text(file.name)
    assert [d.text for d in load_documents([*files, files[0], tmp_path / "." / "b.txt"])] == ["b.txt", "a.txt"]


def test_files_of_the_same_name_get_different_ids(tmp_path):
    files = [tmp_path / place / "notes.txt" for place in ("x", "y/x", "z")]
    for file in files:
        file.parent.mkdir(parents=True)
        file.write_text(str(file.relative_to(tmp_path)))
    documents = load_documents([*files, tmp_path / "w" / "notes.txt"])
    sources = [d.metadata["source"] for d in documents]
    assert sources[1:] == ["y/x/notes.txt", "z/notes.txt"] and sources[0].endswith("/x/notes.txt")
    assert [d.doc_id for d in documents] == sources and list(documents.failed) == ["w/notes.txt"]


def test_ids_never_collide(tmp_path):
    for name, ids in (("a.jsonl", ("1", "c.txt")), ("b.jsonl", ("1", "2", "a.jsonl#1"))):
        (tmp_path / name).write_text("\n".join(json.dumps({"id": one, "text": one}) for one in ids))
    (tmp_path / "c.txt").write_text("text")
    documents = load_documents(tmp_path)
    assert [d.doc_id for d in documents] == ["1", "c.txt", "b.jsonl#1", "2", "a.jsonl#1", "c.txt#c.txt"]


# --- the samples ---------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def samples():
    return load_documents(SAMPLES / "documents")


def test_samples_load_and_cover_every_format(samples):
    assert samples.failed == {}
    found = {Path(d.metadata["source"]).suffix for d in samples}
    assert found == set(ACCEPTED_SUFFIXES) - {".htm"}
    assert len({d.doc_id for d in samples}) == len(samples) == 41
    assert all(d.title for d in samples if not d.doc_id.endswith(".txt"))


@pytest.mark.parametrize(
    ("doc_id", "fact"),
    [
        ("tea.txt", "about 75 or 80 degrees Celsius for green tea"),
        ("bicycle.md", "0.75 per cent of wear"),
        ("lighthouses.html", "Augustin-Jean Fresnel"),
        ("lighthouses.html", "is lit for longer than it is dark"),
        ("earthquakes.pdf#page=1", "southern Chile on 22 May 1960"),
        ("earthquakes.pdf#page=2", "Do not run outside"),
        ("honey_bees.docx", "Life span | two to five years"),
        ("honey_bees.docx", "Karl von Frisch"),
        ("household.csv#row=7", "poisonous gas"),
        ("bread-mould", "throw all of it away"),
    ],
)
def test_samples_contain_their_facts(samples, doc_id, fact):
    assert fact in {d.doc_id: d.text for d in samples}[doc_id]


def test_sample_questions_name_documents_that_exist(samples):
    questions = [json.loads(line)["_id"] for line in (SAMPLES / "questions.jsonl").read_text().splitlines()]
    answers = [line.split("\t") for line in (SAMPLES / "qrels.tsv").read_text().splitlines()[1:]]
    assert len(questions) == len(set(questions)) == 24
    assert [query_id for query_id, _, _ in answers] == questions
    ids = {d.doc_id for d in samples}
    assert [doc_id for _, doc_id, _ in answers if doc_id not in ids] == []
    sources = {d.doc_id: d.metadata["source"] for d in samples}
    assert {sources[doc_id] for _, doc_id, _ in answers} == set(sources.values())
