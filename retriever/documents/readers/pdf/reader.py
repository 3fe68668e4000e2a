"""Reader of PDF files."""

import logging
import re
import threading
from dataclasses import dataclass, field
from typing import Any

from retriever.documents.decoding import detect_type
from retriever.documents.document import FileContent, Section
from retriever.documents.parts import name_parts
from retriever.documents.readers.pdf.hyphens import join_divided_words
from retriever.errors import DocumentError

_PDFIUM_LOCK = threading.Lock()  # PDFium is not thread-safe
NO_TEXT = "No text can be read there, only a picture or drawing is shown. If it shows text, run OCR on the file first."
DAMAGED = "The content is damaged: export the PDF again."
ATTACHED = "Files inside a PDF are not read: save them from a PDF viewer, and add them by themselves."
XFA = "The PDF is an XFA form, whose text only Adobe's programs can show: print it to a PDF with one, and add that."
# what the pages of such a form say instead, in the languages of the programs that write it, and in others
WAIT = re.compile(
    "please wait|bitte warten|veuillez patienter|espere|attendere|attendez|aguarde|een ogenblik|vänta|odota|vent "
    "|proszę czekać|čekejte|подождите|お待ち|请稍候|請稍候|eventually replaced",
    re.IGNORECASE,
)
READER = re.compile("adobe|acrobat", re.IGNORECASE)
LONGEST_NOTICE = 3000  # characters


@dataclass
class _Pages:
    """What the pages of a PDF hold; the pages in the lists are counted from 1."""

    title: str = ""
    texts: list[str] = field(default_factory=list)
    without_text: list[int] = field(default_factory=list)  # though they show something
    mostly_picture: list[int] = field(default_factory=list)
    damaged: list[int] = field(default_factory=list)
    with_comments: list[int] = field(default_factory=list)
    n_attached: int = 0


def read_pdf(data: bytes, max_pages: int | None = None) -> FileContent:
    """Read a PDF's text, form values and typed notes, one section per page; pages without any are left out.

    Raises DocumentError for a PDF that is damaged, encrypted, without text or an XFA form, and for more than max_pages
    pages.
    """
    if b"%PDF-" not in data[:1024]:
        raise DocumentError(
            f"The content is {detect_type(data) or 'not a PDF'}, but a PDF was expected: "
            "give the file its right extension."
        )
    with _PDFIUM_LOCK:
        pages = _read_pages(data, max_pages)
    texts = enumerate(join_divided_words(pages.texts), 1)
    sections = [Section(text, pages.title, {"page": n}, f"page={n}") for n, text in texts if text.strip()]
    if not sections and pages.damaged:
        raise DocumentError(f"{name_parts('Page', pages.damaged)} of the PDF cannot be read. {DAMAGED}")
    if not sections:
        raise DocumentError(
            f"The PDF's {len(pages.texts)} page(s) hold no text, so it is probably scanned: run OCR on it first."
        )
    unread = {name_parts("page", n): why for n, why in ((pages.without_text, NO_TEXT), (pages.damaged, DAMAGED)) if n}
    if pages.n_attached:
        unread["attached file" if pages.n_attached == 1 else f"{pages.n_attached:,} attached files"] = ATTACHED
    notes = []
    if pages.mostly_picture:
        where = name_parts("page", pages.mostly_picture)
        notes.append(f"Only a few words beside a large picture on {where}: if it shows text, run OCR on the file.")
    if pages.with_comments:
        where = name_parts("page", pages.with_comments)
        notes.append(f"Comments on {where} were left out: only what stands on the page itself is read.")
    return FileContent(sections, unread, notes)


def _read_pages(data: bytes, max_pages: int | None) -> _Pages:
    """Return what the pages of a PDF hold; the caller holds the PDFium lock."""
    import pypdfium2  # type: ignore[import-untyped] # it ships no types

    logging.getLogger("pypdfium2").setLevel(logging.ERROR)  # it warns of forms that are refused here
    try:
        document = pypdfium2.PdfDocument(data)
    except pypdfium2.PdfiumError as error:
        locked = (pypdfium2.raw.FPDF_ERR_PASSWORD, pypdfium2.raw.FPDF_ERR_SECURITY)
        if getattr(error, "err_code", None) in locked:
            reason = "The PDF is encrypted, and only open files can be read: save a copy without a password."
        else:
            reason = "The PDF is damaged and cannot be opened: download or export it again."
        raise DocumentError(reason) from error
    with document:
        if max_pages is not None and len(document) > max_pages:
            raise DocumentError(
                f"The PDF has {len(document):,} pages, at most {max_pages:,} are read: split it, or give a part."
            )
        has_xfa = document.get_formtype() in (pypdfium2.raw.FORMTYPE_XFA_FULL, pypdfium2.raw.FORMTYPE_XFA_FOREGROUND)
        document.init_forms()
        pages = _Pages(document.get_metadata_value("Title"), n_attached=max(document.count_attachments(), 0))
        n_fields = 0
        for number in range(1, len(document) + 1):
            try:
                n_fields += _read_page(document, number, pages)
            except pypdfium2.PdfiumError:
                pages.texts[number - 1 :] = [""]
                pages.damaged.append(number)
        if has_xfa and _is_notice("".join(pages.texts), n_fields):
            raise DocumentError(XFA)
        return pages


def _read_page(document: Any, number: int, pages: _Pages) -> int:  # noqa: ANN401
    """Add to pages what a page holds, and return how many form fields it has."""
    from retriever.documents.readers.pdf.annotations import read_annotations  # these load PDFium
    from retriever.documents.readers.pdf.handles import page_of
    from retriever.documents.readers.pdf.page_text import page_text
    from retriever.documents.readers.pdf.pictures import is_mostly_picture, shows_something

    with page_of(document, number - 1) as page:
        beside = read_annotations(page, document.formenv)
        text = page_text(page, beside.entries)
        pages.texts.append(text)
        if not text.strip():
            if shows_something(page):
                pages.without_text.append(number)
        elif is_mostly_picture(page, text):
            pages.mostly_picture.append(number)
        if beside.n_comments:
            pages.with_comments.append(number)
        return beside.n_fields


def _is_notice(text: str, n_fields: int) -> bool:
    """Return whether all the text of an XFA form only says that another program shows it."""
    if len(text) > LONGEST_NOTICE:
        return False
    return WAIT.search(text) is not None or not n_fields and (not text.strip() or READER.search(text) is not None)
