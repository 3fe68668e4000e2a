"""Read one file's bytes into pieces of text: a function a format, DocumentError for what cannot be read."""

import io
import re
import threading
import zipfile
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

from retriever.decoding import decode, kind_of
from retriever.errors import DocumentError
from retriever.pieces import Piece
from retriever.rows import read_csv, read_jsonl

if TYPE_CHECKING:
    from docx.oxml.xmlchemy import BaseOxmlElement

MAX_UNPACKED = 500_000_000  # bytes; a small .docx can unpack to gigabytes on purpose
MAX_MEMBERS = 10_000  # files in a .docx; an ordinary one has twenty and its pictures
MAX_TAGS = 200_000  # of a page whose main text is looked for; about 100,000 elements
WORD_CHARACTERS = {"tab": "\t", "ptab": "\t", "br": "\n", "cr": "\n", "noBreakHyphen": "-"}
WORD_UNSEEN = ("pPr", "rPr", "del", "moveFrom", "Fallback")
_PDFIUM = threading.Lock()  # PDFium is not thread-safe


def read_txt(data: bytes) -> list[Piece]:
    """Read a plain text: one piece, no title."""
    return [Piece(decode(data))]


def read_md(data: bytes) -> list[Piece]:
    """Read Markdown as it is written; its first heading outside code is the title."""
    text = decode(data).replace("\r\n", "\n").replace("\r", "\n")
    prose = re.sub(r"^ {0,3}(```|~~~).*?(^ {0,3}\1|\Z)", "", text, flags=re.MULTILINE | re.DOTALL)
    heading = re.search(r"^ {0,3}#{1,6}[ \t]+(\S.*)|^(\S.*)\n=+[ \t]*$", prose, flags=re.MULTILINE)
    title = (heading[1] or heading[2]).rstrip().rstrip("# \t") if heading else ""
    return [Piece(text, title)]


def read_html(data: bytes) -> list[Piece]:
    """Read a page's main text by trafilatura, or all of its body where that finds nothing; no scripts or styles.

    Of a page with very many tags all of the body is taken: looking for the main text takes 0.1 ms a tag.
    """
    import trafilatura

    page = _decode_html(data)
    if not re.search(r"<body[\s>]", page, flags=re.IGNORECASE):
        page = f"<html><body><div>{page}</div></body></html>"  # trafilatura refuses fragments
    tree = trafilatura.load_html(page)
    if tree is None:
        return []
    title = tree.findtext(".//title") or tree.findtext(".//h1") or ""
    small = page.count("<") < MAX_TAGS
    text = trafilatura.extract(page, include_comments=False, favor_recall=True) if small else ""
    text = text or trafilatura.html2txt(page)
    return [Piece(text, " ".join(title.split()))]


def _decode_html(data: bytes) -> str:
    """Decode a page, preferring the charset it declares to a guess when it is not UTF-8."""
    declared = re.search(rb"charset=[\"']?([\w-]+)", data[:4096])
    try:
        data.decode("utf-8")
    except UnicodeDecodeError:
        if declared and not kind_of(data):
            try:
                return data.decode(declared[1].decode())
            except (LookupError, ValueError):  # an unknown name, or the wrong one
                pass
    return decode(data)


def read_pdf(data: bytes, max_pages: int | None = None) -> list[Piece]:
    """Read a PDF's text layer, a piece a page; pages without text are left out, more than max_pages are refused."""
    if b"%PDF-" not in data[:1024]:
        raise DocumentError(
            f"The content is {kind_of(data) or 'not a PDF'}, but a PDF was expected: give the file its right extension."
        )
    with _PDFIUM:
        title, pages = _pdf_pages(data, max_pages)
    pieces = [Piece(text, title, {"page": n}, f"page={n}") for n, text in enumerate(pages, 1) if text.strip()]
    if not pieces:
        raise DocumentError(
            f"The PDF's {len(pages)} page(s) hold no text, so it is probably scanned: run OCR on it first."
        )
    return pieces


def _pdf_pages(data: bytes, max_pages: int | None) -> tuple[str, list[str]]:
    """Give a PDF's title and the text of every page; the caller holds the lock."""
    import pypdfium2  # type: ignore[import-untyped]

    number = 0
    try:
        with pypdfium2.PdfDocument(data) as document:
            pages: list[str] = []
            if max_pages is not None and len(document) > max_pages:
                raise DocumentError(
                    f"The PDF has {len(document):,} pages, at most {max_pages:,} are read: split it, or give a part."
                )
            for number in range(1, len(document) + 1):  # noqa: B007 - the error message names it
                page = document[number - 1]
                layer = page.get_textpage()
                # the hyphen of a word divided at a line's end, for which PDFium itself writes U+0002 or U+FFFE
                pages.append(re.sub("[\ufffe\x02](\r?\n)?|\u2010\r?\n", "", layer.get_text_bounded()))
                layer.close()
                page.close()
            return document.get_metadata_value("Title"), pages
    except pypdfium2.PdfiumError as error:
        if number:
            reason = f"Page {number} of the PDF is damaged: export the PDF again."
        elif getattr(error, "err_code", None) in (pypdfium2.raw.FPDF_ERR_PASSWORD, pypdfium2.raw.FPDF_ERR_SECURITY):
            reason = "The PDF is encrypted, and only open files can be read: save a copy without a password."
        else:
            reason = "The PDF is damaged and cannot be opened: download or export it again."
        raise DocumentError(reason) from error


def read_docx(data: bytes) -> list[Piece]:
    """Read a Word document's paragraphs and tables in their order; headers, footers and notes are left out."""
    import docx

    kind = kind_of(data)
    if kind == "a damaged ZIP archive":
        raise DocumentError("The Word document is damaged or incomplete: download it again or save it anew.")
    if kind != "a Word document":
        raise DocumentError(
            f"The content is {kind or 'no ZIP archive'}, but an open Word document was expected:"
            " give the file its right extension, or save it as .docx without a password."
        )
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        members = archive.infolist()
    unpacked = sum(member.file_size for member in members)
    if unpacked > MAX_UNPACKED:
        raise DocumentError(f"The Word document unpacks to {unpacked:,} bytes, at most {MAX_UNPACKED:,} are read.")
    if len(members) > MAX_MEMBERS:
        raise DocumentError(f"The Word document has {len(members):,} parts, at most {MAX_MEMBERS:,} are read.")
    try:
        document = docx.Document(io.BytesIO(data))
        blocks = [block for block in _word_blocks(document.element.body) if block.strip()]
        headings = {style.style_id for style in document.styles if str(style.name).startswith(("Title", "Heading"))}
        titles = (_word_text(p) for p in document.element.body.xpath(".//w:p") if p.style in headings)
        heading = next((title for title in titles if title.strip()), "")
        return [Piece("\n\n".join(blocks), heading or document.core_properties.title)]
    except MemoryError:
        raise
    except Exception as error:  # zipfile, lxml and python-docx each raise their own kinds
        raise DocumentError(
            f"The Word document is damaged ({str(error)[:120]}): open it in Word and save it anew."
        ) from error


def _word_blocks(parent: "BaseOxmlElement") -> Iterator[str]:
    """Give the text of each paragraph and table below a WordprocessingML element, also inside content controls.

    The XML is walked because python-docx's own lists leave out content controls and tracked insertions.
    """
    for child in parent.iterchildren("{*}*"):
        name = child.tag.rpartition("}")[2]
        if name == "p":
            yield _word_text(child)
        elif name == "tbl":
            yield "\n".join(map(_word_row, child.xpath("./w:tr | ./w:sdt/w:sdtContent/w:tr")))
        elif name in ("sdt", "sdtContent", "customXml", "ins", "moveTo"):
            yield from _word_blocks(child)


def _word_row(row: "BaseOxmlElement") -> str:
    """Give a table row as one line, its cells divided by bars."""
    cells = row.xpath("./w:tc | ./w:sdt/w:sdtContent/w:tc")
    return " | ".join(" ".join(" ".join(_word_blocks(cell)).split()) for cell in cells)


def _word_text(element: "BaseOxmlElement") -> str:
    """Give the visible text below an element: no field codes, no deleted text, no second copy of a text box."""
    parts = []
    for child in element.iterchildren("{*}*"):
        name = child.tag.rpartition("}")[2]
        if name == "t":
            parts.append(child.text or "")
        elif name in WORD_CHARACTERS:
            parts.append(WORD_CHARACTERS[name])
        elif name not in WORD_UNSEEN:
            parts.append(("\n" if name == "p" else "") + _word_text(child))
    return "".join(parts)


READERS: dict[str, Callable[[bytes], list[Piece]]] = {
    ".txt": read_txt,
    ".md": read_md,
    ".html": read_html,
    ".htm": read_html,
    ".pdf": read_pdf,
    ".docx": read_docx,
    ".csv": read_csv,
    ".jsonl": read_jsonl,
}
