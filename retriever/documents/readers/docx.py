"""Reader of Word documents (.docx)."""

import io
import zipfile
from collections.abc import Iterator
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from docx.oxml.xmlchemy import BaseOxmlElement

from retriever.documents.decoding import detect_type
from retriever.documents.document import FileContent, Section
from retriever.errors import DocumentError

MAX_UNPACKED = 500_000_000  # bytes; a small malicious .docx can unpack to gigabytes
MAX_MEMBERS = 10_000  # files in a .docx; an ordinary one has twenty, plus its images
WORD_CHARACTERS = {"tab": "\t", "ptab": "\t", "br": "\n", "cr": "\n", "noBreakHyphen": "-"}  # by element name
WORD_UNSEEN = ("pPr", "rPr", "del", "moveFrom", "Fallback")  # elements whose text is not visible


def read_docx(data: bytes) -> FileContent:
    """Read a Word document's paragraphs and tables in document order; headers, footers and notes are left out.

    The first heading is the title, else the title in the document properties. Raises DocumentError if the document is
    damaged, locked or too large.
    """
    import docx

    kind = detect_type(data)
    if kind == "a damaged ZIP archive":
        raise DocumentError("The Word document is damaged or incomplete: download it again or save it anew.")
    if kind != "a Word document":
        raise DocumentError(
            f"The content is {kind or 'no ZIP archive'}, but an open Word document was expected:"
            " give the file its right extension, or save it as .docx without a password."
        )
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        members = archive.infolist()
    unpacked = sum(member.file_size for member in members)
    if unpacked > MAX_UNPACKED:
        raise DocumentError(f"The Word document unpacks to {unpacked:,} bytes, at most {MAX_UNPACKED:,} are read.")
    if len(members) > MAX_MEMBERS:
        raise DocumentError(f"The Word document has {len(members):,} parts, at most {MAX_MEMBERS:,} are read.")
    try:
        document = docx.Document(io.BytesIO(data))
        blocks = [block for block in _word_blocks(document.element.body) if block.strip()]
        title_styles = {style.style_id for style in document.styles if str(style.name).startswith(("Title", "Heading"))}
        titles = (_word_text(p) for p in document.element.body.xpath(".//w:p") if p.style in title_styles)
        heading = next((title for title in titles if title.strip()), "")
        return FileContent([Section("\n\n".join(blocks), heading or document.core_properties.title)])
    except MemoryError:
        raise
    except Exception as error:  # zipfile, lxml and python-docx each raise their own types
        raise DocumentError(
            f"The Word document is damaged ({str(error)[:120]}): open it in Word and save it anew."
        ) from error


def _word_blocks(parent: "BaseOxmlElement") -> Iterator[str]:
    """Yield the text of each paragraph and table below a WordprocessingML element, content controls included.

    The XML is walked because python-docx's own lists leave out content controls and tracked insertions.
    """
    for child in parent.iterchildren("{*}*"):
        name = child.tag.rpartition("}")[2]
        if name == "p":
            yield _word_text(child)
        elif name == "tbl":
            yield "\n".join(map(_word_row, child.xpath("./w:tr | ./w:sdt/w:sdtContent/w:tr")))
        elif name in ("sdt", "sdtContent", "customXml", "ins", "moveTo"):
            yield from _word_blocks(child)


def _word_row(row: "BaseOxmlElement") -> str:
    """Return a table row as one line, with its cells separated by bars."""
    cells = row.xpath("./w:tc | ./w:sdt/w:sdtContent/w:tc")
    return " | ".join(" ".join(" ".join(_word_blocks(cell)).split()) for cell in cells)


def _word_text(element: "BaseOxmlElement") -> str:
    """Return the visible text below an element: no field codes, no deleted text, no second copy of a text box."""
    parts = []
    for child in element.iterchildren("{*}*"):
        name = child.tag.rpartition("}")[2]
        if name == "t":
            parts.append(child.text or "")
        elif name in WORD_CHARACTERS:
            parts.append(WORD_CHARACTERS[name])
        elif name not in WORD_UNSEEN:
            parts.append(("\n" if name == "p" else "") + _word_text(child))
    return "".join(parts)
