"""Reader of Markdown files."""

import re

from retriever.documents.decoding import decode
from retriever.documents.document import FileContent, Section


def read_md(data: bytes) -> FileContent:
    """Read Markdown as one section, markup included; the first heading outside code blocks is the title."""
    decoded = decode(data)
    text = decoded.text.replace("\r\n", "\n").replace("\r", "\n")
    without_code = re.sub(r"^ {0,3}(```|~~~).*?(^ {0,3}\1|\Z)", "", text, flags=re.MULTILINE | re.DOTALL)
    heading = re.search(r"^ {0,3}#{1,6}[ \t]+(\S.*)|^(\S.*)\n=+[ \t]*$", without_code, flags=re.MULTILINE)
    title = (heading[1] or heading[2]).rstrip().rstrip("# \t") if heading else ""
    return FileContent([Section(text, title)], notes=decoded.notes)
