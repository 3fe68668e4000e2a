"""The parts of a Word document beside its text: styles, lists, notes, charts and what is imported."""

from collections.abc import Callable, Mapping
from functools import cached_property
from typing import TYPE_CHECKING

from retriever.documents.document import FileContent
from retriever.documents.readers.docx.findings import Findings
from retriever.documents.readers.docx.graphics import chart_text, diagram_text
from retriever.documents.readers.docx.imported import read_imported
from retriever.documents.readers.docx.numbering import Numbering
from retriever.documents.readers.docx.package import Package, Relation
from retriever.documents.readers.docx.styles import Styles
from retriever.documents.readers.docx.xml import attribute, child_of, children, is_on
from retriever.documents.readers.numerals import write_number

if TYPE_CHECKING:
    from lxml.etree import _Element

DRAWN = {"chart": chart_text, "diagram": diagram_text}
NOTE_FORMATS = {"footnotes": "decimal", "endnotes": "lowerRoman"}  # unless the document says another


class Parts:
    """What a document's main part and its others lead to; damaged ones are counted as not read.

    read_word: reads a Word document inside this one.
    """

    def __init__(self, package: Package, main: str, read_word: Callable[[bytes], FileContent]) -> None:
        self.package, self.main, self.findings = package, main, Findings()
        self._read_word = read_word
        self._relations: dict[str, Mapping[str, Relation]] = {}
        self._notes: dict[str, tuple[str, dict[str, _Element]]] = {}
        self._marks: dict[str, dict[str, str]] = {"footnotes": {}, "endnotes": {}}
        self._counts = dict.fromkeys(NOTE_FORMATS, 0)  # of notes without a mark of their own
        self._used: set[str] = set()  # parts whose text was taken, which happens once
        self._imported = 0
        self.styles = Styles(self.tree_of("styles", "list of styles"))
        self.numbering = Numbering(self.tree_of("numbering", "list of numbers"), self.styles)

    def relations(self, source: str) -> Mapping[str, Relation]:
        """Return the relationships of a part."""
        if source not in self._relations:
            self._relations[source] = {}
            try:
                self._relations[source] = self.package.relations(source)
            except MemoryError:
                raise
            except Exception:  # zipfile and lxml each raise their own types
                self.findings.add("list of links", read=False)
        return self._relations[source]

    def tree(self, part: str, kind: str) -> "_Element | None":
        """Return the root of a part; None if it is missing, or damaged, which counts as a part of a kind not read."""
        if part not in self.package:
            return None
        try:
            return self.package.tree(part)
        except MemoryError:
            raise
        except Exception:  # zipfile and lxml each raise their own types
            if kind:
                self.findings.add(kind, read=False)
            return None

    def tree_of(self, relation: str, kind: str) -> "_Element | None":
        """Return the root of the part to which the main part has a relationship of a kind."""
        part = next((found.part for found in self.relations(self.main).values() if found.kind == relation), "")
        return self.tree(part, kind)

    def target(self, source: str, relation: str) -> str:
        """Return the part that a relationship of another part leads to; "" if it leads nowhere."""
        found = self.relations(source).get(relation)
        return found.part if found is not None and found.part in self.package else ""

    def drawn(self, kind: str, source: str, relation: str) -> str:
        """Return the text of a chart or diagram; "" for one that was read before."""
        part = self.target(source, relation)
        if part and part in self._used:
            return ""
        self._used.add(part)
        root = self.tree(part, "") if part else None
        text = "" if root is None else DRAWN[kind](root)
        self.findings.add(kind, read=bool(text))
        return text

    def imported(self, source: str, relation: str) -> str:
        """Return the text of an imported part; "" for one that was read before."""
        part = self.target(source, relation)
        if part and part in self._used:
            return ""
        self._used.add(part)
        self._imported += 1
        try:
            content = read_imported(self.package.read(part), part, self._read_word)
        except MemoryError:
            raise
        except Exception:  # DocumentError, and what the archive, the mail parser and the readers raise
            content = FileContent([])
        text = "\n\n".join(section.text for section in content.sections if section.text.strip())
        self.findings.add("imported part", read=bool(text))
        for name, reason in content.unread.items():
            self.findings.inside[f"imported part {self._imported}, {name}"] = reason
        self.findings.notes_inside += (f"Imported part {self._imported}: {note}" for note in content.notes)
        return text

    def note(self, kind: str, note_id: str, *, marked: bool) -> tuple[str, str]:
        """Return the mark of a footnote or endnote, and its text where it is referred to for the first time.

        marked: whether it has a mark of its own, in the text.
        """
        from retriever.documents.readers.docx.story import Story

        if kind not in self._notes:
            self._notes[kind] = self._find_notes(kind)
        part, notes = self._notes[kind]
        if note_id not in notes:
            self.findings.add("list of notes", read=False)
            return "", ""
        marks = self._marks[kind]
        if note_id in marks:
            return marks[note_id], ""
        self._counts[kind] += not marked
        marks[note_id] = "" if marked else f"[{write_number(self._counts[kind], self._note_format(kind))}]"
        return marks[note_id], "\n".join(Story(self, part).blocks(notes[note_id]))

    @cached_property
    def _settings(self) -> "_Element | None":
        return self.tree_of("settings", "")

    def _find_notes(self, kind: str) -> tuple[str, dict[str, "_Element"]]:
        """Return the part that holds notes of a kind, and the notes by id."""
        part = next((found.part for found in self.relations(self.main).values() if found.kind == kind), "")
        root = self.tree(part, "list of notes")
        found = children(root) if root is not None else ()
        return part, {attribute(note, "id"): note for name, note in found if name in ("footnote", "endnote")}

    def _note_format(self, kind: str) -> str:
        """Return how the notes of a kind are numbered."""
        found = child_of(self._settings, f"{kind[:-1]}Pr", "numFmt")
        return attribute(found, default=NOTE_FORMATS[kind]) or NOTE_FORMATS[kind]

    def comments(self) -> int:
        """Return how many comments of reviewers there are."""
        root = self.tree_of("comments", "")
        return 0 if root is None else sum(name == "comment" for name, _ in children(root))

    def even_pages_differ(self) -> bool:
        """Return whether headers and footers of even pages are shown."""
        return is_on(child_of(self._settings, "evenAndOddHeaders"))
