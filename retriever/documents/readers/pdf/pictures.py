"""Pictures on a PDF page that may show text which is not read."""

import ctypes
from itertools import islice
from typing import Any

from pypdfium2 import raw  # type: ignore[import-untyped] # it ships no types

from retriever.documents.readers.pdf.handles import area_of, objects_of

FEW_LETTERS = 100  # of a page that is mostly a picture: a page number, a stamp of the scanner
LARGE = 1 / 3  # of the page
DRAWN = 5  # objects that are more than a border or a line
MAX_OBJECTS = 200  # of a page that are looked at


def shows_something(page: Any) -> bool:  # noqa: ANN401 - pypdfium2 has no types
    """Return whether a page without text shows a picture or a drawing; a few lines are none."""
    kinds = [kind for _, kind in islice(objects_of(page, 1), DRAWN)]
    return len(kinds) == DRAWN or any(kind != raw.FPDF_PAGEOBJ_PATH for kind in kinds)


def is_mostly_picture(page: Any, text: str) -> bool:  # noqa: ANN401
    """Return whether a page has little text beside a large picture, as scanned pages have."""
    if len(text) > 3 * FEW_LETTERS or sum(map(str.isalnum, text)) > FEW_LETTERS:
        return False
    box = area_of(page)
    for drawn, kind in islice(objects_of(page, 3), MAX_OBJECTS):
        if kind == raw.FPDF_PAGEOBJ_IMAGE:
            left, bottom, right, top = edges = [ctypes.c_float() for _ in range(4)]
            if not raw.FPDFPageObj_GetBounds(drawn, *edges):
                continue
            width = min(right.value, box.right) - max(left.value, box.left)
            height = min(top.value, box.top) - max(bottom.value, box.bottom)
            if min(width, height) > 0 and width * height >= LARGE * (box.right - box.left) * (box.top - box.bottom):
                return True
    return False
