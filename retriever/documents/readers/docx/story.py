"""The text of one part of a Word document (its body, a note, a header), block by block."""

from collections.abc import Callable
from typing import TYPE_CHECKING

from retriever.documents.readers.docx.equations import equation_text
from retriever.documents.readers.docx.fields import Fields
from retriever.documents.readers.docx.parts import Parts
from retriever.documents.readers.docx.styles import list_place
from retriever.documents.readers.docx.symbols import is_symbol_font, sign_of, translate
from retriever.documents.readers.docx.xml import OFF, attribute, child_of, children, children_named, number

if TYPE_CHECKING:
    from lxml.etree import _Element

CHARACTERS = {"tab": "\t", "ptab": "\t", "br": "\n", "cr": "\n", "noBreakHyphen": "-"}  # by element name
UNSEEN = (  # elements whose text is not visible, or is shown elsewhere
    *("pPr", "rPr", "tblPr", "trPr", "tcPr", "sdtPr", "sectPr", "del", "moveFrom", "delText", "instrText"),
    *("footnoteRef", "endnoteRef", "annotationRef", "Fallback"),
)
IN_LINE = ("r", "hyperlink", "fldSimple", "oMath", "oMathPara", "smartTag")  # below a paragraph, if all is in order
PAGE_WIDE, PAGE_HIGH = 4_500_000, 5_500_000  # 12.5 and 15.3 cm in EMU; a picture beyond both fills most of a page


class Story:
    """Reader of a part's blocks: paragraphs, tables, text boxes and what is imported.

    outline: (whether it is a title, text) of each heading that was met.
    """

    def __init__(self, parts: Parts, part: str) -> None:
        self._parts, self._part, self._findings = parts, part, parts.findings
        self._is_body = part == parts.main
        self._numbering = parts.numbering if self._is_body else parts.numbering.from_the_start()
        self._fields = Fields()
        self._line: list[str] = []  # of the paragraph that is read
        self._after: list[str] = []  # blocks that follow it: text boxes
        self._notes: list[str] = []  # that follow the outermost block
        self._frames = 0  # around the block that is read: cells and text boxes
        self._font, self._raised = "", False  # of the run that is read
        self._kept = ""  # text of a paragraph whose end was deleted, which begins the next one
        self.outline: list[tuple[bool, str]] = []
        self._handlers: dict[str, Callable[[_Element], None]] = {
            "t": self._text,
            "r": self._run,
            "sym": self._symbol,
            "fldChar": self._field,
            "instrText": self._fields.instruct,
            "ruby": self._ruby,
            "oMath": self._equation,
            "oMathPara": self._equations,
            "AlternateContent": self._alternatives,
            "txbxContent": self._box,
            "txBody": self._box,
            "p": self._block,
            "tbl": self._block,
            "textpath": self._word_art,
            "pic": self._picture,
            "imagedata": self._picture,
            "chart": self._chart,
            "relIds": self._diagram,
            "object": self._object,
            "OLEObject": self._embedded,
            "control": self._control,
            "footnoteReference": self._note,
            "endnoteReference": self._note,
            "del": self._deletion,
            "moveFrom": self._deletion,
        }

    # --- blocks

    def blocks(self, parent: "_Element") -> list[str]:
        """Return the text of each paragraph and table below an element; those without any are left out."""
        found: list[str] = []
        for name, child in children(parent):
            if name in ("tbl", "altChunk"):
                found.append(self._taken())
            if name in IN_LINE or name in ("p", "tbl", "altChunk", "subDoc"):
                found += self._block_of(name, child)
            elif name == "AlternateContent":
                found += self._chosen(child, self.blocks)
            elif name in ("del", "moveFrom"):
                self._findings.deletions = True
            elif name not in UNSEEN:
                found += self.blocks(child)
            if not self._frames:
                found += self._notes
                self._notes = []
        found.append(self._taken())
        return [block for block in found if block.strip()]

    def _taken(self) -> str:
        """Return what a paragraph left for one that does not come."""
        text, self._kept = self._kept, ""
        return text

    def _block_of(self, name: str, element: "_Element") -> list[str]:
        """Return the block or blocks that an element is."""
        if name == "tbl":
            return self._table(element)
        if name == "altChunk":
            return [self._parts.imported(self._part, attribute(element, "id"))]
        if name == "subDoc":
            self._findings.add("linked document", read=False)
            return []
        return self._paragraph(element, whole=name == "p")

    def _paragraph(self, element: "_Element", *, whole: bool) -> list[str]:
        """Return a paragraph with its list number, and the text boxes that hang on it. whole: with its properties."""
        outer, self._line, self._after = (self._line, self._after), [], []
        if whole:
            self._fields.new_paragraph()
            self._inside(element)
        else:
            self._handle(element)
        text, after = "".join(self._line), self._after
        self._line, self._after = outer
        properties = child_of(element, "pPr") if whole else None
        return [*self._finished(text, dict(children(properties)) if properties is not None else {}), *after]

    def _finished(self, text: str, properties: dict[str, "_Element"]) -> list[str]:
        """Return a paragraph as it is shown: with its number, or none if it goes on in the next paragraph."""
        text = self._taken() + text
        mark = properties.get("rPr")
        if mark is not None and next(mark.iterchildren("{*}del", "{*}moveFrom"), None) is not None:
            self._findings.deletions, self._kept = True, text
            return []
        styles = self._parts.styles
        style = attribute(properties.get("pStyle")) or styles.default
        label = self._numbering.label(style, list_place(properties.get("numPr")))
        if not text.strip():
            return []
        level = number(properties.get("outlineLvl"))
        if styles.is_title(style) or styles.is_heading(style) or (level is not None and level < 9):
            self.outline.append((styles.is_title(style), text))
        apart = " " if label[-1:].isalnum() and text[:1].isalnum() else ""
        return [f"{label}{apart}{text.lstrip() if label else text}"]

    def _table(self, element: "_Element") -> list[str]:
        """Return a table with a line for each row; of a table of one cell, which is a frame, the blocks in it."""
        rows = [list(children_named(row, "tc")) for row in children_named(element, "tr")]
        if [len(cells) for cells in rows] == [1]:
            return self.blocks(rows[0][0])
        lines = []
        for cells in rows:
            texts = [" ".join(" ".join(self._framed(cell)).split()) for cell in cells]
            if any(texts):
                lines.append(" | ".join(texts))
        return ["\n".join(lines)]

    def _framed(self, element: "_Element") -> list[str]:
        """Return the blocks in a cell or a text box; notes that they refer to come behind all of it."""
        outer, self._kept = (self._kept, self._font, self._raised), ""
        self._font, self._raised = "", False
        self._frames += 1
        found = self.blocks(element)
        self._frames -= 1
        self._kept, self._font, self._raised = outer
        return found

    def _box(self, element: "_Element") -> None:
        """Read a text box: its blocks follow the paragraph that it hangs on."""
        self._after += self._framed(element)

    def _block(self, element: "_Element") -> None:
        """Read a paragraph or table below a paragraph, where it does not belong."""
        self._after += self._block_of(element.tag.rpartition("}")[2], element)

    # --- in a line

    def _inside(self, parent: "_Element") -> None:
        """Read all that is below an element."""
        for child in parent.iterchildren("{*}*"):
            self._handle(child)

    def _handle(self, element: "_Element") -> None:
        """Read an element by its name."""
        name = element.tag.rpartition("}")[2]
        if handler := self._handlers.get(name):
            handler(element)
        elif name in CHARACTERS:
            self._add(CHARACTERS[name])
        elif name not in UNSEEN:
            self._inside(element)

    def _add(self, text: str) -> None:
        """Add text to the line, unless it is of a field in the instructions of another."""
        if text and not self._fields.hidden:
            self._fields.took_text()
            self._line.append(text)

    def _run(self, element: "_Element") -> None:
        """Read a run of characters of one font."""
        outer = self._font, self._raised
        for child in element.iterchildren("{*}*"):
            name = child.tag.rpartition("}")[2]
            if name == "t":
                self._text(child)
            elif name == "rPr":
                self._format(child)
            else:
                self._handle(child)
        self._font, self._raised = outer

    def _format(self, properties: "_Element") -> None:
        """Take note of a run's font and of raised characters."""
        for child in properties.iterchildren("{*}rStyle", "{*}rFonts", "{*}vertAlign"):
            if child.tag.endswith("}rFonts"):
                self._font = attribute(child, "ascii", self._font)
            elif child.tag.endswith("}vertAlign"):
                self._raised = attribute(child) == "superscript"
            else:
                chain = self._parts.styles.chain(attribute(child))
                self._raised = any(style.raised for style in chain)
                self._font = next((style.font for style in chain if style.font), self._font)

    def _text(self, element: "_Element") -> None:
        """Add the text of a run; raised digits after a letter or digit get a ^, lest 10 to the 6th become 106."""
        text = element.text or ""
        if self._font and is_symbol_font(self._font):
            text, unknown = translate(text, self._font)
            self._findings.unknown_signs += unknown
        if self._raised and self._line and text.lstrip("+-−–")[:1].isdigit():
            before = self._line[-1][-1:]
            text = f"^{text}" if before.isalnum() or before in (")", "]") else text
        self._add(text)

    def _symbol(self, element: "_Element") -> None:
        """Add a character that is given by its font and its code."""
        code = attribute(element, "char")
        try:
            sign = sign_of(attribute(element, "font"), int(code, 16))
        except ValueError:
            sign = ""
        self._findings.unknown_signs += not sign
        self._add(sign)

    def _field(self, element: "_Element") -> None:
        """Follow a field; a box or a list of an old form shows what its data say."""
        self._add(self._fields.follow(element))

    def _ruby(self, element: "_Element") -> None:
        """Add a base text and, in parentheses, how it is pronounced."""
        for name, before, behind in (("rubyBase", "", ""), ("rt", "(", ")")):
            part = child_of(element, name)
            if part is not None:
                self._add(before)
                self._inside(part)
                self._add(behind)

    def _equation(self, element: "_Element") -> None:
        self._add(equation_text(element))

    def _equations(self, element: "_Element") -> None:
        """Add equations that stand by themselves."""
        texts = [equation_text(child) for name, child in children(element) if name == "oMath"]
        self._add(("\n" if any(map(str.strip, self._line)) else "") + "\n".join(texts))

    def _alternatives(self, element: "_Element") -> None:
        """Read the first alternative that shows something: the others are copies for older programs."""
        for _, alternative in children(element):
            before = len(self._line), len(self._after), self._findings.total, self._findings.small_pictures
            self._inside(alternative)
            if before != (len(self._line), len(self._after), self._findings.total, self._findings.small_pictures):
                return

    def _chosen(self, element: "_Element", read: Callable[["_Element"], list[str]]) -> list[str]:
        """Return the blocks of the first alternative that has any."""
        for _, alternative in children(element):
            total = self._findings.total
            if (found := read(alternative)) or self._findings.total > total:
                return found
        return []

    def _deletion(self, element: "_Element") -> None:
        self._findings.deletions = True

    # --- what stands in parts of its own, or cannot be read

    def _word_art(self, element: "_Element") -> None:
        self._after.append(attribute(element, "string"))

    def _picture(self, element: "_Element") -> None:
        """Count a picture: as one that was not read if it is as large as a scan of a page."""
        size = next((size for size in element.iter("{*}ext") if "cx" in size.attrib), None)
        wide, high = number(size, "cx", 0) or 0, number(size, "cy", 0) or 0
        if wide >= PAGE_WIDE and high >= PAGE_HIGH:
            self._findings.add("picture", read=False)
        else:
            self._findings.small_pictures += 1

    def _chart(self, element: "_Element") -> None:
        self._after.append(self._parts.drawn("chart", self._part, attribute(element, "id")))

    def _diagram(self, element: "_Element") -> None:
        self._after.append(self._parts.drawn("diagram", self._part, attribute(element, "dm")))

    def _object(self, element: "_Element") -> None:
        """Read what is embedded, but not the picture that stands for it, unless there is no more."""
        embedded = next(element.iter("{*}OLEObject", "{*}control", "{*}objectEmbed", "{*}objectLink"), None)
        if embedded is None:
            self._inside(element)
        elif embedded.tag.endswith("}control"):
            self._control(embedded)
        else:
            self._embedded(embedded)

    def _embedded(self, element: "_Element") -> None:
        is_equation = attribute(element, "ProgID", attribute(element, "progId")).startswith("Equation")
        self._findings.add("equation object" if is_equation else "embedded file", read=False)

    def _control(self, element: "_Element") -> None:
        self._findings.add("form control", read=False)

    def _note(self, element: "_Element") -> None:
        """Add the mark of a note, and keep the note for the end of the block."""
        if not self._is_body:
            return
        kind = "footnotes" if element.tag.endswith("}footnoteReference") else "endnotes"
        marked = attribute(element, "customMarkFollows", "0").lower() not in OFF  # with a mark of its own
        mark, text = self._parts.note(kind, attribute(element, "id"), marked=marked)
        self._add(mark)
        self._notes.append(f"{mark} {text}" if mark and text else text)
