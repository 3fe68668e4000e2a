"""Detection of a file's type from its bytes, and decoding of bytes into text."""

import io
import zipfile
from dataclasses import dataclass

from retriever.errors import DocumentError

# The order decides between encodings that fit a text equally well: Windows-1252 is the most common.
ONE_BYTE = ["cp1252", "cp1250", "cp1251", "koi8_r", "cp1253", "cp1255", "cp1256", "cp874"]
TWO_BYTES = ["cp932", "euc_jp", "gb18030", "big5", "cp949"]
BYTE_ORDER_MARKS = (  # UTF-32 before UTF-16, whose little-endian mark is a prefix of UTF-32's
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


@dataclass(frozen=True)
class DecodedText:
    """Text of a file. guessed: the encoding if it was guessed ("windows-1254"), "" if a mark or UTF-8 showed it."""

    text: str
    guessed: str = ""

    @property
    def notes(self) -> tuple[str, ...]:
        """The sentence for the reader of the file, if the encoding is a guess."""
        if not self.guessed:
            return ()
        return (f"The encoding is a guess: {self.guessed}. If letters look wrong, save the file as UTF-8.",)


def detect_type(data: bytes) -> str:
    """Return a file's type as its first bytes show it ("a PDF"), or "" if they show none."""
    kind = next((name for start, name in SIGNATURES if data.startswith(start)), "")
    if kind == "a ZIP archive":
        try:
            with zipfile.ZipFile(io.BytesIO(data)) as archive:
                members = archive.namelist()
        except zipfile.BadZipFile:
            return "a damaged ZIP archive"
        return next((name for start, name in ZIP_KINDS if any(m.startswith(start) for m in members)), kind)
    return kind


def decode(data: bytes) -> DecodedText:
    """Decode bytes into text: by the byte order mark, else as UTF-8, else by the most likely legacy encoding.

    Up to one NUL per fifty bytes is tolerated in UTF-8; more of them mean UTF-16 or a binary file. Raises
    DocumentError if the bytes are a file of another type, binary or in an unknown encoding.
    """
    if kind := detect_type(data):
        raise DocumentError(f"The content is {kind}, but text was expected: give the file its right extension.")
    marked_encoding = next((name for mark, name in BYTE_ORDER_MARKS if data.startswith(mark)), "")
    if marked_encoding or data.count(0) * 50 <= len(data):
        text = _decode_strictly(data, marked_encoding or "utf-8")
        if text is not None:
            return DecodedText(text)
    # a text with NUL bytes is not tested for control bytes: in UTF-16 any byte may occur
    control_bytes = sum(map(data.count, range(1, 8))) + sum(map(data.count, range(14, 27)))
    guess = None
    if not marked_encoding and (0 in data or control_bytes * 50 <= len(data)):
        guess = _guess_encoding(data)
    if guess is None:
        raise DocumentError(
            "The content is binary or in an unknown encoding, but text was expected: save the file as UTF-8 text."
        )
    return guess


def _decode_strictly(data: bytes, encoding: str) -> str | None:
    """Return the decoded bytes, or None if they are not valid in this encoding."""
    try:
        return data.decode(encoding)
    except UnicodeError:
        return None


def _guess_encoding(data: bytes) -> DecodedText | None:
    """Decode by character statistics, or return None if no encoding fits.

    Text without NUL bytes is not UTF-16; text with few bytes above 127 is hardly in an Asian script.
    """
    from charset_normalizer import from_bytes

    if 0 in data:
        candidates = ["utf_16_le", "utf_16_be"]
    else:
        high_bytes = len(data.translate(None, bytes(range(128))))
        candidates = ONE_BYTE + TWO_BYTES if high_bytes * 4 < len(data) else TWO_BYTES + ONE_BYTE
    matches = [match for match in from_bytes(data, cp_isolation=candidates) if "\0" not in str(match)]
    if not matches:
        return None
    best = min(matches, key=lambda match: (match.chaos, -match.coherence, candidates.index(match.encoding)))
    return DecodedText(str(best), best.encoding.replace("cp125", "windows-125"))
