"""Reader of HTML pages."""

import re

from retriever.documents.decoding import DecodedText, decode, detect_type
from retriever.documents.document import FileContent, Section

MAX_TAGS = 200_000  # from here on, the main text is not looked for; about 100,000 elements


def read_html(data: bytes) -> FileContent:
    """Read a page's main text with trafilatura, or its whole body if that finds none; no scripts or styles.

    From MAX_TAGS tags on, the whole body is read: looking for the main text takes 0.1 ms per tag.
    """
    import trafilatura

    decoded = _decode_html(data)
    page = decoded.text
    if not re.search(r"<body[\s>]", page, flags=re.IGNORECASE):
        page = f"<html><body><div>{page}</div></body></html>"  # trafilatura rejects fragments
    tree = trafilatura.load_html(page)
    if tree is None:
        return FileContent([])
    title = tree.findtext(".//title") or tree.findtext(".//h1") or ""
    small = page.count("<") < MAX_TAGS
    text = trafilatura.extract(page, include_comments=False, favor_recall=True) if small else ""
    text = text or trafilatura.html2txt(page)
    return FileContent([Section(text, " ".join(title.split()))], notes=decoded.notes)


def _decode_html(data: bytes) -> DecodedText:
    """Decode a page; if it is not UTF-8, by the charset that it declares rather than by a guess."""
    declared = re.search(rb"charset=[\"']?([\w-]+)", data[:4096])
    try:
        data.decode("utf-8")
    except UnicodeDecodeError:
        if declared and not detect_type(data):
            try:
                return DecodedText(data.decode(declared[1].decode()))
            except (LookupError, ValueError):  # an unknown or a wrong charset
                pass
    return decode(data)
