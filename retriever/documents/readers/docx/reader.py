"""Reader of Word documents (.docx, .docm, .dotx, .dotm)."""

import re
from collections.abc import Iterator
from functools import partial
from typing import TYPE_CHECKING

from retriever.documents.decoding import detect_type
from retriever.documents.document import FileContent, Section
from retriever.documents.readers.docx.package import Package
from retriever.documents.readers.docx.parts import Parts
from retriever.documents.readers.docx.story import Story
from retriever.documents.readers.docx.xml import attribute, child_of, children, is_on, name_of
from retriever.errors import DocumentError

if TYPE_CHECKING:
    from lxml.etree import _Element

USUAL_MAIN_PART = "word/document.xml"
ANEW = "open it in Word and save it anew"


def read_docx(data: bytes) -> FileContent:
    """Read a Word document: paragraphs with their list numbers, tables, text boxes and equations, in document order.

    A footnote or endnote follows the paragraph or table that refers to it; each header and footer is read once and
    comes last. Comments and tracked deletions are left out, and so are pictures and what else is no text: `unread` and
    `notes` name what there is of them. Macros are never run. The first title is the title, else the first heading, else
    that in the properties. Raises DocumentError if the document is damaged, locked, too large or without any text.
    """
    return _read(data, depth=0)


def _read(data: bytes, *, depth: int) -> FileContent:
    """Read a Word document; one inside it too, but none inside that."""
    kind = detect_type(data)
    if kind == "a damaged ZIP archive":
        raise DocumentError("The Word document is damaged or incomplete: download it again or save it anew.")
    if not data.startswith(b"PK"):
        raise _wrong_kind(kind or "no ZIP archive")
    try:
        package = Package(data)
        main = next((found.part for found in package.relations().values() if found.kind == "officeDocument"), "")
        main = main if main in package else USUAL_MAIN_PART
        if main not in package:
            raise ValueError(f"it has no {USUAL_MAIN_PART}") if kind == "a Word document" else _wrong_kind(kind)
        root = package.tree(main)
        if name_of(root) != "document":
            found = ValueError(f"its main part begins with <{name_of(root)[:40]}>")
            raise found if kind == "a Word document" else _wrong_kind(kind)
        return _content(Parts(package, main, partial(_read_inside, depth=depth + 1)), root)
    except (DocumentError, MemoryError):
        raise
    except NotImplementedError as error:
        raise DocumentError(f"The Word document is packed in a way that cannot be read: {ANEW}.") from error
    except Exception as error:  # zipfile and lxml each raise their own types
        raise DocumentError(f"The Word document is damaged ({str(error)[:120]}): {ANEW}.") from error


def _wrong_kind(kind: str) -> DocumentError:
    return DocumentError(
        f"The content is {kind}, but an open Word document was expected:"
        " give the file its right extension, or save it as .docx without a password."
    )


def _read_inside(data: bytes, *, depth: int) -> FileContent:
    """Read a document inside another. Raises DocumentError if that is one inside another already."""
    if depth > 1:
        raise DocumentError("The Word document is inside another that is inside a third.")
    return _read(data, depth=depth)


def _content(parts: Parts, root: "_Element") -> FileContent:
    """Return a document's text, title, and what was not read."""
    story = Story(parts, parts.main)
    body = child_of(root, "body")
    blocks = [] if body is None else story.blocks(body)
    for block in _headers_and_footers(parts, root):
        if block not in blocks[-20:]:
            blocks.append(block)
    findings = parts.findings
    unread, notes = findings.unread(), findings.notes()
    if comments := parts.comments():
        notes.append(f"Comments of reviewers are left out ({comments:,}).")
    if not blocks and (findings.small_pictures or unread):
        found = ", ".join([*unread, *["pictures"] * bool(findings.small_pictures)])[:100]
        reason = next(iter(unread.values()), "Text in pictures is not read: run OCR and add the text.")
        raise DocumentError(f"The Word document holds no text, only what is not read ({found}). {reason}")
    return FileContent([Section("\n\n".join(blocks), _title(parts, story.outline))], unread, notes)


def _title(parts: Parts, outline: list[tuple[bool, str]]) -> str:
    """Return the first title, else the first heading, else that in the properties."""
    ordered = sorted(outline, key=lambda heading: not heading[0])
    if ordered:
        return ordered[0][1]
    relations = parts.relations("").values()
    properties = next((found.part for found in relations if found.kind == "core-properties"), "")
    title = child_of(parts.tree(properties, ""), "title")
    return "" if title is None else title.text or ""


def _headers_and_footers(parts: Parts, root: "_Element") -> Iterator[str]:
    """Yield the blocks of each header and footer that is shown, but no bare page numbers."""
    seen = set()
    for section in root.iter("{*}sectPr"):
        first_differs = is_on(child_of(section, "titlePg"))
        for name, reference in children(section):
            place = attribute(reference, "type")
            shown = first_differs if place == "first" else parts.even_pages_differ() if place == "even" else True
            if name not in ("headerReference", "footerReference") or not shown:
                continue
            part = parts.target(parts.main, attribute(reference, "id"))
            if not part or part in seen:
                continue
            seen.add(part)
            tree = parts.tree(part, name[:6])
            for block in Story(parts, part).blocks(tree) if tree is not None else ():
                if re.search(r"[^\W\d_]", block):
                    yield block
