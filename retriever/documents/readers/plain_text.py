"""Reader of plain text files."""

from retriever.documents.decoding import decode
from retriever.documents.document import FileContent, Section


def read_txt(data: bytes) -> FileContent:
    """Read plain text as one section without a title."""
    decoded = decode(data)
    return FileContent([Section(decoded.text)], notes=decoded.notes)
