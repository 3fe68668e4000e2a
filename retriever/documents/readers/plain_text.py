"""Plain text files."""

from retriever.documents.decoding import decode
from retriever.documents.document import Section


def read_txt(data: bytes) -> list[Section]:
    """Read a plain text: one piece, no title."""
    return [Section(decode(data))]
