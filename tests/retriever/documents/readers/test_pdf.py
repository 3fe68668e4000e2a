"""Reading of PDF files: text, its order and separators, forms, notes, and what is told of what was not read."""

import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from benchmarks.pdf import pdf_of
from retriever.documents.loading import load_documents
from retriever.documents.readers.pdf.reader import _Pages, read_pdf
from retriever.errors import DocumentError
from tests.support.hostile import PAGE, pdf, stream

TURNS = {0: "1 0 0 1 80 700", 90: "0 1 -1 0 100 80", 180: "-1 0 0 -1 500 600", 270: "0 -1 1 0 300 700"}
PICTURE = "q 400 0 0 500 80 80 cm BI /W 1 /H 1 /CS /G /BPC 8 ID \x80 EI Q"
ARABIC_FONT = (
    b"<< /Type /Font /Subtype /Type0 /BaseFont /F /Encoding /Identity-H /DescendantFonts [6 0 R] /ToUnicode 7 0 R >>"
)
GLYPHS = (
    b"<< /Type /Font /Subtype /CIDFontType2 /BaseFont /F /DW 600"
    b" /CIDSystemInfo << /Registry (A) /Ordering (I) /Supplement 0 >> >>"
)


def written(*texts, size=12):
    """Return page content with texts at places, each (x, y, text)."""
    return " ".join(f"BT /F1 {size} Tf {x} {y} Td ({text}) Tj ET" for x, y, text in texts)


def lines(*texts, x=80, y=700):
    return written(*((x, y - 16 * n, text) for n, text in enumerate(texts)))


def page_of(content, entries="", *others, catalog="", info=""):
    """Return a PDF of one page with more entries in its dictionary; others: objects from 7 on."""
    page = PAGE.replace(b"/Type /Page ", f"/Type /Page {entries} ".encode())
    body = stream(content.encode("latin-1"))
    return pdf(page, *others, pages="/Kids [6 0 R] /Count 1", content=body, catalog=catalog, prev=info)


def text_of(data):
    (section,) = read_pdf(data).sections
    return section.text.replace("\r\n", "\n")


def test_a_pdf_gives_one_document_per_page_and_skips_blank_ones(tmp_path):
    (tmp_path / "guide.pdf").write_bytes(pdf_of([["The inter-", "national house", "stands"], [], ["Larks sing"]]))
    documents = load_documents(tmp_path / "guide.pdf")
    assert documents.failed == {} and documents.notes == {}
    assert [(d.doc_id, d.text, d.metadata) for d in documents] == [
        ("guide.pdf#page=1", "The international house\nstands", {"source": "guide.pdf", "page": 1}),
        ("guide.pdf#page=3", "Larks sing", {"source": "guide.pdf", "page": 3}),
    ]


def test_cells_and_rows_stay_apart_in_whatever_order_they_are_drawn():
    cells = [(72, 660, "1987"), (400, 660, "512.75"), (300, 660, "8"), (72, 640, "KELLER"), (400, 640, "9.50")]
    words = text_of(page_of(written(*cells, size=10))).split()
    assert sorted(words) == sorted(text for _, _, text in cells)


@pytest.mark.parametrize("shown", TURNS)
@pytest.mark.parametrize("drawn", TURNS)
def test_turned_text_keeps_its_lines_and_their_order(drawn, shown):
    rows = ["Apples 12,30", "Pears 7,10 and well-", "Plums 3,80", "Nuts 21,00"]
    content = f"BT /F1 12 Tf 16 TL {TURNS[drawn]} Tm " + " ".join(f"({row}) Tj T*" for row in rows) + " ET"
    assert text_of(page_of(content, f"/Rotate {shown}")).replace("-", "-\n").split() == " ".join(rows).split()


def test_text_that_is_turned_beside_upright_text_follows_it():
    side = f"BT /F1 12 Tf 16 TL {TURNS[270]} Tm (first side) Tj T* (second side) Tj T* (third side) Tj ET"
    found = text_of(page_of(f"{side} {lines('upright one', 'upright two')} {lines('upright three', y=600)}"))
    assert found.split("\n") == [
        *("upright one", "upright two", "upright three", "first side", "second side", "third side")
    ]


def test_what_lies_outside_the_page_is_left_out():
    content = written((80, 700, "inside"), (80, 300, "cropped"), (-300, 700, "left"), (80, 900, "trim marks"))
    assert text_of(page_of(content, "/CropBox [0 500 595 842]")) == "inside"


def test_a_line_that_runs_over_the_edge_is_cut_there_and_keeps_its_blanks():
    found = text_of(page_of(written((300, 700, "two words and more that go on beyond")), "/CropBox [200 500 400 842]"))
    assert found.startswith("two words and") and "beyond" not in found


def test_the_letters_of_a_right_to_left_ligature_keep_their_order():
    glyphs = ["م", "لا", "س", " ", "ا", "ل", "ب"]  # as fonts name them: one glyph for lam and alef
    codes = " ".join(f"<{n:04X}> <{glyph.encode('utf-16-be').hex()}>" for n, glyph in enumerate(glyphs, 1))
    cmap = (
        f"begincmap 1 begincodespacerange <0000> <FFFF> endcodespacerange {len(glyphs)} beginbfchar {codes} endbfchar"
    )
    drawn = "".join(f"{n:04X}" for n in (1, 2, 3, 6, 5, 4, 7, 6, 5))  # from left to right
    content = stream(f"BT /F1 12 Tf 50 700 Td <{drawn}> Tj ET".encode())
    assert "سلام" in text_of(pdf(GLYPHS, stream(cmap.encode()), font=ARABIC_FONT, content=content))


@pytest.mark.parametrize(
    ("rows", "expected"),
    [
        (("the develop-", "ment of it"), "the development of it"),
        (("the Anglo-", "Saxon coast"), "the Anglo-Saxon coast"),
        (("THE DEVELOP-", "MENT"), "THE DEVELOPMENT"),
        (("from 1914-", "1918 on"), "from 1914-1918 on"),
        (("an x-", "ray"), "an x-ray"),
        (("a ship-owning firm, ship-", "owning again"), "a ship-owning firm, ship-owning again"),
        (("pre-", "and postwar"), "pre- and postwar"),
        (("a time-", "saving plan"), "a time-saving plan"),
        (("real-", "izing it"), "realizing it"),
        (("his mother-", "in-law, up-to-", "date"), "his mother-in-law, up-to-date"),
        (("a 10-", "year plan"), "a 10-year plan"),
        (("the tide and a mill, a tide-", "mill"), "the tide and a mill, a tide-mill"),
        (("a data base is a database, a data-", "base"), "a data base is a database, a database"),
        (("a dash -", "and more"), "a dash -\nand more"),
    ],
)
def test_hyphens_at_line_ends_go_where_they_only_divide_a_word(rows, expected):
    assert text_of(pdf_of([rows])) == expected


def widget(kind, place, entries):
    left, bottom = place
    rect = f"/Rect [{left} {bottom} {left + 120} {bottom + 16}]"
    return f"<< /Type /Annot /Subtype /Widget /FT /{kind} {rect} /F 4 /DA (/Helv 12 Tf 0 g) {entries} >>".encode()


def form_of(content, *annotations, extra=""):
    """Return a PDF of one page with annotations, and its form if there is one."""
    kids = " ".join(f"{number} 0 R" for number in range(8, 8 + len(annotations)))
    form = f"<< /Fields [{kids}] /NeedAppearances true /DA (/Helv 12 Tf 0 g) {extra} >>".encode()
    is_form = any(b"/Widget" in one for one in annotations)
    return page_of(
        content, f"/Annots [{kids}]", form, *annotations, catalog="/AcroForm 7 0 R" if is_form or extra else ""
    )


def test_form_values_stand_beside_their_labels():
    content = written((80, 700, "Skipper:"), (80, 660, "Harbour:"), (80, 620, "Insured"), (300, 620, "Leased"))
    values = [
        widget("Tx", (200, 657), "/T (b) /V (Kiel)"),
        widget("Tx", (200, 697), "/T (a) /V (Ida Holm)"),
        widget("Tx", (200, 697), "/T (hidden) /V (secret) /F 2"),
        widget("Tx", (200, 697), "/T (word) /V (opensesame) /Ff 8192"),
        b"<< /Type /Annot /Subtype /Widget /FT /Btn /T (c) /V /On /AS /On /Rect [60 618 72 630] /F 4 >>",
        b"<< /Type /Annot /Subtype /Widget /FT /Btn /T (d) /V /Off /AS /Off /Rect [280 618 292 630] /F 4 >>",
        widget("Ch", (80, 580), "/T (e) /Ff 131072 /Opt [[(1) (Small boat)] [(2) (Large boat)]] /V (2)"),
    ]
    expected = "Skipper: Ida Holm\nHarbour: Kiel\n☒ Insured ☐ Leased\nLarge boat"
    assert text_of(form_of(content, *values)) == expected


def test_notes_typed_on_a_page_are_read_and_comments_are_named():
    typed = b"<< /Type /Annot /Subtype /FreeText /Contents (Gate 7 is shut) /Rect [80 600 300 620] /F 4 >>"
    comment = b"<< /Type /Annot /Subtype /Text /Contents (ask Ada) /Rect [300 700 320 720] /F 4 >>"
    over = b"<< /Type /Annot /Subtype /FreeText /Contents (old) /Rect [90 498 110 514] /F 4 >>"
    content = read_pdf(form_of(f"{lines('Site map')} {lines('Legend', y=500)}", typed, comment, over))
    assert content.sections[0].text.split() == "Site map Gate 7 is shut Legend old".split()
    assert content.notes == ["Comments on page 1 were left out: only what stands on the page itself is read."]


def test_pages_that_only_show_a_picture_are_named():
    bodies = [lines("Cover"), PICTURE, "", f"{PICTURE} {lines('4')}", lines("End")]
    objects = []
    for number, body in enumerate(bodies):
        page = PAGE.replace(b"/Contents 4 0 R", b"/Contents %d 0 R" % (7 + 2 * number))
        objects += [page, stream(body.encode("latin-1"))]
    kids = " ".join(f"{6 + 2 * number} 0 R" for number in range(len(bodies)))
    content = read_pdf(pdf(*objects, pages=f"/Kids [{kids}] /Count {len(bodies)}"))
    assert [section.metadata["page"] for section in content.sections] == [1, 4, 5]
    assert list(content.unread) == ["page 2"] and "OCR" in content.unread["page 2"]
    assert len(content.notes) == 1 and "page 4" in content.notes[0] and "OCR" in content.notes[0]


def test_a_damaged_page_does_not_stop_the_others():
    good = PAGE
    content = read_pdf(pdf(good, b"<< /Type /Nothing >>", pages="/Kids [6 0 R 7 0 R] /Count 2"))
    assert [section.text for section in content.sections] == ["Owls hunt at night"]
    assert list(content.unread) == ["page 2"] and "damaged" in content.unread["page 2"]


def test_a_form_that_only_says_to_wait_is_refused_as_what_it_is():
    wait = lines("Please wait...", "If this message is not replaced, your viewer cannot show this document.")
    with pytest.raises(DocumentError, match="XFA form"):
        read_pdf(page_of(wait, "", b"<< /Fields [] /XFA (x) >>", catalog="/AcroForm 7 0 R /NeedsRendering true"))
    filled = form_of(lines("Owner:"), widget("Tx", (200, 697), "/T (a) /V (Ida)"), extra="/XFA (x)")
    assert text_of(filled) == "Owner: Ida"


def test_attached_files_are_named():
    file = b"<< /Type /Filespec /F (a.csv) /UF (a.csv) /EF << /F 8 0 R >> >>"
    names = "/Names << /EmbeddedFiles << /Names [(a.csv) 7 0 R] >> >>"
    content = read_pdf(page_of(lines("Owls"), "", file, stream(b"a,b"), catalog=names))
    assert list(content.unread) == ["attached file"]


def test_pdfium_is_never_used_by_two_threads_at_once(tmp_path, monkeypatch):
    active, counts = [], []

    def read_slowly(data, max_pages):
        active.append(data)
        counts.append(len(active))
        time.sleep(0.01)
        active.pop()
        return _Pages(texts=["text"])

    monkeypatch.setattr("retriever.documents.readers.pdf.reader._read_pages", read_slowly)
    (tmp_path / "a.pdf").write_bytes(b"%PDF-")
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(load_documents, [tmp_path / "a.pdf"] * 8))
    assert counts == [1] * 8
