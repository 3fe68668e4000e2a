"""Fields of a Word document: what they show is text, what they are told is not."""

from typing import TYPE_CHECKING

from retriever.documents.readers.docx.xml import attribute, child_of, children_named, is_on, number

if TYPE_CHECKING:
    from lxml.etree import _Element

MAX_OPEN = 20  # fields, one inside the other


class Fields:
    """The fields that are open at a place: of each, whether its instructions are read and not yet its result."""

    def __init__(self) -> None:
        self._instructed: list[bool] = []  # the outermost field first
        self._chosen = ""  # what an old form's box or list shows, unless there is a result
        self._equation: list[str] = []  # instructions of a field that shows an equation and stores no result

    @property
    def hidden(self) -> bool:
        """Whether text here is the result of a field inside the instructions of another, which nobody sees."""
        return any(self._instructed[:-1])

    def took_text(self) -> None:
        """Take note of text: a field that has a result needs nothing in its place."""
        if self._instructed and not self._instructed[-1]:
            self._chosen = ""

    def new_paragraph(self) -> None:
        """Take instructions as ended: a field that is never closed must not hide the rest of the document."""
        self._instructed = [False] * len(self._instructed)

    def instruct(self, element: "_Element") -> None:
        """Read instructions; those of an equation field are kept, as they are all there is of the equation."""
        text = element.text or ""
        if self._equation or text.split()[:1] == ["EQ"]:
            self._equation.append(text)

    def follow(self, element: "_Element") -> str:
        """Open, turn or close a field, and return what it shows besides its result."""
        kind = attribute(element, "fldCharType")
        if kind == "begin":
            if len(self._instructed) < MAX_OPEN:
                self._instructed.append(True)
            self._chosen = _form_data(element)
        elif kind == "separate" and self._instructed:
            self._instructed[-1] = False
            self._equation = []
        elif kind == "end" and self._instructed:
            self._instructed.pop()
            shown = self._chosen or "".join(self._equation).strip().removeprefix("EQ").strip()
            self._chosen, self._equation = "", []
            return shown
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
