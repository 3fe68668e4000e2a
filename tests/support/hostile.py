"""Malicious files, each written here byte by byte: PDF, Word, HTML, and tables."""

import io
import struct
import zipfile
import zlib

DEEP = 100_000
WORD = "http://schemas.openxmlformats.org/wordprocessingml/2006/main"
RELATIONS = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
PACKAGE = "http://schemas.openxmlformats.org/package/2006"
LAUGHS = "<!ENTITY l0 'ha'>" + "".join("<!ENTITY l%d '%s'>" % (n, f"&l{n - 1};" * 10) for n in range(1, 12))
# &l11; stands for 10 to the 11th times "ha"


# --- PDF -----------------------------------------------------------------------------------------------------------


def stream(content, entries=""):
    return f"<< /Length {len(content)} {entries} >>\nstream\n".encode() + content + b"\nendstream"


def deflated(content, entries=""):
    return stream(zlib.compress(content, 1), f"/Filter /FlateDecode {entries}")


def page(contents="4 0 R", resources="", extra=""):
    return (
        f"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] /Contents {contents} {extra}"
        f" /Resources << /Font << /F1 5 0 R >> {resources} >> >>"
    ).encode()


TEXT = b"BT /F1 12 Tf 50 700 Td (Owls hunt at night) Tj ET"
FONT = b"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>"


def pdf(*others, catalog="", pages="/Kids [3 0 R] /Count 1", first=None, content=None, font=FONT, prev="", tail=None):
    """Write a PDF of one page by hand: 1 catalog, 2 page tree, 3 page, 4 its content, 5 font, others from 6 on."""
    bodies = [
        f"<< /Type /Catalog /Pages 2 0 R {catalog} >>".encode(),
        f"<< /Type /Pages {pages} >>".encode(),
        first or page(),
        content or stream(TEXT),
        font,
        *others,
    ]
    out, offsets = b"%PDF-1.7\n", []
    for number, body in enumerate(bodies, 1):
        offsets.append(len(out))
        out += f"{number} 0 obj\n".encode() + body + b"\nendobj\n"
    start = len(out)
    out += f"xref\n0 {len(bodies) + 1}\n0000000000 65535 f \n".encode()
    out += b"".join(f"{offset:010d} 00000 n \n".encode() for offset in offsets)
    prev = prev.format(start=start)
    out += f"trailer\n<< /Size {len(bodies) + 1} /Root 1 0 R {prev} >>\nstartxref\n{start}\n%%EOF\n".encode()
    return out


def xref_stream(prev="{start}", size=7, objects=b"", root="1 0 R", index=""):
    """Write a PDF whose cross-reference table is a stream that names an earlier one: itself, by default."""
    bodies = [
        b"<< /Type /Catalog /Pages 2 0 R >>",
        b"<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
        page(),
        stream(TEXT),
        FONT,
    ]
    out, rows = b"%PDF-1.7\n", [struct.pack(">BIH", 0, 0, 65535)]
    for number, body in enumerate(bodies, 1):
        rows.append(struct.pack(">BIH", 1, len(out), 0))
        out += f"{number} 0 obj\n".encode() + body + b"\nendobj\n"
    start = len(out)
    rows.append(struct.pack(">BIH", 1, start, 0))
    entries = f"/Type /XRef /Size {size} /W [1 4 2] /Root {root} /Prev {prev.format(start=start)} {index}"
    out += b"6 0 obj\n" + deflated(b"".join(rows), entries) + b"\nendobj\n"
    return out + f"startxref\n{start}\n%%EOF\n".encode()


def object_stream(content, entries):
    """Write a PDF whose page tree is said to be in an object stream."""
    head = b"1 0 obj\n<< /Type /Catalog /Pages 2 0 R >>\nendobj\n"
    out = b"%PDF-1.7\n"
    offsets = {1: len(out)}
    out += head
    offsets[3] = len(out)
    out += b"3 0 obj\n" + deflated(content, f"/Type /ObjStm {entries}") + b"\nendobj\n"
    start = len(out)
    rows = [(0, 0, 65535), (1, offsets[1], 0), (2, 3, 0), (1, offsets[3], 0), (1, start, 0)]
    table = b"".join(struct.pack(">BIH", *row) for row in rows)
    out += b"4 0 obj\n" + deflated(table, "/Type /XRef /Size 5 /W [1 4 2] /Root 1 0 R") + b"\nendobj\n"
    return out + f"startxref\n{start}\n%%EOF\n".encode()


def forms(levels, times):
    """Write a page that draws a form, which draws the next one several times, and so on."""
    others = []
    for level in range(levels):
        draw = b"/X Do " * times if level < levels - 1 else TEXT
        resources = f"/Resources << /Font << /F1 5 0 R >> /XObject << /X {7 + level} 0 R >> >>"
        others.append(stream(draw, f"/Type /XObject /Subtype /Form /BBox [0 0 595 842] {resources}"))
    return pdf(*others, first=page(resources="/XObject << /X 6 0 R >>"), content=stream(b"/X Do"))


def blanks(most):
    return b" " * most


CMAP = b"1 begincodespacerange <00> <ff> endcodespacerange 1 beginbfrange <00000000> <ffffffff> <0041> endbfrange"
UNICODE_FONT = b"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica /ToUnicode 6 0 R >>"
GLYPH_FONT = (
    b"<< /Type /Font /Subtype /Type3 /FontBBox [0 0 9 9] /FontMatrix [1 0 0 1 0 0] /CharProcs << /O 6 0 R >>"
    b" /Encoding << /Differences [79 /O] >> /FirstChar 79 /LastChar 79 /Widths [9]"
    b" /Resources << /Font << /F1 5 0 R >> >> >>"
)
OWLS, DAMAGED, NO_TEXT, NO_MEMORY = "Owls hunt at night", "The PDF is damaged", "hold no text", "MB of memory"

PDFS = {  # name: (what writes it, words of the text it gives or of the reason it is refused for)
    "tree-self": (lambda: pdf(pages="/Kids [2 0 R] /Count 1"), "damaged"),
    "tree-loop": (
        lambda: pdf(b"<< /Type /Pages /Kids [2 0 R] /Parent 2 0 R /Count 5 >>", pages="/Kids [6 0 R] /Count 5"),
        "damaged",
    ),
    "tree-wide-loop": (lambda: pdf(pages=f"/Kids [{'2 0 R ' * 1000}] /Count 1000000"), "has 1,000,000 pages, at most"),
    "parent-loop": (lambda: pdf(pages="/Kids [3 0 R] /Count 1 /Parent 2 0 R"), OWLS),
    "page-is-parent": (lambda: pdf(first=b"<< /Type /Page /Parent 3 0 R /Contents 4 0 R >>"), OWLS),
    "outline-loop": (
        lambda: pdf(
            b"<< /Type /Outlines /First 7 0 R /Last 7 0 R /Count 9 >>",
            b"<< /Title (a) /Parent 7 0 R /Next 7 0 R /First 6 0 R >>",
            catalog="/Outlines 6 0 R",
        ),
        OWLS,
    ),
    "xref-self": (lambda: pdf(prev="/Prev {start}"), OWLS),
    "xref-negative": (lambda: pdf(prev="/Prev -1"), OWLS),
    "xref-beyond": (lambda: pdf(prev="/Prev 99999999999999999999"), OWLS),
    "xref-stream-self": (xref_stream, OWLS),
    "xref-stream-size": (lambda: xref_stream(prev="0", size=2_000_000_000), OWLS),
    "xref-stream-index": (lambda: xref_stream(prev="0", index="/Index [0 2147483647]"), OWLS),
    "xref-stream-root": (lambda: xref_stream(prev="0", root="6 0 R"), DAMAGED),
    "hybrid-self": (lambda: pdf(prev="/XRefStm {start}"), OWLS),
    "count-huge": (lambda: pdf(pages="/Kids [3 0 R] /Count 2000000000"), OWLS),
    "count-huger": (lambda: pdf(pages="/Kids [3 0 R] /Count 99999999999999999999999"), OWLS),
    "count-million": (lambda: pdf(pages="/Kids [3 0 R] /Count 1000000"), "has 1,000,000 pages, at most 3,000"),
    "count-negative": (lambda: pdf(pages="/Kids [3 0 R] /Count -7"), OWLS),
    "kids-many": (lambda: pdf(pages=f"/Kids [{'3 0 R ' * 50_000}] /Count 50000"), "has 50,000 pages, at most 3,000"),
    "objects-bomb": (lambda: object_stream(b"2 0 " + blanks(20_000_000), "/N 1 /First 4"), DAMAGED),
    "objects-many": (lambda: object_stream(b"2 0 " * 500_000, "/N 500000 /First 2000000"), DAMAGED),
    "objects-lie": (lambda: object_stream(b"2 0 << /Type /Pages >>", "/N 2000000000 /First 1999999999"), DAMAGED),
    "objects-extend": (
        lambda: object_stream(b"2 0 << /Type /Pages /Kids [] >>", "/N 1 /First 4 /Extends 3 0 R"),
        DAMAGED,
    ),
    "objects-in-themselves": (lambda: object_stream(b"2 0 2 0 R", "/N 1 /First 4"), DAMAGED),
    "content-bomb": (lambda: pdf(content=deflated(blanks(30_000_000) + TEXT)), OWLS),
    "content-bombs": (
        lambda: pdf(
            content=stream(
                zlib.compress(zlib.compress(zlib.compress(blanks(30_000_000) + TEXT, 1))),
                "/Filter [/FlateDecode /FlateDecode /FlateDecode]",
            )
        ),
        OWLS,
    ),
    "content-text": (
        lambda: pdf(content=deflated(b"BT /F1 1 Tf " + b"(Owls hunt at night) Tj " * 300_000 + b"ET")),
        NO_MEMORY,
    ),
    "content-self": (lambda: pdf(content=b"4 0 R"), NO_TEXT),
    "content-array": (lambda: pdf(first=page(contents=f"[{'4 0 R ' * 100_000}]")), OWLS),
    "graphics-states": (lambda: pdf(content=deflated(b"q " * 500_000 + TEXT)), OWLS),
    "forms-self": (
        lambda: forms(1, 1).replace(TEXT, b"/X Do".ljust(len(TEXT))).replace(b"/X 7 0 R", b"/X 6 0 R"),
        NO_TEXT,
    ),
    "forms-laughs": (lambda: forms(12, 10), NO_MEMORY),
    "glyph-self": (lambda: pdf(stream(b"9 0 d0 " + TEXT), font=GLYPH_FONT), NO_TEXT),
    "unicode-ranges": (lambda: pdf(stream(CMAP * 1000), font=UNICODE_FONT), OWLS),
    "length-huge": (lambda: pdf(content=b"<< /Length 99999999999 >>\nstream\n" + TEXT + b"\nendstream"), OWLS),
    "length-self": (lambda: pdf(content=b"<< /Length 4 0 R >>\nstream\n" + TEXT + b"\nendstream"), OWLS),
    "filters-many": (lambda: pdf(content=stream(b"x", f"/Filter [{'/FlateDecode ' * 10_000}]")), NO_TEXT),
    "arrays-deep": (lambda: pdf(b"[" * DEEP + b"]" * DEEP, catalog="/Names 6 0 R"), OWLS),
    "dictionaries-deep": (lambda: pdf(b"<< /A " * DEEP + b">>" * DEEP, catalog="/Names 6 0 R"), OWLS),
    "strings-open": (lambda: pdf(content=stream(b"(" * 1_000_000)), NO_TEXT),
    "references-chain": (
        lambda: pdf(*(f"{n + 1} 0 R".encode() for n in range(6, 20_000)), first=page(contents="6 0 R")),
        NO_TEXT,
    ),
    "header-only": (lambda: b"%PDF-1.7\n", DAMAGED),
    "headers": (lambda: b"%PDF-1.7\n" * 100_000, DAMAGED),
    "objects-empty": (lambda: b"%PDF-1.7\n" + b"1 0 obj\n" * 300_000, DAMAGED),
    "trailers": (lambda: b"%PDF-1.7\n" + b"trailer << /Root 1 0 R /Prev 9 >> startxref 9 " * 50_000, DAMAGED),
}


# --- Word ----------------------------------------------------------------------------------------------------------

CONTENT_TYPES = (
    f'<Types xmlns="{PACKAGE}/content-types"><Default Extension="xml" ContentType="application/xml"/>'
    '<Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/>'
    '<Override PartName="/word/document.xml" ContentType="application/vnd.openxmlformats-officedocument.'
    'wordprocessingml.document.main+xml"/></Types>'
)


def relations(*targets):
    inner = "".join(f'<Relationship Id="r{n}" {target}/>' for n, target in enumerate(targets))
    return f'<Relationships xmlns="{PACKAGE}/relationships">{inner}</Relationships>'


def zip_of(members, compression=zipfile.ZIP_DEFLATED):
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", compression, compresslevel=1) as archive:
        for name, data in members.items():
            archive.writestr(name, data)
    return buffer.getvalue()


def word(body="<w:p><w:r><w:t>Owls hunt at night</w:t></w:r></w:p>", before="", *, more=None, **parts):
    """Write a Word document of three parts; before: text before its root, parts: those of word_parts."""
    return zip_of({**word_parts(body, before, **parts), **(more or {})})


def word_parts(body, before="", *, document=None, rels=None):
    whole = f'<?xml version="1.0"?>{before}<w:document xmlns:w="{WORD}"><w:body>{body}</w:body></w:document>'
    main = relations(f'Type="{RELATIONS}/officeDocument" Target="word/document.xml"')
    return {
        "[Content_Types].xml": CONTENT_TYPES,
        "_rels/.rels": rels or main,
        "word/document.xml": whole if document is None else document,
    }


def laughing(body="&l11;", laughs=LAUGHS):
    return f"<w:p><w:r><w:t>{body}</w:t></w:r></w:p>", f"<!DOCTYPE d [{laughs}]>"


def with_size(data, true, told):
    """Change a member's size in both headers of a zip."""
    assert data.count(struct.pack("<I", true)) == 2
    return data.replace(struct.pack("<I", true), struct.pack("<I", told))


def overlapping(data, times):
    """Write a zip's directory again, with each entry so many times: all copies share the same bytes."""
    start = data.index(b"PK\x01\x02")
    end = data.rindex(b"PK\x05\x06")
    directory, ending = data[start:end] * times, bytearray(data[end:])
    count = directory.count(b"PK\x01\x02")
    struct.pack_into("<HHII", ending, 8, count, count, len(directory), start)
    return data[:start] + directory + bytes(ending)


def word_frame():
    return f'<?xml version="1.0"?><w:document xmlns:w="{WORD}"><w:body></w:body></w:document>'


PARAGRAPH = "<w:p><w:r><w:t>Owls hunt at night</w:t></w:r></w:p>"
REMOTE = '<!DOCTYPE d SYSTEM "http://127.0.0.1:9/d.dtd" [<!ENTITY % p SYSTEM "http://127.0.0.1:9/p"> %p;]>'
IMAGE = f'Type="{RELATIONS}/image" Target='
LOOP = {
    "word/_rels/document.xml.rels": relations(f'{IMAGE}"a.xml"'),
    "word/a.xml": "<a/>",
    "word/_rels/a.xml.rels": relations(f'{IMAGE}"b.xml"'),
    "word/b.xml": "<b/>",
    "word/_rels/b.xml.rels": relations(f'{IMAGE}"a.xml"'),
}
ELSEWHERE = f'Type="{RELATIONS}/officeDocument" Target="../../../../../../etc/passwd"'
AMPLIFIED = "damaged .Maximum entity amplification"

WORDS = {
    "bomb": (lambda: word(PARAGRAPH * 400_000), NO_MEMORY),
    "bomb-told": (lambda: with_size(word(" " * 1000), 1000 + len(word_frame()), 600_000_000), "unpacks to 600,00"),
    "bomb-spaces": (lambda: word("<w:p/>" + " " * 11_000_000), "Text node too long"),
    "bomb-lies": (lambda: with_size(word(" " * 20_000_000), 20_000_000 + len(word_frame()), 10), "Bad CRC-32"),
    "text-bomb": (lambda: word("<w:p><w:r><w:t>" + "owl " * 3_000_000 + "</w:t></w:r></w:p>"), "Text node too long"),
    "laughs": (lambda: word(*laughing()), AMPLIFIED),
    "quadratic": (
        lambda: word(*laughing("&a;" * 50_000, "<!ENTITY a '" + "a" * 50_000 + "'>")),
        AMPLIFIED,
    ),
    "outside": (lambda: word(*laughing("Owls&x;.", '<!ENTITY x SYSTEM "file:///etc/passwd">')), r"^Owls\.?$"),
    "remote": (lambda: word(before=REMOTE), OWLS),
    "deep": (
        lambda: word("<w:sdt><w:sdtContent>" * DEEP + PARAGRAPH + "</w:sdtContent></w:sdt>" * DEEP),
        "Excessive depth",
    ),
    "deep-tables": (
        lambda: word("<w:tbl><w:tr><w:tc>" * 80 + PARAGRAPH + "</w:tc></w:tr></w:tbl>" * 80),
        OWLS,
    ),
    "attributes": (lambda: word("<w:p " + " ".join(f"a{n}='1'" for n in range(100_000)) + "/>"), "No text was found"),
    "overlapping": (lambda: overlapping(word(), 5_000), "has 15,000 parts, at most 10,000"),
    "nested": (lambda: word(document=zip_of({"word/document.xml": word()})), "damaged"),
    "itself": (lambda: word(more={"word/_rels/document.xml.rels": relations(f'{IMAGE}"document.xml"')}), OWLS),
    "loop": (lambda: word(more=LOOP), OWLS),
    "elsewhere": (lambda: word(rels=relations(ELSEWHERE)), "no item named 'etc/passwd' in the archive"),
    "names": (
        lambda: word(more={"../../evil.xml": "x", "word/\0.xml": "x", "w" * 4000: "x", "/etc/x": "x"}),
        OWLS,
    ),
    "bzip2": (lambda: zip_of(word_parts(" " * 5_000_000), zipfile.ZIP_BZIP2), "No text was found"),
    "lzma": (lambda: zip_of(word_parts(" " * 5_000_000), zipfile.ZIP_LZMA), "No text was found"),
}


# --- pages and tables ----------------------------------------------------------------------------------------------


OWL = "<p>Owls hunt at night, and the barn owl hunts by ear alone.</p>"
WRITTEN = (  # every way that a page may hold a script
    "<script>steal(1)</script><p onclick='steal(2)'>Owls hunt at night.</p><svg onload=steal(3)><script>steal(4)"
    "</script></svg><a href='javascript:steal(5)'>owl</a><iframe srcdoc='<script>steal(6)</script>'></iframe><style>"
    "p{background:url(steal)}</style><template><script>steal(7)</script></template><object data='data:text/html,steal'>"
    "</object><SCRIPT type=module>steal(8)</SCRIPT><math><script>steal(9)</script></math>"
)


def frame(body, before=""):
    return f"{before}<html><head><title>Owls</title></head><body>{body}</body></html>"


PAGES = {
    "laughs": (lambda: frame(OWL + "<p>&l11;</p>", f"<!DOCTYPE html [{LAUGHS}]>"), OWLS),
    "laughs-xhtml": (
        lambda: (
            f'<?xml version="1.0"?><!DOCTYPE html [{LAUGHS}]><html xmlns="http://www.w3.org/1999/xhtml"><body>'
            f"{OWL}<p>&l11;</p></body></html>"
        ),
        OWLS,
    ),
    "outside": (lambda: frame(OWL + "<p>&x;</p>", "<!DOCTYPE html [<!ENTITY x SYSTEM 'file:///etc/passwd'>]>"), OWLS),
    "scripts": (lambda: frame(WRITTEN + OWL * 3), OWLS),
    "scripts-many": (lambda: frame(WRITTEN + OWL * 110_000), OWLS),
    "scripts-only": (lambda: frame("<script>steal(1)</script>" * 1000), "No text was found"),
    "deep": (lambda: frame("<div>" * DEEP + OWL + "</div>" * DEEP), "No text was found"),
    "deep-open": (lambda: "<div>" * DEEP + OWL, "No text was found"),
    "deep-after": (lambda: frame(OWL + "<div>" * DEEP), OWLS),
    "deep-lists": (lambda: frame(OWL + "<ul><li>" * DEEP), OWLS),
    "deep-tables": (lambda: frame(OWL + "<table><tr><td>" * 20_000), OWLS),
    "deep-inline": (lambda: frame(OWL + "<b><i>" * DEEP), OWLS),
    "attribute": (lambda: frame("<p class='" + "a " * 200_000 + f"'>owl</p>{OWL}"), OWLS),
    "less-than": (lambda: frame("<" * 300_000), "<<<"),
    "comments": (lambda: frame("<!--" * 500_000), "No text was found"),
    "entities": (lambda: frame("&" * 200_000 + "&amp;" * 100_000), "&&&"),
    "breaks": (lambda: frame("owl<br>" * 210_000), "owl"),
    "cells": (lambda: frame("<table>" + "<tr><td>owl</td></tr>" * 60_000 + "</table>"), "owl"),
    "charset-slow": (lambda: b"<html><meta charset=punycode><body>" + b"a-\xff" + b"z9" * 200_000, "z9z9"),
    "charset-code": (
        lambda: b"<html><meta charset=unicode_escape><body>\xff<p>" + b"\\N{BULLET}" * 10_000,
        "\u2022\u2022",
    ),
    "charset-zip": (lambda: b"<html><meta charset=zlib><body>\xff" + zlib.compress(bytes(5_000_000)), "binary or in"),
}

TOO_DEEP = "is nested too deeply"
ROWS = {
    "wide.csv": (lambda: ",".join("a" * 300_000) + "\n" + ",".join("b" * 300_000), "a: b\na 2: b"),
    "cells.csv": (lambda: "text,x\n" + "a," * 4_000_000, "rows and values"),
    "rows.csv": (lambda: "text\n" + "a\n" * 1_500_000, NO_MEMORY),
    "field.csv": (lambda: 'text\n"' + "owl " * 4_000_000 + '"\n', "owl owl"),
    "open.csv": (lambda: 'text\n"' + 'owl"" ' * 1_000_000, "breaks off at line 2"),
    "quotes.csv": (lambda: '"' * 2_000_001, "breaks off at line 1"),
    "nul.csv": (lambda: "text\0\nowl\0\n" + "hunts at night and sleeps by day" * 3, "owl"),
    "delimiters.csv": (lambda: ",;\t|" * 200_000, "no rows with text"),
    "lists.jsonl": (lambda: '{"text": "owl", "a": [' + "[]," * 500_000 + "[]]}", "owl"),
    "deep.jsonl": (lambda: '{"text": "owl", "a": ' + "[" * DEEP + "]" * DEEP + "}", TOO_DEEP),
    "deeper.jsonl": (lambda: '{"a": ' * 1_000_000, TOO_DEEP),
    "copy.jsonl": (lambda: '{"text": "owl", "a": ' + "[" * 900 + "]" * 900 + "}", TOO_DEEP),
    "digits.jsonl": (lambda: '{"text": "owl", "a": ' + "9" * 1_000_000 + "}", "is not JSON .Exceeds the limit"),
    "exponent.jsonl": (lambda: '{"text": "owl", "a": 1e999999999}', "owl"),
    "keys.jsonl": (lambda: '{"text": "owl"' + "".join(f', "{n}": 1' for n in range(100_000)) + "}", "owl"),
    "ids.jsonl": (lambda: f'{{"text": "a", "id": "{"i" * 1_000_000}"}}\n' * 2, "was already given in line 1"),
    "heading.md": (lambda: "#" + " " * 1_000_000 + "\n", "#"),
    "underlined.md": (lambda: "a\n" + "=" * 1_000_000 + "x", "==="),
    "fences.md": (lambda: "```\n~~~\n" * 200_000, "~~~"),
    "ticks.md": (lambda: "`" * 1_000_000, "```"),
    "bytes.txt": (lambda: b"\x80\xfe\xff" * 3_000_000, "unknown encoding"),
    "old.txt": (lambda: "Größe und Straße, ".encode("latin-1") * 200_000, "Größe und Straße"),
    "wide.txt": (
        lambda: "owl ".encode("utf-16") + "hunts ".encode("utf-16-le") * 200_000 + b"\xd8",
        "unknown encoding",
    ),
    "nul.txt": (lambda: bytes(10_000_000), "binary or in"),
    "surrogates.txt": (lambda: b"\xed\xa0\x80" * 200_000, "."),
}

CASES = {
    **{f"{name}.pdf": case for name, case in PDFS.items()},
    **{f"{name}.docx": case for name, case in WORDS.items()},
    **{f"{name}.html": case for name, case in PAGES.items()},
    **ROWS,
}
