"""What of a Word document was not read, counted while it is read."""

from collections.abc import Mapping

from retriever.documents.parts import name_parts

IN_WORD = "open the document in Word"
REASONS: Mapping[str, str] = {  # kind of part -> why it is not read, and what to do
    "imported part": f"Its format is not read here, or it is damaged: {IN_WORD} and save it anew, which takes it in.",
    "chart": f"No words or numbers could be read in the drawing: {IN_WORD} and write them below it.",
    "diagram": f"No text could be read in the SmartArt drawing: {IN_WORD} and write it below it.",
    "embedded file": f"Files inside a document are not read: {IN_WORD}, save each as a file of its own and add that.",
    "equation object": f"The old equation editors store no text: {IN_WORD} and convert it to an Office equation.",
    "form control": f"ActiveX controls store no text: {IN_WORD} and write their content as text.",
    "linked document": "The file holds no more than a link to it: add that document as well.",
    "picture": "Pictures as large as a page may be scans, and text in pictures is not read: run OCR and add the text.",
    "list of styles": f"It is damaged, so headings and list numbers may be missing: {IN_WORD} and save it anew.",
    "list of numbers": f"It is damaged, so list and clause numbers are missing: {IN_WORD} and save it anew.",
    "list of notes": f"It is damaged or lost, so footnotes or endnotes are missing: {IN_WORD} and save it anew.",
    "list of links": f"It is damaged, so what it leads to (notes, charts) is missing: {IN_WORD} and save it anew.",
    "header": f"It is damaged: {IN_WORD} and save it anew.",
    "footer": f"It is damaged: {IN_WORD} and save it anew.",
}


class Findings:
    """Parts of a document by kind: how many there are, and which of them were not read.

    total: parts of all kinds. small_pictures: that are not taken for scans. unknown_signs: characters of symbol fonts
    that no other font has. deletions: whether there are tracked ones.
    """

    def __init__(self) -> None:
        self.total = self.small_pictures = self.unknown_signs = 0
        self.deletions = False
        self.inside: dict[str, str] = {}  # what was not read of imported parts
        self.notes_inside: list[str] = []
        self._count: dict[str, int] = {}
        self._unread: dict[str, list[int]] = {}

    def add(self, kind: str, *, read: bool) -> None:
        """Count a part, and remember which one it is if it was not read."""
        self.total += 1
        self._count[kind] = self._count.get(kind, 0) + 1
        if not read:
            self._unread.setdefault(kind, []).append(self._count[kind])

    def unread(self) -> dict[str, str]:
        """Return the parts that were not read, with the reasons."""
        parts = {}
        for kind, numbers in self._unread.items():
            parts[kind if kind.startswith("list of") else name_parts(kind, numbers)] = REASONS[kind]
        return parts | self.inside

    def notes(self) -> list[str]:
        """Return sentences on what was left out, as far as it is no part."""
        found = []
        if self.small_pictures:
            found.append(f"Text in pictures is not read ({self.small_pictures:,} in this document).")
        if self.deletions:
            found.append("The document has tracked changes: what they insert is read, what they delete is left out.")
        if self.unknown_signs:
            found.append(
                f"Characters of symbol fonts that stand for no known sign are left out: {self.unknown_signs:,}."
            )
        return found + self.notes_inside
