"""Detection of a file's type from its bytes, and decoding of bytes into text."""

import io
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass

from retriever.documents.encodings import LEGACY, NAMES, SEVEN_BIT, WIDE, guess_encoding
from retriever.errors import DocumentError

BYTE_ORDER_MARKS = (  # UTF-32 before UTF-16, whose little-endian mark is a prefix of UTF-32's
    (b"\xef\xbb\xbf", "utf-8-sig"),
    (b"\xff\xfe\x00\x00", "utf-32"),
    (b"\x00\x00\xfe\xff", "utf-32"),
    (b"\xff\xfe", "utf-16"),
    (b"\xfe\xff", "utf-16"),
)
SAMPLE = 100_000  # bytes of a large file that are tested first
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
    """Text of a file.

    guessed: the encoding if it was guessed ("windows-1254 (Turkish)"), "" if a mark or UTF-8 showed it. lost:
    characters that are damaged and stand as U+FFFD.
    """

    text: str
    guessed: str = ""
    lost: int = 0

    @property
    def notes(self) -> tuple[str, ...]:
        """Sentences for the reader of the file on what was guessed and what is lost."""
        guess = f"The encoding is a guess: {self.guessed}. If letters look wrong, save the file as UTF-8."
        line = self.text.count("\n", 0, self.text.find("\ufffd")) + 1
        lost = (
            f"Damaged characters stand as \ufffd ({self.lost:,}, the first in line {line:,}): correct them in the file."
        )
        return (guess,) * bool(self.guessed) + (lost,) * bool(self.lost)


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

    Up to one NUL per fifty bytes is tolerated; more of them mean UTF-16 or a binary file. Raises DocumentError if the
    bytes are a file of another type, binary or in an unknown encoding.
    """
    if kind := detect_type(data):
        raise DocumentError(f"The content is {kind}, but text was expected: give the file its right extension.")
    marked_encoding = next((name for mark, name in BYTE_ORDER_MARKS if data.startswith(mark)), "")
    decoded: DecodedText | None
    if marked_encoding:
        decoded = _decode_marked(data, marked_encoding)
    elif data.count(0) * 50 > len(data):
        decoded = _guess(data, WIDE)
    else:
        decoded = _decode_utf8(data) or (_guess(data, WIDE) if 0 in data else None) or _guess_legacy(data)
    if decoded is None:
        raise DocumentError(
            "The content is binary or in an unknown encoding, but text was expected: save the file as UTF-8 text."
        )
    return decoded


def _decode_strictly(data: bytes, encoding: str) -> str | None:
    """Return the decoded bytes, or None if they are not valid in this encoding."""
    try:
        return data.decode(encoding)
    except UnicodeError:
        return None


def _decode_utf8(data: bytes) -> DecodedText | None:
    """Decode UTF-8, a few damaged characters included, and text of seven bits; return None for other encodings."""
    text = _decode_strictly(data, "utf-8")
    if text is not None:
        escaped = data.isascii() and b"\x1b$" in data
        return (_guess(data, SEVEN_BIT) if escaped else None) or DecodedText(text)
    if not (_is_damaged_utf8(data[:SAMPLE]) and _is_damaged_utf8(data)):  # the sample spares time for other encodings
        return None
    text = data.decode("utf-8", "replace")
    return DecodedText(text, lost=text.count("\ufffd") - data.count(b"\xef\xbf\xbd"))


def _is_damaged_utf8(data: bytes) -> bool:
    """Return whether over three quarters of the characters above 127 are valid UTF-8; by chance, few are."""
    text = data.decode("utf-8", "replace")
    lost = text.count("\ufffd")
    sound = len(text) - lost - len(data.translate(None, bytes(range(128, 256))))
    return sound >= 3 * lost


def _guess_legacy(data: bytes) -> DecodedText | None:
    """Decode by the most likely encoding of one or two bytes a character, or return None for a binary file."""
    control_bytes = sum(map(data.count, range(1, 8))) + sum(map(data.count, range(14, 27)))
    return _guess(data, LEGACY) if control_bytes * 50 <= len(data) else None


def _guess(data: bytes, names: Mapping[str, str]) -> DecodedText | None:
    """Decode by the most likely of some encodings, or return None if no encoding fits."""
    name = guess_encoding(data, names)
    return _with_losses(data, name, NAMES[name]) if name else None


def _decode_marked(data: bytes, encoding: str) -> DecodedText | None:
    """Decode text whose mark shows the encoding; return None if too many of its characters, or all, are damaged."""
    text = _decode_strictly(data, encoding)
    if text is not None:
        return DecodedText(text)
    decoded = _with_losses(data, encoding)
    return decoded if decoded and decoded.lost < len(decoded.text) else None


def _with_losses(data: bytes, encoding: str, guessed: str = "") -> DecodedText | None:
    """Decode text in an encoding, with U+FFFD for damaged characters; return None if they are too many."""
    text = data.decode(encoding, "replace")
    lost = text.count("\ufffd")
    return DecodedText(text, guessed, lost) if lost <= 1 + len(text) // 50 else None
