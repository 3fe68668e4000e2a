"""Reading a PDF of 200 pages, against pypdf."""

import tempfile
from collections.abc import Sequence
from pathlib import Path

from benchmarks.data import texts_of
from benchmarks.protocol import Comparison, Target, interleaved, wall
from benchmarks.report import Stage, main
from retriever.documents.loading import load_documents

PAGES, LINES, WIDTH = 200, 50, 90  # pages, lines a page, characters a line
PYPDF = "pypdf"


def run(full: bool) -> Stage:
    """Write a PDF of plain text, and read the text of all its pages."""
    from pypdf import PdfReader

    text = " ".join(" ".join(texts_of(1.3)).encode("ascii", "ignore").decode().split())
    lines = [text[start : start + WIDTH] for start in range(0, PAGES * LINES * WIDTH, WIDTH)]
    pages = [lines[start : start + LINES] for start in range(0, len(lines), LINES)]
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "pages.pdf"
        path.write_bytes(pdf_of(pages))
        cases = {
            "retriever": wall(lambda: load_documents(path)),
            PYPDF: wall(lambda: [page.extract_text() for page in PdfReader(path).pages]),
        }
        read = load_documents(path)
        theirs = [page.extract_text() for page in PdfReader(path).pages]
        values = interleaved(cases, 9 if full else 3)
    words = [sum(len(text.split()) for text in found) for found in ([page.text for page in read], theirs)]
    note = f"Words read: {words[0]:,} by retriever, {words[1]:,} by pypdf, on {len(read)} pages."
    found = Comparison(f"{PAGES} pages of {LINES} lines", "s", values, [Target(0.5, PYPDF)])
    return Stage("Reading a PDF", [found], {"characters": PAGES * LINES * WIDTH}, {}, [note])


def pdf_of(pages: Sequence[Sequence[str]]) -> bytes:
    """Return a PDF with these lines of ASCII text on its pages, in one of the fonts that every reader has."""
    objects = [b"<< /Type /Catalog /Pages 2 0 R >>", b"", b"<< /Type /Font /Subtype /Type1 /BaseFont /Courier >>"]
    for lines in pages:
        escaped = (line.replace("\\", "\\\\").replace("(", "\\(").replace(")", "\\)") for line in lines)
        content = "BT /F1 9 Tf 14 TL 40 780 Td " + " ".join(f"({line}) Tj T*" for line in escaped) + " ET"
        size, font = "/MediaBox [0 0 595 842]", "/Resources << /Font << /F1 3 0 R >> >>"
        page = f"<< /Type /Page /Parent 2 0 R {size} {font} /Contents {len(objects) + 2} 0 R >>"
        objects += [page.encode(), f"<< /Length {len(content)} >>\nstream\n{content}\nendstream".encode("ascii")]
    kids = " ".join(f"{number} 0 R" for number in range(4, len(objects) + 1, 2))
    objects[1] = f"<< /Type /Pages /Count {len(pages)} /Kids [{kids}] >>".encode()
    data, places = b"%PDF-1.4\n", []
    for number, part in enumerate(objects, 1):
        places.append(len(data))
        data += b"%d 0 obj\n%s\nendobj\n" % (number, part)
    table = b"".join(b"%010d 00000 n \n" % place for place in places)
    start = len(data)
    data += b"xref\n0 %d\n0000000000 65535 f \n%s" % (len(objects) + 1, table)
    return data + b"trailer << /Size %d /Root 1 0 R >>\nstartxref\n%d\n%%%%EOF\n" % (len(objects) + 1, start)


if __name__ == "__main__":
    main(run)
