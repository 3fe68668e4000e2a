"""Fields of a Word document: what they show is text, what they are told is not."""

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from retriever.documents.readers.docx.equations import field_equation
from retriever.documents.readers.docx.xml import attribute, child_of, children_named, is_on, number

if TYPE_CHECKING:
    from lxml.etree import _Element

MAX_OPEN = 20  # fields, one inside the other


@dataclass
class Field:
    """A field that is open. instructed: whether its result has not begun.

    shows: what stands for it if it stores no result; equation: its instructions, if they are an equation.
    """

    shows: str
    equation: list[str] = field(default_factory=list)
    instructed: bool = True


class Fields:
    """The fields that are open at a place, the outermost first."""

    def __init__(self) -> None:
        self._open: list[Field] = []

    @property
    def hidden(self) -> bool:
        """Whether text here is the result of a field inside the instructions of another, which nobody sees."""
        return any(one.instructed for one in self._open[:-1])

    def took_text(self) -> None:
        """Take note of text: a field that has a result needs nothing in its place."""
        if self._open and not self._open[-1].instructed:
            self._open[-1] = Field("", instructed=False)

    def new_paragraph(self) -> None:
        """Take instructions as ended: a field that is never closed must not hide the rest of the document."""
        for one in self._open:
            one.instructed = False

    def instruct(self, element: "_Element") -> None:
        """Read instructions; those of an equation are kept, as most often there is no result beside them."""
        text = element.text or ""
        if self._open and (self._open[-1].equation or text.upper().split()[:1] == ["EQ"]):
            self._open[-1].equation.append(text)

    def follow(self, element: "_Element") -> str:
        """Open, turn or close a field, and return what it shows if it has no result."""
        kind = attribute(element, "fldCharType")
        if kind == "begin" and len(self._open) < MAX_OPEN:
            self._open.append(Field(_form_data(element)))
        elif kind == "separate" and self._open:
            self._open[-1].instructed = False
        elif kind == "end" and self._open:
            ended = self._open.pop()
            return ended.shows or field_equation("".join(ended.equation))
        return ""


def _form_data(element: "_Element") -> str:
    """Return what a check box or a list of an old form shows."""
    data = child_of(element, "ffData")
    box, choices = child_of(data, "checkBox"), child_of(data, "ddList")
    if box is not None:
        checked = child_of(box, "checked")
        return "☒" if is_on(checked if checked is not None else child_of(box, "default")) else "☐"
    if choices is not None:
        entries = [attribute(entry) for entry in children_named(choices, "listEntry")]
        chosen = number(child_of(choices, "result"), default=number(child_of(choices, "default"), default=0)) or 0
        return entries[chosen] if chosen < len(entries) else ""
    return ""
