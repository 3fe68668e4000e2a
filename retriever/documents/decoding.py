"""Tell from its bytes what a file holds, and turn bytes into text."""

import io
import zipfile

from retriever.errors import DocumentError

# The order decides between encodings that explain a text equally well: Windows-1252 is the commonest.
ONE_BYTE = ["cp1252", "cp1250", "cp1251", "koi8_r", "cp1253", "cp1255", "cp1256", "cp874"]
TWO_BYTES = ["cp932", "euc_jp", "gb18030", "big5", "cp949"]
BYTE_ORDER_MARKS = (  # UTF-32 before UTF-16: the little-endian mark of one begins with that of the other
    (b"\xef\xbb\xbf", "utf-8-sig"),
    (b"\xff\xfe\x00\x00", "utf-32"),
    (b"\x00\x00\xfe\xff", "utf-32"),
    (b"\xff\xfe", "utf-16"),
    (b"\xfe\xff", "utf-16"),
)
SIGNATURES = (
    (b"%PDF-", "a PDF"),
    (b"PK\x03\x04", "a ZIP archive"),
    (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "an old or password-protected Office file"),
    (b"{\\rtf", "an RTF text"),
    (b"\x89PNG\r\n", "a PNG image"),
    (b"\xff\xd8\xff", "a JPEG image"),
    (b"\x1f\x8b\x08", "a gzip archive"),
    (b"\x7fELF", "a program"),
)
ZIP_KINDS = (("word/", "a Word document"), ("xl/", "an Excel workbook"), ("ppt/", "a PowerPoint file"))


def kind_of(data: bytes) -> str:
    """Say what the first bytes show a file to be ("a PDF"), or "" when they show nothing."""
    kind = next((name for start, name in SIGNATURES if data.startswith(start)), "")
    if kind == "a ZIP archive":
        try:
            with zipfile.ZipFile(io.BytesIO(data)) as archive:
                members = archive.namelist()
        except zipfile.BadZipFile:
            return "a damaged ZIP archive"
        return next((name for start, name in ZIP_KINDS if any(m.startswith(start) for m in members)), kind)
    return kind


def decode(data: bytes) -> str:
    """Turn bytes into text: by the byte order mark, else as UTF-8, else by the likeliest older encoding.

    Up to one NUL in fifty bytes passes as dirt in UTF-8; more of them mean UTF-16 or a binary file.
    """
    if kind := kind_of(data):
        raise DocumentError(f"The content is {kind}, but text was expected: give the file its right extension.")
    marked = next((name for mark, name in BYTE_ORDER_MARKS if data.startswith(mark)), "")
    text = None
    if marked or data.count(0) * 50 <= len(data):
        text = _decode_strictly(data, marked or "utf-8")
    # UTF-16, which has NUL bytes, may have any other byte too
    controls = sum(map(data.count, range(1, 8))) + sum(map(data.count, range(14, 27)))
    if text is None and not marked and (0 in data or controls * 50 <= len(data)):
        text = _guess_encoding(data)
    if text is None:
        raise DocumentError(
            "The content is binary or in an unknown encoding, but text was expected: save the file as UTF-8 text."
        )
    return text


def _decode_strictly(data: bytes, encoding: str) -> str | None:
    """Decode, or give None where the bytes are not in this encoding."""
    try:
        return data.decode(encoding)
    except UnicodeError:
        return None


def _guess_encoding(data: bytes) -> str | None:
    """Decode by statistics; without NUL bytes it is not UTF-16, with few bytes above 127 hardly an Asian script."""
    from charset_normalizer import from_bytes

    if 0 in data:
        candidates = ["utf_16_le", "utf_16_be"]
    else:
        letters = len(data.translate(None, bytes(range(128))))
        candidates = ONE_BYTE + TWO_BYTES if letters * 4 < len(data) else TWO_BYTES + ONE_BYTE
    matches = [match for match in from_bytes(data, cp_isolation=candidates) if "\0" not in str(match)]
    if not matches:
        return None
    best = min(matches, key=lambda match: (match.chaos, -match.coherence, candidates.index(match.encoding)))
    return str(best)
