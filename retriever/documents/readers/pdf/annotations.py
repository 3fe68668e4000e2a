"""What stands on a PDF page beside its text: values of form fields, typed notes, and comments, which are not shown."""

import ctypes
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from pypdfium2 import raw  # type: ignore[import-untyped] # it ships no types

from retriever.documents.readers.pdf.characters import Box

CHECKED, UNCHECKED = "\N{BALLOT BOX WITH X}", "\N{BALLOT BOX}"
PASSWORD = 1 << 13  # bit of the flags of a text field
MAX_OPTIONS = 1000  # of a list that are looked at for those chosen


@dataclass(frozen=True, slots=True)
class Entry:
    """A text that was put on a page. is_mark: of a check box or radio button, whose name stands on its right."""

    text: str
    box: Box
    is_mark: bool = False


@dataclass
class Annotations:
    """What a page holds beside its content. entries: values and typed notes that are shown; comments are not."""

    entries: list[Entry] = field(default_factory=list)
    n_fields: int = 0
    n_comments: int = 0


def read_annotations(page: Any, form: Any) -> Annotations:  # noqa: ANN401 - pypdfium2 has no types
    """Return the annotations of a page; form: the form environment of its document, or None if it has no form."""
    found = Annotations()
    for index in range(raw.FPDFPage_GetAnnotCount(page)):
        if annotation := raw.FPDFPage_GetAnnot(page, index):
            _add(annotation, form, found)
            raw.FPDFPage_CloseAnnot(annotation)
    return found


def _add(annotation: Any, form: Any, found: Annotations) -> None:  # noqa: ANN401
    """Add an annotation to those that were found on its page, if it is shown."""
    kind = raw.FPDFAnnot_GetSubtype(annotation)
    if kind in (raw.FPDF_ANNOT_LINK, raw.FPDF_ANNOT_POPUP, raw.FPDF_ANNOT_UNKNOWN):
        return
    if raw.FPDFAnnot_GetFlags(annotation) & (raw.FPDF_ANNOT_FLAG_HIDDEN | raw.FPDF_ANNOT_FLAG_NOVIEW):
        return
    found.n_fields += kind == raw.FPDF_ANNOT_WIDGET
    text = _field_value(annotation, form) if kind == raw.FPDF_ANNOT_WIDGET else _contents(annotation)
    if not text.strip():
        return
    place = raw.FS_RECTF()
    if kind not in (raw.FPDF_ANNOT_WIDGET, raw.FPDF_ANNOT_FREETEXT):
        found.n_comments += 1
    elif raw.FPDFAnnot_GetRect(annotation, ctypes.byref(place)):
        box = Box(place.left, place.bottom, place.right, place.top)
        found.entries.append(Entry(text.strip(), box, text in (CHECKED, UNCHECKED)))


def _field_value(annotation: Any, form: Any) -> str:  # noqa: ANN401
    """Return what a form field shows: its text, the options that were chosen, or a box that is checked or not."""
    if not form:
        return ""
    kind = raw.FPDFAnnot_GetFormFieldType(form, annotation)
    if kind in (raw.FPDF_FORMFIELD_CHECKBOX, raw.FPDF_FORMFIELD_RADIOBUTTON):
        checked = raw.FPDFAnnot_IsChecked(form, annotation) or _is_on(annotation)
        return CHECKED if checked else UNCHECKED
    if kind in (raw.FPDF_FORMFIELD_COMBOBOX, raw.FPDF_FORMFIELD_LISTBOX):
        options = range(min(raw.FPDFAnnot_GetOptionCount(form, annotation), MAX_OPTIONS))
        chosen = [index for index in options if raw.FPDFAnnot_IsOptionSelected(form, annotation, index)]
        if chosen:
            labels = (_read_text(raw.FPDFAnnot_GetOptionLabel, form, annotation, index) for index in chosen)
            return ", ".join(labels)
        return _read_text(raw.FPDFAnnot_GetFormFieldValue, form, annotation)
    if kind == raw.FPDF_FORMFIELD_TEXTFIELD and not raw.FPDFAnnot_GetFormFieldFlags(form, annotation) & PASSWORD:
        return _read_text(raw.FPDFAnnot_GetFormFieldValue, form, annotation)
    return ""


def _is_on(annotation: Any) -> bool:  # noqa: ANN401
    """Return whether the file says that a check box is on; PDFium does not see it without a picture of that state."""
    return any(_read_text(raw.FPDFAnnot_GetStringValue, annotation, key) not in ("", "Off") for key in (b"AS", b"V"))


def _contents(annotation: Any) -> str:  # noqa: ANN401
    """Return the text of a note or comment."""
    return _read_text(raw.FPDFAnnot_GetStringValue, annotation, b"Contents")


def _read_text(function: Callable[..., int], *arguments: Any) -> str:  # noqa: ANN401
    """Return the text that a function of PDFium writes into a buffer in UTF-16."""
    size = function(*arguments, None, 0)
    if size <= 2:
        return ""
    buffer = (ctypes.c_ushort * ((size + 1) // 2))()
    function(*arguments, buffer, size)
    return bytes(buffer)[: size - 2].decode("utf-16-le", "ignore").replace("\r\n", "\n").replace("\r", "\n")
