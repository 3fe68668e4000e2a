"""Parts that a Word document imports whole (altChunk): HTML, web archives, plain text and Word documents."""

from collections.abc import Callable

from retriever.documents.decoding import detect_type
from retriever.documents.document import FileContent, Section
from retriever.documents.readers.html.encoding import decode_page
from retriever.documents.readers.html.reader import DEEP
from retriever.documents.readers.plain_text import read_txt
from retriever.errors import DocumentError

HEAD = 1000  # bytes that show what a part is


def read_imported(data: bytes, part: str, read_word: Callable[[bytes], FileContent]) -> FileContent:
    """Read an imported part by what its first bytes show, or else by its name's extension.

    read_word: reads one that is a Word document. Raises DocumentError for any other format, and what readers raise.
    """
    head = data[:HEAD].lstrip(b"\xef\xbb\xbf \t\r\n").lower()
    kind = detect_type(data)
    if kind == "a Word document":
        return read_word(data)
    if kind:
        raise DocumentError(f"The imported part is {kind}.")
    if head.startswith((b"mime-version:", b"content-type:", b"from:")):
        return _read_page(_page_of(data))
    if b"<html" in head or b"<!doctype html" in head or part.lower().endswith((".html", ".htm", ".xhtml")):
        return _read_page(data)
    if head.startswith(b"<"):
        raise DocumentError("The imported part is XML.")
    return read_txt(data)


def _read_page(data: bytes) -> FileContent:
    """Read all of a page: what a document imports is text, without a site's menus around it."""
    from retriever.documents.readers.html.blocks import page_text  # here, because these load lxml
    from retriever.documents.readers.html.tree import parse_page

    source, notes = decode_page(data)
    page = parse_page(source)
    text = "" if page.body is None else page_text(page.body)
    return FileContent([Section(text)], {"the end of the page": DEEP} if page.is_cut else {}, notes)


def _page_of(archive: bytes) -> bytes:
    """Return the first page of a web archive (MHTML) as UTF-8, with a mark, as it may declare another encoding."""
    import email
    import email.policy

    message = email.message_from_bytes(archive, policy=email.policy.default)
    for part in message.walk():
        if part.get_content_type() in ("text/html", "text/plain"):
            return b"\xef\xbb\xbf" + str(part.get_content()).encode("utf-8", "replace")
    raise DocumentError("The imported web archive holds no page.")
