"""Reader of PDF files."""

import re
import threading

from retriever.documents.decoding import detect_type
from retriever.documents.document import FileContent, Section
from retriever.errors import DocumentError

_PDFIUM_LOCK = threading.Lock()  # PDFium is not thread-safe


def read_pdf(data: bytes, max_pages: int | None = None) -> FileContent:
    """Read a PDF's text layer, one section per page; pages without text are left out.

    Raises DocumentError for a PDF that is damaged, encrypted or without text, and for more than max_pages pages.
    """
    if b"%PDF-" not in data[:1024]:
        raise DocumentError(
            f"The content is {detect_type(data) or 'not a PDF'}, but a PDF was expected: "
            "give the file its right extension."
        )
    with _PDFIUM_LOCK:
        title, pages = _read_pages(data, max_pages)
    sections = [Section(text, title, {"page": n}, f"page={n}") for n, text in enumerate(pages, 1) if text.strip()]
    if not sections:
        raise DocumentError(
            f"The PDF's {len(pages)} page(s) hold no text, so it is probably scanned: run OCR on it first."
        )
    return FileContent(sections)


def _read_pages(data: bytes, max_pages: int | None) -> tuple[str, list[str]]:
    """Return a PDF's title and the text of every page; the caller holds the PDFium lock."""
    import pypdfium2  # type: ignore[import-untyped] # it ships no types

    number = 0
    try:
        with pypdfium2.PdfDocument(data) as document:
            pages: list[str] = []
            if max_pages is not None and len(document) > max_pages:
                raise DocumentError(
                    f"The PDF has {len(document):,} pages, at most {max_pages:,} are read: split it, or give a part."
                )
            for number in range(1, len(document) + 1):
                page = document[number - 1]
                text_page = page.get_textpage()
                # joins a word divided at a line end, for whose hyphen PDFium writes U+0002 or U+FFFE
                pages.append(re.sub("[\ufffe\x02](\r?\n)?|\u2010\r?\n", "", text_page.get_text_bounded()))
                text_page.close()
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
