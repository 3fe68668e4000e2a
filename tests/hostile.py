"""Files made to break whatever reads them, each written here byte by byte."""

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
    return stream(zlib.compress(content, 9), f"/Filter /FlateDecode {entries}")


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


def pdfs():
    """Give hostile PDFs by name."""
    big = b" " * 300_000_000
    cmap = b"1 begincodespacerange <00> <ff> endcodespacerange 1 beginbfrange <00000000> <ffffffff> <0041> endbfrange"
    unicode_font = b"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica /ToUnicode 6 0 R >>"
    glyph = b"<< /Type /Font /Subtype /Type3 /FontBBox [0 0 9 9] /FontMatrix [1 0 0 1 0 0] /CharProcs << /O 6 0 R >>"
    glyph += b" /Encoding << /Differences [79 /O] >> /FirstChar 79 /LastChar 79 /Widths [9]"
    glyph += b" /Resources << /Font << /F1 5 0 R >> >> >>"
    several = "[" + "/FlateDecode " * 3 + "]"
    wrapped = zlib.compress(zlib.compress(zlib.compress(big + TEXT, 9), 9), 9)
    return {
        "tree-self": pdf(pages="/Kids [2 0 R] /Count 1"),
        "tree-loop": pdf(b"<< /Type /Pages /Kids [2 0 R] /Parent 2 0 R /Count 5 >>", pages="/Kids [6 0 R] /Count 5"),
        "tree-wide-loop": pdf(pages=f"/Kids [{'2 0 R ' * 1000}] /Count 1000000"),
        "parent-loop": pdf(pages="/Kids [3 0 R] /Count 1 /Parent 2 0 R"),
        "page-is-parent": pdf(first=b"<< /Type /Page /Parent 3 0 R /Contents 4 0 R >>"),
        "outline-loop": pdf(
            b"<< /Type /Outlines /First 7 0 R /Last 7 0 R /Count 9 >>",
            b"<< /Title (a) /Parent 7 0 R /Next 7 0 R /First 6 0 R >>",
            catalog="/Outlines 6 0 R",
        ),
        "xref-self": pdf(prev="/Prev {start}"),
        "xref-negative": pdf(prev="/Prev -1"),
        "xref-beyond": pdf(prev="/Prev 99999999999999999999"),
        "xref-stream-self": xref_stream(),
        "xref-stream-size": xref_stream(prev="0", size=2_000_000_000),
        "xref-stream-index": xref_stream(prev="0", index="/Index [0 2147483647]"),
        "xref-stream-root": xref_stream(prev="0", root="6 0 R"),
        "hybrid-self": pdf(prev="/XRefStm {start}"),
        "count-huge": pdf(pages="/Kids [3 0 R] /Count 2000000000"),
        "count-huger": pdf(pages="/Kids [3 0 R] /Count 99999999999999999999999"),
        "count-negative": pdf(pages="/Kids [3 0 R] /Count -7"),
        "kids-many": pdf(pages=f"/Kids [{'3 0 R ' * 50_000}] /Count 50000"),
        "objects-bomb": object_stream(b"2 0 " + big, "/N 1 /First 4"),
        "objects-many": object_stream(b"2 0 " * 500_000, "/N 500000 /First 2000000"),
        "objects-lie": object_stream(b"2 0 << /Type /Pages >>", "/N 2000000000 /First 1999999999"),
        "objects-extend": object_stream(b"2 0 << /Type /Pages /Kids [] >>", "/N 1 /First 4 /Extends 3 0 R"),
        "objects-in-itself": object_stream(b"2 0 2 0 R", "/N 1 /First 4"),
        "content-bomb": pdf(content=deflated(big + TEXT)),
        "content-bombs": pdf(content=stream(wrapped, f"/Filter {several}")),
        "content-text": pdf(content=deflated(b"BT /F1 1 Tf " + b"(Owls hunt at night) Tj " * 1_000_000 + b"ET")),
        "content-self": pdf(content=b"4 0 R"),
        "content-array": pdf(first=page(contents=f"[{'4 0 R ' * 100_000}]")),
        "graphics-states": pdf(content=deflated(b"q " * 5_000_000 + TEXT)),
        "forms-self": forms(1, 1).replace(TEXT, b"/X Do".ljust(len(TEXT))).replace(b"/X 7 0 R", b"/X 6 0 R"),
        "forms-laughs": forms(12, 10),
        "glyph-self": pdf(stream(b"9 0 d0 " + TEXT), font=glyph),
        "unicode-ranges": pdf(stream(cmap * 1000), font=unicode_font),
        "length-huge": pdf(content=b"<< /Length 99999999999 >>\nstream\n" + TEXT + b"\nendstream"),
        "length-self": pdf(content=b"<< /Length 4 0 R >>\nstream\n" + TEXT + b"\nendstream"),
        "filters-many": pdf(content=stream(b"x", f"/Filter [{'/FlateDecode ' * 10_000}]")),
        "arrays-deep": pdf(b"[" * DEEP + b"]" * DEEP, catalog="/Names 6 0 R"),
        "dictionaries-deep": pdf(b"<< /A " * DEEP + b">>" * DEEP, catalog="/Names 6 0 R"),
        "strings-open": pdf(content=stream(b"(" * 1_000_000)),
        "references-chain": pdf(*(f"{n + 1} 0 R".encode() for n in range(6, 20_000)), first=page(contents="6 0 R")),
        "header-only": b"%PDF-1.7\n",
        "headers": b"%PDF-1.7\n" * 100_000,
        "objects-empty": b"%PDF-1.7\n" + b"1 0 obj\n" * 300_000,
        "trailers": b"%PDF-1.7\n" + b"trailer << /Root 1 0 R /Prev 9 >> startxref 9 " * 50_000,
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
    with zipfile.ZipFile(buffer, "w", compression) as archive:
        for name, data in members.items():
            archive.writestr(name, data)
    return buffer.getvalue()


def word(body="<w:p><w:r><w:t>Owls hunt at night</w:t></w:r></w:p>", *, before="", document=None, rels=None, more=None):
    """Write a Word document of four parts; before stands before its root, document replaces the part whole."""
    whole = f'<?xml version="1.0"?>{before}<w:document xmlns:w="{WORD}"><w:body>{body}</w:body></w:document>'
    main = f'Type="{RELATIONS}/officeDocument" Target="word/document.xml"'
    members = {"[Content_Types].xml": CONTENT_TYPES, "_rels/.rels": rels or relations(main)}
    return zip_of({**members, "word/document.xml": whole if document is None else document, **(more or {})})


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


def words():
    """Give hostile Word documents by name."""
    paragraph = "<w:p><w:r><w:t>Owls</w:t></w:r></w:p>"
    outside = '<!ENTITY x SYSTEM "file:///etc/passwd">'
    remote = '<!DOCTYPE d SYSTEM "http://127.0.0.1:9/d.dtd" [<!ENTITY % p SYSTEM "http://127.0.0.1:9/p"> %p;]>'
    quadratic = "<!ENTITY a '" + "a" * 50_000 + "'>"
    elsewhere = f'Type="{RELATIONS}/officeDocument" Target="../../../../../../etc/passwd"'
    image = f'Type="{RELATIONS}/image" Target='
    bomb = word(paragraph * 3_000_000)
    text, before = laughing()
    blown, blow = laughing("&a;" * 50_000, quadratic)
    read, reads = laughing("&x;", outside)
    return {
        "bomb": bomb,
        "bomb-spaces": word("<w:p/>" + " " * 400_000_000),
        "bomb-lies": with_size(word(" " * 200_000_000), 200_000_000 + len(word_frame()), 10),
        "text-bomb": word("<w:p><w:r><w:t>" + "owl " * 50_000_000 + "</w:t></w:r></w:p>"),
        "laughs": word(text, before=before),
        "quadratic": word(blown, before=blow),
        "outside": word(read, before=reads),
        "remote": word(before=remote),
        "deep": word("<w:sdt><w:sdtContent>" * DEEP + paragraph + "</w:sdtContent></w:sdt>" * DEEP),
        "deep-tables": word("<w:tbl><w:tr><w:tc>" * 80 + paragraph + "</w:tc></w:tr></w:tbl>" * 80),
        "attributes": word("<w:p " + " ".join(f"a{n}='1'" for n in range(300_000)) + "/>"),
        "parts": word(more={f"word/{n}.xml": "" for n in range(20_000)}),
        "overlapping": overlapping(word(), 5_000),
        "nested": word(document=zip_of({"word/document.xml": word()})),
        "itself": word(more={"word/_rels/document.xml.rels": relations(f'{image}"document.xml"')}),
        "loop": word(
            more={
                "word/_rels/document.xml.rels": relations(f'{image}"a.xml"'),
                "word/a.xml": "<a/>",
                "word/_rels/a.xml.rels": relations(f'{image}"b.xml"'),
                "word/b.xml": "<b/>",
                "word/_rels/b.xml.rels": relations(f'{image}"a.xml"'),
            }
        ),
        "elsewhere": word(rels=relations(elsewhere)),
        "names": word(more={"../../evil.xml": "x", "word/\0.xml": "x", "w" * 4000: "x", "/etc/x": "x"}),
        "bzip2": zip_of({"word/document.xml": "x" * 50_000_000}, zipfile.ZIP_BZIP2),
        "lzma": zip_of({"word/document.xml": "x" * 50_000_000}, zipfile.ZIP_LZMA),
    }


def word_frame():
    return f'<?xml version="1.0"?><w:document xmlns:w="{WORD}"><w:body></w:body></w:document>'


# --- pages and tables ----------------------------------------------------------------------------------------------


def pages():
    """Give hostile HTML by name."""
    owls = "<p>Owls hunt at night, and the barn owl hunts by ear alone.</p>"
    frame = "<html><head><title>Owls</title></head><body>{}</body></html>".format
    return {
        "laughs": f"<!DOCTYPE html [{LAUGHS}]>" + frame(owls + "<p>&l11;</p>"),
        "laughs-xhtml": f'<?xml version="1.0"?><!DOCTYPE html [{LAUGHS}]>'
        f'<html xmlns="http://www.w3.org/1999/xhtml"><body>{owls}<p>&l11;</p></body></html>',
        "outside": "<!DOCTYPE html [<!ENTITY x SYSTEM 'file:///etc/passwd'>]>" + frame(owls + "<p>&x;</p>"),
        "scripts": frame(
            "<script>steal(1)</script><p onclick='steal(2)'>Owls hunt at night.</p><svg onload=steal(3)><script>"
            "steal(4)</script></svg><a href='javascript:steal(5)'>owl</a><iframe srcdoc='<script>steal(6)</script>'>"
            "</iframe><noscript><p>steal(7)</p></noscript><style>p{background:url(steal)}</style><template><script>"
            "steal(8)</script></template><object data='data:text/html,steal(9)'></object>" + owls * 3
        ),
        "deep": frame("<div>" * DEEP + owls + "</div>" * DEEP),
        "deep-open": "<div>" * DEEP + owls,
        "deep-lists": frame("<ul><li>" * DEEP + owls),
        "deep-tables": frame("<table><tr><td>" * 20_000 + owls),
        "deep-inline": frame("<b><i>" * DEEP + owls),
        "attributes": frame("<p " + " ".join(f"a{n}=1" for n in range(300_000)) + f">owl</p>{owls}"),
        "attribute": frame("<p class='" + "a " * 2_000_000 + f"'>owl</p>{owls}"),
        "less-than": frame("<" * 3_000_000),
        "comments": frame("<!--" * 500_000),
        "entities": frame("&" * 2_000_000 + "&amp;" * 1_000_000),
        "paragraphs": frame(owls * 50_000),
        "breaks": frame("owl<br>" * 500_000),
        "cells": frame("<table>" + "<tr><td>owl</td></tr>" * 200_000 + "</table>"),
        "charset-slow": b"<html><meta charset=punycode><body>" + b"a-\xff" + b"z9" * 500_000,
        "charset-code": b"<html><meta charset=unicode_escape><body>\xff<p>" + b"\\N{BULLET}" * 100_000,
        "charset-zip": b"<html><meta charset=zlib><body>\xff" + zlib.compress(bytes(50_000_000)),
    }


def tables():
    """Give hostile CSV, JSONL and texts by name."""
    return {
        "wide.csv": ",".join("a" * 1_500_000) + "\n" + ",".join("b" * 1_500_000),
        "cells.csv": "text,x\n" + "a," * 8_000_000,
        "rows.csv": "text\n" + "a\n" * 9_000_000,
        "field.csv": 'text\n"' + "owl, " * 4_000_000 + '"\n',
        "open.csv": 'text\n"' + 'owl"" ' * 3_000_000,
        "quotes.csv": '"' * 5_000_001,
        "nul.csv": "text\0\nowl\0\n" + "hunts at night and sleeps by day" * 3,
        "delimiters.csv": ",;\t|" * 4_000_000,
        "lists.jsonl": '{"text": "owl", "a": [' + "[]," * 6_000_000 + "[]]}",
        "deep.jsonl": '{"text": "owl", "a": ' + "[" * DEEP + "]" * DEEP + "}",
        "deeper.jsonl": '{"a": ' * 3_000_000,
        "copy.jsonl": '{"text": "owl", "a": ' + "[" * 900 + "]" * 900 + "}",
        "digits.jsonl": '{"text": "owl", "a": ' + "9" * 4_000_000 + "}",
        "exponent.jsonl": '{"text": "owl", "a": 1e999999999}',
        "keys.jsonl": '{"text": "owl"' + "".join(f', "{n}": 1' for n in range(900_000)) + "}",
        "rows.jsonl": '{"text":"a"}\n' * 1_500_000,
        "id.jsonl": '{"text": "a", "id": "' + "i" * 5_000_000 + '"}\n' + '{"text": "b", "id": "' + "i" * 5_000_000 + '"}',
        "heading.md": "#" + " " * 5_000_000 + "\n",
        "underlined.md": "a\n" + "=" * 5_000_000 + "x",
        "fences.md": "```\n~~~\n" * 1_000_000,
        "ticks.md": "`" * 5_000_000,
        "bytes.txt": b"\x80\xfe\xff" * 5_000_000,
        "old.txt": "Größe und Straße, ".encode("latin-1") * 800_000,
        "japanese.txt": "日本語のテキストです。".encode("shift_jis") * 500_000,
        "wide.txt": "owl ".encode("utf-16") + "hunts ".encode("utf-16-le") * 1_000_000 + b"\xd8",
        "nul.txt": bytes(20_000_000),
        "surrogates.txt": b"\xed\xa0\x80" * 1_000_000,
    }
