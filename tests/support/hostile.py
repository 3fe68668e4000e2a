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

TEXT = b"BT /F1 12 Tf 50 700 Td (Owls hunt at night) Tj ET"
FONT = b"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>"
PAGE = b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] /Contents 4 0 R /Resources << /Font << /F1 5 0 R >> >> >>"


def stream(content, entries=""):
    return f"<< /Length {len(content)} {entries} >>\nstream\n".encode() + content + b"\nendstream"


def deflated(content, entries=""):
    return stream(zlib.compress(content, 1), f"/Filter /FlateDecode {entries}")


CONTENT = stream(TEXT)


def deflated_twice(megabytes):
    """Return a stream of some two kilobytes that two filters inflate to so many megabytes."""
    packer = zlib.compressobj(9)
    packed = b"".join(packer.compress(b" " * 1_000_000) for _ in range(megabytes)) + packer.flush()
    return stream(zlib.compress(packed, 9), "/Filter [/FlateDecode /FlateDecode]")


def deep_tree(depth):
    """Write a PDF whose one page is below so many nodes of its page tree."""
    nodes = [f"<< /Type /Pages /Kids [{number + 1} 0 R] /Count 1 >>".encode() for number in range(6, 6 + depth)]
    return pdf(*nodes, PAGE, pages="/Kids [6 0 R] /Count 1")


def pdf(*others, catalog="", pages="/Kids [3 0 R] /Count 1", content=CONTENT, font=FONT, prev=""):
    """Write a PDF of one page by hand: 1 catalog, 2 page tree, 3 page, 4 its content, 5 font, others from 6 on."""
    tree = [f"<< /Type /Catalog /Pages 2 0 R {catalog} >>".encode(), f"<< /Type /Pages {pages} >>".encode()]
    out, table = b"%PDF-1.7\n", b"0000000000 65535 f \n"
    for number, body in enumerate([*tree, PAGE, content, font, *others], 1):
        table += b"%010d 00000 n \n" % len(out)
        out += b"%d 0 obj\n%b\nendobj\n" % (number, body)
    root = f"/Size {6 + len(others)} /Root 1 0 R {prev.format(start=len(out))}"
    end = f"trailer\n<< {root} >>\nstartxref\n{len(out)}\n%%EOF\n"
    return out + b"xref\n0 %d\n" % (6 + len(others)) + table + end.encode()


GLYPH_FONT = (
    b"<< /Type /Font /Subtype /Type3 /FontBBox [0 0 9 9] /FontMatrix [1 0 0 1 0 0] /CharProcs << /O 6 0 R >>"
    b" /Encoding << /Differences [79 /O] >> /FirstChar 79 /LastChar 79 /Widths [9]"
    b" /Resources << /Font << /F1 5 0 R >> >> >>"
)
OWLS, DAMAGED, NO_TEXT, NO_MEMORY = "Owls hunt at night", "The PDF is damaged", "hold no text", "MB of memory"

PDFS = {  # name: (what writes it, words of the text it gives or of the reason it is refused for)
    "tree-self": (lambda: pdf(pages="/Kids [2 0 R] /Count 1"), "damaged"),
    "tree-wide-loop": (lambda: pdf(pages=f"/Kids [{'2 0 R ' * 1000}] /Count 1000000"), "has 1,000,000 pages, at most"),
    "xref-self": (lambda: pdf(prev="/Prev {start}"), OWLS),
    "count-huge": (lambda: pdf(pages="/Kids [3 0 R] /Count 2000000000"), OWLS),
    "kids-many": (lambda: pdf(pages=f"/Kids [{'3 0 R ' * 50_000}] /Count 50000"), "has 50,000 pages, at most 3,000"),
    "content-bomb": (lambda: pdf(content=deflated(b" " * 30_000_000 + TEXT)), OWLS),
    "content-text": (
        lambda: pdf(content=deflated(b"BT /F1 1 Tf " + b"(Owls hunt at night) Tj " * 300_000 + b"ET")),
        NO_MEMORY,
    ),
    "content-gigabyte": (lambda: pdf(content=deflated_twice(400)), f"{NO_MEMORY}|broke down"),
    "tree-deep": (lambda: deep_tree(20_000), "is damaged"),
    "content-self": (lambda: pdf(content=b"4 0 R"), NO_TEXT),
    "glyph-self": (lambda: pdf(stream(b"9 0 d0 " + TEXT), font=GLYPH_FONT), f"{NO_TEXT}|hunt"),
    "length-huge": (lambda: pdf(content=b"<< /Length 99999999999 >>\nstream\n" + TEXT + b"\nendstream"), OWLS),
    "arrays-deep": (lambda: pdf(b"[" * DEEP + b"]" * DEEP, catalog="/Names 6 0 R"), OWLS),
    "objects-empty": (lambda: b"%PDF-1.7\n" + b"1 0 obj\n" * 300_000, DAMAGED),
}


# --- Word ----------------------------------------------------------------------------------------------------------

CONTENT_TYPES = (
    f'<Types xmlns="{PACKAGE}/content-types"><Default Extension="xml" ContentType="application/xml"/>'
    '<Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/>'
    '<Override PartName="/word/document.xml" ContentType="application/vnd.openxmlformats-officedocument.'
    'wordprocessingml.document.main+xml"/></Types>'
)
PARAGRAPH = "<w:p><w:r><w:t>Owls hunt at night</w:t></w:r></w:p>"


def relations(target):
    return f'<Relationships xmlns="{PACKAGE}/relationships"><Relationship Id="r0" {target}/></Relationships>'


def zip_of(members, compression=zipfile.ZIP_DEFLATED):
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", compression, compresslevel=1) as archive:
        for name, data in members.items():
            archive.writestr(name, data)
    return buffer.getvalue()


BEIR = {
    "corpus.jsonl": '{"_id": "d1", "title": "Lamps", "text": "A lamp is seen far out at sea."}\n',
    "queries.jsonl": '{"_id": "q1", "text": "how far is a lamp seen?"}\n',
    "qrels/test.tsv": "query-id\tcorpus-id\tscore\nq1\td1\t1\n",
}


def word(body=PARAGRAPH, before="", *, target="word/document.xml", more=()):
    """Write a Word document; before: text before its root, more: parts that are added."""
    parts = {
        "[Content_Types].xml": CONTENT_TYPES,
        "_rels/.rels": relations(f'Type="{RELATIONS}/officeDocument" Target="{target}"'),
        "word/document.xml": f'<?xml version="1.0"?>{before}<w:document xmlns:w="{WORD}"><w:body>{body}'
        "</w:body></w:document>",
    }
    return zip_of(parts | dict(more))


ENDS = "<w:pPr><w:rPr><w:del/></w:rPr></w:pPr>"
FIELD = "<w:fldChar w:fldCharType='begin'/><w:instrText>EQ \\f(1,2)</w:instrText>"


def related(kind, target):
    """Return the relationships of the main part: one, to a part in its folder."""
    return {"word/_rels/document.xml.rels": relations(f'Type="{RELATIONS}/{kind}" Target="{target}"')}


def numbered(times):
    """Write a Word document of so many list items, whose numbers are to stand in a text of a megabyte."""
    level = f'<w:lvl w:ilvl="0"><w:start w:val="999999999"/><w:lvlText w:val="{"%1" * 500_000}"/></w:lvl>'
    lists = (
        f'<w:numbering xmlns:w="{WORD}"><w:abstractNum w:abstractNumId="0">{level}</w:abstractNum>'
        '<w:num w:numId="1"><w:abstractNumId w:val="0"/></w:num></w:numbering>'
    )
    item = PARAGRAPH.replace("<w:p>", '<w:p><w:pPr><w:numPr><w:numId w:val="1"/></w:numPr></w:pPr>')
    return word(item * times, more=related("numbering", "numbering.xml") | {"word/numbering.xml": lists})


def laughing(body="&l11;", laughs=LAUGHS):
    return word(f"<w:p><w:r><w:t>{body}</w:t></w:r></w:p>", f"<!DOCTYPE d [{laughs}]>")


def with_size(data, name, told):
    """Change a member's size in both headers of a zip."""
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        true = struct.pack("<I", archive.getinfo(name).file_size)
    assert data.count(true) == 2
    return data.replace(true, struct.pack("<I", told))


def overlapping(data, times):
    """Write a zip's directory again, with each entry so many times: all copies share the same bytes."""
    start = data.index(b"PK\x01\x02")
    end = data.rindex(b"PK\x05\x06")
    directory, ending = data[start:end] * times, bytearray(data[end:])
    count = directory.count(b"PK\x01\x02")
    struct.pack_into("<HHII", ending, 8, count, count, len(directory), start)
    return data[:start] + directory + bytes(ending)


REMOTE = '<!DOCTYPE d SYSTEM "http://127.0.0.1:9/d.dtd" [<!ENTITY % p SYSTEM "http://127.0.0.1:9/p"> %p;]>'
EVIL_NAMES = {"../../evil.xml": "x", "word/\0.xml": "x", "w" * 4000: "x", "/etc/x": "x"}

WORDS = {
    "bomb": (lambda: word(PARAGRAPH * 1_500_000), NO_MEMORY),
    "bomb-told": (lambda: with_size(word(" " * 1000), "word/document.xml", 600_000_000), "unpacks to 600,00"),
    "bomb-spaces": (lambda: word("<w:p/>" + " " * 11_000_000), "Text node too long"),
    "bomb-lies": (lambda: with_size(word(" " * 20_000_000), "word/document.xml", 10), "Bad CRC-32"),
    "laughs": (laughing, "damaged .Maximum entity amplification"),
    "outside": (lambda: laughing("Owls&x;.", '<!ENTITY x SYSTEM "file:///etc/passwd">'), r"^Owls\.?$"),
    "remote": (lambda: word(before=REMOTE), OWLS),
    "deep": (lambda: word("<w:sdt><w:sdtContent>" * DEEP + "</w:sdtContent></w:sdt>" * DEEP), "Excessive depth"),
    "overlapping": (lambda: overlapping(word(), 5_000), "has 15,000 parts, at most 10,000"),
    "elsewhere": (lambda: word(target="../../../../../../etc/passwd"), OWLS),
    "names": (lambda: word(more=EVIL_NAMES), OWLS),
    "ends-deleted": (lambda: word(PARAGRAPH.replace("<w:p>", f"<w:p>{ENDS}") * 20_000), OWLS),
    "fields-open": (lambda: word(f"<w:p><w:r>{FIELD * 50_000}</w:r></w:p>{PARAGRAPH}"), OWLS),
    "labels-long": (lambda: numbered(5_000), OWLS),
    "boxes-deep": (lambda: word("<w:p><w:txbxContent>" * 125 + PARAGRAPH + "</w:txbxContent></w:p>" * 125), OWLS),
    "inside-itself": (lambda: word(f'{PARAGRAPH}<w:altChunk id="r0"/>', more=related("aFChunk", "document.xml")), OWLS),
}


# --- pages and tables ----------------------------------------------------------------------------------------------


OWL = "<p>Owls hunt at night, and the barn owl hunts by ear alone.</p>"
WRITTEN = (  # every way that a page may hold a script
    "<script>steal(1)</script><p onclick='steal(2)'>Owls hunt at night.</p><svg onload=steal(3)><script>steal(4)"
    "</script></svg><a href='javascript:steal(5)'>owl</a><iframe srcdoc='<script>steal(6)</script>'></iframe><style>"
    "p{background:url(steal)}</style><template><script>steal(7)</script></template><object data='data:text/html,steal'>"
    "</object><SCRIPT type=module>steal(8)</SCRIPT><math><script>steal(9)</script></math>"
)
BULLETS = b"<html><meta charset=unicode_escape><body>\xff<p>" + b"\\N{BULLET}" * 10_000


def frame(body, before=""):
    return f"{before}<html><head><title>Owls</title></head><body>{body}</body></html>"


PAGES = {
    "laughs": (lambda: frame(OWL + "<p>&l11;</p>", f"<!DOCTYPE html [{LAUGHS}]>"), OWLS),
    "outside": (lambda: frame(OWL + "<p>&x;</p>", "<!DOCTYPE html [<!ENTITY x SYSTEM 'file:///etc/passwd'>]>"), OWLS),
    "scripts": (lambda: frame(WRITTEN + OWL * 3), OWLS),
    "scripts-many": (lambda: frame(WRITTEN + OWL * 110_000), OWLS),
    "deep-after": (lambda: frame(OWL + "<div>" * DEEP), OWLS),
    "attribute": (lambda: frame("<p class='" + "a " * 200_000 + f"'>owl</p>{OWL}"), OWLS),
    "less-than": (lambda: frame("<" * 300_000), "<<<"),
    "charset-slow": (lambda: b"<html><meta charset=punycode><body>" + b"a-\xff" + b"z9" * 200_000, "z9z9"),
    "charset-code": (lambda: BULLETS, r"(\\N\{BULLET\}){99}"),  # no encoding of pages, so it is text
    "charset-zip": (lambda: b"<html><meta charset=zlib><body>\xff" + zlib.compress(bytes(5_000_000)), "binary or in"),
}

ROWS = {
    "wide.csv": (lambda: ",".join("a" * 300_000) + "\n" + ",".join("b" * 300_000), "a: b\na 2: b"),
    "cells.csv": (lambda: "text,x\n" + "a," * 4_000_000, "rows and values"),
    "rows.csv": (lambda: "text\n" + "a\n" * 1_500_000, NO_MEMORY),
    "open.csv": (lambda: 'text\n"' + 'owl"" ' * 1_000_000, "owl"),
    "nul.csv": (lambda: "text\0\nowl\0\n" + "hunts at night and sleeps by day" * 3, "owl"),
    "deep.jsonl": (lambda: '{"text": "owl", "a": ' + "[" * DEEP + "]" * DEEP + "}", "is nested too deeply"),
    "digits.jsonl": (lambda: '{"text": "owl", "a": ' + "9" * 1_000_000 + "}", "is not JSON .Exceeds the limit"),
    "ids.jsonl": (lambda: f'{{"text": "a", "id": "{"i" * 1_000_000}"}}\n' * 2, "^a\na$"),
    "fences.md": (lambda: "```\n~~~\n" * 200_000, "~~~"),
    "bytes.txt": (lambda: b"\x80\xfe\xff" * 3_000_000, "€þÿ|unknown encoding"),
    "nul.txt": (lambda: bytes(10_000_000), "binary or in"),
    "surrogates.txt": (lambda: b"\xed\xa0\x80" * 200_000, "."),
}

CASES = {
    f"{name}{suffix}": case
    for suffix, cases in ((".pdf", PDFS), (".docx", WORDS), (".html", PAGES), ("", ROWS))
    for name, case in cases.items()
}
