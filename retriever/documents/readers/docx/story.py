"""The text of one part of a Word document (its body, a note, a header), block by block."""

from typing import TYPE_CHECKING

from retriever.documents.readers.docx.fields import Fields
from retriever.documents.readers.docx.line import UNSEEN, Line
from retriever.documents.readers.docx.parts import Parts
from retriever.documents.readers.docx.styles import BODY_LEVEL, list_place
from retriever.documents.readers.docx.xml import attribute, child_of, children, children_named, name_of, number

if TYPE_CHECKING:
    from lxml.etree import _Element

MAX_KEPT = 10_000  # characters of paragraphs that are one, as their ends were deleted
IN_LINE = ("r", "hyperlink", "fldSimple", "oMath", "oMathPara", "smartTag")  # below a paragraph, if all is in order


class Story:
    """Reader of a part's blocks: paragraphs, tables, text boxes and what is imported.

    outline: (whether it is a title, text) of each heading that was met.
    """

    def __init__(self, parts: Parts, part: str) -> None:
        self._parts, self._part, self._findings = parts, part, parts.findings
        self._numbering = parts.numbering if part == parts.main else parts.numbering.from_the_start()
        self._fields = Fields()
        self._notes: list[str] = []  # that follow the outermost block
        self._frames = 0  # around the block that is read: cells and text boxes
        self._kept = ""  # text of a paragraph that goes on in the next one
        self.outline: list[tuple[bool, str]] = []

    def blocks(self, parent: "_Element") -> list[str]:
        """Return the text of each paragraph and table below an element; those without any are left out."""
        found: list[str] = []
        for name, child in children(parent):
            if name in ("tbl", "altChunk"):
                found.append(self._taken())
            if name in IN_LINE or name in ("p", "tbl", "altChunk", "subDoc"):
                found += self.block(child)
            elif name == "AlternateContent":
                found += self._chosen(child)
            elif name in ("del", "moveFrom"):
                self._findings.deletions = True
            elif name not in UNSEEN:
                found += self.blocks(child)
            if not self._frames:
                found += self._notes
                self._notes = []
        found.append(self._taken())
        return [block for block in found if block.strip()]

    def block(self, element: "_Element") -> list[str]:
        """Return the block, or blocks, that an element is."""
        name = name_of(element)
        if name == "tbl":
            return self._table(element)
        if name == "altChunk":
            return [self._parts.imported(self._part, attribute(element, "id"))]
        if name == "subDoc":
            self._findings.add("linked document", read=False)
            return []
        return self._paragraph(element, whole=name == "p")

    def framed(self, element: "_Element") -> list[str]:
        """Return the blocks in a cell or a text box; notes that they refer to come behind all of it."""
        outer, self._kept = self._kept, ""
        self._frames += 1
        found = self.blocks(element)
        self._frames -= 1
        self._kept = outer
        return found

    def _chosen(self, element: "_Element") -> list[str]:
        """Return the blocks of the first alternative that has any."""
        for _, alternative in children(element):
            total = self._findings.total
            if (found := self.blocks(alternative)) or self._findings.total > total:
                return found
        return []

    def _taken(self) -> str:
        """Return what a paragraph left for the next one."""
        text, self._kept = self._kept, ""
        return text

    def _paragraph(self, element: "_Element", *, whole: bool) -> list[str]:
        """Return a paragraph with its list number, and the text boxes that hang on it. whole: with its properties."""
        line = Line(self._parts, self._part, self._fields, self)
        if whole:
            self._fields.new_paragraph()
            line.read_inside(element)
        else:
            line.read(element)
        self._notes += line.notes
        properties = child_of(element, "pPr") if whole else None
        settings = dict(children(properties)) if properties is not None else {}
        return [*self._finished("".join(line.pieces), settings), *line.after]

    def _finished(self, text: str, settings: dict[str, "_Element"]) -> list[str]:
        """Return a paragraph as it is shown: with its number, or none if it goes on in the next paragraph."""
        text = self._taken() + text
        if self._goes_on(settings) and len(text) < MAX_KEPT:
            self._kept = text
            return []
        if "sectPr" in settings and not text.strip():  # no more than a section break, which Word does not number
            return []
        styles = self._parts.styles
        style = attribute(settings.get("pStyle")) or styles.default
        label = self._numbering.label(style, list_place(settings.get("numPr")))
        if not text.strip():
            return []
        level = number(settings.get("outlineLvl"))
        if styles.is_title(style) or styles.is_heading(style) or (level is not None and level < BODY_LEVEL):
            self.outline.append((styles.is_title(style), text))
        apart = " " if label[-1:].isalnum() and text[:1].isalnum() else ""
        return [f"{label}{apart}{text.lstrip() if label else text}"]

    def _goes_on(self, settings: dict[str, "_Element"]) -> bool:
        """Return whether a paragraph goes on in the next: its end was deleted, or it is a large initial."""
        mark = settings.get("rPr")
        if mark is not None and next(mark.iterchildren("{*}del", "{*}moveFrom"), None) is not None:
            self._findings.deletions = True
            return True
        return attribute(settings.get("framePr"), "dropCap") in ("drop", "margin")

    def _table(self, element: "_Element") -> list[str]:
        """Return a table with a line for each row; of a table of one cell, which is a frame, the blocks in it."""
        rows = [list(children_named(row, "tc")) for row in children_named(element, "tr")]
        if [len(cells) for cells in rows] == [1]:
            return self.blocks(rows[0][0])
        lines = []
        for cells in rows:
            texts = [" ".join(" ".join(self.framed(cell)).split()) for cell in cells]
            if any(texts):
                lines.append(" | ".join(texts))
        return ["\n".join(lines)]
