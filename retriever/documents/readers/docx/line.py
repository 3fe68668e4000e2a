"""The text of one paragraph: its runs, fields, symbols and equations, and what is drawn or embedded in it."""

import re
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Protocol

from retriever.documents.readers.docx.equations import equation_text
from retriever.documents.readers.docx.fields import Fields
from retriever.documents.readers.docx.graphics import fills_page
from retriever.documents.readers.docx.parts import Parts
from retriever.documents.readers.docx.symbols import is_symbol_font, sign_of, translate
from retriever.documents.readers.docx.xml import OFF, attribute, child_of, children, name_of

if TYPE_CHECKING:
    from lxml.etree import _Element

CHARACTERS = {"tab": "\t", "ptab": "\t", "br": "\n", "cr": "\n", "noBreakHyphen": "-"}  # by element name
UNSEEN = (  # elements whose text is not visible, or is shown elsewhere
    "pPr",
    "rPr",
    "tblPr",
    "trPr",
    "tcPr",
    "sdtPr",
    "sectPr",
    "delText",
    "footnoteRef",
    "endnoteRef",
    "annotationRef",
)
EXPONENT = re.compile(r"[-+−–]?(\d+([.,/]\d+)?|[nkm])")  # of raised text; others are "st", "TM"
RAISED = re.compile(r"\^\d+")


class Blocks(Protocol):
    """What reads the blocks in a text box, or those that stand in a paragraph against the rules."""

    def framed(self, element: "_Element") -> list[str]:
        """Return the blocks in a text box."""

    def block(self, element: "_Element") -> list[str]:
        """Return the block, or blocks, that an element is."""


class Line:
    """The paragraph that is read.

    pieces: of its text, in order. after: blocks that follow it, such as text boxes. notes: that it refers to.
    """

    def __init__(self, parts: Parts, part: str, fields: Fields, blocks: Blocks) -> None:
        self._parts, self._part, self._fields, self._blocks = parts, part, fields, blocks
        self._findings = parts.findings
        self._font, self._shift = "", ""  # of the run that is read; raised characters are "superscript"
        self._last_shift = ""  # of the run before
        self.pieces: list[str] = []
        self.after: list[str] = []
        self.notes: list[str] = []

    def read_inside(self, parent: "_Element") -> None:
        """Read all that is below an element."""
        for child in parent.iterchildren("{*}*"):
            self.read(child)

    def read(self, element: "_Element") -> None:
        """Read an element by its name."""
        name = name_of(element)
        if handler := HANDLERS.get(name):
            handler(self, element)
        elif name in CHARACTERS:
            self._add(CHARACTERS[name])
        elif name not in UNSEEN:
            self.read_inside(element)

    def _add(self, text: str) -> None:
        """Add text, unless it is of a field in the instructions of another."""
        if text and not self._fields.hidden:
            self._fields.took_text()
            self.pieces.append(text)

    # --- characters

    def run(self, element: "_Element") -> None:
        """Read a run of characters of one font."""
        outer = self._font, self._shift
        for name, child in children(element):
            if name == "t":
                self.text(child)
            elif name == "rPr":
                self._format(child)
            else:
                self.read(child)
        self._font, self._shift = outer

    def _format(self, properties: "_Element") -> None:
        """Take note of a run's font and of raised characters."""
        for child in properties.iterchildren("{*}rStyle", "{*}rFonts", "{*}vertAlign"):
            if child.tag.endswith("}rFonts"):
                self._font = attribute(child, "ascii", self._font)
            elif child.tag.endswith("}vertAlign"):
                self._shift = attribute(child)
            else:
                chain = self._parts.styles.chain(attribute(child))
                self._shift = next((style.shift for style in chain if style.shift), self._shift)
                self._font = next((style.font for style in chain if style.font), self._font)

    def text(self, element: "_Element") -> None:
        """Add the text of a run."""
        text = element.text or ""
        if self._font and is_symbol_font(self._font):
            text, unknown = translate(text, self._font)
            self._findings.unknown_signs += unknown
        if self.pieces and (self._shift or self.pieces[-1][:1] == "^"):
            text = self._shifted(text)
        self._last_shift = self._shift
        self._add(text)

    def _shifted(self, text: str) -> str:
        """Return raised or lowered text as it is written in a line, lest 10 to the 6th become 106."""
        before, word = self.pieces[-1], text.strip()
        if text[:1] in ("/", "⁄") and RAISED.fullmatch(before) and not self._shift.startswith("super"):
            number_before = len(self.pieces) > 1 and self.pieces[-2][-1:].isdigit()
            self.pieces[-1] = before.replace("^", " " if number_before else "")  # it was a fraction: 3 1/2
        elif self._shift == "superscript" and (before[-1:].isalnum() or before[-1:] in (")", "]")):
            return f"^{text}" if EXPONENT.fullmatch(word) and self._last_shift != "superscript" else text
        elif self._shift == "subscript" and before[-1:].isdigit() and word[:1].isdigit():
            return f"_{text}"
        return text

    def symbol(self, element: "_Element") -> None:
        """Add a character that is given by its font and its code."""
        code = attribute(element, "char")
        try:
            sign = sign_of(attribute(element, "font"), int(code, 16))
        except ValueError:
            sign = ""
        self._findings.unknown_signs += not sign
        self._add(sign)

    def field(self, element: "_Element") -> None:
        """Follow a field; a box or a list of an old form shows what its data say."""
        self._add(self._fields.follow(element))

    def instructions(self, element: "_Element") -> None:
        """Read what a field is told."""
        self._fields.instruct(element)

    def ruby(self, element: "_Element") -> None:
        """Add a base text and, in parentheses, how it is pronounced."""
        for name, before, behind in (("rubyBase", "", ""), ("rt", "(", ")")):
            part = child_of(element, name)
            if part is not None:
                self._add(before)
                self.read_inside(part)
                self._add(behind)

    def equation(self, element: "_Element") -> None:
        """Add an equation."""
        self._add(equation_text(element))

    def equations(self, element: "_Element") -> None:
        """Add equations that stand by themselves."""
        texts = [equation_text(child) for name, child in children(element) if name == "oMath"]
        self._add(("\n" if any(map(str.strip, self.pieces)) else "") + "\n".join(texts))

    def note(self, element: "_Element") -> None:
        """Add the mark of a note, and keep the note for the end of the block."""
        if self._part != self._parts.main:
            return
        kind = "footnotes" if element.tag.endswith("}footnoteReference") else "endnotes"
        marked = attribute(element, "customMarkFollows", "0").lower() not in OFF  # with a mark of its own
        mark, text = self._parts.note(kind, attribute(element, "id"), marked=marked)
        self._add(mark)
        self.notes.append(f"{mark} {text.lstrip()}" if mark and text else text)

    def deletion(self, element: "_Element") -> None:
        """Leave out what was deleted."""
        self._findings.deletions = True

    # --- text beside the line

    def box(self, element: "_Element") -> None:
        """Read a text box: its blocks follow the paragraph that it hangs on."""
        self.after += self._blocks.framed(element)

    def block(self, element: "_Element") -> None:
        """Read a paragraph or table below a paragraph, where it does not belong."""
        self.after += self._blocks.block(element)

    def word_art(self, element: "_Element") -> None:
        """Read text that is drawn along a line."""
        self.after.append(attribute(element, "string"))

    def alternatives(self, element: "_Element") -> None:
        """Read the first alternative that shows something: the others are copies for older programs."""
        for _, alternative in children(element):
            before = self._shown()
            self.read_inside(alternative)
            if self._shown() != before:
                return

    def _shown(self) -> tuple[int, ...]:
        """Return how much was shown so far."""
        return len(self.pieces), len(self.after), self._findings.total, self._findings.small_pictures

    def chart(self, element: "_Element") -> None:
        """Read a chart."""
        self.after.append(self._parts.drawn("chart", self._part, attribute(element, "id")))

    def diagram(self, element: "_Element") -> None:
        """Read a SmartArt diagram."""
        self.after.append(self._parts.drawn("diagram", self._part, attribute(element, "dm")))

    # --- what cannot be read

    def picture(self, element: "_Element") -> None:
        """Count a picture: as one that was not read if it is as large as a scan of a page, and no background."""
        if self._part == self._parts.main and fills_page(element):
            self._findings.add("picture", read=False)
        else:
            self._findings.small_pictures += 1

    def object(self, element: "_Element") -> None:
        """Count what is embedded, but not the picture that stands for it, unless there is no more."""
        embedded = next(element.iter("{*}OLEObject", "{*}control", "{*}objectEmbed", "{*}objectLink"), None)
        if embedded is None:
            self.read_inside(element)
        elif embedded.tag.endswith("}control"):
            self.control(embedded)
        else:
            self.embedded(embedded)

    def embedded(self, element: "_Element") -> None:
        """Count a file inside the document, or an equation of an old editor."""
        is_equation = attribute(element, "ProgID", attribute(element, "progId")).startswith("Equation")
        self._findings.add("equation object" if is_equation else "embedded file", read=False)

    def control(self, element: "_Element") -> None:
        """Count an ActiveX control."""
        self._findings.add("form control", read=False)


HANDLERS: Mapping[str, Callable[[Line, "_Element"], None]] = {
    "t": Line.text,
    "r": Line.run,
    "sym": Line.symbol,
    "fldChar": Line.field,
    "instrText": Line.instructions,
    "ruby": Line.ruby,
    "oMath": Line.equation,
    "oMathPara": Line.equations,
    "footnoteReference": Line.note,
    "endnoteReference": Line.note,
    "del": Line.deletion,
    "moveFrom": Line.deletion,
    "txbxContent": Line.box,
    "txBody": Line.box,
    "p": Line.block,
    "tbl": Line.block,
    "textpath": Line.word_art,
    "AlternateContent": Line.alternatives,
    "chart": Line.chart,
    "relIds": Line.diagram,
    "pic": Line.picture,
    "imagedata": Line.picture,
    "object": Line.object,
    "OLEObject": Line.embedded,
    "control": Line.control,
}
