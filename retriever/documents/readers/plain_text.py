"""Reader of plain text files."""

from retriever.documents.decoding import decode
from retriever.documents.document import Section


def read_txt(data: bytes) -> list[Section]:
    """Read plain text as one section without a title."""
    return [Section(decode(data))]
