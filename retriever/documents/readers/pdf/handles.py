"""Pages of a PDF and their text, as handles of PDFium.

The objects that pypdfium2 puts around them take 50 microseconds each, where reading a page takes a millisecond, and
tell a form of each page that is opened, which is of use only where somebody fills it in.
"""

import ctypes
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from pypdfium2 import PdfiumError, raw  # type: ignore[import-untyped] # it ships no types

from retriever.documents.readers.pdf.characters import Box


@contextmanager
def page_of(document: Any, index: int) -> Iterator[Any]:  # noqa: ANN401 - pypdfium2 has no types
    """Open a page, counted from 0. Raises PdfiumError if it is damaged."""
    page = raw.FPDF_LoadPage(document, index)
    if not page:
        raise PdfiumError("The page cannot be loaded.")
    try:
        yield page
    finally:
        raw.FPDF_ClosePage(page)


@contextmanager
def text_page_of(page: Any) -> Iterator[Any]:  # noqa: ANN401
    """Open the text of a page. Raises PdfiumError if it is damaged."""
    text_page = raw.FPDFText_LoadPage(page)
    if not text_page:
        raise PdfiumError("The text of the page cannot be loaded.")
    try:
        yield text_page
    finally:
        raw.FPDFText_ClosePage(text_page)


def whole_text(text_page: Any) -> str:  # noqa: ANN401
    """Return all the text of a page, as PDFium gives it."""
    n_chars = raw.FPDFText_CountChars(text_page)
    buffer = (ctypes.c_ushort * (n_chars + 1))()
    n_written = raw.FPDFText_GetText(text_page, 0, n_chars, buffer)  # with a zero at the end
    return bytes(memoryview(buffer)[: max(n_written - 1, 0)]).decode("utf-16-le", "ignore")


def area_of(page: Any) -> Box:  # noqa: ANN401
    """Return the part of a page that is shown. Raises PdfiumError if it has none."""
    place = raw.FS_RECTF()
    if not raw.FPDF_GetPageBoundingBox(page, place):
        raise PdfiumError("The page has no area.")
    return Box(place.left, place.bottom, place.right, place.top)


def objects_of(
    holder: Any,  # noqa: ANN401
    depth: int,
    count: Callable[..., int] = raw.FPDFPage_CountObjects,
    get: Callable[..., Any] = raw.FPDFPage_GetObject,
) -> Iterator[tuple[Any, int]]:
    """Yield what is drawn on a page, each with its kind (FPDF_PAGEOBJ_*), also what groups of it hold, to a depth.

    count, get: PDFium's functions for what the holder is, a page or a group.
    """
    for index in range(count(holder)):
        drawn = get(holder, index)
        kind = raw.FPDFPageObj_GetType(drawn)
        yield drawn, kind
        if kind == raw.FPDF_PAGEOBJ_FORM and depth > 1:
            yield from objects_of(drawn, depth - 1, raw.FPDFFormObj_CountObjects, raw.FPDFFormObj_GetObject)
